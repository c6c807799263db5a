#include "producer/kombo/kombo_fields.h"

#include <stdlib.h>

#include "common/mem.h"

/* What a mapping may name (kombo-hris.openapi.json, GetHrisEmployeesPositiveResponse). */
static const struct {
    const char *path;
    rc_kombo_want_t want;
} KNOWN[] = {
    {"id", RC_KOMBO_WANT_TEXT},
    {"remote_id", RC_KOMBO_WANT_TEXT},
    {"employee_number", RC_KOMBO_WANT_TEXT},
    {"first_name", RC_KOMBO_WANT_TEXT},
    {"last_name", RC_KOMBO_WANT_TEXT},
    {"display_full_name", RC_KOMBO_WANT_TEXT},
    {"nationality", RC_KOMBO_WANT_TEXT},
    {"gender", RC_KOMBO_WANT_TEXT},
    {"job_title", RC_KOMBO_WANT_TEXT},
    {"work_email", RC_KOMBO_WANT_TEXT},
    {"personal_email", RC_KOMBO_WANT_TEXT},
    {"mobile_phone_number", RC_KOMBO_WANT_TEXT},
    {"employment_status", RC_KOMBO_WANT_TEXT},
    {"employment_type", RC_KOMBO_WANT_TEXT},
    {"weekly_hours", RC_KOMBO_WANT_FIGURE},
    {"avatar", RC_KOMBO_WANT_TEXT},
    {"work_location_id", RC_KOMBO_WANT_TEXT},
    {"legal_entity_id", RC_KOMBO_WANT_TEXT},
    {"manager_id", RC_KOMBO_WANT_TEXT},
    {"start_date", RC_KOMBO_WANT_TEXT},
    {"termination_date", RC_KOMBO_WANT_TEXT},
    {"remote_created_at", RC_KOMBO_WANT_TEXT},
    {"changed_at", RC_KOMBO_WANT_TEXT},
    {"manager.id", RC_KOMBO_WANT_TEXT},
    {"manager.remote_id", RC_KOMBO_WANT_TEXT},
    {"manager.employee_number", RC_KOMBO_WANT_TEXT},
    {"manager.first_name", RC_KOMBO_WANT_TEXT},
    {"manager.last_name", RC_KOMBO_WANT_TEXT},
    {"manager.display_full_name", RC_KOMBO_WANT_TEXT},
    {"manager.work_email", RC_KOMBO_WANT_TEXT},
    {"manager.employment_status", RC_KOMBO_WANT_TEXT},
    {"legal_entity.id", RC_KOMBO_WANT_TEXT},
    {"legal_entity.remote_id", RC_KOMBO_WANT_TEXT},
    {"legal_entity.name", RC_KOMBO_WANT_TEXT},
    {"legal_entity.address.city", RC_KOMBO_WANT_TEXT},
    {"legal_entity.address.country", RC_KOMBO_WANT_TEXT},
    {"legal_entity.address.state", RC_KOMBO_WANT_TEXT},
    {"work_location.id", RC_KOMBO_WANT_TEXT},
    {"work_location.remote_id", RC_KOMBO_WANT_TEXT},
    {"work_location.name", RC_KOMBO_WANT_TEXT},
    {"work_location.type", RC_KOMBO_WANT_TEXT},
    {"work_location.address.city", RC_KOMBO_WANT_TEXT},
    {"work_location.address.country", RC_KOMBO_WANT_TEXT},
    {"work_location.address.state", RC_KOMBO_WANT_TEXT},
};

/* What no learning platform may know (docs/kombo.md, "Reading"), and what is no single value. */
static const struct {
    const char *name;
    const char *why;
} REFUSED[] = {
    {"ssn", "a learning platform may not know it"},
    {"tax_id", "a learning platform may not know it"},
    {"bank_accounts", "a learning platform may not know it"},
    {"date_of_birth", "a learning platform may not know it"},
    {"home_address", "a learning platform may not know it"},
    {"ethnicity", "a learning platform may not know it"},
    {"marital_status", "a learning platform may not know it"},
    {"employments", "it holds salaries, which a learning platform may not know"},
    {"time_off_balances", "a learning platform may not know it"},
    {"remote_data", "it holds everything the HR system has; map a custom or integration field instead"},
    {"groups", "teams are set by policy.primary_team and policy.secondary_teams"},
    {"teams", "teams are set by policy.primary_team and policy.secondary_teams"},
};

static rc_kombo_shape_t *new_shape(rc_kombo_fields_t *fields)
{
    return rc_arena_alloc(fields->arena, sizeof(rc_kombo_shape_t));
}

static rc_kombo_member_t *add_member(rc_kombo_fields_t *fields, rc_kombo_shape_t *shape, const char *name,
                                     rc_kombo_want_t want, int slot)
{
    rc_kombo_member_t *member = rc_arena_alloc(fields->arena, sizeof *member);
    member->name = rc_arena_strdup(fields->arena, name);
    member->length = strlen(name);
    member->want = want;
    member->slot = slot;
    member->id = fields->member_count++;
    size_t bucket = rc_kombo_shape_bucket(member->name, member->length);
    member->next = shape->buckets[bucket];
    shape->buckets[bucket] = member;
    return member;
}

