"""Everything on Kafka below one topic prefix, read with confluent-kafka and decoded with fastavro: neither is what the
programs use, so that what is proved here holds for any subscriber (docs/events.md)."""

import io
import json
import struct
import time
import urllib.request
from collections import defaultdict
from dataclasses import dataclass, field

import confluent_kafka
import fastavro
from confluent_kafka.admin import AdminClient, OffsetSpec
from fastavro.schema import fingerprint, parse_schema, to_parsing_canonical_form

from rollcall.process import ROOT
from rollcall.waiting import PATIENCE

EVENT_TYPES = ("created", "profile-updated", "team-changed", "deactivated")

LEADERS_MOVE = {getattr(confluent_kafka.KafkaError, name) for name in (
    "NOT_LEADER_FOR_PARTITION", "LEADER_NOT_AVAILABLE", "BROKER_NOT_AVAILABLE", "REQUEST_TIMED_OUT", "UNKNOWN_LEADER_EPOCH",
    "FENCED_LEADER_EPOCH", "OFFSET_NOT_AVAILABLE", "NOT_COORDINATOR", "COORDINATOR_NOT_AVAILABLE", "COORDINATOR_LOAD_IN_PROGRESS",
    "_TRANSPORT", "_TIMED_OUT")}


# Brokers that are killed make librdkafka talk.
SILENT = {"log_level": 2}


@dataclass
class Record:
    topic: str  # without the prefix
    partition: int
    offset: int
    key: str
    raw: bytes | None  # None: a tombstone
    headers: dict
    timestamp: int
    value: dict | None = None  # decoded
    schema: str | None = None  # name of the record that wrote it
    framing: str | None = None  # "single-object" or "confluent"
    problem: str | None = None  # why it could not be decoded

    def __str__(self):
        return f"{self.topic}/{self.partition}/{self.offset} {self.key}"


class Schemas:
    """Writers' schemas: the released ones, those in the topic `schemas`, those of the registry."""

    def __init__(self, registry=""):
        self.by_fingerprint = {}
        self.by_id = {}
        self.registry = registry
        for path in sorted((ROOT / "schemas" / "released").glob("*.avsc")):
            self.add(json.loads(path.read_text()))

    def add(self, schema):
        key = fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO")
        self.by_fingerprint[key] = parse_schema(schema)
        return key

    def decode(self, raw):
        """(framing, name of the record, value)"""
        if raw[:2] == b"\xc3\x01":
            schema = self.by_fingerprint[raw[2:10].hex()]
            rest, framing = raw[10:], "single-object"
        elif raw[:1] == b"\x00" and self.registry:
            schema = self._registered(struct.unpack(">I", raw[1:5])[0])
            rest, framing = raw[5:], "confluent"
        else:
            raise ValueError(f"no frame: {raw[:8].hex()}")
        stream = io.BytesIO(rest)
        value = fastavro.schemaless_reader(stream, schema, None)
        if stream.read(1):
            raise ValueError("bytes are left behind the datum")
        return framing, schema["name"].split(".")[-1], value

    def _registered(self, number):
        if number not in self.by_id:
            with urllib.request.urlopen(f"{self.registry}/schemas/ids/{number}", timeout=10) as answer:
                self.by_id[number] = parse_schema(json.loads(json.load(answer)["schema"]))
        return self.by_id[number]


