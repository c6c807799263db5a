"""Topics that are lost: deleted and made anew below running programs, or while no producer runs. What was not in them is applied all the same,
and nobody is deactivated because it is not known any more that they are employed (I3)."""

from rollcall import books, config
from rollcall.suite import equal, fail, run, test
from rollcall.topics import EVENT_TYPES
from rollcall.world import World

PARTITIONS = 2
world = World("topics", {"acme": {"people": 16, "seed": 5}}, partitions=PARTITIONS)
acme = world["acme"]
services = {}
RETRIES = [f"{world.application}.retry.{delay}" for delay in config.RETRY_DELAYS]


def employed():
    return sorted(user["integrationExternalId"] for user in acme.users() if user["statusValue"] != "deactivated")


def refuse(**match):
    world.sandbox.fault("status", "learnamp", acme, match=match, status=500, next=-1)


def wait_parked(employee, lane, reason):
    def missing():
        world.topics.refresh()
        found = [(record.headers["rollcall_lane"], record.headers["rollcall_reason"]) for topic in RETRIES
                 for record in world.topics.records[topic] if record.key.endswith(employee)]
        return [] if (lane, reason) in found else [f"parked are {found}"]
    world.wait_for(f"the {lane} event of {employee} to be parked: {reason}", missing)


def check():
    world.topics.refresh()
    fail(books.deactivations(world.topics, acme))
    fail(books.duplicates(acme))


@test
def I3_a_lost_snapshot_topic_deactivates_nobody_whose_events_are_worked_again():
    services["producer"], services["consumer"] = world.start()
    world.settle()
    stays, returns = employed()[:2]
    # Parked: somebody who is published once more; and the leaving of somebody who has come back since.
    refuse(method="PUT", contains=stays)
    refuse(method="PUT", contains=returns)
    refuse(path=f"/v1/users/{acme.user(returns)['id']}/deactivate")
    equal(world.command("producer", "resync", "--integration", acme.id, "--employee", stays).returncode, 0)
    acme.change("leave", returns)
    wait_parked(returns, "deactivated", "TRANSIENT")
    acme.change("update", returns, employment_status="ACTIVE", termination_date=None)
    wait_parked(returns, "created", "TRANSIENT")
    wait_parked(stays, "created", "TRANSIENT")
    services["producer"].kill()
    world.make_anew("employee.snapshot")
    world.wait_for("the consumer to know", lambda: services["consumer"].text().count("local table is made again") == PARTITIONS)
    world.sandbox.clear()
    wait_parked(stays, "created", "NO_SNAPSHOT")
    wait_parked(returns, "created", "NO_SNAPSHOT")
    wait_parked(returns, "deactivated", "NO_SNAPSHOT")
    equal([r["target"] for r in acme.writes() if r["target"].endswith("/deactivate") and r["effect"] != "none"], [])


@test
def I6_a_producer_that_finds_the_snapshots_lost_reads_everybody_anew():
    services["producer"].start()
    world.wait_for("everybody to be published", lambda: set(employed()) == {row["employee_id"] for row in world.topics.refresh().snapshots().values()})
    world.settle()
    check()


def change(number):
    """Everything that can happen to people."""
    people = employed()
    acme.changes([{"op": "update", "employee": people[0], "job_title": f"Title {number}"},
                  {"op": "update", "employee": people[1], "team": acme.groups()[number % 3]["name"]},
                  {"op": "hire", "work_email": f"new-{number}@acme.example"},
                  {"op": "leave", "employee": people[2]}])


def lose(*topics):
    world.wait_quiet()
    for topic in topics:
        world.make_anew(topic)
    world.read_anew()


@test
def every_topic_may_be_deleted_and_made_anew_below_running_programs():
    for number, topics in enumerate(([f"employee.{event_type}" for event_type in EVENT_TYPES],
                                     [f"{world.application}.ledger", f"{world.application}.dlq", *RETRIES],
                                     ["sync.commands", "sync.state", "sync.pending", "schemas"])):
        lose(*topics)
        change(number)
        # What is written to a topic before a lane finds that it is another, up to where that had read, is lost with the old one.
        world.wait_polled()
        equal(world.command("producer", "resync", "--integration", acme.id).returncode, 0)
        world.settle()
        check()
    lose("employee.snapshot")
    world.wait_for("everybody to be published", lambda: set(employed()) <= {row["employee_id"] for row in world.topics.refresh().snapshots().values()})
    change(3)
    world.settle()
    fail(books.duplicates(acme))


@test
def both_end_when_they_are_told_to():
    for program in services.values():
        equal(program.stop(), 0, program.name)


with world:
    run(world)
