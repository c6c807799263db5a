#include "producer/rules/diff.h"

#include <stddef.h>
#include <string.h>

#include "common/mutant.h"
#include "common/text.h"
#include "producer/rules/employee.h"

#define BRAKE(name) (1U << RC_BRAKE_##name)

static const char CUSTOM_PREFIX[] = "custom:";

/* ---- The fields of ProfileUpdated but for the custom ones ---- */

typedef enum { TEXT, EMAIL, AVATAR, STATUS, DATE, LOCATION } field_kind_t;

enum { ALWAYS_MAPPED = -1 };

static const struct field {
    const char *name;
    field_kind_t kind;
    size_t offset;
    int target; /* the rc_target_t that fills it */
} FIELDS[] = {
    {"email", EMAIL, offsetof(rc_employee_t, email), RC_TARGET_EMAIL},
    {"first_name", TEXT, offsetof(rc_employee_t, first_name), RC_TARGET_FIRST_NAME},
    {"last_name", TEXT, offsetof(rc_employee_t, last_name), RC_TARGET_LAST_NAME},
    {"job_title", TEXT, offsetof(rc_employee_t, job_title), RC_TARGET_JOB_TITLE},
    {"avatar", AVATAR, offsetof(rc_employee_t, avatar), RC_TARGET_AVATAR},
    {"manager_email", EMAIL, offsetof(rc_employee_t, manager_email), RC_TARGET_MANAGER_EMAIL},
    {"language", TEXT, offsetof(rc_employee_t, language), RC_TARGET_LANGUAGE},
    {"status", STATUS, offsetof(rc_employee_t, status), ALWAYS_MAPPED},
    {"hire_date", DATE, offsetof(rc_employee_t, hire_date), ALWAYS_MAPPED},
    {"leave_date", DATE, offsetof(rc_employee_t, leave_date), ALWAYS_MAPPED},
    {"primary_location", LOCATION, offsetof(rc_employee_t, primary_location), RC_TARGET_LOCATION},
};
enum { FIELD_COUNT = sizeof FIELDS / sizeof *FIELDS };

typedef union {
    const char *text;
    rc_status_t status;
    rc_date_t date;
    rc_ref_t ref;
} value_t;

static size_t value_size(field_kind_t kind)
{
    switch (kind) {
    case STATUS:
        return sizeof(rc_status_t);
    case DATE:
        return sizeof(rc_date_t);
    case LOCATION:
        return sizeof(rc_ref_t);
    default:
        return sizeof(const char *);
    }
}

static value_t get_value(const struct field *field, const rc_employee_t *employee)
{
    value_t value = {.ref = {NULL, NULL}};
    memcpy(&value, (const char *)employee + field->offset, value_size(field->kind));
    return value;
}

static void set_value(const struct field *field, rc_employee_t *employee, value_t value)
{
    memcpy((char *)employee + field->offset, &value, value_size(field->kind));
}

static bool ref_equal(rc_ref_t a, rc_ref_t b)
{
    return rc_text_equal(a.id, b.id) && rc_text_equal(a.name, b.name);
}

static bool value_equal(field_kind_t kind, value_t a, value_t b)
{
    switch (kind) {
    case EMAIL:
        return rc_email_equal(a.text, b.text);
    case AVATAR:
        return rc_avatar_equal(a.text, b.text);
    case STATUS:
        return a.status == b.status;
    case DATE:
        return a.date.days == b.date.days;
    case LOCATION:
        return ref_equal(a.ref, b.ref);
    default:
        return rc_text_equal(a.text, b.text);
    }
}

/* ---- ProfileUpdated ---- */

typedef struct {
    rc_arena_t *arena;
    const rc_occasion_t *occasion;
    const rc_employee_t *before;
    const rc_employee_t *after;
    rc_change_t *changes;
    size_t count;
    uint32_t brakes;
} comparison_t;

