/* An HTTP/1.1 server for the programs' ports and for the sandbox: a table of routes, small bodies in memory. The one
 * place that includes libmicrohttpd.
 *
 * The server runs threads of its own. Handlers are called on them, SEVERAL AT A TIME, each for another request: what
 * they share they must lock, and while one works its thread serves nobody else. A delayed answer occupies no thread.
 * rc_httpd_new and rc_httpd_free belong to the owner; everything else says who may call it. */
#ifndef RC_COMMON_HTTPD_H
#define RC_COMMON_HTTPD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/error.h"
#include "common/httpd_target.h"
#include "common/json.h"
#include "common/mem.h"

typedef struct rc_httpd rc_httpd_t;
typedef struct rc_httpd_exchange rc_httpd_exchange_t;

/* What was asked. Lives until the handler returns; the handler borrows everything. */
typedef struct {
    const char *method;          /* "GET"; HEAD arrives as GET */
    const char *target;          /* as it was sent, query included */
    const char *path;            /* the target without its query, still encoded */
    const char *const *segments; /* of the path, decoded: "/users/a%2Fb" is {"users", "a/b"} */
    size_t segment_count;
    const rc_httpd_pair_t *args; /* of the query, in their order, repeated ones too */
    size_t arg_count;
    const char *body; /* NUL-terminated, never NULL */
    size_t body_size_bytes;
    bool loopback;     /* the client is on this machine */
    rc_arena_t *arena; /* lives as long as the request */
    rc_httpd_exchange_t *exchange;
} rc_httpd_request_t;

typedef enum {
    RC_HTTPD_ANSWER, /* the whole answer */
    RC_HTTPD_DROP,   /* close the connection without an answer */
    RC_HTTPD_CUT     /* announce the whole body, send half of it, close */
} rc_httpd_ending_t;

/* What to answer: the handler fills in what differs from an empty 200. */
typedef struct {
    int status;
    const char *content_type; /* static storage; NULL: none */
    rc_buf_t body;            /* the server takes its memory */
    int64_t delay_ms;         /* answer (or end) that much later; no thread waits */
    rc_httpd_ending_t ending;
    void (*done)(void *arg); /* called once the answer has left or was given up, on a thread of the server; or NULL */
    void *done_arg;
    rc_httpd_exchange_t *exchange;
} rc_httpd_reply_t;

typedef void (*rc_httpd_handler_t)(const rc_httpd_request_t *request, rc_httpd_reply_t *reply, void *arg);

/* A path matches literally, or, ending in "/" + "*", everything below it. The first literal match wins, then the first
 * one with a star. No match is 404, a match of another method only 405. */
typedef struct {
    const char *method; /* NULL: every method */
    const char *path;
    rc_httpd_handler_t handler;
    void *arg;
} rc_httpd_route_t;

typedef struct {
    const char *listen;             /* "127.0.0.1:8080", "[::1]:8080"; port 0: a free one */
    const rc_httpd_route_t *routes; /* copied; the paths are borrowed as long as the server lives */
    size_t route_count;
    size_t max_body_bytes;    /* a longer request body is answered with 413 */
    unsigned threads;         /* 0: one */
    unsigned max_connections; /* 0: 1,000; further ones are closed at once */
} rc_httpd_options_t;

/* Starts listening and serving. Returns new (free with rc_httpd_free). RC_USAGE or RC_CONFIG for an address that is
 * none, RC_IO when it cannot be listened on. */
rc_code_t rc_httpd_new(const rc_httpd_options_t *options, rc_httpd_t **httpd, rc_error_t *error);

/* Stops: answers under way end, delayed ones are dropped, calls that are due later are not made. NULL is fine. Not from
 * a handler. */
void rc_httpd_free(rc_httpd_t *httpd);

/* The real port, and "host:port" with it. Borrows; any thread. */
unsigned rc_httpd_port(const rc_httpd_t *httpd);
const char *rc_httpd_address(const rc_httpd_t *httpd);

/* The value of a query argument (the first of that name) or of a header (name in any case); NULL when there is none.
 * Borrows; handlers only. */
const char *rc_httpd_arg(const rc_httpd_request_t *request, const char *name);
const char *rc_httpd_header(const rc_httpd_request_t *request, const char *name);

/* Adds a header to the answer (both are copied). Handlers only. */
void rc_httpd_reply_header(rc_httpd_reply_t *reply, const char *name, const char *value);
/* Fills the answer with text, or with a JSON value (takes it). */
void rc_httpd_reply_text(rc_httpd_reply_t *reply, int status, const char *text);
void rc_httpd_reply_json(rc_httpd_reply_t *reply, int status, json_t *json);

/* Puts the answer off: the handler returns, its thread serves others, and whoever got the exchange answers with
 * rc_httpd_answer, exactly once, on any thread, before rc_httpd_free. Handlers only, before they hand it on; from then
 * on they leave reply and exchange alone. */
rc_httpd_exchange_t *rc_httpd_defer(rc_httpd_reply_t *reply);
/* `content_type` is of static storage; `retry_after` adds that header ("5"), NULL: none. */
void rc_httpd_answer(rc_httpd_exchange_t *exchange, int status, const char *content_type, const char *text,
                     const char *retry_after);

/* Calls function(arg) once `delay_ms` from now, on the server's timer thread: it must be quick. When the server is
 * freed earlier it is not called, and `give_up` (may be NULL) gets the arg. Any thread. */
void rc_httpd_call_later(rc_httpd_t *httpd, int64_t delay_ms, void (*function)(void *arg), void (*give_up)(void *arg),
                         void *arg);

#endif
