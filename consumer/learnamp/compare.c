#include "consumer/learnamp/compare.h"

#include <stdlib.h>
#include <string.h>

#include "common/text.h"

typedef struct {
    const rc_integration_t *integration;
    const rc_userset_t *set;
    const rc_employee_t *employee;
    const rc_learnamp_profile_t *profile;
    rc_arena_t *arena;
    rc_difference_t *items;
    size_t count;
} comparison_t;

static void add(comparison_t *comparison, const char *field, const char *hr, const char *learnamp)
{
    comparison->items[comparison->count++] = (rc_difference_t){field, hr, learnamp};
}

static const char *or_null(const char *text)
{
    return rc_text_empty(text) ? NULL : text;
}

static void compare_text(comparison_t *comparison, const char *field, const char *hr, const char *learnamp)
{
    if (!rc_text_equal(or_null(hr), or_null(learnamp))) add(comparison, field, or_null(hr), or_null(learnamp));
}

/* ---- Profile ---- */

static void compare_address(comparison_t *comparison, const char *field, const char *hr, const char *learnamp)
{
    if (!rc_email_equal(or_null(hr), or_null(learnamp))) add(comparison, field, or_null(hr), or_null(learnamp));
}

static void compare_hire_date(comparison_t *comparison)
{
    char text[RC_TIME_STR_SIZE];
    rc_date_t shown = RC_DATE_NONE, wanted = comparison->employee->hire_date;
    const char *learnamp = comparison->profile->hire_date;
    bool is_date = learnamp == NULL || rc_date_parse(learnamp, strlen(learnamp), &shown, NULL) == RC_OK;
    if (is_date && shown.days == wanted.days) return;
    const char *hr = rc_date_is_set(wanted) ? rc_arena_strdup(comparison->arena, rc_date_str(wanted, text)) : NULL;
    add(comparison, "hire_date", hr, learnamp);
}

/* Learn Amp takes active users only: who waits for another manager has none until then. */
static void compare_manager(comparison_t *comparison)
{
    const char *wanted = or_null(comparison->employee->manager_email);
    const rc_userset_user_t *manager = rc_userset_by_email(comparison->set, wanted);
    if (!comparison->profile->expanded) return;
    if (wanted != NULL && (manager == NULL || manager->profile.user.deactivated)) return;
    compare_address(comparison, "manager_email", wanted, comparison->profile->manager_email);
}

static void compare_language(comparison_t *comparison)
{
    const char *wanted = comparison->employee->language, *shown = comparison->profile->language;
    if (rc_text_empty(wanted)) return;
    if (shown == NULL || strcasecmp(wanted, shown) != 0) add(comparison, "language", wanted, shown);
}

static void compare_custom(comparison_t *comparison, const char *name)
{
    const rc_employee_t *employee = comparison->employee;
    const rc_learnamp_profile_t *profile = comparison->profile;
    const rc_custom_t *wanted = rc_custom_find(employee->custom, employee->custom_count, name);
    const rc_custom_t *shown = rc_custom_find(profile->custom, profile->custom_count, name);
    if (!profile->custom_known || wanted == NULL) return;
    compare_text(comparison, rc_arena_sprintf(comparison->arena, "custom:%s", name), wanted->value,
                 shown != NULL ? shown->value : NULL);
}

static void compare_target(comparison_t *comparison, const rc_mapping_t *mapping)
{
    const rc_employee_t *employee = comparison->employee;
    const rc_learnamp_profile_t *profile = comparison->profile;
    bool expanded = profile->expanded;
    switch (mapping->target) {
    case RC_TARGET_EMAIL:
        compare_address(comparison, "email", employee->email, profile->user.email);
        return;
    case RC_TARGET_FIRST_NAME:
        if (expanded) compare_text(comparison, "first_name", employee->first_name, profile->first_name);
        return;
    case RC_TARGET_LAST_NAME:
        if (expanded) compare_text(comparison, "last_name", employee->last_name, profile->last_name);
        return;
    case RC_TARGET_JOB_TITLE:
        if (expanded) compare_text(comparison, "job_title", employee->job_title, profile->job_title);
        return;
    case RC_TARGET_LOCATION:
        if (expanded) compare_text(comparison, "primary_location", employee->primary_location.name, profile->location);
        return;
    case RC_TARGET_HIRE_DATE:
        if (expanded) compare_hire_date(comparison);
        return;
    case RC_TARGET_MANAGER_EMAIL:
        compare_manager(comparison);
        return;
    case RC_TARGET_LANGUAGE:
        if (expanded) compare_language(comparison);
        return;
    case RC_TARGET_CUSTOM:
        compare_custom(comparison, mapping->custom_name);
        return;
    case RC_TARGET_AVATAR:
    case RC_TARGET_LEAVE_DATE:
        return;
    }
}

/* ---- Teams ---- */

/* What a team is called for a person: HR's name, else its id. */
static const char *name_of(const rc_ref_t *team)
{
    return or_null(team->name) != NULL ? team->name : or_null(team->id);
}

static const rc_learnamp_team_t *team_of_id(const comparison_t *comparison, int64_t team_id)
{
    return team_id != 0 ? rc_userset_team(comparison->set, team_id) : NULL;
}

/* A team that a write would name. One that is not there and is not made is left out. */
static bool is_to_be_there(const comparison_t *comparison, const rc_ref_t *team)
{
    if (rc_text_empty(team->id)) return false;
    if (rc_userset_team_by_external_id(comparison->set, team->id) != NULL) return true;
    return comparison->integration->policy.create_teams && !rc_text_empty(team->name);
}

