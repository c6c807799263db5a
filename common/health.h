/* The HTTP port of a service: /healthz (the process lives), /readyz (it can do its work), /metrics, and what the
 * program adds. Health is asked on the server's threads. */
#ifndef RC_COMMON_HEALTH_H
#define RC_COMMON_HEALTH_H

#include <stdbool.h>

#include "common/config.h"
#include "common/httpd.h"
#include "common/metrics.h"

typedef struct rc_health rc_health_t;

typedef struct {
    const rc_listen_t *listen;
    rc_metrics_t *metrics;
    /* Whether the service is ready; else why not, in words, into `why`. On several threads at a time. */
    bool (*ready)(void *opaque, char *why, size_t why_bytes);
    void *opaque;
    const rc_httpd_route_t *routes; /* beside the three; NULL: none */
    size_t route_count;
} rc_health_options_t;

/* Listens and logs the address. Borrows metrics and what the callback needs. Returns new (free with rc_health_free).
 * RC_IO when the address cannot be listened on. */
rc_code_t rc_health_new(const rc_health_options_t *options, rc_health_t **health, rc_error_t *error);
void rc_health_free(rc_health_t *health); /* NULL is fine */

/* "127.0.0.1:8080", with the real port. Borrows. */
const char *rc_health_address(const rc_health_t *health);

#endif
