#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/map.h"
#include "producer/employee.h"
#include "producer/poll_steps.h"

enum {
    OVERLAP_MS = 120000, /* design section 4: `updated_after` is kept back by it */
    CURSOR_RESTARTS = 3
};

/* --- the stage --- */

static rc_code_t put(rc_run_t *run, rc_staged_kind_t kind, const char *employee_id, const char *address,
                     const rc_pending_t *pending, rc_error_t *error)
{
    const char mark = (char)kind;
    rc_buf_reset(&run->value);
    RC_INVARIANT(rc_buf_add(&run->value, &mark, 1));
    rc_code_t code = pending ? rc_codec_encode_pending(run->context->codec, pending, &run->value, error) : RC_OK;
    if (code != RC_OK) return rc_error_prefix(error, "employee %s", employee_id);
    return rc_stage_put(run->stage, employee_id, address, run->value.data, run->value.size_bytes, error);
}

/* What was decided about somebody goes on the stage: a change that would be published, a pending record to write or to
 * erase, or nothing. */
static rc_code_t stage_decision(rc_run_t *run, const char *employee_id, const rc_snapshot_t *snapshot,
                                const rc_pending_t *stored, const rc_decision_t *decision, rc_error_t *error)
{
    rc_pending_t next;
    if (decision->diff.count > 0) {
        next = rc_pending_of(&run->occasion, employee_id, stored, decision, NULL);
        const char *email = next.wanted == RC_PRESENCE_EMPLOYED ? next.employee.email : NULL;
        bool announced = snapshot && snapshot->presence == RC_PRESENCE_EMPLOYED;
        if (!announced || next.wanted == RC_PRESENCE_GONE ||
            strcmp(rc_address_key(run->record, email),
                   rc_address_key(run->record, snapshot->employee.email ? snapshot->employee.email : "")) != 0)
            run->address_changes = true;
        return put(run, RC_STAGED_CHANGE, employee_id, email ? rc_address_key(run->record, email) : NULL, &next, error);
    }
    switch (rc_pending_next(&run->occasion, employee_id, stored, decision, NULL, &next)) {
    case RC_PENDING_NOTHING:
        return RC_OK;
    case RC_PENDING_WRITE:
        return put(run, RC_STAGED_PENDING, employee_id, NULL, &next, error);
    case RC_PENDING_TOMBSTONE:
        return put(run, RC_STAGED_TOMBSTONE, employee_id, NULL, NULL, error);
    }
    RC_DIE("a pending change has no next step");
}

/* --- who was looked at --- */

static void mark(uint8_t *bitmap, uint32_t count, uint32_t ordinal)
{
    if (ordinal < count) bitmap[ordinal / 8] |= (uint8_t)(1U << ordinal % 8);
}

static bool is_marked(const uint8_t *bitmap, uint32_t count, uint32_t ordinal)
{
    return ordinal < count && bitmap[ordinal / 8] & 1U << ordinal % 8;
}

/* What is stored about somebody, in the record's arena; NULL where there is nothing. */
typedef struct {
    rc_snapshot_t snapshot_row;
    rc_pending_t pending_row;
    const rc_snapshot_t *snapshot;
    const rc_pending_t *pending;
} stored_t;

static rc_code_t load(rc_run_t *run, const char *employee_id, stored_t *stored, rc_error_t *error)
{
    const char *integration_id = run->context->integration->id;
    bool found_snapshot, found_pending;
    rc_code_t code = rc_views_snapshot(run->context->views, integration_id, employee_id, run->record,
                                       &stored->snapshot_row, &found_snapshot, error);
    if (code == RC_OK)
        code = rc_views_pending(run->context->views, integration_id, employee_id, run->record, &stored->pending_row,
                                &found_pending, error);
    if (code != RC_OK) return code;
    stored->snapshot = found_snapshot ? &stored->snapshot_row : NULL;
    stored->pending = found_pending ? &stored->pending_row : NULL;
    return RC_OK;
}

/* --- records of Kombo --- */

static void log_unreadable(const rc_run_t *run, const char *employee_id, const rc_decision_t *decision)
{
    if (decision->unreadable)
        rc_log(RC_LEVEL_WARN, "a date of the HR system cannot be read; what was known stands",
               RC_LOG_STR(INTEGRATION, run->context->integration->id), RC_LOG_STR(EMPLOYEE, employee_id),
               RC_LOG_STR(FIELD, decision->unreadable & 1U << RC_TARGET_HIRE_DATE ? "hireDate" : "leaveDate"));
}

