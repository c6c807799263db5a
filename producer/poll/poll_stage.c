#include <string.h>

#include "producer/poll/poll_steps.h"

static rc_code_t put(rc_run_t *run, rc_tag_t tag, const char *employee_id, const char *address,
                     const rc_pending_t *pending, rc_error_t *error)
{
    uint64_t bits;
    memcpy(&bits, &tag, sizeof bits);
    rc_buf_reset(&run->value);
    rc_code_t code = pending ? rc_codec_encode_pending(run->context->codec, pending, &run->value, error) : RC_OK;
    if (code != RC_OK) return rc_error_prefix(error, "employee %s", employee_id);
    return rc_stage_put(run->stage, employee_id, address, bits, pending ? run->value.data : "", run->value.size_bytes,
                        error);
}

/* Whether the change is to an address that the person is not announced with. */
static bool wants_another_address(rc_run_t *run, const rc_snapshot_t *snapshot, const char *email)
{
    if (!email) return false;
    bool announced = snapshot && snapshot->presence == RC_PRESENCE_EMPLOYED && snapshot->employee.email;
    return !announced ||
           strcmp(rc_address_key(run->record, email), rc_address_key(run->record, snapshot->employee.email)) != 0;
}

rc_code_t rc_run_stage(rc_run_t *run, const char *employee_id, const rc_snapshot_t *snapshot,
                       const rc_pending_t *stored, const rc_decision_t *decision, rc_error_t *error)
{
    rc_pending_t next;
    rc_tag_t tag = {.kind = RC_STAGED_CHANGE, .has_snapshot = snapshot, .has_pending = stored};
    if (decision->diff.count > 0) {
        next = rc_pending_of(&run->occasion, employee_id, stored, decision, NULL);
        const char *email = next.wanted == RC_PRESENCE_EMPLOYED ? next.employee.email : NULL;
        run->address_changes |= wants_another_address(run, snapshot, email);
        tag.braked = rc_brakes_look(run->brakes, run->record, snapshot, stored, decision);
        return put(run, tag, employee_id, email ? rc_address_key(run->record, email) : NULL, &next, error);
    }
    switch (rc_pending_next(&run->occasion, employee_id, stored, decision, NULL, &next)) {
    case RC_PENDING_NOTHING:
        return RC_OK;
    case RC_PENDING_WRITE:
        tag.kind = RC_STAGED_PENDING;
        return put(run, tag, employee_id, NULL, &next, error);
    case RC_PENDING_TOMBSTONE:
        tag.kind = RC_STAGED_TOMBSTONE;
        return put(run, tag, employee_id, NULL, NULL, error);
    }
    RC_DIE("a pending change has no next step");
}

void rc_seen_add(rc_seen_t *seen, uint32_t ordinal)
{
    if (ordinal < seen->count) seen->bits[ordinal / 8] |= (uint8_t)(1U << ordinal % 8);
}

bool rc_seen_has(const rc_seen_t *seen, uint32_t ordinal)
{
    return ordinal < seen->count && seen->bits[ordinal / 8] & 1U << ordinal % 8;
}
