/* A member of a consumer group: read_committed, range assignor, static membership, offsets committed by transactions
 * only (common/kafka_txn.h). One thread polls and answers; rc_kafka_consumer_group and rc_kafka_consumer_committed are
 * for any thread.
 *
 * For a foreign loop: watch rc_kafka_consumer_fd for reading, and when it is readable poll with a time of 0 until
 * RC_KAFKA_NONE (or come back by yourself: the descriptor only speaks when the queue stops being empty). For a thread:
 * poll with a time. A member that does not poll for max.poll.interval.ms loses its partitions; it may poll with all
 * partitions paused. */
#ifndef RC_COMMON_KAFKA_CONSUMER_H
#define RC_COMMON_KAFKA_CONSUMER_H

#include "common/kafka.h"
#include "common/kafka_txn.h"

typedef struct rc_kafka_consumer rc_kafka_consumer_t;

/* Joins nothing yet. `group_instance_id` makes the membership static: who returns within the session time-out gets the
 * same partitions without a rebalance. Returns new (close with rc_kafka_consumer_close). */
rc_code_t rc_kafka_consumer_open(const rc_kafka_t *kafka, const char *group_id, const char *group_instance_id,
                                 rc_kafka_consumer_t **consumer, rc_error_t *error);
/* Gives the partitions up without leaving the group (a static member keeps its place until the session is over).
 * Every event must have been released. NULL is fine. */
void rc_kafka_consumer_close(rc_kafka_consumer_t *consumer);

/* All topics must exist (common/topics.h): the range assignor gives partition n of each to one member only when
 * everybody knows all topics. */
rc_code_t rc_kafka_consumer_subscribe(rc_kafka_consumer_t *consumer, const char *const *topics, size_t count,
                                      rc_error_t *error);

/* Readable when there is something to poll. Owned by the consumer. */
int rc_kafka_consumer_fd(rc_kafka_consumer_t *consumer);

/* The next event, waiting up to timeout_ms (0: not at all). RC_OK with kind RC_KAFKA_NONE: there was none. RC_RETRY: a
 * disturbance that librdkafka mends by itself (already logged): go on. RC_FATAL: close and open anew (RC_FENCED:
 * another process uses the same group_instance_id). */
rc_code_t rc_kafka_consumer_poll(rc_kafka_consumer_t *consumer, int64_t timeout_ms, rc_kafka_event_t *event,
                                 rc_error_t *error);

/* Answers ASSIGN: starts reading `partitions`, each at its offset, RC_OFFSET_NONE at the committed one (the beginning
 * when nothing is committed). May be given fewer than ASSIGN listed. */
rc_code_t rc_kafka_consumer_assign(rc_kafka_consumer_t *consumer, const rc_kafka_offset_t *partitions, size_t count,
                                   rc_error_t *error);
/* Answers REVOKE: gives everything up, pauses too. Until then the old generation may still commit, unless lost. */
rc_code_t rc_kafka_consumer_unassign(rc_kafka_consumer_t *consumer, rc_error_t *error);

/* Pausing drops what was fetched and not yet polled; resuming goes on behind the last polled record: no gap, no
 * duplicate. Only assigned partitions. */
rc_code_t rc_kafka_consumer_pause(rc_kafka_consumer_t *consumer, const rc_kafka_offset_t *partitions, size_t count,
                                  rc_error_t *error);
rc_code_t rc_kafka_consumer_resume(rc_kafka_consumer_t *consumer, const rc_kafka_offset_t *partitions, size_t count,
                                   rc_error_t *error);

/* Fills in the group's committed offsets (RC_OFFSET_NONE: none). Waits as long as a transaction with offsets of theirs
 * is open, a predecessor's included; timeout_ms < 0: without end. */
rc_code_t rc_kafka_consumer_committed(rc_kafka_consumer_t *consumer, rc_kafka_offset_t *partitions, size_t count,
                                      int64_t timeout_ms, const atomic_bool *cancelled, rc_error_t *error);

/* The membership as it is now. Before the first assignment it has no generation and fences nothing: capture it while
 * partitions are assigned. Returns new (free with rc_kafka_group_free). */
rc_kafka_group_t *rc_kafka_consumer_group(rc_kafka_consumer_t *consumer);

#endif
