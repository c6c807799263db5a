/* A producer process: topics, schemas, local views, the publisher and the owner, brought up in order and taken down
 * again. `run` keeps it until a signal, `once` until every integration was polled. The main thread. */
#ifndef RC_PRODUCER_SERVICE_H
#define RC_PRODUCER_SERVICE_H

#include "common/enroll.h"
#include "common/health.h"
#include "producer/service/owner.h"

typedef struct {
    const rc_config_t *config;
    rc_kafka_t *kafka;
    rc_metrics_t *metrics;
    rc_enrolment_t enrolment;
    rc_views_t *views;
    rc_publisher_t *publisher;
    rc_notify_t *notify;
    rc_owner_t *owner;
    rc_worker_context_t context;
    atomic_bool *stop;                 /* set by signals, and by us when the process has to end */
    _Atomic(rc_views_t *) shown_views; /* for /readyz: NULL until they are there */
    _Atomic(rc_owner_t *) shown_owner;
    atomic_bool failed;
} rc_service_t;

/* Brings it up to the views; config and stop are borrowed. RC_CONFLICT: another process of this instance runs. On
 * failure call rc_service_fini all the same. */
rc_code_t rc_service_init(rc_service_t *service, const rc_config_t *config, atomic_bool *stop, rc_error_t *error);
/* Joins the group. `once` may be NULL. */
void rc_service_start(rc_service_t *service, const rc_once_t *once);
void rc_service_fini(rc_service_t *service);

/* For rc_health_options_t; opaque is the service, from before rc_service_init on. */
bool rc_service_is_ready(void *opaque, char *why, size_t why_bytes);

#endif
