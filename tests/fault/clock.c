/* Moves the wall clock of one program while it runs: preloaded (LD_PRELOAD), it adds to CLOCK_REALTIME the nanoseconds
 * that the file RC_CLOCK holds (int64, in this machine's order), read anew at every look. CLOCK_MONOTONIC stays as it
 * is, and a wait until a wall-clock moment goes on until that moment has come by the moved clock, as the kernel's does
 * when somebody sets the clock. It can stand beside death.so. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

static const int64_t SECOND_NS = 1000000000;
static const int64_t LOOK_NS = 100000000; /* a waiting thread looks so often whether the clock was moved */

/* glibc notes in a condition variable that its clock is the monotonic one. */
static const unsigned MONOTONIC_BIT = 2;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const volatile int64_t nothing = 0;
static const volatile int64_t *offset_ns = &nothing;

static void configure(void)
{
    const char *path = getenv("RC_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *shared = mmap(NULL, sizeof *offset_ns, PROT_READ, MAP_SHARED, file, 0);
    if (shared != MAP_FAILED) offset_ns = shared;
    (void)close(file);
}

static int64_t real_ns(void)
{
    struct timespec now;
    (void)syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
    return now.tv_sec * SECOND_NS + now.tv_nsec;
}

static int64_t moved_ns(void)
{
    (void)pthread_once(&once, configure);
    return real_ns() + *offset_ns;
}

static struct timespec timespec_of(int64_t ns)
{
    return (struct timespec){ns / SECOND_NS, ns % SECOND_NS};
}

/* --- what time it is --- */

int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)
        return syscall(SYS_clock_gettime, clock, now) == 0 ? 0 : -1;
    *now = timespec_of(moved_ns());
    return 0;
}

int timespec_get(struct timespec *now, int base)
{
    *now = timespec_of(moved_ns());
    return base;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    (void)zone;
    struct timespec precise = timespec_of(moved_ns());
    *now = (struct timeval){precise.tv_sec, precise.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *now)
{
    time_t seconds = (time_t)(moved_ns() / SECOND_NS);
    if (now) *now = seconds;
    return seconds;
}

/* --- until when --- */

/* In pieces; the end of one is a wake-up without a reason, which every caller has to expect. */
static int wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until)
{
    int64_t until_ns = until->tv_sec * SECOND_NS + until->tv_nsec, left_ns = until_ns - moved_ns();
    if (left_ns <= 0) left_ns = 0;
    struct timespec piece = timespec_of(real_ns() + (left_ns < LOOK_NS ? left_ns : LOOK_NS));
    int code = pthread_cond_clockwait(cond, mutex, CLOCK_REALTIME, &piece);
    return code == ETIMEDOUT && moved_ns() < until_ns ? 0 : code;
}

int pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until)
{
    if (cond->__data.__wrefs & MONOTONIC_BIT) return pthread_cond_clockwait(cond, mutex, CLOCK_MONOTONIC, until);
    return wait_until(cond, mutex, until);
}

/* In glibc both are the same thing under two names. */
int cnd_timedwait(cnd_t *restrict cond, mtx_t *restrict mutex, const struct timespec *restrict until)
{
    int code = wait_until((pthread_cond_t *)cond, (pthread_mutex_t *)mutex, until);
    return code == 0 ? thrd_success : code == ETIMEDOUT ? thrd_timedout : thrd_error;
}
