#include <stdlib.h>
#include <string.h>

#include "common/map.h"
#include "producer/poll/poll_steps.h"
#include "producer/rules/employee.h"

/* Groups and locations that changed, and whom that changes. */
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

/* Decides a stored person again if their team or location is called otherwise now. *changed: it is. */
static rc_code_t rename_member(const renames_t *renames, const rc_snapshot_t *snapshot, const rc_pending_t *pending,
                               bool *changed)
{
    rc_run_t *run = renames->run;
    rc_decision_t decision;
    const char *employee_id = snapshot ? snapshot->employee_id : pending->employee_id;
    rc_decide_stored(run->record, &run->occasion, snapshot, pending, &decision);
    rc_pending_t renamed = rc_pending_of(&run->occasion, employee_id, pending, &decision, NULL);
    *changed = rename_all(renames, run->record, &renamed.employee);
    if (!*changed) return RC_OK;
    rc_decide_stored(run->record, &run->occasion, snapshot, &renamed, &decision);
    return rc_run_stage(run, employee_id, snapshot, pending, &decision, renames->error);
}

static bool pass_snapshot(void *opaque, const char *employee_id, size_t id_bytes, uint32_t ordinal)
{
    (void)employee_id, (void)id_bytes;
    return rc_seen_has(&((const renames_t *)opaque)->run->snapshots, ordinal);
}

static bool visit_snapshot(void *opaque, const rc_snapshot_t *snapshot, uint32_t ordinal)
{
    renames_t *renames = opaque;
    rc_run_t *run = renames->run;
    if (snapshot->presence != RC_PRESENCE_EMPLOYED) return true;
    rc_pending_t pending;
    bool found, changed = false;
    rc_arena_reset(run->record);
    rc_employee_t employee = snapshot->employee;
    if (!rename_all(renames, run->record, &employee)) return true;
    renames->code = rc_views_pending(run->context->views, snapshot->integration_id, snapshot->employee_id, run->record,
                                     &pending, &found, renames->error);
    if (renames->code == RC_OK && !found) { /* the pending are visited for themselves */
        renames->code = rename_member(renames, snapshot, NULL, &changed);
        rc_seen_add(&run->snapshots, ordinal);
    }
    return renames->code == RC_OK;
}

/* Whoever waits is to be announced with the new name, too; what is stored of them is not looked at again in this run.
 */
static bool visit_pending(void *opaque, const rc_pending_t *pending, uint32_t ordinal)
{
    renames_t *renames = opaque;
    rc_run_t *run = renames->run;
    if (rc_seen_has(&run->pending, ordinal)) return true;
    rc_snapshot_t snapshot;
    bool found, changed = false;
    rc_arena_reset(run->record);
    renames->code = rc_views_snapshot(run->context->views, pending->integration_id, pending->employee_id, run->record,
                                      &snapshot, &found, renames->error);
    if (renames->code == RC_OK) renames->code = rename_member(renames, found ? &snapshot : NULL, pending, &changed);
    if (changed) rc_seen_add(&run->pending, ordinal);
    return renames->code == RC_OK;
}

static rc_code_t list_groups(void *opaque, const rc_kombo_query_t *query, rc_error_t *error)
{
    const rc_run_t *run = ((renames_t *)opaque)->run;
    rc_kombo_result_t result;
    return rc_kombo_fetch_groups(run->context->kombo, query, on_group, opaque, run->context->cancelled, &result, error);
}

static rc_code_t list_locations(void *opaque, const rc_kombo_query_t *query, rc_error_t *error)
{
    const rc_run_t *run = ((renames_t *)opaque)->run;
    rc_kombo_result_t result;
    return rc_kombo_fetch_locations(run->context->kombo, query, on_location, opaque, run->context->cancelled, &result,
                                    error);
}

static rc_code_t rename_members(renames_t *renames, rc_error_t *error)
{
    rc_views_t *views = renames->run->context->views;
    const char *integration_id = renames->run->context->integration->id;
    if (rc_map_count(renames->groups) + rc_map_count(renames->locations) == 0) return RC_OK;
    rc_code_t code = rc_views_each_snapshot(views, integration_id, pass_snapshot, visit_snapshot, renames, error);
    if (code == RC_OK) code = renames->code;
    if (code == RC_OK) code = rc_views_each_pending(views, integration_id, visit_pending, renames, error);
    return code == RC_OK ? renames->code : code;
}

rc_code_t rc_run_follow_names(rc_run_t *run, rc_error_t *error)
{
    const rc_integration_t *integration = run->context->integration;
    const rc_kombo_query_t query = {.updated_after = rc_run_updated_after(run), .include_deleted = true};
    renames_t renames = {.run = run, .groups = rc_map_new(free), .locations = rc_map_new(free), .error = error};
    rc_code_t code = RC_OK;
    /* What nobody maps is not asked for: some HR systems do not have it. */
    if (integration->policy.primary_team_count > 0) code = rc_run_list(run, list_groups, &renames, &query, error);
    if (code == RC_OK && rc_integration_mapping(integration, RC_TARGET_LOCATION))
        code = rc_run_list(run, list_locations, &renames, &query, error);
    if (code == RC_OK) code = rename_members(&renames, error);
    rc_map_free(renames.groups);
    rc_map_free(renames.locations);
    return code;
}
