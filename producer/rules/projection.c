#include "producer/rules/projection.h"

#include <stddef.h>
#include <string.h>

#include "common/text.h"

/* What one projection works with. */
typedef struct {
    rc_arena_t *arena;
    const rc_kombo_employee_t *record;
    const rc_integration_t *integration;
    const rc_policy_t *policy;
    const rc_employee_t *published; /* NULL: none */
    rc_projection_t *out;
} work_t;

/* ---- Scope ---- */

static bool lists(const rc_strings_t *list, const char *text)
{
    for (size_t i = 0; text && i < list->count; i++)
        if (strcmp(list->items[i], text) == 0) return true;
    return false;
}

static bool lists_ref(const rc_strings_t *list, rc_ref_t ref)
{
    return lists(list, ref.id) || lists(list, ref.name);
}

static bool lists_group(const rc_strings_t *list, const rc_kombo_employee_t *record)
{
    for (size_t i = 0; i < record->group_count; i++)
        if (lists_ref(list, (rc_ref_t){record->groups[i].id, record->groups[i].name})) return true;
    return false;
}

static const char *find_scope_setting(const rc_policy_t *policy, const rc_kombo_employee_t *record)
{
    if (policy->scope.legal_entities.count && !lists_ref(&policy->scope.legal_entities, record->legal_entity))
        return "legal_entities";
    if (policy->scope.locations.count && !lists_ref(&policy->scope.locations, record->work_location))
        return "locations";
    if (policy->scope.groups.count && !lists_group(&policy->scope.groups, record)) return "groups";
    if (policy->scope.employment_types.count && !lists(&policy->scope.employment_types, record->employment_type))
        return "employment_types";
    return NULL;
}

/* ---- Values ---- */

/* Where the targets that are plain text go. The first three are what announcing needs: never kept (verdict.h). */
static const struct {
    bool is_text;
    bool is_optional;
    size_t offset;
} TEXTS[RC_TARGET_COUNT] = {
    [RC_TARGET_FIRST_NAME] = {true, false, offsetof(rc_employee_t, first_name)},
    [RC_TARGET_LAST_NAME] = {true, false, offsetof(rc_employee_t, last_name)},
    [RC_TARGET_EMAIL] = {true, false, offsetof(rc_employee_t, email)},
    [RC_TARGET_JOB_TITLE] = {true, true, offsetof(rc_employee_t, job_title)},
    [RC_TARGET_AVATAR] = {true, true, offsetof(rc_employee_t, avatar)},
    [RC_TARGET_MANAGER_EMAIL] = {true, true, offsetof(rc_employee_t, manager_email)},
    [RC_TARGET_LANGUAGE] = {true, true, offsetof(rc_employee_t, language)},
};

static bool keeps_empty(const work_t *work)
{
    return work->policy->on_null == RC_ON_NULL_KEEP && work->published;
}

static void set_text(const work_t *work, rc_target_t target, const char *value)
{
    size_t offset = TEXTS[target].offset;
    if (!value && TEXTS[target].is_optional && keeps_empty(work))
        memcpy(&value, (const char *)work->published + offset, sizeof value);
    memcpy((char *)&work->out->employee + offset, &value, sizeof value);
}

/* A location without a name could not be shown; the id is Kombo's only where the name is. */
static void set_location(const work_t *work, const char *source, const char *value)
{
    rc_ref_t location = {NULL, value};
    if (value && strcmp(source, "work_location.name") == 0) location.id = work->record->work_location.id;
    if (!value) location = keeps_empty(work) ? work->published->primary_location : (rc_ref_t){NULL, NULL};
    work->out->employee.primary_location = location;
}

/* `custom` has `*count` entries, rising by name; the mapping comes in that order already, as a rule. */
static void add_custom(const work_t *work, rc_custom_t *custom, size_t *count, const char *name, const char *value)
{
    if (!value && keeps_empty(work)) value = rc_employee_custom(work->published, name);
    size_t at = *count;
    for (; at > 0 && strcmp(custom[at - 1].name, name) > 0; at--) custom[at] = custom[at - 1];
    custom[at] = (rc_custom_t){name, value};
    ++*count;
}

