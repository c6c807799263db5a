/* consumer/engine/engine on a real broker: what becomes of records that cannot be applied at once, or at all. */
#include "tests/integration/consumer_rig.h"

#define CREATED         (1u << RC_EVENT_CREATED)
#define PROFILE_UPDATED (1u << RC_EVENT_PROFILE_UPDATED)
#define DEACTIVATED     (1u << RC_EVENT_DEACTIVATED)

static const char *retry(size_t tier)
{
    return rc_topic_retry_name(rig_config, tier, rig_arena);
}

static const char *dlq(void)
{
    return rig_topic(RC_TOPIC_DLQ);
}

/* The parking of the first record of a topic, and its size. */
typedef struct {
    rc_parking_t parking;
    size_t value_bytes;
    bool found;
} first_t;

static bool take_first(void *opaque, const rc_kafka_message_t *message)
{
    first_t *first = opaque;
    first->found = true;
    first->value_bytes = message->value_bytes;
    first->parking = rc_headers_parking_parse(rc_kafka_message_headers(message, rig_arena), rig_arena);
    return false;
}

static first_t first_of(const char *topic)
{
    first_t first = {.found = false};
    const rc_kafka_span_t all = {.topic = topic, .partition = -1};
    OK(rc_kafka_read_all(rig_kafka, &all, 1, RIG_PATIENCE_MS, take_first, &first, NULL, &rc_oops));
    return first;
}

/* ---- what cannot be read ---- */

START_TEST(bytes_that_no_schema_reads_are_dead_lettered_as_they_are)
{
    rig_open();
    rig_start(0, "a", CREATED);
    rig_send((rc_kafka_record_t){.topic = rig_topic(RC_TOPIC_CREATED), .key = "k", .key_bytes = 1, .partition = 1});
    rig_send((rc_kafka_record_t){.topic = rig_topic(RC_TOPIC_CREATED),
                                 .key = "k",
                                 .key_bytes = 1,
                                 .partition = 0,
                                 .value = "not avro",
                                 .value_bytes = 8});
    rig_publish_one(RC_EVENT_CREATED, "e1", 1);
    RIG_AWAIT(rig_count(dlq()) == 2);
    RIG_AWAIT(rig_user_is("e1", "v1"));
    first_t first = first_of(dlq());
    ck_assert_int_eq(first.parking.reason, RC_PARK_POISON);
    ck_assert_int_eq(first.parking.lane, RC_EVENT_CREATED);
    ck_assert(first.value_bytes == 8 || first.value_bytes == 0);
}
END_TEST

START_TEST(poison_too_large_to_be_copied_holds_nobody_up)
{
    rig_settings.kafka = "session.timeout.ms: 6000, message.max.bytes: 2000000";
    rig_open();
    rig_settings.kafka = NULL;
    rig_start(0, "a", CREATED);
    char *bytes = rc_calloc(1, 1040000); /* fits into the topic; a copy with our headers does not */
    rig_send((rc_kafka_record_t){.topic = rig_topic(RC_TOPIC_CREATED),
                                 .key = "k",
                                 .key_bytes = 1,
                                 .partition = 0,
                                 .value = bytes,
                                 .value_bytes = 1040000});
    free(bytes);
    rig_publish_one(RC_EVENT_CREATED, "e1", 1);
    rig_publish_one(RC_EVENT_CREATED, "e2", 1);
    RIG_AWAIT(rig_user_is("e1", "v1") && rig_user_is("e2", "v1"));
    RIG_AWAIT(rig_count(dlq()) == 1);
    first_t first = first_of(dlq());
    ck_assert_int_eq(first.value_bytes, 0);
    ck_assert_int_eq(first.parking.origin_offset, 0);
    RIG_AWAIT(rig_count(rig_topic(RC_TOPIC_LEDGER)) == 2);
}
END_TEST

