#!/usr/bin/env python3
"""Prints every change event about employees, and proves at the end that none is missing.

From the environment: KAFKA (localhost:9092), PREFIX (hris.), GROUP (this program's consumer group), UNTIL_END (set: stop at the
end of the topics instead of waiting for more).
"""

import io
import json
import os
import pathlib
import signal
import sys

import fastavro
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

PREFIX = os.environ.get("PREFIX", "hris.")
SCHEMAS = pathlib.Path(__file__).resolve().parents[2]
TYPES = {"created": "EmployeeCreated", "profile-updated": "EmployeeProfileUpdated",
         "team-changed": "EmployeeTeamChanged", "deactivated": "EmployeeDeactivated"}

# librdkafka reads committed records only, unless it is told otherwise; said aloud, as the guarantees rest on it.
SETTINGS = {"bootstrap.servers": os.environ.get("KAFKA", "localhost:9092"), "isolation.level": "read_committed",
            "auto.offset.reset": "earliest", "enable.partition.eof": True}

# What this program was written for. A writer's schema may be older or newer; Avro's resolution bridges the two.
readers = {f"{PREFIX}employee.{name}": fastavro.parse_schema(json.loads((SCHEMAS / f"{record}.avsc").read_text()))
           for name, record in TYPES.items()}


class Writers:
    """The schemas that producers wrote into the topic "schemas" before they used them, by fingerprint."""

    def __init__(self):
        self.schemas = {}
        self.read()

    def read(self):
        topic = PREFIX + "schemas"
        consumer = Consumer({**SETTINGS, "group.id": "unused", "enable.auto.commit": False})
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in partitions])
        unread = set(partitions)
        while unread:
            message = consumer.poll(10)
            if message is None:
                raise TimeoutError(f"{topic} could not be read to its end")
            if at_end(message):
                unread.discard(message.partition())
            elif message.value():
                self.schemas[message.key().decode()] = fastavro.parse_schema(json.loads(message.value()))
        consumer.close()

    def find(self, fingerprint):
        if fingerprint not in self.schemas:
            self.read()  # a newer release has begun to write
        if fingerprint not in self.schemas:
            # Not a broken record: leave it uncommitted, and try again later.
            raise LookupError(f"no schema {fingerprint} in {PREFIX}schemas yet")
        return self.schemas[fingerprint]


def at_end(message):
    if not message.error():
        return False
    if message.error().code() != KafkaError._PARTITION_EOF:
        raise KafkaException(message.error())
    return True


def decode(value, reader, writers):
    if value[:2] != b"\xc3\x01":
        raise ValueError("no single-object encoding; with a schema registry, use confluent_kafka's AvroDeserializer instead")
    writer = writers.find(value[2:10].hex())
    return fastavro.schemaless_reader(io.BytesIO(value[10:]), writer, reader)


class Chain:
    """Every change names the version before it, so a change that never came shows. The order of arrival does not matter: there
    is none between topics."""

    def __init__(self):
        self.changes = {}  # (key, version): previous version
        self.events = 0

    def add(self, key, metadata):
        self.events += 1
        self.changes[key, metadata["version"]] = metadata["previous_version"]

    def missing(self):
        return [(key, previous) for (key, _), previous in self.changes.items()
                if previous is not None and (key, previous) not in self.changes]


def handle(name, key, event):
    """Whatever your program does. It may see an event again (event_id tells), and an older version after a newer one."""
    metadata, previous = event["metadata"], event["metadata"]["previous_version"]
    print(name, key, metadata["version"], "after", "-" if previous is None else previous, event["employee"]["email"], flush=True)


def main():
    writers, chain, assigned, ended = Writers(), Chain(), [], set()
    consumer = Consumer({**SETTINGS, "group.id": os.environ.get("GROUP", "example-python"), "enable.auto.offset.store": False})

    def on_assign(_, partitions):
        assigned[:] = partitions
        ended.clear()

    consumer.subscribe(list(readers), on_assign=on_assign)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        while not (os.environ.get("UNTIL_END") and assigned and len(ended) == len(assigned)):
            message = consumer.poll(1)
            if message is None:
                continue
            if at_end(message):
                ended.add((message.topic(), message.partition()))
                continue
            key, name = message.key().decode(), message.topic().removeprefix(PREFIX + "employee.")
            event = decode(message.value(), readers[message.topic()], writers)
            handle(name, key, event)
            chain.add(key, event["metadata"])
            consumer.store_offsets(message)  # after the work: committed in the background, so a crash repeats it
    except (KeyboardInterrupt, SystemExit):
        pass
    finally:
        consumer.close()
    for key, version in chain.missing():
        print(f"missing: version {version} of {key}", file=sys.stderr)
    print(f"{chain.events} events, {len(chain.changes)} changes, {len(chain.missing())} missing")
    sys.exit(1 if chain.missing() else 0)


if __name__ == "__main__":
    main()
