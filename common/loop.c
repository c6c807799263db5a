#include "common/loop.h"

#include <pthread.h>
#include <stdlib.h>
#include <uv.h>

#include "common/mem.h"

typedef struct {
    rc_loop_fn *fn;
    void *opaque;
} post_t;

typedef struct {
    post_t *posts;
    size_t count;
    size_t capacity;
} queue_t;

struct rc_loop {
    uv_loop_t uv;
    uint64_t looked_ms; /* at the time, when a timer was started */
    uv_async_t wakeup;
    pthread_mutex_t lock; /* guards `posted` */
    queue_t posted;
    queue_t delivering; /* swapped with `posted`, so that no callback runs under the lock */
};

struct rc_loop_watch {
    uv_poll_t poll;
    rc_loop_watch_fn *fn;
    void *opaque;
    int events;
};

struct rc_loop_timer {
    uv_timer_t timer;
    rc_loop_t *loop;
    rc_loop_fn *fn;
    void *opaque;
};

/* Runs what was posted before this call; true when there was something. What the callbacks post waits for the next
 * round, so that a function that posts itself does not keep descriptors and timers from their turn. */
static bool deliver(rc_loop_t *loop)
{
    (void)pthread_mutex_lock(&loop->lock);
    queue_t taken = loop->posted;
    loop->posted = loop->delivering;
    loop->posted.count = 0;
    (void)pthread_mutex_unlock(&loop->lock);
    for (size_t i = 0; i < taken.count; i++) taken.posts[i].fn(taken.posts[i].opaque);
    loop->delivering = taken;
    return taken.count > 0;
}

static void on_wakeup(uv_async_t *wakeup)
{
    (void)deliver(wakeup->data);
}

rc_loop_t *rc_loop_new(void)
{
    rc_loop_t *loop = rc_zalloc(sizeof *loop);
    RC_INVARIANT(pthread_mutex_init(&loop->lock, NULL) == 0);
    int fault = uv_loop_init(&loop->uv);
    if (!fault) fault = uv_async_init(&loop->uv, &loop->wakeup, on_wakeup);
    if (fault) RC_DIE("no event loop: %s; raise the limit of open files", uv_strerror(fault));
    loop->wakeup.data = loop;
    return loop;
}

static void on_owner_closed(uv_handle_t *handle)
{
    /* A watch or a timer begins with its handle. */
    free(handle);
}

static void close_handle(uv_handle_t *handle, void *opaque)
{
    (void)opaque;
    if (uv_is_closing(handle)) return;
    bool owned = handle->type == UV_POLL || handle->type == UV_TIMER;
    uv_close(handle, owned ? on_owner_closed : NULL);
}

void rc_loop_free(rc_loop_t *loop)
{
    if (!loop) return;
    while (deliver(loop)) continue;
    uv_walk(&loop->uv, close_handle, NULL);
    /* A stop that nobody ran into would end this early. */
    while (uv_run(&loop->uv, UV_RUN_DEFAULT) != 0) continue;
    RC_INVARIANT(uv_loop_close(&loop->uv) == 0);
    (void)pthread_mutex_destroy(&loop->lock);
    free(loop->posted.posts);
    free(loop->delivering.posts);
    free(loop);
}

