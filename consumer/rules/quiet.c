#include "consumer/rules/quiet.h"

#include "common/mutant.h"

enum {
    MARGIN_MS = 100,
    SESSION_SHARE = 3, /* the group may give the partitions away after a whole session without a heartbeat */
    BEATS = 2,
    LATE_MS = 1000
};

static rc_mono_t later(rc_mono_t a, rc_mono_t b)
{
    return a.ms > b.ms ? a : b;
}

void rc_quiet_init(rc_quiet_t *quiet, int64_t http_timeout_ms, int64_t session_timeout_ms, int64_t beat_ms,
                   bool cut_short, rc_mono_t now)
{
    int64_t share_ms = session_timeout_ms / SESSION_SHARE, at_least_ms = BEATS * beat_ms + LATE_MS;
    *quiet = (rc_quiet_t){.effect_ms = http_timeout_ms + MARGIN_MS,
                          .stall_ms = share_ms > at_least_ms ? share_ms : at_least_ms,
                          .beat_at = now,
                          .until = now,
                          .settled_at = now};
    if (cut_short && !RC_MUTANT(NO_WAIT_AT_START))
        quiet->until = quiet->settled_at = (rc_mono_t){now.ms + quiet->effect_ms};
}

static void look(rc_quiet_t *quiet, rc_mono_t now)
{
    if (now.ms - quiet->beat_at.ms <= quiet->stall_ms) return;
    quiet->beat_at = now;
    quiet->stalled = true;
    quiet->until = later(quiet->until, (rc_mono_t){now.ms + RC_QUIET_AFTER_STALL_MS});
}

bool rc_quiet_beat(rc_quiet_t *quiet, rc_mono_t now)
{
    look(quiet, now);
    bool stalled = quiet->stalled;
    quiet->stalled = false;
    quiet->beat_at = now;
    return stalled;
}

int64_t rc_quiet_wait_ms(rc_quiet_t *quiet, rc_mono_t now)
{
    look(quiet, now);
    return quiet->until.ms > now.ms ? quiet->until.ms - now.ms : 0;
}

void rc_quiet_unanswered(rc_quiet_t *quiet, rc_mono_t now)
{
    quiet->settled_at = later(quiet->settled_at, (rc_mono_t){now.ms + quiet->effect_ms});
}

bool rc_quiet_is_settled(const rc_quiet_t *quiet, rc_mono_t now)
{
    return now.ms >= quiet->settled_at.ms;
}
