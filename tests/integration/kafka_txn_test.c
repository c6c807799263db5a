/* common/kafka_txn on a real broker: all or nothing, precise about what came of it, and fenced when it was overtaken.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/kafka_admin.h"
#include "common/kafka_consumer.h"
#include "common/kafka_reader.h"
#include "common/kafka_txn.h"
#include "tests/support/cluster.h"
#include "tests/support/unit.h"

enum { PATIENCE_MS = 20000 };

static rc_cluster_t cluster;
static char *topic;
static char transactional_id[64];

static void setup(void)
{
    rc_cluster_open(&cluster, NULL, "2000");
    topic = rc_cluster_topic(&cluster, "events", false);
    (void)snprintf(transactional_id, sizeof transactional_id, "%sproducer", cluster.prefix);
}

static void teardown(void)
{
    free(topic);
    rc_cluster_close(&cluster);
}

static rc_kafka_txn_t *open_txn(void)
{
    rc_kafka_txn_t *txn;
    OK(rc_kafka_txn_open(cluster.kafka, transactional_id, &txn, &rc_oops));
    OK(rc_kafka_txn_init(txn, NULL, &rc_oops));
    return txn;
}

static void produce(rc_kafka_txn_t *txn, int32_t partition, const char *key, const char *value)
{
    const rc_kafka_record_t record = {.topic = topic,
                                      .partition = partition,
                                      .key = key,
                                      .key_bytes = strlen(key),
                                      .value = value,
                                      .value_bytes = value ? strlen(value) : 0};
    OK(rc_kafka_txn_produce(txn, &record, &rc_oops));
}

static bool count_message(void *opaque, const rc_kafka_message_t *message)
{
    (void)message;
    ++*(int *)opaque;
    return true;
}

static int visible(void)
{
    int count = 0;
    const rc_kafka_span_t all = {.topic = topic, .partition = -1};
    OK(rc_kafka_read_all(cluster.kafka, &all, 1, PATIENCE_MS, count_message, &count, NULL, &rc_oops));
    return count;
}

static rc_kafka_commit_t commit(rc_kafka_txn_t *txn, rc_error_t *error)
{
    *error = RC_ERROR_INIT;
    return rc_kafka_txn_commit(txn, NULL, error);
}

START_TEST(a_transaction_is_visible_whole_or_not_at_all)
{
    rc_error_t error = RC_ERROR_INIT;
    rc_kafka_txn_t *txn = open_txn();
    OK(rc_kafka_txn_begin(txn, &rc_oops));
    for (int i = 0; i < 5; i++) produce(txn, i % 3, "k", "v");
    ck_assert_int_eq(commit(txn, &error), RC_COMMIT_DONE);
    ck_assert_int_eq(visible(), 5);

    OK(rc_kafka_txn_begin(txn, &rc_oops));
    for (int i = 0; i < 5; i++) produce(txn, i % 3, "k", "v");
    OK(rc_kafka_txn_abort(txn, NULL, &rc_oops));
    ck_assert(!rc_kafka_txn_is_open(txn));
    ck_assert_int_eq(visible(), 5);
    rc_kafka_txn_close(txn);
}
END_TEST

/* Until the first `count` partitions end there, open transactions included. */
static void wait_for_ends(int32_t count, int64_t end)
{
    rc_kafka_admin_t *admin;
    OK(rc_kafka_admin_open(cluster.kafka, &admin, &rc_oops));
    for (int32_t partition = 0; partition < count; partition++) {
        rc_kafka_offset_t place = {topic, partition, 0};
        while (place.offset < end) OK(rc_kafka_admin_ends(admin, &place, 1, PATIENCE_MS, &rc_oops));
    }
    rc_kafka_admin_close(admin);
}

static void *commit_later(void *txn)
{
    rc_error_t error = RC_ERROR_INIT;
    (void)usleep(500 * 1000);
    return commit(txn, &error) == RC_COMMIT_DONE ? txn : NULL;
}

