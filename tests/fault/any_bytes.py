"""A Kafka topic with any bytes at all never stops a program: poison of every kind in every topic that either one reads, and behind it
real changes that must arrive. What lies in event and retry topics ends in the dead letters, exactly once, or is parked; the rest is
passed over. Then everything begins anew with empty tables, and all commands look at it.

    any_bytes.py [WORD…] [--seed N] [--rounds N]     other bytes; more than one round of them (a long run)"""

import argparse
import io
import json
import random
import struct
import sys
import time
from collections import Counter

import confluent_kafka
import fastavro

from rollcall import books
from rollcall.process import run as run_program
from rollcall.suite import equal, fail, run, test
from rollcall.topics import EVENT_TYPES
from rollcall.world import World

options = argparse.ArgumentParser()
options.add_argument("words", nargs="*")
options.add_argument("--seed", type=int, default=1)
options.add_argument("--rounds", type=int, default=1)
options = options.parse_args()
sys.argv[1:] = options.words

PARTITIONS = 4
chance = random.Random(options.seed)
world = World("anybytes", {"acme": {"people": 14}, "zeta": {"people": 8}},
              # Every poison is to be seen in the dead letters, not to wait for the budget of one integration.
              {"consumer": {"dead_letter_budget": {"percent": 100, "count": 1000000, "window": "10m"}}}, partitions=PARTITIONS)
acme, zeta = world.integrations.values()
LEDGER, DLQ = f"{world.application}.ledger", f"{world.application}.dlq"
RETRIES = [f"{world.application}.retry.{delay}" for delay in ("1s", "2s", "4s")]
HEADERS_MAX = 300
RELEASED = dict(world.topics.schemas.by_fingerprint)


class Sower:
    """Writes records, and remembers where each of them lies."""

    def __init__(self):
        self.handle = confluent_kafka.Producer({"bootstrap.servers": world.kafka.address, "linger.ms": 5, "log_level": 2,
                                                "partitioner": "murmur2_random", "queue.buffering.max.kbytes": 1000000})
        self.sown = {}  # what, by (topic, partition, offset)

    def sow(self, what, topic, key, value, headers=None, partition=None):
        def delivered(error, message):
            assert error is None, f"{what}: {error}"
            self.sown[topic, message.partition(), message.offset()] = what
        more = {} if partition is None else {"partition": partition}
        self.handle.produce(world.prefix + topic, value=value, key=key, headers=headers or [], on_delivery=delivered, **more)

    def flush(self):
        equal(self.handle.flush(60), 0, "records that were not delivered")


sower = Sower()


# --- bytes ----------------------------------------------------------------------------------------------------------

def noise(most=200):
    return chance.randbytes(chance.randint(1, most))


def frame(record):
    """The frame of a record, with noise for a datum."""
    return record[:10] + noise()


def cut(record):
    return record[:chance.randrange(1, len(record))]


def flipped(record):
    """One to four bits are others; the frame mostly stays, because behind it there is more to break."""
    made = bytearray(record)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(made)) if chance.random() < 0.1 else chance.randrange(10, len(made))
        made[at] ^= 1 << chance.randrange(8)
    return bytes(made)


def grown(record):
    return record + noise(20)


def deep(_):
    return b"\x00" * 100000 if chance.random() < 0.5 else b"\xff" * 100000


MANGLERS = (("noise", lambda _: noise()), ("frame", frame), ("cut", cut), ("grown", grown), ("deep", deep))

KEYS = (None, b"", b"\x00", b"\xff\xfe/\x80", b"/", b"//", b"personio:acme", b"personio:acme/", b"/1", b"nobody/1", b"created:",
        b"created:personio:acme/", "personio:acme/ä".encode(), b"k" * 501, b"k" * 100000, b"personio:acme/" + b"1" * 40000)

FAKES = [  # headers that only Rollcall writes
    ("rollcall_lane", ["created", "profile-updated", "team-changed", "deactivated", "nobody", "", "CREATED", "\x00"]),
    ("rollcall_type", ["created", "deactivated", "17", ""]),
    ("rollcall_attempt", ["0", "-1", "2147483647", "2147483648", "4294967295", "9223372036854775807", "99999999999999999999", "one", "1e9"]),
    ("rollcall_reason", ["MANAGER", "CONFLICT", "POISON", "REJECTED", "HELD", "UNKNOWN_SCHEMA", "nothing", ""]),
    ("rollcall_not_before", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "-1", "tomorrow", "2026-13-45T99:99:99Z", "2040-01-01T00:00:00Z"]),
    ("rollcall_unanswered", ["true", "false", "yes"]),
    ("rollcall_replayed", ["true", "1"]),
    ("rollcall_origin", ["a/0/0", "///", "a/-1/-1", "a/99999999999/1", "x" * 5000 + "/0/0", "a/0/9223372036854775807"]),
    ("rollcall_message", ["m" * 20000, "\x1b[2J\x07", ""]),
    ("rollcall_first_failed_at", ["9999-12-31T23:59:59.999Z", "never"]),
    ("rollcall_failed_at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]),
    ("ce_specversion", ["2.0", ""]), ("ce_type", ["rollcall.employee.created", "x" * 1000]), ("ce_time", ["yesterday"]),
    ("content-type", ["text/html"]), ("", ["an empty name"]),
]


