/* The brakes (design section 4): more changes of a class than the policy allows within 24 hours wait for a person, all
 * of them, while everybody else's go on. A poll or tick shows every change that it would publish once (rc_brakes_add),
 * decides (rc_brakes_decide), and asks for each what stands in its way (rc_brakes_obstacles). Pure; one thread at a
 * time.
 *
 * A person's change is in a hold with one content for each class: for deactivations status, leave date and presence;
 * for creations status, dates and address; for team changes the ids of the teams; for address changes the address; for
 * profile changes the changed fields with their new values; for cleared values the names of what was cleared. Another
 * content joins anew, and what a person decided holds for one content only. */
#ifndef RC_PRODUCER_BRAKES_H
#define RC_PRODUCER_BRAKES_H

#include "producer/rules/decide.h"

/* What a person decided about a hold. */
typedef struct {
    const char *hold_id;
    bool approve;        /* else: reject */
    rc_wall_t listed_at; /* changed_at of the hold as that person saw it: who joined later was not listed */
} rc_hold_decision_t;

/* What one change means to the brakes, small enough to be kept for all. Sets of 1 << rc_brake_t. */
typedef struct {
    uint8_t classes;  /* of the change */
    uint8_t fresh;    /* it would count: this person has not counted within the window */
    uint8_t member;   /* it waits in an open hold, and nothing is decided about it now */
    uint8_t listed;   /* it is decided now: it waits in that hold, and was listed */
    uint8_t approved; /* by a person, with this content */
    uint8_t rejected; /* likewise */
    uint8_t paused;   /* 1: an event of it is of a paused type */
} rc_braked_t;

typedef struct rc_brakes rc_brakes_t;

/* `before`: windows and holds as they were published last; `paused`: set of 1 << rc_event_type_t; `decision` NULL:
 * none. Borrows all. Returns new (free with rc_brakes_free). */
rc_brakes_t *rc_brakes_new(const rc_occasion_t *occasion, const rc_sync_state_t *before, uint32_t paused,
                           const rc_hold_decision_t *decision);
void rc_brakes_free(rc_brakes_t *brakes); /* NULL is fine */

/* What a decision with events means; `stored` is the pending record, or NULL. */
rc_braked_t rc_brakes_look(rc_brakes_t *brakes, rc_arena_t *arena, const rc_snapshot_t *snapshot,
                           const rc_pending_t *stored, const rc_decision_t *decision);
/* Counts it among all that are to be published now. */
void rc_brakes_add(rc_brakes_t *brakes, rc_braked_t braked);
/* After everybody was added; `announced` of the integration. New holds are named by class and six digits of `random`.
 */
void rc_brakes_decide(rc_brakes_t *brakes, int64_t announced, uint64_t random);

/* All below: after rc_brakes_decide. */

/* Whether nothing here stands in the way of the change. */
bool rc_brakes_let_pass(const rc_brakes_t *brakes, rc_braked_t braked);
/* Reasons (HELD, REJECTED, PAUSED), refs and what was rejected, in the arena; whoever is held is counted in the hold's
 * number. Approvals are in it too where nothing here stands in the way: for when something else does. */
void rc_brakes_obstacles(rc_brakes_t *brakes, rc_arena_t *arena, rc_braked_t braked, const rc_pending_t *stored,
                         const rc_decision_t *decision, rc_obstacles_t *obstacles);
/* It is published: counts it in the windows, and says so in the snapshot that follows. */
void rc_brakes_count(rc_brakes_t *brakes, rc_braked_t braked, rc_snapshot_t *after);
/* Windows and holds as they are now, into the state; in the arena. Until all changes are written (`complete`) a hold
 * that is decided stays: should the rest not be written, the decision is made again. */
void rc_brakes_save(const rc_brakes_t *brakes, bool complete, rc_arena_t *arena, rc_sync_state_t *state);

/* How many people the decision was about: those who were listed and still stand, and those who joined later and went
 * to the hold `moved_to` (NULL: nobody). */
typedef struct {
    int64_t listed;
    int64_t late;
    const char *moved_to;
} rc_decided_t;
/* After everybody was asked for. False: the decision names no open hold. */
bool rc_brakes_decided(const rc_brakes_t *brakes, rc_decided_t *decided);

/* How many pass: max(count, percent of announced), rounded down; -1: the brake is off. */
int64_t rc_brake_limit(rc_brake_limit_t policy, int64_t announced);

#endif