START_TEST(poison_beyond_the_budget_waits)
{
    rig_settings.consumer =
        "http_timeout: 2s, retry_delays: [1s, 300s], dead_letter_budget: {percent: 10, count: 3, window: 10m}";
    rig_open();
    rig_engine_t *a = rig_start(0, "a", CREATED);
    char *key = rc_arena_sprintf(rig_arena, "%s/e1", company->id);
    for (int i = 0; i < 10; i++)
        rig_send((rc_kafka_record_t){.topic = rig_topic(RC_TOPIC_CREATED),
                                     .key = key,
                                     .key_bytes = strlen(key),
                                     .partition = -1,
                                     .value = "rubbish",
                                     .value_bytes = 7});
    RIG_AWAIT(rig_count(retry(1)) == 7);
    ck_assert_int_eq(rig_count(dlq()), 3);
    rig_publish_one(RC_EVENT_CREATED, "e1", 1);
    RIG_AWAIT(rig_user_is("e1", "v1"));
    ck_assert(rig_metric(a, "rollcall_breaker_state") == 0);
}
END_TEST

START_TEST(an_unknown_schema_and_an_unknown_integration_wait_in_the_last_tier)
{
    rig_open();
    rig_start(0, "a", CREATED);
    rc_event_t event = rig_event(RC_EVENT_CREATED, "e1", 1);
    event.integration_id = "personio:nobody";
    rig_publish(&event, 1);
    rig_send((rc_kafka_record_t){.topic = rig_topic(RC_TOPIC_CREATED),
                                 .key = "k",
                                 .key_bytes = 1,
                                 .partition = 0,
                                 .value = "\xC3\x01"
                                          "12345678"
                                          "x",
                                 .value_bytes = 11});
    rig_publish_one(RC_EVENT_CREATED, "e2", 1);
    RIG_AWAIT(rig_count(retry(1)) >= 2);
    RIG_AWAIT(rig_user_is("e2", "v1"));
    ck_assert_int_eq(rig_count(dlq()), 0);
    ck_assert_int_eq(rig_count(retry(0)), 0);
    ck_assert_int_eq(first_of(retry(1)).parking.attempt, 0);
}
END_TEST

START_TEST(a_retry_record_without_a_lane_is_dead_lettered_by_created)
{
    rig_open();
    rig_start(0, "a", 0);
    rc_event_t event = rig_event(RC_EVENT_CREATED, "e1", 1);
    rc_kafka_record_t record = rig_event_record(&event);
    record.topic = retry(0);
    rig_send(record);
    RIG_AWAIT(rig_count(dlq()) == 1);
    ck_assert_str_eq(rig_user("e1"), "");
}
END_TEST

/* By a schema that nobody told, or cut off: N is in question, so nobody is created, changed or deactivated by it. */
START_TEST(who_has_a_row_that_cannot_be_read_is_parked_until_there_is_another)
{
    rig_open();
    rig_start(0, "a", CREATED);
    control_quietly("PATCH", "", "{'learnamp': {'latency_ms': 500}}");
    rig_publish_one(RC_EVENT_CREATED, "e1", 1);
    json_t *counters;
    do { /* the first lookup is under way */
        (void)usleep(20000);
        counters = control("GET", "requests?side=learnamp", NULL);
        json_t *list = json_object_get(counters, "requests");
        bool any = json_array_size(list) >= 1;
        json_decref(counters);
        if (any) break;
    } while (true);
    rc_event_t later = rig_event(RC_EVENT_CREATED, "e1", 2);
    rc_kafka_record_t row = rig_snapshot_record(&later), unreadable = row;
    char *bytes = rc_arena_strndup(rig_arena, row.value, row.value_bytes);
    if (_i == 0) memcpy(bytes + 2, "87654321", 8);
    unreadable.value = bytes;
    if (_i == 1) unreadable.value_bytes--;
    rig_send(unreadable);
    RIG_AWAIT(rig_count(retry(1)) > 0); /* stands in nobody's way */
    ck_assert_str_eq(rig_user("e1"), "");
    ck_assert_int_eq(rig_count(dlq()), 0);
    rig_send(row);
    RIG_AWAIT(rig_user_is("e1", "v2"));
}
END_TEST

/* ---- what the service refuses, or does not answer ---- */

