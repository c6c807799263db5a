/* Who waits and who comes and goes, of one integration, sorted and searchable: what the page's lists are cut from. A
 * scan of all local rows, which takes seconds for a million people: so a thread of its own makes it when somebody looks
 * and something has changed, never more than a tenth of the time, and a list that nobody looked at for ten minutes is
 * given up. Any thread, but for new and free. */
#ifndef RC_PRODUCER_ROSTER_H
#define RC_PRODUCER_ROSTER_H

#include "common/config.h"
#include "common/domain.h"
#include "producer/poll/views.h"

enum { RC_ROSTER_DAYS = 30 };

/* Somebody with a change that waits (rc_pending_t). */
typedef struct {
    const char *employee_id;
    const char *name;   /* "Åsa Mäkinen"; else the address, else the id */
    const char *email;  /* NULL: none */
    const char *folded; /* name, address and id, for rc_fold_matches */
    uint32_t reasons;
    rc_presence_t wanted;
    rc_wall_t since;
    rc_wall_t until;
    const rc_hold_ref_t *holds; /* those that still wait for a decision; without digests */
    size_t hold_count;
    size_t rival; /* EMAIL_COLLISION: one more than the index into rivals */
} rc_waiting_t;

/* Who else has the address that somebody waits for. */
typedef struct {
    const char *employee_id;
    const char *name;
} rc_rival_t;

typedef struct {
    rc_date_t day;
    bool starts; /* else it is the last day */
    const char *employee_id;
    const char *name;
    const char *folded;
    const char *job_title; /* NULL: none */
    const char *team;      /* NULL: none */
} rc_day_t;

/* As of one moment. Never changes. */
typedef struct {
    rc_wall_t as_of;
    rc_date_t today;       /* in the integration's time zone */
    rc_sync_state_t state; /* read before the lists: no hold has lost anybody whom they show */
    rc_waiting_t *waiting; /* by name */
    size_t waiting_count;
    int64_t by_reason[RC_PENDING_COUNT];
    rc_rival_t *rivals;
    rc_day_t *days; /* from today for RC_ROSTER_DAYS days; by day, starts first, by name */
    size_t day_count;
    rc_error_t error; /* why it could not be made; the lists are empty then */
} rc_roster_t;

typedef struct rc_rosters rc_rosters_t;

/* Borrows both. Returns new (free with rc_rosters_free, when all are released). */
rc_rosters_t *rc_rosters_new(const rc_config_t *config, rc_views_t *views);
void rc_rosters_free(rc_rosters_t *rosters); /* NULL is fine */

/* The newest of an integration (its index in the configuration), to be given back with rc_roster_release; NULL: none is
 * made yet. Never waits; has a newer one made when this is out of date, which *fresh (may be NULL) tells. */
const rc_roster_t *rc_rosters_get(rc_rosters_t *rosters, size_t index, bool *fresh);
void rc_roster_release(const rc_roster_t *roster); /* NULL is fine */

/* One more who gives it back. */
void rc_roster_retain(const rc_roster_t *roster);

/* Makes one, at once. Returns new (rc_roster_release). For the thread and for tests. */
const rc_roster_t *rc_roster_make(const rc_integration_t *integration, rc_views_t *views, rc_wall_t now);

#endif
