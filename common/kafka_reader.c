#include "common/kafka_reader.h"

#include <stdlib.h>
#include <string.h>

#include "common/kafka_admin_handle.h"
#include "common/log.h"

enum {
    EVENTS_AT_ONCE = 256,
    SLICE_MS = 100,
    HANGS_MS = 2000 /* ours are over in a fraction of it; a killed process's is ended by the broker after 10 s */
};

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

static void release(rc_kafka_handle_t *handle)
{
    rc_kafka_reader_t *reader = (rc_kafka_reader_t *)handle;
    free(reader->topics);
    free(reader);
}

void rc_kafka_reader_close(rc_kafka_reader_t *reader)
{
    if (!reader) return;
    rd_kafka_queue_t *events = rd_kafka_queue_get_main(reader->handle.rk);
    rd_kafka_queue_forward(events, NULL);
    rd_kafka_queue_destroy(events);
    for (size_t i = 0; i < reader->topic_count; i++) rd_kafka_topic_destroy(reader->topics[i]);
    rd_kafka_queue_destroy(reader->queue);
    rc_kafka_handle_close(&reader->handle, release);
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

/* --- a reading with an end --- */

/* One partition of it. */
typedef struct {
    const char *topic;
    int32_t partition;
    int64_t from;
    int64_t end; /* as it was at the beginning */
    rc_wall_t since;
    int64_t stalled_at_ms; /* monotonic: since when an open transaction is all that is left; 0: it is not */
    bool ended;
} place_t;

typedef struct {
    rc_kafka_reader_t *reader;
    bool (*visit)(void *opaque, const rc_kafka_message_t *message);
    void *opaque;
    int64_t timeout_ms;
    place_t *places;
    size_t count;
    size_t open; /* places that have not ended */
    size_t last; /* where the last record came from */
} reading_t;

static rc_code_t add_places(reading_t *reading, const rc_kafka_span_t *span, rc_error_t *error)
{
    int32_t first = span->partition, count = 1;
    if (span->partition < 0) {
        rc_code_t code = count_partitions(reading->reader, span->topic, reading->timeout_ms, &count, error);
        if (code) return code;
        first = 0;
    }
    reading->places = rc_realloc(reading->places, (reading->count + (size_t)count) * sizeof *reading->places);
    for (int32_t i = 0; i < count; i++)
        reading->places[reading->count++] =
            (place_t){.topic = span->topic, .partition = first + i, .from = span->offset, .since = span->since};
    return RC_OK;
}

static rc_code_t is_mock(rc_kafka_admin_t *admin, int64_t timeout_ms, bool *mock, rc_error_t *error)
{
    char *id = NULL;
    rc_code_t code = rc_kafka_admin_cluster_id(admin, timeout_ms, &id, error);
    if (!code) *mock = rc_kafka_is_mock(id);
    free(id);
    return code;
}

/* Where each place begins and ends, by two questions, whatever their number. The end is that of open transactions too:
 * one whose commit was just answered may not be visible yet, and is worth the moment that it takes. */
static rc_code_t bound(reading_t *reading, rc_kafka_admin_t *admin, rc_error_t *error)
{
    rc_kafka_offset_t *begins = rc_calloc(reading->count, sizeof *begins);
    rc_kafka_offset_t *ends = rc_calloc(reading->count, sizeof *ends);
    bool by_time = false, mock = false;
    for (size_t i = 0; i < reading->count; i++) by_time = by_time || reading->places[i].since.ms > 0;
    rc_code_t code = by_time ? is_mock(admin, reading->timeout_ms, &mock, error) : RC_OK;
    for (size_t i = 0; i < reading->count; i++) {
        const place_t *place = &reading->places[i];
        int64_t since = place->since.ms > 0 && !mock ? place->since.ms : RD_KAFKA_OFFSET_BEGINNING;
        ends[i] = (rc_kafka_offset_t){place->topic, place->partition, RD_KAFKA_OFFSET_END};
        begins[i] = (rc_kafka_offset_t){place->topic, place->partition, since};
    }
    if (!code) code = rc_kafka_ask_offsets(&admin->handle, ends, reading->count, reading->timeout_ms, error);
    if (!code) code = rc_kafka_ask_offsets(&admin->handle, begins, reading->count, reading->timeout_ms, error);
    for (size_t i = 0; !code && i < reading->count; i++) {
        place_t *place = &reading->places[i];
        place->end = ends[i].offset;
        if (begins[i].offset < 0) begins[i].offset = place->end; /* nothing is that young */
        if (begins[i].offset > place->from) place->from = begins[i].offset;
        place->ended = place->from >= place->end;
        reading->open += !place->ended;
    }
    free(begins);
    free(ends);
    return code;
}

static place_t *place_of(reading_t *reading, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < reading->count; i++) {
        size_t at = (reading->last + i) % reading->count;
        place_t *place = &reading->places[at];
        if (place->partition != partition || strcmp(place->topic, topic) != 0) continue;
        reading->last = at;
        return place;
    }
    return NULL;
}

static void end_place(reading_t *reading, place_t *place)
{
    reading->open -= !place->ended;
    place->ended = true;
}

