#include "producer/poll/outgoing.h"
#include "producer/poll/settle.h"

static rc_code_t add_settled(rc_outgoing_t *outgoing, rc_settled_t *settled, rc_error_t *error)
{
    const char *key = rc_outgoing_key(outgoing, settled->employee_id);
    rc_code_t code = RC_OK;
    for (size_t i = 0; settled->publishes && code == RC_OK && i < settled->diff.count; i++)
        code = rc_outgoing_event(outgoing, key, &settled->diff.events[i], error);
    if (settled->publishes && code == RC_OK) code = rc_outgoing_snapshot(outgoing, key, &settled->after, error);
    if (code == RC_OK && settled->action == RC_PENDING_WRITE)
        code = rc_outgoing_pending(outgoing, key, &settled->pending, error);
    if (code == RC_OK && settled->action == RC_PENDING_TOMBSTONE)
        rc_outgoing_tombstone(outgoing, RC_TOPIC_PENDING, key, -1);
    return code == RC_OK ? RC_OK : rc_error_prefix(error, "employee %s", settled->employee_id);
}

static rc_code_t write_transaction(rc_run_t *run, rc_outgoing_t *outgoing, const rc_settlement_t *settlement, bool last,
                                   rc_arena_t *arena, rc_error_t *error)
{
    int64_t events[RC_EVENT_COUNT];
    for (int type = 0; type < RC_EVENT_COUNT; type++) events[type] = rc_outgoing_events(outgoing)[type];
    const rc_sync_state_t state = rc_run_state_after(run, settlement, last, events, arena);
    rc_code_t code = rc_outgoing_write(outgoing, &state, last ? run->order->command_offset : -1, error);
    if (code != RC_OK) return code;
    for (int type = 0; type < RC_EVENT_COUNT; type++) run->result->events[type] += events[type];
    run->result->state = state;
    return RC_OK;
}

static rc_code_t write_all(rc_run_t *run, rc_outgoing_t *outgoing, rc_settlement_t *settlement, rc_arena_t *arena,
                           rc_error_t *error)
{
    size_t in_transaction = 0;
    while (!rc_settlement_is_done(settlement)) {
        rc_settled_t settled;
        rc_code_t code = rc_settlement_next(settlement, &settled, error);
        if (code == RC_OK) code = add_settled(outgoing, &settled, error);
        if (code == RC_OK && ++in_transaction == run->context->transaction_employees &&
            !rc_settlement_is_done(settlement)) {
            code = write_transaction(run, outgoing, settlement, false, arena, error);
            in_transaction = 0;
        }
        if (code != RC_OK) return code;
    }
    return write_transaction(run, outgoing, settlement, true, arena, error);
}

/* A tick that found nothing publishes nothing, unless somebody waits for its answer. */
static bool has_work(const rc_run_t *run)
{
    return run->kind != RC_POLL_TICK || rc_stage_count(run->stage) > 0 || run->order->command_id;
}

rc_code_t rc_run_publish(rc_run_t *run, rc_arena_t *arena, rc_error_t *error)
{
    rc_settlement_t *settlement = NULL;
    run->result->state = *run->before;
    if (!has_work(run)) return RC_OK;
    rc_outgoing_t *outgoing = rc_outgoing_new(run->context, run->order->group, run->views_life);
    rc_code_t code = rc_settlement_new(run, &settlement, error);
    if (code == RC_OK) code = write_all(run, outgoing, settlement, arena, error);
    if (code == RC_OK) code = rc_outgoing_follow(outgoing, error);
    run->result->behind = rc_outgoing_is_behind(outgoing);
    rc_settlement_free(settlement);
    rc_outgoing_free(outgoing);
    return code;
}

rc_code_t rc_poll_publish_state(const rc_poll_context_t *context, const rc_kafka_group_t *group,
                                const rc_sync_state_t *state, int64_t command_offset, bool *behind, rc_error_t *error)
{
    rc_outgoing_t *outgoing = rc_outgoing_new(context, group, rc_views_life(context->views));
    rc_code_t code = rc_outgoing_write(outgoing, state, command_offset, error);
    if (code == RC_OK) code = rc_outgoing_follow(outgoing, error);
    *behind = rc_outgoing_is_behind(outgoing);
    rc_outgoing_free(outgoing);
    return code;
}