void rc_loop_run(rc_loop_t *loop)
{
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void rc_loop_stop(rc_loop_t *loop)
{
    uv_stop(&loop->uv);
}

rc_mono_t rc_loop_now(const rc_loop_t *loop)
{
    uint64_t round_ms = uv_now(&loop->uv);
    return (rc_mono_t){(int64_t)(loop->looked_ms > round_ms ? loop->looked_ms : round_ms)};
}

static void on_poll(uv_poll_t *poll, int status, int uv_events)
{
    rc_loop_watch_t *watch = (rc_loop_watch_t *)poll;
    int events = 0;
    if (status < 0) {
        /* libuv has stopped the handle; whoever reads or writes now learns what is wrong. */
        events = watch->events;
        watch->events = 0;
    } else {
        if (uv_events & UV_READABLE) events |= RC_LOOP_READ;
        if (uv_events & UV_WRITABLE) events |= RC_LOOP_WRITE;
    }
    watch->fn(watch->opaque, events);
}

rc_loop_watch_t *rc_loop_watch_new(rc_loop_t *loop, int fd, rc_loop_watch_fn *fn, void *opaque)
{
    rc_loop_watch_t *watch = rc_zalloc(sizeof *watch);
    int fault = uv_poll_init(&loop->uv, &watch->poll, fd);
    if (fault) RC_DIE("file descriptor %d cannot be watched: %s", fd, uv_strerror(fault));
    watch->fn = fn;
    watch->opaque = opaque;
    return watch;
}

void rc_loop_watch_set(rc_loop_watch_t *watch, int events)
{
    if (events == watch->events) return;
    watch->events = events;
    int fault;
    if (events)
        fault = uv_poll_start(&watch->poll,
                              (events & RC_LOOP_READ ? UV_READABLE : 0) | (events & RC_LOOP_WRITE ? UV_WRITABLE : 0),
                              on_poll);
    else
        fault = uv_poll_stop(&watch->poll);
    RC_INVARIANT(fault == 0);
}

void rc_loop_watch_free(rc_loop_watch_t *watch)
{
    if (watch) uv_close((uv_handle_t *)&watch->poll, on_owner_closed);
}

static void on_timer(uv_timer_t *uv_timer)
{
    rc_loop_timer_t *timer = (rc_loop_timer_t *)uv_timer;
    timer->fn(timer->opaque);
}

rc_loop_timer_t *rc_loop_timer_new(rc_loop_t *loop, rc_loop_fn *fn, void *opaque)
{
    rc_loop_timer_t *timer = rc_zalloc(sizeof *timer);
    RC_INVARIANT(uv_timer_init(&loop->uv, &timer->timer) == 0);
    timer->loop = loop;
    timer->fn = fn;
    timer->opaque = opaque;
    return timer;
}

void rc_loop_timer_start(rc_loop_timer_t *timer, int64_t delay_ms, int64_t repeat_ms)
{
    RC_INVARIANT(delay_ms >= 0 && repeat_ms >= 0);
    /* libuv counts from the beginning of the round: after a long callback the timer would fire early. The round's time
     * itself must stay (no uv_update_time): before 1.46 libuv runs timers until none is due by it, and those that start
     * one another would keep descriptors and posts from their turn. */
    rc_loop_t *loop = timer->loop;
    uint64_t round_ms = uv_now(&loop->uv), now_ms = uv_hrtime() / 1000000;
    uint64_t late_ms = now_ms > round_ms ? now_ms - round_ms : 0;
    loop->looked_ms = round_ms + late_ms;
    RC_INVARIANT(uv_timer_start(&timer->timer, on_timer, (uint64_t)delay_ms + late_ms, (uint64_t)repeat_ms) == 0);
}

void rc_loop_timer_stop(rc_loop_timer_t *timer)
{
    (void)uv_timer_stop(&timer->timer);
}

bool rc_loop_timer_is_running(const rc_loop_timer_t *timer)
{
    return uv_is_active((const uv_handle_t *)&timer->timer);
}

void rc_loop_timer_free(rc_loop_timer_t *timer)
{
    if (timer) uv_close((uv_handle_t *)&timer->timer, on_owner_closed);
}

void rc_loop_post(rc_loop_t *loop, rc_loop_fn *fn, void *opaque)
{
    (void)pthread_mutex_lock(&loop->lock);
    queue_t *queue = &loop->posted;
    if (queue->count == queue->capacity) {
        queue->capacity = queue->capacity ? queue->capacity * 2 : 64;
        queue->posts = rc_realloc(queue->posts, queue->capacity * sizeof *queue->posts);
    }
    queue->posts[queue->count++] = (post_t){fn, opaque};
    bool first = queue->count == 1;
    (void)pthread_mutex_unlock(&loop->lock);
    /* Later posts ride on the wake-up of the first: whoever takes the queue takes them all. */
    if (first) RC_INVARIANT(uv_async_send(&loop->wakeup) == 0);
}
