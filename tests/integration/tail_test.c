/* common/tail on a real broker: the table holds what is committed, and nobody is told that an offset is passed before
 * it is. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/kafka_reader.h"
#include "common/kafka_txn.h"
#include "common/tail.h"
#include "tests/support/cluster.h"
#include "tests/support/scratch.h"
#include "tests/support/unit.h"

enum { PATIENCE_MS = 20000 };

static rc_cluster_t cluster;
static char *topic;
static char *directory;
static rc_store_t *store;
static rc_table_t *table;
static rc_arena_t *arena;
static rc_tail_t *tail;
static rc_kafka_txn_t *txn;
static atomic_int hooked, restarted;

static void open_store(void)
{
    OK(rc_store_open(directory, &store, &rc_oops));
    OK(rc_table_open(store, "snapshot", &table, &rc_oops));
}

static void setup(void)
{
    char id[64];
    rc_cluster_open(&cluster, NULL, NULL);
    topic = rc_cluster_topic(&cluster, "snapshot", true);
    directory = rc_scratch_new();
    arena = rc_arena_new();
    open_store();
    (void)snprintf(id, sizeof id, "%sproducer", cluster.prefix);
    OK(rc_kafka_txn_open(cluster.kafka, id, &txn, &rc_oops));
    OK(rc_kafka_txn_init(txn, NULL, &rc_oops));
}

static void teardown(void)
{
    rc_tail_free(tail);
    rc_kafka_txn_close(txn);
    rc_store_close(store);
    rc_arena_free(arena);
    rc_cluster_close(&cluster);
    free(topic);
    rc_scratch_remove(directory);
}

static void on_record(void *opaque, const rc_kafka_message_t *message)
{
    (void)opaque, (void)message;
    atomic_fetch_add(&hooked, 1);
}

static bool wants(void *opaque, const rc_kafka_message_t *message)
{
    (void)opaque;
    return !message->value || message->value_bytes != 7 || memcmp(message->value, "garbage", 7) != 0;
}

static void on_restart(void *opaque, int32_t partition, bool lost)
{
    (void)opaque, (void)partition, (void)lost;
    atomic_fetch_add(&restarted, 1);
}

static void start_tail(rc_table_t *to, bool chosen)
{
    const rc_tail_topic_t what = {
        .topic = topic, .table = to, .chosen = chosen, .hook = on_record, .wants = wants, .restarted = on_restart};
    atomic_store(&hooked, 0);
    atomic_store(&restarted, 0);
    OK(rc_tail_new(cluster.kafka, cluster.admin, store, &what, 1, &tail, &rc_oops));
}

static void stop_tail(void)
{
    rc_tail_free(tail);
    tail = NULL;
}

static void produce(int32_t partition, const char *key, const char *value)
{
    const rc_kafka_record_t record = {.topic = topic,
                                      .partition = partition,
                                      .key = key,
                                      .key_bytes = strlen(key),
                                      .value = value,
                                      .value_bytes = value ? strlen(value) : 0};
    OK(rc_kafka_txn_produce(txn, &record, &rc_oops));
}

static void begin(void)
{
    OK(rc_kafka_txn_begin(txn, &rc_oops));
}

static void commit(void)
{
    ck_assert_msg(rc_kafka_txn_commit(txn, NULL, &rc_oops) == RC_COMMIT_DONE, "%s", rc_oops.message);
}

/* The barrier: the high watermarks as they are now. */
static void targets(rc_tail_target_t list[RC_CLUSTER_PARTITIONS])
{
    rc_kafka_offset_t ends[RC_CLUSTER_PARTITIONS];
    for (int32_t i = 0; i < RC_CLUSTER_PARTITIONS; i++) ends[i] = (rc_kafka_offset_t){topic, i, 0};
    OK(rc_kafka_admin_ends(cluster.admin, ends, RC_CLUSTER_PARTITIONS, PATIENCE_MS, &rc_oops));
    for (int32_t i = 0; i < RC_CLUSTER_PARTITIONS; i++) list[i] = (rc_tail_target_t){0, i, ends[i].offset};
}

static void catch_up(void)
{
    rc_tail_target_t list[RC_CLUSTER_PARTITIONS];
    targets(list);
    OK(rc_tail_wait(tail, list, RC_CLUSTER_PARTITIONS, rc_unit_patience_ms(PATIENCE_MS), NULL, &rc_oops));
}

