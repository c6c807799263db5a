/* common/kafka_wait: librdkafka's threads wait as long as they mean to, whatever is done to the wall clock. */
#include "common/kafka_wait.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "common/time.h"
#include "tests/support/unit.h"

enum { HOUR_S = 3600 };

static atomic_int set_by_s; /* the wall clock */

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    int code = __real_clock_gettime(clock, now);
    if (clock == CLOCK_REALTIME) now->tv_sec += atomic_load(&set_by_s);
    return code;
}

static cnd_t cond;
static mtx_t mutex;

static struct timespec in_ms(int64_t delay_ms)
{
    struct timespec at;
    (void)__wrap_clock_gettime(CLOCK_REALTIME, &at);
    int64_t ns = at.tv_nsec + delay_ms * 1000000;
    return (struct timespec){at.tv_sec + ns / 1000000000, ns % 1000000000};
}

static void setup(void)
{
    atomic_store(&set_by_s, 0);
    ck_assert_int_eq(cnd_init(&cond), thrd_success);
    ck_assert_int_eq(mtx_init(&mutex, mtx_plain), thrd_success);
    ck_assert_int_eq(mtx_lock(&mutex), thrd_success);
}

static void teardown(void)
{
    mtx_unlock(&mutex);
    mtx_destroy(&mutex);
    cnd_destroy(&cond);
}

START_TEST(librdkafka_finds_our_function)
{
    ck_assert(rc_kafka_wait_is_ours());
}
END_TEST

START_TEST(a_wait_ends_at_its_moment)
{
    struct timespec at = in_ms(30), past = in_ms(-1000);
    rc_mono_t began = rc_mono_now();
    ck_assert_int_eq(cnd_timedwait(&cond, &mutex, &past), thrd_timedout);
    ck_assert_int_eq(cnd_timedwait(&cond, &mutex, &at), thrd_timedout);
    ck_assert_int_ge(rc_mono_now().ms - began.ms, 29);
}
END_TEST

static int set_back_and_wake(void *opaque)
{
    (void)opaque;
    mtx_lock(&mutex); /* it waits */
    atomic_store(&set_by_s, -HOUR_S);
    cnd_signal(&cond);
    mtx_unlock(&mutex);
    return 0;
}

/* As librdkafka waits on for the same moment, when it was woken up for something else. */
START_TEST(a_wait_that_is_taken_up_again_does_not_follow_a_clock_that_was_set_back)
{
    struct timespec at = in_ms(100);
    thrd_t thread;
    ck_assert_int_eq(thrd_create(&thread, set_back_and_wake, NULL), thrd_success);
    ck_assert_int_eq(cnd_timedwait(&cond, &mutex, &at), thrd_success);
    ck_assert_int_eq(cnd_timedwait(&cond, &mutex, &at), thrd_timedout);
    ck_assert_int_eq(thrd_join(thread, NULL), thrd_success);
    /* The next wait is for another moment, by the clock as it is now. */
    at = in_ms(10);
    ck_assert_int_eq(cnd_timedwait(&cond, &mutex, &at), thrd_timedout);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kafka_wait");
    TCase *waits = tcase_create("waits");
    tcase_add_checked_fixture(waits, setup, teardown);
    tcase_add_test(waits, librdkafka_finds_our_function);
    tcase_add_test(waits, a_wait_ends_at_its_moment);
    tcase_add_test(waits, a_wait_that_is_taken_up_again_does_not_follow_a_clock_that_was_set_back);
    suite_add_tcase(suite, waits);
    return rc_unit_run(suite);
}
