#include "common/kafka_reader.h"

#include <stdlib.h>
#include <string.h>

#include "common/kafka_handle.h"

enum { EVENTS_AT_ONCE = 256, SLICE_MS = 100 };

struct rc_kafka_reader {
    rc_kafka_handle_t handle;
    rd_kafka_queue_t *queue;
    rd_kafka_topic_t **topics;
    size_t topic_count;
    rc_error_t pending; /* met behind events that had to be given first */
};

/* librdkafka's simple consumer: no group, so no coordinator to ask, and partitions start and stop one by one. */
rc_code_t rc_kafka_reader_open(const rc_kafka_t *kafka, rc_kafka_reader_t **out, rc_error_t *error)
{
    rd_kafka_conf_t *conf;
    rc_code_t code = rc_kafka_conf(kafka, RC_ROLE_READER, NULL, &conf, error);
    if (code) return code;
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_ERROR);
    rc_kafka_reader_t *reader = rc_zalloc(sizeof *reader);
    code = rc_kafka_handle_open(kafka, RD_KAFKA_CONSUMER, conf, &reader->handle, error);
    if (code) {
        free(reader);
        return code;
    }
    reader->pending = RC_ERROR_INIT;
    reader->queue = rd_kafka_queue_new(reader->handle.rk);
    rd_kafka_queue_t *events = rd_kafka_queue_get_main(reader->handle.rk);
    rd_kafka_queue_forward(events, reader->queue);
    rd_kafka_queue_destroy(events);
    *out = reader;
    return RC_OK;
}

void rc_kafka_reader_close(rc_kafka_reader_t *reader)
{
    if (!reader) return;
    rd_kafka_queue_t *events = rd_kafka_queue_get_main(reader->handle.rk);
    rd_kafka_queue_forward(events, NULL);
    rd_kafka_queue_destroy(events);
    for (size_t i = 0; i < reader->topic_count; i++) rd_kafka_topic_destroy(reader->topics[i]);
    rd_kafka_queue_destroy(reader->queue);
    rc_kafka_handle_close(&reader->handle);
    free(reader->topics);
    free(reader);
}

static rd_kafka_topic_t *find_topic(const rc_kafka_reader_t *reader, const char *name)
{
    for (size_t i = 0; i < reader->topic_count; i++)
        if (!strcmp(rd_kafka_topic_name(reader->topics[i]), name)) return reader->topics[i];
    return NULL;
}

static rd_kafka_topic_t *topic_of(rc_kafka_reader_t *reader, const char *name)
{
    rd_kafka_topic_t *topic = find_topic(reader, name);
    if (topic) return topic;
    topic = rd_kafka_topic_new(reader->handle.rk, name, NULL);
    RC_INVARIANT(topic != NULL);
    reader->topics = rc_realloc(reader->topics, (reader->topic_count + 1) * sizeof(rd_kafka_topic_t *));
    reader->topics[reader->topic_count++] = topic;
    return topic;
}

rc_code_t rc_kafka_reader_start(rc_kafka_reader_t *reader, const char *topic, int32_t partition, int64_t offset,
                                rc_error_t *error)
{
    if (rd_kafka_consume_start_queue(topic_of(reader, topic), partition, offset, reader->queue) == 0) return RC_OK;
    return rc_kafka_error(error, &reader->handle, rd_kafka_last_error(), NULL, "reading %s, partition %d", topic,
                          (int)partition);
}

void rc_kafka_reader_stop(rc_kafka_reader_t *reader, const char *topic, int32_t partition)
{
    rd_kafka_topic_t *known = find_topic(reader, topic);
    if (known) (void)rd_kafka_consume_stop(known, partition);
}

rc_code_t rc_kafka_reader_poll(rc_kafka_reader_t *reader, int64_t timeout_ms, rc_kafka_event_t *events, size_t cap,
                               size_t *count, rc_error_t *error)
{
    size_t taken = 0;
    while (reader->pending.code == RC_OK && taken < cap) {
        rd_kafka_event_t *polled = rd_kafka_queue_poll(reader->queue, taken ? 0 : (int)timeout_ms);
        if (!polled) break;
        rc_code_t code = rc_kafka_event_from(&reader->handle, polled, &events[taken], &reader->pending);
        if (!code && events[taken].kind != RC_KAFKA_NONE) taken++;
    }
    *count = taken;
    if (taken > 0 || reader->pending.code == RC_OK) return RC_OK;
    if (error) *error = reader->pending;
    rc_code_t code = reader->pending.code;
    reader->pending = RC_ERROR_INIT;
    return code;
}

