/* common/loop: who is called when, and on which thread. */
#include "common/loop.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/error.h"
#include "tests/support/unit.h"

static rc_loop_t *loop;

static void start(void)
{
    loop = rc_loop_new();
}

static void finish(void)
{
    rc_loop_free(loop);
}

static void stop(void *opaque)
{
    (void)opaque;
    rc_loop_stop(loop);
}

/* ---- Posts ---- */

enum { THREADS = 4, POSTS = 5000 };

typedef struct {
    int thread;
    int number;
} ticket_t;

static ticket_t tickets[THREADS][POSTS];
static int next_number[THREADS], delivered;
static pthread_t loop_thread;

static void take_ticket(void *opaque)
{
    ticket_t *ticket = opaque;
    ck_assert(pthread_equal(pthread_self(), loop_thread));
    ck_assert_int_eq(ticket->number, next_number[ticket->thread]++);
    if (++delivered == THREADS * POSTS) rc_loop_stop(loop);
}

static void *post_all(void *opaque)
{
    int thread = *(int *)opaque;
    for (int i = 0; i < POSTS; i++) {
        tickets[thread][i] = (ticket_t){thread, i};
        rc_loop_post(loop, take_ticket, &tickets[thread][i]);
    }
    return NULL;
}

START_TEST(posts_of_many_threads_all_arrive_in_order_on_the_loops_thread)
{
    pthread_t threads[THREADS];
    int numbers[THREADS];
    loop_thread = pthread_self();
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, post_all, &numbers[i]), 0);
    }
    rc_loop_run(loop);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    ck_assert_int_eq(delivered, THREADS * POSTS);
}
END_TEST

static void count_up(void *opaque)
{
    ++*(int *)opaque;
}

static int freed_posts;

static void post_another(void *opaque)
{
    if (++freed_posts < 3) rc_loop_post(loop, post_another, opaque);
}

START_TEST(posts_that_nobody_ran_run_when_the_loop_is_freed)
{
    rc_loop_t *own = rc_loop_new();
    int count = 0;
    for (int i = 0; i < 10; i++) rc_loop_post(own, count_up, &count);
    rc_loop_free(own);
    ck_assert_int_eq(count, 10);
    rc_loop_post(loop, post_another, NULL);
    rc_loop_free(loop);
    ck_assert_int_eq(freed_posts, 3);
    loop = NULL;
}
END_TEST

static bool reposting = true;

static void repost(void *opaque)
{
    if (reposting) rc_loop_post(loop, repost, opaque);
}

START_TEST(a_post_that_posts_itself_keeps_no_timer_from_its_turn)
{
    rc_loop_timer_t *timer = rc_loop_timer_new(loop, stop, NULL);
    rc_loop_post(loop, repost, NULL);
    rc_loop_timer_start(timer, 5, 0);
    rc_loop_run(loop);
    ck_assert(!rc_loop_timer_is_running(timer));
    reposting = false;
}
END_TEST

/* ---- Timers ---- */

typedef struct {
    rc_loop_timer_t *timer;
    int fired;
    int stop_after;
    bool free_itself;
} tick_t;

static void tick(void *opaque)
{
    tick_t *state = opaque;
    if (++state->fired < state->stop_after) return;
    if (state->free_itself) rc_loop_timer_free(state->timer);
    rc_loop_stop(loop);
}

START_TEST(a_timer_fires_once_and_not_early)
{
    tick_t state = {.stop_after = 1};
    rc_mono_t before = rc_mono_now();
    state.timer = rc_loop_timer_new(loop, tick, &state);
    rc_loop_timer_start(state.timer, 30, 0);
    ck_assert(rc_loop_timer_is_running(state.timer));
    rc_loop_run(loop);
    /* libuv's clock and ours are both cut to milliseconds. */
    ck_assert_int_ge(rc_mono_now().ms - before.ms, 29);
    ck_assert_int_eq(state.fired, 1);
    ck_assert(!rc_loop_timer_is_running(state.timer));
}
END_TEST

START_TEST(a_timer_repeats_until_it_is_freed_from_its_own_callback)
{
    tick_t state = {.stop_after = 4, .free_itself = true};
    state.timer = rc_loop_timer_new(loop, tick, &state);
    rc_loop_timer_start(state.timer, 0, 2);
    rc_loop_run(loop);
    ck_assert_int_eq(state.fired, 4);
}
END_TEST

START_TEST(a_stopped_timer_does_not_fire_and_a_restarted_one_fires_once)
{
    tick_t stopped = {.stop_after = 1}, restarted = {.stop_after = 1};
    stopped.timer = rc_loop_timer_new(loop, tick, &stopped);
    restarted.timer = rc_loop_timer_new(loop, tick, &restarted);
    rc_loop_timer_start(stopped.timer, 1, 0);
    rc_loop_timer_stop(stopped.timer);
    rc_loop_timer_start(restarted.timer, 1, 0);
    rc_loop_timer_start(restarted.timer, 10, 0);
    rc_loop_run(loop);
    ck_assert_int_eq(stopped.fired, 0);
    ck_assert_int_eq(restarted.fired, 1);
}
END_TEST

START_TEST(the_loops_clock_is_the_monotonic_one)
{
    rc_loop_post(loop, stop, NULL);
    rc_loop_run(loop);
    int64_t lag_ms = rc_mono_now().ms - rc_loop_now(loop).ms;
    ck_assert_int_ge(lag_ms, -1);
    ck_assert_int_lt(lag_ms, 5000);
}
END_TEST