START_TEST(a_reading_waits_for_a_transaction_that_ends_and_not_for_one_that_hangs)
{
    rc_error_t error = RC_ERROR_INIT;
    rc_kafka_txn_t *txn = open_txn();
    OK(rc_kafka_txn_begin(txn, &rc_oops));
    for (int i = 0; i < 3; i++) produce(txn, i, "k", "v");
    ck_assert_int_eq(commit(txn, &error), RC_COMMIT_DONE);

    OK(rc_kafka_txn_begin(txn, &rc_oops));
    for (int i = 0; i < 3; i++) produce(txn, i, "k", "v");
    wait_for_ends(3, 3); /* a record, its marker, the record of the open transaction */
    int64_t begun_ms = rc_mono_now().ms;
    ck_assert_int_eq(visible(), 3);
    ck_assert_int_lt(rc_mono_now().ms - begun_ms, PATIENCE_MS / 2);

    pthread_t thread;
    void *committed;
    ck_assert_int_eq(pthread_create(&thread, NULL, commit_later, txn), 0);
    ck_assert_int_eq(visible(), 6);
    ck_assert_int_eq(pthread_join(thread, &committed), 0);
    ck_assert_ptr_nonnull(committed);
    rc_kafka_txn_close(txn);
}
END_TEST

START_TEST(the_last_offset_of_each_partition_is_known_after_a_commit)
{
    rc_error_t error = RC_ERROR_INIT;
    rc_kafka_txn_t *txn = open_txn();
    OK(rc_kafka_txn_begin(txn, &rc_oops));
    for (int i = 0; i < 7; i++) produce(txn, i % 2, "k", "v");
    ck_assert_int_eq(commit(txn, &error), RC_COMMIT_DONE);
    size_t count;
    const rc_kafka_offset_t *produced = rc_kafka_txn_produced(txn, &count);
    ck_assert_uint_eq(count, 2);
    for (size_t i = 0; i < count; i++) {
        ck_assert_str_eq(produced[i].topic, topic);
        ck_assert_int_eq(produced[i].offset, produced[i].partition == 0 ? 3 : 2);
    }
    OK(rc_kafka_txn_begin(txn, &rc_oops));
    (void)rc_kafka_txn_produced(txn, &count);
    ck_assert_uint_eq(count, 0);
    OK(rc_kafka_txn_abort(txn, NULL, &rc_oops));
    rc_kafka_txn_close(txn);
}
END_TEST

START_TEST(keys_go_where_the_partitioner_says)
{
    rc_error_t error = RC_ERROR_INIT;
    rc_kafka_txn_t *txn = open_txn();
    char key[32];
    for (int i = 0; i < 20; i++) {
        int length = snprintf(key, sizeof key, "personio:x/%d", i);
        OK(rc_kafka_txn_begin(txn, &rc_oops));
        produce(txn, -1, key, "v");
        ck_assert_int_eq(commit(txn, &error), RC_COMMIT_DONE);
        size_t count;
        const rc_kafka_offset_t *produced = rc_kafka_txn_produced(txn, &count);
        ck_assert_uint_eq(count, 1);
        ck_assert_int_eq(produced->partition, rc_kafka_partition(key, (size_t)length, RC_CLUSTER_PARTITIONS));
    }
    rc_kafka_txn_close(txn);
}
END_TEST

START_TEST(a_record_that_cannot_be_delivered_spoils_its_transaction_and_no_other)
{
    rc_error_t error = RC_ERROR_INIT;
    rc_kafka_txn_t *txn = open_txn();
    const rc_kafka_record_t astray = {.topic = topic, .partition = 99, .key = "k", .key_bytes = 1};
    OK(rc_kafka_txn_begin(txn, &rc_oops));
    produce(txn, 0, "k", "v");
    (void)rc_kafka_txn_produce(txn, &astray, &error); /* refused at once, or found out by the commit */
    ck_assert_int_eq(commit(txn, &error), RC_COMMIT_ABORTED);
    ck_assert_int_eq(error.code, RC_KAFKA);
    ck_assert_int_eq(error.disposition, RC_REJECT);
    ck_assert_msg(strstr(error.message, topic) != NULL, "%s", error.message);

    OK(rc_kafka_txn_begin(txn, &rc_oops));
    produce(txn, 0, "k", "v");
    ck_assert_int_eq(commit(txn, &error), RC_COMMIT_DONE);
    ck_assert_int_eq(visible(), 1);
    rc_kafka_txn_close(txn);
}
END_TEST

