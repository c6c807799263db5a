/* The producer process's one transactional handle: every transaction holds what one step of one integration publishes
 * and, so that only the owner of that integration can publish, an offset of its command partition under the group
 * membership that was captured when the step began (design section 4, "Exactly once"). Any thread; one transaction at a
 * time. */
#ifndef RC_PRODUCER_PUBLISHER_H
#define RC_PRODUCER_PUBLISHER_H

#include <stdatomic.h>

#include "common/kafka_txn.h"
#include "common/metrics.h"

typedef struct rc_publisher rc_publisher_t;

/* Opens nothing yet: the first transaction takes the transactional id. Borrows kafka and metrics. Returns new (free
 * with rc_publisher_free). */
rc_publisher_t *rc_publisher_new(const rc_kafka_t *kafka, rc_metrics_t *metrics);
void rc_publisher_free(rc_publisher_t *publisher); /* no call may be under way; NULL is fine */

/* Whether calls that wait for brokers end with RC_CANCELLED: for when somebody cannot wait for them any longer. Any
 * thread. */
void rc_publisher_give_up(rc_publisher_t *publisher, bool give_up);

/* Takes the transactional id now, which ends a predecessor's open transaction. Waits for the brokers. */
rc_code_t rc_publisher_open(rc_publisher_t *publisher, const atomic_bool *cancelled, rc_error_t *error);

/* --- the commands of a partition, whose offsets the transactions commit --- */

/* The partition is ours from this offset on (the committed one, else the low watermark; at least 0). */
void rc_publisher_assigned(rc_publisher_t *publisher, int32_t partition, int64_t offset);
/* Whether a partition that has a command, or its end, at this offset can be the one whose commands were read and
 * committed here. It cannot when the topic was made anew, or cut: then it has to be taken over again. */
bool rc_publisher_may_have(rc_publisher_t *publisher, int32_t partition, int64_t offset);
/* A command was read, at an offset that rc_publisher_may_have. */
void rc_publisher_command_read(rc_publisher_t *publisher, int32_t partition, int64_t offset);
/* What finishes `leader` finishes this one too: the run of one command answers both. Until that has happened it may
 * join another one. */
void rc_publisher_command_joins(rc_publisher_t *publisher, int32_t partition, int64_t offset, int64_t leader);
/* It needs no transaction of its own (expired, not for us): the next transaction of the partition commits it. One
 * below 0 was not read from Kafka, and is fine. */
void rc_publisher_command_finished(rc_publisher_t *publisher, int32_t partition, int64_t offset);

/* --- transactions --- */

typedef struct {
    const rc_kafka_record_t *records;
    size_t count;
    int32_t command_partition;
    int64_t command_offset; /* of the command that this finishes; -1: none */
    const rc_kafka_group_t *group;
} rc_transaction_t;

typedef struct {
    rc_kafka_offset_t *items; /* the last offset of each partition; free */
    size_t count;
} rc_published_t;

/* Writes one transaction. *cancelled is looked at before it begins: one that has begun is brought to its end, because
 * an open one would hold up every reader (rc_publisher_give_up ends that too). *published is filled on RC_OK. Otherwise
 * nothing of it is visible, except after *unknown: then only what the topics show tells.
 *   RC_OWNERSHIP            the group has moved on: the work is somebody else's now.
 *   RC_CANCELLED
 *   RC_FENCED, RC_FATAL     twice within a minute by the same instance name: stop the process.
 *   others, RC_RETRY        the brokers' trouble; the step failed and can be tried again from the start. */
rc_code_t rc_publisher_write(rc_publisher_t *publisher, const rc_transaction_t *transaction,
                             const atomic_bool *cancelled, rc_published_t *published, bool *unknown, rc_error_t *error);

#endif
