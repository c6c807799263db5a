/* producer/service/webhook: answered when Kafka has it and not before, while the server serves others. Kafka's part is
 * the test's to say (its calls are wrapped). */
#include "producer/service/webhook.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/hmac.h"
#include "common/http.h"
#include "common/kafka_producer.h"
#include "common/retry.h"
#include "common/schema_store.h"
#include "tests/support/unit.h"

rc_code_t __wrap_rc_kafka_producer_open(const rc_kafka_t *, rc_kafka_producer_t **, rc_error_t *);
void __wrap_rc_kafka_producer_close(rc_kafka_producer_t *);
rc_code_t __wrap_rc_kafka_producer_send(rc_kafka_producer_t *, const rc_kafka_record_t *, size_t, int64_t,
                                        rc_kafka_delivery_t *, rc_error_t *);

rc_httpd_exchange_t *__real_rc_httpd_defer(rc_httpd_reply_t *);
rc_httpd_exchange_t *__wrap_rc_httpd_defer(rc_httpd_reply_t *);

#define ID     "personio:A"
#define SECRET "whsec"

enum { PATIENCE_MS = 20000 };

/* Kafka. */
static atomic_bool silent; /* it does not answer */
static atomic_int code, disposition;
static atomic_int sends, records, opened, closed;
static atomic_int deferred; /* deliveries that wait for it */
static rc_command_t last;
static rc_arena_t *arena;

static rc_integration_t integrations[] = {
    {.id = ID, .kombo = {.webhook_secret = SECRET, .poll_interval_ms = 3 * 3600 * 1000}}};
static rc_config_t config = {
    .kafka = {.topic_prefix = "hris.", .partitions = 12}, .integrations = integrations, .integrations_count = 1};
static rc_metrics_t *metrics;
static rc_schema_store_t *store;
static rc_codec_t *codec;
static rc_webhook_t *webhook;
static rc_httpd_t *server;

rc_code_t __wrap_rc_kafka_producer_open(const rc_kafka_t *kafka, rc_kafka_producer_t **producer, rc_error_t *error)
{
    (void)kafka, (void)error;
    atomic_fetch_add(&opened, 1);
    *producer = (rc_kafka_producer_t *)&opened;
    return RC_OK;
}

void __wrap_rc_kafka_producer_close(rc_kafka_producer_t *producer)
{
    if (producer) atomic_fetch_add(&closed, 1);
}

rc_code_t __wrap_rc_kafka_producer_send(rc_kafka_producer_t *producer, const rc_kafka_record_t *items, size_t count,
                                        int64_t timeout_ms, rc_kafka_delivery_t *deliveries, rc_error_t *error)
{
    ck_assert_ptr_nonnull(producer);
    ck_assert_int_le(timeout_ms, 10000);
    atomic_fetch_add(&sends, 1);
    while (atomic_load(&silent)) (void)rc_retry_pause(1, NULL);
    for (size_t i = 0; i < count; i++) {
        ck_assert_str_eq(items[i].topic, "hris.sync.commands");
        ck_assert_mem_eq(items[i].key, ID, items[i].key_bytes);
        ck_assert_int_eq(items[i].partition, -1);
        ck_assert(rc_codec_decode_command(codec, items[i].value, items[i].value_bytes, arena, &last, NULL, NULL) ==
                  RC_OK);
        deliveries[i].code = (rc_code_t)atomic_load(&code);
    }
    atomic_fetch_add(&records, (int)count);
    if (atomic_load(&code) == RC_OK) return RC_OK;
    return rc_error_set(error, (rc_code_t)atomic_load(&code), (rc_disposition_t)atomic_load(&disposition), "away");
}

rc_httpd_exchange_t *__wrap_rc_httpd_defer(rc_httpd_reply_t *reply)
{
    atomic_fetch_add(&deferred, 1);
    return __real_rc_httpd_defer(reply);
}

static void alive(const rc_httpd_request_t *request, rc_httpd_reply_t *reply, void *arg)
{
    (void)request, (void)arg;
    rc_httpd_reply_text(reply, 200, "ok");
}

static void start(void)
{
    metrics = rc_metrics_new(RC_METRICS_PRODUCER);
    store = rc_schema_store_new();
    codec = rc_codec_new(store, RC_WIRE_SINGLE_OBJECT);
    arena = rc_arena_new();
    webhook = rc_webhook_new(&config, metrics);
    const rc_httpd_route_t routes[] = {rc_webhook_route(webhook), {"GET", "/healthz", alive, NULL}};
    /* One thread: were a delivery to occupy it, nothing else would be answered. */
    const rc_httpd_options_t options = {
        .listen = "127.0.0.1:0", .routes = routes, .route_count = 2, .max_body_bytes = 65536};
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_msg(rc_httpd_new(&options, &server, &error) == RC_OK, "%s", error.message);
}

