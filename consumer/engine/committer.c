#include "consumer/engine/committer.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/retry.h"
#include "common/time.h"

struct rc_committer {
    const rc_kafka_t *kafka;
    rc_loop_t *loop;
    const char *ledger_topic;
    char *transactional_id;
    rc_committer_done_fn *done;
    void *opaque;
    rc_series_t *committed;
    rc_series_t *aborted;
    rc_series_t *duration;
    rc_metrics_t *metrics;
    bool busy; /* loop only */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    rc_batch_t *batch; /* under the mutex: handed over */
    atomic_bool stopping;
    rc_kafka_txn_t *txn; /* the thread's */
    rc_mono_t fenced_at; /* the thread's: 0: never */
};

/* A batch on its way back. */
typedef struct {
    rc_committer_t *committer;
    rc_batch_t *batch;
    rc_batch_result_t result;
    rc_kafka_offset_t *ledger;
    size_t ledger_count;
} answer_t;

enum { FENCED_AGAIN_MS = 60000, FIRST_DELAY_MS = 50, LAST_DELAY_MS = 2000 };

static void deliver(void *opaque)
{
    answer_t *answer = opaque;
    answer->committer->busy = false;
    if (atomic_load(&answer->committer->stopping))
        rc_batch_free(answer->batch);
    else
        answer->committer->done(answer->committer->opaque, answer->batch, answer->result, answer->ledger,
                                answer->ledger_count);
    free(answer->ledger);
    free(answer);
}

/* Opens the handle until it works; false: stopping. */
static bool open_handle(rc_committer_t *committer)
{
    for (int64_t delay_ms = FIRST_DELAY_MS; !atomic_load(&committer->stopping);
         delay_ms = rc_retry_doubled(delay_ms, LAST_DELAY_MS)) {
        rc_error_t error = RC_ERROR_INIT;
        if (rc_kafka_txn_open(committer->kafka, committer->transactional_id, &committer->txn, &error) == RC_OK &&
            rc_kafka_txn_init(committer->txn, &committer->stopping, &error) == RC_OK)
            return true;
        if (error.code != RC_CANCELLED)
            rc_log(RC_LEVEL_ERROR, "the transactional producer cannot start, trying again", RC_LOG_ERR(&error));
        rc_kafka_txn_close(committer->txn);
        committer->txn = NULL;
        (void)rc_retry_pause(delay_ms, &committer->stopping);
    }
    return false;
}

static void close_handle(rc_committer_t *committer, const char *why)
{
    rc_kafka_txn_close(committer->txn);
    committer->txn = NULL;
    rc_metrics_count(committer->metrics, RC_METRIC_HANDLES_REBUILT, why, NULL, NULL);
}

static rc_code_t fill(rc_committer_t *committer, rc_batch_t *batch, int *lost, rc_error_t *error)
{
    *lost = -1;
    for (int lane = 0; lane < RC_EVENT_COUNT; lane++) {
        rc_batch_lane_t *part = &batch->lanes[lane];
        if (!part->group) continue;
        for (size_t i = 0; i < part->record_count; i++) {
            rc_code_t code = rc_kafka_txn_produce(committer->txn, &part->records[i], error);
            if (code != RC_OK) return code;
        }
        rc_code_t code =
            rc_kafka_txn_send_offsets(committer->txn, part->group, part->offsets, part->offset_count, error);
        if (code == RC_OWNERSHIP) *lost = lane;
        if (code != RC_OK) return code;
    }
    return RC_OK;
}

typedef enum { ONCE_DONE, ONCE_AGAIN, ONCE_LATER, ONCE_DEAD } once_t;