START_TEST(a_record_that_is_too_large_is_refused_in_words)
{
    rc_error_t error = RC_ERROR_INIT;
    rc_kafka_txn_t *txn = open_txn();
    size_t bytes = 2 << 20;
    const rc_kafka_record_t large = {
        .topic = topic, .partition = 0, .key = "k", .key_bytes = 1, .value = rc_zalloc(bytes), .value_bytes = bytes};
    OK(rc_kafka_txn_begin(txn, &rc_oops));
    ck_assert_int_eq(rc_kafka_txn_produce(txn, &large, &error), RC_KAFKA);
    ck_assert_int_eq(error.disposition, RC_REJECT);
    ck_assert_ptr_nonnull(strstr(error.message, "max.message.bytes"));
    ck_assert_int_eq(commit(txn, &error), RC_COMMIT_ABORTED);
    free((void *)(uintptr_t)large.value);
    rc_kafka_txn_close(txn);
}
END_TEST

START_TEST(many_records_wait_for_room_in_the_queue)
{
    rc_error_t error = RC_ERROR_INIT;
    enum { RECORDS = 40000, BYTES = 4096 }; /* 160 MiB through a queue of 64 */
    char *value = rc_zalloc(BYTES);
    rc_kafka_txn_t *txn = open_txn();
    OK(rc_kafka_txn_begin(txn, &rc_oops));
    for (int i = 0; i < RECORDS; i++) {
        const rc_kafka_record_t record = {
            .topic = topic, .partition = i % 3, .key = &i, .key_bytes = sizeof i, .value = value, .value_bytes = BYTES};
        OK(rc_kafka_txn_produce(txn, &record, &rc_oops));
    }
    ck_assert_int_eq(commit(txn, &error), RC_COMMIT_DONE);
    ck_assert_int_eq(visible(), RECORDS);
    free(value);
    rc_kafka_txn_close(txn);
}
END_TEST

START_TEST(a_second_handle_fences_the_first_and_aborts_what_it_left)
{
    rc_error_t error = RC_ERROR_INIT;
    rc_kafka_txn_t *first = open_txn();
    OK(rc_kafka_txn_begin(first, &rc_oops));
    produce(first, 0, "k", "of the first");
    rc_kafka_txn_t *second = open_txn();
    OK(rc_kafka_txn_begin(second, &rc_oops));
    produce(second, 0, "k", "of the second");
    ck_assert_int_eq(commit(second, &error), RC_COMMIT_DONE);

    ck_assert_int_eq(commit(first, &error), RC_COMMIT_DEAD);
    ck_assert_int_eq(error.code, RC_FENCED);
    ck_assert_int_eq(error.disposition, RC_FATAL);
    ck_assert_int_eq(rc_kafka_txn_begin(first, &error), RC_FENCED);
    ck_assert_int_eq(visible(), 1);
    rc_kafka_txn_close(first);
    rc_kafka_txn_close(second);
}
END_TEST

START_TEST(a_transaction_that_outlives_its_time_leaves_a_dead_handle)
{
    rc_error_t error = RC_ERROR_INIT;
    rc_kafka_txn_t *txn = open_txn();
    OK(rc_kafka_txn_begin(txn, &rc_oops));
    produce(txn, 0, "k", "v");
    /* awaited: the broker's own abort, seen as a record of another that read_committed shows behind it */
    rc_kafka_txn_t *other;
    char other_id[80];
    (void)snprintf(other_id, sizeof other_id, "%s.other", transactional_id);
    OK(rc_kafka_txn_open(cluster.kafka, other_id, &other, &rc_oops));
    OK(rc_kafka_txn_init(other, NULL, &rc_oops));
    int64_t deadline_ms = rc_mono_now().ms + rc_unit_patience_ms(2 * PATIENCE_MS);
    int shown = 0, committed = 0;
    bool held_back = false; /* not before our own record has reached the broker */
    while ((!held_back || shown < committed) && rc_mono_now().ms < deadline_ms) {
        OK(rc_kafka_txn_begin(other, &rc_oops));
        produce(other, 0, "k", "of the other");
        ck_assert_int_eq(commit(other, &error), RC_COMMIT_DONE);
        committed++;
        shown = visible();
        held_back = held_back || shown < committed;
    }
    ck_assert(held_back);
    ck_assert_int_eq(shown, committed);
    ck_assert_int_eq(commit(txn, &error), RC_COMMIT_DEAD);
    ck_assert_int_eq(error.code, RC_FENCED);
    rc_kafka_txn_close(txn);
    rc_kafka_txn_close(other);
    txn = open_txn(); /* the same id again */
    OK(rc_kafka_txn_begin(txn, &rc_oops));
    produce(txn, 0, "k", "v");
    ck_assert_int_eq(commit(txn, &error), RC_COMMIT_DONE);
    rc_kafka_txn_close(txn);
}
END_TEST