static bool is_mapped(const rc_integration_t *integration, int target)
{
    return target == ALWAYS_MAPPED || rc_integration_mapping(integration, (rc_target_t)target);
}

static void note_change(comparison_t *comparison, const char *field, const char *previous)
{
    comparison->changes[comparison->count++] = (rc_change_t){field, previous};
}

static void compare_fields(comparison_t *comparison)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const struct field *field = &FIELDS[i];
        value_t before = get_value(field, comparison->before), after = get_value(field, comparison->after);
        if (value_equal(field->kind, before, after)) continue;
        const char *previous = rc_employee_field(comparison->arena, comparison->before, field->name);
        note_change(comparison, field->name, previous);
        bool is_address = field->target == RC_TARGET_EMAIL;
        comparison->brakes |= is_address ? BRAKE(EMAIL_CHANGES) : BRAKE(PROFILE_CHANGES);
        /* A field that nobody maps any more is not sent, so nothing is cleared anywhere. */
        if (previous && !rc_employee_field(comparison->arena, comparison->after, field->name) &&
            is_mapped(comparison->occasion->integration, field->target))
            comparison->brakes |= BRAKE(CLEARED_VALUES);
    }
}

/* Walks the custom fields of two states, both rising by name, name by name; *was or *is is NULL where one lacks it (was
 * not mapped, is not mapped any more). False at the end. `at` begins as {0, 0}. */
static bool next_custom(const rc_employee_t *before, const rc_employee_t *after, size_t at[2], const rc_custom_t **was,
                        const rc_custom_t **is)
{
    *was = at[0] < before->custom_count ? &before->custom[at[0]] : NULL;
    *is = at[1] < after->custom_count ? &after->custom[at[1]] : NULL;
    if (*was && *is) {
        int order = strcmp((*was)->name, (*is)->name);
        if (order > 0) *was = NULL;
        if (order < 0) *is = NULL;
    }
    at[0] += *was != NULL;
    at[1] += *is != NULL;
    return *was || *is;
}

static void compare_custom(comparison_t *comparison)
{
    const rc_custom_t *was, *is;
    size_t at[2] = {0, 0};
    while (next_custom(comparison->before, comparison->after, at, &was, &is)) {
        if (was && is && rc_text_equal(was->value, is->value)) continue;
        const char *field = rc_arena_sprintf(comparison->arena, "%s%s", CUSTOM_PREFIX, (is ? is : was)->name);
        note_change(comparison, field, was ? was->value : NULL);
        comparison->brakes |= BRAKE(PROFILE_CHANGES);
        if (was && was->value && is && !is->value) comparison->brakes |= BRAKE(CLEARED_VALUES);
    }
}

/* ---- The events ---- */

static rc_event_t *add_event(rc_diff_t *diff, const rc_occasion_t *occasion, const char *employee_id,
                             const rc_snapshot_t *snapshot, rc_event_type_t type, const rc_employee_t *employee)
{
    RC_INVARIANT(diff->count < RC_DIFF_MAX_EVENTS);
    rc_event_t *event = &diff->events[diff->count++];
    int64_t previous = snapshot ? snapshot->version : 0;
    *event = (rc_event_t){
        .type = type,
        .integration_id = occasion->integration->id,
        .employee_id = employee_id,
        .version = rc_version_next(previous, occasion->now),
        .previous_version = RC_MUTANT(UNCHAINED) ? 0 : previous,
        .occurred_at = occasion->now,
        .trigger = occasion->trigger,
        .employee = *employee,
    };
    return event;
}

static bool teams_equal(const rc_employee_t *a, const rc_employee_t *b, bool (*equal)(rc_ref_t, rc_ref_t))
{
    if (!equal(a->primary_team, b->primary_team) || a->secondary_team_count != b->secondary_team_count) return false;
    for (size_t i = 0; i < a->secondary_team_count; i++)
        if (!equal(a->secondary_teams[i], b->secondary_teams[i])) return false;
    return true;
}

