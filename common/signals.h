/* SIGTERM and SIGINT: the first one asks for an orderly end and is a flag, for programs with an event loop also a call.
 * An end that takes longer than its bound, or a second signal, ends the process at once and without a goodbye, as
 * kill -9 would: a library that does not return keeps nobody from ending, and what was not committed is done again. The
 * main thread; one at a time. */
#ifndef RC_COMMON_SIGNALS_H
#define RC_COMMON_SIGNALS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    RC_SIGNALS_END_MS = 20000, /* the bound of an end where no other is set */
    RC_SIGNALS_BURST_MS = 300  /* what a terminal and a wrapper hand on of one Ctrl-C is one signal */
};

/* From now on a signal sets *stop (borrowed) and wakes rc_signals_wait. SIGPIPE is ignored from here on, for good. */
void rc_signals_open(atomic_bool *stop);
/* How long the end may take from the first signal on. */
void rc_signals_set_bound(int64_t end_ms);
/* Calls told once, on a thread of its own, when the first signal comes from now on: whoever cares about one that came
 * before looks at *stop afterwards. With NULL no call is under way when this returns. */
void rc_signals_tell(void (*told)(void *opaque, int signal_number), void *opaque);
/* Waits until *stop is set, by a signal or by somebody else within a tenth of a second: the end begins. Returns the
 * signal, or 0. */
int rc_signals_wait(void);
/* The end has begun, with or without a signal, and may take that long from now on; never longer than it might before.
 * Not open: nothing. */
void rc_signals_end_within(int64_t end_ms);
/* Signals do again what they did before, and the end takes as long as it takes. Not open: nothing. */
void rc_signals_close(void);

#endif