static void *cancel_soon(void *opaque)
{
    (void)usleep(300 * 1000);
    atomic_store((atomic_bool *)opaque, true);
    return NULL;
}

START_TEST(waiting_for_brokers_that_are_away_can_be_cancelled)
{
    rc_error_t error = RC_ERROR_INIT;
    rc_cluster_t away;
    rc_kafka_txn_t *txn;
    pthread_t thread;
    atomic_bool cancelled = false;
    rc_cluster_open(&away, "127.0.0.1:1", NULL);
    OK(rc_kafka_txn_open(away.kafka, "x", &txn, &rc_oops));
    ck_assert_int_eq(pthread_create(&thread, NULL, cancel_soon, &cancelled), 0);
    ck_assert_int_eq(rc_kafka_txn_init(txn, &cancelled, &error), RC_CANCELLED);
    (void)pthread_join(thread, NULL);
    rc_kafka_txn_close(txn);
    rc_cluster_close(&away);
}
END_TEST

/* --- offsets of groups --- */

static rc_kafka_consumer_t *join(const char *group_id, const char *instance_id)
{
    rc_kafka_consumer_t *consumer;
    const char *topics[] = {topic};
    OK(rc_kafka_consumer_open(cluster.kafka, group_id, instance_id, &consumer, &rc_oops));
    OK(rc_kafka_consumer_subscribe(consumer, topics, 1, &rc_oops));
    return consumer;
}

/* Polls several members in turn, answering whatever comes, until members[which] was given partitions. */
static size_t await_assignment(rc_kafka_consumer_t **members, size_t count, size_t which)
{
    int64_t deadline_ms = rc_mono_now().ms + rc_unit_patience_ms(PATIENCE_MS);
    while (rc_mono_now().ms < deadline_ms)
        for (size_t i = 0; i < count; i++) {
            rc_kafka_event_t event;
            rc_error_t error = RC_ERROR_INIT;
            rc_code_t code = rc_kafka_consumer_poll(members[i], 50, &event, &error);
            ck_assert_msg(code == RC_OK || error.disposition == RC_RETRY, "%s", error.message);
            size_t assigned = code == RC_OK && event.kind == RC_KAFKA_ASSIGN ? event.partition_count : 0;
            if (code == RC_OK && event.kind == RC_KAFKA_ASSIGN)
                OK(rc_kafka_consumer_assign(members[i], event.partitions, event.partition_count, &rc_oops));
            if (code == RC_OK && event.kind == RC_KAFKA_REVOKE) OK(rc_kafka_consumer_unassign(members[i], &rc_oops));
            if (code == RC_OK) rc_kafka_event_release(&event);
            if (assigned && i == which) return assigned;
        }
    ck_abort_msg("member %zu was given nothing", which);
    return 0;
}

