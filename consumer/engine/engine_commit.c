/* When a batch is committed, and what follows from its end. */
#include <stdlib.h>

#include "common/log.h"
#include "consumer/engine/engine_state.h"

/* An integration that answers nothing gives itself no turn to park what is too much. */
static bool pump_held(void *opaque, const void *key, size_t key_bytes, void *value)
{
    (void)opaque, (void)key, (void)key_bytes;
    rc_site_t *site = value;
    if (site->ready_count > 0) rc_site_pump(site);
    return true;
}

static void commit_now(rc_engine_t *engine)
{
    if (rc_committer_is_busy(engine->committer)) {
        engine->commit_due = true;
        return;
    }
    engine->commit_due = false;
    rc_batch_t *batch = engine->batch;
    for (int lane = 0; lane < RC_EVENT_COUNT; lane++)
        if (engine->lanes[lane]) rc_lane_seal(engine->lanes[lane], batch);
    if (!rc_batch_is_sealed(batch)) return;
    batch->number = rc_fresh_seal(engine->fresh);
    engine->batch = rc_batch_new();
    rc_committer_take(engine->committer, batch);
    rc_engine_note_pressure(engine);
}

void rc_engine_commit_interval(void *opaque)
{
    rc_engine_t *engine = opaque;
    if (rc_quiet_beat(&engine->quiet, rc_loop_now(engine->loop)))
        rc_log(RC_LEVEL_WARN, "the process stood still; nothing is sent until its groups say what is still its",
               RC_LOG_INT(DELAY, RC_QUIET_AFTER_STALL_MS));
    commit_now(engine);
    rc_map_each(engine->sites, pump_held, NULL);
}

void rc_engine_commit_soon(rc_engine_t *engine)
{
    engine->commit_due = true;
    if (!rc_committer_is_busy(engine->committer))
        rc_loop_timer_start(engine->commit_timer, 0, engine->config->consumer.transaction_interval_ms);
}

/* Waits until the local ledger shows a batch. */
struct rc_shown {
    LIST_ENTRY(rc_shown) link;
    rc_engine_t *engine;
    size_t batch;
};

static void ledger_shown(void *opaque, rc_code_t code)
{
    struct rc_shown *shown = opaque;
    (void)code; /* a partition that went away needs no entries either */
    rc_fresh_shown(shown->engine->fresh, shown->batch);
    LIST_REMOVE(shown, link);
    free(shown);
}

static void await_ledger(rc_engine_t *engine, size_t batch, const rc_kafka_offset_t *ends, size_t count)
{
    struct rc_shown *shown = rc_zalloc(sizeof *shown);
    shown->engine = engine;
    shown->batch = batch;
    LIST_INSERT_HEAD(&engine->shown, shown, link);
    if (count)
        rc_tables_ledger_passed(engine->tables, ends, count, ledger_shown, shown);
    else
        ledger_shown(shown, RC_OK);
}

void rc_engine_free_shown(rc_engine_t *engine)
{
    struct rc_shown *shown;
    while ((shown = LIST_FIRST(&engine->shown))) {
        LIST_REMOVE(shown, link);
        free(shown);
    }
}

static void tell_people(rc_engine_t *engine, const rc_batch_lane_t *part)
{
    if (!part->group || part->lost) return;
    for (size_t i = 0; i < part->dead_count; i++) {
        const rc_notice_t notice = {.kind = RC_NOTIFY_DEAD_LETTER,
                                    .integration_id = part->dead[i].integration_id,
                                    .reason = part->dead[i].reason,
                                    .count = part->dead[i].count};
        rc_notify(engine->notify, &notice);
    }
}

void rc_engine_batch_done(void *opaque, rc_batch_t *batch, rc_batch_result_t result, const rc_kafka_offset_t *ledger,
                          size_t ledger_count)
{
    rc_engine_t *engine = opaque;
    if (result == RC_BATCH_FENCED) {
        rc_batch_free(batch);
        rc_engine_end(engine, true);
        return;
    }
    if (result == RC_BATCH_UNKNOWN) {
        rc_fresh_clear(engine->fresh);
        for (int lane = 0; lane < RC_EVENT_COUNT; lane++)
            if (engine->lanes[lane]) rc_lane_restart(engine->lanes[lane]);
    } else {
        await_ledger(engine, batch->number, ledger, ledger_count);
        for (int lane = 0; lane < RC_EVENT_COUNT; lane++) {
            tell_people(engine, &batch->lanes[lane]);
            if (engine->lanes[lane]) rc_lane_committed(engine->lanes[lane], &batch->lanes[lane]);
        }
    }
    rc_batch_free(batch);
    if (engine->commit_due) commit_now(engine);
}
