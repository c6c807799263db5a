#include "producer/service/gauges.h"

typedef struct {
    rc_metrics_t *metrics;
    const char *integration_id;
} shown_t;

static rc_series_t *series_of(const shown_t *shown, rc_metric_t metric, const char *label)
{
    return rc_metrics_series(shown->metrics, metric, shown->integration_id, label, NULL);
}

static int count_holds(const rc_sync_state_t *state, rc_brake_t brake)
{
    int count = 0;
    for (size_t i = 0; i < state->hold_count; i++) count += state->holds[i].brake == brake;
    return count;
}

void rc_gauges_set_state(rc_metrics_t *metrics, const rc_integration_t *integration, const rc_sync_state_t *state)
{
    const shown_t shown = {metrics, integration->id};
    for (int i = 0; i < RC_STATE_COUNT; i++)
        rc_series_set(series_of(&shown, RC_METRIC_INTEGRATION_STATE, rc_enum_str(&RC_ENUM_STATE, i)),
                      (int)state->state == i);
    for (int i = 0; i < RC_BRAKE_COUNT; i++)
        rc_series_set(series_of(&shown, RC_METRIC_HOLDS, rc_enum_str(&RC_ENUM_BRAKE, i)),
                      count_holds(state, (rc_brake_t)i));
    rc_series_set(series_of(&shown, RC_METRIC_EMPLOYEES, NULL), (double)state->employees);
    rc_series_set(series_of(&shown, RC_METRIC_ANNOUNCED, NULL), (double)state->announced);
    rc_series_set(series_of(&shown, RC_METRIC_POLL_INTERVAL, NULL),
                  (double)integration->kombo.poll_interval_ms / 1000.0);
    if (state->watermark.ms)
        rc_series_set(series_of(&shown, RC_METRIC_LAST_COMPLETE_FETCH, NULL), (double)state->watermark.ms / 1000.0);
}

void rc_gauges_set_pending(rc_metrics_t *metrics, const char *integration_id, const int64_t pending[RC_PENDING_COUNT])
{
    const shown_t shown = {metrics, integration_id};
    for (int i = 0; i < RC_PENDING_COUNT; i++)
        rc_series_set(series_of(&shown, RC_METRIC_PENDING, rc_enum_str(&RC_ENUM_PENDING, i)), (double)pending[i]);
}

void rc_gauges_clear(rc_metrics_t *metrics, const char *integration_id)
{
    const shown_t shown = {metrics, integration_id};
    for (int i = 0; i < RC_STATE_COUNT; i++)
        rc_series_clear(series_of(&shown, RC_METRIC_INTEGRATION_STATE, rc_enum_str(&RC_ENUM_STATE, i)));
    for (int i = 0; i < RC_BRAKE_COUNT; i++)
        rc_series_clear(series_of(&shown, RC_METRIC_HOLDS, rc_enum_str(&RC_ENUM_BRAKE, i)));
    for (int i = 0; i < RC_PENDING_COUNT; i++)
        rc_series_clear(series_of(&shown, RC_METRIC_PENDING, rc_enum_str(&RC_ENUM_PENDING, i)));
    rc_series_clear(series_of(&shown, RC_METRIC_EMPLOYEES, NULL));
    rc_series_clear(series_of(&shown, RC_METRIC_ANNOUNCED, NULL));
    rc_series_clear(series_of(&shown, RC_METRIC_POLL_INTERVAL, NULL));
    rc_series_clear(series_of(&shown, RC_METRIC_LAST_COMPLETE_FETCH, NULL));
}
