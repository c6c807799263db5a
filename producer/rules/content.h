/* What of a change a brake's class is about, as one value: a decision about a hold stands as long as that is the same.
 * Pure; any thread. */
#ifndef RC_PRODUCER_CONTENT_H
#define RC_PRODUCER_CONTENT_H

#include "producer/rules/decide.h"

/* 16 hex digits over what belongs to the class: status, dates and reason of a deactivation, the new values of a profile
 * change, … In the arena. */
const char *rc_content_digest(rc_arena_t *arena, rc_brake_t brake, const rc_decision_t *decision);

#endif
