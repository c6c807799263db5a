/* Messages to people when something begins to wait for them: JSON {"text", "kind", "integration", …} is POSTed to
 * notify.url, which chat tools' incoming webhooks take. On a thread of its own, with few retries: it never delays or
 * fails the sync. A message names no person.
 *
 * What happens again within a minute at the same integration (for a hold: to the same class) is told once more at the
 * end of that minute, with a count. */
#ifndef RC_COMMON_NOTIFY_H
#define RC_COMMON_NOTIFY_H

#include <stdint.h>

#include "common/config.h"
#include "common/metrics.h"

typedef struct rc_notify rc_notify_t;

/* What began to wait. All is copied; what is NULL or 0 is left out. */
typedef struct {
    rc_notify_kind_t kind;
    const char *integration_id; /* "": none that we know (an unreadable record) */
    const char *hold_id;        /* RC_NOTIFY_HOLD, like the next three */
    const char *brake;          /* its class, "deactivations"; of static storage */
    int64_t employees;
    int64_t limit;
    const char *reason; /* why: Kombo's own words, or what the dead letters have in common */
    int64_t count;      /* how many dead letters; 0 means 1 */
} rc_notice_t;

/* Borrows config and metrics. Returns new (free with rc_notify_free). Without notify.url nothing is ever sent. */
rc_notify_t *rc_notify_new(const rc_config_t *config, rc_metrics_t *metrics);
/* Sends what waits, for five seconds at most. NULL is fine. */
void rc_notify_free(rc_notify_t *notify);

/* Any thread; never blocks. NULL, or a kind that notify.on leaves out: nothing. */
void rc_notify(rc_notify_t *notify, const rc_notice_t *notice);

/* "hold", "needs_customer" … as notify.on lists them. Static. */
const char *rc_notify_kind_str(rc_notify_kind_t kind);

/* The document that is POSTed. `name` is the integration's, "" when it has none. Pure. Returns new (free). */
char *rc_notice_json(const rc_notice_t *notice, const char *name);

/* For tests: how long a minute is, the first pause before another try, and how long rc_notify_free waits. Before the
 * first rc_notify. */
void rc_notify_set_pace(rc_notify_t *notify, int64_t minute_ms, int64_t pause_ms, int64_t flush_ms);

#endif
