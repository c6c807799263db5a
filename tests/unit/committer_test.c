/* consumer/engine/committer: a batch is written whole or not at all, a lane that was lost does not take the others with
 * it, and what became of a batch is said as it is known. The transactional producer is stood in for (its calls are
 * wrapped). */
#include "consumer/engine/committer.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/cluster.h"
#include "tests/support/unit.h"

enum { PATIENCE_MS = 10000, TEXT_BYTES = 1024, PRODUCED_MAX = 8, COMMITS_MAX = 8 };

rc_code_t __wrap_rc_kafka_txn_open(const rc_kafka_t *, const char *, rc_kafka_txn_t **, rc_error_t *);
void __wrap_rc_kafka_txn_close(rc_kafka_txn_t *);
rc_code_t __wrap_rc_kafka_txn_init(rc_kafka_txn_t *, const atomic_bool *, rc_error_t *);
rc_code_t __wrap_rc_kafka_txn_begin(rc_kafka_txn_t *, rc_error_t *);
rc_code_t __wrap_rc_kafka_txn_produce(rc_kafka_txn_t *, const rc_kafka_record_t *, rc_error_t *);
rc_code_t __wrap_rc_kafka_txn_send_offsets(rc_kafka_txn_t *, const rc_kafka_group_t *, const rc_kafka_offset_t *,
                                           size_t, rc_error_t *);
rc_kafka_commit_t __wrap_rc_kafka_txn_commit(rc_kafka_txn_t *, const atomic_bool *, rc_error_t *);
rc_code_t __wrap_rc_kafka_txn_abort(rc_kafka_txn_t *, const atomic_bool *, rc_error_t *);
const rc_kafka_offset_t *__wrap_rc_kafka_txn_produced(const rc_kafka_txn_t *, size_t *);
rc_mono_t __wrap_rc_mono_now(void);
rc_mono_t __real_rc_mono_now(void);

/* What the stand-in does, and what was asked of it. The committer's thread writes it while a batch is under way. */
static struct {
    rc_code_t opens[2];              /* the next answers; RC_OK when they are used up */
    rc_code_t commits[COMMITS_MAX];  /* RC_KAFKA: aborted, RC_FENCED: dead */
    rc_code_t produce;               /* the next answer */
    const rc_kafka_group_t *refused; /* the group that has moved on */
    int opened, closed, committed, aborted;
    bool in_transaction, waits; /* a commit waits until the committer is stopped */
    rc_buf_t written;           /* "topic/partition:key @topic/partition=offset …" of all that was committed */
    rc_buf_t open_part;         /* the same of the transaction under way */
    rc_kafka_offset_t produced[PRODUCED_MAX];
    size_t produced_count;
} kafka;
static atomic_int committing;
static _Atomic int64_t skew_ms;
static char transactional_id[128];

rc_mono_t __wrap_rc_mono_now(void)
{
    return (rc_mono_t){__real_rc_mono_now().ms + atomic_load(&skew_ms)};
}

rc_code_t __wrap_rc_kafka_txn_open(const rc_kafka_t *settings, const char *id, rc_kafka_txn_t **txn, rc_error_t *error)
{
    (void)settings;
    int number = kafka.opened++;
    (void)snprintf(transactional_id, sizeof transactional_id, "%s", id);
    rc_code_t code = number < 2 ? kafka.opens[number] : RC_OK;
    if (code != RC_OK) return rc_error_set(error, code, RC_RETRY, "not now");
    *txn = (rc_kafka_txn_t *)&kafka;
    return RC_OK;
}

void __wrap_rc_kafka_txn_close(rc_kafka_txn_t *txn)
{
    if (txn) kafka.closed++;
}

rc_code_t __wrap_rc_kafka_txn_init(rc_kafka_txn_t *txn, const atomic_bool *cancelled, rc_error_t *error)
{
    (void)txn, (void)cancelled, (void)error;
    return RC_OK;
}

rc_code_t __wrap_rc_kafka_txn_begin(rc_kafka_txn_t *txn, rc_error_t *error)
{
    (void)txn, (void)error;
    ck_assert(!kafka.in_transaction);
    kafka.in_transaction = true;
    kafka.produced_count = 0;
    rc_buf_reset(&kafka.open_part);
    return RC_OK;
}

