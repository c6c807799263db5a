/* The event loop of a program: watched file descriptors, timers, and work posted from other threads. One thread runs a
 * loop and makes every call on it; rc_loop_post is the one call for other threads. Callbacks run on the loop's thread,
 * never from inside the call that asked for them. The one place with libuv. */
#ifndef RC_COMMON_LOOP_H
#define RC_COMMON_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/time.h"

typedef struct rc_loop rc_loop_t;
typedef struct rc_loop_watch rc_loop_watch_t;
typedef struct rc_loop_timer rc_loop_timer_t;

typedef void rc_loop_fn(void *opaque);
/* `events` is a set of RC_LOOP_READ and RC_LOOP_WRITE; an error or a hang-up of the descriptor raises what was asked
 * for. */
typedef void rc_loop_watch_fn(void *opaque, int events);

enum { RC_LOOP_READ = 1, RC_LOOP_WRITE = 2 };

/* Returns new (free with rc_loop_free). */
rc_loop_t *rc_loop_new(void);
/* Frees the loop and every watch and timer that is left. Posts that were not delivered yet run now, in
 * order, so that what they own is released. Not from a callback of the loop. NULL is fine. */
void rc_loop_free(rc_loop_t *loop);

/* Runs callbacks until rc_loop_stop; an idle loop waits. May be called again after it returned. */
void rc_loop_run(rc_loop_t *loop);
/* Makes rc_loop_run return after the present round of callbacks (the next rc_loop_run, when none is active). From
 * another thread: post a function that calls this. */
void rc_loop_stop(rc_loop_t *loop);
/* Monotonic time as the loop last looked at it (once a round, and when a timer starts): costs nothing, may lag behind
 * rc_mono_now. */
rc_mono_t rc_loop_now(const rc_loop_t *loop);

/* Watches a descriptor, for nothing yet. A descriptor has at most one watch. Borrows the descriptor: free the watch
 * before closing it. Returns new (free with rc_loop_watch_free, also from its own callback, or with the loop). */
rc_loop_watch_t *rc_loop_watch_new(rc_loop_t *loop, int fd, rc_loop_watch_fn *fn, void *opaque);
/* Sets what is watched for (level-triggered); 0 pauses. */
void rc_loop_watch_set(rc_loop_watch_t *watch, int events);
void rc_loop_watch_free(rc_loop_watch_t *watch); /* no callback follows; NULL is fine */

/* A timer, not running yet. Returns new (free with rc_loop_timer_free, also from its own callback, or with the loop).
 */
rc_loop_timer_t *rc_loop_timer_new(rc_loop_t *loop, rc_loop_fn *fn, void *opaque);
/* (Re)starts: fires after delay_ms (0: in the next round), then every repeat_ms; 0: once. Late firings are not made up
 * for. */
void rc_loop_timer_start(rc_loop_timer_t *timer, int64_t delay_ms, int64_t repeat_ms);
void rc_loop_timer_stop(rc_loop_timer_t *timer);
bool rc_loop_timer_is_running(const rc_loop_timer_t *timer);
void rc_loop_timer_free(rc_loop_timer_t *timer); /* no callback follows; NULL is fine */

/* Any thread: runs fn(opaque) on the loop's thread. All posts are delivered, in the order of the calls; a post made
 * while nobody runs the loop waits for the next rc_loop_run. */
void rc_loop_post(rc_loop_t *loop, rc_loop_fn *fn, void *opaque);

#endif
