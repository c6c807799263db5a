/* The sandbox's Kafka: librdkafka's mock cluster with all of Rollcall's topics. What it cannot do is in
 * tests/sandbox/README.md. The main thread. */
#ifndef RC_TESTS_SANDBOX_BROKER_H
#define RC_TESTS_SANDBOX_BROKER_H

#include "common/json.h"

typedef struct sb_broker sb_broker_t;

typedef struct {
    const char *topic_prefix, *application;
    const char *retry_delays; /* "30s,5m,1h" */
    int partitions;
} sb_broker_options_t;

/* Starts the cluster and creates every topic: only then may its address be told, for what is unknown comes into being
 * with another number of partitions. Returns new (free with sb_broker_free). */
rc_code_t sb_broker_new(const sb_broker_options_t *options, sb_broker_t **broker, rc_error_t *error);
void sb_broker_free(sb_broker_t *broker); /* NULL is fine */

/* {"bootstrap", "topic_prefix", "partitions", "topics"}. Returns new. */
json_t *sb_broker_describe(const sb_broker_t *broker);

#endif
