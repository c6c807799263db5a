#include "common/http.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/http_exchange.h"
#include "common/mem.h"

enum {
    KEPT_CALLS = 256,
    /* curl looks for an idle connection one after the other: with hundreds to one host that is most of what a request
     * costs. So that many calls go to a curl handle with connections of its own. */
    SHARD_CALLS = 64,
};

/* A curl handle with its connections and its timer. */
typedef struct {
    rc_http_t *http;
    CURLM *multi;
    rc_loop_timer_t *timer;
    bool is_due;   /* the timer goes off in this round */
    size_t active; /* calls */
} shard_t;

struct rc_http_call {
    rc_http_exchange_t exchange; /* first: CURLOPT_PRIVATE */
    rc_http_t *http;
    shard_t *shard;
    rc_http_done_fn *done;
    void *opaque;
    rc_http_call_t *next, *previous; /* in `active`; next also in `pool` and `refused` */
    bool is_refused;
    rc_error_t error; /* of a request that curl never saw */
};

typedef struct socket socket_t;

struct rc_http {
    rc_loop_t *loop;
    socket_t **sockets; /* by descriptor */
    size_t socket_capacity;
    shard_t **shards; /* the first ones are filled first, so that few calls need few connections */
    size_t shard_count;
    rc_http_options_t options;
    rc_loop_timer_t *refused_timer; /* so that an error known at once does not call back at once */
    rc_http_call_t *active;         /* all calls under way */
    rc_http_call_t *pool;
    size_t pooled;
};

/* A descriptor that curl uses. Those of connections keep their watch while they are idle between two requests, which
 * spares the loop two changes of its poll set for each; they end when curl closes them. */
struct socket {
    rc_http_t *http;
    shard_t *shard; /* NULL: not seen by one yet */
    rc_loop_watch_t *watch;
    int fd;
    bool is_connection; /* opened by us; others are the resolver's */
    bool is_idle;
    bool was_read; /* an answer arrived on it: it was made, so curl will say when it closes it */
};

static void free_call(rc_http_call_t *call)
{
    rc_http_exchange_fini(&call->exchange);
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
    rc_http_exchange_unload(&call->exchange);
    call->next = http->pool;
    http->pool = call;
    http->pooled++;
}

static void leave_shard(rc_http_call_t *call)
{
    (void)curl_multi_remove_handle(call->shard->multi, call->exchange.easy);
    call->shard->active--;
}

static void finish_call(rc_http_call_t *call, CURLcode result)
{
    rc_error_t error = RC_ERROR_INIT;
    rc_code_t code = rc_http_exchange_finish(&call->exchange, result, &error);
    leave_shard(call);
    unlink_call(call);
    call->done(call->opaque, code == RC_OK ? &call->exchange.answer : NULL, code == RC_OK ? NULL : &error);
    recycle_call(call);
}

static void finish_calls(shard_t *shard)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(shard->multi, &left)) != NULL) {
        char *call = NULL;
        CURLcode result = message->data.result;
        RC_INVARIANT(curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call) == CURLE_OK && call);
        finish_call((rc_http_call_t *)(void *)call, result);
    }
}

static void on_timeout(void *opaque)
{
    shard_t *shard = opaque;
    int running;
    shard->is_due = false;
    RC_INVARIANT(curl_multi_socket_action(shard->multi, CURL_SOCKET_TIMEOUT, 0, &running) == CURLM_OK);
    finish_calls(shard);
}

static void on_ready_socket(void *opaque, int events)
{
    socket_t *socket = opaque;
    shard_t *shard = socket->shard;
    if (socket->is_idle) {
        /* The server hangs up, or says what nobody asked for: curl finds out when it looks for a connection. */
        rc_loop_watch_set(socket->watch, 0);
        return;
    }
    if (events & RC_LOOP_READ) socket->was_read = true; /* while it connects, curl asks for writing alone */
    int flags = (events & RC_LOOP_READ ? CURL_CSELECT_IN : 0) | (events & RC_LOOP_WRITE ? CURL_CSELECT_OUT : 0);
    int running;
    RC_INVARIANT(curl_multi_socket_action(shard->multi, socket->fd, flags, &running) == CURLM_OK);
    finish_calls(shard);
}

/* ---- Descriptors ----
 *
 * libcurl 7.88 closes a connection that was never made (given up by a time-out, a cancelled call, the faster one
 * of two addresses) without calling close_connection. So such a one is forgotten when curl takes its eyes off it; and
 * whatever still stands under the number of a new descriptor was closed. */

static void remove_socket(socket_t *socket)
{
    rc_loop_watch_free(socket->watch);
    socket->http->sockets[socket->fd] = NULL;
    free(socket);
}

static socket_t *add_socket(rc_http_t *http, int fd, bool is_connection)
{
    size_t index = (size_t)fd;
    while (index >= http->socket_capacity) {
        size_t capacity = http->socket_capacity ? http->socket_capacity * 2 : 64;
        http->sockets = rc_realloc(http->sockets, capacity * sizeof *http->sockets);
        memset(http->sockets + http->socket_capacity, 0, (capacity - http->socket_capacity) * sizeof *http->sockets);
        http->socket_capacity = capacity;
    }
    if (http->sockets[index]) remove_socket(http->sockets[index]);
    socket_t *socket = rc_zalloc(sizeof *socket);
    socket->http = http;
    socket->fd = fd;
    socket->is_connection = is_connection;
    return http->sockets[index] = socket;
}

