#include "producer/service/webhook.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/kafka_producer.h"
#include "common/log.h"
#include "common/topics.h"
#include "producer/service/delivery.h"

enum {
    QUEUE_MAX = 512,
    BATCH_MAX = 128,
    SEND_MS = 4000,
    WAIT_MS = 4000, /* in the queue; with the former the longest time to an answer */
    REMEMBERED = 1024,
    LOG_EVERY_MS = 60000,
    VALUE_MAX_BYTES = 4096
};

/* Everything that can become of a delivery. */
typedef enum {
    ACCEPTED,
    IGNORED,
    REPEATED,
    MALFORMED,
    UNKNOWN_INTEGRATION,
    NO_SECRET,
    NO_SIGNATURE,
    BAD_SIGNATURE,
    NOT_READY,
    TOO_MANY,
    NOT_WRITTEN,
    OUTCOMES
} outcome_t;

#define DOES_NOT_MATCH "{\"error\":\"the signature does not match\"}\n"
#define COME_BACK      "{\"error\":\"it could not be taken now; deliver it again\"}\n"

/* `detail` NULL: the type of the delivery. */
static const struct {
    const char *result, *detail;
    int status;
    const char *answer;
} OUTCOME[OUTCOMES] = {
    [ACCEPTED] = {"accepted", NULL, 200, "{\"status\":\"accepted\"}\n"},
    [IGNORED] = {"ignored", NULL, 200, "{\"status\":\"ignored\"}\n"},
    [REPEATED] = {"repeated", NULL, 200, "{\"status\":\"accepted\"}\n"},
    [MALFORMED] = {"refused", "malformed", 400,
                   "{\"error\":\"no webhook of Kombo: one JSON object with id, type, data\"}\n"},
    [UNKNOWN_INTEGRATION] = {"refused", "unknown_integration", 401, DOES_NOT_MATCH},
    [NO_SECRET] = {"refused", "no_secret", 401, DOES_NOT_MATCH},
    [NO_SIGNATURE] = {"refused", "no_signature", 401, DOES_NOT_MATCH},
    [BAD_SIGNATURE] = {"refused", "bad_signature", 401, DOES_NOT_MATCH},
    [NOT_READY] = {"failed", "not_ready", 503, COME_BACK},
    [TOO_MANY] = {"failed", "too_many", 503, COME_BACK},
    [NOT_WRITTEN] = {"failed", "not_written", 503, COME_BACK},
};

/* A signed delivery that waits for Kafka. */
typedef struct waiter {
    STAILQ_ENTRY(waiter) link;
    rc_httpd_exchange_t *exchange;
    rc_delivery_t delivery;
    rc_mono_t came_at;
} waiter_t;

struct rc_webhook {
    const rc_config_t *config;
    rc_metrics_t *metrics;
    const rc_kafka_t *kafka;
    const rc_codec_t *codec;
    pthread_t thread;
    bool started;
    pthread_mutex_t mutex; /* of all below */
    pthread_cond_t changed;
    bool open;
    STAILQ_HEAD(waiters, waiter) queue;
    size_t queued;
    char remembered[REMEMBERED][RC_UUID_STR_SIZE]; /* commands that Kafka has; a ring */
    size_t next_remembered;
    struct {
        rc_mono_t next_at;
        int64_t count; /* since it was said last */
    } said[OUTCOMES];
    rc_kafka_producer_t *producer; /* the thread's; NULL: to be opened */
};

/* --- what is said about it --- */

