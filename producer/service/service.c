#include "producer/service/service.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/topics.h"

static void fatal(void *opaque, const rc_error_t *error)
{
    rc_service_t *service = opaque;
    rc_log(RC_LEVEL_ERROR, "the process cannot go on", RC_LOG_ERR(error));
    atomic_store(&service->failed, true);
    atomic_store(service->stop, true);
}

rc_code_t rc_service_init(rc_service_t *service, const rc_config_t *config, atomic_bool *stop, rc_error_t *error)
{
    service->config = config;
    service->stop = stop;
    if (!service->metrics) service->metrics = rc_metrics_new(RC_METRICS_PRODUCER);
    rc_code_t code = rc_kafka_new(config, "rollcall-producer", &service->kafka, error);
    if (code == RC_OK) code = rc_topics_await(service->kafka, stop, error);
    if (code == RC_OK) code = rc_enrol_writer(service->kafka, stop, &service->enrolment, error);
    if (code == RC_OK)
        code = rc_views_new(service->kafka, &service->enrolment, service->metrics, &service->views, error);
    if (code != RC_OK) return code;
    atomic_store(&service->shown_views, service->views);
    service->publisher = rc_publisher_new(service->kafka, service->metrics);
    service->notify = rc_notify_new(config, service->metrics);
    service->context = (rc_worker_context_t){
        .config = config,
        .codec = service->enrolment.codec,
        .metrics = service->metrics,
        .views = service->views,
        .publisher = service->publisher,
        .notify = service->notify,
        .stage_directory = rc_store_directory(config->state_dir, config->instance, "rollcall-producer"),
        .fatal = fatal,
        .opaque = service};
    return RC_OK;
}

void rc_service_start(rc_service_t *service, const rc_once_t *once)
{
    service->owner = rc_owner_new(service->kafka, &service->context, once);
    atomic_store(&service->shown_owner, service->owner);
}

void rc_service_fini(rc_service_t *service)
{
    rc_owner_free(service->owner);
    rc_notify_free(service->notify); /* what the last polls began */
    rc_publisher_free(service->publisher);
    rc_views_free(service->views);
    rc_enrolment_fini(&service->enrolment);
    rc_kafka_free(service->kafka);
    rc_metrics_free(service->metrics);
    free(service->context.stage_directory);
}

bool rc_service_is_ready(void *opaque, char *why, size_t why_bytes)
{
    rc_service_t *service = opaque;
    rc_views_t *views = atomic_load(&service->shown_views);
    rc_owner_t *owner = atomic_load(&service->shown_owner);
    if (!views) {
        (void)snprintf(why, why_bytes, "waiting for topics and schemas");
        return false;
    }
    if (!rc_views_are_ready(views, why, why_bytes)) return false;
    if (owner && rc_owner_is_ready(owner)) return true;
    (void)snprintf(why, why_bytes, "waiting for partitions");
    return false;
}
