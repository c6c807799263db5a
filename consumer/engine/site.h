/* An integration at Learn Amp, as one process sees it: its client and teams, and all that decides whether a record may
 * be sent now: pause, breaker, throttle gate, rate limit, slots, dead-letter budget. Everything on the loop's thread.
 */
#ifndef RC_CONSUMER_SITE_H
#define RC_CONSUMER_SITE_H

#include "common/metrics.h"
#include "consumer/engine/record.h"
#include "consumer/learnamp/learnamp.h"
#include "consumer/rules/breaker.h"
#include "consumer/rules/budget.h"
#include "consumer/rules/limiter.h"

struct rc_site {
    rc_engine_t *engine;
    const rc_integration_t *integration;
    rc_learnamp_t *client;
    rc_teams_t *teams;
    rc_breaker_t breaker;
    rc_gate_t gate;
    rc_limiter_t limiter;
    rc_budget_t budget;
    double share;                            /* of the partitions, for the rate limit */
    uint32_t paused;                         /* bit set of 1 << rc_event_type_t */
    rc_record_queue_t ready[RC_EVENT_COUNT]; /* by lane; they take turns, so that leavers do not wait for joiners */
    size_t ready_count;                      /* in all */
    unsigned turn;                           /* the lane that is next */
    bool pump_due;
    size_t records;                      /* in memory, whatever their state */
    size_t lane_records[RC_EVENT_COUNT]; /* the same by lane */
    int in_flight;                       /* started and not answered to the end */
    rc_mono_t moved_at[RC_EVENT_COUNT];  /* the lane's last record finished, or its queue began to fill */
    rc_loop_timer_t *timer;              /* until something may open */
    rc_series_t *in_flight_series;
    rc_series_t *waiting_series;
    rc_series_t *breaker_series;
};

/* Borrows both. Returns new (free with rc_site_free). */
rc_site_t *rc_site_new(rc_engine_t *engine, const rc_integration_t *integration);
/* No record may be at it. NULL is fine. */
void rc_site_free(rc_site_t *site);

/* Records that may be in memory before another one of this lane is parked. SIZE_MAX: the lanes' back-pressure is the
 * limit. */
size_t rc_site_cap(const rc_site_t *site, rc_event_type_t lane);

/* Why no more of the lane's records are held, in words for their headers. Static storage. */
const char *rc_site_why_held(const rc_site_t *site, rc_event_type_t lane);

/* Puts a record into the queue (first or last) and starts what may start. */
void rc_site_queue(rc_site_t *site, rc_record_t *record, bool first);
/* Takes it out again. */
void rc_site_unqueue(rc_site_t *site, rc_record_t *record);
/* A record of the lane found its outcome: the integration answers. */
void rc_site_moved(rc_site_t *site, rc_event_type_t lane);
/* A started record has ended. */
void rc_site_ended(rc_site_t *site, rc_class_t class);
/* The dead-letter budget is spent: opens the breaker, once for all that were under way. `why` may be NULL. */
void rc_site_budget_spent(rc_site_t *site, const char *why);
/* Starts what may start, parks what is too much. */
void rc_site_pump(rc_site_t *site);

void rc_site_pause(rc_site_t *site, uint32_t paused);
void rc_site_set_share(rc_site_t *site, double share);

#endif
