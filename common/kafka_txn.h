/* The transactional producer: records and consumed offsets, all or nothing. One thread at a time; nothing can be
 * produced while a commit runs.
 *
 *     open, init, { begin, produce …, send_offsets …, commit or abort }, close
 *
 * A failure inside a transaction (a record that could not be delivered, offsets that the group refuses) stays with it:
 * whatever follows, its commit aborts and says why. */
#ifndef RC_COMMON_KAFKA_TXN_H
#define RC_COMMON_KAFKA_TXN_H

#include "common/kafka.h"

typedef struct rc_kafka_txn rc_kafka_txn_t;

/* A member of a consumer group at a moment (member id and generation). It is captured when work begins, so that a
 * member that was overtaken meanwhile is fenced even after it has rejoined. An owned value; any thread, one at a time.
 */
typedef struct rc_kafka_group rc_kafka_group_t;
/* A group without a member: its offsets are committed without fencing. For a group that was lost. Returns new. */
rc_kafka_group_t *rc_kafka_group_new(const char *group_id);
/* Returns new (free with rc_kafka_group_free). */
rc_kafka_group_t *rc_kafka_group_copy(const rc_kafka_group_t *group);
void rc_kafka_group_free(rc_kafka_group_t *group); /* NULL is fine */
/* For a mutant (common/mutant.h): the process's last member as it is now. Returns new. */
rc_kafka_group_t *rc_kafka_group_taken_late(void);

enum { RC_KAFKA_TXN_TIMEOUT_MS = 10000 }; /* the broker aborts what has not ended by then */

/* Opens the handle; no broker is asked. Returns new (close with rc_kafka_txn_close). RC_CONFIG for settings that
 * librdkafka refuses together. */
rc_code_t rc_kafka_txn_open(const rc_kafka_t *kafka, const char *transactional_id, rc_kafka_txn_t **txn,
                            rc_error_t *error);
/* Leaves an open transaction to its successor, or to the time-out. NULL is fine. */
void rc_kafka_txn_close(rc_kafka_txn_t *txn);

/* Takes the transactional id: ends a predecessor's transaction (completes or aborts it) and fences the predecessor.
 * Waits for the brokers as long as it takes. RC_CANCELLED; RC_KAFKA with RC_REJECT (not authorised) or RC_FATAL. Once,
 * before the first begin. */
rc_code_t rc_kafka_txn_init(rc_kafka_txn_t *txn, const atomic_bool *cancelled, rc_error_t *error);

rc_code_t rc_kafka_txn_begin(rc_kafka_txn_t *txn, rc_error_t *error);

/* Queues a copy of the record and returns; waits only while the queue is full. A failure leaves the transaction to be
 * aborted. */
rc_code_t rc_kafka_txn_produce(rc_kafka_txn_t *txn, const rc_kafka_record_t *record, rc_error_t *error);

/* Makes the group's offsets (the next to be read, each >= 0) part of the transaction; may be called for several groups.
 * Blocks for about 5 ms; while the group's coordinator is away for as long as it is (librdkafka looks at no time-out
 * then: its issue 5456), which only the end of the process cuts short (common/signals.h). RC_OWNERSHIP when the group
 * has moved on since `group` was captured: the transaction is to be aborted, the handle goes on. An empty list would
 * not ask the group at all and is a broken invariant. */
rc_code_t rc_kafka_txn_send_offsets(rc_kafka_txn_t *txn, const rc_kafka_group_t *group,
                                    const rc_kafka_offset_t *offsets, size_t count, rc_error_t *error);

typedef enum {
    RC_COMMIT_DONE,    /* committed; *error is left alone */
    RC_COMMIT_ABORTED, /* nothing of it will ever be visible; *error says why; begin again on the same handle */
    RC_COMMIT_DEAD /* the handle is dead (*error is RC_FATAL, or RC_CANCELLED). Close it, open and init a new one: that
                    * settles the transaction, and only what the topics then show tells which way */
} rc_kafka_commit_t;

/* Waits until all is delivered, then commits. Asks again until the outcome is known: while brokers are away it blocks,
 * at most until *cancelled. */
rc_kafka_commit_t rc_kafka_txn_commit(rc_kafka_txn_t *txn, const atomic_bool *cancelled, rc_error_t *error);

/* Throws the transaction away. RC_OK: begin again. Otherwise the handle is dead. Without an open transaction: RC_OK. */
rc_code_t rc_kafka_txn_abort(rc_kafka_txn_t *txn, const atomic_bool *cancelled, rc_error_t *error);

/* After commit gave RC_COMMIT_DONE, until the next begin: the last offset produced to each partition. Borrows. */
const rc_kafka_offset_t *rc_kafka_txn_produced(const rc_kafka_txn_t *txn, size_t *count);

bool rc_kafka_txn_is_open(const rc_kafka_txn_t *txn); /* between begin and commit or abort */

#endif