rc_code_t __wrap_rc_kafka_txn_produce(rc_kafka_txn_t *txn, const rc_kafka_record_t *record, rc_error_t *error)
{
    (void)txn;
    ck_assert(kafka.in_transaction);
    rc_code_t code = kafka.produce;
    kafka.produce = RC_OK;
    if (code != RC_OK) return rc_error_set(error, code, RC_REJECT, "too large");
    rc_buf_add_format(&kafka.open_part, "%s/%d:%.*s ", record->topic, (int)record->partition, (int)record->key_bytes,
                      (const char *)record->key);
    ck_assert_uint_lt(kafka.produced_count, PRODUCED_MAX);
    kafka.produced[kafka.produced_count] =
        (rc_kafka_offset_t){record->topic, record->partition, 100 + (int64_t)kafka.produced_count};
    kafka.produced_count++;
    return RC_OK;
}

rc_code_t __wrap_rc_kafka_txn_send_offsets(rc_kafka_txn_t *txn, const rc_kafka_group_t *group,
                                           const rc_kafka_offset_t *offsets, size_t count, rc_error_t *error)
{
    (void)txn;
    ck_assert(kafka.in_transaction && count > 0);
    if (group == kafka.refused) return rc_error_set(error, RC_OWNERSHIP, RC_REJECT, "the group has moved on");
    rc_buf_add_format(&kafka.open_part, "@%s/%d=%lld ", offsets->topic, (int)offsets->partition,
                      (long long)offsets->offset);
    return RC_OK;
}

rc_kafka_commit_t __wrap_rc_kafka_txn_commit(rc_kafka_txn_t *txn, const atomic_bool *cancelled, rc_error_t *error)
{
    (void)txn;
    ck_assert(kafka.in_transaction && kafka.committed < COMMITS_MAX);
    kafka.in_transaction = false;
    atomic_fetch_add(&committing, 1);
    while (kafka.waits && !atomic_load(cancelled)) (void)sched_yield();
    if (kafka.waits) {
        rc_error_set(error, RC_CANCELLED, RC_STOPPED, "stopped");
        return RC_COMMIT_DEAD;
    }
    switch (kafka.commits[kafka.committed++]) {
    case RC_OK:
        rc_buf_add(&kafka.written, kafka.open_part.data, kafka.open_part.size_bytes);
        return RC_COMMIT_DONE;
    case RC_FENCED:
        rc_error_set(error, RC_FENCED, RC_FATAL, "fenced");
        return RC_COMMIT_DEAD;
    default:
        rc_error_set(error, RC_KAFKA, RC_RETRY, "aborted");
        return RC_COMMIT_ABORTED;
    }
}

rc_code_t __wrap_rc_kafka_txn_abort(rc_kafka_txn_t *txn, const atomic_bool *cancelled, rc_error_t *error)
{
    (void)txn, (void)cancelled, (void)error;
    kafka.in_transaction = false;
    kafka.aborted++;
    return RC_OK;
}

const rc_kafka_offset_t *__wrap_rc_kafka_txn_produced(const rc_kafka_txn_t *txn, size_t *count)
{
    (void)txn;
    *count = kafka.produced_count;
    return kafka.produced;
}

/* --- the test's side --- */

#define LEDGER "hris.learnamp.ledger"
#define EVENTS "hris.employee.created"

static rc_config_property_t property = {"bootstrap.servers", "127.0.0.1:1", 1};
static rc_config_t config;
static rc_kafka_t *settings;
static rc_loop_t *loop;
static rc_metrics_t *metrics;
static rc_committer_t *committer;

static struct {
    int calls;
    rc_batch_t *batch;
    rc_batch_result_t result;
    rc_kafka_offset_t ledger[PRODUCED_MAX];
    size_t ledger_count;
} done;

static void on_done(void *opaque, rc_batch_t *batch, rc_batch_result_t result, const rc_kafka_offset_t *ledger,
                    size_t ledger_count)
{
    (void)opaque;
    done.calls++;
    done.batch = batch;
    done.result = result;
    done.ledger_count = ledger_count;
    for (size_t i = 0; i < ledger_count; i++) done.ledger[i] = ledger[i];
    rc_loop_stop(loop);
}

static void setup(void)
{
    config = (rc_config_t){.path = "test.yaml", .instance = "a"};
    config.kafka.topic_prefix = "hris.";
    config.kafka.properties = &property;
    config.kafka.properties_count = 1;
    config.consumer.application = "learnamp";
    OK(rc_kafka_new(&config, "rollcall-consumer", &settings, &rc_oops));
    loop = rc_loop_new();
    metrics = rc_metrics_new(RC_METRICS_CONSUMER);
    memset(&kafka, 0, sizeof kafka);
    kafka.written = kafka.open_part = RC_BUF_INIT(TEXT_BYTES);
    memset(&done, 0, sizeof done);
    committer = NULL;
}

static void start(void)
{
    committer = rc_committer_new(settings, loop, metrics, LEDGER, on_done, NULL);
}