static bool same_id(rc_ref_t a, rc_ref_t b)
{
    return rc_text_equal(a.id, b.id);
}

static void diff_announced(rc_arena_t *arena, const rc_occasion_t *occasion, const char *employee_id,
                           const rc_snapshot_t *snapshot, const rc_employee_t *employee, rc_diff_t *diff)
{
    const rc_employee_t *before = &snapshot->employee;
    if (!rc_employee_equal(before, employee)) {
        size_t most = FIELD_COUNT + before->custom_count + employee->custom_count;
        comparison_t comparison = {arena, occasion, before, employee, NULL, 0, 0};
        comparison.changes = rc_arena_alloc(arena, most * sizeof *comparison.changes);
        compare_fields(&comparison);
        compare_custom(&comparison);
        if (comparison.count > 0) {
            rc_event_t *event = add_event(diff, occasion, employee_id, snapshot, RC_EVENT_PROFILE_UPDATED, employee);
            event->profile.changes = comparison.changes;
            event->profile.change_count = comparison.count;
            diff->brakes |= comparison.brakes;
        }
    }
    if (occasion->integration->policy.primary_team_count == 0 || teams_equal(before, employee, ref_equal)) return;
    rc_event_t *event = add_event(diff, occasion, employee_id, snapshot, RC_EVENT_TEAM_CHANGED, employee);
    event->team.previous = before->primary_team;
    event->team.current = employee->primary_team;
    diff->rename_only = teams_equal(before, employee, same_id);
    if (!diff->rename_only) diff->brakes |= BRAKE(TEAM_CHANGES);
}

static rc_created_reason_t created_reason(const rc_occasion_t *occasion, const rc_snapshot_t *snapshot)
{
    if (occasion->initial_import) return RC_CREATED_INITIAL_IMPORT;
    if (!snapshot) return RC_CREATED_NEW_HIRE;
    return snapshot->gone_reason == RC_GONE_OUT_OF_SCOPE ? RC_CREATED_BACK_IN_SCOPE : RC_CREATED_REHIRE;
}

/* The state of a leaver: nothing is taken from a record that proves nothing, or that is none of our business; and HR
 * systems tend to take the work address away with the job. */
static rc_employee_t leaver_state(const rc_snapshot_t *snapshot, const rc_employee_t *employee, rc_gone_reason_t reason)
{
    const rc_employee_t *published = &snapshot->employee;
    if (reason != RC_GONE_INACTIVE && reason != RC_GONE_TERMINATION_DATE) return *published;
    rc_employee_t state = *employee;
    if (rc_text_empty(state.email)) state.email = published->email;
    if (rc_text_empty(state.first_name)) state.first_name = published->first_name;
    if (rc_text_empty(state.last_name)) state.last_name = published->last_name;
    return state;
}

void rc_diff(rc_arena_t *arena, const rc_occasion_t *occasion, const char *employee_id, const rc_snapshot_t *snapshot,
             const rc_employee_t *employee, const rc_verdict_t *verdict, rc_diff_t *diff)
{
    *diff = (rc_diff_t){.count = 0};
    bool announced = rc_standing_is_announced(rc_standing_of(snapshot));
    if (verdict->kind == RC_VERDICT_EMPLOYED && announced) {
        diff_announced(arena, occasion, employee_id, snapshot, employee, diff);
    } else if (verdict->kind == RC_VERDICT_EMPLOYED) {
        rc_event_t *event = add_event(diff, occasion, employee_id, snapshot, RC_EVENT_CREATED, employee);
        event->created.reason = created_reason(occasion, snapshot);
        event->created.replaces = snapshot ? snapshot->replaces : NULL;
        diff->brakes = BRAKE(CREATIONS);
    } else if (verdict->kind == RC_VERDICT_GONE && announced) {
        rc_employee_t state = leaver_state(snapshot, employee, verdict->gone_reason);
        rc_event_t *event = add_event(diff, occasion, employee_id, snapshot, RC_EVENT_DEACTIVATED, &state);
        event->deactivated.reason = verdict->gone_reason;
        event->deactivated.effective_date = verdict->effective_date;
        diff->brakes = BRAKE(DEACTIVATIONS);
    }
}

