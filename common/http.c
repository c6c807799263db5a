#include "common/http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/buf.h"
#include "common/mem.h"

enum {
    HEAD_CAP_BYTES = 64 * 1024,
    BODY_CAP_BYTES = 1024 * 1024,
    KEPT_BODY_BYTES = 64 * 1024, /* a larger buffer is not kept for the next request */
    KEPT_CALLS = 256,
    KEPT_CONNECTIONS = 1024,
    CONNECT_TIMEOUT_MS = 10000,
    /* Idle connections are given up before most servers do so: a request on one that is just being closed fails with
     * RC_INTERRUPTED when it is a write. */
    IDLE_SECONDS = 15,
    CANCEL_POLL_MS = 50,
    ORIGIN_SIZE = 128
};

/* One exchange: what both clients have in common. */
typedef struct {
    CURL *easy;
    struct curl_slist *headers;
    char fault[CURL_ERROR_SIZE]; /* curl's words */
    char origin[ORIGIN_SIZE];    /* "GET https://host": what errors may name; paths and queries hold personal data */
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
} exchange_t;

static void init_curl(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0) RC_DIE("libcurl does not start");
}

static void need_curl(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, init_curl);
}

/* An option that this libcurl does not know is a build that we do not support. */
#define SET(easy, option, value)        RC_INVARIANT(curl_easy_setopt((easy), (option), (value)) == CURLE_OK)
#define SET_MULTI(multi, option, value) RC_INVARIANT(curl_multi_setopt((multi), (option), (value)) == CURLM_OK)

/* ---- What curl calls ---- */

/* Called when a connection is ready and the request is about to be sent: for the first time, or again because curl
 * found the kept-alive connection dead. curl_easy_getinfo tells whether anything was written by then. */
static int on_ready(void *opaque, char *remote, char *local, int remote_port, int local_port)
{
    (void)remote, (void)local, (void)remote_port, (void)local_port;
    exchange_t *exchange = opaque;
    long written_bytes = 0;
    if (exchange->sent) (void)curl_easy_getinfo(exchange->easy, CURLINFO_REQUEST_SIZE, &written_bytes);
    if (written_bytes > 0 && !exchange->repeatable) {
        exchange->not_resent = true;
        return CURL_PREREQFUNC_ABORT;
    }
    exchange->sent = true;
    return CURL_PREREQFUNC_OK;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *opaque)
{
    exchange_t *exchange = opaque;
    size_t length = size * count;
    /* A status line begins a head; the one of an interim answer (100, 103) gives way. */
    if (length >= 5 && memcmp(bytes, "HTTP/", 5) == 0) rc_buf_reset(&exchange->head);
    if (!rc_buf_add(&exchange->head, bytes, length)) {
        exchange->too_large = true;
        return 0;
    }
    return length;
}

/* Fills what the head says. */
static void read_head(exchange_t *exchange)
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
    exchange_t *exchange = opaque;
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