static socket_t *find_socket(const rc_http_t *http, int fd)
{
    return (size_t)fd < http->socket_capacity ? http->sockets[fd] : NULL;
}

static curl_socket_t open_connection(void *opaque, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd >= 0) (void)add_socket(opaque, fd, true);
    return fd;
}

static int close_connection(void *opaque, curl_socket_t fd)
{
    socket_t *socket = find_socket(opaque, fd);
    if (socket) remove_socket(socket);
    return close(fd);
}

static int on_socket_change(CURL *easy, curl_socket_t fd, int what, void *opaque, void *unused)
{
    (void)easy, (void)unused;
    shard_t *shard = opaque;
    socket_t *socket = find_socket(shard->http, fd);
    if (what == CURL_POLL_REMOVE) {
        if (!socket) return 0;
        socket->is_idle = true;
        if (!socket->is_connection || !socket->was_read) remove_socket(socket);
        return 0;
    }
    if (!socket) socket = add_socket(shard->http, fd, false);
    if (!socket->watch) socket->watch = rc_loop_watch_new(shard->http->loop, fd, on_ready_socket, socket);
    socket->shard = shard;
    socket->is_idle = false;
    rc_loop_watch_set(socket->watch,
                      (what & CURL_POLL_IN ? RC_LOOP_READ : 0) | (what & CURL_POLL_OUT ? RC_LOOP_WRITE : 0));
    return 0;
}

static int on_timer_change(CURLM *multi, long timeout_ms, void *opaque)
{
    (void)multi;
    shard_t *shard = opaque;
    if (timeout_ms == 0 && shard->is_due) return 0; /* for each of several calls */
    shard->is_due = timeout_ms == 0;
    if (timeout_ms < 0)
        rc_loop_timer_stop(shard->timer);
    else
        rc_loop_timer_start(shard->timer, timeout_ms, 0);
    return 0;
}

static shard_t *new_shard(rc_http_t *http)
{
    shard_t *shard = rc_zalloc(sizeof *shard);
    shard->http = http;
    shard->timer = rc_loop_timer_new(http->loop, on_timeout, shard);
    shard->multi = curl_multi_init();
    if (!shard->multi) RC_DIE("out of memory (a curl multi handle)");
    RC_CURL_SET_MULTI(shard->multi, CURLMOPT_SOCKETFUNCTION, on_socket_change);
    RC_CURL_SET_MULTI(shard->multi, CURLMOPT_SOCKETDATA, shard);
    RC_CURL_SET_MULTI(shard->multi, CURLMOPT_TIMERFUNCTION, on_timer_change);
    RC_CURL_SET_MULTI(shard->multi, CURLMOPT_TIMERDATA, shard);
    RC_CURL_SET_MULTI(shard->multi, CURLMOPT_MAXCONNECTS, (long)SHARD_CALLS);
    return shard;
}

static void free_shard(shard_t *shard)
{
    (void)curl_multi_cleanup(shard->multi);
    rc_loop_timer_free(shard->timer);
    free(shard);
}

static shard_t *find_shard(rc_http_t *http)
{
    for (size_t i = 0; i < http->shard_count; i++)
        if (http->shards[i]->active < SHARD_CALLS) return http->shards[i];
    http->shards = rc_realloc(http->shards, (http->shard_count + 1) * sizeof *http->shards);
    return http->shards[http->shard_count++] = new_shard(http);
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
    rc_http_exchange_init(&call->exchange, &http->options);
    RC_CURL_SET(call->exchange.easy, CURLOPT_PRIVATE, call);
    RC_CURL_SET(call->exchange.easy, CURLOPT_OPENSOCKETFUNCTION, open_connection);
    RC_CURL_SET(call->exchange.easy, CURLOPT_OPENSOCKETDATA, http);
    RC_CURL_SET(call->exchange.easy, CURLOPT_CLOSESOCKETFUNCTION, close_connection);
    RC_CURL_SET(call->exchange.easy, CURLOPT_CLOSESOCKETDATA, http);
    return call;
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
    rc_http_need_curl();
    rc_http_t *http = rc_zalloc(sizeof *http);
    http->loop = loop;
    http->options.proxy = rc_strdup(options->proxy);
    http->options.ca_file = rc_strdup(options->ca_file);
    http->refused_timer = rc_loop_timer_new(loop, on_refused, http);
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
    for (size_t i = 0; i < http->shard_count; i++) free_shard(http->shards[i]);
    free(http->shards);
    for (size_t i = 0; i < http->socket_capacity; i++) RC_INVARIANT(!http->sockets[i]);
    free(http->sockets);
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
    if (rc_http_exchange_load(&call->exchange, request, &call->error) == RC_OK) {
        call->shard = find_shard(http);
        call->shard->active++;
        RC_INVARIANT(curl_multi_add_handle(call->shard->multi, call->exchange.easy) == CURLM_OK);
    } else {
        call->is_refused = true;
        rc_loop_timer_start(http->refused_timer, 0, 0);
    }
    return call;
}

void rc_http_cancel(rc_http_call_t *call)
{
    unlink_call(call);
    if (!call->is_refused) leave_shard(call);
    call->is_refused = false;
    recycle_call(call);
}
