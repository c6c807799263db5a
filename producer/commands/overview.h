/* What `status` says: what an integration's state and its holds say, for people and for programs, and what to type
 * next. Pure; any thread. */
#ifndef RC_PRODUCER_OVERVIEW_H
#define RC_PRODUCER_OVERVIEW_H

#include "common/buf.h"
#include "common/json.h"
#include "common/report.h"
#include "producer/commands/reading.h"

/* One line an integration. Returns new (free with rc_report_free). */
rc_report_t *rc_overview_report(const rc_overview_t *overviews, size_t count, rc_wall_t now);

/* Appends what is wrong, or waits for somebody: a sentence each, and below it what to type. `config` as the person gave
 * it, NULL: not at all. */
void rc_overview_troubles(const rc_overview_t *overviews, size_t count, rc_wall_t now, const char *config,
                          rc_buf_t *text);

/* Whether a hold is open in any of them. */
bool rc_overview_is_held(const rc_overview_t *overviews, size_t count);

/* As docs/cli.md, `status`, says; new references. */
json_t *rc_overview_json(const rc_overview_t *overview);
json_t *rc_overview_hold_json(const rc_hold_t *hold);
json_t *rc_overview_poll_json(const rc_poll_report_t *poll);

#endif
