/* consumer/engine/engine on a real broker: rebalances in the middle of work, groups that are lost, fenced committers.
 */
#include "tests/integration/consumer_rig.h"

#include "common/kafka_consumer.h"
#include "common/kafka_txn.h"
#include "consumer/engine/part.h"

#define CREATED     (1u << RC_EVENT_CREATED)
#define DEACTIVATED (1u << RC_EVENT_DEACTIVATED)

/* ---- the way of a record ---- */

START_TEST(every_record_is_applied_and_entered_into_the_ledger)
{
    rig_open();
    rig_engine_t *a = rig_start(0, "a", 0);
    rig_publish_many(RC_EVENT_CREATED, 'e', 20, 1);
    RIG_AWAIT(rig_user_count() == 20);
    RIG_AWAIT(rig_count(rig_topic(RC_TOPIC_LEDGER)) == 20);
    rig_publish_one(RC_EVENT_PROFILE_UPDATED, "e3", 2);
    rig_publish_one(RC_EVENT_DEACTIVATED, "e4", 2);
    RIG_AWAIT(rig_user_is("e3", "v2") && rig_user_is("e4", "deactivated"));
    rig_end(a);
    ck_assert_int_eq(rig_count(rig_topic(RC_TOPIC_LEDGER)), 22);
    ck_assert_int_eq(rig_count(rig_topic(RC_TOPIC_DLQ)), 0);
}
END_TEST

START_TEST(what_was_finished_is_not_sent_again_after_a_restart)
{
    rig_open();
    rig_engine_t *a = rig_start(0, "a", 0);
    rig_publish_many(RC_EVENT_CREATED, 'e', 20, 1);
    RIG_AWAIT(rig_user_count() == 20);
    rig_end(a);
    control_quietly("DELETE", "requests", NULL);
    a = rig_start(0, "a", 0);
    rig_publish_one(RC_EVENT_PROFILE_UPDATED, "e3", 2);
    RIG_AWAIT(rig_user_is("e3", "v2"));
    ck_assert(rig_metric(a, "rollcall_learnamp_requests_total") <= 2); /* the token, and e3 */
}
END_TEST

/* ---- rebalances ---- */

START_TEST(a_rebalance_in_the_middle_of_work_loses_and_repeats_nothing)
{
    rig_open();
    control_quietly("PATCH", "", "{'learnamp': {'latency_ms': 150}}");
    rig_engine_t *a = rig_start(0, "a", CREATED);
    rig_publish_many(RC_EVENT_CREATED, 'e', 60, 1);
    RIG_AWAIT(rig_user_count() > 5);
    rig_engine_t *b = rig_start(1, "b", CREATED);
    RIG_AWAIT(rig_user_count() == 60);
    RIG_AWAIT(rig_count(rig_topic(RC_TOPIC_LEDGER)) >= 60);
    rig_end(a);
    rig_end(b);
    ck_assert_int_eq(rig_count(rig_topic(RC_TOPIC_LEDGER)), 60);
}
END_TEST

START_TEST(who_has_no_partitions_gets_some_when_others_leave)
{
    rig_open();
    rig_engine_t *at[3];
    const char *const names[] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++) at[i] = rig_start(i, names[i], CREATED);
    for (int i = 0; i < 3; i++) rig_await_ready(at[i]);
    RIG_AWAIT(rig_ask(at[0], rig_partitions) + rig_ask(at[1], rig_partitions) + rig_ask(at[2], rig_partitions) == 6);
    rig_end(at[0]); /* its place is kept for a session */
    rig_end(at[1]);
    RIG_AWAIT(rig_ask(at[2], rig_partitions) == 6);
    rig_publish_many(RC_EVENT_CREATED, 'e', 10, 1);
    RIG_AWAIT(rig_user_count() == 10);
}
END_TEST

START_TEST(a_lane_that_has_ended_takes_no_partitions_while_another_one_drains)
{
    rig_settings.consumer = "http_timeout: 8s, drain_timeout: 9s, retry_delays: [1s, 3s]";
    rig_open();
    rig_engine_t *a = rig_start(0, "a", CREATED | DEACTIVATED), *b;
    rig_await_ready(a);
    rig_fault("{'side': 'learnamp', 'kind': 'delay', 'delay_ms': 6000, 'match': {'method': 'POST', 'path': "
              "'/v1/users'}, 'next': -1}");
    rig_publish_one(RC_EVENT_CREATED, "e1", 1);
    RIG_AWAIT(rig_metric(a, "rollcall_learnamp_requests_total") >= 3); /* token, and both lookups */
    (void)rig_ask(a, rig_stop_engine);
    b = rig_start(1, "b", DEACTIVATED); /* the group of the idle lane moves on */
    RIG_AWAIT(rig_ask(b, rig_partitions) > 0);
    RIG_AWAIT(atomic_load(&a->ended));
    rig_end(a);
    ck_assert_str_eq(rig_user("e1"), "v1");
}
END_TEST

