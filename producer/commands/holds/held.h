/* Who is in a hold and what it would change: for `status --hold`, and before `approve` and `reject` ask. Pure; any
 * thread. */
#ifndef RC_PRODUCER_HELD_H
#define RC_PRODUCER_HELD_H

#include "common/json.h"
#include "common/report.h"
#include "producer/commands/reading.h"

/* Beyond so many people those with the same change stand in one line. */
enum { RC_HELD_LINES = 40 };

/* A line a person, or a line a kind of change with examples. Returns new (free with rc_report_free). */
rc_report_t *rc_held_report(const rc_integration_t *integration, const rc_held_t *held, size_t count, rc_wall_t now);

/* Everybody, with every change: an array; new reference. */
json_t *rc_held_json(const rc_integration_t *integration, const rc_held_t *held, size_t count, rc_wall_t now);

#endif
