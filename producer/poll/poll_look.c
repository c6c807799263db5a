#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/mutant.h"
#include "common/table.h"
#include "producer/poll/poll_steps.h"

enum { CURSOR_RESTARTS = 3 };

/* --- records of Kombo --- */

static void log_unreadable(const rc_run_t *run, const char *employee_id, const rc_decision_t *decision)
{
    if (decision->unreadable)
        rc_log(RC_LEVEL_WARN, "a date of the HR system cannot be read; what was known stands",
               RC_LOG_STR(INTEGRATION, run->context->integration->id), RC_LOG_STR(EMPLOYEE, employee_id),
               RC_LOG_STR(FIELD, decision->unreadable & 1U << RC_TARGET_HIRE_DATE ? "hireDate" : "leaveDate"));
}

/* An id that no table can hold, or that is not one part of a key, would be published again with every poll. */
static rc_code_t check_id(const rc_run_t *run, const char *employee_id, rc_error_t *error)
{
    size_t key_bytes = strlen(run->context->integration->id) + 1 + strlen(employee_id);
    if (key_bytes <= RC_TABLE_KEY_MAX && !strchr(employee_id, '/')) return RC_OK;
    return rc_error_set(error, RC_MALFORMED, RC_REJECT,
                        "Kombo: the employee id \"%.64s\" has %zu bytes; ours have at most %zu and no \"/\"",
                        employee_id, strlen(employee_id), RC_TABLE_KEY_MAX - 1 - strlen(run->context->integration->id));
}

/* The short way of a full poll past those in whom nothing changed, which is most of them. */
static bool is_settled(rc_run_t *run, const rc_kombo_employee_t *record)
{
    if (run->kind != RC_POLL_FULL) return false;
    size_t length = strlen(record->id);
    rc_roll_t *roll = run->context->roll;
    rc_roll_entry_t known = rc_roll_find(roll, record->id, length);
    rc_roll_see(roll, record->id, length);
    return !known.is_pending &&
           rc_record_is_settled(run->record, &run->occasion, record, known.published ? &known.digest : NULL);
}

static rc_code_t look_at_record(rc_run_t *run, const rc_kombo_employee_t *record, rc_look_t look, rc_error_t *error)
{
    rc_person_t stored;
    rc_decision_t decision;
    rc_arena_reset(run->record);
    rc_code_t code = check_id(run, record->id, error);
    if (code != RC_OK) return code;
    if (is_settled(run, record)) return rc_stage_withdraw(run->stage, record->id, error);
    code = rc_views_person(run->context->views, run->context->integration->id, record->id, run->record, &stored, error);
    if (code != RC_OK) return code;
    rc_seen_add(&run->snapshots, stored.snapshot_ordinal);
    rc_seen_add(&run->pending, stored.pending_ordinal);
    rc_decide_record(run->record, &run->occasion, record, look, stored.snapshot, stored.pending, &decision);
    log_unreadable(run, record->id, &decision);
    size_t before = rc_stage_puts(run->stage);
    code = rc_run_stage(run, record->id, stored.snapshot, stored.pending, &decision, error);
    /* Of somebody whom Kombo shows twice, because pages shifted while they were read, the later record counts, also
     * where it says that nothing has changed. */
    return code == RC_OK && rc_stage_puts(run->stage) == before ? rc_stage_withdraw(run->stage, record->id, error)
                                                                : code;
}

static rc_code_t on_changed(void *opaque, const rc_kombo_employee_t *record, rc_error_t *error)
{
    rc_run_t *run = opaque;
    return look_at_record(run, record, run->kind == RC_POLL_FULL ? RC_LOOK_FULL : RC_LOOK_CHANGES, error);
}

static rc_code_t on_reread(void *opaque, const rc_kombo_employee_t *record, rc_error_t *error)
{
    return look_at_record(opaque, record, RC_LOOK_BY_ID, error);
}

static rc_seen_t seen_nobody(uint32_t count)
{
    return (rc_seen_t){rc_calloc(count / 8 + 1, 1), count};
}

static rc_code_t begin_stage(rc_run_t *run, rc_error_t *error)
{
    uint32_t snapshots, pending;
    rc_stage_free(run->stage);
    run->stage = NULL;
    run->address_changes = false;
    rc_code_t code = rc_views_ordinals(run->context->views, &snapshots, &pending, error);
    if (code != RC_OK) return code;
    free(run->snapshots.bits);
    free(run->pending.bits);
    run->snapshots = seen_nobody(snapshots);
    run->pending = seen_nobody(pending);
    if (run->kind == RC_POLL_FULL)
        code = rc_views_call_roll(run->context->views, run->context->integration->id, run->context->roll, error);
    return code != RC_OK ? code : rc_stage_new(run->context->stage_directory, &run->stage, error);
}

