#include "common/signals.h"

#include <signal.h>
#include <time.h>

#include "common/error.h"

/* A signal handler reaches static storage only. It may run on any thread, and still run while the signals are closed.
 */
static atomic_bool *_Atomic stop_flag;
static atomic_int caught;
static struct sigaction before_term, before_int;

static void on_signal(int number)
{
    atomic_bool *flag = stop_flag;
    caught = number;
    if (flag) atomic_store(flag, true);
}

void rc_signals_open(atomic_bool *stop)
{
    RC_INVARIANT(!stop_flag);
    stop_flag = stop;
    caught = 0;
    struct sigaction action = {.sa_handler = on_signal};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    RC_INVARIANT(sigaction(SIGTERM, &action, &before_term) == 0 && sigaction(SIGINT, &action, &before_int) == 0 &&
                 sigaction(SIGPIPE, &ignore, NULL) == 0);
}

int rc_signals_wait(void)
{
    const struct timespec step = {0, 100 * 1000000};
    while (!atomic_load(stop_flag)) (void)nanosleep(&step, NULL); /* a signal ends the sleep */
    return caught;
}

void rc_signals_close(void)
{
    if (!stop_flag) return;
    (void)sigaction(SIGTERM, &before_term, NULL);
    (void)sigaction(SIGINT, &before_int, NULL);
    stop_flag = NULL;
}