class Topics:
    """All records of a prefix, in the order of their offsets. refresh() reads up to the ends as they are then."""

    def __init__(self, kafka, prefix, registry="", isolation="read_committed"):
        self.kafka = kafka
        self.prefix = prefix
        self.schemas = Schemas(registry)
        self.admin = self._new_admin()
        self.isolation = isolation
        self.records = defaultdict(list)  # by topic without prefix
        self._consumer = None
        self._reached = {}

    def close(self):
        if self._consumer:
            self._consumer.close()
            self._consumer = None

    def _new_admin(self):
        return AdminClient({"bootstrap.servers": self.kafka, **SILENT})

    def _patiently(self, ask, timeout=60):
        """Asks again while leaders move: a topic that was just made, a broker that went or came. Each time by a new client: one that knows
        an epoch of a leader that is over asks by it for ever."""
        deadline = time.monotonic() + timeout * PATIENCE
        while True:
            try:
                return ask()
            except confluent_kafka.KafkaException as error:
                if error.args[0].code() not in LEADERS_MOVE or time.monotonic() > deadline:
                    raise
            time.sleep(0.2)
            self.admin = self._new_admin()

    def names(self):
        return sorted(name for name in self._patiently(lambda: self.admin.list_topics(timeout=10)).topics if name.startswith(self.prefix))

    def _assign_new(self):
        metadata = self._patiently(lambda: self.admin.list_topics(timeout=10)).topics
        found = [(name, number) for name, topic in metadata.items() if name.startswith(self.prefix)
                 for number in topic.partitions]
        if set(found) == set(self._reached):
            return
        if self._consumer is None:
            self._consumer = confluent_kafka.Consumer({
                "bootstrap.servers": self.kafka, "group.id": self.prefix + "books", "enable.auto.commit": False,
                "isolation.level": self.isolation, "enable.partition.eof": True, "fetch.wait.max.ms": 50,
                "auto.offset.reset": "earliest", **SILENT})
        new = [place for place in found if place not in self._reached]
        for place in new:
            self._reached[place] = 0
        self._consumer.incremental_assign([confluent_kafka.TopicPartition(name, number, 0) for name, number in new])

    def ends(self, isolation=None):
        level = confluent_kafka.IsolationLevel.READ_COMMITTED
        if (isolation or self.isolation) == "read_uncommitted":
            level = confluent_kafka.IsolationLevel.READ_UNCOMMITTED
        wanted = {confluent_kafka.TopicPartition(*place): OffsetSpec.latest() for place in self._reached}
        if not wanted:
            return {}

        def ask():
            futures = self.admin.list_offsets(wanted, isolation_level=level, request_timeout=10)
            return {(at.topic, at.partition): future.result().offset for at, future in futures.items()}
        return self._patiently(ask)

    def open_transactions(self):
        """Where readers see less than there is: a transaction is open, or hangs (docs/operations.md, "A partition stands still")."""
        self._assign_new()
        there, seen = self.ends("read_uncommitted"), self.ends("read_committed")
        return [f"{topic}, partition {number}: a transaction is open at {seen[topic, number]} of {end}"
                for (topic, number), end in sorted(there.items()) if seen[topic, number] < end]

    def refresh(self, timeout=60):
        self._assign_new()
        ends = self.ends()
        deadline = time.monotonic() + timeout * PATIENCE
        while any(self._reached[place] < end for place, end in ends.items()):
            for message in self._consumer.consume(1000, 0.05):
                self._take(message)
            if time.monotonic() > deadline:
                behind = {place: (self._reached[place], end) for place, end in ends.items() if self._reached[place] < end}
                raise AssertionError(f"topics could not be read to their ends: {behind}")
        self._decode()
        return self

    def _take(self, message):
        place = message.topic(), message.partition()
        error = message.error()
        if error:
            if error.code() != confluent_kafka.KafkaError._PARTITION_EOF:
                raise AssertionError(str(error))
            self._reached[place] = max(self._reached[place], message.offset())
            return
        self._reached[place] = max(self._reached[place], message.offset() + 1)
        topic = message.topic()[len(self.prefix):]
        key = message.key()
        headers = {name: value.decode(errors="replace") if value is not None else None
                   for name, value in message.headers() or []}
        record = Record(topic, message.partition(), message.offset(), key.decode(errors="replace") if key else "",
                        message.value(), headers, message.timestamp()[1])
        self.records[topic].append(record)
        if topic == "schemas" and record.raw:
            try:
                self.schemas.add(json.loads(record.raw))
            except Exception as error:  # noqa: B902 - no schema, in any way
                record.problem = repr(error)

    def _decode(self):
        """Late, because the schema may stand behind what it describes."""
        for topic, records in self.records.items():
            if topic == "schemas":
                continue
            for record in records:
                if record.raw is None or record.value is not None:
                    continue
                try:
                    record.framing, record.schema, record.value = self.schemas.decode(record.raw)
                    record.problem = None
                except Exception as error:  # noqa: B902 - poison may break a decoder in any way
                    record.problem = repr(error)

    # --- what the books ask ---

    def events(self, integration=None, employee=None):
        """All events, by type in the order of EVENT_TYPES."""
        for event_type in EVENT_TYPES:
            for record in self.records[f"employee.{event_type}"]:
                if record.value is None or "metadata" not in record.value:
                    continue  # no event
                metadata = record.value["metadata"]
                if integration and metadata["integration_id"] != integration:
                    continue
                if employee and metadata["employee_id"] != employee:
                    continue
                yield event_type, record

    def story(self, employee):
        """[(version, type, value), …] of an employee, rising."""
        found = [(r.value["metadata"]["version"], t, r.value) for t, r in self.events(employee=employee)]
        return sorted(found, key=lambda entry: entry[:2])

    def newest(self, topic):
        """{key: newest record}; tombstones drop theirs."""
        found = {}
        for record in self.records[topic]:
            if record.raw is None:
                found.pop(record.key, None)
            else:
                found[record.key] = record
        return found

    def snapshots(self):
        return {key: record.value for key, record in self.newest("employee.snapshot").items()}

    def pending(self):
        return {key: record.value for key, record in self.newest("sync.pending").items()}

    def states(self):
        return {key: record.value for key, record in self.newest("sync.state").items()}

    def ledger(self, application="learnamp"):
        return {key: record.value for key, record in self.newest(f"{application}.ledger").items()}

    def committed(self, group):
        """{(topic, partition): offset} of a group."""
        request = [confluent_kafka.ConsumerGroupTopicPartitions(group)]

        def ask():
            return self.admin.list_consumer_group_offsets(request, request_timeout=10)[group].result()
        return {(at.topic, at.partition): at.offset for at in self._patiently(ask).topic_partitions}

    def unfinished(self, application):
        """Records that a lane has not finished (of its event topic, and of all retry topics), and what may become such a record. What is
        committed is asked first: whatever was written by then is seen afterwards, or shows as a transaction that is not over."""
        committed = {event_type: self.committed(f"{application}.{event_type}") for event_type in EVENT_TYPES}
        self.refresh()
        # sync.* is written to by every tick, and no lane reads it.
        found = [f"{topic}/{partition} has a transaction that is not over"
                 for (topic, partition), end in self.ends("read_uncommitted").items()
                 if end > self._reached[topic, partition] and not topic.startswith(self.prefix + "sync.")]
        retries = [topic for topic in self.records if topic.startswith(f"{application}.retry.")]
        for event_type, offsets in committed.items():
            for topic in (f"employee.{event_type}", *retries):
                found += [f"the lane {event_type} has not finished {record}" for record in self.records[topic]
                          if offsets.get((self.prefix + topic, record.partition), -1) <= record.offset]
        return found


@dataclass
class Producer:
    """Puts bytes of a test's own on topics."""

    kafka: str
    handle: object = field(init=False)

    def __post_init__(self):
        self.handle = confluent_kafka.Producer({"bootstrap.servers": self.kafka, "linger.ms": 0,
                                                "partitioner": "murmur2_random"})

    def send(self, topic, key, value, headers=None, partition=None):
        """Returns its place, as topic/partition/offset."""
        problems, places = [], []

        def delivered(error, message):
            problems.extend([str(error)] if error else [])
            places.append(f"{message.topic()}/{message.partition()}/{message.offset()}")
        more = {} if partition is None else {"partition": partition}
        self.handle.produce(topic, value=value, key=key, headers=headers or [], on_delivery=delivered, **more)
        assert self.handle.flush(20) == 0 and not problems, problems or "not delivered"
        return places[0]
