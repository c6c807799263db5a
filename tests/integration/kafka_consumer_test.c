/* common/kafka_consumer on a real broker: what was produced arrives once, in order, whatever is paused, moved or handed
 * over. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/kafka_consumer.h"
#include "common/kafka_producer.h"
#include "common/kafka_txn.h"
#include "tests/support/cluster.h"
#include "tests/support/unit.h"

enum { PATIENCE_MS = 20000, RECORDS = 300 };

static rc_cluster_t cluster;
static char *topic;
static char group_id[64];

static void setup(void)
{
    rc_cluster_open(&cluster, NULL, "2000");
    topic = rc_cluster_topic(&cluster, "events", false);
    (void)snprintf(group_id, sizeof group_id, "%sgroup", cluster.prefix);
}

static void teardown(void)
{
    free(topic);
    rc_cluster_close(&cluster);
}

/* `count` records into each partition, whose values are 0, 1, 2 … */
static void fill(int count)
{
    rc_kafka_producer_t *producer;
    OK(rc_kafka_producer_open(cluster.kafka, &producer, &rc_oops));
    rc_kafka_record_t *records = rc_calloc((size_t)count * RC_CLUSTER_PARTITIONS, sizeof *records);
    int *values = rc_calloc((size_t)count, sizeof *values);
    size_t filled = 0;
    for (int i = 0; i < count; i++)
        for (int32_t p = 0; p < RC_CLUSTER_PARTITIONS; p++) {
            values[i] = i;
            records[filled++] = (rc_kafka_record_t){.topic = topic,
                                                    .partition = p,
                                                    .key = "k",
                                                    .key_bytes = 1,
                                                    .value = &values[i],
                                                    .value_bytes = sizeof values[i]};
        }
    OK(rc_kafka_producer_send(producer, records, filled, PATIENCE_MS, NULL, &rc_oops));
    rc_kafka_producer_close(producer);
    free(records);
    free(values);
}

static rc_kafka_consumer_t *join(const char *instance_id)
{
    rc_kafka_consumer_t *consumer;
    const char *topics[] = {topic};
    OK(rc_kafka_consumer_open(cluster.kafka, group_id, instance_id, &consumer, &rc_oops));
    OK(rc_kafka_consumer_subscribe(consumer, topics, 1, &rc_oops));
    return consumer;
}

/* Takes what comes until `done` is true or patience ends. */
typedef struct {
    rc_kafka_consumer_t *consumer;
    int next[RC_CLUSTER_PARTITIONS]; /* expected value */
    int eofs;
    int taken;
    bool assigned;
    bool revoked;
} member_t;

static void take_one(member_t *member, int64_t timeout_ms)
{
    rc_kafka_event_t event;
    rc_error_t error = RC_ERROR_INIT;
    rc_code_t code = rc_kafka_consumer_poll(member->consumer, timeout_ms, &event, &error);
    ck_assert_msg(code == RC_OK || error.disposition == RC_RETRY, "%s", error.message);
    if (code) return;
    if (event.kind == RC_KAFKA_ASSIGN) {
        OK(rc_kafka_consumer_assign(member->consumer, event.partitions, event.partition_count, &rc_oops));
        member->assigned = true;
    } else if (event.kind == RC_KAFKA_REVOKE) {
        member->revoked = true;
        ck_assert(!event.lost);
    } else if (event.kind == RC_KAFKA_EOF) {
        member->eofs++;
    } else if (event.kind == RC_KAFKA_MESSAGE) {
        int value;
        ck_assert_uint_eq(event.message.value_bytes, sizeof value);
        memcpy(&value, event.message.value, sizeof value);
        ck_assert_int_eq(value, member->next[event.message.partition]++);
        member->taken++;
    }
    rc_kafka_event_release(&event);
}

static void take_until(member_t *member, int taken)
{
    int64_t deadline_ms = rc_mono_now().ms + rc_unit_patience_ms(PATIENCE_MS);
    while (member->taken < taken) {
        ck_assert_msg(rc_mono_now().ms < deadline_ms, "%d of %d came", member->taken, taken);
        take_one(member, 100);
    }
}

START_TEST(all_records_arrive_in_order_and_ends_are_told)
{
    fill(RECORDS);
    member_t member = {.consumer = join("a")};
    take_until(&member, RECORDS * RC_CLUSTER_PARTITIONS);
    int64_t deadline_ms = rc_mono_now().ms + rc_unit_patience_ms(PATIENCE_MS);
    while (member.eofs < RC_CLUSTER_PARTITIONS && rc_mono_now().ms < deadline_ms) take_one(&member, 100);
    ck_assert_int_ge(member.eofs, RC_CLUSTER_PARTITIONS);
    rc_kafka_consumer_close(member.consumer);
}
END_TEST