/* One line a minute: whoever sends us rubbish does not write our log. */
static void say(rc_webhook_t *webhook, outcome_t outcome, const rc_delivery_t *delivery, const rc_error_t *error)
{
    rc_mono_t now = rc_mono_now();
    pthread_mutex_lock(&webhook->mutex);
    int64_t count = ++webhook->said[outcome].count;
    bool due = now.ms >= webhook->said[outcome].next_at.ms;
    if (due) {
        webhook->said[outcome].count = 0;
        webhook->said[outcome].next_at.ms = now.ms + LOG_EVERY_MS;
    }
    pthread_mutex_unlock(&webhook->mutex);
    if (!due) return;
    const char *id = delivery->integration ? delivery->integration->id : *delivery->claim ? delivery->claim : NULL;
    rc_log(RC_LEVEL_WARN, "a webhook delivery was not taken", RC_LOG_STR(REASON, OUTCOME[outcome].detail),
           RC_LOG_STR(INTEGRATION, id), RC_LOG_STR(TYPE, delivery->type), RC_LOG_INT(COUNT, count),
           RC_LOG_STR(MESSAGE, error ? error->message : NULL));
}

static void note(rc_webhook_t *webhook, outcome_t outcome, const rc_delivery_t *delivery, const rc_error_t *error)
{
    const char *detail = OUTCOME[outcome].detail;
    rc_metrics_count(webhook->metrics, RC_METRIC_WEBHOOKS, OUTCOME[outcome].result, detail ? detail : delivery->type,
                     NULL);
    if (detail) say(webhook, outcome, delivery, error);
}

/* --- a delivery comes in; the server's threads --- */

static bool is_remembered(const rc_webhook_t *webhook, const char *command_id)
{
    for (size_t i = 0; i < REMEMBERED; i++)
        if (!strcmp(webhook->remembered[i], command_id)) return true;
    return false;
}

/* Puts a delivery into the queue, and its answer off; ACCEPTED: done. */
static outcome_t enqueue(rc_webhook_t *webhook, const rc_delivery_t *delivery, rc_httpd_reply_t *reply)
{
    outcome_t outcome = ACCEPTED;
    pthread_mutex_lock(&webhook->mutex);
    if (!webhook->open)
        outcome = NOT_READY;
    else if (is_remembered(webhook, delivery->command_id))
        outcome = REPEATED;
    else if (webhook->queued == QUEUE_MAX)
        outcome = TOO_MANY;
    if (outcome == ACCEPTED) {
        waiter_t *waiter = rc_zalloc(sizeof *waiter);
        *waiter = (waiter_t){.delivery = *delivery, .came_at = rc_mono_now()};
        waiter->exchange = rc_httpd_defer(reply);
        STAILQ_INSERT_TAIL(&webhook->queue, waiter, link);
        webhook->queued++;
        pthread_cond_signal(&webhook->changed);
    }
    pthread_mutex_unlock(&webhook->mutex);
    return outcome;
}

static outcome_t judge(const rc_webhook_t *webhook, const rc_httpd_request_t *request, rc_delivery_t *delivery)
{
    static const outcome_t outcomes[] = {[RC_DELIVERY_POLL] = ACCEPTED,
                                         [RC_DELIVERY_IGNORED] = IGNORED,
                                         [RC_DELIVERY_MALFORMED] = MALFORMED,
                                         [RC_DELIVERY_UNKNOWN_INTEGRATION] = UNKNOWN_INTEGRATION,
                                         [RC_DELIVERY_NO_SECRET] = NO_SECRET,
                                         [RC_DELIVERY_NO_SIGNATURE] = NO_SIGNATURE,
                                         [RC_DELIVERY_BAD_SIGNATURE] = BAD_SIGNATURE};
    rc_delivery_judge(webhook->config, request->body, request->body_size_bytes,
                      rc_httpd_header(request, "X-Kombo-Signature"), delivery);
    return outcomes[delivery->verdict];
}

static void handle(const rc_httpd_request_t *request, rc_httpd_reply_t *reply, void *arg)
{
    rc_webhook_t *webhook = arg;
    rc_delivery_t delivery;
    outcome_t outcome = judge(webhook, request, &delivery);
    if (outcome == ACCEPTED) {
        outcome = enqueue(webhook, &delivery, reply);
        if (outcome == ACCEPTED) return;
    }
    note(webhook, outcome, &delivery, NULL);
    rc_httpd_reply_text(reply, OUTCOME[outcome].status, OUTCOME[outcome].answer);
    reply->content_type = "application/json";
    if (OUTCOME[outcome].status == 503) rc_httpd_reply_header(reply, "Retry-After", "5");
}