void rc_diff_set_replaces(rc_diff_t *diff, const char *former_id)
{
    RC_INVARIANT(diff->count == 1 && diff->events[0].type == RC_EVENT_CREATED);
    rc_event_t *event = &diff->events[0];
    event->created.replaces = former_id;
    if (event->created.reason == RC_CREATED_NEW_HIRE) event->created.reason = RC_CREATED_REHIRE;
}

rc_snapshot_t rc_snapshot_after(const rc_snapshot_t *before, const rc_diff_t *diff)
{
    RC_INVARIANT(diff->count > 0);
    const rc_event_t *event = &diff->events[0];
    rc_snapshot_t after = {
        .integration_id = event->integration_id,
        .employee_id = event->employee_id,
        .version = event->version,
        .previous_version = event->previous_version,
        .presence = RC_PRESENCE_EMPLOYED,
        .occurred_at = event->occurred_at,
        .employee = event->employee,
        .replaces = before ? before->replaces : NULL,
        .effective_date = RC_DATE_NONE,
    };
    if (before) memcpy(after.counted_hours, before->counted_hours, sizeof after.counted_hours);
    if (event->type == RC_EVENT_CREATED && event->created.replaces) after.replaces = event->created.replaces;
    if (event->type == RC_EVENT_DEACTIVATED) {
        after.presence = RC_PRESENCE_GONE;
        after.gone_reason = event->deactivated.reason;
        after.effective_date = event->deactivated.effective_date;
    }
    return after;
}

/* ---- Applying ---- */

static bool names_field(const rc_event_t *event, const char *prefix, const char *name)
{
    size_t length = strlen(prefix);
    for (size_t i = 0; i < event->profile.change_count; i++) {
        const char *field = event->profile.changes[i].field;
        if (strncmp(field, prefix, length) == 0 && strcmp(field + length, name) == 0) return true;
    }
    return false;
}

static void apply_custom(rc_arena_t *arena, rc_employee_t *state, const rc_event_t *event)
{
    const rc_employee_t *after = &event->employee;
    rc_custom_t *custom = rc_arena_alloc(arena, (state->custom_count + after->custom_count) * sizeof *custom);
    const rc_custom_t *was, *is;
    size_t count = 0, at[2] = {0, 0};
    while (next_custom(state, after, at, &was, &is)) {
        const rc_custom_t *taken = names_field(event, CUSTOM_PREFIX, (is ? is : was)->name) ? is : was;
        if (taken) custom[count++] = *taken;
    }
    state->custom = custom;
    state->custom_count = count;
}

static void apply_profile(rc_arena_t *arena, rc_employee_t *state, const rc_event_t *event)
{
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (names_field(event, "", FIELDS[i].name))
            set_value(&FIELDS[i], state, get_value(&FIELDS[i], &event->employee));
    apply_custom(arena, state, event);
}

rc_employee_t rc_diff_apply(rc_arena_t *arena, const rc_employee_t *old, const rc_diff_t *diff)
{
    rc_employee_t state = old ? *old : RC_EMPLOYEE_NONE;
    for (size_t i = 0; i < diff->count; i++) {
        const rc_event_t *event = &diff->events[i];
        switch (event->type) {
        case RC_EVENT_PROFILE_UPDATED:
            apply_profile(arena, &state, event);
            break;
        case RC_EVENT_TEAM_CHANGED:
            state.primary_team = event->team.current;
            state.secondary_teams = event->employee.secondary_teams;
            state.secondary_team_count = event->employee.secondary_team_count;
            break;
        default:
            state = event->employee;
        }
    }
    return state;
}
