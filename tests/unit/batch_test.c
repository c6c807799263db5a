/* consumer/engine/batch: a transaction is gathered by lane, with copies of everything. */
#include "consumer/engine/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/unit.h"

START_TEST(a_record_is_copied_with_all_its_bytes)
{
    rc_batch_t *batch = rc_batch_new();
    char topic[] = "hris.learnamp.ledger", key[] = "k\0ey", value[] = "v\0alue", name[] = "h", content[] = "c\0c";
    rc_header_t headers[] = {{name, content, 3}, {"null", NULL, 0}};
    const rc_kafka_record_t record = {.topic = topic,
                                      .partition = 3,
                                      .key = key,
                                      .key_bytes = 4,
                                      .value = value,
                                      .value_bytes = 6,
                                      .headers = {headers, 2}};
    rc_batch_add(batch, RC_EVENT_CREATED, &record);
    memset(topic, 'x', sizeof topic - 1), memset(key, 'x', 4), memset(value, 'x', 6), memset(content, 'x', 3),
        *name = 'x';
    headers[0] = headers[1];
    const rc_kafka_record_t *copy = &batch->lanes[RC_EVENT_CREATED].records[0];
    ck_assert_str_eq(copy->topic, "hris.learnamp.ledger");
    ck_assert_int_eq(copy->partition, 3);
    ck_assert_mem_eq(copy->key, "k\0ey", 4);
    ck_assert_mem_eq(copy->value, "v\0alue", 6);
    ck_assert_uint_eq(copy->headers.count, 2);
    ck_assert_str_eq(copy->headers.items[0].name, "h");
    ck_assert_mem_eq(copy->headers.items[0].value, "c\0c", 3);
    ck_assert_ptr_null(copy->headers.items[1].value);
    rc_batch_free(batch);
}
END_TEST

START_TEST(a_tombstone_stays_one)
{
    rc_batch_t *batch = rc_batch_new();
    rc_batch_add(batch, RC_EVENT_CREATED, &(rc_kafka_record_t){.topic = "t", .key = "k", .key_bytes = 1});
    rc_batch_add(batch, RC_EVENT_CREATED, &(rc_kafka_record_t){.topic = "t", .key = "k", .key_bytes = 1, .value = ""});
    ck_assert_ptr_null(batch->lanes[RC_EVENT_CREATED].records[0].value);
    ck_assert_ptr_nonnull(batch->lanes[RC_EVENT_CREATED].records[1].value);
    rc_batch_free(batch);
}
END_TEST

START_TEST(lanes_are_kept_apart_and_in_order)
{
    rc_batch_t *batch = rc_batch_new();
    for (int i = 0; i < 400; i++) {
        char key[8];
        int length = snprintf(key, sizeof key, "%d", i);
        rc_batch_add(batch, (rc_event_type_t)(i % RC_EVENT_COUNT),
                     &(rc_kafka_record_t){.topic = "t", .key = key, .key_bytes = (size_t)length});
    }
    for (int lane = 0; lane < RC_EVENT_COUNT; lane++) {
        ck_assert_uint_eq(batch->lanes[lane].record_count, 100);
        for (int i = 0; i < 100; i++)
            ck_assert_int_eq(atoi(batch->lanes[lane].records[i].key), i * RC_EVENT_COUNT + lane);
    }
    rc_batch_drop(batch, RC_EVENT_TEAM_CHANGED);
    ck_assert_uint_eq(batch->lanes[RC_EVENT_TEAM_CHANGED].record_count, 0);
    ck_assert_uint_eq(batch->lanes[RC_EVENT_CREATED].record_count, 100);
    rc_batch_add(batch, RC_EVENT_TEAM_CHANGED, &(rc_kafka_record_t){.topic = "t", .key = "k", .key_bytes = 1});
    ck_assert_uint_eq(batch->lanes[RC_EVENT_TEAM_CHANGED].record_count, 1);
    ck_assert(!rc_batch_is_sealed(batch));
    rc_batch_free(batch);
    rc_batch_free(NULL);
}
END_TEST

START_TEST(who_was_lost_is_remembered_when_the_part_is_thrown_away)
{
    rc_batch_t *batch = rc_batch_new();
    batch->lanes[RC_EVENT_CREATED].lost = true;
    batch->lanes[RC_EVENT_CREATED].assignment = 17;
    rc_batch_drop(batch, RC_EVENT_CREATED);
    ck_assert(batch->lanes[RC_EVENT_CREATED].lost);
    ck_assert_uint_eq(batch->lanes[RC_EVENT_CREATED].assignment, 17);
    rc_batch_free(batch);
}
END_TEST

START_TEST(dead_letters_are_counted_by_integration_and_reason_and_go_with_their_lane)
{
    rc_batch_t *batch = rc_batch_new();
    char id[] = "a:1";
    for (int i = 0; i < 5; i++) rc_batch_note_dead(batch, RC_EVENT_CREATED, id, "REJECTED");
    id[2] = '2';
    rc_batch_note_dead(batch, RC_EVENT_CREATED, id, "REJECTED");
    rc_batch_note_dead(batch, RC_EVENT_CREATED, "a:1", "POISON");
    rc_batch_note_dead(batch, RC_EVENT_DEACTIVATED, "a:1", "REJECTED");
    const rc_batch_lane_t *part = &batch->lanes[RC_EVENT_CREATED];
    ck_assert_uint_eq(part->dead_count, 3);
    ck_assert_str_eq(part->dead[0].integration_id, "a:1");
    ck_assert_int_eq(part->dead[0].count, 5);
    ck_assert_str_eq(part->dead[1].integration_id, "a:2");
    ck_assert_str_eq(part->dead[2].reason, "POISON");
    rc_batch_drop(batch, RC_EVENT_CREATED);
    ck_assert_uint_eq(part->dead_count, 0);
    ck_assert_uint_eq(batch->lanes[RC_EVENT_DEACTIVATED].dead_count, 1);
    rc_batch_free(batch);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("batch");
    TCase *tests = tcase_create("batch");
    tcase_add_test(tests, a_record_is_copied_with_all_its_bytes);
    tcase_add_test(tests, a_tombstone_stays_one);
    tcase_add_test(tests, lanes_are_kept_apart_and_in_order);
    tcase_add_test(tests, who_was_lost_is_remembered_when_the_part_is_thrown_away);
    tcase_add_test(tests, dead_letters_are_counted_by_integration_and_reason_and_go_with_their_lane);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return rc_unit_run(suite());
}