START_TEST(offsets_are_committed_with_the_records)
{
    rc_error_t error = RC_ERROR_INIT;
    char group_id[64];
    (void)snprintf(group_id, sizeof group_id, "%sgroup", cluster.prefix);
    rc_kafka_consumer_t *consumer = join(group_id, "a");
    ck_assert_uint_eq(await_assignment(&consumer, 1, 0), 3);
    rc_kafka_group_t *group = rc_kafka_consumer_group(consumer);
    rc_kafka_group_t *copy = rc_kafka_group_copy(group);
    rc_kafka_txn_t *txn = open_txn();
    const rc_kafka_offset_t offsets[] = {{topic, 0, 0}, {topic, 2, 17}};
    OK(rc_kafka_txn_begin(txn, &rc_oops));
    produce(txn, 0, "k", "v");
    OK(rc_kafka_txn_send_offsets(txn, copy, offsets, 2, &rc_oops));
    ck_assert_int_eq(commit(txn, &error), RC_COMMIT_DONE);
    rc_kafka_offset_t committed[] = {{topic, 0, 5}, {topic, 1, 5}, {topic, 2, 5}};
    OK(rc_kafka_consumer_committed(consumer, committed, 3, PATIENCE_MS, NULL, &rc_oops));
    ck_assert_int_eq(committed[0].offset, 0);
    ck_assert_int_eq(committed[1].offset, RC_OFFSET_NONE);
    ck_assert_int_eq(committed[2].offset, 17);
    rc_kafka_group_free(group);
    rc_kafka_group_free(copy);
    rc_kafka_txn_close(txn);
    rc_kafka_consumer_close(consumer);
}
END_TEST

START_TEST(several_groups_in_one_transaction_even_one_that_was_lost)
{
    rc_error_t error = RC_ERROR_INIT;
    char live[64], lost[64];
    (void)snprintf(live, sizeof live, "%slive", cluster.prefix);
    (void)snprintf(lost, sizeof lost, "%slost", cluster.prefix);
    rc_kafka_consumer_t *consumer = join(live, "a");
    (void)await_assignment(&consumer, 1, 0);
    rc_kafka_group_t *first = rc_kafka_consumer_group(consumer), *second = rc_kafka_group_new(lost);
    rc_kafka_txn_t *txn = open_txn();
    const rc_kafka_offset_t offset = {topic, 1, 3};
    OK(rc_kafka_txn_begin(txn, &rc_oops));
    OK(rc_kafka_txn_send_offsets(txn, first, &offset, 1, &rc_oops));
    OK(rc_kafka_txn_send_offsets(txn, second, &offset, 1, &rc_oops));
    ck_assert_int_eq(commit(txn, &error), RC_COMMIT_DONE);
    rc_kafka_offset_t committed = {topic, 1, -1};
    OK(rc_kafka_consumer_committed(consumer, &committed, 1, PATIENCE_MS, NULL, &rc_oops));
    ck_assert_int_eq(committed.offset, 3);
    rc_kafka_consumer_close(consumer);
    consumer = join(lost, "b");
    OK(rc_kafka_consumer_committed(consumer, &committed, 1, PATIENCE_MS, NULL, &rc_oops));
    ck_assert_int_eq(committed.offset, 3);
    rc_kafka_group_free(first);
    rc_kafka_group_free(second);
    rc_kafka_consumer_close(consumer);
    rc_kafka_txn_close(txn);
}
END_TEST

START_TEST(a_generation_that_is_over_cannot_commit_and_the_handle_goes_on)
{
    rc_error_t error = RC_ERROR_INIT;
    char group_id[64];
    (void)snprintf(group_id, sizeof group_id, "%sgroup", cluster.prefix);
    rc_kafka_consumer_t *members[2] = {join(group_id, "a"), NULL};
    (void)await_assignment(members, 1, 0);
    rc_kafka_group_t *captured = rc_kafka_consumer_group(members[0]);
    members[1] = join(group_id, "b");
    (void)await_assignment(members, 2, 1);

    rc_kafka_txn_t *txn = open_txn();
    const rc_kafka_offset_t offset = {topic, 0, 0};
    OK(rc_kafka_txn_begin(txn, &rc_oops));
    produce(txn, 0, "k", "v");
    ck_assert_int_eq(rc_kafka_txn_send_offsets(txn, captured, &offset, 1, &error), RC_OWNERSHIP);
    ck_assert_int_eq(
        rc_kafka_txn_produce(txn, &(rc_kafka_record_t){.topic = topic, .key = "k", .key_bytes = 1}, &error),
        RC_OWNERSHIP);
    ck_assert_int_eq(commit(txn, &error), RC_COMMIT_ABORTED);
    ck_assert_int_eq(error.code, RC_OWNERSHIP);
    ck_assert_int_eq(visible(), 0);

    rc_kafka_group_t *fresh = rc_kafka_consumer_group(members[0]);
    OK(rc_kafka_txn_begin(txn, &rc_oops));
    produce(txn, 0, "k", "v");
    OK(rc_kafka_txn_send_offsets(txn, fresh, &offset, 1, &rc_oops));
    ck_assert_int_eq(commit(txn, &error), RC_COMMIT_DONE);
    ck_assert_int_eq(visible(), 1);
    rc_kafka_group_free(captured);
    rc_kafka_group_free(fresh);
    rc_kafka_txn_close(txn);
    rc_kafka_consumer_close(members[0]);
    rc_kafka_consumer_close(members[1]);
}
END_TEST

