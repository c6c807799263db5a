import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.message.BinaryMessageDecoder;
import org.apache.avro.message.SchemaStore;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * Prints every change event about employees, and proves at the end that none is missing. Run it in the root of the repository.
 *
 * <p>From the environment: KAFKA (localhost:9092), PREFIX (hris.), GROUP (this program's consumer group), UNTIL_END (set: stop at
 * the end of the topics instead of waiting for more).
 */
public class Subscriber {
    static final String PREFIX = setting("PREFIX", "hris.");
    static final Map<String, String> TYPES = Map.of(
            "created", "EmployeeCreated",
            "profile-updated", "EmployeeProfileUpdated",
            "team-changed", "EmployeeTeamChanged",
            "deactivated", "EmployeeDeactivated");

    static String setting(String name, String otherwise) {
        return System.getenv().getOrDefault(name, otherwise);
    }

    static KafkaConsumer<String, byte[]> consumer(String group) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", setting("KAFKA", "localhost:9092"));
        // The Java client's default shows events of transactions that were aborted.
        settings.put("isolation.level", "read_committed");
        settings.put("auto.offset.reset", "earliest");
        settings.put("enable.auto.commit", "false");
        if (group != null) settings.put("group.id", group);
        return new KafkaConsumer<>(settings, new StringDeserializer(), new ByteArrayDeserializer());
    }

    static boolean isAtEnd(KafkaConsumer<?, ?> consumer, Map<TopicPartition, Long> ends) {
        Set<TopicPartition> assigned = consumer.assignment();
        return !assigned.isEmpty()
                && assigned.stream().allMatch(partition -> consumer.position(partition) >= ends.getOrDefault(partition, 0L));
    }

    /** The schemas that producers wrote into the topic "schemas" before they used them, by fingerprint. */
    static class Writers implements SchemaStore {
        final Map<Long, Schema> schemas = new HashMap<>();

        void read() {
            try (KafkaConsumer<String, byte[]> consumer = consumer(null)) {
                List<TopicPartition> partitions = consumer.partitionsFor(PREFIX + "schemas").stream()
                        .map(info -> new TopicPartition(info.topic(), info.partition()))
                        .toList();
                consumer.assign(partitions);
                consumer.seekToBeginning(partitions);
                Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
                while (!isAtEnd(consumer, ends)) {
                    for (ConsumerRecord<String, byte[]> record : consumer.poll(Duration.ofMillis(200))) {
                        if (record.value() == null) continue;
                        // The key is the fingerprint in the order of the wire, which is little-endian.
                        long fingerprint = Long.reverseBytes(Long.parseUnsignedLong(record.key(), 16));
                        schemas.put(fingerprint, new Schema.Parser().parse(new String(record.value(), java.nio.charset.StandardCharsets.UTF_8)));
                    }
                }
            }
        }

        @Override
        public Schema findByFingerprint(long fingerprint) {
            if (!schemas.containsKey(fingerprint)) read(); // at the start, or a newer release has begun to write
            // Null makes the decoder throw. The record is not broken: leave it uncommitted, and try again later.
            return schemas.get(fingerprint);
        }
    }

    /**
     * Every change names the version before it, so a change that never came shows. The order of arrival does not matter: there is
     * none between topics.
     */
    static class Chain {
        record Change(String key, long version) {}

        final Set<Change> changes = new HashSet<>();
        final Set<Change> previous = new HashSet<>();
        int events;

        void add(String key, GenericRecord metadata) {
            events++;
            changes.add(new Change(key, (long) metadata.get("version")));
            if (metadata.get("previous_version") instanceof Long version) previous.add(new Change(key, version));
        }

        List<Change> missing() {
            return previous.stream().filter(change -> !changes.contains(change)).toList();
        }
    }

    /** Whatever your program does. It may see an event again (event_id tells), and an older version after a newer one. */
    static void handle(String name, String key, GenericRecord event) {
        GenericRecord metadata = (GenericRecord) event.get("metadata");
        GenericRecord employee = (GenericRecord) event.get("employee");
        Object previous = metadata.get("previous_version");
        System.out.printf("%s %s %s after %s %s%n", name, key, metadata.get("version"), previous == null ? "-" : previous,
                employee.get("email"));
    }

    public static void main(String[] arguments) throws IOException {
        Writers writers = new Writers();
        Chain chain = new Chain();
        // What this program was written for. A writer's schema may be older or newer; Avro's resolution bridges the two.
        Map<String, BinaryMessageDecoder<GenericRecord>> decoders = new HashMap<>();
        for (Map.Entry<String, String> type : TYPES.entrySet()) {
            Schema reader = new Schema.Parser().parse(Files.readString(Path.of("schemas", type.getValue() + ".avsc")));
            decoders.put(PREFIX + "employee." + type.getKey(), new BinaryMessageDecoder<>(GenericData.get(), reader, writers));
        }

        KafkaConsumer<String, byte[]> consumer = consumer(setting("GROUP", "example-java"));
        CountDownLatch done = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            consumer.wakeup();
            try {
                done.await();
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
        }));
        try (consumer) {
            consumer.subscribe(decoders.keySet());
            Map<TopicPartition, Long> ends = Map.of();
            boolean untilEnd = System.getenv("UNTIL_END") != null;
            while (!(untilEnd && !ends.isEmpty() && isAtEnd(consumer, ends))) {
                for (ConsumerRecord<String, byte[]> record : consumer.poll(Duration.ofMillis(200))) {
                    GenericRecord event = decoders.get(record.topic()).decode(record.value());
                    handle(record.topic().substring((PREFIX + "employee.").length()), record.key(), event);
                    chain.add(record.key(), (GenericRecord) event.get("metadata"));
                }
                consumer.commitAsync(); // after the work: a crash repeats it
                if (untilEnd && ends.isEmpty()) ends = consumer.endOffsets(consumer.assignment());
            }
        } catch (WakeupException interrupted) {
            // ends as it would at the end
        } finally {
            for (Chain.Change change : chain.missing()) System.err.printf("missing: version %d of %s%n", change.version(), change.key());
            System.out.printf("%d events, %d changes, %d missing%n", chain.events, chain.changes.size(), chain.missing().size());
            done.countDown();
        }
        if (!chain.missing().isEmpty()) Runtime.getRuntime().halt(1);
    }
}