static void teardown(void)
{
    rc_committer_stop(committer);
    rc_loop_free(loop);
    rc_committer_free(committer);
    rc_metrics_free(metrics);
    rc_kafka_free(settings);
    rc_buf_fini(&kafka.written);
    rc_buf_fini(&kafka.open_part);
}

static const char *written(void)
{
    return kafka.written.size_bytes ? kafka.written.data : "";
}

/* A lane's part of a batch: a ledger entry, a parked record, and how far the lane has come. */
static const rc_kafka_group_t *fill(rc_batch_t *batch, rc_event_type_t lane, const char *key)
{
    const char *const topics[] = {LEDGER, "hris.learnamp.retry.5m"};
    for (int i = 0; i < 2; i++)
        rc_batch_add(
            batch, lane,
            &(rc_kafka_record_t){.topic = topics[i], .partition = (int32_t)lane, .key = key, .key_bytes = strlen(key)});
    rc_kafka_group_t *group = rc_kafka_group_new("group");
    rc_batch_seal(batch, lane, &(rc_kafka_offset_t){EVENTS, (int32_t)lane, 7}, 1, group, 1);
    return group;
}

static void too_late(void *opaque)
{
    (void)opaque;
    ck_abort_msg("no answer");
}

/* Writes a batch of one lane's records, or the one given. */
static rc_batch_result_t write_out(rc_batch_t *batch)
{
    if (!batch) fill(batch = rc_batch_new(), RC_EVENT_CREATED, "k");
    rc_loop_timer_t *limit = rc_loop_timer_new(loop, too_late, NULL);
    rc_loop_timer_start(limit, rc_unit_patience_ms(PATIENCE_MS), 0);
    rc_committer_take(committer, batch);
    ck_assert(rc_committer_is_busy(committer));
    rc_loop_run(loop);
    rc_loop_timer_free(limit);
    ck_assert(!rc_committer_is_busy(committer));
    ck_assert_ptr_eq(done.batch, batch);
    rc_batch_free(batch);
    return done.result;
}

static double transactions(const char *result)
{
    return rc_series_value(rc_metrics_series(metrics, RC_METRIC_TRANSACTIONS, result, NULL, NULL));
}

START_TEST(the_records_and_offsets_of_all_lanes_are_one_transaction)
{
    rc_batch_t *batch = rc_batch_new();
    fill(batch, RC_EVENT_CREATED, "c");
    fill(batch, RC_EVENT_DEACTIVATED, "d");
    start();
    ck_assert_int_eq(write_out(batch), RC_BATCH_COMMITTED);
    ck_assert_str_eq(written(), LEDGER "/0:c hris.learnamp.retry.5m/0:c @" EVENTS "/0=7 " LEDGER
                                       "/3:d hris.learnamp.retry.5m/3:d @" EVENTS "/3=7 ");
    ck_assert_int_eq(kafka.committed, 1);
    ck_assert_str_eq(transactional_id, "hris.rollcall-consumer.learnamp.a");
    ck_assert_double_eq(transactions("committed"), 1);
    /* Behind what was written, and of the ledger alone. */
    ck_assert_uint_eq(done.ledger_count, 2);
    ck_assert_str_eq(done.ledger[0].topic, LEDGER);
    ck_assert_int_eq(done.ledger[0].partition, 0);
    ck_assert_int_eq(done.ledger[0].offset, 101);
    ck_assert_int_eq(done.ledger[1].partition, 3);
    ck_assert_int_eq(done.ledger[1].offset, 103);
}
END_TEST

START_TEST(I5_a_lane_that_was_lost_leaves_nothing_and_the_others_are_written)
{
    rc_batch_t *batch = rc_batch_new();
    fill(batch, RC_EVENT_CREATED, "c");
    kafka.refused = fill(batch, RC_EVENT_TEAM_CHANGED, "t");
    fill(batch, RC_EVENT_DEACTIVATED, "d");
    start();
    rc_committer_take(committer, batch);
    rc_loop_run(loop);
    ck_assert_int_eq(done.result, RC_BATCH_COMMITTED);
    ck_assert(batch->lanes[RC_EVENT_TEAM_CHANGED].lost);
    ck_assert(!batch->lanes[RC_EVENT_CREATED].lost && !batch->lanes[RC_EVENT_DEACTIVATED].lost);
    ck_assert_int_eq(kafka.aborted, 1);
    ck_assert_ptr_null(strstr(written(), ":t "));
    ck_assert_ptr_nonnull(strstr(written(), ":c "));
    ck_assert_ptr_nonnull(strstr(written(), ":d "));
    ck_assert_uint_eq(done.ledger_count, 2);
    rc_batch_free(batch);
}
END_TEST

