#include "common/kafka_producer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/kafka_handle.h"

enum { CLOSE_MS = 1000 };

/* The records of one call. It belongs to the producer until all their reports are in, which can be after the caller has
 * stopped waiting. */
typedef struct batch {
    struct batch *next, **link;
    size_t unreported;
    bool abandoned;
    pthread_cond_t done;
    rc_error_t failure; /* the first */
    rc_kafka_delivery_t deliveries[];
} batch_t;

typedef struct {
    batch_t *batch;
    size_t index;
} report_t; /* opaque of a record; freed by its report */

struct rc_kafka_producer {
    rc_kafka_handle_t handle;
    pthread_mutex_t lock; /* of all batches */
    batch_t *batches;
};

static void free_batch(batch_t *batch)
{
    *batch->link = batch->next;
    if (batch->next) batch->next->link = batch->link;
    pthread_cond_destroy(&batch->done);
    free(batch);
}

/* Frees `to`. */
static void report(rc_kafka_producer_t *producer, report_t *to, const rd_kafka_message_t *message, const char *detail)
{
    pthread_mutex_lock(&producer->lock);
    batch_t *batch = to->batch;
    rc_error_t failure = RC_ERROR_INIT;
    if (message->err)
        (void)rc_kafka_error(&failure, &producer->handle, message->err, detail, "a record to %s",
                             rd_kafka_topic_name(message->rkt));
    batch->deliveries[to->index] = (rc_kafka_delivery_t){failure.code, message->partition, message->offset};
    if (batch->failure.code == RC_OK) batch->failure = failure;
    if (--batch->unreported == 0) {
        if (batch->abandoned)
            free_batch(batch);
        else
            pthread_cond_signal(&batch->done);
    }
    pthread_mutex_unlock(&producer->lock);
    free(to);
}

/* librdkafka's background thread. */
static void on_event(rd_kafka_t *rk, rd_kafka_event_t *event, void *opaque)
{
    (void)rk;
    const rd_kafka_message_t *message;
    if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_DR)
        while ((message = rd_kafka_event_message_next(event))) report(opaque, message->_private, message, NULL);
    rd_kafka_event_destroy(event);
}

rc_code_t rc_kafka_producer_open(const rc_kafka_t *kafka, rc_kafka_producer_t **out, rc_error_t *error)
{
    rd_kafka_conf_t *conf;
    rc_code_t code = rc_kafka_conf(kafka, RC_ROLE_PRODUCER, NULL, &conf, error);
    if (code) return code;
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR);
    rd_kafka_conf_set_background_event_cb(conf, on_event);
    rc_kafka_producer_t *producer = rc_zalloc(sizeof *producer);
    code = rc_kafka_handle_open(kafka, RD_KAFKA_PRODUCER, conf, &producer->handle, error);
    if (code) {
        free(producer);
        return code;
    }
    pthread_mutex_init(&producer->lock, NULL);
    rd_kafka_queue_t *events = rd_kafka_queue_get_main(producer->handle.rk);
    rd_kafka_queue_t *background = rd_kafka_queue_get_background(producer->handle.rk);
    rd_kafka_queue_forward(events, background);
    rd_kafka_queue_destroy(background);
    rd_kafka_queue_destroy(events);
    *out = producer;
    return RC_OK;
}

static void release(rc_kafka_handle_t *handle)
{
    rc_kafka_producer_t *producer = (rc_kafka_producer_t *)handle;
    while (producer->batches) free_batch(producer->batches);
    pthread_mutex_destroy(&producer->lock);
    free(producer);
}

void rc_kafka_producer_close(rc_kafka_producer_t *producer)
{
    if (!producer) return;
    (void)rd_kafka_purge(producer->handle.rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    (void)rd_kafka_flush(producer->handle.rk, CLOSE_MS); /* the reports of what was purged */
    rc_kafka_handle_close(&producer->handle, release);
}

static batch_t *new_batch(rc_kafka_producer_t *producer, size_t count)
{
    batch_t *batch = rc_zalloc(sizeof *batch + count * sizeof *batch->deliveries);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&batch->done, &attributes);
    pthread_condattr_destroy(&attributes);
    batch->failure = RC_ERROR_INIT;
    batch->unreported = count;
    for (size_t i = 0; i < count; i++) batch->deliveries[i] = (rc_kafka_delivery_t){RC_TIMEOUT, -1, -1};
    pthread_mutex_lock(&producer->lock);
    batch->next = producer->batches;
    batch->link = &producer->batches;
    if (batch->next) batch->next->link = &batch->next;
    producer->batches = batch;
    pthread_mutex_unlock(&producer->lock);
    return batch;
}

static void enqueue(rc_kafka_producer_t *producer, const rc_kafka_record_t *record, batch_t *batch, size_t index)
{
    report_t *to = rc_alloc(sizeof *to);
    *to = (report_t){batch, index};
    rd_kafka_topic_t *topic = rd_kafka_topic_new(producer->handle.rk, record->topic, NULL);
    RC_INVARIANT(topic != NULL);
    rd_kafka_error_t *reason = rc_kafka_produce(producer->handle.rk, topic, record, to);
    if (reason) {
        const rd_kafka_message_t refused = {
            .err = rd_kafka_error_code(reason), .rkt = topic, .partition = record->partition, .offset = -1};
        report(producer, to, &refused, rd_kafka_error_string(reason));
        rd_kafka_error_destroy(reason);
    }
    rd_kafka_topic_destroy(topic);
}

rc_code_t rc_kafka_producer_send(rc_kafka_producer_t *producer, const rc_kafka_record_t *records, size_t count,
                                 int64_t timeout_ms, rc_kafka_delivery_t *deliveries, rc_error_t *error)
{
    if (count == 0) return RC_OK;
    int64_t deadline_ms = rc_mono_now().ms + timeout_ms;
    const struct timespec deadline = {deadline_ms / 1000, deadline_ms % 1000 * 1000000};
    batch_t *batch = new_batch(producer, count);
    for (size_t i = 0; i < count; i++) enqueue(producer, &records[i], batch, i);

    pthread_mutex_lock(&producer->lock);
    while (batch->unreported && pthread_cond_timedwait(&batch->done, &producer->lock, &deadline) != ETIMEDOUT) {
    }
    rc_error_t failure = batch->failure;
    if (deliveries) memcpy(deliveries, batch->deliveries, count * sizeof *deliveries);
    if (batch->unreported && failure.code == RC_OK)
        (void)rc_kafka_error(&failure, &producer->handle, RD_KAFKA_RESP_ERR__TIMED_OUT, NULL,
                             "a record to %s is not confirmed after %lld ms", records[0].topic, (long long)timeout_ms);
    if (batch->unreported)
        batch->abandoned = true;
    else
        free_batch(batch);
    pthread_mutex_unlock(&producer->lock);
    if (failure.code && error) *error = failure;
    return failure.code;
}