static rc_date_t read_date(const work_t *work, rc_target_t target, const char *text, rc_date_t published)
{
    rc_date_t date = RC_DATE_NONE;
    if (!text || rc_date_parse(text, strlen(text), &date, NULL) == RC_OK) return date;
    work->out->unreadable |= 1U << target;
    return published;
}

static void set_dates(const work_t *work, const char *hire, const char *leave)
{
    rc_employee_t *employee = &work->out->employee;
    rc_date_t was_hired = work->published ? work->published->hire_date : RC_DATE_NONE;
    rc_date_t was_leaving = work->published ? work->published->leave_date : RC_DATE_NONE;
    employee->hire_date =
        !hire && keeps_empty(work) ? was_hired : read_date(work, RC_TARGET_HIRE_DATE, hire, was_hired);
    employee->leave_date = read_date(work, RC_TARGET_LEAVE_DATE, leave, was_leaving);
    /* Left over from an earlier employment. (RC_DATE_NONE lies before every day.) */
    if (employee->leave_date.days < employee->hire_date.days) employee->leave_date = RC_DATE_NONE;
}

static void set_values(const work_t *work)
{
    const rc_integration_t *integration = work->integration;
    const char *hire = rc_trimmed(work->arena, work->record->start_date);
    const char *leave = rc_trimmed(work->arena, work->record->termination_date);
    rc_custom_t *custom = NULL;
    size_t custom_count = 0;
    for (size_t i = 0; i < integration->mapping_count; i++) {
        const rc_mapping_t *mapping = &integration->mapping[i];
        const char *value = rc_trimmed(work->arena, work->record->values[i]);
        if (TEXTS[mapping->target].is_text) {
            set_text(work, mapping->target, value);
        } else if (mapping->target == RC_TARGET_CUSTOM) {
            if (!custom) custom = rc_arena_alloc(work->arena, (integration->mapping_count - i) * sizeof *custom);
            add_custom(work, custom, &custom_count, mapping->custom_name, value);
        } else if (mapping->target == RC_TARGET_LOCATION) {
            set_location(work, mapping->source, value);
        } else if (mapping->target == RC_TARGET_HIRE_DATE) {
            hire = value;
        } else if (mapping->target == RC_TARGET_LEAVE_DATE) {
            leave = value;
        }
    }
    set_dates(work, hire, leave);
    work->out->employee.custom = custom;
    work->out->employee.custom_count = custom_count;
    int status = rc_enum_parse(&RC_ENUM_STATUS, work->record->employment_status);
    work->out->employee.status = status < 0 ? RC_STATUS_UNKNOWN : (rc_status_t)status;
}

/* ---- Teams ---- */

static const char *published_team_name(const rc_employee_t *published, const char *id)
{
    if (!published) return NULL;
    if (rc_text_equal(published->primary_team.id, id)) return published->primary_team.name;
    for (size_t i = 0; i < published->secondary_team_count; i++)
        if (rc_text_equal(published->secondary_teams[i].id, id)) return published->secondary_teams[i].name;
    return NULL;
}

/* The group as a team; without a name: it cannot be one. */
static rc_ref_t team_of(const work_t *work, const rc_kombo_group_t *group)
{
    const char *name = rc_trimmed(work->arena, group->name);
    return (rc_ref_t){group->id, name ? name : published_team_name(work->published, group->id)};
}

/* The team of that type which is `held`, else the one with the lowest id; *count: how many there are. */
static rc_ref_t choose_team(const work_t *work, rc_group_type_t type, const char *held, size_t *count)
{
    rc_ref_t best = {NULL, NULL};
    *count = 0;
    for (size_t i = 0; i < work->record->group_count; i++) {
        const rc_kombo_group_t *group = &work->record->groups[i];
        if (group->type != type) continue;
        rc_ref_t team = team_of(work, group);
        if (!team.name) continue;
        ++*count;
        bool best_is_held = best.id && held && strcmp(best.id, held) == 0;
        if (!best.id || (held && strcmp(team.id, held) == 0) || (!best_is_held && strcmp(team.id, best.id) < 0))
            best = team;
    }
    return best;
}

