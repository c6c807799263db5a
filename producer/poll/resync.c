#include "producer/poll/resync.h"

#include <string.h>

#include "producer/poll/outgoing.h"
#include "producer/poll/stage.h"

typedef struct {
    const rc_poll_context_t *context;
    const rc_resync_order_t *order;
    const rc_sync_state_t *before;
    rc_resync_result_t *result;
    rc_arena_t *lasting;
    rc_arena_t *record;
    rc_stage_t *stage; /* who is to be published again: the views are not read while transactions change them */
    int64_t employed;  /* on it */
    int64_t gone;
    int64_t newer; /* passed over */
    rc_outgoing_t *outgoing;
    rc_code_t code; /* of the look */
    rc_error_t *error;
} resync_t;

/* --- who --- */

static bool look_at(void *opaque, const rc_snapshot_t *snapshot, uint32_t ordinal)
{
    resync_t *resync = opaque;
    (void)ordinal;
    if (snapshot->occurred_at.ms >= resync->order->issued_at.ms) {
        resync->newer++;
        return true;
    }
    *(snapshot->presence == RC_PRESENCE_EMPLOYED ? &resync->employed : &resync->gone) += 1;
    resync->code = rc_stage_put(resync->stage, snapshot->employee_id, NULL, 0, "", 0, resync->error);
    return resync->code == RC_OK;
}

static rc_code_t look_at_one(resync_t *resync)
{
    bool found;
    rc_snapshot_t snapshot;
    const char *integration_id = resync->context->integration->id, *employee_id = resync->order->employee_id;
    rc_code_t code = rc_views_snapshot(resync->context->views, integration_id, employee_id, resync->record, &snapshot,
                                       &found, resync->error);
    if (code != RC_OK) return code;
    if (!found)
        return rc_error_set(
            resync->error, RC_NOT_FOUND, RC_REJECT,
            "%s has no published employee %s; write Kombo's id (rollcall-consumer trace --employee ADDRESS shows it)",
            integration_id, employee_id);
    (void)look_at(resync, &snapshot, 0);
    return resync->code;
}

static rc_code_t look(resync_t *resync)
{
    rc_code_t code = rc_stage_new(resync->context->stage_directory, &resync->stage, resync->error);
    if (code != RC_OK) return code;
    if (resync->order->employee_id)
        code = look_at_one(resync);
    else
        code = rc_views_each_snapshot(resync->context->views, resync->context->integration->id, NULL, look_at, resync,
                                      resync->error);
    if (code == RC_OK) code = resync->code;
    return code == RC_OK ? rc_stage_seal(resync->stage, resync->error) : code;
}

static rc_code_t check_pauses(const resync_t *resync)
{
    const uint32_t paused = resync->before->paused;
    bool created = resync->employed > 0 && paused >> RC_EVENT_CREATED & 1U;
    bool deactivated = resync->gone > 0 && paused >> RC_EVENT_DEACTIVATED & 1U;
    if (!created && !deactivated) return RC_OK;
    const char *id = resync->context->integration->id;
    return rc_error_set(resync->error, RC_CONFLICT, RC_REJECT,
                        "%s events of %s are paused; `rollcall-producer resume --integration %s`, then resync again",
                        rc_enum_str(&RC_ENUM_EVENT, created ? RC_EVENT_CREATED : RC_EVENT_DEACTIVATED), id, id);
}

/* --- publishing --- */

static rc_event_t event_of(const resync_t *resync, const rc_snapshot_t *snapshot, rc_wall_t at)
{
    rc_event_t event = {.type = RC_EVENT_CREATED,
                        .integration_id = snapshot->integration_id,
                        .employee_id = snapshot->employee_id,
                        .version = rc_version_next(snapshot->version, resync->order->now),
                        .previous_version = snapshot->version,
                        .occurred_at = at,
                        .trigger = RC_TRIGGER_RESYNC,
                        .employee = snapshot->employee,
                        .deactivated = {.effective_date = RC_DATE_NONE}};
    if (snapshot->presence == RC_PRESENCE_EMPLOYED) {
        event.created.reason = RC_CREATED_RESYNC;
        event.created.replaces = snapshot->replaces;
        return event;
    }
    event.type = RC_EVENT_DEACTIVATED;
    event.deactivated.reason = RC_GONE_RESYNC;
    event.deactivated.effective_date = snapshot->effective_date;
    return event;
}