def absurd_headers(lane=None):
    made = [(name, chance.choice(values).encode()) for name, values in FAKES if name != "rollcall_origin" and chance.random() < 0.7]
    kind = chance.randrange(5)
    if kind == 0:
        made += [(f"h{number}", noise(10)) for number in range(HEADERS_MAX)]
    elif kind == 1:
        made.append(("huge", noise(1) * chance.choice((1000, 100000, 300000))))
    elif kind == 2:
        made += [(name, None) for name, _ in made]
    elif kind == 3:
        made += [(name, b"\xff\xfe\x80 not utf-8") for name, _ in made]
    if lane:
        made = [(name, value) for name, value in made if name != "rollcall_lane"] + [("rollcall_lane", lane.encode())]
    return made


def is_readable(raw):
    try:
        world.topics.schemas.decode(raw)
        return True
    except Exception:  # noqa: B902 - a decoder may break in any way
        return False


def mangled(record):
    """(what was done, bytes that are no record any more)"""
    while True:
        name, mangle = chance.choice(MANGLERS)
        made = mangle(record)
        if not is_readable(made):
            return name, made


def fate(value):
    """What has the frame of a schema that may yet be told is parked."""
    is_framed = value[:1] == b"\x00" and len(value) >= 5
    return "any" if is_framed else "dead"


def written(name, value):
    """A datum in a frame of the released schema of that name."""
    for key, schema in RELEASED.items():
        if schema["name"].split(".")[-1] == name:
            out = io.BytesIO()
            try:
                fastavro.schemaless_writer(out, schema, value)
            except Exception:  # noqa: B902 - of another version of that name
                continue
            return b"\xc3\x01" + bytes.fromhex(key) + out.getvalue()
    raise AssertionError(f"no schema {name}")


# --- what is there to be spoilt -------------------------------------------------------------------------------------

def originals(topic):
    """Records that Rollcall wrote."""
    return [record for record in world.topics.records[topic] if record.value is not None
            and (topic, record.partition, record.offset) not in sower.sown]


def somebody(topic):
    return chance.choice(originals(topic))


def working(integration):
    return [e for e in integration.employees() if e["employment_status"] == "ACTIVE" and e["work_email"] and integration.user(e["id"])]


@test
def both_programs_are_in_step():
    world.start()
    world.settle()
    for integration in (acme, zeta):
        staff = [person for person in working(integration) if any(group["type"] == "TEAM" for group in person["groups"])]
        integration.change("add_group", name="Lighthouse", type="TEAM")
        integration.changes([{"op": "update", "employee": staff[0]["id"], "job_title": "Keeper"},
                             {"op": "update", "employee": staff[1]["id"], "team": "Lighthouse"},
                             {"op": "leave", "employee": staff[2]["id"]}])
    world.settle()


# --- sowing ---------------------------------------------------------------------------------------------------------

dead = {}    # sown in event and retry topics, and fit for the dead letters only
parked = {}  # or parked, or passed over: nobody may apply it


