"""Consumers that are killed, rebalanced and fed with poison: all lanes in one process, and each in one of its own."""

import io
import json
import random
import shutil
import time

import fastavro

from rollcall import books, config
from rollcall.suite import equal, fail, run, test
from rollcall.topics import EVENT_TYPES, Producer
from rollcall.world import World

PEOPLE = 40
SLOTS = 8  # fewer than the failures that open the breaker
RETRIES = [f"retry.{delay}" for delay in config.RETRY_DELAYS]
chance = random.Random(4)

world = World("consumers", {"acme": {"people": PEOPLE, "seed": 41, "mapping": config.MANAGERS, "learnamp": {"max_in_flight": SLOTS}}},
              # Poison is counted, and here there is more of it than of anything else.
              {"consumer": {"dead_letter_budget": {"percent": 100, "count": 10000}}})
acme = world["acme"]
retry_topics = [f"{world.application}.{name}" for name in RETRIES]
together = world.consumer("together")
apart = [world.consumer(event_type, events=[event_type]) for event_type in EVENT_TYPES]


def sow():
    """Faults of a service that is used over the internet."""
    for number, (kind, more) in enumerate((("status", {"status": 500}), ("status", {"status": 503}), ("drop", {}), ("cut", {}),
                                           ("hang", {"delay_ms": 4000}), ("throttle", {"retry_after_s": 1}))):
        world.sandbox.fault(kind, "learnamp", acme, probability=0.02, seed=90 + number, match={"path": "/v1/*"}, **more)
    for status in (500, 503):  # of these one at least, whatever chance says
        world.sandbox.fault("status", "learnamp", acme, match={"path": "/v1/*"}, status=status)
    acme.settings(learnamp={"latency_ms": 20})


def calm():
    world.sandbox.clear()
    acme.settings(learnamp={"latency_ms": 0})


def change(seed, steps, during=lambda step: None):
    """Random changes; the producer publishes them while they go on. `during(step)` does what a test is about."""
    for step in range(steps):
        acme.change("random", seed=seed * 1000 + step, changes=6)
        during(step)
        # Work that arrives all at once would be done before anything can happen to it.
        time.sleep(0.25)


def working():
    """Waits until Learn Amp is being written to, and then a moment that is not chosen."""
    since = acme.last_request()
    world.wait_for("requests", lambda: acme.last_request() > since, 30, 0.01)
    time.sleep(chance.uniform(0, 0.3))


def kill(program):
    working()
    program.kill()


def without_outcome(committed):
    """I5: records below the committed offsets of their lanes ({type: {(topic, partition): offset}}) of which nothing tells
    what became of them."""
    topics, problems = world.topics.refresh(), []
    # All rows, for a later event of the same employee may have been parked since.
    rows, parked = {}, {}
    for row in topics.records[f"{world.application}.ledger"]:
        if row.value and row.value["outcome"] not in ("PARKED", "DEAD"):
            rows[row.key] = max(rows.get(row.key, 0), row.value["version"])
    for name in [*retry_topics, f"{world.application}.dlq"]:
        for record in topics.records[name]:
            parked.setdefault(record.headers.get("rollcall_origin"), []).append(record)

    def told(record, lane, origin):
        if rows.get(f"{lane}:{record.key}", 0) >= record.value["metadata"]["version"]:
            return True
        return any(other is not record and other.timestamp >= record.timestamp for other in parked.get(origin, []))

    for lane in EVENT_TYPES:
        for record in topics.records[f"employee.{lane}"]:
            if record.value and committed[lane].get((world.prefix + record.topic, record.partition), -1) > record.offset:
                origin = f"{world.prefix}{record.topic}/{record.partition}/{record.offset}"
                if not told(record, lane, origin):
                    problems.append(f"{record} is committed, and has no outcome")
        for name in retry_topics:
            for record in topics.records[name]:
                if record.value and record.headers.get("rollcall_lane") == lane and \
                        committed[lane].get((world.prefix + name, record.partition), -1) > record.offset:
                    if not told(record, lane, record.headers.get("rollcall_origin")):
                        problems.append(f"{record} of lane {lane} is committed, and has no outcome")
    return problems