/* One transaction. ONCE_AGAIN: nothing is visible, and a lane was found lost; ONCE_LATER: nothing is visible. */
static once_t write_once(rc_committer_t *committer, rc_batch_t *batch, rc_error_t *error)
{
    int lost;
    if (rc_kafka_txn_begin(committer->txn, error) != RC_OK)
        return error->disposition == RC_FATAL ? ONCE_DEAD : ONCE_LATER;
    if (fill(committer, batch, &lost, error) == RC_OK) {
        switch (rc_kafka_txn_commit(committer->txn, &committer->stopping, error)) {
        case RC_COMMIT_DONE:
            return ONCE_DONE;
        case RC_COMMIT_ABORTED:
            return ONCE_LATER;
        case RC_COMMIT_DEAD:
            return ONCE_DEAD;
        }
    }
    bool fatal = error->disposition == RC_FATAL;
    rc_error_t abort_error = RC_ERROR_INIT;
    if (rc_kafka_txn_abort(committer->txn, &committer->stopping, &abort_error) != RC_OK || fatal) return ONCE_DEAD;
    if (lost < 0) return ONCE_LATER;
    batch->lanes[lost].lost = true;
    rc_batch_drop(batch, (rc_event_type_t)lost);
    return ONCE_AGAIN;
}

/* The handle died: rebuilt at the next batch. Whether this was the second fencing in a minute. */
static rc_batch_result_t after_death(rc_committer_t *committer, const rc_error_t *error)
{
    rc_mono_t now = rc_mono_now();
    bool fenced = error->code == RC_FENCED;
    bool again = fenced && committer->fenced_at.ms && now.ms - committer->fenced_at.ms < FENCED_AGAIN_MS;
    if (fenced) committer->fenced_at = now;
    if (error->code != RC_CANCELLED)
        rc_log(again ? RC_LEVEL_ERROR : RC_LEVEL_WARN,
               again ? "fenced twice within a minute: another process has the same instance name; give each its own "
                       "(instance, --instance)"
                     : "the transactional producer died and is built anew",
               RC_LOG_ERR(error));
    close_handle(committer, fenced ? "fenced" : "fatal");
    return again ? RC_BATCH_FENCED : RC_BATCH_UNKNOWN;
}

/* Writes a batch until its fate is known. */
static rc_batch_result_t write_batch(rc_committer_t *committer, rc_batch_t *batch)
{
    int64_t delay_ms = FIRST_DELAY_MS;
    while (rc_batch_is_sealed(batch)) {
        rc_error_t error = RC_ERROR_INIT;
        rc_mono_t began = rc_mono_now();
        switch (write_once(committer, batch, &error)) {
        case ONCE_DONE:
            rc_series_add(committer->committed, 1);
            rc_series_observe(committer->duration, (double)(rc_mono_now().ms - began.ms) / 1000.0);
            return RC_BATCH_COMMITTED;
        case ONCE_AGAIN:
            rc_log(RC_LEVEL_INFO, "a group has moved on; its part of the batch is left to others", RC_LOG_ERR(&error));
            break;
        case ONCE_LATER:
            rc_series_add(committer->aborted, 1);
            rc_log(RC_LEVEL_WARN, "a transaction was aborted and is written again", RC_LOG_ERR(&error),
                   RC_LOG_INT(DELAY, delay_ms));
            (void)rc_retry_pause(delay_ms, &committer->stopping);
            delay_ms = rc_retry_doubled(delay_ms, LAST_DELAY_MS);
            break;
        case ONCE_DEAD:
            return after_death(committer, &error);
        }
        if (atomic_load(&committer->stopping)) return RC_BATCH_UNKNOWN;
    }
    return RC_BATCH_COMMITTED; /* every lane was lost: there is nothing to write */
}

/* The offsets behind what was produced to the ledger. */
static void note_ledger(rc_committer_t *committer, answer_t *answer)
{
    size_t count;
    const rc_kafka_offset_t *produced = rc_kafka_txn_produced(committer->txn, &count);
    answer->ledger = rc_calloc(count, sizeof *answer->ledger);
    for (size_t i = 0; i < count; i++)
        if (strcmp(produced[i].topic, committer->ledger_topic) == 0)
            answer->ledger[answer->ledger_count++] =
                (rc_kafka_offset_t){committer->ledger_topic, produced[i].partition, produced[i].offset + 1};
}