/* Exact ends: those of a barrier may not count a marker that is still on its way. */
static void catch_up_to(int64_t first, int64_t second, int64_t third)
{
    const rc_tail_target_t list[] = {{0, 0, first}, {0, 1, second}, {0, 2, third}};
    OK(rc_tail_wait(tail, list, 3, rc_unit_patience_ms(PATIENCE_MS), NULL, &rc_oops));
}

static bool has(const char *key, const char *value)
{
    rc_row_t row;
    OK(rc_table_get(table, key, strlen(key), arena, &row, &rc_oops));
    if (!value) return !row.value;
    return row.value && row.value_bytes == strlen(value) && !memcmp(row.value, value, row.value_bytes);
}

static uint64_t rows(void)
{
    uint64_t count;
    uint32_t ordinals;
    OK(rc_table_count(table, &count, &ordinals, &rc_oops));
    return count;
}

START_TEST(what_is_committed_is_in_the_table_when_its_end_is_passed)
{
    start_tail(table, false);
    for (int round = 0; round < 20; round++) {
        char value[16];
        (void)snprintf(value, sizeof value, "%d", round);
        begin();
        produce(0, "a", value);
        produce(1, "b", value);
        commit();
        catch_up(); /* the end counts the markers behind the records */
        ck_assert(has("a", value) && has("b", value));
    }
    begin();
    produce(0, "a", NULL);
    commit();
    catch_up();
    ck_assert(has("a", NULL));
    ck_assert_uint_eq(rows(), 1);
    ck_assert_int_eq(atomic_load(&hooked), 41);
}
END_TEST

START_TEST(markers_of_aborted_transactions_are_passed_and_their_records_are_not_shown)
{
    start_tail(table, false);
    begin();
    produce(0, "a", "committed");
    commit();
    for (int i = 0; i < 3; i++) {
        begin();
        produce(0, "a", "aborted");
        produce(2, "c", "aborted");
        OK(rc_kafka_txn_abort(txn, NULL, &rc_oops));
    }
    catch_up();
    ck_assert(has("a", "committed") && has("c", NULL));
    ck_assert_int_eq(atomic_load(&hooked), 1);
}
END_TEST

static void await_stuck(bool stuck)
{
    rc_tail_progress_t progress;
    int64_t until_ms = rc_mono_now().ms + rc_unit_patience_ms(10000);
    rc_tail_set_pace(tail, 50, 200);
    do rc_tail_progress(tail, &progress);
    while ((strstr(progress.error.message, "a transaction hangs there") != NULL) != stuck &&
           rc_mono_now().ms < until_ms && usleep(20000) == 0);
    ck_assert_int_eq(progress.error.code, stuck ? RC_KAFKA : RC_OK);
}

START_TEST(a_hanging_transaction_holds_the_tail_back_until_its_heir_settles_it)
{
    rc_error_t error = RC_ERROR_INIT;
    start_tail(table, false);
    begin();
    produce(0, "a", "before");
    commit();
    catch_up();

    begin();
    produce(0, "a", "hanging");
    rc_tail_target_t list[RC_CLUSTER_PARTITIONS];
    do targets(list); /* until the record has arrived */
    while (list[0].offset < 3);
    ck_assert_int_eq(rc_tail_wait(tail, list, RC_CLUSTER_PARTITIONS, 500, NULL, &error), RC_TIMEOUT);
    ck_assert_ptr_nonnull(strstr(error.message, topic));
    ck_assert_int_eq(rc_tail_passed(tail, 0, 0), 2);
    await_stuck(true); /* and says so */

    rc_kafka_txn_close(txn);
    char id[64];
    (void)snprintf(id, sizeof id, "%sproducer", cluster.prefix);
    OK(rc_kafka_txn_open(cluster.kafka, id, &txn, &rc_oops));
    OK(rc_kafka_txn_init(txn, NULL, &rc_oops));
    catch_up();
    ck_assert(has("a", "before"));
    await_stuck(false);
}
END_TEST

