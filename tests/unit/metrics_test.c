/* common/metrics: the text that Prometheus reads, to the letter, and counts that threads do not lose. */
#include "common/metrics.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "tests/support/unit.h"

static rc_metrics_t *metrics;
static rc_buf_t text;

static void begin(void)
{
    metrics = rc_metrics_new(RC_METRICS_PRODUCER);
    text = RC_BUF_INIT(1 << 20);
}

static void end(void)
{
    rc_metrics_free(metrics);
    rc_buf_fini(&text);
}

static const char *rendered(void)
{
    rc_buf_reset(&text);
    rc_metrics_render(metrics, &text);
    return text.data;
}

/* Check's messages are bounded: the text itself does not fit. */
#define ck_rendered(part)     ck_assert_msg(strstr(rendered(), part) != NULL, "missing: %s", part)
#define ck_not_rendered(part) ck_assert_msg(strstr(rendered(), part) == NULL, "there: %s", part)

START_TEST(metrics_counter_golden_text)
{
    rc_series_t *series = rc_metrics_series(metrics, RC_METRIC_EVENTS_PUBLISHED, "personio:acme", "created", NULL);
    rc_series_add(series, 2);
    rc_metrics_count(metrics, RC_METRIC_EVENTS_PUBLISHED, "personio:acme", "created", NULL);
    rc_metrics_count(metrics, RC_METRIC_EVENTS_PUBLISHED, "personio:acme", "deactivated", NULL);
    ck_rendered("# HELP rollcall_events_published_total Change events published.\n"
                "# TYPE rollcall_events_published_total counter\n"
                "rollcall_events_published_total{integration=\"personio:acme\",type=\"created\"} 3\n"
                "rollcall_events_published_total{integration=\"personio:acme\",type=\"deactivated\"} 1\n");
    ck_assert_double_eq(rc_series_value(series), 3);
}
END_TEST

START_TEST(metrics_histogram_golden_text)
{
    rc_series_t *series = rc_metrics_series(metrics, RC_METRIC_KOMBO_REQUEST_DURATION, NULL, NULL, NULL);
    rc_series_observe(series, 0.005); /* a bound belongs to its bucket */
    rc_series_observe(series, 0.3);
    rc_series_observe(series, 1000);
    ck_rendered("# TYPE rollcall_kombo_request_duration_seconds histogram\n"
                "rollcall_kombo_request_duration_seconds_bucket{le=\"0.005\"} 1\n"
                "rollcall_kombo_request_duration_seconds_bucket{le=\"0.01\"} 1\n"
                "rollcall_kombo_request_duration_seconds_bucket{le=\"0.025\"} 1\n"
                "rollcall_kombo_request_duration_seconds_bucket{le=\"0.05\"} 1\n"
                "rollcall_kombo_request_duration_seconds_bucket{le=\"0.1\"} 1\n"
                "rollcall_kombo_request_duration_seconds_bucket{le=\"0.25\"} 1\n"
                "rollcall_kombo_request_duration_seconds_bucket{le=\"0.5\"} 2\n"
                "rollcall_kombo_request_duration_seconds_bucket{le=\"1\"} 2\n"
                "rollcall_kombo_request_duration_seconds_bucket{le=\"2.5\"} 2\n"
                "rollcall_kombo_request_duration_seconds_bucket{le=\"5\"} 2\n"
                "rollcall_kombo_request_duration_seconds_bucket{le=\"10\"} 2\n"
                "rollcall_kombo_request_duration_seconds_bucket{le=\"20\"} 2\n"
                "rollcall_kombo_request_duration_seconds_bucket{le=\"60\"} 2\n"
                "rollcall_kombo_request_duration_seconds_bucket{le=\"+Inf\"} 3\n"
                "rollcall_kombo_request_duration_seconds_sum 1000.305\n"
                "rollcall_kombo_request_duration_seconds_count 3\n");
    ck_assert_double_eq(rc_series_value(series), 3);
}
END_TEST

START_TEST(metrics_gauge_golden_text)
{
    rc_series_t *series = rc_metrics_series(metrics, RC_METRIC_LAST_COMPLETE_FETCH, "a", NULL, NULL);
    rc_series_set(series, 1795363732.5);
    ck_rendered("rollcall_last_complete_fetch_timestamp_seconds{integration=\"a\"} 1795363732.5\n");
    rc_series_add(series, -2);
    ck_assert_double_eq(rc_series_value(series), 1795363730.5);
    rc_series_set(series, INFINITY);
    ck_rendered("rollcall_last_complete_fetch_timestamp_seconds{integration=\"a\"} +Inf\n");
    rc_series_set(series, NAN);
    ck_rendered("rollcall_last_complete_fetch_timestamp_seconds{integration=\"a\"} NaN\n");
}
END_TEST

