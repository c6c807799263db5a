/* The sandbox as a whole: its clock, its integrations, its faults, and the server that shows them. Any thread; what an
 * integration holds is covered by its two locks, one a side. */
#ifndef RC_TESTS_SANDBOX_SANDBOX_H
#define RC_TESTS_SANDBOX_SANDBOX_H

#include <pthread.h>
#include <stdatomic.h>

#include "common/httpd.h"
#include "common/time.h"
#include "tests/sandbox/faults.h"
#include "tests/sandbox/hr.h"
#include "tests/sandbox/learnamp_store.h"
#include "tests/sandbox/learnamp_token.h"
#include "tests/sandbox/requests.h"

enum { SB_KEY_SIZE = 48, SB_NAME_SIZE = 96 };

/* What Kombo says about an integration beside its data. */
typedef struct {
    char status[24];            /* ACTIVE, INVALID, INACTIVE */
    char setup_status[24];      /* INCOMPLETE, FINAL_SYNC_PENDING, COMPLETED */
    int64_t cursor_ttl_ms;      /* 0: cursors stay good */
    uint64_t cursor_generation; /* those of an earlier one are refused */
    char unsupported[256];      /* filters that the tool does not support, separated by commas */
    uint64_t listings;          /* so far: varies what differs from one fetch to the next while nothing changed */
} sb_kombo_state_t;

typedef struct sb_integration {
    char id[SB_NAME_SIZE]; /* "personio:…" */
    const char *slug;      /* what stands behind the colon */
    char tool[32];
    char webhook_secret[SB_KEY_SIZE], client_id[SB_KEY_SIZE], client_secret[SB_KEY_SIZE];
    pthread_mutex_t hr_lock; /* of hr and kombo */
    sb_hr_t *hr;
    sb_kombo_state_t kombo;
    pthread_mutex_t learnamp_lock; /* of store, tokens and the rate limit */
    sb_store_t *store;
    sb_tokens_t *tokens;
    long rate_limit_per_s; /* Learn Amp's limit of requests; 0: none */
    int64_t rate_second;
    long rate_used; /* in that second */
    sb_requests_t *requests[SB_SIDE_COUNT];
    atomic_llong latency_ms[SB_SIDE_COUNT];
} sb_integration_t;

typedef struct {
    rc_httpd_t *httpd;
    char kombo_base[64];  /* "/kombo/v1" */
    char kombo_route[72]; /* with "/" and a star behind it; the server borrows it */
    char api_key[SB_KEY_SIZE];
    atomic_llong clock_offset_ms;
    sb_faults_t *faults;
    pthread_mutex_t lock; /* of the list; integrations stay until the end */
    sb_integration_t **integrations;
    size_t integration_count;
    json_t *kafka; /* what is told about the broker; NULL: there is none */
} sb_sandbox_t;

typedef struct {
    const char *id, *tool, *name; /* NULL: made from the seed */
    uint64_t seed;
    uint32_t people;
    rc_date_t epoch; /* RC_DATE_NONE: today */
    bool quirks, integration_values;
    size_t request_limit; /* 0: all */
    bool bodies;
} sb_integration_options_t;

void sb_sandbox_init(sb_sandbox_t *sandbox, const char *kombo_base, uint64_t seed);
void sb_sandbox_fini(sb_sandbox_t *sandbox);

/* The sandbox's clock: the machine's and an offset that tests move. */
rc_wall_t sb_now(const sb_sandbox_t *sandbox);

enum { SB_HTTP_DATE_SIZE = 40 };
/* "Tue, 15 Nov 1994 08:12:31 GMT". Returns text. */
char *sb_http_date(rc_wall_t wall, char text[SB_HTTP_DATE_SIZE]);

/* Returns the new integration, or NULL and an error: an id that is taken or wrong, too many people. */
sb_integration_t *sb_integration_add(sb_sandbox_t *sandbox, const sb_integration_options_t *options, rc_error_t *error);
/* By id or slug; NULL: unknown. */
sb_integration_t *sb_integration_find(sb_sandbox_t *sandbox, const char *id);
/* Addresses, keys and secrets of one, or of all with the sandbox's own: what --ready-file holds. Returns new. */
json_t *sb_integration_describe(const sb_sandbox_t *sandbox, const sb_integration_t *integration);
json_t *sb_sandbox_describe(sb_sandbox_t *sandbox);

#endif
