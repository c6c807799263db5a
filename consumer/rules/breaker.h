/* The breaker of one integration in one process: when Learn Amp fails many times in a row, refuses our credentials,
 * does not have what our configuration names, or too much is dead-lettered, nothing is sent for a while; then one
 * record tries, then ever more. A pause is an open breaker that only a resume closes. Pure: time is passed in. */
#ifndef RC_CONSUMER_BREAKER_H
#define RC_CONSUMER_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/time.h"
#include "consumer/rules/outcome.h"

typedef enum { RC_BREAKER_CLOSED, RC_BREAKER_HALF_OPEN, RC_BREAKER_OPEN } rc_breaker_state_t; /* metric values */

/* clang-format off */
#define RC_BREAKER_CAUSES(X) \
    X(NONE, "none") X(FAILURES, "failures") X(CREDENTIALS, "credentials") X(MISCONFIGURED, "misconfigured") \
    X(BUDGET, "dead_letter_budget") X(PAUSED, "paused")
/* clang-format on */
typedef enum {
#define X(name, text) RC_BREAKER_##name,
    RC_BREAKER_CAUSES(X)
#undef X
} rc_breaker_cause_t;

/* In the caller's storage; its members are its own. */
typedef struct {
    int threshold;
    int failures; /* in a row */
    int trips;    /* in a row: each opens it for longer */
    int slots;    /* slow start: records at once; 0: no limit of ours */
    bool open;
    bool paused;
    rc_breaker_cause_t cause;
    rc_mono_t half_open_at;
} rc_breaker_t;

/* `threshold`: consumer.breaker_failures, failures in a row that open it. */
void rc_breaker_init(rc_breaker_t *breaker, int threshold);
/* Every answer (rc_learnamp_hooks_t.observe). True when this opened it: worth a log line. */
bool rc_breaker_request(rc_breaker_t *breaker, rc_class_t class, rc_mono_t now);
/* Every record that ended (rc_apply_result_t.class): ends a probe, widens the slow start. True likewise. */
bool rc_breaker_record(rc_breaker_t *breaker, rc_class_t class, rc_mono_t now);
/* Opens it: the dead-letter budget. */
void rc_breaker_trip(rc_breaker_t *breaker, rc_breaker_cause_t cause, rc_mono_t now);
void rc_breaker_pause(rc_breaker_t *breaker, bool paused);

rc_breaker_state_t rc_breaker_state(const rc_breaker_t *breaker, rc_mono_t now);
rc_breaker_cause_t rc_breaker_cause(const rc_breaker_t *breaker);
/* How many records may be under way: 0 open, 1 half-open, then doubling with each success up to max_in_flight. */
int rc_breaker_slots(const rc_breaker_t *breaker, int max_in_flight, rc_mono_t now);
/* Whether records under way may send: not while it is open. */
bool rc_breaker_admits(const rc_breaker_t *breaker, rc_mono_t now);
/* Milliseconds until it is half-open; 0: it is not open; -1: paused, nobody knows. */
int64_t rc_breaker_wait_ms(const rc_breaker_t *breaker, rc_mono_t now);

const char *rc_breaker_cause_str(rc_breaker_cause_t cause);

#endif
