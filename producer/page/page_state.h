/* The inside of page.h: what its sources share. page.c has its life and the static files; page_api.c the
 * table of the API and what it reads, page_order.c what it does, page_session.c signing in. */
#ifndef RC_PRODUCER_PAGE_STATE_H
#define RC_PRODUCER_PAGE_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "common/json.h"
#include "producer/page/chronicle.h"
#include "producer/page/guard.h"
#include "producer/page/letters.h"
#include "producer/page/orders.h"
#include "producer/page/page.h"
#include "producer/page/roster.h"

struct rc_page {
    const rc_config_t *config;
    rc_guard_t guard;
    pthread_mutex_t mutex; /* of the throttle */
    rc_throttle_t throttle;
    rc_httpd_route_t *routes; /* one a file, and that of the API */
    /* Of an open page. */
    atomic_bool is_open;
    rc_views_t *views;
    rc_rosters_t *rosters;
    rc_chronicle_t *chronicle;
    rc_orders_t *orders;
    rc_letters_t *letters;
};

/* A file that is built into the program (cmake/embed_page.cmake). */
typedef struct {
    const char *path; /* "/page.css" */
    const char *content_type;
    const unsigned char *bytes;
    size_t size_bytes;
} rc_page_file_t;
extern const rc_page_file_t RC_PAGE_FILES[];
extern const size_t RC_PAGE_FILE_COUNT;

/* A request on its way to its answer. */
typedef struct {
    rc_page_t *page;
    const rc_httpd_request_t *request;
    rc_httpd_reply_t *reply;
    json_t *body;                        /* of a POST: an object */
    size_t index;                        /* of the integration that is asked for */
    const rc_integration_t *integration; /* NULL: none is */
} rc_page_call_t;

/* Everything under /api: who may ask, and what is answered (page_api.c). */
void rc_page_api(const rc_httpd_request_t *request, rc_httpd_reply_t *reply, void *page);
/* {"error": "…"} */
void rc_page_refuse(rc_httpd_reply_t *reply, int status, const char *why);

/* /api/session (page_session.c). */
void rc_page_get_session(rc_page_call_t *call);
void rc_page_sign_in(rc_page_call_t *call);
void rc_page_sign_out(rc_page_call_t *call);
/* Whether a token may be tried now; the answer is there when not. */
bool rc_page_may_try(const rc_page_call_t *call);
void rc_page_note_wrong_token(const rc_page_call_t *call);

/* What people order (page_order.c). */
void rc_page_order(rc_page_call_t *call);
void rc_page_retry_letters(rc_page_call_t *call);

/* Headers of every answer of the page. */
void rc_page_safe_headers(rc_httpd_reply_t *reply);
/* What the guard looks at, from the request. */
rc_guard_request_t rc_page_asked(const rc_httpd_request_t *request, bool needs_login);

#endif
