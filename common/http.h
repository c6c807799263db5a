/* HTTP requests to other services: an asynchronous client on an event loop, and a blocking one for worker threads.
 * HTTP/1.1 with keep-alive over http and https; certificates are verified, redirects are answers, proxies come from the
 * options alone. The one place with curl.
 *
 * What a failed request may have done is the point of this module: a write that got no answer may have taken effect.
 *
 *   RC_CONNECT      nothing was sent: no name, no connection, no TLS, or the time ran out before. No effect.
 *   RC_TIMEOUT      (a part of) the request was sent and the time ran out. May have had an effect, or may have it yet.
 *   RC_INTERRUPTED  sent, and then the connection was lost, or the answer was cut off or unreadable. Likewise.
 *   RC_TOO_LARGE    answered (error->http_status says how), with a body or a head beyond the cap.
 *   RC_CANCELLED    ended by us. May have had an effect.
 *   RC_MALFORMED    the callback refused the body, or the request itself is none (a URL that does not parse).
 *
 * curl repeats a request by itself when a kept-alive connection turns out to be dead before one byte of the answer
 * came. The service may have acted on the first copy, so that is left to GET and HEAD; any other method that was sent
 * in part or whole is never sent twice, and fails with RC_INTERRUPTED. */
#ifndef RC_COMMON_HTTP_H
#define RC_COMMON_HTTP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/loop.h"
#include "common/time.h"

/* Of a client. Copied. */
typedef struct {
    const char *proxy;   /* URL; NULL or "": none; the environment is not looked at */
    const char *ca_file; /* PEM; NULL or "": the system's */
} rc_http_options_t;

typedef struct {
    const char *name;
    const char *value;
} rc_http_header_t;

/* Of one request. Everything is copied before the call returns. */
typedef struct {
    const char *method; /* "GET", "POST", "PUT", "DELETE" … */
    const char *url;
    const rc_http_header_t *headers; /* beside User-Agent, Host and Content-Length */
    size_t header_count;
    const char *body; /* NULL: none; with POST and PUT an empty one is sent */
    size_t body_bytes;
    int64_t timeout_ms;         /* for everything, from the call to the last byte */
    int64_t connect_timeout_ms; /* 0: 10 s; for name, connection and TLS */
    size_t max_body_bytes;      /* of the answer; 0: 1 MiB */
} rc_http_request_t;

/* Of one answer. Borrowed: valid in the callback, or until the next call on the blocking client. */
typedef struct {
    int status;
    const char *body; /* NUL-terminated, never NULL; "" where a callback takes the body */
    size_t body_bytes;
    int64_t retry_after_ms; /* -1: not said; else rc_http_retry_after of the header */
    rc_wall_t date;         /* the service's clock (Date); 0: not said */
    int64_t duration_us;    /* from the call to the last byte */
    const char *head;       /* raw header lines, for rc_http_answer_header */
    size_t head_bytes;
} rc_http_answer_t;

/* Copies the value of the first header of that name (compared without case), trimmed, into text, NUL-terminated. False
 * when there is none or it does not fit. */
bool rc_http_answer_header(const rc_http_answer_t *answer, const char *name, char *text, size_t text_bytes);

/* Milliseconds that a Retry-After value asks for: seconds, or an HTTP date relative to `date` (the answer's Date
 * header; `now` when 0). A date that has passed is 0, more than RC_HTTP_RETRY_AFTER_MAX_MS is that; what is neither
 * (negative, empty, text) is -1. Pure. */
int64_t rc_http_retry_after(const char *value, rc_wall_t date, rc_wall_t now);
enum { RC_HTTP_RETRY_AFTER_MAX_MS = 3600 * 1000 };
/* An HTTP date (RFC 9110, 5.6.7, all three forms); 0 for anything else. Pure. */
rc_wall_t rc_http_date(const char *value);

/* ---- Asynchronous: everything on the loop's thread ---- */

typedef struct rc_http rc_http_t;
typedef struct rc_http_call rc_http_call_t;

/* The end of a call: either an answer of whatever status (error is NULL), or an error (answer is NULL). */
typedef void rc_http_done_fn(void *opaque, const rc_http_answer_t *answer, const rc_error_t *error);

/* Borrows the loop. Returns new (free with rc_http_free, before the loop). */
rc_http_t *rc_http_new(rc_loop_t *loop, const rc_http_options_t *options);
/* Cancels what is under way (no callback) and closes every connection. NULL is fine. Not from a done callback. */
void rc_http_free(rc_http_t *http);

/* Sends a request; `done` is called exactly once, never before this returns, unless the call is cancelled. The call
 * is gone once `done` runs; `done` may send and cancel others. Any number can be under way: limits are the caller's. */
rc_http_call_t *rc_http_send(rc_http_t *http, const rc_http_request_t *request, rc_http_done_fn *done, void *opaque);
/* Ends a call without its callback. The service may or may not act on what was sent. */
void rc_http_cancel(rc_http_call_t *call);

/* ---- Blocking: one thread at a time per client ---- */

typedef struct rc_http_blocking rc_http_blocking_t;

/* Takes a part of the body as it arrives; `answer` has status and headers by then. Returning false ends the request
 * with RC_MALFORMED (the callee keeps its own, better error). */
typedef bool rc_http_chunk_fn(void *opaque, const rc_http_answer_t *answer, const char *bytes, size_t size_bytes);

/* Returns new (free with rc_http_blocking_free). Connections are kept between requests. */
rc_http_blocking_t *rc_http_blocking_new(const rc_http_options_t *options);
void rc_http_blocking_free(rc_http_blocking_t *client); /* NULL is fine */

/* Performs one request, whatever the status of the answer. With `chunk` the body goes there as it arrives (still capped
 * by max_body_bytes), else into answer->body. `cancelled` may be NULL; once it is true the call ends within a tenth of
 * a second with RC_CANCELLED. */
rc_code_t rc_http_perform(rc_http_blocking_t *client, const rc_http_request_t *request, rc_http_chunk_fn *chunk,
                          void *opaque, const atomic_bool *cancelled, rc_http_answer_t *answer, rc_error_t *error);

#endif
