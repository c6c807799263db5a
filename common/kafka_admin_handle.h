/* The inside of rc_kafka_admin_t, and how its questions wait. Private to common/kafka_admin*.c. */
#ifndef RC_COMMON_KAFKA_ADMIN_HANDLE_H
#define RC_COMMON_KAFKA_ADMIN_HANDLE_H

#include "common/kafka_admin.h"
#include "common/kafka_handle.h"

struct rc_kafka_admin {
    rc_kafka_handle_t handle;
};

enum { RC_KAFKA_ADMIN_GRACE_MS = 1000 }; /* librdkafka's own time-out answers first */

/* Returns new. */
rd_kafka_AdminOptions_t *rc_kafka_admin_options(rc_kafka_admin_t *admin, rd_kafka_admin_op_t op, int64_t timeout_ms);

/* Waits for the answer to a question that was asked with `queue` and `options`; takes both. Returns new in *answer
 * (rd_kafka_event_destroy). */
rc_code_t rc_kafka_admin_wait(rc_kafka_admin_t *admin, rd_kafka_queue_t *queue, rd_kafka_AdminOptions_t *options,
                              int64_t timeout_ms, const char *what, rd_kafka_event_t **answer, rc_error_t *error);

#endif
