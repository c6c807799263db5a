"""Wall clocks that are set while programs run, forwards and back: the programs' own (tests/fault/clock.c), and Kombo's."""

import datetime
import json

from rollcall import books, config
from rollcall.clock import Clock
from rollcall.suite import equal, fail, run, test
from rollcall.world import World

HOUR = 3600
DAY = 24 * HOUR

world = World("clocks", {"acme": {"people": 12, "seed": 5, "mapping": config.MANAGERS}})
acme = world["acme"]
producers_clock, consumers_clock = Clock(world.folder / "producers-clock"), Clock(world.folder / "consumers-clock")
producer = world.producer(environment=producers_clock.environment())
consumer = world.consumer(environment=consumers_clock.environment())
titles = iter(range(1000))


def promote(person=0):
    acme.change("update", person, job_title=f"Title {next(titles)}")


def promote_and_wait(times=2, timeout=30):
    for _ in range(times):
        promote()
        world.wait_equal(timeout=timeout)


def state():
    done = world.command("producer", "status", "--json")
    return json.loads(done.stdout)["integrations"][0]


def employed():
    return next(user["integrationExternalId"] for user in acme.users() if user["statusValue"] != "deactivated")


@test
def everybody_is_imported():
    world.create_topics()
    producer.start().wait_ready()
    consumer.start().wait_ready()
    world.wait_equal()
    world.wait_quiet()


# --- the consumer's -------------------------------------------------------------------------------------------------

@test
def a_consumer_whose_clock_is_set_back_stays_in_its_groups_and_goes_on():
    for step in (-HOUR, -DAY):
        consumers_clock.step(step)
        promote_and_wait()
        world.wait_quiet(30)
    # librdkafka's threads would sleep until the old time has come again, and the session would end meanwhile.
    assert "group has moved on" not in consumer.text(), consumer.tail()


@test
def a_consumer_whose_clock_is_a_day_ahead_commits_what_it_did():
    consumers_clock.set(DAY)
    promote_and_wait()
    world.wait_quiet(30)


@test
def what_was_parked_by_a_clock_that_was_ahead_is_due_after_its_delay():
    number = world.sandbox.fault("status", "learnamp", acme, match={"path": "/v1/users*", "method": "PUT"}, next=3, status=500)
    parked = len(world.topics.refresh().records[f"{world.application}.retry.1s"])
    promote()
    world.wait_for("the record to be parked",
                   lambda: len(world.topics.refresh().records[f"{world.application}.retry.1s"]) > parked, 30)
    consumers_clock.set(0)
    world.wait_equal(timeout=30)
    world.wait_quiet(30)
    equal(world.sandbox.hits(number), 3)


# --- the producer's -------------------------------------------------------------------------------------------------

@test
def I3_nobody_is_deactivated_by_a_clock_that_is_a_day_ahead():
    today = datetime.datetime.now(datetime.timezone.utc).date()
    person = employed()
    acme.change("update", person, termination_date=str(today + datetime.timedelta(hours=12)), employment_status="ACTIVE")
    world.wait_polled()
    world.wait_equal()
    producers_clock.set(DAY)
    world.wait_for("the producer to say so", lambda: state()["state"] == "MISCONFIGURED" and "ahead of Kombo's" in state()["reason"], 20)
    gone = [record for event_type, record in world.topics.refresh().events() if event_type == "deactivated"]
    fail([str(record) for record in gone if record.key.endswith(person)], "deactivated")


@test
def a_producer_whose_clock_is_right_again_polls_at_once():
    producers_clock.set(0)
    world.wait_for("the integration to be well", lambda: state()["state"] == "OK", 20)
    promote_and_wait()


@test
def I3_nobody_comes_back_by_a_clock_that_is_a_day_behind():
    created = len([1 for event_type, _ in world.topics.refresh().events() if event_type == "created"])
    producers_clock.set(-DAY)
    world.wait_for("the producer to say so", lambda: "behind Kombo's" in (state().get("reason") or ""), 20)
    producers_clock.set(0)
    world.wait_for("the integration to be well", lambda: state()["state"] == "OK", 20)
    equal(len([1 for event_type, _ in world.topics.refresh().events() if event_type == "created"]), created)
    promote_and_wait()


@test
def a_producer_polls_on_when_its_clock_is_set_back_by_less_than_matters():
    producers_clock.set(20 * 60)
    promote_and_wait()
    producers_clock.set(0)
    promote_and_wait()


# --- Kombo's --------------------------------------------------------------------------------------------------------

@test
def I1_a_change_is_found_though_the_clock_of_Kombo_was_set_back_before_it():
    world.sandbox.call("PUT", "clock", {"offset_ms": 20 * 60 * 1000})
    promote_and_wait(1)
    world.wait_polled()
    equal(producer.stop(), 0)
    # As it was after the set-back, long enough before the next poll that the overlap of two polls does not reach it.
    world.sandbox.call("PUT", "clock", {"offset_ms": -10 * 60 * 1000})
    promote()
    world.sandbox.call("PUT", "clock", {"offset_ms": 0})
    producer.start().wait_ready()
    world.wait_equal(timeout=30)


@test
def the_books_hold():
    world.settle()
    world.check_books()
    fail(books.order(world.topics, acme))
    for program in (producer, consumer):
        equal(program.stop(), 0, program.name)


with world:
    run(world=world)
