/* The real broker of the integration tests, and settings for it. Call inside a test or a checked fixture: Kafka handles
 * do not survive Check's fork. */
#ifndef RC_TESTS_SUPPORT_CLUSTER_H
#define RC_TESTS_SUPPORT_CLUSTER_H

#include <check.h>

#include "common/kafka.h"
#include "common/kafka_admin.h"

enum { RC_CLUSTER_PARTITIONS = 3 };

/* Asserts that a call succeeds whose last argument is &rc_oops. */
extern rc_error_t rc_oops;
#define OK(call) ck_assert_msg((call) == RC_OK, "%s: %s", #call, rc_oops.message)

/* Whether RC_TEST_KAFKA names a broker; says on standard error that it does not. A program then ends with
 * RC_CLUSTER_ABSENT. */
bool rc_cluster_is_there(void);
enum { RC_CLUSTER_ABSENT = 77 };

typedef struct {
    rc_config_t config;
    rc_config_property_t properties[8];
    char prefix[48]; /* of this test's own topics */
    rc_kafka_t *kafka;
    rc_kafka_admin_t *admin;
} rc_cluster_t;

/* Settings for RC_TEST_KAFKA, or for `bootstrap` when it is not NULL. `session` becomes session.timeout.ms (NULL:
 * 6000). Aborts the test when something fails. */
void rc_cluster_open(rc_cluster_t *cluster, const char *bootstrap, const char *session_timeout_ms);
void rc_cluster_close(rc_cluster_t *cluster);

/* "<prefix>name", created with RC_CLUSTER_PARTITIONS partitions. Returns new (free). */
char *rc_cluster_topic(rc_cluster_t *cluster, const char *name, bool compact);

#endif
