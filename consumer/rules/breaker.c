#include "consumer/rules/breaker.h"

#include <stddef.h>

#include "common/error.h"

enum { MAX_OPEN_MS = 5 * 60 * 1000, MAX_TRIPS = 16, SLOW_START_ENDS_AT = 512 };

/* How long it stays open the first time; twice as long each time that the probe fails. What a person must mend is asked
 * for less often than what mends itself. */
static const struct {
    const char *name;
    int64_t open_ms;
} causes[] = {
    [RC_BREAKER_NONE] = {"none", 0},
    [RC_BREAKER_FAILURES] = {"failures", 2 * 1000},
    [RC_BREAKER_CREDENTIALS] = {"credentials", 10 * 1000},
    [RC_BREAKER_MISCONFIGURED] = {"misconfigured", 10 * 1000},
    [RC_BREAKER_BUDGET] = {"dead_letter_budget", 60 * 1000},
    [RC_BREAKER_PAUSED] = {"paused", 0},
};

const char *rc_breaker_cause_str(rc_breaker_cause_t cause)
{
    RC_INVARIANT((size_t)cause < sizeof causes / sizeof *causes);
    return causes[cause].name;
}

void rc_breaker_init(rc_breaker_t *breaker, int threshold)
{
    *breaker = (rc_breaker_t){.threshold = threshold};
}

void rc_breaker_trip(rc_breaker_t *breaker, rc_breaker_cause_t cause, rc_mono_t now)
{
    int64_t open_ms = causes[cause].open_ms;
    for (int i = 0; i < breaker->trips && open_ms < MAX_OPEN_MS; i++) open_ms *= 2;
    if (open_ms > MAX_OPEN_MS) open_ms = MAX_OPEN_MS;
    if (breaker->trips < MAX_TRIPS) breaker->trips++;
    breaker->open = true;
    breaker->cause = cause;
    breaker->failures = 0;
    breaker->slots = 0;
    breaker->half_open_at.ms = now.ms + open_ms;
}

static rc_breaker_cause_t opened_at_once_by(rc_class_t class)
{
    if (class == RC_CLASS_CREDENTIALS) return RC_BREAKER_CREDENTIALS;
    if (class == RC_CLASS_MISCONFIGURED) return RC_BREAKER_MISCONFIGURED;
    return RC_BREAKER_NONE;
}

static bool is_failure(rc_class_t class)
{
    return class == RC_CLASS_TRANSIENT || class == RC_CLASS_UNANSWERED;
}

/* Says nothing about the service's health. */
static bool is_silent(rc_class_t class)
{
    return class == RC_CLASS_HELD || class == RC_CLASS_CANCELLED || class == RC_CLASS_THROTTLED;
}

bool rc_breaker_request(rc_breaker_t *breaker, rc_class_t class, rc_mono_t now)
{
    /* Answers to what was under way when it opened change nothing. */
    if ((breaker->open && now.ms < breaker->half_open_at.ms) || is_silent(class)) return false;
    rc_breaker_cause_t cause = opened_at_once_by(class);
    if (cause == RC_BREAKER_NONE && is_failure(class)) {
        breaker->failures++;
        if (breaker->open || breaker->failures >= breaker->threshold) cause = RC_BREAKER_FAILURES;
    } else if (cause == RC_BREAKER_NONE) {
        breaker->failures = 0;
    }
    if (cause == RC_BREAKER_NONE) return false;
    rc_breaker_trip(breaker, cause, now);
    return true;
}

bool rc_breaker_record(rc_breaker_t *breaker, rc_class_t class, rc_mono_t now)
{
    bool waiting = breaker->open && now.ms < breaker->half_open_at.ms;
    if (waiting || is_silent(class) || is_failure(class)) return false;
    rc_breaker_cause_t cause = opened_at_once_by(class);
    if (cause != RC_BREAKER_NONE) {
        rc_breaker_trip(breaker, cause, now);
        return true;
    }
    if (breaker->open) {
        breaker->open = false;
        breaker->cause = RC_BREAKER_NONE;
        breaker->slots = 2;
    } else if (breaker->slots > 0) {
        breaker->slots *= 2;
        if (breaker->slots >= SLOW_START_ENDS_AT) breaker->slots = breaker->trips = 0;
    }
    return false;
}

void rc_breaker_pause(rc_breaker_t *breaker, bool paused)
{
    breaker->paused = paused;
}

rc_breaker_state_t rc_breaker_state(const rc_breaker_t *breaker, rc_mono_t now)
{
    if (breaker->paused) return RC_BREAKER_OPEN;
    if (!breaker->open) return RC_BREAKER_CLOSED;
    return now.ms < breaker->half_open_at.ms ? RC_BREAKER_OPEN : RC_BREAKER_HALF_OPEN;
}

rc_breaker_cause_t rc_breaker_cause(const rc_breaker_t *breaker)
{
    return breaker->paused ? RC_BREAKER_PAUSED : breaker->cause;
}

int rc_breaker_slots(const rc_breaker_t *breaker, int max_in_flight, rc_mono_t now)
{
    switch (rc_breaker_state(breaker, now)) {
    case RC_BREAKER_OPEN:
        return 0;
    case RC_BREAKER_HALF_OPEN:
        return 1;
    case RC_BREAKER_CLOSED:
        break;
    }
    return breaker->slots > 0 && breaker->slots < max_in_flight ? breaker->slots : max_in_flight;
}

bool rc_breaker_admits(const rc_breaker_t *breaker, rc_mono_t now)
{
    return rc_breaker_state(breaker, now) != RC_BREAKER_OPEN;
}

int64_t rc_breaker_wait_ms(const rc_breaker_t *breaker, rc_mono_t now)
{
    if (breaker->paused) return -1;
    return breaker->open && breaker->half_open_at.ms > now.ms ? breaker->half_open_at.ms - now.ms : 0;
}