START_TEST(metrics_labels_are_escaped)
{
    rc_metrics_count(metrics, RC_METRIC_POLLS, "a\"b\\c\nd", "ok", NULL);
    ck_rendered("rollcall_polls_total{integration=\"a\\\"b\\\\c\\nd\",result=\"ok\"} 1\n");
}
END_TEST

/* docs/cli.md, "Metrics" */
static const struct {
    int program;
    const char *name, *type;
} CONTRACT[] = {
    {RC_METRICS_PRODUCER, "events_published_total", "counter"},
    {RC_METRICS_PRODUCER, "polls_total", "counter"},
    {RC_METRICS_PRODUCER, "poll_duration_seconds", "histogram"},
    {RC_METRICS_PRODUCER, "last_complete_fetch_timestamp_seconds", "gauge"},
    {RC_METRICS_PRODUCER, "integration_state", "gauge"},
    {RC_METRICS_PRODUCER, "holds", "gauge"},
    {RC_METRICS_CONSUMER, "events_finished_total", "counter"},
    {RC_METRICS_CONSUMER, "learnamp_requests_total", "counter"},
    {RC_METRICS_CONSUMER, "learnamp_request_duration_seconds", "histogram"},
    {RC_METRICS_CONSUMER, "event_age_seconds", "histogram"},
    {RC_METRICS_CONSUMER, "in_flight", "gauge"},
    {RC_METRICS_CONSUMER, "parked_total", "counter"},
    {RC_METRICS_CONSUMER, "dead_letters_total", "counter"},
    {RC_METRICS_CONSUMER, "breaker_state", "gauge"},
    {RC_METRICS_CONSUMER, "consumer_lag", "gauge"},
};

START_TEST(metrics_of_the_contract_are_announced_from_the_start)
{
    char line[128];
    rc_metrics_t *own = rc_metrics_new(CONTRACT[_i].program), *other = metrics;
    metrics = own;
    snprintf(line, sizeof line, "# TYPE rollcall_%s %s\n", CONTRACT[_i].name, CONTRACT[_i].type);
    ck_rendered(line);
    metrics = other;
    rc_metrics_free(own);
}
END_TEST

START_TEST(metrics_labels_are_the_contracts)
{
    rc_metrics_t *producer = metrics;
    rc_series_set(rc_metrics_series(metrics, RC_METRIC_INTEGRATION_STATE, "i", "OK", NULL), 1);
    rc_series_set(rc_metrics_series(metrics, RC_METRIC_HOLDS, "i", "deactivations", NULL), 2);
    ck_rendered("rollcall_integration_state{integration=\"i\",state=\"OK\"} 1\n");
    ck_rendered("rollcall_holds{integration=\"i\",class=\"deactivations\"} 2\n");
    metrics = rc_metrics_new(RC_METRICS_CONSUMER);
    rc_metrics_count(metrics, RC_METRIC_EVENTS_FINISHED, "i", "created", "APPLIED");
    rc_metrics_count(metrics, RC_METRIC_LEARNAMP_REQUESTS, "i", "200", NULL);
    rc_series_set(rc_metrics_series(metrics, RC_METRIC_IN_FLIGHT, "i", NULL, NULL), 3);
    rc_metrics_count(metrics, RC_METRIC_PARKED, "5m", NULL, NULL);
    rc_metrics_count(metrics, RC_METRIC_DEAD_LETTERS, "i", "REJECTED", NULL);
    rc_series_set(rc_metrics_series(metrics, RC_METRIC_BREAKER_STATE, "i", NULL, NULL), 2);
    rc_series_set(rc_metrics_series(metrics, RC_METRIC_CONSUMER_LAG, "hris.employee.created", "3", NULL), 4);
    ck_rendered("rollcall_events_finished_total{integration=\"i\",type=\"created\",outcome=\"APPLIED\"} 1\n");
    ck_rendered("rollcall_learnamp_requests_total{integration=\"i\",code=\"200\"} 1\n");
    ck_rendered("rollcall_in_flight{integration=\"i\"} 3\n");
    ck_rendered("rollcall_parked_total{tier=\"5m\"} 1\n");
    ck_rendered("rollcall_dead_letters_total{integration=\"i\",reason=\"REJECTED\"} 1\n");
    ck_rendered("rollcall_breaker_state{integration=\"i\"} 2\n");
    ck_rendered("rollcall_consumer_lag{topic=\"hris.employee.created\",partition=\"3\"} 4\n");
    rc_metrics_free(metrics);
    metrics = producer;
}
END_TEST