static rc_code_t look_at_record(rc_run_t *run, const rc_kombo_employee_t *record, rc_look_t look, rc_error_t *error)
{
    rc_glance_t glance;
    rc_arena_reset(run->record);
    rc_code_t code =
        rc_views_glance(run->context->views, run->context->integration->id, record->id, run->record, &glance, error);
    if (code != RC_OK) return code;
    mark(run->seen_snapshots, run->snapshot_ordinals, glance.snapshot_ordinal);
    mark(run->seen_pending, run->pending_ordinals, glance.pending_ordinal);
    if (!glance.is_pending &&
        rc_record_is_settled(run->record, &run->occasion, record, glance.published ? &glance.digest : NULL))
        return RC_OK;
    stored_t stored;
    rc_decision_t decision;
    code = load(run, record->id, &stored, error);
    if (code != RC_OK) return code;
    rc_decide_record(run->record, &run->occasion, record, look, stored.snapshot, stored.pending, &decision);
    log_unreadable(run, record->id, &decision);
    return stage_decision(run, record->id, stored.snapshot, stored.pending, &decision, error);
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

static rc_code_t begin_stage(rc_run_t *run, rc_error_t *error)
{
    rc_stage_free(run->stage);
    run->stage = NULL;
    free(run->seen_snapshots);
    free(run->seen_pending);
    run->seen_snapshots = run->seen_pending = NULL;
    run->address_changes = false;
    rc_code_t code = rc_views_ordinals(run->context->views, &run->snapshot_ordinals, &run->pending_ordinals, error);
    if (code != RC_OK) return code;
    run->seen_snapshots = rc_calloc(run->snapshot_ordinals / 8 + 1, 1);
    run->seen_pending = rc_calloc(run->pending_ordinals / 8 + 1, 1);
    return rc_stage_new(run->context->stage_directory, &run->stage, error);
}

static rc_wall_t updated_after(const rc_run_t *run)
{
    if (run->kind == RC_POLL_FULL) return (rc_wall_t){0};
    return (rc_wall_t){run->before->watermark.ms - OVERLAP_MS};
}

/* The listing of employees; a cursor that expired starts it again. */
static rc_code_t fetch_employees(rc_run_t *run, rc_error_t *error)
{
    const rc_kombo_query_t query = {.updated_after = updated_after(run), .include_deleted = true};
    for (int restarts = 0;; restarts++) {
        rc_code_t code = begin_stage(run, error);
        if (code != RC_OK || run->kind == RC_POLL_TICK) return code;
        code = rc_kombo_fetch_employees(run->context->kombo, &query, on_changed, run, run->context->cancelled,
                                        &run->fetched, error);
        if (code != RC_CURSOR_EXPIRED || restarts == CURSOR_RESTARTS) return code;
        rc_log(RC_LEVEL_WARN, "a cursor of Kombo expired; the listing begins again",
               RC_LOG_STR(INTEGRATION, run->context->integration->id), RC_LOG_INT(COUNT, restarts + 1));
    }
}

/* --- new names of groups and locations --- */

typedef struct {
    rc_run_t *run;
    rc_map_t *groups; /* id → name */
    rc_map_t *locations;
    rc_code_t code;
    rc_error_t *error;
} renames_t;

static void note_name(rc_map_t *names, const char *id, const char *name)
{
    if (name) free(rc_map_set(names, id, strlen(id), rc_strdup(name)));
}

static rc_code_t on_group(void *opaque, const rc_kombo_group_t *group, rc_error_t *error)
{
    (void)error;
    if (!group->deleted) note_name(((renames_t *)opaque)->groups, group->id, group->name);
    return RC_OK;
}

static rc_code_t on_location(void *opaque, const rc_kombo_location_t *location, rc_error_t *error)
{
    (void)error;
    if (!location->deleted) note_name(((renames_t *)opaque)->locations, location->id, location->name);
    return RC_OK;
}

static const char *new_name(const rc_map_t *names, const char *id)
{
    return id ? rc_map_get(names, id, strlen(id)) : NULL;
}

/* Gives an employee's groups and location the names that were just read. */
static bool rename_all(const renames_t *renames, rc_arena_t *arena, rc_employee_t *employee)
{
    bool changed = false;
    const char *name = new_name(renames->groups, employee->primary_team.id);
    if (name) changed |= rc_employee_rename_group(arena, employee, employee->primary_team.id, name);
    for (size_t i = 0; i < employee->secondary_team_count; i++) {
        const char *id = employee->secondary_teams[i].id;
        if ((name = new_name(renames->groups, id))) changed |= rc_employee_rename_group(arena, employee, id, name);
    }
    name = new_name(renames->locations, employee->primary_location.id);
    if (name) changed |= rc_employee_rename_location(arena, employee, employee->primary_location.id, name);
    return changed;
}

/* Decides a stored person again whose team or location is called otherwise now. */
static bool rename_member(renames_t *renames, const rc_snapshot_t *snapshot, const rc_pending_t *pending)
{
    rc_run_t *run = renames->run;
    rc_decision_t decision;
    const char *employee_id = snapshot ? snapshot->employee_id : pending->employee_id;
    rc_decide_stored(run->record, &run->occasion, snapshot, pending, &decision);
    rc_pending_t renamed = rc_pending_of(&run->occasion, employee_id, pending, &decision, NULL);
    if (!rename_all(renames, run->record, &renamed.employee)) return true;
    rc_decide_stored(run->record, &run->occasion, snapshot, &renamed, &decision);
    renames->code = stage_decision(run, employee_id, snapshot, pending, &decision, renames->error);
    return renames->code == RC_OK;
}

static bool visit_renamed(void *opaque, const rc_snapshot_t *snapshot, uint32_t ordinal)
{
    renames_t *renames = opaque;
    rc_run_t *run = renames->run;
    if (snapshot->presence != RC_PRESENCE_EMPLOYED || is_marked(run->seen_snapshots, run->snapshot_ordinals, ordinal))
        return true;
    rc_pending_t pending;
    bool found;
    rc_arena_reset(run->record);
    renames->code = rc_views_pending(run->context->views, snapshot->integration_id, snapshot->employee_id, run->record,
                                     &pending, &found, renames->error);
    if (renames->code != RC_OK) return false;
    /* Whoever is pending too is decided below with what is stored, and with the new names at the next change or full
     * poll. */
    return found ? rename_member(renames, snapshot, &pending) : rename_member(renames, snapshot, NULL);
}

/* Groups and locations that changed: Kombo does not report their members as changed (apis/kombo.md, `updated_after`).
 */
static rc_code_t follow_names(rc_run_t *run, rc_error_t *error)
{
    renames_t renames = {.run = run, .groups = rc_map_new(free), .locations = rc_map_new(free), .error = error};
    const rc_kombo_query_t query = {.updated_after = updated_after(run), .include_deleted = true};
    rc_kombo_result_t result;
    rc_code_t code =
        rc_kombo_fetch_groups(run->context->kombo, &query, on_group, &renames, run->context->cancelled, &result, error);
    if (code == RC_OK)
        code = rc_kombo_fetch_locations(run->context->kombo, &query, on_location, &renames, run->context->cancelled,
                                        &result, error);
    if (code == RC_OK && rc_map_count(renames.groups) + rc_map_count(renames.locations) > 0)
        code =
            rc_views_each_snapshot(run->context->views, run->context->integration->id, visit_renamed, &renames, error);
    if (code == RC_OK) code = renames.code;
    rc_map_free(renames.groups);
    rc_map_free(renames.locations);
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
    visit->code = stage_decision(run, snapshot ? snapshot->employee_id : pending->employee_id, snapshot, pending,
                                 &decision, visit->error);
    return visit->code == RC_OK;
}

/* Everybody who was published: who is missing after a full fetch, and whose day has come. */
static bool visit_snapshot(void *opaque, const rc_snapshot_t *snapshot, uint32_t ordinal)
{
    visit_t *visit = opaque;
    rc_run_t *run = visit->run;
    run->rows++;
    if (snapshot->presence != RC_PRESENCE_EMPLOYED) return true;
    run->employed_rows++;
    if (is_marked(run->seen_snapshots, run->snapshot_ordinals, ordinal)) return true;
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
    if (is_marked(run->seen_pending, run->pending_ordinals, ordinal)) return true;
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
    if (run->kind == RC_POLL_FULL || run->order->look_at_everybody) {
        run->employed_rows = run->rows = 0;
        code =
            rc_views_each_snapshot(run->context->views, run->context->integration->id, visit_snapshot, &visit, error);
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

/* Deleted people whose grace is over are read again by id: only a record that comes and still says so counts. */
static rc_code_t look_again(rc_run_t *run, rc_error_t *error)
{
    visit_t visit = {.run = run, .error = error};
    rc_code_t code =
        rc_views_each_pending(run->context->views, run->context->integration->id, visit_absent, &visit, error);
    if (code == RC_OK && visit.id_count > 0) {
        const rc_kombo_query_t query = {.include_deleted = true, .ids = visit.ids, .id_count = visit.id_count};
        rc_kombo_result_t result;
        code = rc_kombo_fetch_employees(run->context->kombo, &query, on_reread, run, run->context->cancelled, &result,
                                        error);
    }
    for (size_t i = 0; i < visit.id_count; i++) free((char *)visit.ids[i]);
    free(visit.ids);
    return code;
}

rc_code_t rc_run_look(rc_run_t *run, rc_error_t *error)
{
    rc_code_t code = fetch_employees(run, error);
    if (code == RC_OK) code = look_again(run, error);
    if (code == RC_OK && run->kind == RC_POLL_INCREMENTAL) code = follow_names(run, error);
    if (code == RC_OK) code = look_at_stored(run, error);
    return code;
}