typedef struct {
    long marked;            /* as unanswered */
    int64_t least_delay_ms; /* until it is due */
} marks_t;

static bool take_mark(void *opaque, const rc_kafka_message_t *message)
{
    marks_t *marks = opaque;
    const rc_parking_t parking = rc_headers_parking_parse(rc_kafka_message_headers(message, rig_arena), rig_arena);
    int64_t delay_ms = parking.not_before.ms - parking.failed_at.ms;
    marks->marked += parking.unanswered;
    if (delay_ms < marks->least_delay_ms) marks->least_delay_ms = delay_ms;
    return true;
}

/* What the records in the first retry topic say of themselves. */
static marks_t read_marks(void)
{
    marks_t marks = {.least_delay_ms = INT64_MAX};
    const rc_kafka_span_t all = {.topic = rc_topic_retry_name(rig_config, 0, rig_arena), .partition = -1};
    OK(rc_kafka_read_all(rig_kafka, &all, 1, RIG_PATIENCE_MS, take_mark, &marks, NULL, &rc_oops));
    return marks;
}

/* tests/model/consumer.pml, NO_MARK_AT_DRAIN: whoever has the partition next would finish the record before the write
 * takes effect, and nobody would mend what it overwrites. */
START_TEST(a_write_that_a_drain_leaves_without_an_answer_is_parked_and_marked)
{
    rig_settings.consumer = "http_timeout: 15s, drain_timeout: 500ms, retry_delays: [1s, 3s]";
    rig_open();
    rig_engine_t *a = rig_start(0, "a", CREATED);
    rig_await_ready(a);
    rig_fault("{'side': 'learnamp', 'kind': 'hang', 'delay_ms': 60000, 'match': {'method': 'POST', 'path': "
              "'/v1/users'}, 'next': 4}");
    rig_publish_many(RC_EVENT_CREATED, 'e', 4, 1);
    RIG_AWAIT(rig_metric(a, "rollcall_learnamp_requests_total") >= 9); /* token, and both lookups of each */
    (void)rig_start(1, "b", CREATED);
    RIG_AWAIT(read_marks().marked == 4);
    rig_mend();
}
END_TEST

/* tests/model/consumer.pml, NO_TIER_WAIT: this process holds the employee back, but another one may have the record by
 * then. */
START_TEST(a_marked_record_is_not_due_before_its_write_can_have_no_effect_any_more)
{
    rig_settings.consumer = "http_timeout: 8s, retry_delays: [100ms, 3s]";
    rig_open();
    (void)rig_start(0, "a", CREATED);
    rig_fault("{'side': 'learnamp', 'kind': 'drop', 'match': {'method': 'POST', 'path': '/v1/users'}, 'next': 1}");
    rig_publish_one(RC_EVENT_CREATED, "e1", 1);
    RIG_AWAIT(read_marks().marked == 1);
    ck_assert_int_ge(read_marks().least_delay_ms, 8000);
}
END_TEST

START_TEST(a_group_that_is_lost_in_a_drain_is_joined_again)
{
    /* The drain takes longer than the group waits for it. */
    rig_settings.kafka = "session.timeout.ms: 6000, max.poll.interval.ms: 6000";
    rig_settings.consumer = "http_timeout: 15s, drain_timeout: 20s, retry_delays: [1s, 3s]";
    rig_open();
    rig_engine_t *a = rig_start(0, "a", CREATED);
    rig_await_ready(a);
    rig_fault("{'side': 'learnamp', 'kind': 'delay', 'delay_ms': 9000, 'match': {'method': 'POST', 'path': "
              "'/v1/users'}, 'next': 1}");
    rig_publish_one(RC_EVENT_CREATED, "e1", 1);
    RIG_AWAIT(rig_metric(a, "rollcall_learnamp_requests_total") >= 3);
    rig_engine_t *b = rig_start(1, "b", CREATED);
    RIG_AWAIT(rig_user_is("e1", "v1"));
    RIG_AWAIT(rig_ask(a, rig_partitions) == 3 && rig_ask(b, rig_partitions) == 3);
    rig_publish_many(RC_EVENT_CREATED, 'f', 10, 1);
    RIG_AWAIT(rig_user_count() == 11);
}
END_TEST

