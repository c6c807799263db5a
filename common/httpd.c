#include "common/httpd.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/later.h"
#include "common/listen.h"

enum {
    CONNECTION_MEMORY_BYTES = 65536, /* also the longest request head: a list of 250 ids must fit */
    IDLE_SECONDS = 120,
    DEFAULT_CONNECTIONS = 1000,
    MAX_REPLY_BYTES = 1 << 30
};

struct rc_httpd {
    struct MHD_Daemon *daemon;
    rc_later_t *later;
    rc_httpd_route_t *routes;
    size_t route_count;
    size_t max_body_bytes;
    rc_listen_t listen;
    char address[RC_LISTEN_STR_SIZE];
};

/* One request and its answer, from the first line to the last byte. microhttpd calls for one connection never overlap;
 * between suspend and resume the timer thread holds it. */
struct rc_httpd_exchange {
    rc_httpd_t *httpd;
    struct MHD_Connection *connection;
    char *target;
    rc_arena_t *arena;
    rc_buf_t body;
    bool head_seen;
    bool deferred; /* the handler has been called: somebody will answer */
    bool answered; /* what remains is to send */
    struct MHD_Response *response;
    rc_httpd_ending_t ending;
    int status;
    rc_httpd_pair_t *headers;
    size_t header_count;
    void (*done)(void *arg);
    void *done_arg;
};

/* ---- the answer ---- */

void rc_httpd_reply_header(rc_httpd_reply_t *reply, const char *name, const char *value)
{
    rc_httpd_exchange_t *exchange = reply->exchange;
    exchange->headers = rc_realloc(exchange->headers, (exchange->header_count + 1) * sizeof *exchange->headers);
    exchange->headers[exchange->header_count++] =
        (rc_httpd_pair_t){rc_arena_strdup(exchange->arena, name), rc_arena_strdup(exchange->arena, value)};
}

void rc_httpd_reply_text(rc_httpd_reply_t *reply, int status, const char *text)
{
    reply->status = status;
    reply->content_type = "text/plain; charset=utf-8";
    rc_buf_reset(&reply->body);
    (void)rc_buf_add_str(&reply->body, text);
}

void rc_httpd_reply_json(rc_httpd_reply_t *reply, int status, json_t *json)
{
    char *text = rc_json_text(json, false);
    rc_httpd_reply_text(reply, status, text);
    reply->content_type = "application/json";
    free(text);
    json_decref(json);
}

/* Half of a body, then the end of the connection (RC_HTTPD_CUT). */
typedef struct {
    char *data;
    size_t half_bytes;
} half_t;

static ssize_t half_read(void *arg, uint64_t position, char *out, size_t room)
{
    const half_t *half = arg;
    if (position >= half->half_bytes) return MHD_CONTENT_READER_END_WITH_ERROR;
    size_t left = half->half_bytes - (size_t)position;
    size_t size = left < room ? left : room;
    memcpy(out, half->data + position, size);
    return (ssize_t)size;
}

static void half_free(void *arg)
{
    half_t *half = arg;
    free(half->data);
    free(half);
}

static struct MHD_Response *half_response(char *data, size_t size_bytes)
{
    half_t *half = rc_alloc(sizeof *half);
    *half = (half_t){data, size_bytes / 2};
    return MHD_create_response_from_callback(size_bytes, 16384, half_read, half, half_free);
}

static void response_build(rc_httpd_exchange_t *exchange, rc_httpd_reply_t *reply)
{
    size_t size_bytes = reply->body.size_bytes;
    char *data = rc_buf_take(&reply->body);
    exchange->response = reply->ending == RC_HTTPD_CUT
                             ? half_response(data, size_bytes)
                             : MHD_create_response_from_buffer(size_bytes, data, MHD_RESPMEM_MUST_FREE);
    RC_INVARIANT(exchange->response != NULL);
    if (reply->content_type)
        (void)MHD_add_response_header(exchange->response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type);
    for (size_t i = 0; i < exchange->header_count; i++)
        (void)MHD_add_response_header(exchange->response, exchange->headers[i].name, exchange->headers[i].value);
}