START_TEST(a_record_comes_as_it_was_produced)
{
    rc_kafka_producer_t *producer;
    const rc_header_t headers[] = {
        {"ce_id", "abc", 3}, {"empty", "", 0}, {"null", NULL, 0}, {"bytes", "\0\1\2", 3}, {"ce_id", "again", 5}};
    const rc_kafka_record_t records[] = {
        {.topic = topic,
         .partition = 1,
         .key = "key\0x",
         .key_bytes = 5,
         .value = "value",
         .value_bytes = 5,
         .headers = {headers, 5}},
        {.topic = topic, .partition = 1, .key = "tombstone", .key_bytes = 9},
        {.topic = topic, .partition = 1, .key = "empty", .key_bytes = 5, .value = "", .value_bytes = 0},
    };
    rc_kafka_delivery_t deliveries[3];
    OK(rc_kafka_producer_open(cluster.kafka, &producer, &rc_oops));
    int64_t before_ms = rc_wall_now().ms;
    OK(rc_kafka_producer_send(producer, records, 3, PATIENCE_MS, deliveries, &rc_oops));
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(deliveries[i].code, RC_OK);
        ck_assert_int_eq(deliveries[i].partition, 1);
        ck_assert_int_eq(deliveries[i].offset, i);
    }
    rc_kafka_producer_close(producer);

    rc_kafka_consumer_t *consumer = join("a");
    rc_arena_t *arena = rc_arena_new();
    int64_t deadline_ms = rc_mono_now().ms + rc_unit_patience_ms(PATIENCE_MS);
    for (int seen = 0; seen < 3;) {
        rc_kafka_event_t event;
        ck_assert(rc_mono_now().ms < deadline_ms);
        OK(rc_kafka_consumer_poll(consumer, 100, &event, &rc_oops));
        if (event.kind == RC_KAFKA_ASSIGN)
            OK(rc_kafka_consumer_assign(consumer, event.partitions, event.partition_count, &rc_oops));
        const rc_kafka_message_t *message = &event.message;
        if (event.kind == RC_KAFKA_MESSAGE) {
            ck_assert_str_eq(message->topic, topic);
            ck_assert_int_eq(message->offset, seen);
            ck_assert_uint_eq(message->key_bytes, records[seen].key_bytes);
            ck_assert_mem_eq(message->key, records[seen].key, message->key_bytes);
            ck_assert_int_eq(message->value == NULL, records[seen].value == NULL);
            ck_assert_uint_eq(message->value_bytes, records[seen].value_bytes);
            ck_assert(message->timestamp_ms >= before_ms && message->timestamp_ms <= rc_wall_now().ms);
            rc_headers_t got = rc_kafka_message_headers(message, arena);
            ck_assert_uint_eq(got.count, records[seen].headers.count);
            for (size_t i = 0; i < got.count; i++) {
                ck_assert_str_eq(got.items[i].name, headers[i].name);
                ck_assert_uint_eq(got.items[i].value_bytes, headers[i].value_bytes);
                ck_assert_int_eq(got.items[i].value == NULL, headers[i].value == NULL);
                if (headers[i].value_bytes)
                    ck_assert_mem_eq(got.items[i].value, headers[i].value, headers[i].value_bytes);
            }
            seen++;
        }
        rc_kafka_event_release(&event);
    }
    rc_arena_free(arena);
    rc_kafka_consumer_close(consumer);
}
END_TEST

START_TEST(pausing_makes_no_gap_and_no_duplicate)
{
    fill(RECORDS);
    member_t member = {.consumer = join("a")};
    rc_kafka_offset_t partitions[] = {{topic, 0, 0}, {topic, 1, 0}, {topic, 2, 0}};
    take_until(&member, 50);
    for (int round = 0; round < 10; round++) {
        OK(rc_kafka_consumer_pause(member.consumer, partitions, 3, &rc_oops));
        int before = member.taken;
        for (int i = 0; i < 5; i++) take_one(&member, 5);
        ck_assert_int_eq(member.taken, before);
        OK(rc_kafka_consumer_resume(member.consumer, partitions, 3, &rc_oops));
        take_until(&member, before + 20);
    }
    take_until(&member, RECORDS * RC_CLUSTER_PARTITIONS);
    rc_kafka_consumer_close(member.consumer);
}
END_TEST

