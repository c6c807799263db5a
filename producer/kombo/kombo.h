/* Kombo's HRIS API as the producer reads it (docs/kombo.md, kombo-hris.openapi.json): lists of employees, groups and
 * locations, page by page, one record at a time, nothing held but the record at hand. Blocking: a client belongs to one
 * worker thread at a time.
 *
 * Errors of a fetch: RC_CONNECT, RC_TIMEOUT, RC_INTERRUPTED, RC_TOO_LARGE and RC_CANCELLED as common/http.h says;
 * RC_MALFORMED when a page is not what Kombo describes (the message names path and employee); RC_HTTP for what Kombo
 * asks to try again later; RC_NEEDS_CUSTOMER and RC_MISCONFIGURED with a sentence on what to do; RC_CURSOR_EXPIRED when
 * the listing must be started again. A fetch that did not return RC_OK is incomplete: nobody is missing. */
#ifndef RC_PRODUCER_KOMBO_H
#define RC_PRODUCER_KOMBO_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/config.h"
#include "common/domain.h"
#include "common/error.h"
#include "common/http.h"
#include "common/metrics.h"
#include "common/time.h"

/* ---- Records. All strings are trimmed UTF-8; NULL: null, absent or empty. They live in the callback only. ---- */

typedef struct {
    const char *id; /* never NULL */
    const char *name;
    rc_group_type_t type; /* RC_GROUP_OTHER: null or a type that Kombo does not describe */
    bool deleted;         /* remote_deleted_at is set; always false inside an employee */
} rc_kombo_group_t;

typedef struct {
    const char *id; /* never NULL */
    const char *name;
    bool deleted;
} rc_kombo_location_t;

typedef struct {
    const char *id;                /* never NULL */
    bool deleted;                  /* remote_deleted_at is set: the other fields prove nothing (Kombo empties them) */
    const char *employment_status; /* "ACTIVE" …, or whatever the HR system says */
    const char *employment_type;
    const char *start_date; /* as Kombo writes it; rc_date_parse reads it */
    const char *termination_date;
    rc_ref_t legal_entity;
    rc_ref_t work_location;
    rc_kombo_group_t *groups; /* in Kombo's order; `teams` where a record has no `groups` */
    size_t group_count;
    const char **values; /* one for each path of the rc_kombo_fields_t, in its order */
} rc_kombo_employee_t;

/* ---- What is wanted of an employee beside the above ---- */

typedef struct rc_kombo_fields rc_kombo_fields_t;

/* Compiles the sources of a mapping: "work_email", "manager.work_email", "work_location.name",
 * "custom_fields.KEY", "integration_fields.KEY" (KEY is taken as it is, dots included; one path may stand several
 * times). A text or a number where Kombo describes one; in custom_fields and integration_fields (whose values may be
 * anything) numbers and booleans as JSON writes them, objects and arrays as absent. RC_CONFIG for a path that Kombo
 * does not describe or that a learning platform may not know (bank accounts, tax id, salary …).
 * Immutable: any number of threads may share it. Returns new (rc_kombo_fields_free). */
rc_code_t rc_kombo_fields_new(const char *const *paths, size_t count, rc_kombo_fields_t **fields, rc_error_t *error);
void rc_kombo_fields_free(rc_kombo_fields_t *fields); /* NULL is fine */

/* ---- The client of one integration ---- */

typedef struct {
    const char *base_url; /* without a slash at its end: https://api.kombo.dev/v1 */
    const char *api_key;
    const char *integration_id;
    int page_size;                   /* 1 to 250 */
    int64_t timeout_ms;              /* of one page */
    size_t max_page_bytes;           /* producer.max_page_size */
    rc_http_options_t http;          /* http_proxy, ca_file */
    const rc_kombo_fields_t *fields; /* borrows */
    rc_metrics_t *metrics;           /* of the producer; borrows; NULL: none */
} rc_kombo_options_t;

typedef struct rc_kombo rc_kombo_t;

/* Copies the strings. Returns new (free with rc_kombo_free). */
rc_kombo_t *rc_kombo_new(const rc_kombo_options_t *options);
/* The same from the configuration, with the fields that its mapping names; `metrics` may be NULL. Returns new twice:
 * the client, and in *fields (rc_kombo_fields_free, after the client) what it reads. */
rc_kombo_t *rc_kombo_open(const rc_config_t *config, const rc_integration_t *integration, int64_t timeout_ms,
                          rc_metrics_t *metrics, rc_kombo_fields_t **fields);
void rc_kombo_free(rc_kombo_t *kombo); /* NULL is fine */

typedef struct {
    rc_wall_t updated_after; /* 0: everything */
    bool include_deleted;
    const char *const *ids; /* with id_count > 0: these alone, in requests of at most 100 */
    size_t id_count;
} rc_kombo_query_t;

typedef struct {
    size_t records;
    size_t pages;
    rc_wall_t started_at;  /* Kombo's clock (Date of the first page); ours from before the request, if it did not say */
    rc_wall_t said_at;     /* that clock, believed or not; 0: it did not say */
    rc_mono_t asked_at;    /* the same moment */
    size_t bytes;          /* of all pages */
    size_t ignored_values; /* objects and arrays where a mapped custom or integration field was wanted */
} rc_kombo_result_t;

/* Takes a record. What it returns other than RC_OK ends the fetch with that error (fill *error). */
typedef rc_code_t rc_kombo_employee_fn(void *opaque, const rc_kombo_employee_t *employee, rc_error_t *error);
typedef rc_code_t rc_kombo_group_fn(void *opaque, const rc_kombo_group_t *group, rc_error_t *error);
typedef rc_code_t rc_kombo_location_fn(void *opaque, const rc_kombo_location_t *location, rc_error_t *error);

/* Fetch a whole list. Each page is tried once (where nothing was sent, up to twice more at once); waiting and trying
 * again is the caller's. `cancelled` (may be NULL) ends the fetch within a tenth of a second with RC_CANCELLED. */
rc_code_t rc_kombo_fetch_employees(rc_kombo_t *kombo, const rc_kombo_query_t *query, rc_kombo_employee_fn *fn,
                                   void *opaque, const atomic_bool *cancelled, rc_kombo_result_t *result,
                                   rc_error_t *error);
rc_code_t rc_kombo_fetch_groups(rc_kombo_t *kombo, const rc_kombo_query_t *query, rc_kombo_group_fn *fn, void *opaque,
                                const atomic_bool *cancelled, rc_kombo_result_t *result, rc_error_t *error);
rc_code_t rc_kombo_fetch_locations(rc_kombo_t *kombo, const rc_kombo_query_t *query, rc_kombo_location_fn *fn,
                                   void *opaque, const atomic_bool *cancelled, rc_kombo_result_t *result,
                                   rc_error_t *error);

/* What `check` prints about an integration that can be read. */
typedef struct {
    char organization[128]; /* the customer, as Kombo knows them */
    char tool[64];          /* "Personio" */
    char text[256];         /* one sentence */
} rc_kombo_health_t;

/* Whether the key works (GET /check-api-key), the integration is in order (GET /integrations/{id}: category, status,
 * set-up, the models that we read) and an employee can be read. Errors as above, each with what is wrong and who mends
 * it how; *error is not NULL. */
rc_code_t rc_kombo_check(rc_kombo_t *kombo, const atomic_bool *cancelled, rc_kombo_health_t *health, rc_error_t *error);

#endif