def sow_events():
    """Each lane's topic. Whatever cannot be read has to come out as a dead letter."""
    for event_type in EVENT_TYPES:
        topic = f"employee.{event_type}"
        for _ in range(6):
            original = somebody(topic)
            what, value = mangled(original.raw)
            key = chance.choice((original.key.encode(), *KEYS))
            sower.sow(f"{fate(value)}: {what}", topic, key, value, absurd_headers() if chance.random() < 0.5 else None)
        original = somebody(topic)
        sower.sow("dead: no value", topic, original.key.encode(), None)
        sower.sow("dead: neither key nor value", topic, None, None)
        sower.sow("dead: empty", topic, original.key.encode(), b"")
        sower.sow("dead: huge", topic, b"k" * 30000, b"\xff" + chance.randbytes(900000))
        sower.sow("dead: a huge key", topic, b"k" * 600000, b"\xff" + noise())
        sower.sow("dead: another record's", topic, original.key.encode(), somebody("employee.snapshot").raw)
        sower.sow("any: without a key", topic, None, original.raw, partition=original.partition)
        sower.sow("dead: in a partition that is not its own", topic, original.key.encode(), original.raw,
                  partition=(original.partition + 1) % PARTITIONS)
        sower.sow("any: once more, with absurd headers", topic, original.key.encode(), original.raw, absurd_headers())
        for _ in range(6):
            sower.sow("any: flipped", topic, b"personio:nobody/1", flipped(nobodys(topic, original)))
        sower.sow("any: of a schema that nobody told", topic, original.key.encode(), b"\xc3\x01" + noise(1) * 8 + original.raw[10:])
        sower.sow("any: of a registry that is not there", topic, original.key.encode(), b"\x00" + chance.randbytes(4) + original.raw[10:])
        sow_nonsense(topic, original)


def nobodys(topic, original):
    """The event as one of an integration that the configuration does not name: it may be parked, and nobody is touched."""
    value = dict(original.value, metadata=dict(original.value["metadata"], integration_id="personio:nobody"))
    return written(original.schema, value)


def sow_nonsense(topic, original):
    """What reads well and makes no sense."""
    metadata = original.value["metadata"]
    for what, change in (
            ("dead: an employee id of 600 kB", {"employee_id": "7" * 600000}),
            ("dead: an employee id of 600 bytes", {"employee_id": "7" * 600}),
            ("dead: an employee id with a slash", {"employee_id": "1/2"}),
            ("dead: no employee id", {"employee_id": ""}),
            ("dead: a version below zero", {"version": -5}),
            ("dead: the last of all versions", {"version": 2 ** 63 - 1}),
    ):
        value = dict(original.value, metadata=dict(metadata, **change))
        key = f"{metadata['integration_id']}/{value['metadata']['employee_id'][:1000]}".encode()
        sower.sow(what, topic, key, written(original.schema, value))


def sow_retries():
    for topic in RETRIES:
        for event_type in EVENT_TYPES:
            original = somebody(f"employee.{event_type}")
            what, value = mangled(original.raw)
            sower.sow(f"{fate(value)}: {what}", topic, chance.choice((original.key.encode(), *KEYS)), value, absurd_headers(event_type))
            for attempt in ("2147483647", "2147483648", "4294967295", "9223372036854775807"):
                sower.sow("any: a huge attempt", topic, original.key.encode(), original.raw,
                          [("rollcall_lane", event_type.encode()), ("rollcall_attempt", attempt.encode()), ("rollcall_reason", b"MANAGER")])
            sower.sow("dead: not before the year 9999", topic, original.key.encode(), b"\xff" + noise(),
                      [("rollcall_lane", event_type.encode()), ("rollcall_not_before", b"9999-12-31T23:59:59Z")])
            sower.sow("any: once more", topic, original.key.encode(), original.raw, absurd_headers(event_type))
        sower.sow("dead: nobody's", topic, None, noise())
        sower.sow("dead: nobody's, no value", topic, b"k", None, absurd_headers("nobody"))


def sow_dlq():
    for _ in range(12):
        original = somebody(f"employee.{chance.choice(EVENT_TYPES)}")
        _, value = mangled(original.raw)
        sower.sow("seen: in the dead letters", DLQ, chance.choice((original.key.encode(), *KEYS)), chance.choice((value, None, original.raw)),
                  absurd_headers(chance.choice(EVENT_TYPES)))


def sow_tables():
    """Compacted topics: what cannot be read there stands for nothing, also where it stands in the place of somebody's record."""
    for topic in ("employee.snapshot", "sync.pending", "sync.state", LEDGER, "sync.commands", "schemas"):
        known = originals(topic) or originals("employee.snapshot")
        compacted = topic != "sync.commands"
        for key in KEYS[1:] if compacted else KEYS:  # without a key Kafka itself refuses
            _, value = mangled(chance.choice(known).raw if topic != "schemas" else somebody("employee.snapshot").raw)
            sower.sow("passed over", topic, key, value, absurd_headers() if chance.random() < 0.3 else None)
        for record in chance.sample(known, min(3, len(known))):
            _, value = mangled(record.raw)
            sower.sow("passed over: in somebody's place", topic, record.key.encode(), value)
            sower.sow("passed over: in another partition", topic, record.key.encode(), record.raw,
                      partition=(record.partition + 1) % PARTITIONS)
        sower.sow("passed over: no value", topic, b"k" if compacted else None, None)
        sower.sow("passed over: huge", topic, b"personio:acme/9", chance.randbytes(900000))
    for integration in (acme, zeta):
        person = chance.choice(originals("employee.snapshot")).key.encode()
        for topic in ("sync.state", "sync.commands"):
            sower.sow("passed over: of an integration", topic, integration.id.encode(), mangled(somebody("sync.state").raw)[1])
        sower.sow("passed over: of somebody", "sync.pending", person, mangled(somebody("sync.state").raw)[1])
    for fingerprint in (b"0123456789abcdef", b"0" * 16, b"not a fingerprint"):
        for schema in (b"{}", b"[", b'"string"', b"[" * 5000, b'{"type":"record","name":"rollcall.EmployeeCreated","fields":[]}', noise()):
            sower.sow("passed over: a schema", "schemas", fingerprint, schema)