START_TEST(a_pause_ends_with_the_assignment)
{
    fill(RECORDS);
    member_t member = {.consumer = join("a")};
    rc_kafka_offset_t partitions[] = {{topic, 0, 0}, {topic, 1, 0}, {topic, 2, 0}};
    take_until(&member, 50);
    OK(rc_kafka_consumer_pause(member.consumer, partitions, 3, &rc_oops));
    OK(rc_kafka_consumer_unassign(member.consumer, &rc_oops));
    for (int i = 0; i < 3; i++) partitions[i].offset = member.next[i];
    OK(rc_kafka_consumer_assign(member.consumer, partitions, 3, &rc_oops));
    take_until(&member, RECORDS * RC_CLUSTER_PARTITIONS);
    rc_kafka_consumer_close(member.consumer);
}
END_TEST

START_TEST(an_assignment_starts_where_the_owner_says)
{
    fill(10);
    rc_kafka_consumer_t *consumer = join("a");
    const rc_kafka_offset_t mine[] = {{topic, 0, 7}, {topic, 2, RC_OFFSET_END}};
    int64_t deadline_ms = rc_mono_now().ms + rc_unit_patience_ms(PATIENCE_MS);
    int seen = 0;
    for (int eofs = 0; eofs < 2;) {
        rc_kafka_event_t event;
        ck_assert(rc_mono_now().ms < deadline_ms);
        OK(rc_kafka_consumer_poll(consumer, 100, &event, &rc_oops));
        if (event.kind == RC_KAFKA_ASSIGN) OK(rc_kafka_consumer_assign(consumer, mine, 2, &rc_oops));
        if (event.kind == RC_KAFKA_MESSAGE) {
            ck_assert_int_eq(event.message.partition, 0);
            ck_assert_int_eq(event.message.offset, 7 + seen++);
        }
        if (event.kind == RC_KAFKA_EOF) eofs++;
        rc_kafka_event_release(&event);
    }
    ck_assert_int_eq(seen, 3);
    rc_kafka_consumer_close(consumer);
}
END_TEST

START_TEST(a_loop_is_woken_for_everything)
{
    member_t member = {.consumer = join("a")};
    int64_t deadline_ms = rc_mono_now().ms + rc_unit_patience_ms(2 * PATIENCE_MS);
    int filled = 0;
    while (member.taken < 5 * RC_CLUSTER_PARTITIONS && rc_mono_now().ms < deadline_ms) {
        struct pollfd watched = {.fd = rc_kafka_consumer_fd(member.consumer), .events = POLLIN};
        int woken = poll(&watched, 1, 5000);
        ck_assert_msg(woken == 1, "nothing woke the loop after %d records", member.taken);
        for (;;) { /* until RC_KAFKA_NONE, as the header says */
            rc_kafka_event_t event;
            int before = member.taken;
            OK(rc_kafka_consumer_poll(member.consumer, 0, &event, &rc_oops));
            if (event.kind == RC_KAFKA_NONE) break;
            if (event.kind == RC_KAFKA_ASSIGN)
                OK(rc_kafka_consumer_assign(member.consumer, event.partitions, event.partition_count, &rc_oops));
            if (event.kind == RC_KAFKA_ASSIGN) member.assigned = true;
            if (event.kind == RC_KAFKA_MESSAGE) member.taken = before + 1;
            rc_kafka_event_release(&event);
        }
        if (member.assigned && member.taken == filled * RC_CLUSTER_PARTITIONS && filled < 5) {
            fill(1); /* one at a time: each must speak for itself */
            filled++;
        }
    }
    ck_assert_int_eq(member.taken, 5 * RC_CLUSTER_PARTITIONS);
    rc_kafka_consumer_close(member.consumer);
}
END_TEST

START_TEST(a_revocation_may_be_answered_late)
{
    fill(5);
    member_t first = {.consumer = join("a")};
    int64_t deadline_ms = rc_mono_now().ms + rc_unit_patience_ms(PATIENCE_MS);
    while (!first.assigned && rc_mono_now().ms < deadline_ms) take_one(&first, 50);
    member_t second = {.consumer = join("b")};
    while (!first.revoked && rc_mono_now().ms < deadline_ms) {
        take_one(&first, 50);
        take_one(&second, 50);
    }
    ck_assert(first.revoked);
    int64_t drained_ms = rc_mono_now().ms + 3000; /* longer than the session; a heartbeat keeps the place */
    while (rc_mono_now().ms < drained_ms) {
        take_one(&second, 100);
        ck_assert(!second.assigned);
    }
    OK(rc_kafka_consumer_unassign(first.consumer, &rc_oops));
    first.assigned = false;
    while (!(first.assigned && second.assigned)) {
        ck_assert(rc_mono_now().ms < deadline_ms);
        take_one(&first, 50);
        take_one(&second, 50);
    }
    rc_kafka_consumer_close(first.consumer);
    rc_kafka_consumer_close(second.consumer);
}
END_TEST