/* --- on to Kafka; our thread --- */

static void finish(rc_webhook_t *webhook, waiter_t *waiter, outcome_t outcome, const rc_error_t *error)
{
    if (outcome == ACCEPTED) {
        pthread_mutex_lock(&webhook->mutex);
        memcpy(webhook->remembered[webhook->next_remembered++ % REMEMBERED], waiter->delivery.command_id,
               RC_UUID_STR_SIZE);
        pthread_mutex_unlock(&webhook->mutex);
    }
    note(webhook, outcome, &waiter->delivery, error);
    rc_httpd_answer(waiter->exchange, OUTCOME[outcome].status, "application/json", OUTCOME[outcome].answer,
                    OUTCOME[outcome].status == 503 ? "5" : NULL);
    free(waiter);
}

/* When it expires, a poll of the integration's own was due. */
static rc_code_t make_record(const rc_webhook_t *webhook, const rc_delivery_t *delivery, rc_arena_t *arena,
                             rc_kafka_record_t *record, rc_error_t *error)
{
    const rc_integration_t *integration = delivery->integration;
    const rc_wall_t now = rc_wall_now();
    const rc_command_t command = {.id = delivery->command_id,
                                  .integration_id = integration->id,
                                  .kind = RC_COMMAND_POLL,
                                  .trigger = RC_TRIGGER_WEBHOOK,
                                  .issued_at = now,
                                  .expires_at = {now.ms + integration->kombo.poll_interval_ms}};
    rc_buf_t value = RC_BUF_INIT(VALUE_MAX_BYTES);
    rc_code_t code = rc_codec_encode_command(webhook->codec, &command, &value, error);
    if (code == RC_OK)
        *record = (rc_kafka_record_t){.topic = rc_topic_name(webhook->config, RC_TOPIC_COMMANDS, arena),
                                      .partition = -1,
                                      .key = integration->id,
                                      .key_bytes = strlen(integration->id),
                                      .value = rc_arena_memdup(arena, value.data, value.size_bytes),
                                      .value_bytes = value.size_bytes};
    rc_buf_fini(&value);
    return code;
}

static rc_code_t send_records(rc_webhook_t *webhook, const rc_kafka_record_t *records, size_t count,
                              rc_kafka_delivery_t *deliveries, rc_error_t *error)
{
    rc_code_t code = RC_OK;
    if (!webhook->producer) code = rc_kafka_producer_open(webhook->kafka, &webhook->producer, error);
    if (code == RC_OK) code = rc_kafka_producer_send(webhook->producer, records, count, SEND_MS, deliveries, error);
    if (code != RC_OK && error->disposition == RC_FATAL) {
        rc_kafka_producer_close(webhook->producer);
        webhook->producer = NULL;
        rc_metrics_count(webhook->metrics, RC_METRIC_HANDLES_REBUILT, "fatal", NULL, NULL);
    }
    return code;
}

static void deliver(rc_webhook_t *webhook, waiter_t **waiters, size_t count)
{
    rc_arena_t *arena = rc_arena_new();
    rc_kafka_record_t records[BATCH_MAX];
    rc_kafka_delivery_t deliveries[BATCH_MAX];
    rc_error_t error = RC_ERROR_INIT;
    rc_code_t code = RC_OK;
    for (size_t i = 0; i < count; i++) deliveries[i] = (rc_kafka_delivery_t){.code = RC_TIMEOUT};
    for (size_t i = 0; i < count && code == RC_OK; i++)
        code = make_record(webhook, &waiters[i]->delivery, arena, &records[i], &error);
    if (code == RC_OK) (void)send_records(webhook, records, count, deliveries, &error);
    for (size_t i = 0; i < count; i++)
        finish(webhook, waiters[i], deliveries[i].code == RC_OK ? ACCEPTED : NOT_WRITTEN, &error);
    rc_arena_free(arena);
}