static void open_webhook(void)
{
    rc_webhook_open(webhook, (const rc_kafka_t *)&config, codec);
}

static void stop(void)
{
    rc_webhook_close(webhook);
    rc_httpd_free(server);
    rc_webhook_free(webhook);
    rc_codec_free(codec);
    rc_schema_store_free(store);
    rc_metrics_free(metrics);
    rc_arena_free(arena);
}

/* --- Kombo --- */

typedef struct {
    int status;
    char body[256];
    char retry_after[16];
} heard_t;

static heard_t request(const char *method, const char *path, const char *body, const char *signature)
{
    heard_t heard = {0};
    char url[128];
    (void)snprintf(url, sizeof url, "http://%s%s", rc_httpd_address(server), path);
    const rc_http_header_t headers[] = {{"X-Kombo-Signature", signature}};
    const rc_http_request_t sent = {.method = method,
                                    .url = url,
                                    .headers = headers,
                                    .header_count = signature != NULL,
                                    .body = body,
                                    .body_bytes = body ? strlen(body) : 0,
                                    .timeout_ms = PATIENCE_MS};
    rc_http_answer_t answer;
    rc_error_t error = RC_ERROR_INIT;
    rc_http_blocking_t *client = rc_http_blocking_new(&(rc_http_options_t){NULL, NULL});
    ck_assert_msg(rc_http_perform(client, &sent, NULL, NULL, NULL, &answer, &error) == RC_OK, "%s", error.message);
    heard.status = answer.status;
    (void)snprintf(heard.body, sizeof heard.body, "%s", answer.body);
    (void)rc_http_answer_header(&answer, "Retry-After", heard.retry_after, sizeof heard.retry_after);
    rc_http_blocking_free(client);
    return heard;
}

static heard_t deliver(const char *id)
{
    char body[256], signature[RC_HMAC_TEXT_SIZE];
    (void)snprintf(body, sizeof body,
                   "{\"id\":\"%s\",\"type\":\"data-changed\",\"data\":{\"integration_id\":\"" ID "\"}}", id);
    return request("POST", "/webhooks/kombo", body, rc_kombo_sign(SECRET, body, strlen(body), signature));
}

typedef struct {
    pthread_t thread;
    char id[16];
    heard_t heard;
} kombo_t;

static void *kombo_run(void *opaque)
{
    kombo_t *kombo = opaque;
    kombo->heard = deliver(kombo->id);
    return NULL;
}

static void kombo_start(kombo_t *kombos, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(kombos[i].id, sizeof kombos[i].id, "w%zu", i);
        ck_assert_int_eq(pthread_create(&kombos[i].thread, NULL, kombo_run, &kombos[i]), 0);
    }
}

static void kombo_join(const kombo_t *kombos, size_t count)
{
    for (size_t i = 0; i < count; i++) ck_assert_int_eq(pthread_join(kombos[i].thread, NULL), 0);
}

static double counted(const char *result, const char *detail)
{
    return rc_series_value(rc_metrics_series(metrics, RC_METRIC_WEBHOOKS, result, detail, NULL));
}

/* --- tests --- */

START_TEST(a_delivery_becomes_one_command_however_often_it_comes)
{
    open_webhook();
    rc_wall_t now = rc_wall_now();
    ck_assert_int_eq(deliver("w1").status, 200);
    ck_assert_str_eq(last.integration_id, ID);
    ck_assert_int_eq(last.kind, RC_COMMAND_POLL);
    ck_assert_int_eq(last.trigger, RC_TRIGGER_WEBHOOK);
    ck_assert_int_ge(last.issued_at.ms, now.ms);
    ck_assert_int_eq(last.expires_at.ms - last.issued_at.ms, 3 * 3600 * 1000);
    for (int i = 0; i < 5; i++) ck_assert_int_eq(deliver("w1").status, 200);
    ck_assert_int_eq(atomic_load(&records), 1);
    ck_assert_int_eq(deliver("w2").status, 200);
    ck_assert_int_eq(atomic_load(&records), 2);
    ck_assert_double_eq(counted("accepted", "data-changed"), 2);
    ck_assert_double_eq(counted("repeated", "data-changed"), 5);
}
END_TEST

START_TEST(nothing_is_taken_before_kafka_is_there_or_without_its_answer)
{
    ck_assert_int_eq(deliver("w1").status, 503);
    ck_assert_double_eq(counted("failed", "not_ready"), 1);
    open_webhook();
    atomic_store(&code, RC_TIMEOUT);
    atomic_store(&disposition, RC_RETRY);
    heard_t heard = deliver("w1");
    ck_assert_int_eq(heard.status, 503);
    ck_assert_str_eq(heard.retry_after, "5");
    ck_assert_double_eq(counted("failed", "not_written"), 1);
    atomic_store(&code, RC_OK);
    ck_assert_int_eq(deliver("w1").status, 200); /* it is not taken for a repetition */
    ck_assert_double_eq(counted("accepted", "data-changed"), 1);
}
END_TEST