static void init_exchange(exchange_t *exchange, const rc_http_options_t *options)
{
    CURL *easy = exchange->easy = curl_easy_init();
    if (!easy) RC_DIE("out of memory (a curl handle)");
    exchange->head = RC_BUF_INIT(HEAD_CAP_BYTES);
    SET(easy, CURLOPT_NOSIGNAL, 1L);
    SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
    SET(easy, CURLOPT_USERAGENT, "rollcall/" RC_VERSION);
    SET(easy, CURLOPT_PROXY, options->proxy ? options->proxy : ""); /* "" also ignores the environment */
    SET(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (options->ca_file && *options->ca_file) SET(easy, CURLOPT_CAINFO, options->ca_file);
    SET(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    SET(easy, CURLOPT_MAXAGE_CONN, (long)IDLE_SECONDS);
    SET(easy, CURLOPT_ERRORBUFFER, exchange->fault);
    SET(easy, CURLOPT_PREREQFUNCTION, on_ready);
    SET(easy, CURLOPT_PREREQDATA, exchange);
    SET(easy, CURLOPT_HEADERFUNCTION, on_header);
    SET(easy, CURLOPT_HEADERDATA, exchange);
    SET(easy, CURLOPT_WRITEFUNCTION, on_body);
    SET(easy, CURLOPT_WRITEDATA, exchange);
}

static void fini_exchange(exchange_t *exchange)
{
    curl_easy_cleanup(exchange->easy);
    curl_slist_free_all(exchange->headers);
    rc_buf_fini(&exchange->request_body);
    rc_buf_fini(&exchange->head);
    rc_buf_fini(&exchange->body);
}

/* "GET https://host:port" without user, path and query. */
static void set_origin(exchange_t *exchange, const rc_http_request_t *request)
{
    const char *host = strstr(request->url, "://");
    host = host ? host + 3 : request->url;
    size_t length = strcspn(host, "/?#");
    const char *user = memchr(host, '@', length);
    if (user) {
        length -= (size_t)(user + 1 - host);
        host = user + 1;
    }
    int scheme_length = strncmp(request->url, "https:", 6) == 0 ? 5 : 4;
    (void)snprintf(exchange->origin, sizeof exchange->origin, "%s %.*s://%.*s", request->method, scheme_length,
                   scheme_length == 5 ? "https" : "http", (int)(length < 80 ? length : 80), host);
}

static void add_header(exchange_t *exchange, const char *line)
{
    struct curl_slist *longer = curl_slist_append(exchange->headers, line);
    if (!longer) RC_DIE("out of memory (a header)");
    exchange->headers = longer;
}

static bool add_headers(exchange_t *exchange, const rc_http_request_t *request)
{
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
    if (!typed) add_header(exchange, "Content-Type:"); /* curl would call every body a form */
    add_header(exchange, "Expect:");                   /* no round trip before a body */
    return fine;
}

/* Sets up the handle for a request. */
static rc_code_t load_exchange(exchange_t *exchange, const rc_http_request_t *request, rc_error_t *error)
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

    if (!add_headers(exchange, request))
        return rc_error_set(error, RC_MALFORMED, RC_REJECT,
                            "%s: a header of the request has a line break or is too long", exchange->origin);
    SET(easy, CURLOPT_HTTPGET, 1L);
    if (is_head) SET(easy, CURLOPT_NOBODY, 1L);
    if (has_body) {
        (void)rc_buf_add(&exchange->request_body, request->body, request->body_bytes);
        SET(easy, CURLOPT_POST, 1L);
        SET(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_bytes);
        SET(easy, CURLOPT_POSTFIELDS, exchange->request_body.data);
    }
    SET(easy, CURLOPT_CUSTOMREQUEST, is_get || is_head ? NULL : request->method);
    SET(easy, CURLOPT_HTTPHEADER, exchange->headers);
    SET(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    SET(easy, CURLOPT_CONNECTTIMEOUT_MS,
        (long)(request->connect_timeout_ms ? request->connect_timeout_ms : CONNECT_TIMEOUT_MS));
    if (curl_easy_setopt(easy, CURLOPT_URL, request->url) != CURLE_OK)
        return rc_error_set(error, RC_MALFORMED, RC_REJECT, "%s: the URL is too long", exchange->origin);
    return RC_OK;
}

static void unload_exchange(exchange_t *exchange)
{
    SET(exchange->easy, CURLOPT_HTTPHEADER, NULL);
    SET(exchange->easy, CURLOPT_POSTFIELDS, NULL);
    curl_slist_free_all(exchange->headers);
    exchange->headers = NULL;
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
static rc_code_t fail_exchange(exchange_t *exchange, CURLcode result, rc_error_t *error)
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
static rc_code_t finish_exchange(exchange_t *exchange, CURLcode result, rc_error_t *error)
{
    if (result != CURLE_OK) return fail_exchange(exchange, result, error);
    curl_off_t duration_us = 0;
    read_head(exchange);
    (void)curl_easy_getinfo(exchange->easy, CURLINFO_TOTAL_TIME_T, &duration_us);
    exchange->answer.duration_us = duration_us;
    if (exchange->body.data) exchange->answer.body = exchange->body.data;
    exchange->answer.body_bytes = exchange->body.size_bytes;
    return RC_OK;
}

/* ---- Asynchronous ---- */

struct rc_http_call {
    exchange_t exchange; /* first: CURLOPT_PRIVATE */
    rc_http_t *http;
    rc_http_done_fn *done;
    void *opaque;
    rc_http_call_t *next, *previous; /* in `active`; next also in `pool` and `refused` */
    bool is_refused;
    rc_error_t error; /* of a request that curl never saw */
};

struct rc_http {
    rc_loop_t *loop;
    CURLM *multi;
    rc_http_options_t options;
    rc_loop_timer_t *timer;         /* curl's */
    rc_loop_timer_t *refused_timer; /* so that an error known at once does not call back at once */
    rc_http_call_t *active;         /* all calls under way */
    rc_http_call_t *pool;
    size_t pooled;
};

typedef struct {
    rc_http_t *http;
    rc_loop_watch_t *watch;
    curl_socket_t fd;
} socket_t;

static void free_call(rc_http_call_t *call)
{
    fini_exchange(&call->exchange);
    free(call);
}

static void link_call(rc_http_call_t *call)
{
    call->previous = NULL;
    call->next = call->http->active;
    if (call->next) call->next->previous = call;
    call->http->active = call;
}

static void unlink_call(rc_http_call_t *call)
{
    if (call->previous)
        call->previous->next = call->next;
    else
        call->http->active = call->next;
    if (call->next) call->next->previous = call->previous;
}

static void recycle_call(rc_http_call_t *call)
{
    rc_http_t *http = call->http;
    if (http->pooled == KEPT_CALLS) {
        free_call(call);
        return;
    }
    unload_exchange(&call->exchange);
    call->next = http->pool;
    http->pool = call;
    http->pooled++;
}

static rc_http_call_t *take_call(rc_http_t *http)
{
    rc_http_call_t *call = http->pool;
    if (call) {
        http->pool = call->next;
        http->pooled--;
        return call;
    }
    call = rc_zalloc(sizeof *call);
    call->http = http;
    init_exchange(&call->exchange, &http->options);
    SET(call->exchange.easy, CURLOPT_PRIVATE, call);
    return call;
}

static void finish_call(rc_http_call_t *call, CURLcode result)
{
    rc_error_t error = RC_ERROR_INIT;
    rc_code_t code = finish_exchange(&call->exchange, result, &error);
    unlink_call(call);
    (void)curl_multi_remove_handle(call->http->multi, call->exchange.easy);
    call->done(call->opaque, code == RC_OK ? &call->exchange.answer : NULL, code == RC_OK ? NULL : &error);
    recycle_call(call);
}

static void finish_calls(rc_http_t *http)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
        char *call = NULL;
        CURLcode result = message->data.result;
        RC_INVARIANT(curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call) == CURLE_OK && call);
        finish_call((rc_http_call_t *)(void *)call, result);
    }
}

