#include "common/http_exchange.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    HEAD_CAP_BYTES = 64 * 1024,
    BODY_CAP_BYTES = 1024 * 1024,
    KEPT_BODY_BYTES = 64 * 1024, /* a larger buffer is not kept for the next request */
    CONNECT_TIMEOUT_MS = 10000,
    /* Idle connections are given up before most servers do so: a request on one that is just being closed fails with
     * RC_INTERRUPTED when it is a write. */
    IDLE_SECONDS = 15
};

static const char NO_TYPE[] = "Content-Type:"; /* curl would call every body a form */
static const char NO_EXPECT[] = "Expect:";     /* no round trip before a body */

static void init_curl(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0) RC_DIE("libcurl does not start");
}

void rc_http_need_curl(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, init_curl);
}

/* ---- What curl calls ---- */

/* Called when a connection is ready and the request is about to be sent: for the first time, or again because curl
 * found the kept-alive connection dead. curl_easy_getinfo tells whether anything was written by then. */
static int on_ready(void *opaque, char *remote, char *local, int remote_port, int local_port)
{
    (void)remote, (void)local, (void)remote_port, (void)local_port;
    rc_http_exchange_t *exchange = opaque;
    long written_bytes = 0;
    if (exchange->sent) (void)curl_easy_getinfo(exchange->easy, CURLINFO_REQUEST_SIZE, &written_bytes);
    if (written_bytes > 0 && !exchange->repeatable) {
        exchange->not_resent = true;
        return CURL_PREREQFUNC_ABORT;
    }
    exchange->sent = true;
    return CURL_PREREQFUNC_OK;
}

/* Whether the head came to its end: curl takes a connection that is closed in the middle of it for an empty body. */
static bool is_whole_head(const rc_buf_t *head)
{
    return (head->size_bytes >= 4 && memcmp(head->data + head->size_bytes - 4, "\r\n\r\n", 4) == 0) ||
           (head->size_bytes >= 2 && memcmp(head->data + head->size_bytes - 2, "\n\n", 2) == 0);
}

static size_t on_header(char *bytes, size_t size, size_t count, void *opaque)
{
    rc_http_exchange_t *exchange = opaque;
    size_t length = size * count;
    if (length >= 5 && memcmp(bytes, "HTTP/", 5) == 0)
        rc_buf_reset(
            &exchange->head); /* a status line begins a head; the one of an interim answer (100, 103) gives way */
    else if (is_whole_head(&exchange->head))
        return length; /* a trailer, behind a chunked body */
    if (!rc_buf_add(&exchange->head, bytes, length)) {
        exchange->too_large = true;
        return 0;
    }
    return length;
}

/* Fills what the head says. */
static void read_head(rc_http_exchange_t *exchange)
{
    rc_http_answer_t *answer = &exchange->answer;
    long status = 0;
    (void)curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    char value[128];
    *answer = (rc_http_answer_t){.status = (int)status,
                                 .body = "",
                                 .retry_after_ms = -1,
                                 .head = exchange->head.data ? exchange->head.data : "",
                                 .head_bytes = exchange->head.size_bytes};
    if (rc_http_answer_header(answer, "Date", value, sizeof value)) answer->date = rc_http_date(value);
    if (rc_http_answer_header(answer, "Retry-After", value, sizeof value))
        answer->retry_after_ms = rc_http_retry_after(value, answer->date, rc_wall_now());
}

static size_t on_body(char *bytes, size_t size, size_t count, void *opaque)
{
    rc_http_exchange_t *exchange = opaque;
    size_t length = size * count;
    if (exchange->received_bytes == 0 && exchange->chunk) read_head(exchange);
    exchange->received_bytes += length;
    if (exchange->received_bytes > exchange->max_body_bytes) {
        exchange->too_large = true;
        return 0;
    }
    if (exchange->chunk) {
        exchange->refused = !exchange->chunk(exchange->opaque, &exchange->answer, bytes, length);
        return exchange->refused ? 0 : length;
    }
    return rc_buf_add(&exchange->body, bytes, length) ? length : 0;
}