START_TEST(committed_waits_for_a_predecessors_open_transaction)
{
    rc_error_t error = RC_ERROR_INIT;
    char group_id[64];
    (void)snprintf(group_id, sizeof group_id, "%sgroup", cluster.prefix);
    rc_kafka_consumer_t *consumer = join(group_id, "a");
    (void)await_assignment(&consumer, 1, 0);
    rc_kafka_group_t *group = rc_kafka_consumer_group(consumer);
    rc_kafka_txn_t *txn = open_txn();
    const rc_kafka_offset_t offset = {topic, 0, 9};
    OK(rc_kafka_txn_begin(txn, &rc_oops));
    OK(rc_kafka_txn_send_offsets(txn, group, &offset, 1, &rc_oops));
    rc_kafka_offset_t committed = {topic, 0, -1};
    ck_assert_int_eq(rc_kafka_consumer_committed(consumer, &committed, 1, 1500, NULL, &error), RC_TIMEOUT);
    rc_kafka_txn_t *successor = open_txn(); /* ends what was open */
    OK(rc_kafka_consumer_committed(consumer, &committed, 1, PATIENCE_MS, NULL, &rc_oops));
    ck_assert_int_eq(committed.offset, RC_OFFSET_NONE);
    rc_kafka_group_free(group);
    rc_kafka_txn_close(txn);
    rc_kafka_txn_close(successor);
    rc_kafka_consumer_close(consumer);
}
END_TEST

/* A member that is stopped past its session, wakes, polls first, is back in the group, and only then commits what it
 * had prepared. A process of its own, which begins before any handle is open here; exit code 10 + rc_kafka_commit_t. */
typedef struct {
    int to_zombie[2];
    pid_t pid;
} zombie_t;

static void be_a_zombie(const zombie_t *zombie, bool captured_early)
{
    rc_error_t error = RC_ERROR_INIT;
    char group_id[64], its_topic[96];
    ck_assert_int_eq(read(zombie->to_zombie[0], its_topic, sizeof its_topic), sizeof its_topic);
    rc_cluster_open(&cluster, NULL, "2000");
    topic = its_topic;
    (void)snprintf(transactional_id, sizeof transactional_id, "%szombie", cluster.prefix);
    (void)snprintf(group_id, sizeof group_id, "%s.group", its_topic);
    rc_kafka_consumer_t *consumer = join(group_id, "zombie");
    (void)await_assignment(&consumer, 1, 0);
    rc_kafka_group_t *group = rc_kafka_consumer_group(consumer);
    rc_kafka_txn_t *txn = open_txn();
    (void)raise(SIGSTOP);

    (void)await_assignment(&consumer, 1, 0); /* it has rejoined */
    if (!captured_early) group = rc_kafka_consumer_group(consumer);
    const rc_kafka_offset_t offset = {topic, 0, 0};
    OK(rc_kafka_txn_begin(txn, &rc_oops));
    produce(txn, 0, "k", "of the zombie");
    (void)rc_kafka_txn_send_offsets(txn, group, &offset, 1, &error);
    _exit(10 + (int)rc_kafka_txn_commit(txn, NULL, &error));
}

