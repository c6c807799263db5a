#include "producer/poll/poll.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "producer/poll/settle.h"

enum { VALUE_MAX_BYTES = 1024 * 1024 };

static bool is_full_due(const rc_integration_t *integration, const rc_sync_state_t *state, rc_wall_t now)
{
    char digest[RC_DIGEST_SIZE];
    if (!state->watermark.ms || !state->last_full_at.ms || !state->projection_digest) return true;
    if (strcmp(state->projection_digest, rc_integration_digest(integration, digest)) != 0) return true;
    if (now.ms < state->last_full_at.ms) return true; /* the clock was set back */
    return now.ms >= state->last_full_at.ms + integration->kombo.full_sync_interval_ms;
}

typedef struct {
    rc_wall_t now;
    rc_poll_result_t *result;
} pending_t;

/* Counts a pending change, and finds the earliest moment at which one can be decided again by itself. A moment that has
 * passed calls for something else: somebody missing for the next full fetch, somebody deleted for a record that Kombo
 * shows again. */
static bool visit_pending(void *opaque, const rc_pending_t *pending, uint32_t ordinal)
{
    (void)ordinal;
    const pending_t *about = opaque;
    rc_wall_t *earliest = &about->result->next_look_at;
    for (int reason = 0; reason < RC_PENDING_COUNT; reason++)
        about->result->pending[reason] += pending->reasons >> reason & 1U;
    if (pending->until.ms > about->now.ms && (!earliest->ms || pending->until.ms < earliest->ms))
        *earliest = pending->until;
    return true;
}

/* What follows from dates, graces and brakes cannot be taken back at Learn Amp: nothing does while it is doubtful what
 * time it is. */
static rc_code_t compare_clocks(const rc_run_t *run, rc_error_t *error)
{
    const rc_kombo_result_t *fetched = &run->fetched;
    if (run->kind == RC_POLL_TICK || !fetched->said_at.ms) return RC_OK;
    int64_t ahead_ms = run->occasion.now.ms + (fetched->asked_at.ms - run->began.ms) - fetched->said_at.ms;
    int64_t apart_ms = ahead_ms < 0 ? -ahead_ms : ahead_ms;
    if (apart_ms <= RC_POLL_CLOCKS_APART_MS) return RC_OK;
    return rc_error_set(error, RC_CLOCK, RC_REJECT,
                        "this machine's clock is %lld minutes %s Kombo's: nothing is concluded until they agree; "
                        "set it (timedatectl shows it)",
                        (long long)(apart_ms / 60000), ahead_ms > 0 ? "ahead of" : "behind");
}

/* Looks at everybody and leaves the sealed stage. To be ended by fini_run in any case. */
static rc_code_t begin_run(rc_run_t *run, const rc_poll_context_t *context, const rc_poll_order_t *order,
                           const rc_sync_state_t *before, rc_poll_result_t *result, rc_error_t *error)
{
    const rc_wall_t now = order->now;
    *run = (rc_run_t){.context = context,
                      .order = order,
                      .before = before,
                      .kind = order->kind,
                      .began = rc_mono_now(),
                      .occasion = {.integration = context->integration,
                                   .trigger = order->trigger,
                                   .now = now,
                                   .today = rc_zone_date(context->integration->zone, now),
                                   .initial_import = !before->watermark.ms},
                      .record = rc_arena_new(),
                      .views_life = rc_views_life(context->views),
                      .value = RC_BUF_INIT(VALUE_MAX_BYTES),
                      .result = result};
    run->brakes = rc_brakes_new(&run->occasion, before, before->paused & ~order->resumed, order->decision);
    if (run->kind == RC_POLL_INCREMENTAL && is_full_due(context->integration, before, now)) run->kind = RC_POLL_FULL;
    *result = (rc_poll_result_t){.kind = run->kind};
    if (run->kind == RC_POLL_INCREMENTAL) result->updated_after = rc_run_updated_after(run);
    rc_code_t code = rc_run_look(run, error);
    if (code == RC_OK) code = compare_clocks(run, error);
    return code == RC_OK ? rc_stage_seal(run->stage, error) : code;
}

static void fini_run(rc_run_t *run)
{
    rc_stage_free(run->stage);
    rc_brakes_free(run->brakes);
    free(run->snapshots.bits);
    free(run->pending.bits);
    rc_buf_fini(&run->value);
    rc_arena_free(run->record);
}

rc_code_t rc_poll_run(const rc_poll_context_t *context, const rc_poll_order_t *order, const rc_sync_state_t *before,
                      rc_arena_t *arena, rc_poll_result_t *result, rc_error_t *error)
{
    rc_run_t run;
    rc_code_t code = begin_run(&run, context, order, before, result, error);
    if (code == RC_OK) code = rc_run_publish(&run, arena, error);
    pending_t about = {order->now, result};
    if (code == RC_OK)
        code = rc_views_each_pending(context->views, context->integration->id, visit_pending, &about, error);
    fini_run(&run);
    return code;
}

rc_code_t rc_poll_preview(const rc_poll_context_t *context, const rc_poll_order_t *order, const rc_sync_state_t *before,
                          bool (*visit)(void *opaque, const rc_settled_t *settled), void *opaque, rc_arena_t *arena,
                          rc_poll_result_t *result, rc_error_t *error)
{
    rc_run_t run;
    rc_settlement_t *settlement = NULL;
    int64_t events[RC_EVENT_COUNT] = {0};
    rc_code_t code = begin_run(&run, context, order, before, result, error);
    if (code == RC_OK) code = rc_settlement_new(&run, &settlement, error);
    while (code == RC_OK && !rc_settlement_is_done(settlement)) {
        rc_settled_t settled;
        code = rc_settlement_next(settlement, &settled, error);
        if (code != RC_OK || !visit(opaque, &settled)) break;
        for (size_t i = 0; settled.publishes && i < settled.diff.count; i++) events[settled.diff.events[i].type]++;
    }
    if (code == RC_OK) {
        result->state = rc_run_state_after(&run, settlement, true, events, arena);
        memcpy(result->events, events, sizeof events);
    }
    rc_settlement_free(settlement);
    fini_run(&run);
    return code;
}