static long press(rc_engine_t *engine)
{
    rc_lane_press(engine->lanes[RC_EVENT_CREATED], true);
    return 0;
}

static long let_go(rc_engine_t *engine)
{
    rc_lane_press(engine->lanes[RC_EVENT_CREATED], false);
    return 0;
}

/* Whether the lane looks at its queue again, with paused partitions. */
static long is_paused(rc_engine_t *engine)
{
    const rc_lane_t *lane = engine->lanes[RC_EVENT_CREATED];
    bool paused = !lane->is_held && lane->assigned_count > 0;
    for (size_t i = 0; paused && i < lane->assigned_count; i++) {
        size_t topic = rc_lane_topic(lane, lane->assigned[i].topic);
        paused = (*rc_lane_part(lane, topic, lane->assigned[i].partition))->paused & RC_PAUSED_PRESSURE;
    }
    return paused;
}

static long records_in_memory(rc_engine_t *engine)
{
    return (long)engine->records;
}

START_TEST(a_lane_under_pressure_reads_nothing_and_answers_a_rebalance)
{
    rig_open();
    rig_engine_t *a = rig_start(0, "a", CREATED);
    rig_await_ready(a);
    (void)rig_ask(a, press);
    rig_publish_many(RC_EVENT_CREATED, 'e', 30, 1);
    RIG_AWAIT(rig_ask(a, is_paused)); /* at first it leaves its queue alone */
    ck_assert_int_eq(rig_user_count(), 0);
    rig_engine_t *b = rig_start(1, "b", CREATED);
    RIG_AWAIT(rig_ask(a, rig_partitions) == 3 && rig_ask(b, rig_partitions) == 3);
    RIG_AWAIT(rig_user_count() > 0); /* b reads its half */
    RIG_AWAIT(rig_ask(a, is_paused));
    ck_assert_int_eq(rig_ask(a, records_in_memory), 0);
    (void)rig_ask(a, let_go);
    RIG_AWAIT(rig_user_count() == 30);
}
END_TEST

/* The group loses a member that does not poll. */
static long sleep_past_the_session(rc_engine_t *engine)
{
    rc_loop_timer_stop(engine->commit_timer);
    (void)usleep(8000 * 1000);
    return 0;
}

static long commit_again(rc_engine_t *engine)
{
    rc_loop_timer_start(engine->commit_timer, 0, 50);
    return 0;
}

static long has_outcomes(rc_engine_t *engine)
{
    return engine->batch->outcomes > 0;
}

START_TEST(a_record_that_was_parked_but_not_committed_when_the_group_was_lost_is_worked_again)
{
    rig_settings.kafka = "session.timeout.ms: 6000, max.poll.interval.ms: 6000";
    rig_settings.consumer = "http_timeout: 2s, retry_delays: [1s, 3s], transaction_interval: 5s";
    rig_open();
    rig_engine_t *a = rig_start(0, "a", CREATED);
    rig_await_ready(a);
    rig_fault("{'side': 'learnamp', 'kind': 'status', 'status': 500, 'match': {'path': '/v1/*'}, 'next': -1}");
    rig_publish_one(RC_EVENT_CREATED, "e1", 1);
    RIG_AWAIT(rig_ask(a, has_outcomes));
    rig_mend();
    (void)rig_ask(a, sleep_past_the_session);
    RIG_AWAIT(!rig_ask(a, rig_is_ready));
    RIG_AWAIT(rig_ask(a, rig_is_ready));
    (void)rig_ask(a, commit_again);
    RIG_AWAIT(rig_user_is("e1", "v1"));
}
END_TEST