ABSENT = {"trigger": "COMMAND", "employee_id": None, "hold_id": None, "listed_at": None, "events": []}


def sow_commands():
    """Orders that read well and make no sense."""
    base = {"id": "x", "kind": "POLL", "integration_id": acme.id, "issued_at": 0, "expires_at": int(time.time() * 1000) + 60000}
    for kind in ("POLL", "FULL_POLL", "APPROVE", "REJECT", "RESUME", "RESYNC", "FORGET", "PAUSE"):
        for change in ({}, {"id": "", "integration_id": "personio:nobody"}, {"expires_at": -2 ** 63}, {"expires_at": 2 ** 63 - 1, "employee_id": "\n" * 3000},
                       {"employee_id": "nobody", "hold_id": "h" * 5000}):
            if kind in ("PAUSE", "RESYNC") and not set(change) & {"integration_id"} and change.get("expires_at") != -2 ** 63:
                continue  # these would be carried out
            sower.sow("passed over: an order", "sync.commands", acme.id.encode(), written("SyncCommand", {**ABSENT, **base, **change, "kind": kind}))


def sow():
    for part in (sow_events, sow_retries, sow_dlq, sow_tables, sow_commands):
        part()
    sower.flush()


# --- what became of it ----------------------------------------------------------------------------------------------

def origins(topics):
    """How often each sown record came out in these topics, by the place that the copies name."""
    found = Counter()
    for topic in topics:
        for record in world.topics.records[topic]:
            place = (record.headers.get("rollcall_origin") or "").rsplit("/", 2)
            if len(place) == 3 and (topic, record.partition, record.offset) not in sower.sown:
                found[place[0].removeprefix(world.prefix), int(place[1]), int(place[2])] += 1
    return found


def change_everybody(title):
    people = {}
    for integration in (acme, zeta):
        people[integration] = [person["id"] for person in working(integration)]
        integration.changes([{"op": "update", "employee": person, "job_title": f"{title} {number}"}
                             for number, person in enumerate(people[integration])])
        integration.change("hire", first_name="New", last_name=title, work_email=f"{title.lower().replace(' ', '.')}@{integration.slug}.example")
    return people


def arrive():
    world.wait_polled(timeout=60)
    world.wait_equal(timeout=60)


def not_dead_yet():
    world.topics.refresh()
    letters = origins([DLQ])
    return [f"{what} in {place} lies {letters[place]} times in the dead letters" for place, what in sower.sown.items()
            if what.startswith("dead") and letters[place] != 1]


def not_accounted_for():
    """Of what may be applied, parked or dead: each lane has it behind it."""
    committed = {event_type: world.topics.committed(f"{world.application}.{event_type}") for event_type in EVENT_TYPES}
    found = []
    for (topic, partition, offset), what in sower.sown.items():
        lanes = [topic.removeprefix("employee.")] if topic.startswith("employee.") else EVENT_TYPES
        if topic.startswith("employee.") and lanes[0] in EVENT_TYPES or topic in RETRIES:
            found += [f"{what}: the lane {lane} stands before {topic}/{partition}/{offset}" for lane in lanes
                      if committed[lane].get((world.prefix + topic, partition), -1) <= offset]
    return found


def round_of_poison(number):
    before = [program.lives for program in world.programs]
    sow()
    change_everybody(f"Round {number}")
    arrive()
    world.wait_for("poison to be in the dead letters", not_dead_yet, 60, 0.3)
    world.wait_for("all lanes to be behind what was sown", not_accounted_for, 60, 0.3)
    letters = origins([DLQ])
    fail([f"{place}: {times} times" for place, times in letters.items() if times != 1], "not once in the dead letters")
    equal([program.lives for program in world.programs], before, "lives")
    fail([f"{integration.slug}: {problem}" for integration in (acme, zeta)
          for problem in books.deactivations(world.topics, integration) + books.duplicates(integration)])


