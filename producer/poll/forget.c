#include "producer/poll/forget.h"

#include <string.h>

#include "producer/poll/outgoing.h"

enum { DAY_MS = 24 * 3600 * 1000 };

typedef struct {
    const rc_poll_context_t *context;
    const rc_forget_order_t *order;
    rc_arena_t *lasting;
    rc_arena_t *record;
    rc_outgoing_t *outgoing;
    const char **ids;
    size_t count;
} forget_t;

rc_wall_t rc_forget_gone_since(const rc_snapshot_t *snapshot)
{
    rc_wall_t left = snapshot->occurred_at;
    if (!rc_date_is_set(snapshot->effective_date)) return left;
    int64_t end_ms = ((int64_t)snapshot->effective_date.days + 1) * DAY_MS;
    return end_ms > left.ms ? (rc_wall_t){end_ms} : left;
}

/* --- who --- */

static rc_code_t find_one(forget_t *forget, rc_error_t *error)
{
    rc_person_t person;
    const char *integration_id = forget->context->integration->id, *id = forget->order->employee_id;
    rc_code_t code = rc_views_person(forget->context->views, integration_id, id, forget->record, &person, error);
    if (code != RC_OK) return code;
    if (!person.snapshot && !person.pending)
        return rc_error_set(error, RC_NOT_FOUND, RC_REJECT,
                            "nothing is stored of an employee %s of %s; write Kombo's id (rollcall-consumer trace "
                            "--employee ADDRESS shows it)",
                            id, integration_id);
    if (person.snapshot && person.snapshot->presence == RC_PRESENCE_EMPLOYED)
        return rc_error_set(error, RC_CONFLICT, RC_REJECT,
                            "employee %s of %s is employed; only who has left can be forgotten: end the employment in "
                            "the HR system, and poll (`rollcall-producer once --integration %s`)",
                            id, integration_id, integration_id);
    forget->ids[forget->count++] = id;
    return RC_OK;
}

static bool find_old(void *opaque, const rc_snapshot_t *snapshot, uint32_t ordinal)
{
    forget_t *forget = opaque;
    (void)ordinal;
    if (snapshot->presence == RC_PRESENCE_GONE && rc_forget_gone_since(snapshot).ms < forget->order->gone_before.ms)
        forget->ids[forget->count++] = rc_arena_strdup(forget->lasting, snapshot->employee_id);
    return forget->count < forget->order->most;
}

/* Somebody of whom a change waits is about to return, or to change otherwise: not now. */
static rc_code_t leave_out_pending(forget_t *forget, rc_error_t *error)
{
    size_t kept = 0;
    for (size_t i = 0; i < forget->count; i++) {
        bool found;
        rc_pending_t pending;
        rc_arena_reset(forget->record);
        rc_code_t code = rc_views_pending(forget->context->views, forget->context->integration->id, forget->ids[i],
                                          forget->record, &pending, &found, error);
        if (code != RC_OK) return code;
        if (!found) forget->ids[kept++] = forget->ids[i];
    }
    forget->count = kept;
    return RC_OK;
}

static rc_code_t find(forget_t *forget, rc_error_t *error)
{
    if (forget->order->employee_id) return find_one(forget, error);
    rc_code_t code =
        rc_views_each_snapshot(forget->context->views, forget->context->integration->id, NULL, find_old, forget, error);
    return code == RC_OK ? leave_out_pending(forget, error) : code;
}

/* --- erasing --- */

static void erase(forget_t *forget, const char *employee_id)
{
    const char *key = rc_outgoing_key(forget->outgoing, employee_id);
    /* The ledger's keys are written to the partition of their events. */
    int32_t partition = rc_kafka_partition(key, strlen(key), forget->context->config->kafka.partitions);
    rc_outgoing_tombstone(forget->outgoing, RC_TOPIC_SNAPSHOT, key, partition);
    rc_outgoing_tombstone(forget->outgoing, RC_TOPIC_PENDING, key, partition);
    for (int type = 0; type < RC_EVENT_COUNT; type++)
        rc_outgoing_tombstone(forget->outgoing, RC_TOPIC_LEDGER,
                              rc_arena_sprintf(forget->lasting, "%s:%s", rc_enum_str(&RC_ENUM_EVENT, type), key),
                              partition);
}

static rc_code_t publish(forget_t *forget, const rc_sync_state_t *before, rc_forget_result_t *result, rc_error_t *error)
{
    rc_sync_state_t state = *before;
    for (size_t i = 0; i < forget->count; i++) erase(forget, forget->ids[i]);
    state.integration_id = forget->context->integration->id;
    state.employees -= (int64_t)forget->count;
    if (forget->order->command_id) {
        state.last_command_id = forget->order->command_id;
        state.last_command_ok = true;
        state.last_command_message = NULL;
    }
    rc_code_t code = rc_outgoing_write(forget->outgoing, &state, forget->order->command_offset, error);
    if (code != RC_OK) return code;
    result->state = state;
    result->forgotten = forget->count;
    return rc_outgoing_follow(forget->outgoing, error);
}

rc_code_t rc_poll_forget(const rc_poll_context_t *context, const rc_forget_order_t *order,
                         const rc_sync_state_t *before, rc_arena_t *arena, rc_forget_result_t *result,
                         rc_error_t *error)
{
    forget_t forget = {.context = context,
                       .order = order,
                       .lasting = arena,
                       .record = rc_arena_new(),
                       .outgoing = rc_outgoing_new(context, order->group, rc_views_life(context->views))};
    forget.ids = rc_arena_alloc(arena, (order->employee_id ? 1 : order->most) * sizeof *forget.ids);
    *result = (rc_forget_result_t){.state = *before};
    rc_code_t code = find(&forget, error);
    if (code == RC_OK && forget.count > 0) code = publish(&forget, before, result, error);
    result->behind = rc_outgoing_is_behind(forget.outgoing);
    rc_outgoing_free(forget.outgoing);
    rc_arena_free(forget.record);
    return code;
}
