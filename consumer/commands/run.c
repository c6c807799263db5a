#include <stdio.h>

#include "common/enroll.h"
#include "common/health.h"
#include "common/log.h"
#include "common/signals.h"
#include "common/topics.h"
#include "consumer/commands/commands.h"
#include "consumer/engine/engine.h"

/* What `run` holds, in the order in which it comes up. */
typedef struct {
    rc_config_t *config;
    rc_kafka_t *kafka;
    rc_metrics_t *metrics;
    rc_notify_t *notify;
    rc_loop_t *loop;
    rc_health_t *health;
    rc_enrolment_t enrolment;
    rc_engine_t *engine;
    rc_loop_timer_t *ready_timer;
    atomic_bool cancelled; /* waiting at start ends */
    atomic_bool ready;     /* for the server's threads, and the next */
    atomic_bool follows;   /* the local tables do */
    bool failed;
} service_t;

enum {
    READY_INTERVAL_MS = 200,
    CLOSE_MS = 10000 /* for all that comes when the work has ended, or was given up (consumer/engine/engine.h) */
};

static bool is_ready(void *opaque, char *why, size_t why_bytes)
{
    service_t *service = opaque;
    if (atomic_load(&service->ready)) return true;
    (void)snprintf(why, why_bytes, "%s",
                   atomic_load(&service->follows)
                       ? "waiting for topics, partitions and local tables"
                       : "the local tables cannot be written; is the disk of state_dir full?");
    return false;
}

static void stopped(void *opaque, bool failed)
{
    service_t *service = opaque;
    service->failed = failed;
    rc_loop_stop(service->loop);
}

static void note_ready(void *opaque)
{
    service_t *service = opaque;
    bool follows = rc_engine_follows(service->engine);
    bool ready = follows && rc_engine_is_ready(service->engine);
    atomic_store(&service->follows, follows);
    if (atomic_exchange(&service->ready, ready) != ready)
        rc_log(RC_LEVEL_INFO, ready ? "ready" : "not ready", RC_LOG_STR(GROUP, service->config->consumer.application));
}

static void stop(void *opaque)
{
    service_t *service = opaque;
    atomic_store(&service->ready, false);
    rc_engine_stop(service->engine);
}

/* The signals' thread. */
static void on_signal(void *opaque, int signal_number)
{
    service_t *service = opaque;
    rc_log(RC_LEVEL_INFO, "stopping", RC_LOG_INT(SIGNAL, signal_number));
    rc_loop_post(service->loop, stop, service);
}

static rc_code_t start(service_t *service, const rc_args_t *args, rc_error_t *error)
{
    service->metrics = rc_metrics_new(RC_METRICS_CONSUMER);
    service->notify = rc_notify_new(service->config, service->metrics);
    const rc_health_options_t health = {
        .listen = &service->config->consumer.listen, .metrics = service->metrics, .ready = is_ready, .opaque = service};
    rc_code_t code = rc_kafka_new(service->config, "rollcall-consumer", &service->kafka, error);
    if (code == RC_OK) code = rc_health_new(&health, &service->health, error);
    if (code == RC_OK) code = rc_topics_await(service->kafka, &service->cancelled, error);
    if (code == RC_OK) code = rc_enrol_writer(service->kafka, &service->cancelled, &service->enrolment, error);
    if (code != RC_OK) return code;
    service->loop = rc_loop_new();
    const rc_engine_options_t engine = {.kafka = service->kafka,
                                        .codec = service->enrolment.codec,
                                        .registry = service->enrolment.registry,
                                        .metrics = service->metrics,
                                        .notify = service->notify,
                                        .loop = service->loop,
                                        .events = args->events,
                                        .stopped = stopped,
                                        .opaque = service};
    code = rc_engine_new(&engine, &service->engine, error);
    if (code != RC_OK) return code;
    service->ready_timer = rc_loop_timer_new(service->loop, note_ready, service);
    rc_loop_timer_start(service->ready_timer, READY_INTERVAL_MS, READY_INTERVAL_MS);
    return RC_OK;
}

static void finish(service_t *service)
{
    rc_health_free(service->health);
    rc_loop_timer_free(service->ready_timer);
    if (service->engine) rc_engine_close(service->engine);
    rc_loop_free(service->loop);
    rc_engine_free(service->engine);
    rc_notify_free(service->notify);
    rc_enrolment_fini(&service->enrolment);
    rc_kafka_free(service->kafka);
    rc_metrics_free(service->metrics);
    rc_config_free(service->config);
}

rc_exit_t rc_consumer_run(const rc_args_t *args)
{
    service_t service = {.follows = true};
    rc_error_t error = RC_ERROR_INIT;
    rc_exit_t code = rc_cli_config(args, &service.config);
    if (code != RC_EXIT_DONE) return code;
    rc_signals_open(&service.cancelled);
    rc_signals_set_bound(service.config->consumer.drain_timeout_ms + CLOSE_MS);
    if (start(&service, args, &error) == RC_OK) {
        rc_signals_tell(on_signal, &service);
        if (!atomic_load(&service.cancelled)) rc_loop_run(service.loop);
        rc_signals_tell(NULL, NULL);
        code = service.failed ? RC_EXIT_FAILED : RC_EXIT_DONE;
        rc_log(RC_LEVEL_INFO, "stopped", RC_LOG_BOOL(RESULT, !service.failed));
    } else if (error.code == RC_CANCELLED) {
        rc_log(RC_LEVEL_INFO, "stopped before it was ready", RC_LOG_ERR(&error));
    } else {
        rc_log(RC_LEVEL_ERROR, "cannot start", RC_LOG_ERR(&error));
        code = error.code == RC_CONFIG ? RC_EXIT_USAGE : RC_EXIT_FAILED;
    }
    rc_signals_end_within(CLOSE_MS);
    finish(&service);
    rc_signals_close();
    return code;
}