rc_wall_t rc_run_updated_after(const rc_run_t *run)
{
    if (run->kind == RC_POLL_FULL) return (rc_wall_t){0};
    return (rc_wall_t){run->before->watermark.ms - RC_POLL_OVERLAP_MS};
}

rc_code_t rc_run_list(rc_run_t *run, rc_code_t (*list)(void *opaque, const rc_kombo_query_t *query, rc_error_t *error),
                      void *opaque, const rc_kombo_query_t *query, rc_error_t *error)
{
    for (int restarts = 0;; restarts++) {
        rc_code_t code = list(opaque, query, error);
        if (code != RC_CURSOR_EXPIRED || restarts == CURSOR_RESTARTS) return code;
        rc_log(RC_LEVEL_WARN, "a cursor of Kombo expired; the listing begins again",
               RC_LOG_STR(INTEGRATION, run->context->integration->id), RC_LOG_INT(COUNT, restarts + 1));
    }
}

static rc_code_t list_changed(void *opaque, const rc_kombo_query_t *query, rc_error_t *error)
{
    rc_run_t *run = opaque;
    rc_code_t code = begin_stage(run, error);
    if (code == RC_OK)
        code = rc_kombo_fetch_employees(run->context->kombo, query, on_changed, run, run->context->cancelled,
                                        &run->fetched, error);
    return code;
}

/* Whether it is Kombo that stands in the way, which a tick does not need for anything else. */
static bool is_kombo_trouble(rc_code_t code)
{
    return code == RC_CONNECT || code == RC_TIMEOUT || code == RC_INTERRUPTED || code == RC_TOO_LARGE ||
           code == RC_MALFORMED || code == RC_HTTP || code == RC_NEEDS_CUSTOMER || code == RC_MISCONFIGURED ||
           code == RC_CURSOR_EXPIRED;
}

static rc_code_t fetch_employees(rc_run_t *run, rc_error_t *error)
{
    const rc_kombo_query_t query = {.updated_after = rc_run_updated_after(run), .include_deleted = true};
    if (run->kind == RC_POLL_TICK) return begin_stage(run, error);
    rc_code_t code = rc_run_list(run, list_changed, run, &query, error);
    if (RC_MUTANT(FETCH_CUT) && is_kombo_trouble(code)) code = RC_OK;
    if (code == RC_OK)
        rc_series_add(
            rc_metrics_series(run->context->metrics, RC_METRIC_RECORDS_READ, run->context->integration->id, NULL, NULL),
            (int64_t)run->fetched.records);
    return code;
}

/* --- stored people --- */

typedef struct {
    rc_run_t *run;
    rc_code_t code;
    rc_error_t *error;
    const char **ids; /* of absent people whose second look is due */
    size_t id_count;
    size_t id_capacity;
} visit_t;

static bool decide_stored(visit_t *visit, const rc_snapshot_t *snapshot, const rc_pending_t *pending, bool missing)
{
    rc_run_t *run = visit->run;
    rc_decision_t decision;
    if (missing)
        rc_decide_missing(run->record, &run->occasion, snapshot, pending, &decision);
    else
        rc_decide_stored(run->record, &run->occasion, snapshot, pending, &decision);
    visit->code = rc_run_stage(run, snapshot ? snapshot->employee_id : pending->employee_id, snapshot, pending,
                               &decision, visit->error);
    return visit->code == RC_OK;
}

/* Whoever was seen needs no look. */
static bool pass_snapshot(void *opaque, const char *employee_id, size_t id_bytes, uint32_t ordinal)
{
    const rc_run_t *run = ((visit_t *)opaque)->run;
    return run->kind == RC_POLL_FULL ? rc_roll_has_seen(run->context->roll, employee_id, id_bytes)
                                     : rc_seen_has(&run->snapshots, ordinal);
}

/* Everybody who was published and not seen: who is missing after a full fetch, and whose day has come. */
static bool visit_snapshot(void *opaque, const rc_snapshot_t *snapshot, uint32_t ordinal)
{
    (void)ordinal;
    visit_t *visit = opaque;
    rc_run_t *run = visit->run;
    if (snapshot->presence != RC_PRESENCE_EMPLOYED) return true;
    rc_pending_t pending;
    bool found;
    rc_arena_reset(run->record);
    visit->code = rc_views_pending(run->context->views, snapshot->integration_id, snapshot->employee_id, run->record,
                                   &pending, &found, visit->error);
    if (visit->code != RC_OK) return false;
    if (run->kind == RC_POLL_FULL) return decide_stored(visit, snapshot, found ? &pending : NULL, true);
    return found || decide_stored(visit, snapshot, NULL, false); /* the pending are visited anyway */
}