START_TEST(a_restart_goes_on_from_the_stored_offset)
{
    start_tail(table, false);
    begin();
    for (int i = 0; i < 30; i++) {
        char key[8];
        (void)snprintf(key, sizeof key, "k%d", i);
        produce(i % 3, key, "1");
    }
    commit();
    catch_up_to(11, 11, 11);
    stop_tail();
    rc_store_close(store);
    open_store();
    ck_assert_uint_eq(rows(), 30);
    begin();
    produce(1, "new", "1");
    produce(0, "k0", NULL);
    commit();
    start_tail(table, false);
    catch_up_to(13, 13, 11);
    ck_assert_int_eq(atomic_load(&hooked), 2);
    ck_assert_int_eq(atomic_load(&restarted), 0);
    ck_assert(has("new", "1") && has("k0", NULL) && has("k1", "1"));
    rc_tail_progress_t progress;
    rc_tail_progress(tail, &progress);
    ck_assert(progress.ready);
    ck_assert_uint_eq(progress.partitions, 3);
    stop_tail();

    start_tail(table, false); /* nothing new at all: markers are stored too */
    catch_up_to(13, 13, 11);
    ck_assert_int_eq(atomic_load(&hooked), 0);
}
END_TEST

/* Puts rows and a position into the table that the topic never had. */
static void pretend(const char *key, int64_t offset, int64_t time_ms, int64_t next_offset)
{
    char *id;
    OK(rc_kafka_admin_cluster_id(cluster.admin, PATIENCE_MS, &id, &rc_oops));
    OK(rc_table_bind(table, id, topic, RC_CLUSTER_PARTITIONS, NULL, &rc_oops));
    free(id);
    const rc_table_write_t write = {table, 0, offset, time_ms, key, strlen(key), "pretended", 9};
    const rc_table_progress_t progress = {table, 0, next_offset, rc_wall_now()};
    OK(rc_store_apply(store, &write, 1, &progress, 1, &rc_oops));
}

START_TEST(another_life_of_the_topic_is_noticed)
{
    static const struct {
        const char *what;
        const char *key;
        int64_t offset, time_ms, next_offset;
    } cases[] = {
        {"another key stands there", "ghost", 2, 1, 3},
        {"the same key at another time", "k2", 2, 1, 3},
        {"ahead of the topic", "ghost", 500, 1, 501},
        {"its record is gone without a successor", "ghost", 5, 1, 6}, /* 5 is the marker */
    };
    begin();
    for (int i = 0; i < 5; i++) {
        char key[8];
        (void)snprintf(key, sizeof key, "k%d", i);
        produce(0, key, "real");
    }
    commit();
    pretend(cases[_i].key, cases[_i].offset, cases[_i].time_ms, cases[_i].next_offset);
    start_tail(table, false);
    catch_up();
    ck_assert_msg(rows() == 5, "%s", cases[_i].what);
    ck_assert(has("ghost", NULL) && has("k2", "real") && has("k4", "real"));
    ck_assert_int_eq(atomic_load(&restarted) >= 1, 1);
}
END_TEST

START_TEST(what_is_passed_over_leaves_what_stood_there)
{
    begin();
    produce(0, "k", "good");
    produce(0, "k", "garbage");
    produce(0, "other", "garbage");
    commit();
    start_tail(table, false);
    catch_up();
    ck_assert(has("k", "good") && has("other", NULL));
}
END_TEST

START_TEST(a_witness_that_was_compacted_away_is_known_by_its_successor)
{
    begin();
    for (int i = 0; i < 5; i++) produce(0, "k", "old");
    commit(); /* 0 to 4, marker 5: nothing readable stands at 5, as after compaction */
    pretend("k", 5, 1, 6);
    begin();
    produce(0, "k", "new");
    commit();
    start_tail(table, false);
    catch_up();
    ck_assert_int_eq(atomic_load(&hooked), 1);
    ck_assert_int_eq(atomic_load(&restarted), 2); /* of the two partitions without any row */
    ck_assert(has("k", "new"));
}
END_TEST

START_TEST(a_topic_that_was_deleted_and_made_anew_begins_empty)
{
    const char *where = getenv("RC_TEST_KAFKA_DIR");
    if (!where || !*where) return; /* a broker that deploy/kafka.sh did not start has no tool to delete a topic */
    char command[512];
    start_tail(table, false);
    begin();
    for (int i = 0; i < 4; i++) produce(i % 3, i % 2 ? "a" : "b", "first life");
    commit();
    catch_up_to(3, 2, 2);
    stop_tail();
    (void)snprintf(command, sizeof command,
                   "deploy/kafka.sh tool --dir '%s' topics --delete --topic '%s' >/dev/null 2>&1", where, topic);
    ck_assert_int_eq(system(command), 0); // NOLINT(cert-env33-c): a script of ours
    int64_t deadline_ms = rc_mono_now().ms + rc_unit_patience_ms(PATIENCE_MS);
    rc_kafka_topic_info_t info = {.name = topic, .partitions = 1};
    while (info.partitions > 0 && rc_mono_now().ms < deadline_ms)
        OK(rc_kafka_admin_topics(cluster.admin, &info, 1, false, PATIENCE_MS, &rc_oops));
    free(topic);
    topic = rc_cluster_topic(&cluster, "snapshot", true);
    rc_kafka_txn_close(txn);
    char id[64];
    (void)snprintf(id, sizeof id, "%ssecond", cluster.prefix);
    OK(rc_kafka_txn_open(cluster.kafka, id, &txn, &rc_oops));
    OK(rc_kafka_txn_init(txn, NULL, &rc_oops));
    begin();
    for (int i = 0; i < 9; i++) produce(i % 3, "c", "second life");
    commit();
    start_tail(table, false);
    catch_up();
    ck_assert(has("a", NULL) && has("b", NULL) && has("c", "second life"));
    ck_assert_uint_eq(rows(), 1);
}
END_TEST