void rc_kafka_reader_wake(rc_kafka_reader_t *reader)
{
    rd_kafka_queue_yield(reader->queue);
}

static rc_code_t count_partitions(rc_kafka_reader_t *reader, const char *topic, int64_t timeout_ms, int32_t *count,
                                  rc_error_t *error)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t err =
        rd_kafka_metadata(reader->handle.rk, 0, topic_of(reader, topic), &metadata, (int)timeout_ms);
    if (!err) {
        if (metadata->topic_cnt == 1) err = metadata->topics[0].err;
        *count = metadata->topic_cnt == 1 ? metadata->topics[0].partition_cnt : 0;
        rd_kafka_metadata_destroy(metadata);
    }
    return err ? rc_kafka_error(error, &reader->handle, err, NULL, "the topic %s", topic) : RC_OK;
}

typedef struct {
    rc_kafka_reader_t *reader;
    bool (*visit)(void *opaque, const rc_kafka_message_t *message);
    void *opaque;
    bool *ended;  /* by partition */
    int32_t open; /* partitions that have not ended */
} reading_t;

/* False: the visitor has had enough. */
static bool take(reading_t *reading, const rc_kafka_event_t *event)
{
    if (event->kind == RC_KAFKA_MESSAGE)
        return reading->ended[event->message.partition] || reading->visit(reading->opaque, &event->message);
    if (event->kind == RC_KAFKA_EOF && !reading->ended[event->at.partition]) {
        reading->ended[event->at.partition] = true;
        reading->open--;
    }
    return true;
}

static rc_code_t read_on(reading_t *reading, int64_t idle_timeout_ms, const atomic_bool *cancelled, rc_error_t *error)
{
    rc_kafka_event_t events[EVENTS_AT_ONCE];
    int64_t progress_at_ms = rc_mono_now().ms;
    bool wanted = true;
    while (reading->open > 0 && wanted) {
        size_t count;
        rc_error_t trouble = RC_ERROR_INIT;
        (void)rc_kafka_reader_poll(reading->reader, SLICE_MS, events, EVENTS_AT_ONCE, &count, &trouble);
        for (size_t i = 0; i < count; i++) {
            wanted = wanted && take(reading, &events[i]);
            rc_kafka_event_release(&events[i]);
        }
        if (trouble.code && trouble.disposition != RC_RETRY) {
            if (error) *error = trouble;
            return trouble.code;
        }
        if (rc_kafka_is_cancelled(cancelled))
            return rc_error_set(error, RC_CANCELLED, RC_STOPPED, "ended while reading");
        if (count > 0) progress_at_ms = rc_mono_now().ms;
        if (rc_mono_now().ms - progress_at_ms > idle_timeout_ms)
            return rc_kafka_error(error, &reading->reader->handle, RD_KAFKA_RESP_ERR__TIMED_OUT, NULL,
                                  "nothing came for %lld ms", (long long)idle_timeout_ms);
    }
    return RC_OK;
}

rc_code_t rc_kafka_read_all(const rc_kafka_t *kafka, const char *topic, int32_t partition, int64_t idle_timeout_ms,
                            bool (*visit)(void *opaque, const rc_kafka_message_t *message), void *opaque,
                            const atomic_bool *cancelled, rc_error_t *error)
{
    reading_t reading = {.visit = visit, .opaque = opaque};
    int32_t partitions = 0;
    rc_code_t code = rc_kafka_reader_open(kafka, &reading.reader, error);
    if (code) return code;
    code = count_partitions(reading.reader, topic, idle_timeout_ms, &partitions, error);
    reading.ended = rc_calloc((size_t)partitions, sizeof *reading.ended);
    int32_t started = 0;
    for (; !code && started < partitions; started++) {
        if (partition >= 0 && started != partition) continue;
        code = rc_kafka_reader_start(reading.reader, topic, started, RC_OFFSET_BEGINNING, error);
        if (!code) reading.open++;
    }
    if (!code) code = read_on(&reading, idle_timeout_ms, cancelled, error);
    for (int32_t i = 0; i < started; i++) rc_kafka_reader_stop(reading.reader, topic, i);
    if (code) (void)rc_error_prefix(error, "reading %s", topic);
    rc_kafka_reader_close(reading.reader);
    free(reading.ended);
    return code;
}