START_TEST(a_static_member_returns_to_its_place)
{
    size_t count;
    const rc_kafka_member_t *members;
    rc_arena_t *arena = rc_arena_new();
    OK(rc_kafka_admin_group(cluster.admin, group_id, PATIENCE_MS, arena, &members, &count, &rc_oops));
    ck_assert_uint_eq(count, 0);
    member_t member = {.consumer = join("a")};
    int64_t deadline_ms = rc_mono_now().ms + rc_unit_patience_ms(PATIENCE_MS);
    while (!member.assigned && rc_mono_now().ms < deadline_ms) take_one(&member, 50);
    rc_kafka_consumer_close(member.consumer);
    OK(rc_kafka_admin_group(cluster.admin, group_id, PATIENCE_MS, arena, &members, &count, &rc_oops));
    ck_assert_uint_eq(count, 1);
    ck_assert_str_eq(members[0].instance_id, "a");
    ck_assert_str_eq(members[0].client_id, "rollcall-test@test");
    member = (member_t){.consumer = join("a")};
    while (!member.assigned && rc_mono_now().ms < deadline_ms) take_one(&member, 50);
    ck_assert(member.assigned);
    rc_kafka_consumer_close(member.consumer);
    rc_arena_free(arena);
}
END_TEST

/* A record that is kept is a reference that librdkafka waits for, like those that it forgets itself (its #4362). */
START_TEST(a_handle_that_does_not_end_is_left_behind)
{
    fill(1);
    member_t member = {.consumer = join("a")};
    rc_kafka_event_t event = {0};
    int64_t deadline_ms = rc_mono_now().ms + rc_unit_patience_ms(PATIENCE_MS);
    while (event.kind != RC_KAFKA_MESSAGE && rc_mono_now().ms < deadline_ms) {
        OK(rc_kafka_consumer_poll(member.consumer, 100, &event, &rc_oops));
        if (event.kind == RC_KAFKA_ASSIGN)
            OK(rc_kafka_consumer_assign(member.consumer, event.partitions, event.partition_count, &rc_oops));
        if (event.kind != RC_KAFKA_MESSAGE) rc_kafka_event_release(&event);
    }
    ck_assert_int_eq(event.kind, RC_KAFKA_MESSAGE);
    rc_kafka_consumer_close(member.consumer);
    member = (member_t){.consumer = join("a")}; /* its place is free */
    take_until(&member, 1);
    rc_kafka_event_release(&event);
    rc_kafka_consumer_close(member.consumer);
}
END_TEST

/* What `replay` rests on: the offsets of a group that nobody is in can be moved, in a transaction. */
START_TEST(the_offsets_of_an_empty_group_are_told_and_moved)
{
    rc_kafka_offset_t places[] = {{topic, 0, 0}, {topic, 1, 0}, {topic, 2, 0}};
    OK(rc_kafka_admin_committed(cluster.admin, group_id, places, 3, PATIENCE_MS, &rc_oops));
    for (int i = 0; i < 3; i++) ck_assert_int_eq(places[i].offset, RC_OFFSET_NONE);

    char transactional_id[96];
    (void)snprintf(transactional_id, sizeof transactional_id, "%sreplay", cluster.prefix);
    rc_kafka_txn_t *txn;
    OK(rc_kafka_txn_open(cluster.kafka, transactional_id, &txn, &rc_oops));
    OK(rc_kafka_txn_init(txn, NULL, &rc_oops));
    rc_kafka_group_t *group = rc_kafka_group_new(group_id);
    for (int64_t offset = 5; offset >= 0; offset -= 5) {
        const rc_kafka_offset_t moved[] = {{topic, 0, offset}, {topic, 2, 7}};
        OK(rc_kafka_txn_begin(txn, &rc_oops));
        OK(rc_kafka_txn_send_offsets(txn, group, moved, 2, &rc_oops));
        ck_assert_int_eq(rc_kafka_txn_commit(txn, NULL, &rc_oops), RC_COMMIT_DONE);
        OK(rc_kafka_admin_committed(cluster.admin, group_id, places, 3, PATIENCE_MS, &rc_oops));
        ck_assert_int_eq(places[0].offset, offset);
        ck_assert_int_eq(places[1].offset, RC_OFFSET_NONE);
        ck_assert_int_eq(places[2].offset, 7);
    }
    rc_kafka_group_free(group);
    rc_kafka_txn_close(txn);
}
END_TEST