static void compare_primary_team(comparison_t *comparison)
{
    const rc_ref_t *wanted = &comparison->employee->primary_team;
    const rc_learnamp_team_t *shown = team_of_id(comparison, comparison->profile->user.primary_team_id);
    bool has_one = comparison->profile->user.primary_team_id != 0;
    bool wants_one = !rc_text_empty(wanted->id);
    if (!comparison->profile->user.team_known || (wants_one && !is_to_be_there(comparison, wanted))) return;
    if (!wants_one && !has_one) return;
    if (wants_one && shown != NULL && rc_text_equal(shown->external_id, wanted->id)) return;
    const char *name = shown != NULL ? shown->name : comparison->profile->primary_team_name;
    if (!has_one || name == NULL) name = has_one ? "another team" : NULL;
    add(comparison, "primary_team", wants_one ? name_of(wanted) : NULL, name);
}

typedef struct {
    const char *id;
    const char *name;
} member_t;

static int by_id(const void *a, const void *b)
{
    return strcmp(((const member_t *)a)->id, ((const member_t *)b)->id);
}

/* "Choir, Football" */
static const char *list_of_names(rc_arena_t *arena, const member_t *members, size_t count)
{
    const char *text = NULL;
    for (size_t i = 0; i < count; i++)
        text = text != NULL ? rc_arena_sprintf(arena, "%s, %s", text, members[i].name) : members[i].name;
    return text;
}

/* Secondary teams that HR wants and Learn Amp would know. */
static size_t wanted_teams(const comparison_t *comparison, member_t *members)
{
    const rc_employee_t *employee = comparison->employee;
    size_t count = 0;
    for (size_t i = 0; i < employee->secondary_team_count; i++) {
        const rc_ref_t *team = &employee->secondary_teams[i];
        if (!is_to_be_there(comparison, team) || rc_text_equal(team->id, employee->primary_team.id)) continue;
        members[count++] = (member_t){team->id, name_of(team)};
    }
    qsort(members, count, sizeof *members, by_id);
    return count;
}

/* Teams without an external id are the company's own and nobody's concern here. */
static size_t shown_teams(const comparison_t *comparison, member_t *members)
{
    const rc_learnamp_profile_t *profile = comparison->profile;
    size_t count = 0;
    for (size_t i = 0; i < profile->secondary_team_count; i++) {
        const rc_learnamp_team_t *team = team_of_id(comparison, profile->secondary_team_ids[i]);
        if (team == NULL || rc_text_empty(team->external_id) || team->id == profile->user.primary_team_id) continue;
        members[count++] = (member_t){team->external_id, team->name != NULL ? team->name : team->external_id};
    }
    qsort(members, count, sizeof *members, by_id);
    return count;
}

static void compare_secondary_teams(comparison_t *comparison)
{
    if (!comparison->profile->expanded) return;
    size_t most = comparison->employee->secondary_team_count + comparison->profile->secondary_team_count;
    if (most == 0) return;
    member_t *wanted = rc_arena_alloc(comparison->arena, most * sizeof *wanted);
    member_t *shown = rc_arena_alloc(comparison->arena, most * sizeof *shown);
    size_t wanted_count = wanted_teams(comparison, wanted), shown_count = shown_teams(comparison, shown);
    bool equal = wanted_count == shown_count;
    for (size_t i = 0; equal && i < wanted_count; i++) equal = strcmp(wanted[i].id, shown[i].id) == 0;
    if (!equal)
        add(comparison, "secondary_teams", list_of_names(comparison->arena, wanted, wanted_count),
            list_of_names(comparison->arena, shown, shown_count));
}

/* ---- All of it ---- */

const rc_difference_t *rc_compare_user(const rc_integration_t *integration, const rc_userset_t *set,
                                       const rc_employee_t *employee, const rc_learnamp_profile_t *profile,
                                       rc_arena_t *arena, size_t *count)
{
    comparison_t comparison = {.integration = integration,
                               .set = set,
                               .employee = employee,
                               .profile = profile,
                               .arena = arena,
                               .items =
                                   rc_arena_alloc(arena, (integration->mapping_count + 3) * sizeof(rc_difference_t))};
    /* A deactivation takes teams and manager along: what follows from it is not said beside it. */
    if (profile->user.deactivated) {
        add(&comparison, "status", "active", "deactivated");
        *count = comparison.count;
        return comparison.items;
    }
    for (size_t i = 0; i < integration->mapping_count; i++) compare_target(&comparison, &integration->mapping[i]);
    if (integration->policy.primary_team_count > 0) compare_primary_team(&comparison);
    if (integration->policy.secondary_teams_count > 0) compare_secondary_teams(&comparison);
    *count = comparison.count;
    return comparison.items;
}

const char *rc_compare_left_out(const rc_integration_t *integration, bool custom_known, rc_arena_t *arena)
{
    bool has_custom = false;
    const char *text = "";
    for (size_t i = 0; i < integration->mapping_count; i++) {
        rc_target_t target = integration->mapping[i].target;
        const char *word = target == RC_TARGET_AVATAR ? "avatar" : target == RC_TARGET_LEAVE_DATE ? "leave date" : NULL;
        if (target == RC_TARGET_CUSTOM && !custom_known && !has_custom) word = "custom fields";
        has_custom = has_custom || target == RC_TARGET_CUSTOM;
        if (word != NULL) text = *text != '\0' ? rc_arena_sprintf(arena, "%s, %s", text, word) : word;
    }
    return text;
}
