#include "common/domain.h"

#include <string.h>

#include "common/text.h"

#define TEXT(T, name, text) text,
#define ENUM(NAME, LIST, avro_name)                              \
    static const char *const NAME##_symbols[] = {LIST(TEXT, _)}; \
    const rc_enum_t RC_ENUM_##NAME = {avro_name, NAME##_symbols, (int)(sizeof NAME##_symbols / sizeof *NAME##_symbols)};
ENUM(STATUS, RC_STATUSES, "Status")
ENUM(GROUP, RC_GROUPS, "GroupType")
ENUM(TRIGGER, RC_TRIGGERS, "Trigger")
ENUM(EVENT, RC_EVENTS, "EventType")
ENUM(CREATED, RC_CREATED_REASONS, "CreatedReason")
ENUM(GONE, RC_GONE_REASONS, "GoneReason")
ENUM(PRESENCE, RC_PRESENCES, "Presence")
ENUM(PENDING, RC_PENDINGS, "PendingReason")
ENUM(BRAKE, RC_BRAKES, "Brake")
ENUM(COMMAND, RC_COMMANDS, "CommandKind")
ENUM(STATE, RC_INTEGRATION_STATES, "IntegrationState")
ENUM(OUTCOME, RC_OUTCOMES, "Outcome")

const char *rc_enum_str(const rc_enum_t *of, int value)
{
    if (value < 0 || value >= of->count) RC_DIE("%s has no value %d", of->name, value);
    return of->symbols[value];
}

int rc_enum_parse(const rc_enum_t *of, const char *symbol)
{
    for (int i = 0; symbol && i < of->count; i++)
        if (strcmp(of->symbols[i], symbol) == 0) return i;
    return -1;
}

char *rc_employee_key(rc_arena_t *arena, const char *integration_id, const char *employee_id)
{
    return rc_arena_sprintf(arena, "%s/%s", integration_id, employee_id);
}

bool rc_employee_key_split(rc_arena_t *arena, const char *key, size_t length, const char **integration_id,
                           const char **employee_id)
{
    const char *slash = length ? memrchr(key, '/', length) : NULL;
    if (!slash || slash == key || slash == key + length - 1 || memchr(key, '\0', length)) return false;
    *integration_id = rc_arena_strndup(arena, key, (size_t)(slash - key));
    *employee_id = rc_arena_strndup(arena, slash + 1, length - (size_t)(slash - key) - 1);
    return true;
}

const char *rc_identity_fault(const char *integration_id, const char *employee_id, int64_t version)
{
    if (!*integration_id) return "names no integration";
    if (!*employee_id) return "names no employee";
    if (strchr(integration_id, '/') || strchr(employee_id, '/')) return "has an id with a slash";
    if (strlen(integration_id) + 1 + strlen(employee_id) > RC_EMPLOYEE_KEY_MAX_BYTES)
        return "has ids that make a key of more than 500 bytes";
    if (version < 0 || version > RC_VERSION_MAX) return "has a version that is the time of no poll";
    return NULL;
}

char *rc_ledger_key(rc_arena_t *arena, rc_event_type_t lane, const char *key, size_t key_bytes)
{
    return rc_arena_sprintf(arena, "%s:%.*s", rc_enum_str(&RC_ENUM_EVENT, (int)lane), (int)key_bytes, key);
}

int rc_ledger_key_split(const char *key, size_t length, size_t *employee_key)
{
    for (int lane = 0; lane < RC_EVENT_COUNT; lane++) {
        const char *name = rc_enum_str(&RC_ENUM_EVENT, lane);
        size_t name_length = strlen(name);
        if (length <= name_length || memcmp(key, name, name_length) != 0 || key[name_length] != ':') continue;
        *employee_key = name_length + 1;
        return lane;
    }
    return -1;
}

static rc_ref_t copy_ref(rc_arena_t *arena, rc_ref_t ref)
{
    return (rc_ref_t){rc_arena_strdup(arena, ref.id), rc_arena_strdup(arena, ref.name)};
}

const rc_custom_t *rc_custom_find(const rc_custom_t *custom, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (rc_text_equal(custom[i].name, name)) return &custom[i];
    return NULL;
}

const char *rc_employee_custom(const rc_employee_t *employee, const char *name)
{
    const rc_custom_t *custom = rc_custom_find(employee->custom, employee->custom_count, name);
    return custom ? custom->value : NULL;
}

const char *rc_employee_name(rc_arena_t *arena, const rc_employee_t *employee)
{
    const char *first = employee->first_name, *last = employee->last_name;
    if (rc_text_empty(first)) return rc_text_empty(last) ? NULL : last;
    return rc_text_empty(last) ? first : rc_arena_sprintf(arena, "%s %s", first, last);
}