START_TEST(metrics_of_the_other_program_are_not_there)
{
    ck_not_rendered("rollcall_dead_letters_total");
    ck_rendered("rollcall_build_info{version=\"" RC_VERSION "\"} 1\n");
    ck_rendered("rollcall_ready 0\n");
}
END_TEST

START_TEST(metrics_cleared_series_leaves_until_it_changes)
{
    rc_series_t *series = rc_metrics_series(metrics, RC_METRIC_EMPLOYEES, "handed-over", NULL, NULL);
    ck_not_rendered("handed-over"); /* never told */
    rc_series_set(series, 5);
    ck_rendered("rollcall_employees{integration=\"handed-over\"} 5\n");
    rc_series_clear(series);
    ck_not_rendered("handed-over");
    rc_series_set(series, 6);
    ck_rendered("rollcall_employees{integration=\"handed-over\"} 6\n");
}
END_TEST

START_TEST(metrics_series_of_same_labels_is_one)
{
    char first[] = "abc", second[] = "abc";
    ck_assert_ptr_eq(rc_metrics_series(metrics, RC_METRIC_EMPLOYEES, first, NULL, NULL),
                     rc_metrics_series(metrics, RC_METRIC_EMPLOYEES, second, NULL, NULL));
    ck_assert_ptr_ne(rc_metrics_series(metrics, RC_METRIC_POLLS, "a", "bc", NULL),
                     rc_metrics_series(metrics, RC_METRIC_POLLS, "ab", "c", NULL));
    ck_assert_ptr_ne(rc_metrics_series(metrics, RC_METRIC_EMPLOYEES, "x", NULL, NULL),
                     rc_metrics_series(metrics, RC_METRIC_ANNOUNCED, "x", NULL, NULL));
}
END_TEST

START_TEST(metrics_do_without_a_registry)
{
    rc_metrics_count(NULL, RC_METRIC_EMPLOYEES, "x", NULL, NULL);
    rc_series_set(NULL, 1);
    rc_series_observe(NULL, 1);
    rc_series_clear(NULL);
    ck_assert_double_eq(rc_series_value(NULL), 0);
}
END_TEST

enum { THREADS = 4, ROUNDS = 20000 };

static void *count_up(void *opaque)
{
    (void)opaque;
    rc_series_t *counter = rc_metrics_series(metrics, RC_METRIC_RECORDS_READ, "i", NULL, NULL);
    rc_series_t *gauge = rc_metrics_series(metrics, RC_METRIC_EMPLOYEES, "i", NULL, NULL);
    rc_series_t *histogram = rc_metrics_series(metrics, RC_METRIC_POLL_DURATION, NULL, NULL, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        rc_series_add(counter, 1);
        rc_series_add(gauge, i % 2 ? 1 : 2);
        rc_series_observe(histogram, 1);
    }
    return NULL;
}

START_TEST(metrics_threads_lose_no_count)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) ck_assert_int_eq(pthread_create(&threads[i], NULL, count_up, NULL), 0);
    for (int i = 0; i < 20; i++) (void)rendered();
    for (int i = 0; i < THREADS; i++) ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_rendered("rollcall_kombo_records_total{integration=\"i\"} 80000\n");
    ck_rendered("rollcall_employees{integration=\"i\"} 120000\n");
    ck_rendered("rollcall_poll_duration_seconds_bucket{le=\"1\"} 80000\n");
    ck_rendered("rollcall_poll_duration_seconds_sum 80000\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("metrics");
    TCase *tests = tcase_create("text");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, metrics_counter_golden_text);
    tcase_add_test(tests, metrics_histogram_golden_text);
    tcase_add_test(tests, metrics_gauge_golden_text);
    tcase_add_test(tests, metrics_labels_are_escaped);
    tcase_add_loop_test(tests, metrics_of_the_contract_are_announced_from_the_start, 0,
                        (int)(sizeof CONTRACT / sizeof *CONTRACT));
    tcase_add_test(tests, metrics_labels_are_the_contracts);
    tcase_add_test(tests, metrics_of_the_other_program_are_not_there);
    tcase_add_test(tests, metrics_cleared_series_leaves_until_it_changes);
    tcase_add_test(tests, metrics_series_of_same_labels_is_one);
    tcase_add_test(tests, metrics_do_without_a_registry);
    tcase_add_test(tests, metrics_threads_lose_no_count);
    suite_add_tcase(suite, tests);
    return rc_unit_run(suite);
}
