/* The local table of a large company: rows a second written, found and scanned; and with RC_TEST_KAFKA also how long a
 * process takes to be ready without its files and with them (design section 10: 30 s and 2 s for a million).
 *
 *     table_bench [ROWS] */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "common/kafka_txn.h"
#include "common/tail.h"
#include "tests/support/scratch.h"

enum { VALUE_BYTES = 450, BATCH = 16384, PARTITIONS = 12, A_TRANSACTION = 10000, ANSWER_MS = 30000 };

static rc_error_t oops;
#define MUST(call)                                                  \
    do {                                                            \
        if ((call) != RC_OK) RC_DIE("%s: %s", #call, oops.message); \
    } while (0)

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double cpu_s(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* The CPU since the last line says more than the clock on a machine that has other things to do. */
static void say(const char *what, double seconds, double rows)
{
    static double before_s;
    double used_s = cpu_s() - before_s;
    before_s += used_s;
    (void)printf("%-44s %8.2f s %12.0f rows/s %8.2f s of CPU\n", what, seconds, rows / seconds, used_s);
    (void)fflush(stdout);
}

static size_t key_of(long row, char key[64])
{
    /* scattered, as ids are */
    return (size_t)snprintf(key, 64, "personio:CBNMt7dSNCzBdnRTx87dev4E/%016" PRIx64,
                            (uint64_t)row * UINT64_C(0x9e3779b97f4a7c15));
}

static void write_rows(rc_store_t *store, rc_table_t *table, long rows, const char *value)
{
    static char keys[BATCH][64];
    static rc_table_write_t writes[BATCH];
    for (long first = 0; first < rows; first += BATCH) {
        size_t count = rows - first < BATCH ? (size_t)(rows - first) : BATCH;
        for (size_t i = 0; i < count; i++) {
            long row = first + (long)i;
            writes[i] = (rc_table_write_t){.table = table,
                                           .partition = (int32_t)(row % PARTITIONS),
                                           .offset = row / PARTITIONS,
                                           .key = keys[i],
                                           .key_bytes = key_of(row, keys[i]),
                                           .value = value,
                                           .value_bytes = VALUE_BYTES};
        }
        MUST(rc_store_apply(store, writes, count, NULL, 0, &oops));
    }
}

static bool count_row(void *opaque, const rc_row_t *row)
{
    *(uint64_t *)opaque += row->value_bytes;
    return true;
}

static void bench_table(const char *directory, long rows, const char *value)
{
    rc_store_t *store;
    rc_table_t *table;
    rc_arena_t *arena = rc_arena_new();
    MUST(rc_store_open(directory, &store, &oops));
    MUST(rc_table_open(store, "bench", &table, &oops));
    double began = now_s();
    write_rows(store, table, rows, value);
    say("table: written, in batches of 16,384", now_s() - began, (double)rows);
    began = now_s();
    write_rows(store, table, rows, value);
    say("table: written again", now_s() - began, (double)rows);
    began = now_s();
    for (long row = 0; row < rows; row++) {
        char key[64];
        rc_row_t found;
        MUST(rc_table_get(table, key, key_of(row, key), arena, &found, &oops));
        if (!found.value) RC_DIE("row %ld is missing", row);
        if (row % 100 == 0) rc_arena_reset(arena);
    }
    say("table: found one by one", now_s() - began, (double)rows);
    uint64_t bytes = 0;
    began = now_s();
    MUST(rc_table_scan(table, "", 0, count_row, &bytes, &oops));
    say("table: scanned", now_s() - began, (double)rows);
    rc_store_close(store);
    rc_arena_free(arena);
}

/* --- with a broker --- */

typedef struct {
    rc_config_t config;
    rc_config_property_t property;
    rc_kafka_t *kafka;
    rc_kafka_admin_t *admin;
    char topic[64];
} cluster_t;

static void open_cluster(cluster_t *cluster, const char *brokers)
{
    cluster->property = (rc_config_property_t){"bootstrap.servers", brokers, 1};
    cluster->config.path = "bench";
    cluster->config.instance = "bench";
    cluster->config.kafka.partitions = PARTITIONS;
    cluster->config.kafka.properties = &cluster->property;
    cluster->config.kafka.properties_count = 1;
    (void)snprintf(cluster->topic, sizeof cluster->topic, "bench.%ld.snapshot", (long)getpid());
    MUST(rc_kafka_new(&cluster->config, "bench", &cluster->kafka, &oops));
    MUST(rc_kafka_admin_open(cluster->kafka, &cluster->admin, &oops));
    const rc_kafka_new_topic_t wanted = {cluster->topic, PARTITIONS, 1, true, 0, 86400000};
    MUST(rc_kafka_admin_create(cluster->admin, &wanted, 1, ANSWER_MS, &oops));
}

static void fill(cluster_t *cluster, long rows, const char *value)
{
    rc_kafka_txn_t *txn;
    MUST(rc_kafka_txn_open(cluster->kafka, cluster->topic, &txn, &oops));
    MUST(rc_kafka_txn_init(txn, NULL, &oops));
    for (long row = 0; row < rows;) {
        MUST(rc_kafka_txn_begin(txn, &oops));
        for (int i = 0; i < A_TRANSACTION && row < rows; i++, row++) {
            char key[64];
            const rc_kafka_record_t record = {.topic = cluster->topic,
                                              .partition = -1,
                                              .key_bytes = key_of(row, key),
                                              .key = key,
                                              .value = value,
                                              .value_bytes = VALUE_BYTES};
            MUST(rc_kafka_txn_produce(txn, &record, &oops));
        }
        if (rc_kafka_txn_commit(txn, NULL, &oops) != RC_COMMIT_DONE) RC_DIE("commit: %s", oops.message);
    }
    rc_kafka_txn_close(txn);
}

/* From the opening of the files until every partition has passed its end. */
static double get_ready(cluster_t *cluster, const char *directory)
{
    rc_store_t *store;
    rc_table_t *table;
    rc_tail_t *tail;
    rc_kafka_offset_t ends[PARTITIONS];
    rc_tail_target_t targets[PARTITIONS];
    double began = now_s();
    MUST(rc_store_open(directory, &store, &oops));
    MUST(rc_table_open(store, "snapshot", &table, &oops));
    const rc_tail_topic_t what = {.topic = cluster->topic, .table = table};
    MUST(rc_tail_new(cluster->kafka, cluster->admin, store, &what, 1, &tail, &oops));
    for (int32_t i = 0; i < PARTITIONS; i++) ends[i] = (rc_kafka_offset_t){cluster->topic, i, 0};
    MUST(rc_kafka_admin_ends(cluster->admin, ends, PARTITIONS, ANSWER_MS, &oops));
    for (int32_t i = 0; i < PARTITIONS; i++) targets[i] = (rc_tail_target_t){0, i, ends[i].offset};
    MUST(rc_tail_wait(tail, targets, PARTITIONS, 10 * ANSWER_MS, NULL, &oops));
    double seconds = now_s() - began;
    rc_tail_free(tail);
    rc_store_close(store);
    return seconds;
}

/* How long a barrier takes behind a commit: the ends asked, and passed by the tail. */
static void bench_barrier(cluster_t *cluster)
{
    enum { ROUNDS = 200 };
    rc_tail_t *tail;
    rc_kafka_txn_t *txn;
    double spent_s = 0, worst_s = 0;
    const rc_tail_topic_t what = {.topic = cluster->topic};
    MUST(rc_tail_new(cluster->kafka, cluster->admin, NULL, &what, 1, &tail, &oops));
    MUST(rc_kafka_txn_open(cluster->kafka, cluster->topic, &txn, &oops));
    MUST(rc_kafka_txn_init(txn, NULL, &oops));
    for (int i = -10; i < ROUNDS; i++) { /* the first ten find the way */
        const rc_kafka_record_t record = {.topic = cluster->topic, .partition = 1, .key = "k", .key_bytes = 1};
        MUST(rc_kafka_txn_begin(txn, &oops));
        MUST(rc_kafka_txn_produce(txn, &record, &oops));
        if (rc_kafka_txn_commit(txn, NULL, &oops) != RC_COMMIT_DONE) RC_DIE("commit: %s", oops.message);
        double began = now_s();
        rc_kafka_offset_t end = {cluster->topic, 1, 0};
        MUST(rc_kafka_admin_ends(cluster->admin, &end, 1, ANSWER_MS, &oops));
        MUST(rc_tail_wait(tail, &(rc_tail_target_t){0, 1, end.offset}, 1, ANSWER_MS, NULL, &oops));
        double took_s = now_s() - began;
        if (i >= 0) spent_s += took_s;
        if (i >= 0 && took_s > worst_s) worst_s = took_s;
    }
    (void)printf("tail: a barrier behind a commit %25.1f ms, %.1f ms at most\n", 1000 * spent_s / ROUNDS,
                 1000 * worst_s);
    rc_kafka_txn_close(txn);
    rc_tail_free(tail);
}

static void bench_tail(const char *brokers, const char *directory, long rows, const char *value)
{
    cluster_t cluster = {0};
    open_cluster(&cluster, brokers);
    double began = now_s();
    fill(&cluster, rows, value);
    say("kafka: published, 10,000 a transaction", now_s() - began, (double)rows);
    say("tail: ready without files", get_ready(&cluster, directory), (double)rows);
    say("tail: ready with files", get_ready(&cluster, directory), (double)rows);
    bench_barrier(&cluster);
    rc_kafka_admin_close(cluster.admin);
    rc_kafka_free(cluster.kafka);
}

int main(int argc, char **argv)
{
    const char *brokers = getenv("RC_TEST_KAFKA");
    long rows = argc > 1 ? strtol(argv[1], NULL, 10) : 1000000;
    char value[VALUE_BYTES];
    if (rows < 1) {
        (void)fprintf(stderr, "usage: %s [ROWS]\n", argv[0]);
        return 2;
    }
    memset(value, 'x', sizeof value);
    (void)printf("%ld rows of %d bytes\n", rows, VALUE_BYTES);
    char *directory = rc_scratch_new();
    bench_table(directory, rows, value);
    rc_scratch_remove(directory);
    if (brokers && *brokers) {
        directory = rc_scratch_new();
        bench_tail(brokers, directory, rows, value);
        rc_scratch_remove(directory);
    }
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    (void)printf("resident at most %ld MiB, with the page cache of the files\n", usage.ru_maxrss / 1024);
    return 0;
}