START_TEST(a_batch_of_lost_lanes_alone_writes_nothing)
{
    rc_batch_t *batch = rc_batch_new();
    kafka.refused = fill(batch, RC_EVENT_CREATED, "c");
    start();
    ck_assert_int_eq(write_out(batch), RC_BATCH_COMMITTED);
    ck_assert_str_eq(written(), "");
    ck_assert_uint_eq(done.ledger_count, 0);
    ck_assert_int_eq(kafka.committed, 0);
}
END_TEST

START_TEST(an_aborted_transaction_is_written_again_whole)
{
    kafka.commits[0] = kafka.commits[1] = RC_KAFKA;
    start();
    ck_assert_int_eq(write_out(NULL), RC_BATCH_COMMITTED);
    ck_assert_str_eq(written(), LEDGER "/0:k hris.learnamp.retry.5m/0:k @" EVENTS "/0=7 ");
    ck_assert_double_eq(transactions("aborted"), 2);
    ck_assert_int_eq(kafka.opened, 1);
}
END_TEST

START_TEST(a_record_that_is_not_taken_aborts_what_it_was_part_of)
{
    kafka.produce = RC_KAFKA;
    start();
    ck_assert_int_eq(write_out(NULL), RC_BATCH_COMMITTED);
    ck_assert_int_eq(kafka.aborted, 1);
    ck_assert_int_eq(kafka.committed, 1);
}
END_TEST

START_TEST(after_a_dead_handle_the_outcome_is_unknown_and_the_next_batch_has_a_new_one)
{
    kafka.commits[0] = RC_FENCED;
    start();
    ck_assert_int_eq(write_out(NULL), RC_BATCH_UNKNOWN);
    ck_assert_uint_eq(done.ledger_count, 0);
    ck_assert_str_eq(written(), "");
    ck_assert_int_eq(write_out(NULL), RC_BATCH_COMMITTED);
    ck_assert_int_eq(kafka.opened, 2);
    ck_assert_int_eq(kafka.closed, 1);
}
END_TEST

START_TEST(two_fencings_within_a_minute_mean_a_shared_name)
{
    kafka.commits[0] = kafka.commits[1] = RC_FENCED;
    start();
    ck_assert_int_eq(write_out(NULL), RC_BATCH_UNKNOWN);
    ck_assert_int_eq(write_out(NULL), RC_BATCH_FENCED);
}
END_TEST

START_TEST(two_fencings_further_apart_do_not)
{
    kafka.commits[0] = kafka.commits[1] = RC_FENCED;
    start();
    ck_assert_int_eq(write_out(NULL), RC_BATCH_UNKNOWN);
    atomic_store(&skew_ms, 61000);
    ck_assert_int_eq(write_out(NULL), RC_BATCH_UNKNOWN);
}
END_TEST

START_TEST(a_handle_that_does_not_open_is_tried_again)
{
    kafka.opens[0] = kafka.opens[1] = RC_KAFKA;
    start();
    ck_assert_int_eq(write_out(NULL), RC_BATCH_COMMITTED);
    ck_assert_int_eq(kafka.opened, 3);
}
END_TEST

START_TEST(a_batch_under_way_at_the_end_is_given_up_without_a_word)
{
    rc_batch_t *batch = rc_batch_new();
    fill(batch, RC_EVENT_CREATED, "c");
    kafka.waits = true;
    start();
    rc_committer_take(committer, batch);
    while (atomic_load(&committing) == 0) (void)sched_yield();
    rc_committer_stop(committer);
    rc_loop_free(loop);
    loop = NULL;
    ck_assert_int_eq(done.calls, 0);
    ck_assert_str_eq(written(), "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("committer");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, the_records_and_offsets_of_all_lanes_are_one_transaction);
    tcase_add_test(all, I5_a_lane_that_was_lost_leaves_nothing_and_the_others_are_written);
    tcase_add_test(all, a_batch_of_lost_lanes_alone_writes_nothing);
    tcase_add_test(all, an_aborted_transaction_is_written_again_whole);
    tcase_add_test(all, a_record_that_is_not_taken_aborts_what_it_was_part_of);
    tcase_add_test(all, after_a_dead_handle_the_outcome_is_unknown_and_the_next_batch_has_a_new_one);
    tcase_add_test(all, two_fencings_within_a_minute_mean_a_shared_name);
    tcase_add_test(all, two_fencings_further_apart_do_not);
    tcase_add_test(all, a_handle_that_does_not_open_is_tried_again);
    tcase_add_test(all, a_batch_under_way_at_the_end_is_given_up_without_a_word);
    suite_add_tcase(suite, all);
    return rc_unit_run(suite);
}
