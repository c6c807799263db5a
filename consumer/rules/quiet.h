/* When a process must not send anything, because of what it cannot know (design section 9, I4):
 * - The former process of its name did not end by itself. Its last requests may take effect for http_timeout yet, and
 *   nobody is left who would mend what they overwrite.
 * - It stood still (frozen, swapped out, a machine that paused) for so long that its partitions may be another's by
 *   now. Its groups tell within moments whether they are.
 * Pure; the caller's thread. */
#ifndef RC_CONSUMER_QUIET_H
#define RC_CONSUMER_QUIET_H

#include <stdbool.h>
#include <stdint.h>

#include "common/time.h"

enum { RC_QUIET_AFTER_STALL_MS = 3000 }; /* librdkafka looks at its sessions every second */

typedef struct {
    int64_t effect_ms; /* a request without an answer may take effect for so long */
    int64_t stall_ms;  /* between two beats: this process stood still */
    rc_mono_t beat_at;
    rc_mono_t until;      /* nothing is sent before */
    rc_mono_t settled_at; /* from then on no earlier request can take effect */
    bool stalled;         /* since the last beat */
} rc_quiet_t;

/* `cut_short`: the former process of this name did not end by itself. The caller beats at least every `beat_ms`. */
void rc_quiet_init(rc_quiet_t *quiet, int64_t http_timeout_ms, int64_t session_timeout_ms, int64_t beat_ms,
                   bool cut_short, rc_mono_t now);

/* Whether the process stood still since the last beat: once for each time. */
bool rc_quiet_beat(rc_quiet_t *quiet, rc_mono_t now);

/* To be asked before each request: how long it has to wait; 0: not at all. */
int64_t rc_quiet_wait_ms(rc_quiet_t *quiet, rc_mono_t now);

/* A request is given up, or has no answer. */
void rc_quiet_unanswered(rc_quiet_t *quiet, rc_mono_t now);
/* Whether no request of this process, or of the former one, can take effect any more. */
bool rc_quiet_is_settled(const rc_quiet_t *quiet, rc_mono_t now);

#endif
