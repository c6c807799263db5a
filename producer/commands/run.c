#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/signals.h"
#include "producer/commands/commands.h"
#include "producer/page/page.h"
#include "producer/service/service.h"
#include "producer/service/webhook.h"

/* New (free). */
static rc_httpd_route_t *all_routes(const rc_page_t *page, rc_webhook_t *webhook, size_t *count)
{
    const rc_httpd_route_t *shown = rc_page_routes(page, count);
    rc_httpd_route_t *routes = rc_calloc(*count + 1, sizeof *routes);
    memcpy(routes, shown, *count * sizeof *routes);
    routes[(*count)++] = rc_webhook_route(webhook);
    return routes;
}

rc_exit_t rc_producer_run(const rc_args_t *args)
{
    rc_config_t *config;
    rc_exit_t code = rc_cli_config(args, &config);
    if (code != RC_EXIT_DONE) return code;
    bool ran = false;
    atomic_bool stop = false;
    rc_error_t error = RC_ERROR_INIT;
    rc_health_t *health = NULL;
    rc_service_t service = {.metrics = rc_metrics_new(RC_METRICS_PRODUCER)};
    rc_webhook_t *webhook = rc_webhook_new(config, service.metrics);
    rc_page_t *page = rc_page_new(config);
    size_t route_count;
    rc_httpd_route_t *routes = all_routes(page, webhook, &route_count);
    const rc_health_options_t options = {.listen = &config->producer.listen,
                                         .metrics = service.metrics,
                                         .ready = rc_service_is_ready,
                                         .opaque = &service,
                                         .routes = routes,
                                         .route_count = route_count};
    rc_signals_open(&stop);
    if (rc_health_new(&options, &health, &error) == RC_OK &&
        rc_service_init(&service, config, &stop, &error) == RC_OK &&
        rc_page_open(page, service.kafka, service.enrolment.codec, service.views, &error) == RC_OK) {
        rc_webhook_open(webhook, service.kafka, service.enrolment.codec);
        rc_service_start(&service, NULL);
        ran = true;
        int signal_number = rc_signals_wait();
        rc_log(RC_LEVEL_INFO, "stopping", RC_LOG_INT(SIGNAL, signal_number));
        code = atomic_load(&service.failed) ? RC_EXIT_FAILED : RC_EXIT_DONE;
    } else if (error.code == RC_CANCELLED) {
        rc_log(RC_LEVEL_INFO, "stopped before it was ready", RC_LOG_ERR(&error));
    } else {
        rc_log(RC_LEVEL_ERROR, "cannot start", RC_LOG_ERR(&error));
        code = error.code == RC_CONFIG ? RC_EXIT_USAGE : RC_EXIT_FAILED;
    }
    rc_signals_end_within(RC_SIGNALS_END_MS);
    rc_webhook_close(webhook); /* who waits for Kafka is answered, before the server ends */
    rc_health_free(health);
    free(routes);
    rc_webhook_free(webhook);
    rc_page_free(page);
    rc_service_fini(&service); /* transactions under way end here */
    if (ran) rc_log(RC_LEVEL_INFO, "stopped", RC_LOG_BOOL(RESULT, code == RC_EXIT_DONE));
    rc_signals_close();
    rc_config_free(config);
    return code;
}