def commits():
    return {lane: world.topics.committed(f"{world.application}.{lane}") for lane in EVENT_TYPES}


def check_outcomes():
    committed = commits()
    # The markers of one transaction reach the partitions one by one.
    world.wait_for("outcomes of all that is committed", lambda: without_outcome(committed), 15, 0.3)


def settle():
    world.settle(timeout=90)
    fail(books.ledger(world.topics, world.application))
    fail(books.dead_letters(world.topics, world.application))


# --- all lanes in one process ---------------------------------------------------------------------------------------

@test
def all_lanes_in_one_process_import_everybody():
    world.producer().start().wait_ready()
    together.start().wait_ready()
    settle()


@test
def I5_what_is_committed_has_its_outcome_whenever_the_process_is_killed():
    sow()

    def during(step):
        if step % 6 == 3:
            kill(together)
            try:
                check_outcomes()
            finally:
                together.start()
    change(1, 16, during)


@test
def I6_Learn_Amp_equals_HR_when_the_faults_have_stopped():
    calm()
    settle()
    fail(books.duplicates(acme))
    fail(books.deactivations(world.topics, acme))


@test
def I4_one_process_never_writes_an_older_state_over_a_newer_one():
    fail(books.order(world.topics, acme))
    statuses = {request["status"] for request in acme.requests()}
    assert {500, 503} <= statuses, f"no fault was hit: {statuses}"


def retitle(title, people):
    acme.changes([{"op": "update", "employee": person, "job_title": f"{title} {number}"} for number, person in enumerate(people)])


def published(title, people):
    """Waits until the events say so."""
    def missing():
        titles = {record.value["metadata"]["employee_id"]: record.value["employee"]["job_title"]
                  for record in world.topics.refresh().records["employee.profile-updated"] if record.value}
        return [person for number, person in enumerate(people) if titles.get(person) != f"{title} {number}"]
    world.wait_for(f"{title} to be published", missing, 30, 0.05)


def employed():
    return [user["integrationExternalId"] for user in acme.users() if user["statusValue"] != "deactivated"]


def overtake(wipe):
    """Kills the consumer while requests are under way that take effect when the next one could have finished already."""
    people = employed()[:4]
    number = world.sandbox.fault("late", "learnamp", acme, match={"path": "/v1/*", "method": "PUT"}, next=len(people), delay_ms=2900)
    retitle("Overtaken", people)
    world.wait_for("requests to be under way", lambda: world.sandbox.hits(number) == len(people), 30, 0.01)
    killed_at = time.monotonic()
    together.kill()
    if wipe:
        shutil.rmtree(world.folder / "state" / "together")
    retitle("Newest", people)
    published("Newest", people)
    time.sleep(max(0, killed_at + 1.2 - time.monotonic()))
    together.start()
    time.sleep(max(0, killed_at + 3.2 - time.monotonic()))
    settle()
    calm()


@test
def I4_a_request_of_a_killed_process_that_takes_effect_late_is_not_the_last_word():
    overtake(wipe=False)


@test
def I4_nor_is_it_when_its_files_are_lost_with_it():
    overtake(wipe=True)


@test
def I4_a_process_that_was_frozen_past_its_session_sends_nothing_old():
    people = employed()
    assert len(people) > SLOTS + 4, f"{len(people)} people are too few for {SLOTS} slots"
    number = world.sandbox.fault("delay", "learnamp", acme, match={"path": "/v1/*", "method": "PUT"}, next=SLOTS, delay_ms=1500)
    retitle("Overtaken", people)
    # All slots are taken, and the others wait for one.
    world.wait_for("requests to be under way", lambda: world.sandbox.hits(number) == SLOTS, 30, 0.01)
    together.pause()
    other = world.consumer("other").start().wait_ready(60)
    retitle("Newest", people)
    world.settle(timeout=90)
    together.resume()
    together.wait_ready(60)
    settle()
    equal(other.stop(), 0)
    calm()


