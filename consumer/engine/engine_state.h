/* The inside of the engine, private to consumer/engine/engine*.c: engine.c has its life, its lanes and its records,
 * engine_commit.c the batches. Everything on the loop's thread. */
#ifndef RC_CONSUMER_ENGINE_STATE_H
#define RC_CONSUMER_ENGINE_STATE_H

#include "consumer/engine/engine.h"

/* The process has nothing more to do, or (`failed`) must not go on. */
void rc_engine_end(rc_engine_t *engine, bool failed);

/* engine_commit.c; the timer of the commits (the engine), and the committer's answer. */
void rc_engine_commit_interval(void *opaque);
void rc_engine_batch_done(void *opaque, rc_batch_t *batch, rc_batch_result_t result, const rc_kafka_offset_t *ledger,
                          size_t ledger_count);
/* Forgets the batches that the local ledger did not show. */
void rc_engine_free_shown(rc_engine_t *engine);

#endif
