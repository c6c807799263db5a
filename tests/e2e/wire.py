"""What is on the wire, byte by byte, in both forms; and what must never get there."""

import datetime
import io
import json
import re
import struct
import urllib.request
import uuid

import fastavro
from fastavro.schema import fingerprint, parse_schema, to_parsing_canonical_form

from rollcall import books, config
from rollcall.process import ROOT
from rollcall.suite import Skip, equal, fail, run, test
from rollcall.topics import EVENT_TYPES, Producer, Topics
from rollcall.world import World, kafka

PARTITIONS = 6
RECORDS = {"created": "EmployeeCreated", "profile-updated": "EmployeeProfileUpdated", "team-changed": "EmployeeTeamChanged",
           "deactivated": "EmployeeDeactivated"}
NAMESPACE = uuid.UUID("6a33d476-1718-4da9-a8d8-7b5b62d281be")
MAPPING = {**config.MANAGERS, "custom:Cost centre": "custom_fields.cost_center"}
INTEGRATIONS = {slug: {"people": 20, "mapping": MAPPING, "sandbox": {"quirks": True, "learnamp": {"custom_fields": ["Cost centre"]}}}
                for slug in ("acme", "zeta")}

plain = World("wire", INTEGRATIONS, {"log": {"level": "debug"}}, partitions=PARTITIONS)
registered = World("registered", {"acme": {"people": 12}}, registry=True, partitions=PARTITIONS) if kafka().registry else None


def live(world):
    """Starts both programs, and lets an event of each type happen to somebody."""
    world.start()
    world.settle()
    for integration in world.integrations.values():
        staff = [e for e in integration.employees() if e["employment_status"] == "ACTIVE" and e["work_email"]
                 and integration.user(e["id"]) and any(group["type"] == "TEAM" for group in e["groups"])]
        integration.change("add_group", name="Lighthouse", type="TEAM")
        integration.changes([{"op": "update", "employee": staff[0]["id"], "job_title": "Façade 外観 lead"},
                             {"op": "update", "employee": staff[1]["id"], "team": "Lighthouse"},
                             {"op": "leave", "employee": staff[2]["id"]},
                             {"op": "hire", "first_name": "Zoë", "last_name": "Öztürk", "work_email": "zoe@acme.example"}])
    world.settle()


def murmur2(data):
    """Kafka's, as in org.apache.kafka.common.utils.Utils."""
    m, mask = 0x5bd1e995, 0xffffffff
    h = (0x9747b28c ^ len(data)) & mask
    whole = len(data) // 4 * 4
    for (k,) in struct.iter_unpack("<I", data[:whole]):
        k = k * m & mask
        k = (k ^ k >> 24) * m & mask
        h = h * m & mask ^ k
    rest = data[whole:]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


def avro_records(world):
    """All records that Rollcall wrote with a datum, with the name of their topic."""
    for topic, records in world.topics.refresh().records.items():
        if topic != "schemas" and ".retry." not in topic and not topic.endswith(".dlq"):
            for record in records:
                if record.raw is not None:
                    yield topic, record


def read(raw, schema):
    stream = io.BytesIO(raw)
    value = fastavro.schemaless_reader(stream, schema, None)
    equal(stream.read(), b"", "bytes behind the datum")
    return value


# --- without a registry ---------------------------------------------------------------------------------------------

