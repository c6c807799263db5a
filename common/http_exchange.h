/* What the asynchronous and the blocking HTTP client share: one exchange of a request and an answer on one curl handle.
 * Inside common/http*.c only; with its two clients the one place that includes curl. */
#ifndef RC_COMMON_HTTP_EXCHANGE_H
#define RC_COMMON_HTTP_EXCHANGE_H

#include <curl/curl.h>

#include "common/buf.h"
#include "common/http.h"

enum { RC_HTTP_ORIGIN_SIZE = 128 };

typedef struct {
    CURL *easy;
    struct curl_slist *headers;
    char fault[CURL_ERROR_SIZE];      /* curl's words */
    char origin[RC_HTTP_ORIGIN_SIZE]; /* "GET https://host": what errors may name; paths and queries hold personal data
                                       */
    rc_buf_t request_body;
    rc_buf_t head;
    rc_buf_t body;
    size_t max_body_bytes;
    size_t received_bytes;
    int64_t timeout_ms;
    bool repeatable; /* GET, HEAD */
    bool sent;       /* something may have left this machine */
    bool not_resent;
    bool too_large;
    bool refused;
    bool cancelled;
    rc_http_chunk_fn *chunk;
    void *opaque;
    rc_http_answer_t answer;
} rc_http_exchange_t;

/* An option that this libcurl does not know is a build that we do not support. */
#define RC_CURL_SET(easy, option, value)        RC_INVARIANT(curl_easy_setopt((easy), (option), (value)) == CURLE_OK)
#define RC_CURL_SET_MULTI(multi, option, value) RC_INVARIANT(curl_multi_setopt((multi), (option), (value)) == CURLM_OK)

/* Initialises libcurl, once a process. */
void rc_http_need_curl(void);

/* The handle and what is the same for all requests. */
void rc_http_exchange_init(rc_http_exchange_t *exchange, const rc_http_options_t *options);
void rc_http_exchange_fini(rc_http_exchange_t *exchange);

/* Sets the handle up for a request, which is copied. RC_MALFORMED when it is none. */
rc_code_t rc_http_exchange_load(rc_http_exchange_t *exchange, const rc_http_request_t *request, rc_error_t *error);
/* Reads how the exchange ended, with curl's result: RC_OK with exchange->answer, or the error that common/http.h calls
 * for. */
rc_code_t rc_http_exchange_finish(rc_http_exchange_t *exchange, CURLcode result, rc_error_t *error);
/* Lets go of what belonged to the request. */
void rc_http_exchange_unload(rc_http_exchange_t *exchange);

#endif