/* Every pending change that no record of this run was about. */
static bool visit_pending(void *opaque, const rc_pending_t *pending, uint32_t ordinal)
{
    visit_t *visit = opaque;
    rc_run_t *run = visit->run;
    if (rc_seen_has(&run->pending, ordinal)) return true;
    rc_snapshot_t snapshot;
    bool found;
    rc_arena_reset(run->record);
    visit->code = rc_views_snapshot(run->context->views, pending->integration_id, pending->employee_id, run->record,
                                    &snapshot, &found, visit->error);
    if (visit->code != RC_OK) return false;
    /* The announced were visited as missing already. */
    if (run->kind == RC_POLL_FULL && found && snapshot.presence == RC_PRESENCE_EMPLOYED) return true;
    return decide_stored(visit, found ? &snapshot : NULL, pending, run->kind == RC_POLL_FULL);
}

static rc_code_t look_at_stored(rc_run_t *run, rc_error_t *error)
{
    visit_t visit = {.run = run, .error = error};
    rc_code_t code = RC_OK;
    bool is_full = run->kind == RC_POLL_FULL;
    if (is_full ? rc_roll_unseen(run->context->roll) > 0 : run->order->look_at_everybody) {
        code = rc_views_each_snapshot(run->context->views, run->context->integration->id, pass_snapshot, visit_snapshot,
                                      &visit, error);
        if (code == RC_OK) code = visit.code;
    }
    if (code == RC_OK)
        code = rc_views_each_pending(run->context->views, run->context->integration->id, visit_pending, &visit, error);
    return code == RC_OK ? visit.code : code;
}

/* --- second looks --- */

static bool visit_absent(void *opaque, const rc_pending_t *pending, uint32_t ordinal)
{
    (void)ordinal;
    visit_t *visit = opaque;
    bool due = pending->reasons & 1U << RC_PENDING_ABSENT_ONCE && pending->gone_reason == RC_GONE_DELETED &&
               pending->until.ms <= visit->run->occasion.now.ms;
    if (!due) return true;
    if (visit->id_count == visit->id_capacity) {
        visit->id_capacity = visit->id_capacity ? visit->id_capacity * 2 : 16;
        visit->ids = rc_realloc(visit->ids, visit->id_capacity * sizeof *visit->ids);
    }
    visit->ids[visit->id_count++] = rc_strdup(pending->employee_id);
    return true;
}

static rc_code_t list_absent(void *opaque, const rc_kombo_query_t *query, rc_error_t *error)
{
    rc_run_t *run = opaque;
    rc_kombo_result_t result;
    return rc_kombo_fetch_employees(run->context->kombo, query, on_reread, run, run->context->cancelled, &result,
                                    error);
}

/* Deleted people whose grace is over are read again by id: only a record that comes and still says so counts. */
static rc_code_t look_again(rc_run_t *run, rc_error_t *error)
{
    visit_t visit = {.run = run, .error = error};
    rc_code_t code =
        rc_views_each_pending(run->context->views, run->context->integration->id, visit_absent, &visit, error);
    if (code == RC_OK && visit.id_count > 0) {
        const rc_kombo_query_t query = {.include_deleted = true, .ids = visit.ids, .id_count = visit.id_count};
        code = rc_run_list(run, list_absent, run, &query, error);
        if (run->kind == RC_POLL_TICK && is_kombo_trouble(code)) {
            rc_log(RC_LEVEL_WARN, "deleted people cannot be looked at again; the next poll will",
                   RC_LOG_STR(INTEGRATION, run->context->integration->id), RC_LOG_ERR(error));
            code = RC_OK;
        }
    }
    for (size_t i = 0; i < visit.id_count; i++) free((char *)visit.ids[i]);
    free(visit.ids);
    return code;
}

rc_code_t rc_run_look(rc_run_t *run, rc_error_t *error)
{
    rc_code_t code = fetch_employees(run, error);
    if (code == RC_OK) code = look_again(run, error);
    if (code == RC_OK && run->kind == RC_POLL_INCREMENTAL) code = rc_run_follow_names(run, error);
    if (code == RC_OK) code = look_at_stored(run, error);
    return code;
}