const char *rc_employee_field(rc_arena_t *arena, const rc_employee_t *employee, const char *field)
{
    static const char custom[] = "custom:";
    char hired[RC_TIME_STR_SIZE], left[RC_TIME_STR_SIZE];
    const struct {
        const char *name, *text;
    } fields[] = {{"email", employee->email},
                  {"first_name", employee->first_name},
                  {"last_name", employee->last_name},
                  {"job_title", employee->job_title},
                  {"avatar", employee->avatar},
                  {"manager_email", employee->manager_email},
                  {"language", employee->language},
                  {"status", rc_enum_str(&RC_ENUM_STATUS, (int)employee->status)},
                  {"hire_date", rc_date_str(employee->hire_date, hired)},
                  {"leave_date", rc_date_str(employee->leave_date, left)},
                  {"primary_location", employee->primary_location.name}};
    if (strncmp(field, custom, sizeof custom - 1) == 0) return rc_employee_custom(employee, field + sizeof custom - 1);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (strcmp(fields[i].name, field) == 0)
            return fields[i].text && *fields[i].text ? rc_arena_strdup(arena, fields[i].text) : NULL;
    return NULL;
}

rc_employee_t rc_employee_copy(rc_arena_t *arena, const rc_employee_t *employee)
{
    rc_employee_t copy = *employee;
    copy.email = rc_arena_strdup(arena, employee->email);
    copy.first_name = rc_arena_strdup(arena, employee->first_name);
    copy.last_name = rc_arena_strdup(arena, employee->last_name);
    copy.job_title = rc_arena_strdup(arena, employee->job_title);
    copy.avatar = rc_arena_strdup(arena, employee->avatar);
    copy.manager_email = rc_arena_strdup(arena, employee->manager_email);
    copy.language = rc_arena_strdup(arena, employee->language);
    copy.primary_location = copy_ref(arena, employee->primary_location);
    copy.primary_team = copy_ref(arena, employee->primary_team);
    rc_ref_t *teams = rc_arena_alloc(arena, employee->secondary_team_count * sizeof *teams);
    for (size_t i = 0; i < employee->secondary_team_count; i++)
        teams[i] = copy_ref(arena, employee->secondary_teams[i]);
    copy.secondary_teams = teams;
    rc_custom_t *custom = rc_arena_alloc(arena, employee->custom_count * sizeof *custom);
    for (size_t i = 0; i < employee->custom_count; i++)
        custom[i] = (rc_custom_t){rc_arena_strdup(arena, employee->custom[i].name),
                                  rc_arena_strdup(arena, employee->custom[i].value)};
    copy.custom = custom;
    return copy;
}

static bool ref_equal(rc_ref_t a, rc_ref_t b)
{
    return rc_text_equal(a.id, b.id) && rc_text_equal(a.name, b.name);
}

/* Signed addresses of the same picture differ behind the '?' only (docs/kombo.md, "avatar"). */
size_t rc_avatar_length(const char *avatar)
{
    return strcspn(avatar, "?");
}

bool rc_avatar_equal(const char *a, const char *b)
{
    if (!a || !b) return a == b;
    size_t length = rc_avatar_length(a);
    return length == rc_avatar_length(b) && memcmp(a, b, length) == 0;
}

static bool teams_equal(const rc_employee_t *a, const rc_employee_t *b)
{
    if (!ref_equal(a->primary_team, b->primary_team) || a->secondary_team_count != b->secondary_team_count)
        return false;
    for (size_t i = 0; i < a->secondary_team_count; i++)
        if (!ref_equal(a->secondary_teams[i], b->secondary_teams[i])) return false;
    return true;
}

static bool custom_equal(const rc_employee_t *a, const rc_employee_t *b)
{
    if (a->custom_count != b->custom_count) return false;
    for (size_t i = 0; i < a->custom_count; i++)
        if (!rc_text_equal(a->custom[i].name, b->custom[i].name) ||
            !rc_text_equal(a->custom[i].value, b->custom[i].value))
            return false;
    return true;
}

bool rc_employee_equal(const rc_employee_t *a, const rc_employee_t *b)
{
    return a->status == b->status && a->hire_date.days == b->hire_date.days &&
           a->leave_date.days == b->leave_date.days && rc_email_equal(a->email, b->email) &&
           rc_text_equal(a->first_name, b->first_name) && rc_text_equal(a->last_name, b->last_name) &&
           rc_text_equal(a->job_title, b->job_title) && rc_avatar_equal(a->avatar, b->avatar) &&
           rc_email_equal(a->manager_email, b->manager_email) && rc_text_equal(a->language, b->language) &&
           ref_equal(a->primary_location, b->primary_location) && teams_equal(a, b) && custom_equal(a, b);
}