/* ---- An exchange ---- */

void rc_http_exchange_init(rc_http_exchange_t *exchange, const rc_http_options_t *options)
{
    CURL *easy = exchange->easy = curl_easy_init();
    if (!easy) RC_DIE("out of memory (a curl handle)");
    exchange->head = RC_BUF_INIT(HEAD_CAP_BYTES);
    RC_CURL_SET(easy, CURLOPT_NOSIGNAL, 1L);
    RC_CURL_SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    RC_CURL_SET(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    RC_CURL_SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
    RC_CURL_SET(easy, CURLOPT_USERAGENT, "rollcall/" RC_VERSION);
    RC_CURL_SET(easy, CURLOPT_PROXY, options->proxy ? options->proxy : ""); /* "" also ignores the environment */
    RC_CURL_SET(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (options->ca_file && *options->ca_file) RC_CURL_SET(easy, CURLOPT_CAINFO, options->ca_file);
    RC_CURL_SET(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    RC_CURL_SET(easy, CURLOPT_MAXAGE_CONN, (long)IDLE_SECONDS);
    RC_CURL_SET(easy, CURLOPT_ERRORBUFFER, exchange->fault);
    RC_CURL_SET(easy, CURLOPT_PREREQFUNCTION, on_ready);
    RC_CURL_SET(easy, CURLOPT_PREREQDATA, exchange);
    RC_CURL_SET(easy, CURLOPT_HEADERFUNCTION, on_header);
    RC_CURL_SET(easy, CURLOPT_HEADERDATA, exchange);
    RC_CURL_SET(easy, CURLOPT_WRITEFUNCTION, on_body);
    RC_CURL_SET(easy, CURLOPT_WRITEDATA, exchange);
}

void rc_http_exchange_fini(rc_http_exchange_t *exchange)
{
    curl_easy_cleanup(exchange->easy);
    curl_slist_free_all(exchange->headers);
    rc_buf_fini(&exchange->request_body);
    rc_buf_fini(&exchange->head);
    rc_buf_fini(&exchange->body);
}

/* "GET https://host:port" without user, path and query. */
static void set_origin(rc_http_exchange_t *exchange, const rc_http_request_t *request)
{
    const char *host = strstr(request->url, "://");
    host = host ? host + 3 : request->url;
    size_t length = strcspn(host, "/?#");
    const char *user = memchr(host, '@', length);
    if (user) {
        length -= (size_t)(user + 1 - host);
        host = user + 1;
    }
    /* For every request, though few fail: snprintf would take half a microsecond. */
    const char *const parts[] = {request->method, strncmp(request->url, "https:", 6) == 0 ? " https://" : " http://"};
    char *at = exchange->origin, *end = exchange->origin + sizeof exchange->origin - 1;
    for (size_t i = 0; i < 2; i++)
        for (const char *from = parts[i]; *from && at < end;) *at++ = *from++;
    if (length > (size_t)(end - at)) length = (size_t)(end - at);
    memcpy(at, host, length);
    at[length] = '\0';
}

/* Whether a line says what the header does; an empty value is written with ';'. */
static bool is_line_of(const char *line, const rc_http_header_t *header)
{
    size_t length = strlen(header->name);
    if (strncmp(line, header->name, length) != 0) return false;
    line += length;
    return *header->value ? strncmp(line, ": ", 2) == 0 && strcmp(line + 2, header->value) == 0
                          : strcmp(line, ";") == 0;
}

/* Whether the handle's last request had the same headers: mostly so, and making them anew costs a good part of what is
 * ours of a request. */
static bool has_headers(const rc_http_exchange_t *exchange, const rc_http_request_t *request)
{
    const struct curl_slist *line = exchange->headers;
    bool typed = false;
    for (size_t i = 0; i < request->header_count; i++, line = line->next) {
        if (!line || !is_line_of(line->data, &request->headers[i])) return false;
        typed = typed || strcasecmp(request->headers[i].name, "Content-Type") == 0;
    }
    if (!typed && line && strcmp(line->data, NO_TYPE) == 0)
        line = line->next;
    else if (!typed)
        return false;
    return line && strcmp(line->data, NO_EXPECT) == 0 && !line->next;
}

static void drop_headers(rc_http_exchange_t *exchange)
{
    RC_CURL_SET(exchange->easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(exchange->headers);
    exchange->headers = NULL;
}

static void add_header(rc_http_exchange_t *exchange, const char *line)
{
    struct curl_slist *longer = curl_slist_append(exchange->headers, line);
    if (!longer) RC_DIE("out of memory (a header)");
    exchange->headers = longer;
}

static bool set_headers(rc_http_exchange_t *exchange, const rc_http_request_t *request)
{
    if (has_headers(exchange, request)) return true;
    drop_headers(exchange);
    bool typed = false;
    rc_buf_t line = RC_BUF_INIT(HEAD_CAP_BYTES);
    bool fine = true;
    for (size_t i = 0; i < request->header_count && fine; i++) {
        const rc_http_header_t *header = &request->headers[i];
        rc_buf_reset(&line);
        typed = typed || strcasecmp(header->name, "Content-Type") == 0;
        /* A line break in a value would begin a header of the sender's choice. An empty value is written with ';'. */
        fine = !strpbrk(header->value, "\r\n") &&
               rc_buf_add_format(&line, *header->value ? "%s: %s" : "%s;%s", header->name, header->value);
        if (fine) add_header(exchange, line.data);
    }
    rc_buf_fini(&line);
    if (!typed) add_header(exchange, NO_TYPE);
    add_header(exchange, NO_EXPECT);
    RC_CURL_SET(exchange->easy, CURLOPT_HTTPHEADER, exchange->headers);
    return fine;
}

/* Sets up the handle for a request. */
rc_code_t rc_http_exchange_load(rc_http_exchange_t *exchange, const rc_http_request_t *request, rc_error_t *error)
{
    CURL *easy = exchange->easy;
    bool is_get = strcmp(request->method, "GET") == 0, is_head = strcmp(request->method, "HEAD") == 0;
    bool has_body = request->body || strcmp(request->method, "POST") == 0 || strcmp(request->method, "PUT") == 0;
    set_origin(exchange, request);
    exchange->repeatable = is_get || is_head;
    exchange->sent = exchange->not_resent = exchange->too_large = exchange->refused = exchange->cancelled = false;
    exchange->received_bytes = 0;
    exchange->timeout_ms = request->timeout_ms;
    exchange->max_body_bytes = request->max_body_bytes ? request->max_body_bytes : BODY_CAP_BYTES;
    exchange->fault[0] = '\0';
    exchange->request_body.cap_bytes = request->body_bytes;
    exchange->body.cap_bytes = exchange->max_body_bytes;
    rc_buf_reset(&exchange->request_body);
    rc_buf_reset(&exchange->head);
    rc_buf_reset(&exchange->body);
    RC_INVARIANT(request->timeout_ms > 0);

    if (!set_headers(exchange, request))
        return rc_error_set(error, RC_MALFORMED, RC_REJECT,
                            "%s: a header of the request has a line break or is too long", exchange->origin);
    RC_CURL_SET(easy, CURLOPT_HTTPGET, 1L);
    if (is_head) RC_CURL_SET(easy, CURLOPT_NOBODY, 1L);
    if (has_body) {
        (void)rc_buf_add(&exchange->request_body, request->body, request->body_bytes);
        RC_CURL_SET(easy, CURLOPT_POST, 1L);
        RC_CURL_SET(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_bytes);
        RC_CURL_SET(easy, CURLOPT_POSTFIELDS, exchange->request_body.data);
    }
    RC_CURL_SET(easy, CURLOPT_CUSTOMREQUEST, is_get || is_head ? NULL : request->method);
    RC_CURL_SET(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    RC_CURL_SET(easy, CURLOPT_CONNECTTIMEOUT_MS,
                (long)(request->connect_timeout_ms ? request->connect_timeout_ms : CONNECT_TIMEOUT_MS));
    if (curl_easy_setopt(easy, CURLOPT_URL, request->url) != CURLE_OK)
        return rc_error_set(error, RC_MALFORMED, RC_REJECT, "%s: the URL is too long", exchange->origin);
    return RC_OK;
}

void rc_http_exchange_unload(rc_http_exchange_t *exchange)
{
    RC_CURL_SET(exchange->easy, CURLOPT_POSTFIELDS, NULL);
    if (exchange->body.capacity_bytes > KEPT_BODY_BYTES) rc_buf_fini(&exchange->body);
    if (exchange->request_body.capacity_bytes > KEPT_BODY_BYTES) rc_buf_fini(&exchange->request_body);
}

/* Whether curl refused the request as such, before any network. */
static bool is_no_request(CURLcode result)
{
    return result == CURLE_URL_MALFORMAT || result == CURLE_UNSUPPORTED_PROTOCOL ||
           result == CURLE_BAD_FUNCTION_ARGUMENT;
}

/* The error of an exchange that curl ended with `result`: the table of the header. */
static rc_code_t fail_exchange(rc_http_exchange_t *exchange, CURLcode result, rc_error_t *error)
{
    const char *origin = exchange->origin;
    const char *fault = exchange->fault[0] ? exchange->fault : curl_easy_strerror(result);
    if (exchange->cancelled) return rc_error_set(error, RC_CANCELLED, RC_STOPPED, "%s: stopped", origin);
    if (exchange->too_large) {
        long status = 0;
        (void)curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
        rc_error_set(error, RC_TOO_LARGE, RC_REJECT, "%s: the answer (status %ld) is larger than %zu bytes", origin,
                     status, exchange->max_body_bytes);
        if (error) error->http_status = (int)status;
        return RC_TOO_LARGE;
    }
    if (exchange->refused) return rc_error_set(error, RC_MALFORMED, RC_REJECT, "%s: unusable answer", origin);
    if (!exchange->sent) {
        if (is_no_request(result)) return rc_error_set(error, RC_MALFORMED, RC_REJECT, "%s: %s", origin, fault);
        return rc_error_set(error, RC_CONNECT, RC_RETRY, "%s: no connection: %s", origin, fault);
    }
    if (result == CURLE_OPERATION_TIMEDOUT)
        return rc_error_set(error, RC_TIMEOUT, RC_RETRY, "%s: no complete answer within %lld ms", origin,
                            (long long)exchange->timeout_ms);
    return rc_error_set(error, RC_INTERRUPTED, RC_RETRY, "%s: sent, but no usable answer: %s", origin,
                        exchange->not_resent ? "the kept-alive connection was lost" : fault);
}

/* The end of an exchange: RC_OK with exchange->answer, or its error. */
rc_code_t rc_http_exchange_finish(rc_http_exchange_t *exchange, CURLcode result, rc_error_t *error)
{
    if (result == CURLE_OK && !is_whole_head(&exchange->head)) result = CURLE_PARTIAL_FILE;
    if (result != CURLE_OK) return fail_exchange(exchange, result, error);
    curl_off_t duration_us = 0;
    read_head(exchange);
    (void)curl_easy_getinfo(exchange->easy, CURLINFO_TOTAL_TIME_T, &duration_us);
    exchange->answer.duration_us = duration_us;
    if (exchange->body.data) exchange->answer.body = exchange->body.data;
    exchange->answer.body_bytes = exchange->body.size_bytes;
    return RC_OK;
}
