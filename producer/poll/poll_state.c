/* The integration's state behind a run. */
#include "producer/poll/settle.h"

/* What an operator is told whose command this was; NULL: nothing beyond that it is done. */
static const char *answer_of(const rc_run_t *run, rc_arena_t *arena)
{
    rc_decided_t decided;
    if (!run->order->decision || !rc_brakes_decided(run->brakes, &decided)) return NULL;
    const char *message = rc_arena_sprintf(arena, "%lld %s", (long long)decided.listed,
                                           run->order->decision->approve ? "approved" : "rejected");
    if (!decided.moved_to) return message;
    return rc_arena_sprintf(arena, "%s; %lld who joined later wait in %s", message, (long long)decided.late,
                            decided.moved_to);
}

static void complete_poll(const rc_run_t *run, const int64_t events[RC_EVENT_COUNT], rc_arena_t *arena,
                          rc_sync_state_t *state)
{
    state->state = RC_STATE_OK;
    state->reason = NULL;
    state->failures = 0;
    state->watermark = run->fetched.started_at;
    state->last_poll = (rc_poll_report_t){.started_at = run->occasion.now,
                                          .finished_at = rc_wall_now(),
                                          .trigger = run->order->trigger,
                                          .full = run->kind == RC_POLL_FULL,
                                          .complete = true,
                                          .read = (int64_t)run->fetched.records};
    for (int type = 0; type < RC_EVENT_COUNT; type++)
        state->last_poll.events += run->result->events[type] + events[type];
    state->next_poll_at = (rc_wall_t){run->occasion.now.ms + run->context->integration->kombo.poll_interval_ms};
    /* Kombo's clock went back: what changed while it was ahead is behind the watermark, and only a full poll finds it.
     */
    if (run->kind == RC_POLL_INCREMENTAL && state->watermark.ms < rc_run_updated_after(run).ms)
        state->last_full_at = (rc_wall_t){0};
    if (run->kind != RC_POLL_FULL) return;
    char digest[RC_DIGEST_SIZE];
    state->last_full_at = run->occasion.now;
    state->projection_digest = rc_arena_strdup(arena, rc_integration_digest(run->context->integration, digest));
}

rc_sync_state_t rc_run_state_after(const rc_run_t *run, const rc_settlement_t *settlement, bool complete,
                                   const int64_t events[RC_EVENT_COUNT], rc_arena_t *arena)
{
    rc_sync_state_t state = *run->before;
    state.integration_id = run->context->integration->id;
    state.paused &= ~run->order->resumed;
    rc_settlement_save(settlement, complete, arena, &state);
    if (!complete) return state;
    if (run->order->command_id) {
        state.last_command_id = run->order->command_id;
        state.last_command_ok = true;
        state.last_command_message = answer_of(run, arena);
    }
    if (run->kind != RC_POLL_TICK) complete_poll(run, events, arena, &state); /* a tick says nothing about Kombo */
    return state;
}
