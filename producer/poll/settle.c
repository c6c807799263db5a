#include "producer/poll/settle.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/random.h"
#include "producer/rules/collision.h"

struct rc_settlement {
    rc_run_t *run;
    size_t next;
    rc_addresses_t *addresses; /* NULL: no address changes */
    rc_collisions_t *collisions;
    int64_t announced; /* gained by those given so far */
    int64_t employees;
};

static rc_tag_t tag_at(const rc_run_t *run, size_t index)
{
    const uint64_t bits = rc_stage_tag(run->stage, index);
    rc_tag_t tag;
    memcpy(&tag, &bits, sizeof tag);
    return tag;
}

/* ---- Over everybody ---- */

static int64_t announced_before(const rc_run_t *run)
{
    return run->kind == RC_POLL_FULL ? (int64_t)rc_roll_announced(run->context->roll) : run->before->announced;
}

static void decide_brakes(rc_run_t *run)
{
    for (size_t index = 0; index < rc_stage_count(run->stage); index++) {
        const rc_tag_t tag = tag_at(run, index);
        if (tag.kind == RC_STAGED_CHANGE) rc_brakes_add(run->brakes, tag.braked);
    }
    rc_brakes_decide(run->brakes, announced_before(run), rc_random64());
}

static bool passes(const void *opaque, size_t index)
{
    const rc_run_t *run = opaque;
    const rc_tag_t tag = tag_at(run, index);
    return tag.kind == RC_STAGED_CHANGE && rc_brakes_let_pass(run->brakes, tag.braked);
}

/* Who gets which address, among those whom nothing else stops. */
static rc_code_t decide_addresses(rc_settlement_t *settlement, rc_error_t *error)
{
    rc_run_t *run = settlement->run;
    if (!run->address_changes) return RC_OK;
    rc_code_t code = rc_addresses_new(run->context->views, run->context->codec, run->context->integration->id,
                                      run->stage, passes, run, &settlement->addresses, error);
    if (code != RC_OK) return code;
    settlement->collisions = rc_collisions_new(rc_addresses_index(settlement->addresses));
    for (size_t index = 0; index < rc_stage_count(run->stage); index++) {
        rc_claim_t claim;
        rc_arena_reset(run->record);
        if (rc_addresses_claim(settlement->addresses, index, run->record, &claim))
            rc_collisions_add(settlement->collisions, &claim);
    }
    if (rc_collisions_count(settlement->collisions) > 0)
        rc_log(RC_LEVEL_WARN, "e-mail addresses that two people want; the later ones wait",
               RC_LOG_STR(INTEGRATION, run->context->integration->id),
               RC_LOG_INT(EMPLOYEES, rc_collisions_count(settlement->collisions)));
    return rc_addresses_result(settlement->addresses, error);
}

rc_code_t rc_settlement_new(rc_run_t *run, rc_settlement_t **result, rc_error_t *error)
{
    rc_settlement_t *settlement = rc_zalloc(sizeof *settlement);
    settlement->run = run;
    decide_brakes(run);
    rc_code_t code = decide_addresses(settlement, error);
    if (code == RC_OK)
        *result = settlement;
    else
        rc_settlement_free(settlement);
    return code;
}

void rc_settlement_free(rc_settlement_t *settlement)
{
    if (!settlement) return;
    rc_collisions_free(settlement->collisions);
    rc_addresses_free(settlement->addresses);
    free(settlement);
}

/* ---- One person ---- */

/* What stands in the way of a change, and whom it replaces when nothing does. */
static rc_code_t find_obstacles(rc_settlement_t *settlement, size_t index, rc_braked_t braked,
                                const rc_decision_t *decision, rc_settled_t *settled, rc_error_t *error)
{
    rc_run_t *run = settlement->run;
    rc_obstacles_t *obstacles = &settled->obstacles;
    rc_claim_t claim;
    rc_brakes_obstacles(run->brakes, run->record, braked, settled->stored.pending, decision, obstacles);
    if (!settlement->collisions || obstacles->reasons) return RC_OK;
    if (rc_collisions_winner(settlement->collisions, settled->employee_id))
        obstacles->reasons = 1U << RC_PENDING_EMAIL_COLLISION;
    else if (rc_addresses_claim(settlement->addresses, index, run->record, &claim) && claim.wanted && !claim.published)
        obstacles->replaces = rc_collisions_replaced(settlement->collisions, run->record, &claim);
    return rc_addresses_result(settlement->addresses, error);
}