static void on_timeout(void *opaque)
{
    rc_http_t *http = opaque;
    int running;
    RC_INVARIANT(curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running) == CURLM_OK);
    finish_calls(http);
}

static void on_ready_socket(void *opaque, int events)
{
    socket_t *socket = opaque;
    rc_http_t *http = socket->http;
    int flags = (events & RC_LOOP_READ ? CURL_CSELECT_IN : 0) | (events & RC_LOOP_WRITE ? CURL_CSELECT_OUT : 0);
    int running;
    RC_INVARIANT(curl_multi_socket_action(http->multi, socket->fd, flags, &running) == CURLM_OK);
    finish_calls(http);
}

static int on_socket_change(CURL *easy, curl_socket_t fd, int what, void *opaque, void *known)
{
    (void)easy;
    rc_http_t *http = opaque;
    socket_t *socket = known;
    if (what == CURL_POLL_REMOVE) {
        if (!socket) return 0;
        rc_loop_watch_free(socket->watch);
        free(socket);
        return 0;
    }
    if (!socket) {
        socket = rc_zalloc(sizeof *socket);
        socket->http = http;
        socket->fd = fd;
        socket->watch = rc_loop_watch_new(http->loop, fd, on_ready_socket, socket);
        RC_INVARIANT(curl_multi_assign(http->multi, fd, socket) == CURLM_OK);
    }
    rc_loop_watch_set(socket->watch,
                      (what & CURL_POLL_IN ? RC_LOOP_READ : 0) | (what & CURL_POLL_OUT ? RC_LOOP_WRITE : 0));
    return 0;
}

static int on_timer_change(CURLM *multi, long timeout_ms, void *opaque)
{
    (void)multi;
    rc_http_t *http = opaque;
    if (timeout_ms < 0)
        rc_loop_timer_stop(http->timer);
    else
        rc_loop_timer_start(http->timer, timeout_ms, 0);
    return 0;
}

static rc_http_call_t *find_refused(rc_http_t *http)
{
    rc_http_call_t *call = http->active;
    while (call && !call->is_refused) call = call->next;
    return call;
}

static void on_refused(void *opaque)
{
    rc_http_t *http = opaque;
    rc_http_call_t *call;
    while ((call = find_refused(http)) != NULL) {
        unlink_call(call);
        call->is_refused = false;
        call->done(call->opaque, NULL, &call->error);
        recycle_call(call);
    }
}

