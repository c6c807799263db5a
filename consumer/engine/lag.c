#include "consumer/engine/lag.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_MS = 1000, EVERY_MS = 3000, ASK_MS = 1000 };

/* One topic's partition. Several lanes read the same retry topic: the one that is furthest behind counts. */
typedef struct {
    rc_series_t *series; /* NULL: never shown */
    bool is_asked;
    size_t asked_at; /* in rc_lag.asked */
    bool shown;
} place_t;

struct rc_lag {
    rc_engine_t *engine;
    rc_loop_timer_t *timer;
    place_t *places; /* (lane, or behind them tier) * partitions + partition */
    size_t place_count;
    bool asking; /* the thread has the question, and the next five; else the loop */
    rc_kafka_offset_t *asked;
    size_t asked_count;
    rc_code_t code;
    uint64_t snapshots;
    uint64_t ledger;
    bool stopped;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool question; /* under the mutex */
    bool stopping; /* under the mutex */
};

int64_t rc_lag_of(const rc_offsets_t *offsets, int64_t eof, int64_t end)
{
    int64_t read = offsets->next > eof ? offsets->next : eof;
    if (read < 0) return -1;
    return (int64_t)rc_offsets_open(offsets) + (end > read ? end - read : 0);
}

/* Where the partition of a lane's topic stands: event topics by lane, retry topics once for all lanes. */
static place_t *place_of(rc_lag_t *lag, const rc_lane_t *lane, size_t topic, int32_t partition)
{
    size_t row = topic == 0 ? (size_t)lane->type : RC_EVENT_COUNT + topic - 1;
    return &lag->places[row * (size_t)lag->engine->config->kafka.partitions + (size_t)partition];
}

typedef void part_fn(rc_lag_t *lag, const rc_part_t *part, place_t *place);

static void each_part(rc_lag_t *lag, part_fn *function)
{
    for (int i = 0; i < RC_EVENT_COUNT; i++) {
        const rc_lane_t *lane = lag->engine->lanes[i];
        size_t count = lane ? lane->topic_count * (size_t)lag->engine->config->kafka.partitions : 0;
        for (size_t at = 0; at < count; at++) {
            const rc_part_t *part = lane->parts[at];
            if (part) function(lag, part, place_of(lag, lane, part->topic, part->partition));
        }
    }
}

/* ---- The thread ---- */

static void answered(void *opaque);

static void ask(rc_lag_t *lag)
{
    rc_tables_t *tables = lag->engine->tables;
    rc_error_t error = RC_ERROR_INIT; /* who needs the ends, or the tables, says what is wrong with them */
    lag->code = RC_OK;
    if (lag->asked_count > 0) lag->code = rc_tables_ends(tables, lag->asked, lag->asked_count, ASK_MS, &error);
    if (lag->code == RC_OK) lag->code = rc_tables_count(tables, &lag->snapshots, &lag->ledger, &error);
}

static void *run(void *opaque)
{
    rc_lag_t *lag = opaque;
    for (;;) {
        pthread_mutex_lock(&lag->mutex);
        while (!lag->question && !lag->stopping) pthread_cond_wait(&lag->changed, &lag->mutex);
        bool stopping = lag->stopping;
        lag->question = false;
        pthread_mutex_unlock(&lag->mutex);
        if (stopping) return NULL;
        ask(lag);
        rc_loop_post(lag->engine->loop, answered, lag);
    }
}

/* ---- The loop ---- */

static void note_place(rc_lag_t *lag, const rc_part_t *part, place_t *place)
{
    if (place->is_asked) return;
    place->is_asked = true;
    place->asked_at = lag->asked_count++;
    lag->asked[place->asked_at] = (rc_kafka_offset_t){part->lane->topics[part->topic], part->partition, 0};
}

static void look(void *opaque)
{
    rc_lag_t *lag = opaque;
    if (lag->asking) return;
    for (size_t i = 0; i < lag->place_count; i++) lag->places[i].is_asked = false;
    lag->asked_count = 0;
    each_part(lag, note_place);
    lag->asking = true;
    pthread_mutex_lock(&lag->mutex);
    lag->question = true;
    pthread_cond_signal(&lag->changed);
    pthread_mutex_unlock(&lag->mutex);
}

static void show(rc_lag_t *lag, const rc_part_t *part, place_t *place)
{
    if (!place->is_asked) return; /* came after the question */
    const rc_kafka_offset_t *end = &lag->asked[place->asked_at];
    int64_t records = rc_lag_of(&part->offsets, part->eof, end->offset);
    if (records < 0) return;
    if (!place->series) {
        char number[16];
        (void)snprintf(number, sizeof number, "%d", (int)end->partition);
        place->series = rc_metrics_series(lag->engine->metrics, RC_METRIC_CONSUMER_LAG, end->topic, number, NULL);
    }
    if (place->shown && rc_series_value(place->series) >= (double)records) return;
    rc_series_set(place->series, (double)records);
    place->shown = true;
}

static void answered(void *opaque)
{
    rc_lag_t *lag = opaque;
    lag->asking = false;
    if (lag->stopped || lag->code != RC_OK) return;
    for (size_t i = 0; i < lag->place_count; i++) lag->places[i].shown = false;
    each_part(lag, show);
    for (size_t i = 0; i < lag->place_count; i++)
        if (!lag->places[i].shown) rc_series_clear(lag->places[i].series);
    rc_metrics_t *metrics = lag->engine->metrics;
    rc_series_set(rc_metrics_series(metrics, RC_METRIC_TABLE_ROWS, "snapshot", NULL, NULL), (double)lag->snapshots);
    rc_series_set(rc_metrics_series(metrics, RC_METRIC_TABLE_ROWS, "ledger", NULL, NULL), (double)lag->ledger);
}

rc_lag_t *rc_lag_new(rc_engine_t *engine)
{
    rc_lag_t *lag = rc_zalloc(sizeof *lag);
    lag->engine = engine;
    size_t topics = RC_EVENT_COUNT + engine->config->consumer.retry_delays_count;
    lag->place_count = topics * (size_t)engine->config->kafka.partitions;
    lag->places = rc_calloc(lag->place_count, sizeof *lag->places);
    lag->asked = rc_calloc(lag->place_count, sizeof *lag->asked);
    RC_INVARIANT(pthread_mutex_init(&lag->mutex, NULL) == 0 && pthread_cond_init(&lag->changed, NULL) == 0);
    RC_INVARIANT(pthread_create(&lag->thread, NULL, run, lag) == 0);
    lag->timer = rc_loop_timer_new(engine->loop, look, lag);
    rc_loop_timer_start(lag->timer, FIRST_MS, EVERY_MS);
    return lag;
}

void rc_lag_stop(rc_lag_t *lag)
{
    if (!lag || lag->stopped) return;
    lag->stopped = true;
    rc_loop_timer_free(lag->timer);
    pthread_mutex_lock(&lag->mutex);
    lag->stopping = true;
    pthread_cond_signal(&lag->changed);
    pthread_mutex_unlock(&lag->mutex);
    RC_INVARIANT(pthread_join(lag->thread, NULL) == 0);
}

void rc_lag_free(rc_lag_t *lag)
{
    if (!lag) return;
    rc_lag_stop(lag);
    pthread_mutex_destroy(&lag->mutex);
    pthread_cond_destroy(&lag->changed);
    free(lag->asked);
    free(lag->places);
    free(lag);
}