/* Takes some of the queue. With the mutex held. */
static size_t take(rc_webhook_t *webhook, waiter_t **waiters)
{
    size_t count = 0;
    while (count < BATCH_MAX && webhook->queued > 0) {
        waiters[count++] = STAILQ_FIRST(&webhook->queue);
        STAILQ_REMOVE_HEAD(&webhook->queue, link);
        webhook->queued--;
    }
    return count;
}

/* Kombo does not wait for ever: who waited too long behind others is sent away. */
static size_t send_away(rc_webhook_t *webhook, waiter_t **waiters, size_t count, bool all)
{
    rc_mono_t now = rc_mono_now();
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (all || now.ms - waiters[i]->came_at.ms > WAIT_MS)
            finish(webhook, waiters[i], all ? NOT_READY : TOO_MANY, NULL);
        else
            waiters[kept++] = waiters[i];
    return kept;
}

static void *run(void *opaque)
{
    rc_webhook_t *webhook = opaque;
    waiter_t *waiters[BATCH_MAX];
    pthread_mutex_lock(&webhook->mutex);
    while (webhook->open || webhook->queued > 0) {
        if (webhook->queued == 0) {
            (void)pthread_cond_wait(&webhook->changed, &webhook->mutex);
            continue;
        }
        size_t count = take(webhook, waiters);
        bool closing = !webhook->open;
        pthread_mutex_unlock(&webhook->mutex);
        count = send_away(webhook, waiters, count, closing);
        if (count > 0) deliver(webhook, waiters, count);
        pthread_mutex_lock(&webhook->mutex);
    }
    pthread_mutex_unlock(&webhook->mutex);
    rc_kafka_producer_close(webhook->producer);
    webhook->producer = NULL;
    return NULL;
}

/* --- life --- */

rc_webhook_t *rc_webhook_new(const rc_config_t *config, rc_metrics_t *metrics)
{
    rc_webhook_t *webhook = rc_zalloc(sizeof *webhook);
    webhook->config = config;
    webhook->metrics = metrics;
    STAILQ_INIT(&webhook->queue);
    RC_INVARIANT(pthread_mutex_init(&webhook->mutex, NULL) == 0 && pthread_cond_init(&webhook->changed, NULL) == 0);
    return webhook;
}

rc_httpd_route_t rc_webhook_route(rc_webhook_t *webhook)
{
    return (rc_httpd_route_t){"POST", "/webhooks/kombo", handle, webhook};
}

void rc_webhook_open(rc_webhook_t *webhook, const rc_kafka_t *kafka, const rc_codec_t *codec)
{
    webhook->kafka = kafka;
    webhook->codec = codec;
    pthread_mutex_lock(&webhook->mutex);
    webhook->open = true;
    pthread_mutex_unlock(&webhook->mutex);
    RC_INVARIANT(pthread_create(&webhook->thread, NULL, run, webhook) == 0);
    webhook->started = true;
}

void rc_webhook_close(rc_webhook_t *webhook)
{
    if (!webhook || !webhook->started) return;
    pthread_mutex_lock(&webhook->mutex);
    webhook->open = false;
    pthread_cond_signal(&webhook->changed);
    pthread_mutex_unlock(&webhook->mutex);
    RC_INVARIANT(pthread_join(webhook->thread, NULL) == 0);
    webhook->started = false;
}

void rc_webhook_free(rc_webhook_t *webhook)
{
    if (!webhook) return;
    RC_INVARIANT(!webhook->started);
    pthread_mutex_destroy(&webhook->mutex);
    pthread_cond_destroy(&webhook->changed);
    free(webhook);
}