START_TEST(partitions_come_and_go)
{
    rc_error_t error = RC_ERROR_INIT;
    const int32_t first[] = {0, 1}, second[] = {1, 2};
    begin();
    produce(0, "a", "1");
    produce(1, "b", "1");
    produce(2, "c", "1");
    commit();
    start_tail(table, true);
    const rc_tail_target_t of_a = {0, 0, 2}, of_b = {0, 1, 2}, of_c = {0, 2, 2}, far = {0, 0, 1000};
    ck_assert_int_eq(rc_tail_wait(tail, &of_a, 1, 1000, NULL, &error), RC_OWNERSHIP);
    rc_tail_set_partitions(tail, first, 2);
    OK(rc_tail_wait(tail, (rc_tail_target_t[]){of_a, of_b}, 2, PATIENCE_MS, NULL, &rc_oops));
    ck_assert(has("a", "1") && has("b", "1") && has("c", NULL));
    ck_assert_int_eq(rc_tail_wait(tail, &of_c, 1, 1000, NULL, &error), RC_OWNERSHIP);
    ck_assert_int_eq(rc_tail_wait(tail, &far, 1, 200, NULL, &error), RC_TIMEOUT);

    rc_tail_set_partitions(tail, second, 2);
    ck_assert_int_eq(rc_tail_passed(tail, 0, 0), -1);
    begin();
    produce(0, "a", "2");
    produce(1, "b", "2");
    commit();
    OK(rc_tail_wait(tail, (rc_tail_target_t[]){{0, 1, 4}, of_c}, 2, PATIENCE_MS, NULL, &rc_oops));
    ck_assert(has("b", "2") && has("c", "1"));

    rc_tail_set_partitions(tail, first, 2); /* 0 returns: it goes on where it was */
    OK(rc_tail_wait(tail, &(rc_tail_target_t){0, 0, 4}, 1, PATIENCE_MS, NULL, &rc_oops));
    ck_assert(has("a", "2"));
    rc_tail_set_partitions(tail, NULL, 0); /* taken away and given back before anybody looked */
    rc_tail_set_partitions(tail, first, 2);
    OK(rc_tail_wait(tail, (rc_tail_target_t[]){{0, 0, 4}, {0, 1, 4}}, 2, PATIENCE_MS, NULL, &rc_oops));
    rc_tail_set_partitions(tail, NULL, 0);
    rc_tail_progress_t progress;
    rc_tail_progress(tail, &progress);
    ck_assert(progress.ready);
    ck_assert_uint_eq(progress.partitions, 0);
}
END_TEST

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t told;
    int calls;
    rc_code_t code;
} told_t;

static void on_passed(void *opaque, rc_code_t code)
{
    told_t *told = opaque;
    pthread_mutex_lock(&told->lock);
    told->calls++;
    told->code = code;
    pthread_cond_signal(&told->told);
    pthread_mutex_unlock(&told->lock);
}

static void await_call(told_t *told, int calls)
{
    pthread_mutex_lock(&told->lock);
    while (told->calls < calls) pthread_cond_wait(&told->told, &told->lock);
    pthread_mutex_unlock(&told->lock);
}