/* False: the visitor has had enough. */
static bool take_message(reading_t *reading, const rc_kafka_message_t *message)
{
    place_t *place = place_of(reading, message->topic, message->partition);
    if (!place || place->ended) return true;
    place->stalled_at_ms = 0;
    bool too_old = message->timestamp_ms >= 0 && message->timestamp_ms < place->since.ms;
    bool goes_on = message->offset >= place->end || too_old || reading->visit(reading->opaque, message);
    if (message->offset + 1 >= place->end) end_place(reading, place);
    return goes_on;
}

static bool take(reading_t *reading, const rc_kafka_event_t *event, rc_error_t *error)
{
    if (event->kind == RC_KAFKA_MESSAGE) return take_message(reading, &event->message);
    place_t *place = event->kind == RC_KAFKA_NONE ? NULL : place_of(reading, event->at.topic, event->at.partition);
    if (!place || place->ended) return true;
    if (event->kind == RC_KAFKA_EOF && event->at.offset >= place->end) end_place(reading, place);
    if (event->kind == RC_KAFKA_EOF) place->stalled_at_ms = rc_mono_now().ms;
    /* Retention took the beginning away while we asked. */
    if (event->kind == RC_KAFKA_OUT_OF_RANGE) {
        rc_kafka_reader_stop(reading->reader, place->topic, place->partition);
        (void)rc_kafka_reader_start(reading->reader, place->topic, place->partition, RC_OFFSET_BEGINNING, error);
    }
    return true;
}

/* Goes on without what a transaction hides that does not end. */
static void leave_hanging(reading_t *reading)
{
    int64_t patience_ms = reading->timeout_ms / 2 < HANGS_MS ? reading->timeout_ms / 2 : HANGS_MS;
    for (size_t i = 0; i < reading->count; i++) {
        place_t *place = &reading->places[i];
        if (place->ended || place->stalled_at_ms == 0 || rc_mono_now().ms - place->stalled_at_ms < patience_ms)
            continue;
        rc_log(RC_LEVEL_WARN, "a transaction is open, and what stands behind it is not seen",
               RC_LOG_STR(TOPIC, place->topic), RC_LOG_INT(PARTITION, place->partition),
               RC_LOG_STR(MESSAGE, "if it stays open: docs/operations.md, \"A partition stands still\""));
        end_place(reading, place);
    }
}

static rc_code_t read_on(reading_t *reading, const atomic_bool *cancelled, rc_error_t *error)
{
    rc_kafka_event_t events[EVENTS_AT_ONCE];
    int64_t progress_at_ms = rc_mono_now().ms;
    bool wanted = true;
    while (reading->open > 0 && wanted) {
        size_t count;
        rc_error_t trouble = RC_ERROR_INIT;
        (void)rc_kafka_reader_poll(reading->reader, SLICE_MS, events, EVENTS_AT_ONCE, &count, &trouble);
        for (size_t i = 0; i < count; i++) {
            wanted = wanted && take(reading, &events[i], &trouble);
            rc_kafka_event_release(&events[i]);
        }
        if (trouble.code && trouble.disposition != RC_RETRY) {
            if (error) *error = trouble;
            return trouble.code;
        }
        if (rc_kafka_is_cancelled(cancelled))
            return rc_error_set(error, RC_CANCELLED, RC_STOPPED, "ended while reading");
        if (count > 0) progress_at_ms = rc_mono_now().ms;
        leave_hanging(reading);
        if (rc_mono_now().ms - progress_at_ms > reading->timeout_ms)
            return rc_kafka_error(error, &reading->reader->handle, RD_KAFKA_RESP_ERR__TIMED_OUT, NULL,
                                  "nothing came for %lld ms", (long long)reading->timeout_ms);
    }
    return RC_OK;
}

rc_code_t rc_kafka_read_all(const rc_kafka_t *kafka, const rc_kafka_span_t *spans, size_t count,
                            int64_t idle_timeout_ms, bool (*visit)(void *opaque, const rc_kafka_message_t *message),
                            void *opaque, const atomic_bool *cancelled, rc_error_t *error)
{
    reading_t reading = {.visit = visit, .opaque = opaque, .timeout_ms = idle_timeout_ms};
    rc_kafka_admin_t *admin = NULL;
    rc_code_t code = rc_kafka_reader_open(kafka, &reading.reader, error);
    if (code) return code;
    code = rc_kafka_admin_open(kafka, &admin, error);
    for (size_t i = 0; !code && i < count; i++) code = add_places(&reading, &spans[i], error);
    if (!code) code = bound(&reading, admin, error);
    size_t started = 0;
    for (; !code && started < reading.count; started++) {
        const place_t *place = &reading.places[started];
        if (!place->ended)
            code = rc_kafka_reader_start(reading.reader, place->topic, place->partition, place->from, error);
    }
    if (!code) code = read_on(&reading, cancelled, error);
    for (size_t i = 0; i < started; i++)
        rc_kafka_reader_stop(reading.reader, reading.places[i].topic, reading.places[i].partition);
    if (code) (void)rc_error_prefix(error, "reading %s%s", spans[0].topic, count > 1 ? " and others" : "");
    rc_kafka_admin_close(admin);
    rc_kafka_reader_close(reading.reader);
    free(reading.places);
    return code;
}