/* The shape of the objects in a member, which is added unless it is there. */
static rc_kombo_shape_t *enter(rc_kombo_fields_t *fields, rc_kombo_shape_t *shape, const char *name,
                               rc_kombo_want_t want)
{
    rc_kombo_member_t *member = (rc_kombo_member_t *)rc_kombo_shape_find(shape, name, strlen(name));
    if (!member) {
        member = add_member(fields, shape, name, want, -1);
        member->shape = new_shape(fields);
    }
    return member->shape;
}

/* The slot of a value, which is added unless it is there. */
static int want_value(rc_kombo_fields_t *fields, rc_kombo_shape_t *shape, const char *name, rc_kombo_want_t want)
{
    const rc_kombo_member_t *member = rc_kombo_shape_find(shape, name, strlen(name));
    if (!member) member = add_member(fields, shape, name, want, fields->slot_count++);
    return member->slot;
}

/* The outermost object of every answer, down to one of its records. */
static rc_kombo_shape_t *build_page(rc_kombo_fields_t *fields, rc_kombo_shape_t **record)
{
    rc_kombo_shape_t *page = new_shape(fields);
    (void)add_member(fields, page, "status", RC_KOMBO_WANT_TEXT, RC_KOMBO_PAGE_STATUS);
    rc_kombo_shape_t *error = enter(fields, page, "error", RC_KOMBO_WANT_OBJECT);
    (void)add_member(fields, error, "code", RC_KOMBO_WANT_TEXT, RC_KOMBO_PAGE_CODE);
    (void)add_member(fields, error, "title", RC_KOMBO_WANT_TEXT, RC_KOMBO_PAGE_TITLE);
    (void)add_member(fields, error, "message", RC_KOMBO_WANT_TEXT, RC_KOMBO_PAGE_MESSAGE);
    rc_kombo_shape_t *data = enter(fields, page, "data", RC_KOMBO_WANT_OBJECT);
    (void)add_member(fields, data, "next", RC_KOMBO_WANT_TEXT, RC_KOMBO_PAGE_NEXT);
    *record = enter(fields, data, "results", RC_KOMBO_WANT_RESULTS);
    (void)add_member(fields, *record, "id", RC_KOMBO_WANT_TEXT, RC_KOMBO_SLOT_ID);
    (void)add_member(fields, *record, "remote_deleted_at", RC_KOMBO_WANT_PRESENCE, RC_KOMBO_SLOT_DELETED);
    return page;
}

static void add_group_list(rc_kombo_fields_t *fields, rc_kombo_shape_t *employee, const char *name, int list)
{
    rc_kombo_member_t *member = add_member(fields, employee, name, RC_KOMBO_WANT_GROUPS, list);
    member->shape = new_shape(fields);
    (void)add_member(fields, member->shape, "id", RC_KOMBO_WANT_TEXT, RC_KOMBO_SLOT_GROUP_ID);
    (void)add_member(fields, member->shape, "name", RC_KOMBO_WANT_TEXT, RC_KOMBO_SLOT_GROUP_NAME);
    (void)add_member(fields, member->shape, "type", RC_KOMBO_WANT_TEXT, RC_KOMBO_SLOT_GROUP_TYPE);
}

/* What every employee is read for; the shape of the record. */
static rc_kombo_shape_t *build_employees(rc_kombo_fields_t *fields)
{
    rc_kombo_shape_t *employee;
    fields->employees = build_page(fields, &employee);
    (void)add_member(fields, employee, "employment_status", RC_KOMBO_WANT_TEXT, RC_KOMBO_SLOT_STATUS);
    (void)add_member(fields, employee, "employment_type", RC_KOMBO_WANT_TEXT, RC_KOMBO_SLOT_EMPLOYMENT_TYPE);
    (void)add_member(fields, employee, "start_date", RC_KOMBO_WANT_TEXT, RC_KOMBO_SLOT_START);
    (void)add_member(fields, employee, "termination_date", RC_KOMBO_WANT_TEXT, RC_KOMBO_SLOT_END);
    rc_kombo_shape_t *entity = enter(fields, employee, "legal_entity", RC_KOMBO_WANT_OBJECT);
    (void)add_member(fields, entity, "id", RC_KOMBO_WANT_TEXT, RC_KOMBO_SLOT_ENTITY_ID);
    (void)add_member(fields, entity, "name", RC_KOMBO_WANT_TEXT, RC_KOMBO_SLOT_ENTITY_NAME);
    rc_kombo_shape_t *location = enter(fields, employee, "work_location", RC_KOMBO_WANT_OBJECT);
    (void)add_member(fields, location, "id", RC_KOMBO_WANT_TEXT, RC_KOMBO_SLOT_LOCATION_ID);
    (void)add_member(fields, location, "name", RC_KOMBO_WANT_TEXT, RC_KOMBO_SLOT_LOCATION_NAME);
    add_group_list(fields, employee, "groups", 0);
    add_group_list(fields, employee, "teams", 1);
    return employee;
}