START_TEST(two_members_of_one_name_fence_each_other)
{
    member_t first = {.consumer = join("a")};
    int64_t deadline_ms = rc_mono_now().ms + rc_unit_patience_ms(PATIENCE_MS);
    while (!first.assigned && rc_mono_now().ms < deadline_ms) take_one(&first, 50);
    member_t second = {.consumer = join("a")};
    rc_error_t error = RC_ERROR_INIT;
    while (error.disposition != RC_FATAL && rc_mono_now().ms < deadline_ms) {
        rc_kafka_event_t event;
        take_one(&second, 20);
        if (rc_kafka_consumer_poll(first.consumer, 20, &event, &error) == RC_OK) {
            if (event.kind == RC_KAFKA_REVOKE) OK(rc_kafka_consumer_unassign(first.consumer, &rc_oops));
            rc_kafka_event_release(&event);
        }
    }
    ck_assert_int_eq(error.code, RC_FENCED);
    rc_kafka_consumer_close(first.consumer);
    rc_kafka_consumer_close(second.consumer);
}
END_TEST

START_TEST(each_record_of_a_call_has_its_own_answer)
{
    rc_kafka_producer_t *producer;
    OK(rc_kafka_producer_open(cluster.kafka, &producer, &rc_oops));
    const rc_kafka_record_t lost = {.topic = "no-such-topic", .partition = -1, .key = "k", .key_bytes = 1};
    const rc_kafka_record_t fine = {.topic = topic, .partition = 0, .key = "k", .key_bytes = 1};
    const rc_kafka_record_t both[] = {fine, lost};
    rc_kafka_delivery_t deliveries[2];
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_int_ne(rc_kafka_producer_send(producer, both, 2, PATIENCE_MS, deliveries, &error), RC_OK);
    ck_assert_int_eq(deliveries[0].code, RC_OK);
    ck_assert_int_ne(deliveries[1].code, RC_OK);
    ck_assert_ptr_nonnull(strstr(error.message, "no-such-topic"));
    rc_kafka_producer_close(producer);
}
END_TEST

START_TEST(an_answer_that_does_not_come_in_time_is_said)
{
    rc_cluster_t away;
    rc_kafka_producer_t *producer;
    rc_error_t error = RC_ERROR_INIT;
    const rc_kafka_record_t record = {.topic = topic, .partition = -1, .key = "k", .key_bytes = 1};
    rc_cluster_open(&away, "127.0.0.1:1", NULL);
    OK(rc_kafka_producer_open(away.kafka, &producer, &rc_oops));
    ck_assert_int_eq(rc_kafka_producer_send(producer, &record, 1, 300, NULL, &error), RC_TIMEOUT);
    ck_assert_msg(strstr(error.message, "Connection refused") != NULL, "%s", error.message);
    rc_kafka_producer_close(producer); /* with the record still queued */
    rc_cluster_close(&away);
}
END_TEST

int main(void)
{
    if (!rc_cluster_is_there()) return RC_CLUSTER_ABSENT;
    Suite *suite = suite_create("kafka_consumer");
    TCase *cases = tcase_create("consumer");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, all_records_arrive_in_order_and_ends_are_told);
    tcase_add_test(cases, a_record_comes_as_it_was_produced);
    tcase_add_test(cases, pausing_makes_no_gap_and_no_duplicate);
    tcase_add_test(cases, a_pause_ends_with_the_assignment);
    tcase_add_test(cases, an_assignment_starts_where_the_owner_says);
    tcase_add_test(cases, a_loop_is_woken_for_everything);
    tcase_add_test(cases, a_revocation_may_be_answered_late);
    tcase_add_test(cases, a_static_member_returns_to_its_place);
    tcase_add_test(cases, a_handle_that_does_not_end_is_left_behind);
    tcase_add_test(cases, the_offsets_of_an_empty_group_are_told_and_moved);
    tcase_add_test(cases, two_members_of_one_name_fence_each_other);
    tcase_add_test(cases, each_record_of_a_call_has_its_own_answer);
    tcase_add_test(cases, an_answer_that_does_not_come_in_time_is_said);
    suite_add_tcase(suite, cases);
    return rc_unit_run(suite);
}