/* ---- Descriptors ---- */

typedef struct {
    rc_loop_watch_t *watch;
    int fd;
    int seen;
    int calls;
    bool free_itself;
} look_t;

static void look(void *opaque, int events)
{
    look_t *state = opaque;
    state->seen |= events;
    state->calls++;
    if (state->free_itself) {
        rc_loop_watch_free(state->watch);
        (void)close(state->fd);
    } else {
        rc_loop_watch_set(state->watch, 0);
    }
    rc_loop_stop(loop);
}

START_TEST(a_watch_reports_what_was_asked_for)
{
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    look_t state = {.fd = pair[0]};
    state.watch = rc_loop_watch_new(loop, pair[0], look, &state);
    rc_loop_watch_set(state.watch, RC_LOOP_WRITE);
    rc_loop_run(loop);
    ck_assert_int_eq(state.seen, RC_LOOP_WRITE);
    ck_assert_int_eq(write(pair[1], "x", 1), 1);
    state.seen = 0;
    rc_loop_watch_set(state.watch, RC_LOOP_READ);
    rc_loop_run(loop);
    ck_assert_int_eq(state.seen, RC_LOOP_READ);
    /* Level-triggered: the byte is still there. */
    rc_loop_watch_set(state.watch, RC_LOOP_READ | RC_LOOP_WRITE);
    rc_loop_run(loop);
    ck_assert_int_eq(state.seen, RC_LOOP_READ | RC_LOOP_WRITE);
    ck_assert_int_eq(state.calls, 3);
    rc_loop_watch_free(state.watch);
    close(pair[0]);
    close(pair[1]);
}
END_TEST

/* Each start of it moves on the time, as a lane that takes records for a while, and has more of them, does. */
typedef struct {
    rc_loop_timer_t *timers[2];
    int fired;
} relay_t;

enum { RELAY_MAX = 500 };

static void pass_on(void *opaque)
{
    relay_t *relay = opaque;
    rc_mono_t before = rc_mono_now();
    while (rc_mono_now().ms < before.ms + 2) continue;
    if (++relay->fired < RELAY_MAX)
        rc_loop_timer_start(relay->timers[relay->fired % 2], 0, 0);
    else
        rc_loop_stop(loop);
}

START_TEST(timers_that_start_each_other_keep_no_descriptor_from_its_turn)
{
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    ck_assert_int_eq((int)write(pair[1], "x", 1), 1);
    look_t state = {.fd = pair[0]};
    state.watch = rc_loop_watch_new(loop, pair[0], look, &state);
    rc_loop_watch_set(state.watch, RC_LOOP_READ);
    relay_t relay = {.fired = 0};
    for (int i = 0; i < 2; i++) relay.timers[i] = rc_loop_timer_new(loop, pass_on, &relay);
    rc_loop_timer_start(relay.timers[0], 0, 0);
    rc_loop_run(loop);
    ck_assert_int_eq(state.calls, 1);
    ck_assert_int_lt(relay.fired, 5);
    (void)close(pair[1]);
}
END_TEST

START_TEST(a_hang_up_reads_as_readable_and_the_descriptor_may_be_reused_at_once)
{
    for (int round = 0; round < 3; round++) {
        int pair[2];
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        look_t state = {.fd = pair[0], .free_itself = true};
        state.watch = rc_loop_watch_new(loop, pair[0], look, &state);
        rc_loop_watch_set(state.watch, RC_LOOP_READ);
        close(pair[1]);
        rc_loop_run(loop);
        ck_assert_int_eq(state.seen, RC_LOOP_READ);
    }
}
END_TEST

/* ---- Signals and stopping ---- */

START_TEST(a_stop_before_the_run_ends_that_run_only)
{
    int count = 0;
    rc_loop_stop(loop);
    rc_loop_run(loop);
    rc_loop_post(loop, count_up, &count);
    rc_loop_post(loop, stop, NULL);
    rc_loop_run(loop);
    ck_assert_int_eq(count, 1);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("loop");
    TCase *tests = tcase_create("loop");
    tcase_add_checked_fixture(tests, start, finish);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, posts_of_many_threads_all_arrive_in_order_on_the_loops_thread);
    tcase_add_test(tests, posts_that_nobody_ran_run_when_the_loop_is_freed);
    tcase_add_test(tests, a_timer_fires_once_and_not_early);
    tcase_add_test(tests, a_timer_repeats_until_it_is_freed_from_its_own_callback);
    tcase_add_test(tests, a_stopped_timer_does_not_fire_and_a_restarted_one_fires_once);
    tcase_add_test(tests, the_loops_clock_is_the_monotonic_one);
    tcase_add_test(tests, a_watch_reports_what_was_asked_for);
    tcase_add_test(tests, a_hang_up_reads_as_readable_and_the_descriptor_may_be_reused_at_once);
    tcase_add_test(tests, a_stop_before_the_run_ends_that_run_only);
    tcase_add_test(tests, a_post_that_posts_itself_keeps_no_timer_from_its_turn);
    tcase_add_test(tests, timers_that_start_each_other_keep_no_descriptor_from_its_turn);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return rc_unit_run(suite());
}