START_TEST(a_dead_handle_is_built_anew)
{
    open_webhook();
    atomic_store(&code, RC_KAFKA);
    atomic_store(&disposition, RC_FATAL);
    ck_assert_int_eq(deliver("w1").status, 503);
    ck_assert_int_eq(atomic_load(&closed), 1);
    atomic_store(&code, RC_OK);
    ck_assert_int_eq(deliver("w1").status, 200);
    ck_assert_int_eq(atomic_load(&opened), 2);
}
END_TEST

START_TEST(deliveries_that_wait_for_kafka_occupy_no_thread_of_the_server)
{
    enum { COUNT = 20 };
    kombo_t kombos[COUNT];
    open_webhook();
    atomic_store(&silent, true);
    kombo_start(kombos, COUNT);
    while (atomic_load(&deferred) < COUNT) (void)rc_retry_pause(1, NULL);
    for (int i = 0; i < 5; i++) ck_assert_int_eq(request("GET", "/healthz", NULL, NULL).status, 200);
    atomic_store(&silent, false);
    kombo_join(kombos, COUNT);
    int taken = 0;
    for (int i = 0; i < COUNT; i++) {
        taken += kombos[i].heard.status == 200;
        ck_assert(kombos[i].heard.status == 200 || kombos[i].heard.status == 503); /* it took too long */
    }
    ck_assert_int_eq(atomic_load(&records), taken);
    ck_assert_int_le(atomic_load(&sends), 2); /* together, not one after the other */
}
END_TEST

START_TEST(closing_answers_everybody_who_waits)
{
    enum { COUNT = 5 };
    kombo_t kombos[COUNT];
    open_webhook();
    atomic_store(&silent, true);
    atomic_store(&code, RC_TIMEOUT);
    kombo_start(kombos, COUNT);
    while (atomic_load(&sends) == 0) (void)rc_retry_pause(1, NULL);
    atomic_store(&silent, false);
    rc_webhook_close(webhook);
    ck_assert_int_eq(deliver("late").status, 503);
    kombo_join(kombos, COUNT);
    for (int i = 0; i < COUNT; i++) ck_assert_int_eq(kombos[i].heard.status, 503);
}
END_TEST

START_TEST(whatever_is_wrong_with_a_signature_the_answer_is_the_same)
{
    static const struct {
        const char *body, *signature, *detail;
    } cases[] = {
        {"{\"data\":{\"integration_id\":\"" ID "\"}}", "x", "bad_signature"},
        {"{\"data\":{\"integration_id\":\"" ID "\"}}", NULL, "no_signature"},
        {"{\"data\":{\"integration_id\":\"personio:B\"}}", "x", "unknown_integration"},
        {"{}", NULL, "unknown_integration"},
    };
    open_webhook();
    heard_t first = request("POST", "/webhooks/kombo", cases[0].body, cases[0].signature);
    ck_assert_int_eq(first.status, 401);
    ck_assert_str_eq(first.body, "{\"error\":\"the signature does not match\"}\n");
    for (size_t i = 1; i < sizeof cases / sizeof *cases; i++) {
        heard_t heard = request("POST", "/webhooks/kombo", cases[i].body, cases[i].signature);
        ck_assert_int_eq(heard.status, first.status);
        ck_assert_str_eq(heard.body, first.body);
        ck_assert_double_gt(counted("refused", cases[i].detail), 0);
    }
    integrations[0].kombo.webhook_secret = "";
    ck_assert_str_eq(request("POST", "/webhooks/kombo", cases[0].body, "x").body, first.body);
    ck_assert_double_eq(counted("refused", "no_secret"), 1);
    ck_assert_int_eq(request("POST", "/webhooks/kombo", "{", "x").status, 400);
    ck_assert_int_eq(request("GET", "/webhooks/kombo", NULL, NULL).status, 405);
    ck_assert_int_eq(atomic_load(&sends), 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("webhook");
    TCase *tests = tcase_create("webhook");
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, a_delivery_becomes_one_command_however_often_it_comes);
    tcase_add_test(tests, nothing_is_taken_before_kafka_is_there_or_without_its_answer);
    tcase_add_test(tests, a_dead_handle_is_built_anew);
    tcase_add_test(tests, deliveries_that_wait_for_kafka_occupy_no_thread_of_the_server);
    tcase_add_test(tests, closing_answers_everybody_who_waits);
    tcase_add_test(tests, whatever_is_wrong_with_a_signature_the_answer_is_the_same);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return rc_unit_run(suite());
}
