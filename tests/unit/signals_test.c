/* common/signals: a signal is a flag that somebody waits for. */
#include "common/signals.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "tests/support/unit.h"

static atomic_bool stop;

START_TEST(a_signal_sets_the_flag_and_is_named)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    for (size_t i = 0; i < 2; i++) {
        atomic_store(&stop, false);
        rc_signals_open(&stop);
        ck_assert_int_eq(kill(getpid(), numbers[i]), 0);
        ck_assert_int_eq(rc_signals_wait(), numbers[i]);
        ck_assert(atomic_load(&stop));
        rc_signals_close();
    }
}
END_TEST

static void *set_flag(void *opaque)
{
    (void)opaque;
    atomic_store(&stop, true);
    return NULL;
}

START_TEST(somebody_else_may_set_the_flag)
{
    pthread_t thread;
    atomic_store(&stop, false);
    rc_signals_open(&stop);
    ck_assert_int_eq(pthread_create(&thread, NULL, set_flag, NULL), 0);
    ck_assert_int_eq(rc_signals_wait(), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    rc_signals_close();
}
END_TEST

static volatile sig_atomic_t own;

static void on_own(int number)
{
    own = number;
}

START_TEST(afterwards_signals_do_what_they_did_before)
{
    (void)signal(SIGTERM, on_own);
    atomic_store(&stop, false);
    rc_signals_open(&stop);
    rc_signals_close();
    rc_signals_close(); /* twice is fine */
    ck_assert_int_eq(raise(SIGTERM), 0);
    ck_assert_int_eq(own, SIGTERM);
    ck_assert(!atomic_load(&stop));
}
END_TEST

START_TEST(a_pipe_without_a_reader_ends_nobody)
{
    int ends[2];
    rc_signals_open(&stop);
    ck_assert_int_eq(pipe(ends), 0);
    (void)close(ends[0]);
    ck_assert_int_eq(write(ends[1], "x", 1), -1);
    (void)close(ends[1]);
    rc_signals_close();
}
END_TEST

/* A handler that was started before, on another thread, runs after the end. */
START_TEST(a_signal_that_comes_late_is_passed_over)
{
    struct sigaction ours;
    atomic_store(&stop, false);
    rc_signals_open(&stop);
    ck_assert_int_eq(sigaction(SIGTERM, NULL, &ours), 0);
    rc_signals_close();
    ours.sa_handler(SIGTERM);
    ck_assert(!atomic_load(&stop));
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("signals");
    TCase *tests = tcase_create("signals");
    tcase_add_test(tests, a_signal_sets_the_flag_and_is_named);
    tcase_add_test(tests, somebody_else_may_set_the_flag);
    tcase_add_test(tests, afterwards_signals_do_what_they_did_before);
    tcase_add_test(tests, a_pipe_without_a_reader_ends_nobody);
    tcase_add_test(tests, a_signal_that_comes_late_is_passed_over);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return rc_unit_run(suite());
}
