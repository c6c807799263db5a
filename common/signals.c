#include "common/signals.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "common/error.h"
#include "common/log.h"
#include "common/time.h"

enum { EXIT_CODE = 1 /* failed */, LAST_WORD_S = 2 };

/* A signal handler reaches static storage only. It may run on any thread, and still run while the signals are closed.
 */
static atomic_bool *_Atomic stop_flag;
static atomic_int caught;
static atomic_llong first_ms; /* monotonic; 0: no signal yet */
static atomic_bool again;     /* a second one came */
static atomic_llong bound_ms = RC_SIGNALS_END_MS;
static atomic_llong deadline_ms; /* monotonic; 0: the end has not begun */
static atomic_bool closing;
static sem_t events; /* for the thread; never destroyed */
static pthread_t thread;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* of the next two */
static void (*told_fn)(void *opaque, int signal_number);
static void *told_opaque;
static struct sigaction before_term, before_int;

static void on_signal(int number)
{
    int saved = errno;
    atomic_bool *flag = stop_flag;
    if (flag) {
        long long now_ms = rc_mono_now().ms, none = 0;
        if (atomic_compare_exchange_strong(&first_ms, &none, now_ms))
            atomic_store(&caught, number);
        else if (now_ms - none >= RC_SIGNALS_BURST_MS)
            atomic_store(&again, true);
        atomic_store(flag, true);
        (void)sem_post(&events);
    }
    errno = saved;
}

/* --- the thread --- */

_Noreturn static void end_at_once(const char *why)
{
    /* Should even the log not take its last line, SIGALRM does it. */
    (void)signal(SIGALRM, SIG_DFL);
    (void)alarm(LAST_WORD_S);
    rc_log(RC_LEVEL_ERROR, "ended at once; what is not committed is done again", RC_LOG_STR(REASON, why));
    _exit(EXIT_CODE);
}

static void limit(long long until_ms)
{
    long long known_ms = atomic_load(&deadline_ms);
    while ((known_ms == 0 || until_ms < known_ms) && !atomic_compare_exchange_weak(&deadline_ms, &known_ms, until_ms)) {
    }
}

/* False: the deadline is over. */
static bool wait_for_event(long long until_ms)
{
    const struct timespec until = {(time_t)(until_ms / 1000), (long)(until_ms % 1000) * 1000000};
    while ((until_ms ? sem_clockwait(&events, CLOCK_MONOTONIC, &until) : sem_wait(&events)) != 0)
        if (errno == ETIMEDOUT) return false;
    return true;
}

static void tell(void)
{
    (void)pthread_mutex_lock(&mutex);
    if (told_fn) told_fn(told_opaque, atomic_load(&caught));
    (void)pthread_mutex_unlock(&mutex);
}

static void *watch(void *opaque)
{
    (void)pthread_setname_np(pthread_self(), "signals");
    for (bool said = false;;) {
        bool in_time = wait_for_event(atomic_load(&deadline_ms));
        if (atomic_load(&closing)) return opaque;
        if (atomic_load(&again)) end_at_once("a second signal came before the end");
        if (!in_time) end_at_once("the end took too long, because Kafka or a library did not answer");
        long long began_ms = atomic_load(&first_ms);
        if (said || !began_ms) continue;
        said = true;
        limit(began_ms + atomic_load(&bound_ms));
        tell();
    }
}

/* --- life --- */

void rc_signals_open(atomic_bool *stop)
{
    static bool has_events;
    RC_INVARIANT(!stop_flag);
    RC_INVARIANT(has_events || sem_init(&events, 0, 0) == 0);
    has_events = true;
    while (sem_trywait(&events) == 0) continue; /* what a late handler of the former time left */
    caught = 0;
    first_ms = deadline_ms = 0;
    again = closing = false;
    bound_ms = RC_SIGNALS_END_MS;
    told_fn = NULL;
    /* The process's other threads may take a signal; this one waits for what the handler says. */
    sigset_t all, saved;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &saved);
    RC_INVARIANT(pthread_create(&thread, NULL, watch, NULL) == 0);
    (void)pthread_sigmask(SIG_SETMASK, &saved, NULL);
    stop_flag = stop;
    struct sigaction action = {.sa_handler = on_signal};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    RC_INVARIANT(sigaction(SIGTERM, &action, &before_term) == 0 && sigaction(SIGINT, &action, &before_int) == 0 &&
                 sigaction(SIGPIPE, &ignore, NULL) == 0);
}

void rc_signals_set_bound(int64_t end_ms)
{
    atomic_store(&bound_ms, end_ms);
}

void rc_signals_tell(void (*told)(void *opaque, int signal_number), void *opaque)
{
    (void)pthread_mutex_lock(&mutex);
    told_fn = told;
    told_opaque = opaque;
    (void)pthread_mutex_unlock(&mutex);
}

int rc_signals_wait(void)
{
    const struct timespec step = {0, 100 * 1000000};
    while (!atomic_load(stop_flag)) (void)nanosleep(&step, NULL); /* a signal ends the sleep */
    rc_signals_end_within(atomic_load(&bound_ms));
    return caught;
}

void rc_signals_end_within(int64_t end_ms)
{
    if (!stop_flag) return;
    limit(rc_mono_now().ms + end_ms);
    (void)sem_post(&events);
}

void rc_signals_close(void)
{
    if (!stop_flag) return;
    (void)sigaction(SIGTERM, &before_term, NULL);
    (void)sigaction(SIGINT, &before_int, NULL);
    stop_flag = NULL;
    atomic_store(&closing, true);
    (void)sem_post(&events);
    RC_INVARIANT(pthread_join(thread, NULL) == 0);
}