START_TEST(retry_partitions_without_their_events_are_not_read)
{
    /* A member that does not know the retry topics makes the range assignor give them apart. */
    rig_open();
    rig_engine_t *a = rig_start(0, "a", CREATED);
    rig_await_ready(a);
    rc_kafka_consumer_t *strange;
    char *group = rc_arena_sprintf(rig_arena, "%s.created", rig_config->consumer.application);
    const char *topic = rig_topic(RC_TOPIC_CREATED);
    OK(rc_kafka_consumer_open(rig_kafka, group, "strange", &strange, &rc_oops));
    OK(rc_kafka_consumer_subscribe(strange, &topic, 1, &rc_oops));
    bool has_some = false;
    for (int i = 0; i < 3000 && !(has_some && rig_ask(a, rig_partitions) == 3); i++) {
        rc_kafka_event_t event;
        if (rc_kafka_consumer_poll(strange, 10, &event, &rc_oops) != RC_OK) continue;
        if (event.kind == RC_KAFKA_ASSIGN) {
            has_some = event.partition_count > 0;
            OK(rc_kafka_consumer_assign(strange, event.partitions, event.partition_count, &rc_oops));
        }
        if (event.kind == RC_KAFKA_REVOKE) OK(rc_kafka_consumer_unassign(strange, &rc_oops));
        rc_kafka_event_release(&event);
    }
    ck_assert(has_some);
    ck_assert_int_eq(rig_ask(a, rig_partitions), 3); /* one event partition and its two retry partitions */
    rc_kafka_consumer_close(strange);
}
END_TEST

START_TEST(other_retry_tiers_are_read_after_a_restart_within_the_session)
{
    /* The group remembers what a static member was given, and does not look at what it wants now. */
    rig_settings.consumer = "http_timeout: 2s, retry_delays: [1s, 3s]";
    rig_open();
    rig_engine_t *a = rig_start(0, "a", CREATED);
    rig_await_ready(a);
    rig_end(a);
    rig_settings.consumer = "http_timeout: 2s, retry_delays: [2s, 4s]";
    rc_topics_result_t topics;
    rc_config_t *config = rig_parse("later");
    OK(rc_topics_setup(rig_admin, config, true, RIG_PATIENCE_MS, NULL, rig_arena, &topics, &rc_oops));
    rc_config_free(config);
    (void)rig_start(0, "a", CREATED);
    rig_fault("{'side': 'learnamp', 'kind': 'status', 'status': 500, 'match': {'path': '/v1/*'}, 'next': 3}");
    rig_publish_one(RC_EVENT_CREATED, "e1", 1);
    RIG_AWAIT(rig_user_is("e1", "v1"));
}
END_TEST

/* As its own double does when an answer to a member that joins got lost. */
static void take_place(rig_engine_t *at, rc_event_type_t lane)
{
    rc_kafka_consumer_t *consumer;
    rc_kafka_event_t event = {.kind = RC_KAFKA_NONE};
    const rc_lane_t *of = at->engine->lanes[lane];
    OK(rc_kafka_consumer_open(rig_kafka, of->group_id, of->member_name, &consumer, &rc_oops));
    OK(rc_kafka_consumer_subscribe(consumer, of->topics, of->topic_count, &rc_oops));
    RIG_AWAIT((rc_kafka_event_release(&event), rc_kafka_consumer_poll(consumer, 10, &event, &rc_oops)) == RC_OK &&
              event.kind == RC_KAFKA_ASSIGN);
    rc_kafka_event_release(&event);
    rc_kafka_consumer_close(consumer);
}

START_TEST(all_lanes_may_be_fenced_once_at_the_same_time)
{
    rig_open();
    rig_engine_t *a = rig_start(0, "a", CREATED | DEACTIVATED);
    rig_await_ready(a);
    take_place(a, RC_EVENT_CREATED);
    take_place(a, RC_EVENT_DEACTIVATED);
    RIG_AWAIT(rig_metric(a, "rollcall_kafka_handles_rebuilt_total{reason=\"fenced\"}") == 2);
    rig_publish_one(RC_EVENT_CREATED, "e1", 1);
    RIG_AWAIT(rig_user_is("e1", "v1"));
    rig_publish_one(RC_EVENT_DEACTIVATED, "e1", 2);
    RIG_AWAIT(rig_user_is("e1", "deactivated"));
    ck_assert(!atomic_load(&a->ended));
}
END_TEST

/* ---- the committer ---- */

/* Nothing is left to commit. */
static long is_settled(rc_engine_t *engine)
{
    size_t parts = (1 + engine->config->consumer.retry_delays_count) * (size_t)engine->config->kafka.partitions;
    for (int i = 0; i < RC_EVENT_COUNT; i++)
        for (size_t part = 0; engine->lanes[i] && part < parts; part++)
            if (engine->lanes[i]->parts[part] && rc_part_is_dirty(engine->lanes[i]->parts[part])) return false;
    return !rc_committer_is_busy(engine->committer);
}

/* As another process of that name would. The engine is between two transactions: else it may be built anew before this
 * one is done, and fenced twice. */