static void publish(rc_settlement_t *settlement, rc_braked_t braked, rc_settled_t *settled)
{
    const rc_snapshot_t *before = settled->stored.snapshot;
    settled->publishes = true;
    settled->after = rc_snapshot_after(before, &settled->diff);
    rc_brakes_count(settlement->run->brakes, braked, &settled->after);
    bool was = before && before->presence == RC_PRESENCE_EMPLOYED;
    settlement->announced += (settled->after.presence == RC_PRESENCE_EMPLOYED) - was;
}

static rc_code_t settle_change(rc_settlement_t *settlement, size_t index, const rc_pending_t *change,
                               rc_settled_t *settled, rc_error_t *error)
{
    rc_run_t *run = settlement->run;
    const rc_tag_t tag = tag_at(run, index);
    rc_decision_t decision;
    rc_code_t code = rc_views_person(run->context->views, run->context->integration->id, settled->employee_id,
                                     run->record, &settled->stored, error);
    if (code != RC_OK) return code;
    rc_decide_stored(run->record, &run->occasion, settled->stored.snapshot, change, &decision);
    code = find_obstacles(settlement, index, tag.braked, &decision, settled, error);
    if (code != RC_OK) return code;
    if (settled->obstacles.replaces) rc_diff_set_replaces(&decision.diff, settled->obstacles.replaces);
    settled->diff = decision.diff;
    if (decision.diff.count > 0 && !settled->obstacles.reasons) publish(settlement, tag.braked, settled);
    settled->action = rc_pending_next(&run->occasion, settled->employee_id, settled->stored.pending, &decision,
                                      &settled->obstacles, &settled->pending);
    return RC_OK;
}

/* Whether they are known of afterwards: published, or waiting. */
static void count_employee(rc_settlement_t *settlement, rc_tag_t tag)
{
    bool is = tag.kind != RC_STAGED_TOMBSTONE || tag.has_snapshot;
    settlement->employees += is - (tag.has_snapshot || tag.has_pending);
}

bool rc_settlement_is_done(const rc_settlement_t *settlement)
{
    return settlement->next == rc_stage_count(settlement->run->stage);
}

rc_code_t rc_settlement_next(rc_settlement_t *settlement, rc_settled_t *settled, rc_error_t *error)
{
    rc_run_t *run = settlement->run;
    const size_t index = settlement->next++;
    const rc_tag_t tag = tag_at(run, index);
    rc_staged_t staged;
    rc_pending_t change;
    rc_arena_reset(run->record);
    rc_code_t code = rc_stage_get(run->stage, index, run->record, &staged, error);
    if (code != RC_OK) return code;
    *settled = (rc_settled_t){.employee_id = staged.employee_id, .action = RC_PENDING_TOMBSTONE};
    if (tag.kind != RC_STAGED_TOMBSTONE)
        code = rc_codec_decode_pending(run->context->codec, staged.value, staged.value_bytes, run->record, &change,
                                       NULL, error);
    if (code == RC_OK && tag.kind == RC_STAGED_PENDING) {
        settled->action = RC_PENDING_WRITE;
        settled->pending = change;
    } else if (code == RC_OK && tag.kind == RC_STAGED_CHANGE) {
        code = settle_change(settlement, index, &change, settled, error);
    }
    if (code != RC_OK) return rc_error_prefix(error, "employee %s", staged.employee_id);
    count_employee(settlement, tag);
    return RC_OK;
}

/* ---- The state ---- */

void rc_settlement_save(const rc_settlement_t *settlement, bool complete, rc_arena_t *arena, rc_sync_state_t *state)
{
    const rc_run_t *run = settlement->run;
    state->announced = announced_before(run) + settlement->announced;
    /* A full run has counted them, whatever the sum of all changes has come to. */
    int64_t known = run->kind == RC_POLL_FULL ? (int64_t)rc_roll_stored(run->context->roll) : run->before->employees;
    state->employees = known + settlement->employees;
    rc_brakes_save(run->brakes, complete, arena, state);
}
