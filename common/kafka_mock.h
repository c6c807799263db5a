/* librdkafka's mock cluster, for the sandbox and for tests: real TCP on 127.0.0.1, also for other processes. What it
 * cannot do is in the design, "The embedded broker". Any thread, one at a time. */
#ifndef RC_COMMON_KAFKA_MOCK_H
#define RC_COMMON_KAFKA_MOCK_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

typedef struct rc_kafka_mock rc_kafka_mock_t;

/* Starts it on free ports. Returns new (free with rc_kafka_mock_free). */
rc_code_t rc_kafka_mock_new(int brokers, rc_kafka_mock_t **mock, rc_error_t *error);
void rc_kafka_mock_free(rc_kafka_mock_t *mock); /* NULL is fine */

/* "127.0.0.1:4711,…". Borrows. */
const char *rc_kafka_mock_bootstrap(const rc_kafka_mock_t *mock);

/* Unknown topics come into being with 4 partitions when somebody asks for them: create all before the address is known
 * to anybody. */
rc_code_t rc_kafka_mock_create_topic(rc_kafka_mock_t *mock, const char *name, int partitions, rc_error_t *error);
/* The same for many at once: the cluster's thread sleeps up to a quarter of a second before it creates one, and creates
 * all that wait then. */
rc_code_t rc_kafka_mock_create_topics(rc_kafka_mock_t *mock, const char *const *names, size_t count, int partitions,
                                      rc_error_t *error);

#endif