static enum MHD_Result send_answer(rc_httpd_exchange_t *exchange)
{
    if (exchange->ending == RC_HTTPD_DROP) return MHD_NO;
    return MHD_queue_response(exchange->connection, (unsigned)exchange->status, exchange->response);
}

static void resume(void *arg)
{
    rc_httpd_exchange_t *exchange = arg;
    (void)MHD_resume_connection(exchange->connection);
}

static void resume_to_drop(void *arg)
{
    rc_httpd_exchange_t *exchange = arg;
    exchange->ending = RC_HTTPD_DROP;
    resume(exchange);
}

static void take_answer(rc_httpd_exchange_t *exchange, rc_httpd_reply_t *reply)
{
    exchange->answered = true;
    exchange->ending = reply->ending;
    exchange->status = reply->status;
    exchange->done = reply->done;
    exchange->done_arg = reply->done_arg;
    response_build(exchange, reply);
}

rc_httpd_exchange_t *rc_httpd_defer(rc_httpd_reply_t *reply)
{
    rc_httpd_exchange_t *exchange = reply->exchange;
    exchange->deferred = true;
    MHD_suspend_connection(exchange->connection);
    return exchange;
}

void rc_httpd_answer(rc_httpd_exchange_t *exchange, int status, const char *content_type, const char *text,
                     const char *retry_after)
{
    rc_httpd_reply_t reply = {.body = RC_BUF_INIT(MAX_REPLY_BYTES), .exchange = exchange};
    rc_httpd_reply_text(&reply, status, text);
    reply.content_type = content_type;
    if (retry_after) rc_httpd_reply_header(&reply, MHD_HTTP_HEADER_RETRY_AFTER, retry_after);
    take_answer(exchange, &reply);
    resume(exchange);
}

static enum MHD_Result finish(rc_httpd_exchange_t *exchange, rc_httpd_reply_t *reply)
{
    take_answer(exchange, reply);
    if (reply->delay_ms <= 0) return send_answer(exchange);
    MHD_suspend_connection(exchange->connection);
    rc_later_add(exchange->httpd->later, reply->delay_ms, resume, resume_to_drop, exchange);
    return MHD_YES;
}

/* ---- the request ---- */

const char *rc_httpd_arg(const rc_httpd_request_t *request, const char *name)
{
    for (size_t i = 0; i < request->arg_count; i++)
        if (!strcmp(request->args[i].name, name)) return request->args[i].value;
    return NULL;
}

const char *rc_httpd_header(const rc_httpd_request_t *request, const char *name)
{
    return MHD_lookup_connection_value(request->exchange->connection, MHD_HEADER_KIND, name);
}

static bool path_matches(const char *pattern, const char *path)
{
    size_t length = strlen(pattern);
    if (length >= 2 && !strcmp(pattern + length - 2, "/*")) return !strncmp(pattern, path, length - 1);
    return !strcmp(pattern, path);
}

/* The route that serves the request, or NULL with *allow naming the methods that the path has ("": none). */
static const rc_httpd_route_t *route_find(const rc_httpd_t *httpd, const char *method, const char *path,
                                          rc_buf_t *allow)
{
    const rc_httpd_route_t *starred = NULL;
    for (size_t i = 0; i < httpd->route_count; i++) {
        const rc_httpd_route_t *route = &httpd->routes[i];
        if (!path_matches(route->path, path)) continue;
        bool literal = !strcmp(route->path, path);
        if (route->method && strcmp(route->method, method) != 0)
            (void)rc_buf_add_format(allow, "%s%s", allow->size_bytes ? ", " : "", route->method);
        else if (literal)
            return route;
        else if (!starred)
            starred = route;
    }
    return starred;
}