static bool is_secondary(const rc_policy_t *policy, rc_group_type_t type)
{
    for (size_t i = 0; i < policy->secondary_teams_count; i++)
        if (policy->secondary_teams[i] == type) return true;
    return false;
}

/* Rising by id, each once, without the primary team. */
static void set_secondary_teams(const work_t *work)
{
    rc_employee_t *employee = &work->out->employee;
    employee->secondary_teams = NULL;
    employee->secondary_team_count = 0;
    if (!work->policy->secondary_teams_count || !work->record->group_count) return;
    rc_ref_t *teams = rc_arena_alloc(work->arena, work->record->group_count * sizeof *teams);
    size_t count = 0;
    for (size_t i = 0; i < work->record->group_count; i++) {
        const rc_kombo_group_t *group = &work->record->groups[i];
        if (!is_secondary(work->policy, group->type) || rc_text_equal(group->id, employee->primary_team.id)) continue;
        rc_ref_t team = team_of(work, group);
        if (!team.name) continue;
        size_t at = count;
        while (at > 0 && strcmp(teams[at - 1].id, team.id) > 0) at--;
        if (at > 0 && strcmp(teams[at - 1].id, team.id) == 0) continue;
        memmove(teams + at + 1, teams + at, (count - at) * sizeof *teams);
        teams[at] = team;
        count++;
    }
    employee->secondary_teams = teams;
    employee->secondary_team_count = count;
}

/* What was chosen from, for rc_project_matches. */
typedef struct {
    rc_group_type_t type;
    size_t count;
} choice_t;

static choice_t set_teams(const work_t *work, const char *held)
{
    choice_t choice = {RC_GROUP_OTHER, 0};
    rc_ref_t primary = {NULL, NULL};
    if (work->policy->primary_team_count == 0) return choice;
    for (size_t i = 0; i < work->policy->primary_team_count && !primary.id; i++) {
        choice.type = work->policy->primary_team[i];
        primary = choose_team(work, choice.type, held, &choice.count);
    }
    if (!primary.id && keeps_empty(work)) primary = work->published->primary_team;
    work->out->employee.primary_team = primary;
    set_secondary_teams(work);
    return choice;
}

/* ---- The projection ---- */

static choice_t project(const work_t *work)
{
    *work->out = (rc_projection_t){.employee = RC_EMPLOYEE_NONE, .in_scope = true};
    if (work->record->deleted) {
        work->out->deleted = true;
        return (choice_t){RC_GROUP_OTHER, 0};
    }
    work->out->scope_setting = find_scope_setting(work->policy, work->record);
    work->out->in_scope = !work->out->scope_setting;
    set_values(work);
    return set_teams(work, work->published ? work->published->primary_team.id : NULL);
}

void rc_project(rc_arena_t *arena, const rc_kombo_employee_t *record, const rc_integration_t *integration,
                const rc_employee_t *published, rc_projection_t *projection)
{
    work_t work = {arena, record, integration, &integration->policy, published, projection};
    (void)project(&work);
}

/* What is published enters a projection only where it is published: so whoever projects to the published employee
 * without looking it up does so with it too. Which of several teams is held is tried out. */
bool rc_project_matches(rc_arena_t *arena, const rc_kombo_employee_t *record, const rc_integration_t *integration,
                        uint64_t hash, rc_projection_t *projection)
{
    work_t work = {arena, record, integration, &integration->policy, NULL, projection};
    choice_t choice = project(&work);
    if (projection->deleted) return false;
    if (rc_employee_hash64(&projection->employee) == hash) return true;
    for (size_t i = 0; choice.count > 1 && i < record->group_count; i++) {
        if (record->groups[i].type != choice.type) continue;
        (void)set_teams(&work, record->groups[i].id);
        if (rc_employee_hash64(&projection->employee) == hash) return true;
    }
    return false;
}
