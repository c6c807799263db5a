/* How both programs say to people what records and settings name: moments, fields, event types, reasons. Pure; any
 * thread. */
#ifndef RC_COMMON_WORDS_H
#define RC_COMMON_WORDS_H

#include "common/config.h"
#include "common/domain.h"
#include "common/mem.h"

/* "2026-11-22 16:08:52"; "" for none. For columns whose heading says that it is UTC. In the arena. */
const char *rc_words_moment(rc_arena_t *arena, rc_wall_t at);
/* "2026-11-22 16:08 UTC", for sentences. In the arena. */
const char *rc_words_minute(rc_arena_t *arena, rc_wall_t at);
/* How long since, or until then: "12 s ago", "90 min ago", "3 h ago", "in 4 days"; "just now" and "now" below a second.
 * In the arena. */
const char *rc_words_distance(rc_arena_t *arena, rc_wall_t at, rc_wall_t now);

/* A list in words with one more: "created, deactivated". NULL and "" are the empty list, and an item that is passed
 * over. In the arena, or borrowed. */
const char *rc_words_join(rc_arena_t *arena, const char *list, const char *separator, const char *item);
/* "team changes" of "team_changes". In the arena. */
const char *rc_words_spaced(rc_arena_t *arena, const char *name);
/* "job title" of "job_title", "manager" of "manager_email", "Cost centre" of "custom:Cost centre". In the arena. */
const char *rc_words_field(rc_arena_t *arena, const char *field);
/* "created, deactivated" of a set of event types; "everything" for all. In the arena. */
const char *rc_words_events(rc_arena_t *arena, uint32_t events);
/* "Acme GmbH (personio:…)", or the id alone when that is its name. In the arena. */
const char *rc_words_integration(rc_arena_t *arena, const rc_integration_t *integration);
/* Why a change is known and not published. Static, without an end mark. */
const char *rc_words_pending(rc_pending_reason_t reason);

#endif
