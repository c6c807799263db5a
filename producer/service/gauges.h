/* What the metrics show of an integration while it is ours. Any thread. */
#ifndef RC_PRODUCER_GAUGES_H
#define RC_PRODUCER_GAUGES_H

#include "common/config.h"
#include "common/domain.h"
#include "common/metrics.h"

/* Its state, as published. */
void rc_gauges_set_state(rc_metrics_t *metrics, const rc_integration_t *integration, const rc_sync_state_t *state);
/* Its pending changes by reason. */
void rc_gauges_set_pending(rc_metrics_t *metrics, const char *integration_id, const int64_t pending[RC_PENDING_COUNT]);
/* Takes it all away: another process says it from now on. */
void rc_gauges_clear(rc_metrics_t *metrics, const char *integration_id);

#endif