/* Why somebody is gone, and when they counted for a brake, stays what it was. */
static rc_code_t add_person(resync_t *resync, const char *employee_id)
{
    bool found;
    rc_snapshot_t snapshot;
    rc_code_t code = rc_views_snapshot(resync->context->views, resync->context->integration->id, employee_id,
                                       resync->record, &snapshot, &found, resync->error);
    if (code != RC_OK || !found) return code;
    /* The clock that issued the command may be ahead of ours: done is who is not older than the command. */
    const rc_resync_order_t *order = resync->order;
    rc_wall_t at = order->now.ms > order->issued_at.ms ? order->now : order->issued_at;
    rc_event_t event = event_of(resync, &snapshot, at);
    snapshot.previous_version = event.previous_version;
    snapshot.version = event.version;
    snapshot.occurred_at = at;
    const char *key = rc_outgoing_key(resync->outgoing, employee_id);
    code = rc_outgoing_event(resync->outgoing, key, &event, resync->error);
    return code == RC_OK ? rc_outgoing_snapshot(resync->outgoing, key, &snapshot, resync->error) : code;
}

static const char *answer(const resync_t *resync, int64_t created, int64_t deactivated)
{
    const char *message = rc_arena_sprintf(resync->lasting, "%lld created and %lld deactivated published",
                                           (long long)created, (long long)deactivated);
    if (!resync->newer) return message;
    return rc_arena_sprintf(resync->lasting, "%s; %lld passed over, published since the command was given", message,
                            (long long)resync->newer);
}

static rc_code_t write_transaction(resync_t *resync, bool last)
{
    rc_sync_state_t state = *resync->before;
    rc_resync_result_t *result = resync->result;
    const int64_t *events = rc_outgoing_events(resync->outgoing);
    int64_t created = result->created + events[RC_EVENT_CREATED];
    int64_t deactivated = result->deactivated + events[RC_EVENT_DEACTIVATED];
    state.integration_id = resync->context->integration->id;
    if (last && resync->order->command_id) {
        state.last_command_id = resync->order->command_id;
        state.last_command_ok = true;
        state.last_command_message = answer(resync, created, deactivated);
    }
    rc_code_t code =
        rc_outgoing_write(resync->outgoing, &state, last ? resync->order->command_offset : -1, resync->error);
    if (code != RC_OK) return code;
    result->created = created;
    result->deactivated = deactivated;
    result->state = state;
    return RC_OK;
}

static rc_code_t publish(resync_t *resync)
{
    size_t in_transaction = 0, count = rc_stage_count(resync->stage);
    for (size_t index = 0; index < count; index++) {
        rc_staged_t staged;
        rc_arena_reset(resync->record);
        rc_code_t code = rc_stage_get(resync->stage, index, resync->record, &staged, resync->error);
        if (code == RC_OK) code = add_person(resync, staged.employee_id);
        if (code == RC_OK && ++in_transaction == resync->context->transaction_employees && index + 1 < count) {
            code = write_transaction(resync, false);
            in_transaction = 0;
        }
        if (code != RC_OK) return code;
    }
    rc_code_t code = write_transaction(resync, true);
    return code == RC_OK ? rc_outgoing_follow(resync->outgoing, resync->error) : code;
}

rc_code_t rc_poll_resync(const rc_poll_context_t *context, const rc_resync_order_t *order,
                         const rc_sync_state_t *before, rc_arena_t *arena, rc_resync_result_t *result,
                         rc_error_t *error)
{
    resync_t resync = {.context = context,
                       .order = order,
                       .before = before,
                       .result = result,
                       .lasting = arena,
                       .record = rc_arena_new(),
                       .outgoing = rc_outgoing_new(context, order->group, rc_views_life(context->views)),
                       .error = error};
    *result = (rc_resync_result_t){.state = *before};
    rc_code_t code = look(&resync);
    if (code == RC_OK) code = check_pauses(&resync);
    if (code == RC_OK) code = publish(&resync);
    result->behind = rc_outgoing_is_behind(resync.outgoing);
    rc_outgoing_free(resync.outgoing);
    rc_stage_free(resync.stage);
    rc_arena_free(resync.record);
    return code;
}