START_TEST(a_notification_comes_exactly_once)
{
    const int32_t all[] = {0, 1, 2};
    told_t told = {.lock = PTHREAD_MUTEX_INITIALIZER, .told = PTHREAD_COND_INITIALIZER};
    start_tail(table, true);
    rc_tail_set_partitions(tail, all, 3);
    rc_tail_notify(tail, &(rc_tail_target_t){0, 0, 2}, 1, on_passed, &told);
    ck_assert_int_eq(told.calls, 0);
    begin();
    produce(0, "a", "1");
    commit();
    await_call(&told, 1);
    ck_assert_int_eq(told.code, RC_OK);
    ck_assert(has("a", "1"));
    rc_tail_notify(tail, &(rc_tail_target_t){0, 0, 2}, 1, on_passed, &told); /* known already */
    ck_assert_int_eq(told.calls, 2);
    ck_assert_int_eq(told.code, RC_OK);
    rc_tail_notify(tail, &(rc_tail_target_t){0, 1, 100}, 1, on_passed, &told);
    rc_tail_set_partitions(tail, all, 1);
    await_call(&told, 3);
    ck_assert_int_eq(told.code, RC_OWNERSHIP);
    rc_tail_notify(tail, &(rc_tail_target_t){0, 0, 100}, 1, on_passed, &told);
    stop_tail();
    ck_assert_int_eq(told.calls, 4);
    ck_assert_int_eq(told.code, RC_CANCELLED);
}
END_TEST

START_TEST(a_topic_without_a_table_is_read_from_the_beginning_at_every_start)
{
    begin();
    for (int i = 0; i < 6; i++) produce(i % 3, "k", "v");
    commit();
    for (int i = 0; i < 2; i++) {
        start_tail(NULL, false);
        catch_up();
        ck_assert_int_eq(atomic_load(&hooked), 6);
        ck_assert_int_eq(atomic_load(&restarted), 3);
        stop_tail();
    }
}
END_TEST

START_TEST(brokers_that_are_away_are_said_and_ending_does_not_wait_for_them)
{
    rc_cluster_t away;
    rc_tail_progress_t progress;
    rc_cluster_open(&away, "127.0.0.1:1", NULL);
    const rc_tail_topic_t what = {.topic = topic, .table = table};
    OK(rc_tail_new(away.kafka, away.admin, store, &what, 1, &tail, &rc_oops));
    int64_t deadline_ms = rc_mono_now().ms + rc_unit_patience_ms(PATIENCE_MS);
    do {
        (void)usleep(10000);
        rc_tail_progress(tail, &progress);
    } while (progress.error.code == RC_OK && rc_mono_now().ms < deadline_ms);
    ck_assert_int_eq(progress.error.code, RC_TIMEOUT);
    ck_assert_msg(strstr(progress.error.message, "127.0.0.1:1") != NULL, "%s", progress.error.message);
    ck_assert(!progress.ready);
    stop_tail();
    rc_cluster_close(&away);
}
END_TEST

START_TEST(a_damaged_store_is_made_again_while_the_tail_runs)
{
    start_tail(table, false);
    begin();
    produce(0, "a", "1");
    commit();
    catch_up();
    stop_tail();
    OK(rc_store_recreate(store, &rc_oops)); /* what the tail does when a write says that it is damaged */
    start_tail(table, false);
    catch_up();
    ck_assert(has("a", "1"));
}
END_TEST

int main(void)
{
    if (!rc_cluster_is_there()) return RC_CLUSTER_ABSENT;
    Suite *suite = suite_create("tail");
    TCase *cases = tcase_create("tail");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, what_is_committed_is_in_the_table_when_its_end_is_passed);
    tcase_add_test(cases, markers_of_aborted_transactions_are_passed_and_their_records_are_not_shown);
    tcase_add_test(cases, a_hanging_transaction_holds_the_tail_back_until_its_heir_settles_it);
    tcase_add_test(cases, a_restart_goes_on_from_the_stored_offset);
    tcase_add_loop_test(cases, another_life_of_the_topic_is_noticed, 0, 4);
    tcase_add_test(cases, a_witness_that_was_compacted_away_is_known_by_its_successor);
    tcase_add_test(cases, what_is_passed_over_leaves_what_stood_there);
    tcase_add_test(cases, a_topic_that_was_deleted_and_made_anew_begins_empty);
    tcase_add_test(cases, partitions_come_and_go);
    tcase_add_test(cases, a_notification_comes_exactly_once);
    tcase_add_test(cases, a_topic_without_a_table_is_read_from_the_beginning_at_every_start);
    tcase_add_test(cases, brokers_that_are_away_are_said_and_ending_does_not_wait_for_them);
    tcase_add_test(cases, a_damaged_store_is_made_again_while_the_tail_runs);
    suite_add_tcase(suite, cases);
    return rc_unit_run(suite);
}
