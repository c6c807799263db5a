"""What Rollcall asks of Kafka itself: every transaction ends on every partition, whatever its brokers went through meanwhile.
Kafka 4.3.0 and 4.3.1 fail it (KAFKA-20734; docs/operations.md, "A partition stands still"): ask this test before another version
of Kafka goes into deploy/."""

import confluent_kafka
from confluent_kafka.admin import NewTopic

from rollcall.suite import equal, run, test
from rollcall.topics import SILENT, Topics
from rollcall.waiting import wait_for
from rollcall.world import Kafka

PARTITIONS = 3
cluster = Kafka(brokers=1)
topics = Topics(cluster.address, "markers.")


def producer(timeout_ms):
    made = confluent_kafka.Producer({"bootstrap.servers": cluster.address, "transactional.id": "markers",
                                     "transaction.timeout.ms": timeout_ms, "message.timeout.ms": timeout_ms, **SILENT})
    made.init_transactions(60)
    return made


def write(client, value):
    client.begin_transaction()
    for partition in range(PARTITIONS):
        client.produce("markers.topic", value, b"key", partition)
    equal(client.flush(30), 0, "records that were not delivered")


@test
def a_transaction_whose_broker_is_killed_ends_and_nothing_of_it_is_seen():
    topics.admin.create_topics([NewTopic("markers.topic", PARTITIONS, 1)])["markers.topic"].result(30)
    killed = producer(3000)
    write(killed, b"aborted")
    # It times out while the broker comes back. The broker is known under its former registration until the controller gives that up:
    # then its partitions are without a leader for a moment, which is when the markers were left out.
    cluster.kill(1)
    cluster.begin_start()
    wait_for("the broker", cluster.has_started, 60)
    wait_for("the end of the transaction", topics.open_transactions, 60, 0.2)
    # The next transaction of the same id: without the markers it would make the former one's records its own.
    heir = producer(60000)
    write(heir, b"committed")
    heir.commit_transaction(30)
    wait_for("the end of the heir's transaction", topics.open_transactions, 60, 0.2)
    records = topics.refresh().records["topic"]
    equal(sorted((record.partition, record.raw) for record in records), [(n, b"committed") for n in range(PARTITIONS)])


run()
