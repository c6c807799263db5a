/* The process's one transactional producer, on a thread of its own: a commit blocks, and nothing can be produced
 * meanwhile. It takes one batch at a time, writes it as one transaction, and hands it back on the loop. */
#ifndef RC_CONSUMER_COMMITTER_H
#define RC_CONSUMER_COMMITTER_H

#include "common/loop.h"
#include "common/metrics.h"
#include "consumer/engine/batch.h"

typedef struct rc_committer rc_committer_t;

typedef enum {
    RC_BATCH_COMMITTED, /* all lanes but those marked `lost` */
    RC_BATCH_UNKNOWN,   /* the handle died over it: what the group committed says what became of it; every lane has to
                         * begin again from there */
    RC_BATCH_FENCED     /* twice within a minute by the same name: two processes share it; stop */
} rc_batch_result_t;

/* On the loop. `ledger` are the ends of the ledger's partitions behind this batch (borrowed). The batch is the
 * callee's. */
typedef void rc_committer_done_fn(void *opaque, rc_batch_t *batch, rc_batch_result_t result,
                                  const rc_kafka_offset_t *ledger, size_t ledger_count);

/* Starts the thread, which takes the transactional id. `ledger_topic` is borrowed. Returns new (free with
 * rc_committer_free). */
rc_committer_t *rc_committer_new(const rc_kafka_t *kafka, rc_loop_t *loop, rc_metrics_t *metrics,
                                 const char *ledger_topic, rc_committer_done_fn *done, void *opaque);
/* Ends the thread; a batch under way is given up without its callback. Before the loop is freed, and rc_committer_free
 * after it, because posts may be under way. NULL is fine for both. */
void rc_committer_stop(rc_committer_t *committer);
void rc_committer_free(rc_committer_t *committer);

/* Loop only: takes a sealed batch. Not while one is under way. */
void rc_committer_take(rc_committer_t *committer, rc_batch_t *batch);
bool rc_committer_is_busy(const rc_committer_t *committer);

#endif
