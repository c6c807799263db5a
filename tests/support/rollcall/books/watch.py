"""When committed records could be read: the brokers know only when they were written."""

import threading
import time

import confluent_kafka

from rollcall.topics import SILENT


class Watch:
    """Reads the snapshots of a prefix beside the programs, from their beginning, and notes for each when it was seen. `seen` is what
    rollcall.books.evidence takes. While brokers are away it sees late, or nothing more: then a record counts as committed later."""

    def __init__(self, kafka, prefix):
        self.topic = prefix + "employee.snapshot"
        self.seen = {}
        self._ended = threading.Event()
        self._consumer = confluent_kafka.Consumer({
            "bootstrap.servers": kafka, "group.id": prefix + "watch", "enable.auto.commit": False, "isolation.level": "read_committed",
            "auto.offset.reset": "earliest", "fetch.wait.max.ms": 100, **SILENT})
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _assign(self):
        try:
            topic = self._consumer.list_topics(self.topic, timeout=2).topics[self.topic]
        except confluent_kafka.KafkaException:
            return False
        if topic.error or not topic.partitions:
            return False
        self._consumer.assign([confluent_kafka.TopicPartition(self.topic, number, 0) for number in topic.partitions])
        return True

    def _read(self):
        while not self._ended.is_set() and not self._assign():
            self._ended.wait(0.2)
        while not self._ended.is_set():
            for message in self._consumer.consume(500, 0.2):
                if not message.error():
                    self.seen["employee.snapshot", message.partition(), message.offset()] = time.time() * 1000

    def close(self):
        self._ended.set()
        self._thread.join(10)
        if not self._thread.is_alive():
            self._consumer.close()
