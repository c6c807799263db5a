/* How commands say things: moments, event types, fields and outcomes in people's words. Pure; any thread. */
#ifndef RC_CONSUMER_WORDS_H
#define RC_CONSUMER_WORDS_H

#include "common/config.h"
#include "common/domain.h"
#include "common/headers.h"
#include "common/mem.h"

/* "2026-11-22 16:08:52"; "" for none. In the arena. Headings say that it is UTC. */
const char *rc_say_moment(rc_arena_t *arena, rc_wall_t at);
/* How long until then, or since: "in 5 min", "3 h ago", "now". In the arena. */
const char *rc_say_distance(rc_arena_t *arena, rc_wall_t at, rc_wall_t now);
/* "job title" of "job_title", "Cost centre" of "custom:Cost centre". In the arena. */
const char *rc_say_field(rc_arena_t *arena, const char *field);
/* An event type by its name, or "record" for -1. Static. */
const char *rc_say_type(int type);
/* "Acme GmbH (personio:…)", or the id alone when that is its name. In the arena. */
const char *rc_say_integration(rc_arena_t *arena, const rc_integration_t *integration);

/* Why a record lies in a retry topic. Static, without an end mark. */
const char *rc_say_parked(rc_park_reason_t reason);
/* Why a change is known and not published. Static, without an end mark. */
const char *rc_say_pending(rc_pending_reason_t reason);
/* Why an employee is announced, or gone. Static. */
const char *rc_say_created(rc_created_reason_t reason);
const char *rc_say_gone(rc_gone_reason_t reason);

/* Calls `say` for every field of an employee that has a value: "job title", "Engineer". */
void rc_say_employee(rc_arena_t *arena, const rc_employee_t *employee,
                     void (*say)(void *opaque, const char *field, const char *value), void *opaque);

#endif
