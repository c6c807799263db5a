#include "consumer/rules/past.h"

#include <string.h>

/* ---- Putting a previous value back ---- */

static const char CUSTOM_PREFIX[] = "custom:";

typedef enum { TEXT, STATUS, DATE, LOCATION } kind_t;

/* The fields that changed_fields names (docs/events.md), but for the custom ones. */
static const struct field {
    const char *name;
    kind_t kind;
    size_t offset;
} FIELDS[] = {
    {"email", TEXT, offsetof(rc_employee_t, email)},
    {"first_name", TEXT, offsetof(rc_employee_t, first_name)},
    {"last_name", TEXT, offsetof(rc_employee_t, last_name)},
    {"job_title", TEXT, offsetof(rc_employee_t, job_title)},
    {"avatar", TEXT, offsetof(rc_employee_t, avatar)},
    {"manager_email", TEXT, offsetof(rc_employee_t, manager_email)},
    {"language", TEXT, offsetof(rc_employee_t, language)},
    {"status", STATUS, offsetof(rc_employee_t, status)},
    {"hire_date", DATE, offsetof(rc_employee_t, hire_date)},
    {"leave_date", DATE, offsetof(rc_employee_t, leave_date)},
    {"primary_location", LOCATION, offsetof(rc_employee_t, primary_location)},
};

static const struct field *find_field(const char *name)
{
    for (size_t i = 0; i < sizeof FIELDS / sizeof *FIELDS; i++)
        if (strcmp(FIELDS[i].name, name) == 0) return &FIELDS[i];
    return NULL;
}

static void put_back_field(rc_employee_t *employee, const struct field *field, const char *previous)
{
    char *at = (char *)employee + field->offset;
    switch (field->kind) {
    case TEXT:
        memcpy(at, &previous, sizeof previous);
        return;
    case STATUS: {
        int value = previous != NULL ? rc_enum_parse(&RC_ENUM_STATUS, previous) : -1;
        rc_status_t status = value >= 0 ? (rc_status_t)value : RC_STATUS_UNKNOWN;
        memcpy(at, &status, sizeof status);
        return;
    }
    case DATE: {
        rc_date_t date = RC_DATE_NONE;
        if (previous != NULL) (void)rc_date_parse(previous, strlen(previous), &date, NULL);
        memcpy(at, &date, sizeof date);
        return;
    }
    case LOCATION: {
        const rc_ref_t location = {NULL, previous}; /* its id is not told, and Learn Amp is told none */
        memcpy(at, &location, sizeof location);
        return;
    }
    }
}

/* Sets a custom field, or adds one that is not mapped any more. */
static void put_back_custom(rc_employee_t *employee, const char *name, const char *previous, rc_arena_t *arena)
{
    size_t at = 0, count = employee->custom_count;
    while (at < count && strcmp(employee->custom[at].name, name) < 0) at++;
    bool is_there = at < count && strcmp(employee->custom[at].name, name) == 0;
    rc_custom_t *custom = rc_arena_alloc(arena, (count + 1) * sizeof *custom);
    if (at > 0) memcpy(custom, employee->custom, at * sizeof *custom);
    custom[at] = (rc_custom_t){name, previous};
    size_t next = at + (is_there ? 1 : 0);
    if (next < count) memcpy(custom + at + 1, employee->custom + next, (count - next) * sizeof *custom);
    employee->custom = custom;
    employee->custom_count = count + (is_there ? 0 : 1);
}

static void put_back(rc_employee_t *employee, const rc_change_t *change, rc_arena_t *arena)
{
    const size_t prefix = sizeof CUSTOM_PREFIX - 1;
    const struct field *field = find_field(change->field);
    if (field != NULL)
        put_back_field(employee, field, change->previous);
    else if (strncmp(change->field, CUSTOM_PREFIX, prefix) == 0)
        put_back_custom(employee, change->field + prefix, change->previous, arena);
}

/* ---- The state before ---- */

static rc_past_t state_of(const rc_event_t *event)
{
    bool gone = event->type == RC_EVENT_DEACTIVATED;
    return (rc_past_t){.kind = gone ? RC_PAST_GONE : RC_PAST_EMPLOYED, .employee = event->employee};
}

/* One of a change: its state without what it says that it changed. */
static void take_back(rc_past_t *past, const rc_event_t *event, rc_arena_t *arena)
{
    if (event->type == RC_EVENT_PROFILE_UPDATED) {
        for (size_t i = 0; i < event->profile.change_count; i++)
            put_back(&past->employee, &event->profile.changes[i], arena);
    } else if (event->type == RC_EVENT_TEAM_CHANGED) {
        past->employee.primary_team = event->team.previous;
        past->doubt = "the secondary teams before are not known; they stay as they were published since";
    }
}

/* From the first events since the moment alone. */
static rc_past_t work_back(const rc_event_t *const *first, size_t count, rc_arena_t *arena)
{
    rc_past_t past = {.kind = RC_PAST_EMPLOYED, .employee = first[0]->employee};
    switch (first[0]->type) {
    case RC_EVENT_CREATED:
        if (first[0]->created.reason != RC_CREATED_RESYNC) past.kind = RC_PAST_GONE;
        break;
    case RC_EVENT_DEACTIVATED:
        if (first[0]->deactivated.reason == RC_GONE_RESYNC)
            past.kind = RC_PAST_GONE;
        else
            past.doubt = "Kafka has nothing from before they left: the state is the one that they left with";
        break;
    case RC_EVENT_PROFILE_UPDATED:
    case RC_EVENT_TEAM_CHANGED:
        for (size_t i = 0; i < count; i++) take_back(&past, first[i], arena);
        break;
    }
    return past;
}

rc_past_t rc_past_of(const rc_event_t *const *first, size_t count, const rc_event_t *earlier, rc_arena_t *arena)
{
    RC_INVARIANT(count > 0);
    if (first[0]->previous_version == 0) return (rc_past_t){.kind = RC_PAST_NOBODY, .employee = first[0]->employee};
    if (earlier == NULL) return work_back(first, count, arena);
    RC_INVARIANT(earlier->version == first[0]->previous_version);
    return state_of(earlier);
}
