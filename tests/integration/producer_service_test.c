/* Producer processes on a real broker, all in one: ownership, takeover, commands, and what an integration's state
 * says. */
#include "common/kafka_producer.h"
#include "common/kafka_txn.h"
#include "producer/commands/ask.h"
#include "tests/integration/producer_rig.h"

enum { PEOPLE = 12, INTEGRATIONS = 6, ANSWER_MS = 20000 };

static rig_t one, two;
static char prefix[48], directory[48], text[RIG_TEXT_SIZE];

static void setup(void)
{
    rig_places(prefix, directory);
    sandbox_start(PEOPLE, false);
}

static void teardown(void)
{
    rig_close(&one);
    sandbox_stop();
    rig_remove(directory);
}

static void start(rig_t *rig, const char *instance)
{
    rig_init(rig, rig_text(text, prefix, instance, directory, ""));
    rc_service_start(&rig->service, NULL);
}

static rc_sync_state_t state_of(rig_t *rig, size_t integration)
{
    bool found;
    rc_sync_state_t state = {.failures = 0};
    OK(rc_views_state(rig->service.views, rig->config->integrations[integration].id, rig->arena, &state, &found,
                      &rc_oops));
    return state;
}

#define AWAIT(condition)                                                                      \
    do {                                                                                      \
        int64_t until_ms_ = rc_mono_now().ms + rc_unit_patience_ms(RIG_PATIENCE_MS);          \
        while (!(condition)) {                                                                \
            ck_assert_msg(rc_mono_now().ms < until_ms_, "waited in vain for %s", #condition); \
            (void)usleep(20000);                                                              \
        }                                                                                     \
    } while (0)

static bool all_are_polled(rig_t *rig)
{
    for (size_t i = 0; i < rig->config->integrations_count; i++)
        if (!state_of(rig, i).watermark.ms) return false;
    return true;
}

static bool is_ready(rig_t *rig)
{
    char why[256];
    return rc_service_is_ready(&rig->service, why, sizeof why);
}

static bool shows(const rig_t *rig, size_t integration)
{
    rc_buf_t metrics = RC_BUF_INIT(1 << 20);
    rc_metrics_render(rig->service.metrics, &metrics);
    char *series =
        rc_sprintf("rollcall_announced_employees{integration=\"%s\"}", rig->config->integrations[integration].id);
    bool shown = strstr(metrics.data, series) != NULL;
    free(series);
    rc_buf_fini(&metrics);
    return shown;
}

static void poll_by_command(rig_t *rig, rc_command_kind_t kind, rc_answer_t *answers)
{
    size_t count = rig->config->integrations_count;
    rc_command_t *commands = rc_arena_alloc(rig->arena, count * sizeof *commands);
    for (size_t i = 0; i < count; i++)
        commands[i] = (rc_command_t){
            .integration_id = rig->config->integrations[i].id, .kind = kind, .trigger = RC_TRIGGER_COMMAND};
    OK(rc_ask(rig->service.kafka, rig->service.enrolment.codec, commands, count, rc_unit_patience_ms(ANSWER_MS), NULL,
              rig->arena, answers, &rc_oops));
}

START_TEST(two_producers_share_the_integrations_and_one_takes_over_from_the_other)
{
    rc_answer_t answers[INTEGRATIONS];
    for (uint64_t i = 1; i < INTEGRATIONS; i++) {
        const sb_integration_options_t options = {.seed = 100 + i, .people = PEOPLE, .epoch = {20000}};
        ck_assert_ptr_nonnull(sb_integration_add(&sandbox, &options, &rc_oops));
    }
    start(&one, "one");
    start(&two, "two");
    AWAIT(is_ready(&one) && is_ready(&two) && all_are_polled(&one));
    poll_by_command(&one, RC_COMMAND_FULL_POLL, answers);
    int64_t announced = 0;
    for (size_t i = 0; i < INTEGRATIONS; i++) {
        ck_assert_msg(answers[i].ok, "%s", answers[i].message);
        ck_assert_int_eq(answers[i].state.last_poll.events, 0);
        AWAIT(shows(&one, i) != shows(&two, i));
        announced += answers[i].state.announced;
    }
    rig_events_t events = rig_events(&one);
    ck_assert_uint_eq(events.count, (size_t)announced);
    rig_close(&one);
    start(&one, "three");
    control_quietly("POST", "changes", "{'op': 'update', 'employee': 1, 'job_title': 'Captain'}");
    poll_by_command(&two, RC_COMMAND_POLL, answers); /* answered when the dead one's session is over */
    for (size_t i = 0; i < INTEGRATIONS; i++) ck_assert_msg(answers[i].ok, "%s", answers[i].message);
    events = rig_events(&two);
    ck_assert_uint_eq(events.count, (size_t)announced + 1);
    rig_check_chains(&events);
    rig_close(&two);
}
END_TEST

START_TEST(a_takeover_waits_for_a_transaction_that_hangs)
{
    char id[64];
    rc_kafka_txn_t *txn;
    start(&one, "one");
    AWAIT(is_ready(&one) && all_are_polled(&one));
    (void)snprintf(id, sizeof id, "%shanging", prefix);
    OK(rc_kafka_txn_open(one.service.kafka, id, &txn, &rc_oops));
    OK(rc_kafka_txn_init(txn, NULL, &rc_oops));
    OK(rc_kafka_txn_begin(txn, &rc_oops));
    const char *topic = rc_topic_name(one.config, RC_TOPIC_SNAPSHOT, one.arena);
    const rc_kafka_record_t record = {.topic = topic, .partition = 0, .key = "x/y", .key_bytes = 3};
    rc_kafka_admin_t *admin;
    rc_kafka_offset_t before = {topic, 0, 0}, after = {topic, 0, 0};
    OK(rc_kafka_admin_open(one.service.kafka, &admin, &rc_oops));
    OK(rc_kafka_admin_ends(admin, &before, 1, ANSWER_MS, &rc_oops));
    OK(rc_kafka_txn_produce(txn, &record, &rc_oops));
    do OK(rc_kafka_admin_ends(admin, &after, 1, ANSWER_MS, &rc_oops));
    while (after.offset == before.offset);
    rc_kafka_admin_close(admin);

    start(&two, "one-more");
    int64_t until_ms = rc_mono_now().ms + 1500;
    while (rc_mono_now().ms < until_ms) {
        ck_assert(!rc_owner_is_ready(two.service.owner));
        (void)usleep(20000);
    }
    OK(rc_kafka_txn_abort(txn, NULL, &rc_oops));
    AWAIT(is_ready(&two));
    rc_kafka_txn_close(txn);
    rig_close(&two);
}
END_TEST

static void send_command(const rc_command_t *command, const char *raw)
{
    rc_kafka_producer_t *producer;
    rc_buf_t value = RC_BUF_INIT(4096);
    if (command)
        OK(rc_codec_encode_command(one.service.enrolment.codec, command, &value, &rc_oops));
    else
        (void)rc_buf_add_str(&value, raw);
    const rc_kafka_record_t record = {.topic = rc_topic_name(one.config, RC_TOPIC_COMMANDS, one.arena),
                                      .partition = -1,
                                      .key = rig_id(&one),
                                      .key_bytes = strlen(rig_id(&one)),
                                      .value = value.data,
                                      .value_bytes = value.size_bytes};
    OK(rc_kafka_producer_open(one.service.kafka, &producer, &rc_oops));
    OK(rc_kafka_producer_send(producer, &record, 1, ANSWER_MS, NULL, &rc_oops));
    rc_kafka_producer_close(producer);
    rc_buf_fini(&value);
}

/* What the group has committed, asked as a stranger. */
static int64_t committed(void)
{
    rc_kafka_consumer_t *consumer;
    char *group_id = rc_owner_group_id(one.config);
    rc_kafka_offset_t at = {rc_topic_name(one.config, RC_TOPIC_COMMANDS, one.arena),
                            rc_owner_partition(one.config, rig_id(&one)), RC_OFFSET_NONE};
    OK(rc_kafka_consumer_open(one.service.kafka, group_id, NULL, &consumer, &rc_oops));
    OK(rc_kafka_consumer_committed(consumer, &at, 1, ANSWER_MS, NULL, &rc_oops));
    rc_kafka_consumer_close(consumer);
    free(group_id);
    return at.offset;
}

START_TEST(commands_that_cannot_be_carried_out_are_passed_over_or_refused)
{
    rc_answer_t answer;
    rc_wall_t now = rc_wall_now();
    start(&one, "one");
    AWAIT(all_are_polled(&one));
    ck_assert_int_eq(committed(), 0); /* there were none; but the group was asked */
    const rc_command_t expired = {.id = "late",
                                  .integration_id = rig_id(&one),
                                  .kind = RC_COMMAND_FULL_POLL,
                                  .issued_at = now,
                                  .expires_at = {now.ms - 1}};
    rc_command_t strange = expired;
    strange.integration_id = "personio:unheard-of";
    strange.expires_at.ms = now.ms + RIG_DAY_MS;
    send_command(&expired, NULL);
    send_command(NULL, "no command");
    send_command(&strange, NULL);
    poll_by_command(&one, RC_COMMAND_APPROVE, &answer);
    ck_assert(!answer.ok);
    ck_assert_ptr_nonnull(strstr(answer.message, "there is no hold"));
    poll_by_command(&one, RC_COMMAND_POLL, &answer);
    ck_assert_msg(answer.ok, "%s", answer.message);
    ck_assert(!answer.state.last_poll.full);
    ck_assert_int_eq(committed(), 5);
}
END_TEST

enum { BURST = 200 };

static void send_webhooks(size_t count)
{
    rc_kafka_producer_t *producer;
    rc_kafka_record_t *records = rc_arena_alloc(one.arena, count * sizeof *records);
    rc_buf_t value = RC_BUF_INIT(4096);
    const rc_wall_t now = rc_wall_now();
    const rc_command_t command = {.id = "webhook",
                                  .integration_id = rig_id(&one),
                                  .kind = RC_COMMAND_POLL,
                                  .trigger = RC_TRIGGER_WEBHOOK,
                                  .issued_at = now,
                                  .expires_at = {now.ms + RIG_DAY_MS}};
    OK(rc_codec_encode_command(one.service.enrolment.codec, &command, &value, &rc_oops));
    for (size_t i = 0; i < count; i++)
        records[i] = (rc_kafka_record_t){.topic = rc_topic_name(one.config, RC_TOPIC_COMMANDS, one.arena),
                                         .partition = -1,
                                         .key = rig_id(&one),
                                         .key_bytes = strlen(rig_id(&one)),
                                         .value = value.data,
                                         .value_bytes = value.size_bytes};
    OK(rc_kafka_producer_open(one.service.kafka, &producer, &rc_oops));
    OK(rc_kafka_producer_send(producer, records, count, ANSWER_MS, NULL, &rc_oops));
    rc_kafka_producer_close(producer);
    rc_buf_fini(&value);
}

static double polls(void)
{
    rc_metrics_t *metrics = one.service.metrics;
    return rc_series_value(rc_metrics_series(metrics, RC_METRIC_POLLS, rig_id(&one), rc_code_str(RC_OK), NULL));
}

/* The poll that an operator waits for answers the webhooks before it, and its transaction commits them. */
START_TEST(a_burst_of_webhooks_is_a_handful_of_polls)
{
    rc_answer_t answer;
    start(&one, "one");
    AWAIT(all_are_polled(&one) && polls() > 0); /* counted a moment later */
    control_quietly("POST", "changes", "{'op': 'update', 'employee': 1, 'job_title': 'Captain'}");
    double before = polls();
    send_webhooks(BURST);
    poll_by_command(&one, RC_COMMAND_POLL, &answer);
    ck_assert_msg(answer.ok, "%s", answer.message);
    ck_assert_double_le(polls() - before, 3);
    ck_assert_int_eq(committed(), BURST + 1);
    rig_events_t events = rig_events(&one);
    ck_assert_uint_eq(events.count, (size_t)answer.state.announced + 1);
}
END_TEST

/* Nothing tells that a poll is not made. */
static void expect_no_poll(void)
{
    double before = polls();
    send_webhooks(1);
    (void)usleep(800000);
    ck_assert_double_eq(polls(), before);
}

START_TEST(webhooks_poll_at_once_but_wait_for_each_other_and_for_kombo)
{
    rc_answer_t answer;
    start(&one, "one");
    AWAIT(all_are_polled(&one) && polls() > 0);
    double before = polls();
    control_quietly("POST", "/faults", "{'side': 'kombo', 'kind': 'throttle', 'retry_after_s': 600}");
    poll_by_command(&one, RC_COMMAND_POLL, &answer);
    ck_assert(!answer.ok);
    expect_no_poll();
    poll_by_command(&one, RC_COMMAND_POLL, &answer); /* an operator asks at once, and for them too */
    ck_assert_msg(answer.ok, "%s", answer.message);
    send_webhooks(1);
    AWAIT(polls() == before + 2);
    expect_no_poll();
    poll_by_command(&one, RC_COMMAND_POLL, &answer);
    ck_assert_msg(answer.ok, "%s", answer.message);
    ck_assert_double_eq(polls(), before + 3);
    ck_assert_int_eq(committed(), 6);
}
END_TEST

START_TEST(an_integration_says_who_has_to_mend_it)
{
    rc_answer_t answer;
    start(&one, "one");
    AWAIT(all_are_polled(&one));
    const struct {
        const char *code;
        rc_integration_state_t state;
    } cases[] = {{"INTEGRATION.AUTHENTICATION_INVALID", RC_STATE_NEEDS_CUSTOMER},
                 {"PLATFORM.IP_NOT_WHITELISTED", RC_STATE_MISCONFIGURED}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char fault[160];
        (void)snprintf(fault, sizeof fault, "{'side': 'kombo', 'kind': 'kombo_error', 'code': '%s'}", cases[i].code);
        rc_sync_state_t before = state_of(&one, 0);
        control_quietly("POST", "/faults", fault);
        poll_by_command(&one, RC_COMMAND_POLL, &answer);
        ck_assert(!answer.ok);
        ck_assert_int_eq(answer.state.state, cases[i].state);
        ck_assert_str_eq(answer.state.reason, answer.message);
        ck_assert_int_eq(answer.state.failures, 1);
        ck_assert_int_eq(answer.state.watermark.ms, before.watermark.ms);
        ck_assert_int_eq(answer.state.announced, before.announced);
        ck_assert_int_ge(answer.state.next_poll_at.ms, answer.state.last_poll.started_at.ms);
        poll_by_command(&one, RC_COMMAND_POLL, &answer);
        ck_assert_msg(answer.ok, "%s", answer.message);
        ck_assert_int_eq(answer.state.state, RC_STATE_OK);
        ck_assert_ptr_null(answer.state.reason);
    }
    rc_metrics_t *metrics = one.service.metrics;
    const char *id = rig_id(&one);
    ck_assert(rc_series_value(rc_metrics_series(metrics, RC_METRIC_KOMBO_REQUESTS, id, "200", NULL)) > 0);
    ck_assert(rc_series_value(rc_metrics_series(metrics, RC_METRIC_RECORDS_READ, id, NULL, NULL)) >= PEOPLE);
    ck_assert(rc_series_value(rc_metrics_series(metrics, RC_METRIC_POLLS, id, "needs_customer", NULL)) > 0);
    rc_buf_t shown = RC_BUF_INIT(1 << 20);
    rc_metrics_render(metrics, &shown);
    ck_assert_ptr_nonnull(strstr(shown.data, "rollcall_holds{"));
    ck_assert_ptr_nonnull(strstr(shown.data, "rollcall_pending_changes{"));
    rc_buf_fini(&shown);
}
END_TEST

START_TEST(who_asks_for_a_poll_is_not_told_of_trouble_that_passes)
{
    rc_answer_t answer;
    start(&one, "one");
    AWAIT(all_are_polled(&one));
    control_quietly("POST", "/faults",
                    "{'side': 'kombo', 'kind': 'kombo_error', 'code': 'PLATFORM.TASK_TIMED_OUT', 'next': 1}");
    poll_by_command(&one, RC_COMMAND_POLL, &answer);
    ck_assert_msg(answer.ok, "%s", answer.message);
    ck_assert_int_eq(answer.state.state, RC_STATE_OK);
    rc_series_t *failed = rc_metrics_series(one.service.metrics, RC_METRIC_POLLS, rig_id(&one), "http", NULL);
    ck_assert_msg(rc_series_value(failed) > 0, "no poll failed");
}
END_TEST

START_TEST(the_topic_of_commands_may_be_made_anew)
{
    rc_answer_t answer;
    rig_init(&one, rig_text(text, prefix, "one", directory, ""));
    rig_join(&one); /* leaves an offset behind that the topic does not have */
    const rc_kafka_offset_t beyond = {rc_topic_name(one.config, RC_TOPIC_COMMANDS, one.arena),
                                      rc_owner_partition(one.config, rig_id(&one)), 1000};
    rc_kafka_txn_t *txn;
    OK(rc_kafka_txn_open(one.service.kafka, prefix, &txn, &rc_oops));
    OK(rc_kafka_txn_init(txn, NULL, &rc_oops));
    OK(rc_kafka_txn_begin(txn, &rc_oops));
    OK(rc_kafka_txn_send_offsets(txn, one.group, &beyond, 1, &rc_oops));
    ck_assert_int_eq(rc_kafka_txn_commit(txn, NULL, &rc_oops), RC_COMMIT_DONE);
    rc_kafka_txn_close(txn);
    rig_close(&one);
    start(&one, "one");
    AWAIT(all_are_polled(&one));
    poll_by_command(&one, RC_COMMAND_POLL, &answer);
    ck_assert_msg(answer.ok, "%s", answer.message);
}
END_TEST

static atomic_int once_ended = -1; /* the code with which it ended */

static bool is_first(void *opaque, const rc_integration_t *integration)
{
    return integration == opaque;
}

static void note_end(void *opaque, const rc_integration_t *integration, rc_code_t how, const rc_error_t *error)
{
    (void)opaque, (void)error;
    if (integration == &one.config->integrations[0]) atomic_store(&once_ended, (int)how);
}

START_TEST(once_waits_out_a_fault_however_often_polls_failed_before)
{
    rig_open(&one, rig_text(text, prefix, "one", directory, ""));
    const rc_integration_t *first = &one.config->integrations[0];
    const rc_poll_context_t context = {.config = one.config,
                                       .integration = first,
                                       .codec = one.service.enrolment.codec,
                                       .metrics = one.service.metrics,
                                       .views = one.service.views,
                                       .publisher = one.service.publisher,
                                       .command_partition = rc_owner_partition(one.config, first->id)};
    const rc_sync_state_t failing = {
        .integration_id = first->id, .state = RC_STATE_RETRYING, .reason = "it failed", .failures = 1000};
    bool behind;
    OK(rc_poll_publish_state(&context, one.group, &failing, -1, &behind, &rc_oops));
    rig_close(&one);
    control_quietly("POST", "/faults", "{'side': 'kombo', 'kind': 'kombo_error', 'code': 'PLATFORM.TASK_TIMED_OUT'}");
    rig_init(&one, text);
    const rc_command_t poll = {.integration_id = rig_id(&one), .kind = RC_COMMAND_POLL, .trigger = RC_TRIGGER_COMMAND};
    const rc_once_t once = {.commands = &poll,
                            .command_count = 1,
                            .in_place_of_service = true,
                            .is_wanted = is_first,
                            .done = note_end,
                            .opaque = &one.config->integrations[0]};
    rc_service_start(&one.service, &once);
    AWAIT(atomic_load(&once_ended) >= 0);
    ck_assert_int_eq(atomic_load(&once_ended), RC_OK);
}
END_TEST

int main(void)
{
    if (!rc_cluster_is_there()) return RC_CLUSTER_ABSENT;
    Suite *suite = suite_create("producer service");
    TCase *tcase = tcase_create("service");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, two_producers_share_the_integrations_and_one_takes_over_from_the_other);
    tcase_add_test(tcase, a_takeover_waits_for_a_transaction_that_hangs);
    tcase_add_test(tcase, commands_that_cannot_be_carried_out_are_passed_over_or_refused);
    tcase_add_test(tcase, a_burst_of_webhooks_is_a_handful_of_polls);
    tcase_add_test(tcase, webhooks_poll_at_once_but_wait_for_each_other_and_for_kombo);
    tcase_add_test(tcase, an_integration_says_who_has_to_mend_it);
    tcase_add_test(tcase, who_asks_for_a_poll_is_not_told_of_trouble_that_passes);
    tcase_add_test(tcase, the_topic_of_commands_may_be_made_anew);
    tcase_add_test(tcase, once_waits_out_a_fault_however_often_polls_failed_before);
    suite_add_tcase(suite, tcase);
    return rc_unit_run(suite);
}
