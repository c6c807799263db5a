#include "common/later.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include "common/error.h"
#include "common/mem.h"

typedef struct {
    int64_t due_ns; /* CLOCK_MONOTONIC */
    uint64_t order; /* of adding: equal moments keep it */
    rc_later_fn_t function, give_up;
    void *arg;
} call_t;

struct rc_later {
    pthread_t thread;
    pthread_mutex_t lock; /* of everything below */
    pthread_cond_t changed;
    call_t *heap; /* the earliest first */
    size_t count, capacity;
    uint64_t added;
    bool stopped;
    bool joined; /* the owner's */
};

static int64_t now_ns(void)
{
    struct timespec now;
    RC_INVARIANT(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static bool before(const call_t *a, const call_t *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

static void push(rc_later_t *later, call_t call)
{
    if (later->count == later->capacity) {
        later->capacity = later->capacity ? later->capacity * 2 : 64;
        later->heap = rc_realloc(later->heap, later->capacity * sizeof *later->heap);
    }
    size_t at = later->count++;
    for (; at && before(&call, &later->heap[(at - 1) / 2]); at = (at - 1) / 2)
        later->heap[at] = later->heap[(at - 1) / 2];
    later->heap[at] = call;
}

static call_t pop(rc_later_t *later)
{
    call_t first = later->heap[0], last = later->heap[--later->count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= later->count) break;
        if (child + 1 < later->count && before(&later->heap[child + 1], &later->heap[child])) child++;
        if (!before(&later->heap[child], &last)) break;
        later->heap[at] = later->heap[child];
        at = child;
    }
    later->heap[at] = last;
    return first;
}

static void *run(void *arg)
{
    rc_later_t *later = arg;
    (void)pthread_mutex_lock(&later->lock);
    while (!later->stopped) {
        if (!later->count) {
            (void)pthread_cond_wait(&later->changed, &later->lock);
            continue;
        }
        int64_t due_ns = later->heap[0].due_ns;
        if (due_ns > now_ns()) {
            struct timespec due = {.tv_sec = (time_t)(due_ns / 1000000000), .tv_nsec = (long)(due_ns % 1000000000)};
            (void)pthread_cond_timedwait(&later->changed, &later->lock, &due);
            continue;
        }
        call_t call = pop(later);
        (void)pthread_mutex_unlock(&later->lock);
        call.function(call.arg);
        (void)pthread_mutex_lock(&later->lock);
    }
    (void)pthread_mutex_unlock(&later->lock);
    return NULL;
}

rc_later_t *rc_later_new(void)
{
    rc_later_t *later = rc_zalloc(sizeof *later);
    pthread_condattr_t monotonic;
    sigset_t all, saved;
    (void)pthread_mutex_init(&later->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&later->changed, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &saved);
    int failed = pthread_create(&later->thread, NULL, run, later);
    (void)pthread_sigmask(SIG_SETMASK, &saved, NULL);
    if (failed) RC_DIE("no thread for timers could be started (error %d)", failed);
    return later;
}

void rc_later_add(rc_later_t *later, int64_t delay_ms, rc_later_fn_t function, rc_later_fn_t give_up, void *arg)
{
    (void)pthread_mutex_lock(&later->lock);
    bool stopped = later->stopped;
    if (!stopped) {
        call_t call = {now_ns() + delay_ms * 1000000, later->added++, function, give_up, arg};
        push(later, call);
        if (later->heap[0].order == call.order) (void)pthread_cond_signal(&later->changed);
    }
    (void)pthread_mutex_unlock(&later->lock);
    if (stopped && give_up) give_up(arg);
}

void rc_later_stop(rc_later_t *later)
{
    if (later->joined) return;
    (void)pthread_mutex_lock(&later->lock);
    later->stopped = true;
    (void)pthread_cond_signal(&later->changed);
    (void)pthread_mutex_unlock(&later->lock);
    (void)pthread_join(later->thread, NULL);
    later->joined = true;
    /* Nobody pushes any more, so the heap is ours. */
    while (later->count) {
        call_t call = pop(later);
        if (call.give_up) call.give_up(call.arg);
    }
}

void rc_later_free(rc_later_t *later)
{
    if (!later) return;
    rc_later_stop(later);
    (void)pthread_cond_destroy(&later->changed);
    (void)pthread_mutex_destroy(&later->lock);
    free(later->heap);
    free(later);
}