rc_http_t *rc_http_new(rc_loop_t *loop, const rc_http_options_t *options)
{
    need_curl();
    rc_http_t *http = rc_zalloc(sizeof *http);
    http->loop = loop;
    http->options.proxy = rc_strdup(options->proxy);
    http->options.ca_file = rc_strdup(options->ca_file);
    http->timer = rc_loop_timer_new(loop, on_timeout, http);
    http->refused_timer = rc_loop_timer_new(loop, on_refused, http);
    http->multi = curl_multi_init();
    if (!http->multi) RC_DIE("out of memory (a curl multi handle)");
    SET_MULTI(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket_change);
    SET_MULTI(http->multi, CURLMOPT_SOCKETDATA, http);
    SET_MULTI(http->multi, CURLMOPT_TIMERFUNCTION, on_timer_change);
    SET_MULTI(http->multi, CURLMOPT_TIMERDATA, http);
    SET_MULTI(http->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
    return http;
}

void rc_http_free(rc_http_t *http)
{
    if (!http) return;
    while (http->active) rc_http_cancel(http->active);
    while (http->pool) {
        rc_http_call_t *call = http->pool;
        http->pool = call->next;
        free_call(call);
    }
    (void)curl_multi_cleanup(http->multi);
    rc_loop_timer_free(http->timer);
    rc_loop_timer_free(http->refused_timer);
    free((char *)http->options.proxy);
    free((char *)http->options.ca_file);
    free(http);
}

rc_http_call_t *rc_http_send(rc_http_t *http, const rc_http_request_t *request, rc_http_done_fn *done, void *opaque)
{
    rc_http_call_t *call = take_call(http);
    call->done = done;
    call->opaque = opaque;
    call->error = RC_ERROR_INIT;
    link_call(call);
    if (load_exchange(&call->exchange, request, &call->error) == RC_OK) {
        RC_INVARIANT(curl_multi_add_handle(http->multi, call->exchange.easy) == CURLM_OK);
    } else {
        call->is_refused = true;
        rc_loop_timer_start(http->refused_timer, 0, 0);
    }
    return call;
}

void rc_http_cancel(rc_http_call_t *call)
{
    unlink_call(call);
    if (!call->is_refused) (void)curl_multi_remove_handle(call->http->multi, call->exchange.easy);
    call->is_refused = false;
    recycle_call(call);
}

/* ---- Blocking ---- */

struct rc_http_blocking {
    CURLM *multi;
    exchange_t exchange;
    char *proxy;
    char *ca_file;
};

rc_http_blocking_t *rc_http_blocking_new(const rc_http_options_t *options)
{
    need_curl();
    rc_http_blocking_t *client = rc_zalloc(sizeof *client);
    client->multi = curl_multi_init();
    if (!client->multi) RC_DIE("out of memory (a curl multi handle)");
    init_exchange(&client->exchange, options);
    SET(client->exchange.easy, CURLOPT_BUFFERSIZE, 128L * 1024);
    return client;
}

void rc_http_blocking_free(rc_http_blocking_t *client)
{
    if (!client) return;
    fini_exchange(&client->exchange);
    (void)curl_multi_cleanup(client->multi);
    free(client);
}

/* Drives the one exchange to its end. */
static CURLcode drive(rc_http_blocking_t *client, const atomic_bool *cancelled)
{
    CURLMsg *message;
    int running, left;
    for (;;) {
        if (cancelled && atomic_load(cancelled)) {
            client->exchange.cancelled = true;
            return CURLE_ABORTED_BY_CALLBACK;
        }
        RC_INVARIANT(curl_multi_perform(client->multi, &running) == CURLM_OK);
        if ((message = curl_multi_info_read(client->multi, &left)) != NULL) return message->data.result;
        RC_INVARIANT(curl_multi_poll(client->multi, NULL, 0, CANCEL_POLL_MS, NULL) == CURLM_OK);
    }
}

rc_code_t rc_http_perform(rc_http_blocking_t *client, const rc_http_request_t *request, rc_http_chunk_fn *chunk,
                          void *opaque, const atomic_bool *cancelled, rc_http_answer_t *answer, rc_error_t *error)
{
    exchange_t *exchange = &client->exchange;
    rc_code_t code = load_exchange(exchange, request, error);
    if (code != RC_OK) goto cleanup;
    exchange->chunk = chunk;
    exchange->opaque = opaque;
    RC_INVARIANT(curl_multi_add_handle(client->multi, exchange->easy) == CURLM_OK);
    CURLcode result = drive(client, cancelled);
    code = finish_exchange(exchange, result, error);
    (void)curl_multi_remove_handle(client->multi, exchange->easy);
    if (code == RC_OK) *answer = exchange->answer;

cleanup:
    curl_slist_free_all(exchange->headers);
    exchange->headers = NULL;
    SET(exchange->easy, CURLOPT_HTTPHEADER, NULL);
    return code;
}