# --- each lane in a process of its own ------------------------------------------------------------------------------

@test
def I4_lanes_apart_end_at_the_newest_state_though_each_is_killed():
    equal(together.stop(), 0)
    sow()
    for program in apart:
        program.start()
    for program in apart:
        program.wait_ready()
    victims = chance.sample(apart, len(apart))

    def during(step):
        if step % 4 == 2 and victims:
            victim = victims.pop()
            kill(victim)
            victim.start()
    change(2, 16, during)
    calm()
    settle()
    check_outcomes()


# --- rebalances -----------------------------------------------------------------------------------------------------

@test
def partitions_move_from_one_to_three_and_back_in_the_middle_of_work():
    for program in apart:
        assert program.process is not None, f"{program.name} was never started"
        equal(program.stop(), 0, program.name)
    sow()
    together.start().wait_ready()
    more = [world.consumer("second"), world.consumer("third")]

    def during(step):
        if step == 3:
            working()
            for program in more:
                program.start()
        if step == 8:
            for program in more:
                program.wait_ready()
            working()
            equal(more[0].stop(), 0)
        if step == 10:
            kill(more[1])
    change(3, 14, during)
    calm()
    settle()


@test
def I5_every_event_and_every_retry_has_its_outcome_after_all_of_it():
    check_outcomes()
    fail(books.chain(world.topics))
    fail(books.snapshots(world.topics))
    fail(books.unreadable(world.topics))
    fail(books.deactivations(world.topics, acme))
    fail(books.duplicates(acme))


# --- poison ---------------------------------------------------------------------------------------------------------

def known_event():
    return world.topics.records["employee.created"][0]