/* Polls the heir, who has to give the zombie its share, until the zombie has ended. */
static int status_of(const zombie_t *zombie, rc_kafka_consumer_t *heir)
{
    int status = 0;
    int64_t deadline_ms = rc_mono_now().ms + rc_unit_patience_ms(2 * PATIENCE_MS);
    while (waitpid(zombie->pid, &status, WNOHANG) == 0) {
        rc_kafka_event_t event;
        rc_error_t error = RC_ERROR_INIT;
        ck_assert_msg(rc_mono_now().ms < deadline_ms, "the zombie does not end");
        if (rc_kafka_consumer_poll(heir, 50, &event, &error)) continue;
        if (event.kind == RC_KAFKA_ASSIGN)
            OK(rc_kafka_consumer_assign(heir, event.partitions, event.partition_count, &rc_oops));
        if (event.kind == RC_KAFKA_REVOKE) OK(rc_kafka_consumer_unassign(heir, &rc_oops));
        rc_kafka_event_release(&event);
    }
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

START_TEST(a_zombie_that_rejoined_is_fenced_by_what_it_captured_before)
{
    bool captured_early = _i == 0;
    zombie_t zombie;
    char group_id[128], its_topic[96] = "";
    int status;
    ck_assert_int_eq(pipe(zombie.to_zombie), 0);
    zombie.pid = fork();
    if (zombie.pid == 0) be_a_zombie(&zombie, captured_early);
    setup();
    (void)snprintf(its_topic, sizeof its_topic, "%s", topic);
    (void)snprintf(group_id, sizeof group_id, "%s.group", topic);
    ck_assert_int_eq(write(zombie.to_zombie[1], its_topic, sizeof its_topic), sizeof its_topic);
    ck_assert_int_eq(waitpid(zombie.pid, &status, WUNTRACED), zombie.pid);
    ck_assert(WIFSTOPPED(status));
    rc_kafka_consumer_t *heir = join(group_id, "heir");
    ck_assert_uint_eq(await_assignment(&heir, 1, 0), 3);
    ck_assert_int_eq(kill(zombie.pid, SIGCONT), 0);
    ck_assert_int_eq(status_of(&zombie, heir), 10 + (captured_early ? RC_COMMIT_ABORTED : RC_COMMIT_DONE));
    ck_assert_int_eq(visible(), captured_early ? 0 : 1); /* late is how records would be published twice */
    rc_kafka_consumer_close(heir);
    teardown();
}
END_TEST

int main(void)
{
    if (!rc_cluster_is_there()) return RC_CLUSTER_ABSENT;
    Suite *suite = suite_create("kafka_txn");
    TCase *cases = tcase_create("transactions");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, a_transaction_is_visible_whole_or_not_at_all);
    tcase_add_test(cases, a_reading_waits_for_a_transaction_that_ends_and_not_for_one_that_hangs);
    tcase_add_test(cases, the_last_offset_of_each_partition_is_known_after_a_commit);
    tcase_add_test(cases, keys_go_where_the_partitioner_says);
    tcase_add_test(cases, a_record_that_cannot_be_delivered_spoils_its_transaction_and_no_other);
    tcase_add_test(cases, a_record_that_is_too_large_is_refused_in_words);
    tcase_add_test(cases, many_records_wait_for_room_in_the_queue);
    tcase_add_test(cases, a_second_handle_fences_the_first_and_aborts_what_it_left);
    tcase_add_test(cases, a_transaction_that_outlives_its_time_leaves_a_dead_handle);
    tcase_add_test(cases, waiting_for_brokers_that_are_away_can_be_cancelled);
    tcase_add_test(cases, offsets_are_committed_with_the_records);
    tcase_add_test(cases, several_groups_in_one_transaction_even_one_that_was_lost);
    tcase_add_test(cases, a_generation_that_is_over_cannot_commit_and_the_handle_goes_on);
    tcase_add_test(cases, committed_waits_for_a_predecessors_open_transaction);
    suite_add_tcase(suite, cases);
    TCase *zombies = tcase_create("zombies");
    tcase_add_loop_test(zombies, a_zombie_that_rejoined_is_fenced_by_what_it_captured_before, 0, 2);
    suite_add_tcase(suite, zombies);
    return rc_unit_run(suite);
}
