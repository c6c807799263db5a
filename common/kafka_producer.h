/* The plain idempotent producer, for the few records that stand outside transactions (webhook commands, schemas).
 * Any thread; calls of several threads run side by side. */
#ifndef RC_COMMON_KAFKA_PRODUCER_H
#define RC_COMMON_KAFKA_PRODUCER_H

#include "common/kafka.h"

typedef struct rc_kafka_producer rc_kafka_producer_t;

typedef struct {
    rc_code_t code; /* RC_OK: Kafka has it, on all replicas that are in step */
    int32_t partition;
    int64_t offset;
} rc_kafka_delivery_t;

/* Returns new (close with rc_kafka_producer_close). No broker is asked. */
rc_code_t rc_kafka_producer_open(const rc_kafka_t *kafka, rc_kafka_producer_t **producer, rc_error_t *error);
/* No call may be under way. What is still queued is given up. NULL is fine. */
void rc_kafka_producer_close(rc_kafka_producer_t *producer);

/* Produces the records and waits until each has its answer or the time is over. RC_OK: Kafka has all. Otherwise the
 * first failure; deliveries[i] (may be NULL) tells which. After RC_TIMEOUT a record may still arrive. RC_FATAL: open a
 * new producer. */
rc_code_t rc_kafka_producer_send(rc_kafka_producer_t *producer, const rc_kafka_record_t *records, size_t count,
                                 int64_t timeout_ms, rc_kafka_delivery_t *deliveries, rc_error_t *error);

#endif