@test
def poison_in_every_topic_is_set_aside_and_what_is_behind_it_arrives():
    for number in range(options.rounds):
        round_of_poison(number)
        if number:
            print(f"  round {number}: {len(sower.sown)} records sown", flush=True)


@test
def what_was_passed_over_is_counted():
    producer, consumer = world.programs
    for program, topics in ((consumer, ["employee.created", "employee.deactivated", RETRIES[0]]),
                            (producer, ["employee.snapshot", "sync.state", "sync.pending", "sync.commands"])):
        for topic in topics:
            assert program.metric("unreadable_records_total", topic=world.prefix + topic) > 0, f"{program.name} counts nothing of {topic}"


@test
def a_takeover_with_empty_tables_reads_all_of_it_again():
    for program in world.programs:
        equal(program.stop(), 0, program.name)
    world.producer("other").start().wait_ready(60)
    world.consumer("other").start().wait_ready(60)
    world.programs[:] = world.programs[2:]
    change_everybody("Anew")
    arrive()
    world.wait_for("poison to be in the dead letters", not_dead_yet, 60, 0.3)
    fail([f"{integration.slug}: {problem}" for integration in (acme, zeta)
          for problem in books.deactivations(world.topics, integration) + books.duplicates(integration)])


@test
def every_command_survives_it():
    letter = next(record for record in world.topics.refresh().records[DLQ] if record.raw)
    person = working(acme)[0]["id"]
    spoilt = [record.key for record in world.topics.records["employee.snapshot"]
              if (record.topic, record.partition, record.offset) in sower.sown and record.key.startswith("personio:acme/1") and len(record.key) < 60]
    about = ("--integration", acme.id, "--employee")
    commands = [("consumer", "dlq", "list"), ("consumer", "dlq", "list", "--integration", acme.id), ("consumer", "dlq", "list", "--reason", "POISON"),
                ("consumer", "dlq", "show", "--offset", f"{letter.partition}:{letter.offset}"),
                ("consumer", "dlq", "replay"), ("consumer", "dlq", "replay", "--integration", acme.id), ("consumer", "plan"),
                ("consumer", "trace", *about, person), ("consumer", "trace", *about, "no such person"),
                *(("consumer", "trace", *about, key.split("/", 1)[1]) for key in spoilt[:2]),
                ("consumer", "audit", "--integration", acme.id), ("consumer", "check"), ("consumer", "undo", "--since", "1h", "--integration", acme.id),
                ("producer", "status"), ("producer", "plan"), ("producer", "once"), ("producer", "topics"), ("producer", "check")]
    problems = []
    for program, *words in commands:
        for more in ([], ["--json"]):
            if more and (words[0] in ("check", "topics")):
                continue
            done = world.command(program, *words, *more)
            said = done.stdout + done.stderr
            if done.returncode not in (0, 1, 3) or "broken invariant" in said or "Sanitizer" in said or "runtime error" in said:
                problems.append(f"{program} {' '.join(words)}: exit code {done.returncode}: {said[-600:]}")
            elif more and done.returncode != 1:
                json.loads(done.stdout)
            elif done.returncode == 1 and "no such person" not in words:
                problems.append(f"{program} {' '.join([*words, *more])}: failed: {said[-600:]}")
    for more in ([], ["--json"]):
        done = run_program("rollcall-events", ["--config", str(world.config_file), *more])
        if done.returncode != 0:
            problems.append(f"rollcall-events: exit code {done.returncode}: {done.stderr[-600:]}")
    fail(problems, "commands")


@test
def replay_survives_it_and_the_programs_end_in_order():
    producer, consumer = world.programs
    equal(consumer.stop(), 0, "the consumer")
    done = world.command("consumer", "replay", "--events", "created,profile-updated,team-changed,deactivated", "--since", "1d", timeout=120)
    equal(done.returncode, 0, done.stdout + done.stderr)
    consumer.start().wait_ready(60)
    change_everybody("Again")
    arrive()
    world.wait_for("all lanes to be behind what was sown", not_accounted_for, 90, 0.3)
    equal(consumer.stop(), 0, "the consumer")
    equal(producer.stop(), 0, "the producer")
    problems = [line for program in (producer, consumer) for line in program.text().splitlines()
                if "Sanitizer" in line or "runtime error" in line or "broken invariant" in line]
    fail(problems, "said at the end")


with world:
    run(world=world)
