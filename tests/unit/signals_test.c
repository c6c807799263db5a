/* common/signals: a signal is a flag that somebody waits for. */
#include "common/signals.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"
#include "common/time.h"
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

/* --- an end that does not come --- */

typedef struct {
    int64_t bound_ms;
    bool by_signal;     /* else somebody else sets the flag */
    int again_after_ms; /* a second signal; -1: none */
} hanging_t;

static void sleep_ms(int delay_ms)
{
    int64_t until_ms = rc_mono_now().ms + delay_ms;
    while (rc_mono_now().ms < until_ms) (void)usleep(2000);
}

/* A process that does not end by itself within three seconds. Returns its exit code; *took_ms since its end began. */
static int end_of(const hanging_t *hanging, char *said, size_t said_bytes, int64_t *took_ms)
{
    int ends[2], status;
    ck_assert_int_eq(pipe(ends), 0);
    int64_t began_ms = rc_mono_now().ms;
    pid_t pid = fork();
    if (pid == 0) {
        const rc_log_options_t log = {.fd = ends[1], .level = RC_LEVEL_INFO, .format = RC_FORMAT_TEXT};
        rc_log_open(&log);
        atomic_store(&stop, !hanging->by_signal);
        rc_signals_open(&stop);
        rc_signals_set_bound(hanging->bound_ms);
        if (hanging->by_signal) (void)kill(getpid(), SIGTERM);
        (void)rc_signals_wait();
        if (hanging->again_after_ms >= 0) sleep_ms(hanging->again_after_ms);
        if (hanging->again_after_ms >= 0) (void)kill(getpid(), SIGINT);
        sleep_ms(3000);
        _exit(42);
    }
    (void)close(ends[1]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    *took_ms = rc_mono_now().ms - began_ms;
    ssize_t size = read(ends[0], said, said_bytes - 1);
    said[size > 0 ? size : 0] = '\0';
    (void)close(ends[0]);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

START_TEST(an_end_that_takes_too_long_is_cut_and_says_so)
{
    static const hanging_t hangings[] = {{100, true, -1}, {100, false, -1}};
    for (size_t i = 0; i < 2; i++) {
        char said[512];
        int64_t took_ms;
        ck_assert_int_eq(end_of(&hangings[i], said, sizeof said, &took_ms), 1);
        ck_assert_int_ge(took_ms, 100);
        ck_assert_int_lt(took_ms, 2000);
        ck_assert_ptr_nonnull(strstr(said, "ended at once"));
        ck_assert_ptr_nonnull(strstr(said, "took too long"));
    }
}
END_TEST

START_TEST(a_second_signal_ends_at_once)
{
    const hanging_t hanging = {60000, true, RC_SIGNALS_BURST_MS + 20};
    char said[512];
    int64_t took_ms;
    ck_assert_int_eq(end_of(&hanging, said, sizeof said, &took_ms), 1);
    ck_assert_int_lt(took_ms, 2000);
    ck_assert_ptr_nonnull(strstr(said, "second signal"));
}
END_TEST

START_TEST(one_ctrl_c_that_arrives_twice_is_one_signal)
{
    const hanging_t hanging = {1000, true, 0};
    char said[512];
    int64_t took_ms;
    ck_assert_int_eq(end_of(&hanging, said, sizeof said, &took_ms), 1);
    ck_assert_int_ge(took_ms, 1000);
    ck_assert_ptr_nonnull(strstr(said, "took too long"));
}
END_TEST

static atomic_int told_number, told_count;

static void told(void *opaque, int number)
{
    ck_assert_ptr_eq(opaque, &told_number);
    atomic_store(&told_number, number);
    atomic_fetch_add(&told_count, 1);
}

START_TEST(a_loop_is_told_of_the_first_signal_once)
{
    atomic_store(&stop, false);
    rc_signals_open(&stop);
    rc_signals_tell(told, &told_number);
    ck_assert_int_eq(kill(getpid(), SIGINT), 0);
    while (!atomic_load(&told_count)) (void)usleep(1000);
    ck_assert_int_eq(kill(getpid(), SIGTERM), 0);
    rc_signals_tell(NULL, NULL);
    rc_signals_close();
    ck_assert_int_eq(atomic_load(&told_number), SIGINT);
    ck_assert_int_eq(atomic_load(&told_count), 1);
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
    tcase_add_test(tests, an_end_that_takes_too_long_is_cut_and_says_so);
    tcase_add_test(tests, a_second_signal_ends_at_once);
    tcase_add_test(tests, one_ctrl_c_that_arrives_twice_is_one_signal);
    tcase_add_test(tests, a_loop_is_told_of_the_first_signal_once);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return rc_unit_run(suite());
}