static void build_others(rc_kombo_fields_t *fields)
{
    rc_kombo_shape_t *group, *location;
    fields->groups = build_page(fields, &group);
    (void)add_member(fields, group, "name", RC_KOMBO_WANT_TEXT, RC_KOMBO_SLOT_NAME);
    (void)add_member(fields, group, "type", RC_KOMBO_WANT_TEXT, RC_KOMBO_SLOT_TYPE);
    fields->locations = build_page(fields, &location);
    (void)add_member(fields, location, "name", RC_KOMBO_WANT_TEXT, RC_KOMBO_SLOT_NAME);
}

/* The part of `path` behind "<name>.", or NULL when it does not begin so or ends there. */
static const char *behind(const char *path, const char *name)
{
    size_t length = strlen(name);
    return strncmp(path, name, length) == 0 && path[length] == '.' && path[length + 1] ? path + length + 1 : NULL;
}

static int add_integration_field(rc_kombo_fields_t *fields, rc_kombo_shape_t *employee, const char *key)
{
    if (!fields->entry_keys) {
        fields->entry_keys = new_shape(fields);
        rc_kombo_shape_t *entry = enter(fields, employee, "integration_fields", RC_KOMBO_WANT_ENTRIES);
        (void)add_member(fields, entry, "key", RC_KOMBO_WANT_TEXT, RC_KOMBO_SLOT_ENTRY_KEY);
        (void)add_member(fields, entry, "value", RC_KOMBO_WANT_ANYTHING, RC_KOMBO_SLOT_ENTRY_VALUE);
    }
    return want_value(fields, fields->entry_keys, key, RC_KOMBO_WANT_ANYTHING);
}

static rc_code_t refuse_path(const char *path, rc_error_t *error)
{
    size_t length = strcspn(path, ".");
    for (size_t i = 0; i < sizeof REFUSED / sizeof *REFUSED; i++)
        if (strlen(REFUSED[i].name) == length && strncmp(REFUSED[i].name, path, length) == 0)
            return rc_error_set(error, RC_CONFIG, RC_REJECT, "\"%.100s\" cannot be mapped: %s", path, REFUSED[i].why);
    return rc_error_set(error, RC_CONFIG, RC_REJECT,
                        "\"%.100s\" is no field of a Kombo employee; write one like first_name, manager.work_email, "
                        "work_location.name, custom_fields.KEY or integration_fields.KEY",
                        path);
}

/* Adds a path of the mapping and gives its slot. */
static rc_code_t add_path(rc_kombo_fields_t *fields, rc_kombo_shape_t *employee, const char *path, int *slot,
                          rc_error_t *error)
{
    const char *key;
    if ((key = behind(path, "custom_fields")) != NULL) {
        rc_kombo_shape_t *custom = enter(fields, employee, "custom_fields", RC_KOMBO_WANT_OBJECT);
        *slot = want_value(fields, custom, key, RC_KOMBO_WANT_ANYTHING);
        return RC_OK;
    }
    if ((key = behind(path, "integration_fields")) != NULL) {
        *slot = add_integration_field(fields, employee, key);
        return RC_OK;
    }
    size_t i = 0, count = sizeof KNOWN / sizeof *KNOWN;
    while (i < count && strcmp(KNOWN[i].path, path) != 0) i++;
    if (i == count) return refuse_path(path, error);
    rc_kombo_shape_t *shape = employee;
    char *rest = rc_arena_strdup(fields->arena, path), *dot;
    for (; (dot = strchr(rest, '.')) != NULL; rest = dot + 1) {
        *dot = '\0';
        shape = enter(fields, shape, rest, RC_KOMBO_WANT_OBJECT);
    }
    *slot = want_value(fields, shape, rest, KNOWN[i].want);
    return RC_OK;
}

rc_code_t rc_kombo_fields_new(const char *const *paths, size_t count, rc_kombo_fields_t **fields, rc_error_t *error)
{
    rc_kombo_fields_t *built = rc_zalloc(sizeof *built);
    rc_code_t code = RC_OK;
    built->arena = rc_arena_new();
    built->slot_count = RC_KOMBO_SLOTS;
    built->path_count = count;
    built->path_slots = rc_calloc(count, sizeof *built->path_slots);
    built->paths = rc_arena_alloc(built->arena, (count ? count : 1) * sizeof *built->paths);
    for (size_t i = 0; i < count; i++) built->paths[i] = rc_arena_strdup(built->arena, paths[i]);
    rc_kombo_shape_t *employee = build_employees(built);
    build_others(built);
    for (size_t i = 0; i < count && code == RC_OK; i++)
        code = add_path(built, employee, paths[i], &built->path_slots[i], error);
    if (code == RC_OK)
        *fields = built;
    else
        rc_kombo_fields_free(built);
    return code;
}

void rc_kombo_fields_free(rc_kombo_fields_t *fields)
{
    if (!fields) return;
    rc_arena_free(fields->arena);
    free(fields->path_slots);
    free(fields);
}