static void take_transactional_id(rig_engine_t *at, const char *instance)
{
    RIG_AWAIT(rig_ask(at, is_settled));
    rc_kafka_txn_t *txn;
    OK(rc_kafka_txn_open(rig_kafka,
                         rc_arena_sprintf(rig_arena, "%srollcall-consumer.%s.%s", rig_prefix,
                                          rig_config->consumer.application, instance),
                         &txn, &rc_oops));
    OK(rc_kafka_txn_init(txn, NULL, &rc_oops));
    rc_kafka_txn_close(txn);
}

START_TEST(a_fenced_committer_is_built_anew_and_nothing_is_lost)
{
    rig_settings.consumer = "http_timeout: 2s, retry_delays: [5s, 20s]";
    rig_open();
    rig_engine_t *a = rig_start(0, "a", 0);
    rig_await_ready(a);
    rig_publish_one(RC_EVENT_CREATED, "e0", 1);
    RIG_AWAIT(rig_user_is("e0", "v1"));
    /* One that waits in a retry partition, which is paused by then. */
    rig_fault("{'side': 'learnamp', 'kind': 'status', 'status': 500, 'match': {'contains': 'e9'}, 'next': 3}");
    rig_publish_one(RC_EVENT_CREATED, "e9", 1);
    RIG_AWAIT(rig_count(rc_topic_retry_name(rig_config, 0, rig_arena)) == 1);
    take_transactional_id(a, "a");
    rig_publish_many(RC_EVENT_CREATED, 'f', 30, 1);
    RIG_AWAIT(rig_user_count() == 32);
    RIG_AWAIT(rig_count(rig_topic(RC_TOPIC_LEDGER)) >= 33); /* e9 has two */
    ck_assert(!atomic_load(&a->ended));
    ck_assert(rig_metric(a, "rollcall_kafka_handles_rebuilt_total{reason=\"fenced\"}") >= 1);
}
END_TEST

START_TEST(two_fencings_within_a_minute_end_the_process)
{
    rig_open();
    rig_engine_t *a = rig_start(0, "a", CREATED);
    rig_await_ready(a);
    take_transactional_id(a, "a");
    rig_publish_many(RC_EVENT_CREATED, 'f', 5, 1);
    RIG_AWAIT(rig_count(rig_topic(RC_TOPIC_LEDGER)) == 5);
    take_transactional_id(a, "a");
    rig_publish_many(RC_EVENT_CREATED, 'g', 5, 1);
    RIG_AWAIT(atomic_load(&a->ended));
    ck_assert(atomic_load(&a->failed));
}
END_TEST

int main(void)
{
    if (!rc_cluster_is_there()) return RC_CLUSTER_ABSENT;
    Suite *suite = suite_create("consumer engine");
    TCase *way = tcase_create("records"), *moves = tcase_create("rebalances"), *commits = tcase_create("committer");
    TCase *cases[] = {way, moves, commits};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tcase_add_checked_fixture(cases[i], NULL, rig_close);
        suite_add_tcase(suite, cases[i]);
    }
    tcase_add_test(way, every_record_is_applied_and_entered_into_the_ledger);
    tcase_add_test(way, what_was_finished_is_not_sent_again_after_a_restart);
    tcase_add_test(moves, a_rebalance_in_the_middle_of_work_loses_and_repeats_nothing);
    tcase_add_test(moves, who_has_no_partitions_gets_some_when_others_leave);
    tcase_add_test(moves, a_lane_that_has_ended_takes_no_partitions_while_another_one_drains);
    tcase_add_test(moves, a_write_that_a_drain_leaves_without_an_answer_is_parked_and_marked);
    tcase_add_test(moves, a_marked_record_is_not_due_before_its_write_can_have_no_effect_any_more);
    tcase_add_test(moves, a_group_that_is_lost_in_a_drain_is_joined_again);
    tcase_add_test(moves, a_lane_under_pressure_reads_nothing_and_answers_a_rebalance);
    tcase_add_test(moves, a_record_that_was_parked_but_not_committed_when_the_group_was_lost_is_worked_again);
    tcase_add_test(moves, retry_partitions_without_their_events_are_not_read);
    tcase_add_test(moves, other_retry_tiers_are_read_after_a_restart_within_the_session);
    tcase_add_test(moves, all_lanes_may_be_fenced_once_at_the_same_time);
    tcase_add_test(commits, a_fenced_committer_is_built_anew_and_nothing_is_lost);
    tcase_add_test(commits, two_fencings_within_a_minute_end_the_process);
    return rc_unit_run(suite);
}