static bool is_loopback(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (!info || !info->client_addr) return false;
    struct sockaddr_in6 address = {0};
    if (info->client_addr->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, info->client_addr, sizeof v4);
        return ntohl(v4.sin_addr.s_addr) >> 24 == 127;
    }
    if (info->client_addr->sa_family != AF_INET6) return false;
    memcpy(&address, info->client_addr, sizeof address);
    return IN6_IS_ADDR_LOOPBACK(&address.sin6_addr);
}

static void dispatch(rc_httpd_exchange_t *exchange, const char *method, rc_httpd_reply_t *reply)
{
    rc_error_t error = RC_ERROR_INIT;
    rc_httpd_target_t target;
    rc_buf_t allow = RC_BUF_INIT(256);
    if (rc_httpd_target_parse(exchange->arena, exchange->target, &target, &error)) {
        rc_httpd_reply_text(reply, 400, error.message);
        return;
    }
    if (!strcmp(method, MHD_HTTP_METHOD_HEAD)) method = MHD_HTTP_METHOD_GET;
    const rc_httpd_route_t *route = route_find(exchange->httpd, method, target.path, &allow);
    if (route) {
        rc_httpd_request_t request = {
            .method = method,
            .target = exchange->target,
            .path = target.path,
            .segments = target.segments,
            .segment_count = target.segment_count,
            .args = target.args,
            .arg_count = target.arg_count,
            .body = exchange->body.data ? exchange->body.data : "",
            .body_size_bytes = exchange->body.size_bytes,
            .loopback = is_loopback(exchange->connection),
            .arena = exchange->arena,
            .exchange = exchange,
        };
        route->handler(&request, reply, route->arg);
    } else if (allow.size_bytes) {
        rc_httpd_reply_header(reply, MHD_HTTP_HEADER_ALLOW, allow.data);
        rc_httpd_reply_text(reply, 405, "this method is not served here\n");
    } else {
        rc_httpd_reply_text(reply, 404, "there is nothing at this address\n");
    }
    rc_buf_fini(&allow);
}

static void too_large(const rc_httpd_t *httpd, rc_httpd_reply_t *reply)
{
    char text[96];
    (void)snprintf(text, sizeof text, "the body is longer than %zu bytes\n", httpd->max_body_bytes);
    rc_httpd_reply_text(reply, 413, text);
}

static bool announces_too_much(const rc_httpd_exchange_t *exchange)
{
    const char *length =
        MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    return length && strtoull(length, NULL, 10) > exchange->httpd->max_body_bytes;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *data, size_t *data_size, void **state)
{
    rc_httpd_exchange_t *exchange = *state;
    rc_httpd_reply_t reply = {.status = 200, .body = RC_BUF_INIT(MAX_REPLY_BYTES), .exchange = exchange};
    (void)arg, (void)connection, (void)url, (void)version;
    if (exchange->answered) return send_answer(exchange);
    if (!exchange->head_seen) {
        exchange->head_seen = true;
        if (!announces_too_much(exchange)) return MHD_YES;
        too_large(exchange->httpd, &reply);
        return finish(exchange, &reply);
    }
    if (*data_size) {
        /* What is too long is read to its end, for microhttpd answers only then; memory stays bounded. */
        if (!exchange->body.overflowed) (void)rc_buf_add(&exchange->body, data, *data_size);
        *data_size = 0;
        return MHD_YES;
    }
    if (exchange->body.overflowed)
        too_large(exchange->httpd, &reply);
    else
        dispatch(exchange, method, &reply);
    if (exchange->deferred) {
        rc_buf_fini(&reply.body);
        return MHD_YES;
    }
    /* Half of nothing cannot be announced. */
    if (reply.ending == RC_HTTPD_CUT && reply.body.size_bytes < 2) reply.ending = RC_HTTPD_DROP;
    return finish(exchange, &reply);
}

/* Called first of all, with the target as it was sent: microhttpd's own url is already decoded, and an encoded slash
 * could not be told from a real one. What it returns becomes *state of on_request. */
