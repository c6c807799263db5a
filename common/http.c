#include "common/http.h"

#include <stdlib.h>

#include "common/http_exchange.h"
#include "common/mem.h"

enum { KEPT_CALLS = 256, KEPT_CONNECTIONS = 1024 };

struct rc_http_call {
    rc_http_exchange_t exchange; /* first: CURLOPT_PRIVATE */
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
    return call;
}

static void finish_call(rc_http_call_t *call, CURLcode result)
{
    rc_error_t error = RC_ERROR_INIT;
    rc_code_t code = rc_http_exchange_finish(&call->exchange, result, &error);
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
    rc_http_need_curl();
    rc_http_t *http = rc_zalloc(sizeof *http);
    http->loop = loop;
    http->options.proxy = rc_strdup(options->proxy);
    http->options.ca_file = rc_strdup(options->ca_file);
    http->timer = rc_loop_timer_new(loop, on_timeout, http);
    http->refused_timer = rc_loop_timer_new(loop, on_refused, http);
    http->multi = curl_multi_init();
    if (!http->multi) RC_DIE("out of memory (a curl multi handle)");
    RC_CURL_SET_MULTI(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket_change);
    RC_CURL_SET_MULTI(http->multi, CURLMOPT_SOCKETDATA, http);
    RC_CURL_SET_MULTI(http->multi, CURLMOPT_TIMERFUNCTION, on_timer_change);
    RC_CURL_SET_MULTI(http->multi, CURLMOPT_TIMERDATA, http);
    RC_CURL_SET_MULTI(http->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
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
    if (rc_http_exchange_load(&call->exchange, request, &call->error) == RC_OK) {
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
