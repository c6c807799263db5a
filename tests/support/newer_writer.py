"""newer_writer.py newer|gap: publishes one event more about the first employee that it finds, from KAFKA and PREFIX.

newer: by a schema of a later release, which has a field more and a symbol that nobody knows; it goes into the topic "schemas" first.
gap: by today's schema, after a version that was never published.
"""

import io
import json
import os
import pathlib
import sys

import fastavro
from confluent_kafka import Consumer, Producer, TopicPartition
from fastavro.schema import fingerprint, to_parsing_canonical_form

PREFIX, KAFKA = os.environ["PREFIX"], os.environ["KAFKA"]
TOPIC = PREFIX + "employee.created"
PLAIN = json.loads((pathlib.Path(__file__).resolve().parents[2] / "schemas/EmployeeCreated.avsc").read_text())


def fingerprint_of(schema):
    return fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO")


def last_event():
    """One that today's release wrote; of those, the newest of the employee whose key is the lowest."""
    frame = b"\xc3\x01" + bytes.fromhex(fingerprint_of(PLAIN))
    newest = {}
    consumer = Consumer({"bootstrap.servers": KAFKA, "group.id": "unused", "enable.auto.commit": False, "enable.partition.eof": True})
    partitions = consumer.list_topics(TOPIC, timeout=10).topics[TOPIC].partitions
    consumer.assign([TopicPartition(TOPIC, partition, 0) for partition in partitions])
    unread = set(partitions)
    while unread:
        message = consumer.poll(10)
        if message.error():
            unread.discard(message.partition())
            continue
        if message.value()[:10] != frame:
            continue
        fields = fastavro.schemaless_reader(io.BytesIO(message.value()[10:]), fastavro.parse_schema(PLAIN))
        newest[message.key()] = (message, fields)
    consumer.close()
    return newest[min(newest)]


def later_release():
    """Today's schema, with what the rule of evolution allows."""
    schema = json.loads(json.dumps(PLAIN))
    employee = next(field for field in schema["fields"] if field["name"] == "employee")["type"]
    employee["fields"].append({"name": "pronouns", "type": ["null", "string"], "default": None})
    reason = next(field for field in schema["fields"] if field["name"] == "reason")["type"]
    reason["symbols"].append("BOUGHT_WITH_THE_COMPANY")
    return schema


def main(what):
    message, event = last_event()
    schema = PLAIN
    producer = Producer({"bootstrap.servers": KAFKA, "enable.idempotence": True})
    metadata = event["metadata"]
    metadata["previous_version"] = metadata["version"]
    metadata["version"] += 1
    if what == "newer":
        schema = later_release()
        event["reason"] = "BOUGHT_WITH_THE_COMPANY"
        event["employee"]["email"] = "newer@example.com"
        event["employee"]["pronouns"] = "they"
    else:
        metadata["previous_version"] += 500
        metadata["version"] += 1000
    key = fingerprint_of(schema)
    if what == "newer":
        producer.produce(PREFIX + "schemas", json.dumps(schema), key)
        assert producer.flush(10) == 0
    datum = io.BytesIO()
    fastavro.schemaless_writer(datum, fastavro.parse_schema(schema), event)
    producer.produce(TOPIC, b"\xc3\x01" + bytes.fromhex(key) + datum.getvalue(), message.key(), partition=message.partition())
    assert producer.flush(10) == 0


main(sys.argv[1])