START_TEST(the_tiers_are_gone_through_in_their_order)
{
    rig_open();
    rig_start(0, "a", CREATED);
    rig_fault("{'side': 'learnamp', 'kind': 'status', 'status': 503, 'match': {'path': '/v1/*'}, 'next': 9}");
    rig_publish_one(RC_EVENT_CREATED, "e1", 1);
    RIG_AWAIT(rig_user_is("e1", "v1"));
    ck_assert_int_eq(rig_count(retry(0)), 1);
    ck_assert_int_eq(rig_count(retry(1)), 2); /* the last one again */
    ck_assert_int_eq(rig_count(dlq()), 0);
}
END_TEST

START_TEST(a_service_that_is_down_puts_nothing_into_the_dead_letters)
{
    rig_open();
    rig_engine_t *a = rig_start(0, "a", CREATED);
    rig_fault("{'side': 'learnamp', 'kind': 'status', 'status': 500, 'next': -1}");
    rig_publish_many(RC_EVENT_CREATED, 'e', 60, 1);
    RIG_AWAIT(rig_metric(a, "rollcall_breaker_state") == 2);
    rig_mend();
    RIG_AWAIT(rig_user_count() == 60);
    ck_assert_int_eq(rig_count(dlq()), 0);
}
END_TEST

START_TEST(refused_credentials_hold_everything_and_count_nothing)
{
    rig_open();
    rig_engine_t *a = rig_start(0, "a", CREATED);
    rig_fault("{'side': 'learnamp', 'kind': 'status', 'status': 403, 'match': {'path': '/v1/*'}, 'next': -1}");
    rig_publish_many(RC_EVENT_CREATED, 'e', 20, 1);
    RIG_AWAIT(rig_metric(a, "rollcall_breaker_state") == 2);
    rig_mend();
    RIG_AWAIT(rig_user_count() == 20); /* the first probe comes after ten seconds */
    ck_assert_int_eq(rig_count(retry(0)) + rig_count(retry(1)) + rig_count(dlq()), 0);
}
END_TEST

START_TEST(the_lag_says_what_is_not_finished_and_the_counters_begin_at_zero)
{
    rig_open();
    const char *lag = rc_arena_sprintf(rig_arena, "rollcall_consumer_lag{topic=\"%s\"", rig_topic(RC_TOPIC_CREATED));
    rig_engine_t *a = rig_start(0, "a", CREATED);
    RIG_AWAIT(rig_has_metric(a, lag) && rig_metric(a, lag) == 0);
    ck_assert(rig_has_metric(a, "rollcall_parked_total{tier=\"1s\"} 0"));
    ck_assert(rig_has_metric(a, "rollcall_dead_letters_total{"));
    rig_fault("{'side': 'learnamp', 'kind': 'status', 'status': 403, 'match': {'path': '/v1/*'}, 'next': -1}");
    rig_publish_many(RC_EVENT_CREATED, 'e', 20, 1);
    RIG_AWAIT(rig_metric(a, lag) == 20);
    rig_mend();
    RIG_AWAIT(rig_metric(a, lag) == 0);
    ck_assert_int_eq(rig_user_count(), 20);
    RIG_AWAIT(rig_metric(a, "rollcall_table_rows{table=\"ledger\"}") == 20);
}
END_TEST

static long breaker_trips(rc_engine_t *engine)
{
    return rc_engine_site(engine, company->id)->breaker.trips;
}

START_TEST(the_dead_letter_budget_opens_the_breaker)
{
    rig_settings.consumer =
        "http_timeout: 2s, retry_delays: [1s, 3s], dead_letter_budget: {percent: 10, count: 4, window: 10m}";
    rig_open();
    rig_engine_t *a = rig_start(0, "a", CREATED);
    rig_fault(
        "{'side': 'learnamp', 'kind': 'status', 'status': 422, 'body': '{\\'error\\': \\'no\\'}', 'match': {'method': "
        "'POST', 'path': '/v1/users'}, 'next': -1}");
    rig_publish_many(RC_EVENT_CREATED, 'e', 30, 1);
    RIG_AWAIT(rig_metric(a, "rollcall_breaker_state") == 2);
    RIG_AWAIT(rig_count(dlq()) == 4);
    ck_assert(rig_ask(a, rig_held) > 0);
    ck_assert_int_eq(rig_count(dlq()), 4);
    ck_assert_int_eq(rig_ask(a, breaker_trips), 1); /* not once for each that was under way */
}
END_TEST

