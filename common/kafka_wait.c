#include "common/kafka_wait.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <threads.h>
#include <time.h>

#include "common/error.h"

static const int64_t SECOND_NS = 1000000000;

/* In glibc they are the same thing under two names. */
_Static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t) && sizeof(mtx_t) == sizeof(pthread_mutex_t), "glibc's threads");

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    RC_INVARIANT(clock_gettime(clock, &now) == 0);
    return now.tv_sec * SECOND_NS + now.tv_nsec;
}

/* Whoever is woken up too early waits for the same moment once more: how far off that was is known from the first time,
 * and the wall clock may have been set since. */
static struct timespec monotonic(const struct timespec *wall)
{
    static _Thread_local struct timespec known, its;
    if (wall->tv_sec == known.tv_sec && wall->tv_nsec == known.tv_nsec) return its;
    int64_t left_ns = wall->tv_sec * SECOND_NS + wall->tv_nsec - clock_ns(CLOCK_REALTIME);
    int64_t at_ns = clock_ns(CLOCK_MONOTONIC) + (left_ns > 0 ? left_ns : 0);
    known = *wall;
    its = (struct timespec){at_ns / SECOND_NS, at_ns % SECOND_NS};
    return its;
}

int cnd_timedwait(cnd_t *restrict cond, mtx_t *restrict mutex, const struct timespec *restrict until)
{
    struct timespec at = monotonic(until);
    int code = pthread_cond_clockwait((pthread_cond_t *)cond, (pthread_mutex_t *)mutex, CLOCK_MONOTONIC, &at);
    return code == 0 ? thrd_success : code == ETIMEDOUT ? thrd_timedout : thrd_error;
}

bool rc_kafka_wait_is_ours(void)
{
    return dlsym(RTLD_DEFAULT, "cnd_timedwait") == (void *)cnd_timedwait;
}