static void *run(void *opaque)
{
    rc_committer_t *committer = opaque;
    (void)pthread_setname_np(pthread_self(), "committer");
    for (;;) {
        if (!committer->txn && !open_handle(committer)) return NULL;
        pthread_mutex_lock(&committer->mutex);
        while (!committer->batch && !atomic_load(&committer->stopping))
            pthread_cond_wait(&committer->changed, &committer->mutex);
        rc_batch_t *batch = committer->batch;
        committer->batch = NULL;
        pthread_mutex_unlock(&committer->mutex);
        if (!batch) return NULL;
        answer_t *answer = rc_zalloc(sizeof *answer);
        *answer = (answer_t){.committer = committer, .batch = batch};
        answer->result = write_batch(committer, batch);
        if (answer->result == RC_BATCH_COMMITTED && rc_batch_is_sealed(batch)) note_ledger(committer, answer);
        rc_loop_post(committer->loop, deliver, answer);
    }
}

rc_committer_t *rc_committer_new(const rc_kafka_t *kafka, rc_loop_t *loop, rc_metrics_t *metrics,
                                 const char *ledger_topic, rc_committer_done_fn *done, void *opaque)
{
    const rc_config_t *config = rc_kafka_config(kafka);
    rc_committer_t *committer = rc_zalloc(sizeof *committer);
    *committer =
        (rc_committer_t){.kafka = kafka,
                         .loop = loop,
                         .metrics = metrics,
                         .ledger_topic = ledger_topic,
                         .done = done,
                         .opaque = opaque,
                         .committed = rc_metrics_series(metrics, RC_METRIC_TRANSACTIONS, "committed", NULL, NULL),
                         .aborted = rc_metrics_series(metrics, RC_METRIC_TRANSACTIONS, "aborted", NULL, NULL),
                         .duration = rc_metrics_series(metrics, RC_METRIC_TRANSACTION_DURATION, NULL, NULL, NULL),
                         .transactional_id = rc_sprintf("%srollcall-consumer.%s.%s", config->kafka.topic_prefix,
                                                        config->consumer.application, config->instance)};
    RC_INVARIANT(pthread_mutex_init(&committer->mutex, NULL) == 0 && pthread_cond_init(&committer->changed, NULL) == 0);
    RC_INVARIANT(pthread_create(&committer->thread, NULL, run, committer) == 0);
    return committer;
}

void rc_committer_stop(rc_committer_t *committer)
{
    if (!committer || atomic_exchange(&committer->stopping, true)) return;
    pthread_mutex_lock(&committer->mutex);
    pthread_cond_broadcast(&committer->changed);
    pthread_mutex_unlock(&committer->mutex);
    RC_INVARIANT(pthread_join(committer->thread, NULL) == 0);
    rc_kafka_txn_close(committer->txn);
    committer->txn = NULL;
}

void rc_committer_free(rc_committer_t *committer)
{
    if (!committer) return;
    rc_committer_stop(committer);
    rc_batch_free(committer->batch);
    pthread_mutex_destroy(&committer->mutex);
    pthread_cond_destroy(&committer->changed);
    free(committer->transactional_id);
    free(committer);
}

void rc_committer_take(rc_committer_t *committer, rc_batch_t *batch)
{
    RC_INVARIANT(!committer->busy && rc_batch_is_sealed(batch));
    committer->busy = true;
    pthread_mutex_lock(&committer->mutex);
    committer->batch = batch;
    pthread_cond_broadcast(&committer->changed);
    pthread_mutex_unlock(&committer->mutex);
}

bool rc_committer_is_busy(const rc_committer_t *committer)
{
    return committer->busy;
}