/* Requests about e1 in the book behind `after`; the last number. */
static long requests_of(const char *employee_id, long long after, long long *last)
{
    char path[128];
    (void)snprintf(path, sizeof path, "requests?side=learnamp&employee=%s&after=%lld", employee_id, after);
    json_t *answer = control("GET", path, NULL);
    const json_t *list = json_object_get(answer, "requests");
    long count = (long)json_array_size(list);
    for (long i = 0; i < count; i++) *last = rc_json_int(json_array_get(list, (size_t)i), "number", 0);
    json_decref(answer);
    return count;
}

START_TEST(after_an_unanswered_write_nothing_of_the_employee_is_sent_for_a_while)
{
    rig_open();
    rig_engine_t *a = rig_start(0, "a", PROFILE_UPDATED | CREATED);
    rig_publish_one(RC_EVENT_CREATED, "e1", 1);
    RIG_AWAIT(rig_user_is("e1", "v1"));
    long long last = 0;
    (void)requests_of("e1", 0, &last);
    rig_fault("{'side': 'learnamp', 'kind': 'drop', 'match': {'method': 'PUT'}, 'next': 1}");
    rig_publish_one(RC_EVENT_PROFILE_UPDATED, "e1", 2);
    long long first = last;
    RIG_AWAIT(requests_of("e1", last, &first) == 1);
    int64_t dropped_ms = rc_mono_now().ms;
    rig_publish_one(RC_EVENT_PROFILE_UPDATED, "e1", 3);
    long long next = first;
    RIG_AWAIT(requests_of("e1", first, &next) >= 1);
    ck_assert(rc_mono_now().ms - dropped_ms >= 1900); /* http_timeout is 2 s */
    RIG_AWAIT(rig_user_is("e1", "v3"));
    RIG_AWAIT(rig_ask(a, rig_held) == 0);
}
END_TEST

/* ---- how much is held, and who waits for whom ---- */

START_TEST(what_a_rate_limit_cannot_take_is_parked_and_finished_later)
{
    rig_settings.learnamp = "requests_per_second: 150, max_in_flight: 8";
    rig_open();
    rig_engine_t *a = rig_start(0, "a", 0);
    rig_await_ready(a);
    rig_publish_many(RC_EVENT_DEACTIVATED, 'e', 1500, 1); /* nobody is there: one lookup each */
    RIG_AWAIT(rig_metric(a, "rollcall_parked_total") > 100);
    RIG_AWAIT(rig_metric(a, "rollcall_events_finished_total{integration=\"") - rig_metric(a, "rollcall_parked_total") >=
              1500);
    ck_assert_int_eq(rig_count(dlq()), 0);
}
END_TEST

START_TEST(leavers_do_not_wait_behind_joiners)
{
    rig_settings.learnamp = "requests_per_second: 0, max_in_flight: 2";
    rig_open();
    rig_engine_t *a = rig_start(0, "a", CREATED | DEACTIVATED);
    rig_publish_one(RC_EVENT_CREATED, "x", 1);
    RIG_AWAIT(rig_user_is("x", "v1"));
    control_quietly("PATCH", "", "{'learnamp': {'latency_ms': 20}}");
    rig_publish_many(RC_EVENT_CREATED, 'e', 2500, 1);
    RIG_AWAIT(rig_ask(a, rig_held) > 1500);
    rig_publish_one(RC_EVENT_DEACTIVATED, "x", 2);
    RIG_AWAIT(rig_user_is("x", "deactivated"));
    ck_assert(rig_user_count() < 500);
}
END_TEST

static void pause_events(uint32_t events)
{
    rc_sync_state_t state = {.integration_id = company->id, .paused = events};
    rc_buf_t value = RC_BUF_INIT(65536);
    OK(rc_codec_encode_state(rig_enrolment.codec, &state, &value, &rc_oops));
    rig_send((rc_kafka_record_t){.topic = rig_topic(RC_TOPIC_STATE),
                                 .partition = -1,
                                 .key = company->id,
                                 .key_bytes = strlen(company->id),
                                 .value = value.data,
                                 .value_bytes = value.size_bytes});
    rc_buf_fini(&value);
}