def poisons():
    valid = known_event().raw
    return {
        "empty": (b"", []),
        "tombstone": (None, []),
        "one byte": (b"\xc3", []),
        "random": (chance.randbytes(300), []),
        "text": (b'{"employee": "somebody"}', []),
        "wrong magic": (b"\xc3\x02" + valid[2:], []),
        "fingerprint only": (valid[:10], []),
        "truncated": (valid[:-7], []),
        "cut in the middle": (valid[:len(valid) // 2], []),
        "longer than it says": (valid + b"\x00\x01", []),
        "random behind a good frame": (valid[:10] + b"\xff" * 200, []),
        "wrong headers": (valid[:40], [("rollcall_attempt", b"many"), ("rollcall_not_before", b"\xff\x00"), ("ce_id", None),
                                       ("rollcall_reason", b"\x00" * 9), ("rollcall_origin", b"a/b/c/d"), ("", b"")]),
        "huge headers": (valid[:40], [("large", b"x" * 200000)] + [(f"h{i}", b"y" * 100) for i in range(300)]),
    }


sent = {}  # mark: (topic, what was sent)


@test
def poison_in_every_topic_is_dead_lettered_raw_and_holds_up_nobody():
    producer, before = Producer(world.kafka.address), known_event()
    for event_type in EVENT_TYPES:
        topic = f"employee.{event_type}"
        for name, (raw, headers) in poisons().items():
            sent[f"{name} in {topic}"] = topic, raw
            producer.send(world.prefix + topic, before.key if len(sent) % 2 else None, raw,
                          [*headers, ("x-mark", f"{name} in {topic}".encode())])
    for number, topic in enumerate(retry_topics):
        for name, (raw, headers) in poisons().items():
            mark = f"{name} in {topic}"
            sent[mark] = topic, raw
            # Of a lane, of none, and of one that there is not.
            lane = [("rollcall_lane", EVENT_TYPES[number].encode()), None, ("rollcall_lane", b"nobody's")][len(sent) % 3]
            producer.send(world.prefix + topic, before.key, raw, [*headers, *([lane] if lane else []), ("x-mark", mark.encode())])
    acme.change("random", seed=9, changes=20)
    hired = acme.change("hire", work_email="behind-poison@acme.example")["employee"]
    world.wait_polled()
    world.wait_equal()
    assert acme.user(hired), "nobody was hired behind the poison"
    world.wait_quiet()


@test
def every_poison_is_there_once_as_it_was_with_headers_that_can_be_read():
    found, problems = {}, []
    for record in world.topics.refresh().records[f"{world.application}.dlq"]:
        found.setdefault(record.headers.get("x-mark"), []).append(record)
    for mark, (topic, raw) in sent.items():
        records = found.pop(mark, [])
        if len(records) != 1:
            problems.append(f"{mark}: {len(records)} dead letters")
            continue
        record = records[0]
        origin = record.headers.get("rollcall_origin") or ""
        if record.raw != raw:
            problems.append(f"{mark}: the bytes are others: {(record.raw or b'')[:40]!r}, and not {(raw or b'')[:40]!r}")
        if record.headers.get("rollcall_reason") != "POISON" or not record.headers.get("rollcall_message"):
            problems.append(f"{mark}: {record.headers}")
        if topic.startswith("employee.") and not origin.startswith(f"{world.prefix}{topic}/"):
            problems.append(f"{mark}: it comes from {origin}")
    problems += [f"{len(records)} dead letters of {mark}, which is no poison" for mark, records in found.items()]
    fail(problems)


@test
def what_is_not_known_yet_waits_in_the_last_tier_and_is_not_counted():
    record = known_event()
    schema = {"type": "record", "name": "Future", "namespace": "somebody.elses", "fields": [{"name": "a", "type": "string"}]}
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), {"a": "b"})
    fingerprint = fastavro.schema.fingerprint(fastavro.schema.to_parsing_canonical_form(schema), "CRC-64-AVRO")
    stranger = acme.id[:-1] + "f"
    unknown = {
        "UNKNOWN_SCHEMA": (record.key, b"\xc3\x01" + bytes.fromhex(fingerprint) + out.getvalue()),
        "UNKNOWN_INTEGRATION": (record.key.replace(acme.id, stranger), record.raw.replace(acme.id.encode(), stranger.encode())),
    }
    letters = len(world.topics.refresh().records[f"{world.application}.dlq"])
    for reason, (key, raw) in unknown.items():
        for event_type in EVENT_TYPES:
            Producer(world.kafka.address).send(f"{world.prefix}employee.{event_type}", key, raw,
                                               [("x-mark", f"{reason} {event_type}".encode())])

    def rounds():
        """In the last tier again and again."""
        seen = {}
        for parked in world.topics.refresh().records[retry_topics[-1]]:
            seen.setdefault(parked.headers.get("x-mark"), []).append(parked)
        return [f"{reason} {event_type}: {len(seen.get(f'{reason} {event_type}', []))} times" for reason in unknown
                for event_type in EVENT_TYPES if len(seen.get(f"{reason} {event_type}", [])) < 2]
    world.wait_for("two rounds of the last tier", rounds, 30, 0.3)
    problems = []
    for name in [*retry_topics, f"{world.application}.dlq"]:
        for parked in world.topics.records[name]:
            reason = (parked.headers.get("x-mark") or "").split(" ")[0]
            if reason not in unknown:
                continue
            if name != retry_topics[-1] or parked.raw != unknown[reason][1] or \
                    (parked.headers["rollcall_reason"], parked.headers.get("rollcall_attempt", "0")) != (reason, "0"):
                problems.append(f"{parked}: {json.dumps(parked.headers)}")
    fail(problems)
    equal(len(world.topics.records[f"{world.application}.dlq"]), letters)
    # The others go on.
    acme.change("update", 0, job_title="Still here")
    world.wait_polled()
    world.wait_equal()


@test
def an_event_topic_may_be_deleted_and_made_anew_below_a_running_consumer():
    def promote(title):
        acme.change("update", 0, job_title=title)
        world.wait_polled()
        world.wait_equal()
    for title in ("First", "Second", "Third"):
        promote(title)
    world.make_anew("employee.profile-updated")
    promote("After the flood")  # where the first one was


@test
def the_consumer_ends_when_it_is_told_to():
    equal(together.stop(), 0)


with world:
    run(world=world)