@test
def single_objects_can_be_read_with_nothing_but_the_topic_of_schemas():
    live(plain)
    schemas = {}
    for record in plain.topics.records["schemas"]:
        schema = json.loads(record.raw)
        equal(fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO"), record.key, "key of a schema")
        schemas[record.key] = parse_schema(schema)
    seen = set()
    for topic, record in avro_records(plain):
        equal(record.raw[:2], b"\xc3\x01", f"{record}: frame")
        schema = schemas[record.raw[2:10].hex()]
        value = read(record.raw[10:], schema)
        if topic.removeprefix("employee.") in RECORDS:
            event_type = topic.removeprefix("employee.")
            equal(schema["name"].split(".")[-1], RECORDS[event_type], str(record))
            equal(f"{value['metadata']['integration_id']}/{value['metadata']['employee_id']}", record.key)
            seen.add(event_type)
    equal(seen, set(EVENT_TYPES), "types that happened")


@test
def keys_decide_the_partition_as_in_Java_and_it_is_the_same_in_all_topics():
    equal(murmur2(b"21"), 0xffffffff & -973932308, "the murmur2 of this test")  # from Kafka's own UtilsTest
    equal(murmur2(b"foobar"), 0xffffffff & -790332482, "the murmur2 of this test")
    ids = [integration.id for integration in plain.integrations.values()]
    topics = set()
    for topic, record in avro_records(plain):
        key = record.key
        if topic == f"{plain.application}.ledger":
            event_type, key = key.split(":", 1)
            assert event_type in EVENT_TYPES, str(record)
        assert key in ids or key.rsplit("/", 1)[0] in ids, f"{record}: no key of an employee or an integration"
        equal(record.partition, (murmur2(key.encode()) & 0x7fffffff) % PARTITIONS, str(record))
        topics.add(topic)
    wanted = {f"employee.{event_type}" for event_type in EVENT_TYPES} | {"employee.snapshot", "sync.state", f"{plain.application}.ledger"}
    equal(wanted - topics, set(), "topics without a record")
    found = plain.topics.admin.list_topics(timeout=10).topics
    sizes = {name: len(found[name].partitions) for name in plain.topics.names() if name.removeprefix(plain.prefix) in wanted}
    equal(sizes, dict.fromkeys(sizes, PARTITIONS), "partitions")


# --- I8 -------------------------------------------------------------------------------------------------------------

CANARIES = re.compile(rb"canary|918273|T03:14:15\.926", re.IGNORECASE)
TIME_OF_DAY_MS = (3 * 3600 + 14 * 60 + 15) * 1000 + 926


def canaries(name, data):
    """At most one line for a text: where it shows what nobody may know."""
    data = data if isinstance(data, bytes) else data.encode(errors="surrogateescape")
    found = CANARIES.search(data)
    return [f"{name}: …{data[max(0, found.start() - 60):found.end() + 30]!r}…"] if found else []


def times(value):
    """All points in time within a decoded datum."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [at for entry in value for at in times(entry)]
    return [value] if isinstance(value, datetime.datetime) else []


@test
def I8_what_nobody_may_know_is_in_no_topic_no_log_no_file_and_no_request():
    acme, zeta = plain.integrations.values()
    assert canaries("HR", json.dumps(acme.employees())), "HR holds no canaries: this test proves nothing"
    # Answers that make a client complain, of which it must not tell too much.
    for number, (kind, more) in enumerate((("wrong_type", {"field": "first_name", "value": 17}), ("cut", {}),
                                           ("wrong_type", {"field": "groups", "value": "no"}), ("wrong_type", {"field": "id", "value": None}))):
        fault = plain.sandbox.fault(kind, "kombo", acme, match={"path": "/hris/employees*"}, next=1, **more)
        person = next(e for e in acme.employees() if e["employment_status"] == "ACTIVE" and e["work_email"])
        acme.change("update", person["id"], job_title=f"Clerk {number}")
        plain.wait_for(f"Kombo's answer with {kind}", lambda fault=fault: plain.sandbox.hits(fault))
        plain.wait_polled("acme")
    plain.sandbox.fault("status", "learnamp", zeta, status=422, match={"method": "PUT"}, next=1)
    plain.sandbox.fault("status", "learnamp", zeta, status=503, match={"method": "PUT"}, next=2)
    for person in [e for e in zeta.employees() if e["employment_status"] == "ACTIVE" and e["work_email"]][:4]:
        zeta.change("update", person["id"], job_title="Somebody", custom_fields={"cost_center": "CC-9"})
    plain.wait_polled(timeout=60)
    plain.wait_quiet()
    problems = []
    for command in (("producer", "plan", "--json"), ("producer", "plan"), ("producer", "status"), ("consumer", "plan")):
        done = plain.command(*command)
        problems += canaries(" ".join(command), done.stdout + done.stderr)

    # Topics, what was aborted included.
    everything = Topics(plain.kafka.address, plain.prefix, isolation="read_uncommitted")
    try:
        everything.refresh()
        for records in everything.records.values():
            for record in records:
                problems += canaries(f"{record}: value", record.raw or b"")
                problems += canaries(f"{record}: key and headers", json.dumps([record.key, record.headers], ensure_ascii=False))
                problems += [f"{record}: the time {at}" for at in times(record.value)
                             if round(at.timestamp() * 1000) % 86400000 == TIME_OF_DAY_MS]
        assert sum(map(len, everything.records.values())) > 100
    finally:
        everything.close()

    # Files, while they are in use.
    files = [path for path in (plain.folder / "state").rglob("*") if path.is_file()]
    assert any(path.stat().st_size > 0 for path in files), files
    for path in files:
        problems += canaries(path.relative_to(plain.folder), path.read_bytes())
    for program in plain.programs:
        equal(program.stop(), 0, program.name)
        assert "DEBUG" in program.text().upper(), f"{program.name} logs no details: this test proves less"
        for line in program.text().splitlines():
            problems += canaries(program.log.name, line)

    for integration in plain.integrations.values():
        requests = integration.requests()
        assert any(request.get("body") for request in requests), "bodies were not kept"
        for request in requests:
            sent = {name: request.get(name) for name in ("method", "target", "body", "headers")}
            problems += canaries(f"request {request['number']}", json.dumps(sent, ensure_ascii=False))
    fail(problems, "canaries")


# --- with a registry ------------------------------------------------------------------------------------------------

def ask_registry(path):
    with urllib.request.urlopen(f"{kafka().registry}{path}", timeout=20) as answer:
        return json.load(answer)


@test
def with_a_registry_Learn_Amp_equals_HR_as_well():
    if registered is None:
        raise Skip("no registry")
    live(registered)
    registered.check_books()
    counts = books.counts(registered.topics)
    equal([event_type for event_type, number in counts.items() if not number], [], "types that did not happen")


@test
def with_a_registry_values_have_Confluent_s_frame_and_their_topic_s_subject_has_their_schema():
    if registered is None:
        raise Skip("no registry")
    schemas, ids = {}, {}
    for topic, record in avro_records(registered):
        equal(record.raw[:1], b"\x00", f"{record}: frame")
        number = struct.unpack(">I", record.raw[1:5])[0]
        if number not in schemas:
            schemas[number] = parse_schema(json.loads(ask_registry(f"/schemas/ids/{number}")["schema"]))
        value = read(record.raw[5:], schemas[number])
        ids.setdefault(topic, set()).add(number)
        if topic.removeprefix("employee.") in RECORDS:
            equal(schemas[number]["name"].split(".")[-1], RECORDS[topic.removeprefix("employee.")], str(record))
            equal(f"{value['metadata']['integration_id']}/{value['metadata']['employee_id']}", record.key)
    for topic in [f"employee.{event_type}" for event_type in EVENT_TYPES] + ["employee.snapshot"]:
        latest = ask_registry(f"/subjects/{registered.prefix}{topic}-value/versions/latest")
        equal(ids[topic], {latest["id"]}, f"schemas of {topic}")


# --- both ------------------------------------------------------------------------------------------------------------

@test
def events_bear_exactly_the_headers_of_CloudEvents_and_nothing_else_bears_any():
    for world in filter(None, (plain, registered)):
        for event_type, record in world.topics.events():
            metadata = record.value["metadata"]
            at = metadata["occurred_at"].astimezone(datetime.timezone.utc)
            equal(record.headers, {
                "ce_specversion": "1.0",
                "ce_id": str(uuid.uuid5(NAMESPACE, f"{record.key}|{metadata['version']}|{event_type}")),
                "ce_source": f"/integrations/{metadata['integration_id']}",
                "ce_type": f"rollcall.employee.{event_type}",
                "ce_subject": metadata["employee_id"],
                "ce_time": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z",
                "content-type": "application/avro",
            }, str(record))
        for topic in ("employee.snapshot", "schemas"):
            for record in world.topics.records[topic]:
                equal(record.headers, {}, str(record))


@test
def what_an_earlier_release_wrote_is_read_by_the_id_that_the_registry_gave_it():
    if registered is None:
        raise Skip("no registry")
    for program in registered.programs:
        program.stop()
    earlier = json.loads((ROOT / "schemas/released/SyncState.1.avsc").read_text())
    assert earlier != json.loads((ROOT / "schemas/SyncState.avsc").read_text()), "another record has to stand in"
    body = json.dumps({"schema": json.dumps(earlier)}).encode()
    request = urllib.request.Request(f"{kafka().registry}/subjects/{registered.prefix}earlier-value/versions", body,
                                     {"Content-Type": "application/vnd.schemaregistry.v1+json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        number = json.load(answer)["id"]
    (record,) = [record for record in registered.topics.refresh().newest("sync.state").values()]
    datum = io.BytesIO()
    fastavro.schemaless_writer(datum, parse_schema(earlier), record.value)
    Producer(kafka().address).send(f"{registered.prefix}sync.state", record.key, b"\0" + struct.pack(">I", number) + datum.getvalue())
    for command in (("plan", "--instance", "one"), ("status",), ("once", "--instance", "one")):
        done = registered.command("producer", *command)
        equal(done.returncode, 0, f"{command}: {done.stdout + done.stderr}")


def close():
    if registered:
        registered.close()


with plain:
    try:
        run(world=plain)
    finally:
        close()
