/* SIGTERM and SIGINT as a flag, for programs and phases without an event loop. The main thread; one at a time. */
#ifndef RC_COMMON_SIGNALS_H
#define RC_COMMON_SIGNALS_H

#include <stdatomic.h>
#include <stdbool.h>

/* From now on a signal sets *stop (borrowed) and wakes rc_signals_wait. SIGPIPE is ignored from here on, for good. */
void rc_signals_open(atomic_bool *stop);
/* Waits until *stop is set, by a signal or by somebody else within a tenth of a second. Returns the signal, or 0. */
int rc_signals_wait(void);
/* Signals do again what they did before. Not open: nothing. */
void rc_signals_close(void);

#endif