static void *on_target(void *arg, const char *target, struct MHD_Connection *connection)
{
    rc_httpd_t *httpd = arg;
    rc_httpd_exchange_t *exchange = rc_zalloc(sizeof *exchange);
    exchange->httpd = httpd;
    exchange->connection = connection;
    exchange->target = rc_strdup(target);
    exchange->arena = rc_arena_new();
    exchange->body = RC_BUF_INIT(httpd->max_body_bytes);
    return exchange;
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode reason)
{
    rc_httpd_exchange_t *exchange = *state;
    (void)arg, (void)connection, (void)reason;
    if (!exchange) return;
    if (exchange->response) MHD_destroy_response(exchange->response);
    if (exchange->done) exchange->done(exchange->done_arg);
    rc_buf_fini(&exchange->body);
    rc_arena_free(exchange->arena);
    free(exchange->headers);
    free(exchange->target);
    free(exchange);
    *state = NULL;
}

/* ---- the server ---- */

rc_code_t rc_httpd_new(const rc_httpd_options_t *options, rc_httpd_t **out, rc_error_t *error)
{
    rc_httpd_t *httpd = rc_zalloc(sizeof *httpd);
    int fd = -1;
    bool six = false;
    sigset_t all, saved;
    rc_code_t code = rc_listen_parse(options->listen, &httpd->listen, error);
    if (!code) code = rc_listen_open(&httpd->listen, &fd, &six, error);
    if (code) goto cleanup;
    (void)rc_listen_str(&httpd->listen, httpd->address);
    httpd->routes = rc_calloc(options->route_count, sizeof *httpd->routes);
    memcpy(httpd->routes, options->routes, options->route_count * sizeof *httpd->routes);
    httpd->route_count = options->route_count;
    httpd->max_body_bytes = options->max_body_bytes;
    httpd->later = rc_later_new();

    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
    if (six) flags |= MHD_USE_IPv6;
    struct MHD_OptionItem items[] = {
        {MHD_OPTION_THREAD_POOL_SIZE, options->threads > 1 ? (intptr_t)options->threads : 0, NULL},
        {MHD_OPTION_CONNECTION_LIMIT,
         options->max_connections ? (intptr_t)options->max_connections : DEFAULT_CONNECTIONS, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY_BYTES, NULL},
        {MHD_OPTION_LISTEN_SOCKET, fd, NULL},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, httpd},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)on_target, httpd},
        {MHD_OPTION_END, 0, NULL},
    };
    /* The program's signals are for its own threads. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &saved);
    httpd->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, httpd, MHD_OPTION_ARRAY, items, MHD_OPTION_END);
    (void)pthread_sigmask(SIG_SETMASK, &saved, NULL);
    if (!httpd->daemon) {
        code = rc_error_set(error, RC_IO, RC_FATAL, "the HTTP server on %s did not start: %s", options->listen,
                            strerror(errno));
        goto cleanup;
    }
    *out = httpd;
    httpd = NULL;
cleanup:
    rc_httpd_free(httpd);
    return code;
}

void rc_httpd_free(rc_httpd_t *httpd)
{
    if (!httpd) return;
    /* First the timers: microhttpd must not be stopped while a connection is suspended. */
    if (httpd->later) rc_later_stop(httpd->later);
    if (httpd->daemon) MHD_stop_daemon(httpd->daemon);
    rc_later_free(httpd->later);
    free(httpd->routes);
    free(httpd);
}

unsigned rc_httpd_port(const rc_httpd_t *httpd)
{
    return httpd->listen.port;
}

const char *rc_httpd_address(const rc_httpd_t *httpd)
{
    return httpd->address;
}

void rc_httpd_call_later(rc_httpd_t *httpd, int64_t delay_ms, void (*function)(void *arg), void (*give_up)(void *arg),
                         void *arg)
{
    rc_later_add(httpd->later, delay_ms, function, give_up, arg);
}