START_TEST(a_pause_from_before_the_start_holds_its_type_and_no_other)
{
    rig_open();
    pause_events(CREATED);
    rig_engine_t *a = rig_start(0, "a", CREATED | DEACTIVATED);
    rig_publish_many(RC_EVENT_CREATED, 'e', 1200, 1);
    RIG_AWAIT(rig_metric(a, "rollcall_parked_total") > 0); /* more than a thousand are not held */
    control_quietly("POST", "users",
                    "{'email': 'x@acme.example', 'firstName': 'X', 'lastName': 'Y', 'integrationExternalId': 'x'}");
    rig_publish_one(RC_EVENT_DEACTIVATED, "x", 2);
    RIG_AWAIT(rig_user_is("x", "deactivated"));
    ck_assert_int_eq(rig_user_count(), 1);
    pause_events(0);
    RIG_AWAIT(rig_user_count() == 1201);
}
END_TEST

/* ---- second looks ---- */

START_TEST(the_second_look_after_replaces_does_not_forget_the_manager)
{
    rig_settings.consumer = "http_timeout: 1s, retry_delays: [2s, 4s]";
    rig_open();
    rig_engine_t *a = rig_start(0, "a", CREATED);
    control_quietly("POST", "users",
                    "{'email': 'e2@acme.example', 'firstName': 'X', 'lastName': 'Y', 'integrationExternalId': 'e1', "
                    "'status': 'deactivated'}");
    rc_event_t event = rig_event(RC_EVENT_CREATED, "e2", 5);
    event.created.replaces = "e1";
    event.employee.manager_email = "boss@acme.example";
    rig_publish(&event, 1);
    RIG_AWAIT(rig_count(retry(0)) == 1);
    ck_assert_int_eq(first_of(retry(0)).parking.reason, RC_PARK_MANAGER);
    ck_assert_str_eq(rig_user("e2"), "v5");
    RIG_AWAIT(rig_metric(a, "rollcall_finished_without_manager_total") == 1);
}
END_TEST

int main(void)
{
    if (!rc_cluster_is_there()) return RC_CLUSTER_ABSENT;
    Suite *suite = suite_create("consumer outcomes");
    TCase *unreadable = tcase_create("unreadable"), *refused = tcase_create("refused"), *held = tcase_create("held");
    TCase *cases[] = {unreadable, refused, held};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tcase_add_checked_fixture(cases[i], NULL, rig_close);
        suite_add_tcase(suite, cases[i]);
    }
    tcase_add_test(unreadable, bytes_that_no_schema_reads_are_dead_lettered_as_they_are);
    tcase_add_test(unreadable, poison_too_large_to_be_copied_holds_nobody_up);
    tcase_add_test(unreadable, poison_beyond_the_budget_waits);
    tcase_add_test(unreadable, an_unknown_schema_and_an_unknown_integration_wait_in_the_last_tier);
    tcase_add_test(unreadable, a_retry_record_without_a_lane_is_dead_lettered_by_created);
    tcase_add_loop_test(unreadable, who_has_a_row_that_cannot_be_read_is_parked_until_there_is_another, 0, 2);
    tcase_add_test(refused, the_tiers_are_gone_through_in_their_order);
    tcase_add_test(refused, a_service_that_is_down_puts_nothing_into_the_dead_letters);
    tcase_add_test(refused, refused_credentials_hold_everything_and_count_nothing);
    tcase_add_test(refused, the_lag_says_what_is_not_finished_and_the_counters_begin_at_zero);
    tcase_add_test(refused, the_dead_letter_budget_opens_the_breaker);
    tcase_add_test(refused, after_an_unanswered_write_nothing_of_the_employee_is_sent_for_a_while);
    tcase_add_test(held, what_a_rate_limit_cannot_take_is_parked_and_finished_later);
    tcase_add_test(held, leavers_do_not_wait_behind_joiners);
    tcase_add_test(held, a_pause_from_before_the_start_holds_its_type_and_no_other);
    tcase_add_test(held, the_second_look_after_replaces_does_not_forget_the_manager);
    return rc_unit_run(suite);
}
