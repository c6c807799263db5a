#include "common/health.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/mem.h"

enum {
    MAX_BODY_BYTES = 64 * 1024, /* anybody may send one: 1,000 connections hold 64 MiB */
    METRICS_MAX_BYTES = 16 * 1024 * 1024,
    THREADS = 4,
    OWN_ROUTES = 3,
    WHY_BYTES = 256
};

struct rc_health {
    rc_httpd_t *httpd;
    rc_metrics_t *metrics;
    bool (*ready)(void *opaque, char *why, size_t why_bytes);
    void *opaque;
};

static void healthz(const rc_httpd_request_t *request, rc_httpd_reply_t *reply, void *arg)
{
    (void)request, (void)arg;
    rc_httpd_reply_text(reply, 200, "ok\n");
}

static void readyz(const rc_httpd_request_t *request, rc_httpd_reply_t *reply, void *arg)
{
    (void)request;
    rc_health_t *health = arg;
    char why[WHY_BYTES] = "";
    bool ready = health->ready(health->opaque, why, sizeof why);
    rc_series_set(rc_metrics_series(health->metrics, RC_METRIC_READY, NULL, NULL, NULL), ready);
    char *text = ready ? rc_strdup("ready\n") : rc_sprintf("not ready: %s\n", why);
    rc_httpd_reply_text(reply, ready ? 200 : 503, text);
    free(text);
}

static void metrics(const rc_httpd_request_t *request, rc_httpd_reply_t *reply, void *arg)
{
    (void)request;
    rc_health_t *health = arg;
    char why[WHY_BYTES];
    rc_series_set(rc_metrics_series(health->metrics, RC_METRIC_READY, NULL, NULL, NULL),
                  health->ready(health->opaque, why, sizeof why));
    reply->status = 200;
    reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
    reply->body = RC_BUF_INIT(METRICS_MAX_BYTES);
    rc_metrics_render(health->metrics, &reply->body);
}

rc_code_t rc_health_new(const rc_health_options_t *options, rc_health_t **result, rc_error_t *error)
{
    rc_health_t *health = rc_zalloc(sizeof *health);
    *health = (rc_health_t){.metrics = options->metrics, .ready = options->ready, .opaque = options->opaque};
    const rc_httpd_route_t own[OWN_ROUTES] = {
        {"GET", "/healthz", healthz, health}, {"GET", "/readyz", readyz, health}, {"GET", "/metrics", metrics, health}};
    rc_httpd_route_t *routes = rc_calloc(OWN_ROUTES + options->route_count, sizeof *routes);
    for (size_t i = 0; i < OWN_ROUTES; i++) routes[i] = own[i];
    for (size_t i = 0; i < options->route_count; i++) routes[OWN_ROUTES + i] = options->routes[i];
    char listen[RC_LISTEN_STR_SIZE];
    const rc_httpd_options_t httpd = {.listen = rc_listen_str(options->listen, listen),
                                      .routes = routes,
                                      .route_count = OWN_ROUTES + options->route_count,
                                      .max_body_bytes = MAX_BODY_BYTES,
                                      .threads = THREADS};
    rc_code_t code = rc_httpd_new(&httpd, &health->httpd, error);
    free(routes);
    if (code != RC_OK) {
        rc_health_free(health);
        return code;
    }
    rc_log(RC_LEVEL_INFO, "listening", RC_LOG_STR(ADDRESS, rc_httpd_address(health->httpd)));
    *result = health;
    return RC_OK;
}

void rc_health_free(rc_health_t *health)
{
    if (!health) return;
    rc_httpd_free(health->httpd);
    free(health);
}

const char *rc_health_address(const rc_health_t *health)
{
    return rc_httpd_address(health->httpd);
}
