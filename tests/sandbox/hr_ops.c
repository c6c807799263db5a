#include "tests/sandbox/hr_ops.h"

#include <string.h>

#include "common/buf.h"

typedef struct {
    sb_hr_t *hr;
    const json_t *op;
    rc_wall_t now;
    json_t *result;
    rc_error_t *error;
} context_t;

#define REFUSE(context, ...) rc_error_set((context)->error, RC_USAGE, RC_REJECT, __VA_ARGS__)

/* ---- references ---- */

static rc_code_t find_employee(const context_t *context, const json_t *reference, uint32_t *index)
{
    if (json_is_integer(reference) && json_integer_value(reference) >= 0 &&
        json_integer_value(reference) < sb_hr_count(context->hr)) {
        *index = (uint32_t)json_integer_value(reference);
        return RC_OK;
    }
    if (json_is_string(reference) && sb_hr_find(context->hr, json_string_value(reference), index)) return RC_OK;
    return REFUSE(context, "there is no such employee; give Kombo's id, or the number from 0 to %u",
                  sb_hr_count(context->hr) - 1);
}

static rc_code_t take_employee(const context_t *context, uint32_t *index)
{
    return find_employee(context, json_object_get(context->op, "employee"), index);
}

static rc_code_t find_unit(const context_t *context, sb_unit_kind_t kind, const json_t *reference, int32_t *number)
{
    static const char *const words[] = {"group", "location", "legal entity"};
    *number = SB_NOBODY;
    if (json_is_null(reference)) return RC_OK;
    if (json_is_string(reference)) *number = sb_hr_unit_find(context->hr, kind, json_string_value(reference));
    if (*number != SB_NOBODY) return RC_OK;
    return REFUSE(context, "there is no such %s; give its id or its name", words[kind]);
}

static rc_code_t take_date(const context_t *context, const char *name, const json_t *value, rc_date_t *date)
{
    const char *text = json_string_value(value);
    *date = RC_DATE_NONE;
    if (json_is_null(value)) return RC_OK;
    if (text && !rc_date_parse(text, strlen(text), date, NULL)) return RC_OK;
    return REFUSE(context, "\"%s\" must be a day such as 2026-11-22, or null", name);
}

/* ---- fields of a person ---- */

size_t sb_hr_replace_group(const sb_hr_t *hr, const char *type, int32_t group, int32_t groups[SB_MAX_GROUPS],
                           size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        const char *its_type = sb_hr_unit(hr, SB_UNIT_GROUP, groups[i])->type;
        if (!its_type || strcmp(its_type, type) != 0) groups[kept++] = groups[i];
    }
    if (group != SB_NOBODY && kept < SB_MAX_GROUPS) groups[kept++] = group;
    return kept;
}

static rc_code_t take_groups(const context_t *context, const json_t *list, sb_patch_t *patch)
{
    size_t i;
    const json_t *reference;
    if (!json_is_array(list) || json_array_size(list) > SB_MAX_GROUPS)
        return REFUSE(context, "\"groups\" must be a list of at most %d groups", SB_MAX_GROUPS);
    patch->group_count = 0;
    json_array_foreach(list, i,
                       reference) if (find_unit(context, SB_UNIT_GROUP, reference,
                                                &patch->groups[patch->group_count++])) return context->error->code;
    return RC_OK;
}

/* "team" and "department": the groups of that type become this one; the others stay. */
static rc_code_t take_one_group(const context_t *context, const char *type, const json_t *reference, sb_patch_t *patch)
{
    int32_t group;
    if (find_unit(context, SB_UNIT_GROUP, reference, &group)) return context->error->code;
    patch->group_count = sb_hr_replace_group(context->hr, type, group, patch->groups, patch->group_count);
    return RC_OK;
}

static rc_code_t take_text(const context_t *context, const char *key, const json_t *value, sb_patch_t *patch,
                           bool *taken)
{
    for (int i = 0; i < SB_TEXT_COUNT; i++) {
        if (strcmp(SB_TEXT_NAMES[i], key) != 0) continue;
        if (!json_is_string(value) && !json_is_null(value))
            return REFUSE(context, "\"%s\" must be a text or null", key);
        patch->text[i] = json_string_value(value);
        patch->set |= 1u << i;
        *taken = true;
    }
    return RC_OK;
}

static rc_code_t take_manager(const context_t *context, const json_t *value, sb_patch_t *patch)
{
    uint32_t index;
    patch->manager = SB_NOBODY;
    if (json_is_null(value)) return RC_OK;
    if (find_employee(context, value, &index)) return context->error->code;
    patch->manager = (int32_t)index;
    return RC_OK;
}

static rc_code_t take_field(const context_t *context, const char *key, json_t *value, sb_patch_t *patch)
{
    static const struct {
        const char *key;
        sb_set_t set;
    } fields[] = {{"start_date", SB_SET_START},
                  {"termination_date", SB_SET_TERMINATION},
                  {"manager", SB_SET_MANAGER},
                  {"location", SB_SET_LOCATION},
                  {"legal_entity", SB_SET_LEGAL_ENTITY},
                  {"groups", SB_SET_GROUPS},
                  {"team", SB_SET_GROUPS},
                  {"department", SB_SET_GROUPS},
                  {"custom_fields", SB_SET_CUSTOM},
                  {"integration_fields", SB_SET_INTEGRATION}};
    bool taken = false;
    size_t i = 0, count = sizeof fields / sizeof *fields;
    if (take_text(context, key, value, patch, &taken) || taken) return taken ? RC_OK : context->error->code;
    while (i < count && strcmp(fields[i].key, key) != 0) i++;
    if (i == count) return REFUSE(context, "an employee has no \"%s\"; see tests/sandbox/README.md", key);
    patch->set |= 1u << fields[i].set;
    switch (fields[i].set) {
    case SB_SET_START:
        return take_date(context, key, value, &patch->start);
    case SB_SET_TERMINATION:
        return take_date(context, key, value, &patch->termination);
    case SB_SET_MANAGER:
        return take_manager(context, value, patch);
    case SB_SET_LOCATION:
        return find_unit(context, SB_UNIT_LOCATION, value, &patch->location);
    case SB_SET_LEGAL_ENTITY:
        return find_unit(context, SB_UNIT_LEGAL_ENTITY, value, &patch->legal_entity);
    case SB_SET_GROUPS:
        if (!strcmp(key, "groups")) return take_groups(context, value, patch);
        return take_one_group(context, *key == 't' ? "TEAM" : "DEPARTMENT", value, patch);
    default:
        break;
    }
    if (!json_is_object(value)) return REFUSE(context, "\"%s\" must be an object", key);
    if (fields[i].set == SB_SET_CUSTOM)
        patch->custom = value;
    else
        patch->integration = value;
    return RC_OK;
}

/* All members but "op", "employee" and `beside`. `person` says which groups there are.
 */
static rc_code_t take_fields(const context_t *context, const sb_person_t *person, const char *beside, sb_patch_t *patch)
{
    const char *key;
    json_t *value;
    *patch = (sb_patch_t){.group_count = person->group_count};
    memcpy(patch->groups, person->groups, sizeof patch->groups);
    json_object_foreach((json_t *)(uintptr_t)context->op, key, value)
    {
        if (!strcmp(key, "op") || !strcmp(key, "employee") || !strcmp(key, beside)) continue;
        if (take_field(context, key, value, patch)) return context->error->code;
    }
    return RC_OK;
}

/* ---- operations ---- */

static void put_employee(const context_t *context, uint32_t index)
{
    char id[SB_ID_SIZE];
    rc_json_put_str(context->result, "employee",
                    sb_id_format(sb_hr_company(context->hr)->seed, SB_KIND_EMPLOYEE, index, id));
    (void)json_object_set_new(context->result, "number", json_integer(index));
}

static rc_date_t today(const context_t *context)
{
    return (rc_date_t){(int32_t)(context->now.ms / 86400000)};
}

static rc_code_t op_hire(const context_t *context)
{
    sb_person_t person;
    sb_patch_t patch;
    sb_company_person(sb_hr_company(context->hr), sb_hr_count(context->hr), &person);
    if (take_fields(context, &person, "", &patch)) return context->error->code;
    put_employee(context, sb_hr_hire(context->hr, &patch, context->now));
    return RC_OK;
}

/* The person as they are, also when the record has vanished. */
static rc_code_t take_person(const context_t *context, uint32_t *index, sb_person_t *person)
{
    if (take_employee(context, index)) return context->error->code;
    if (!sb_hr_person(context->hr, *index, (rc_wall_t){0}, person))
        return REFUSE(context, "the record of this employee has vanished; let it \"appear\" first");
    return RC_OK;
}

static rc_code_t op_update(const context_t *context)
{
    uint32_t index;
    sb_person_t person;
    sb_patch_t patch;
    if (take_person(context, &index, &person) || take_fields(context, &person, "", &patch)) return context->error->code;
    sb_hr_patch(context->hr, index, &patch, context->now);
    put_employee(context, index);
    return RC_OK;
}

static rc_code_t op_leave(const context_t *context)
{
    uint32_t index;
    sb_person_t person;
    sb_patch_t patch;
    if (take_person(context, &index, &person) || take_fields(context, &person, "", &patch)) return context->error->code;
    if (!(patch.set & 1u << SB_TEXT_EMPLOYMENT_STATUS)) patch.text[SB_TEXT_EMPLOYMENT_STATUS] = "INACTIVE";
    if (!(patch.set & 1u << SB_SET_TERMINATION)) patch.termination = today(context);
    patch.set |= 1u << SB_TEXT_EMPLOYMENT_STATUS | 1u << SB_SET_TERMINATION;
    sb_hr_patch(context->hr, index, &patch, context->now);
    put_employee(context, index);
    return RC_OK;
}

static rc_code_t op_rehire(const context_t *context)
{
    uint32_t index;
    sb_person_t person;
    sb_patch_t patch;
    if (take_person(context, &index, &person) || take_fields(context, &person, "new_id", &patch))
        return context->error->code;
    bool new_id = rc_json_bool(context->op, "new_id", false);
    uint32_t given = patch.set;
    for (int i = 0; i < SB_TEXT_COUNT; i++)
        if (!(given & 1u << i)) patch.text[i] = person.text[i];
    if (!(given & 1u << SB_TEXT_EMPLOYMENT_STATUS)) patch.text[SB_TEXT_EMPLOYMENT_STATUS] = "ACTIVE";
    if (!(given & 1u << SB_SET_START)) patch.start = today(context);
    if (!(given & 1u << SB_SET_TERMINATION)) patch.termination = RC_DATE_NONE;
    if (!(given & 1u << SB_SET_MANAGER)) patch.manager = person.manager;
    if (!(given & 1u << SB_SET_LOCATION)) patch.location = person.location;
    if (!(given & 1u << SB_SET_LEGAL_ENTITY)) patch.legal_entity = person.legal_entity;
    patch.set |= (1u << SB_SET_CUSTOM) - 1; /* every field before the custom ones */
    if (new_id) {
        index = sb_hr_hire(context->hr, &patch, context->now);
    } else {
        sb_hr_patch(context->hr, index, &patch, context->now);
        if (person.deleted_at.ms) sb_hr_set_deleted(context->hr, index, false, context->now);
    }
    put_employee(context, index);
    return RC_OK;
}

static rc_code_t set_presence(const context_t *context, void (*set)(sb_hr_t *, uint32_t, bool, rc_wall_t), bool value)
{
    uint32_t index;
    if (take_employee(context, &index)) return context->error->code;
    set(context->hr, index, value, context->now);
    put_employee(context, index);
    return RC_OK;
}

static rc_code_t op_delete(const context_t *context)
{
    return set_presence(context, sb_hr_set_deleted, true);
}

static rc_code_t op_restore(const context_t *context)
{
    return set_presence(context, sb_hr_set_deleted, false);
}

static rc_code_t op_vanish(const context_t *context)
{
    return set_presence(context, sb_hr_set_vanished, true);
}

static rc_code_t op_appear(const context_t *context)
{
    return set_presence(context, sb_hr_set_vanished, false);
}

static rc_code_t put_unit(const context_t *context, sb_unit_kind_t kind, const char *key, int32_t number)
{
    rc_json_put_str(context->result, key, sb_hr_unit(context->hr, kind, number)->id);
    return RC_OK;
}

static rc_code_t rename_unit(const context_t *context, sb_unit_kind_t kind, const char *key)
{
    int32_t number;
    const char *name = rc_json_str(context->op, "name");
    if (!name) return REFUSE(context, "\"name\" is missing");
    if (find_unit(context, kind, json_object_get(context->op, key), &number)) return context->error->code;
    if (number == SB_NOBODY) return REFUSE(context, "\"%s\" must not be null", key);
    sb_hr_unit_rename(context->hr, kind, number, name, context->now);
    return put_unit(context, kind, key, number);
}

static rc_code_t op_rename_group(const context_t *context)
{
    return rename_unit(context, SB_UNIT_GROUP, "group");
}

static rc_code_t op_rename_location(const context_t *context)
{
    return rename_unit(context, SB_UNIT_LOCATION, "location");
}

static rc_code_t op_rename_legal_entity(const context_t *context)
{
    return rename_unit(context, SB_UNIT_LEGAL_ENTITY, "legal_entity");
}

static rc_code_t op_add_group(const context_t *context)
{
    static const char *const types[] = {"TEAM", "DEPARTMENT", "COST_CENTER"};
    const char *name = rc_json_str(context->op, "name"), *type = rc_json_str(context->op, "type");
    if (!name) return REFUSE(context, "\"name\" is missing");
    size_t i = 0;
    while (type && i < 3 && strcmp(types[i], type) != 0) i++;
    if (type && i == 3) return REFUSE(context, "\"type\" must be TEAM, DEPARTMENT, COST_CENTER or left out");
    int32_t number = sb_hr_unit_add(context->hr, SB_UNIT_GROUP, type ? types[i] : NULL, name, context->now);
    return put_unit(context, SB_UNIT_GROUP, "group", number);
}

static rc_code_t add_unit(const context_t *context, sb_unit_kind_t kind, const char *key)
{
    const char *name = rc_json_str(context->op, "name");
    if (!name) return REFUSE(context, "\"name\" is missing");
    return put_unit(context, kind, key, sb_hr_unit_add(context->hr, kind, NULL, name, context->now));
}

static rc_code_t op_add_location(const context_t *context)
{
    return add_unit(context, SB_UNIT_LOCATION, "location");
}

static rc_code_t op_add_legal_entity(const context_t *context)
{
    return add_unit(context, SB_UNIT_LEGAL_ENTITY, "legal_entity");
}

static rc_code_t op_delete_group(const context_t *context)
{
    int32_t number;
    if (find_unit(context, SB_UNIT_GROUP, json_object_get(context->op, "group"), &number)) return context->error->code;
    if (number == SB_NOBODY) return REFUSE(context, "\"group\" must not be null");
    sb_hr_unit_delete(context->hr, SB_UNIT_GROUP, number, context->now);
    return put_unit(context, SB_UNIT_GROUP, "group", number);
}

static rc_code_t op_random(const context_t *context)
{
    json_t *counts = json_object();
    (void)json_object_set_new(context->result, "counts", counts);
    return sb_hr_randomise(context->hr, (uint64_t)rc_json_int(context->op, "seed", 1),
                           (uint32_t)rc_json_int(context->op, "changes", 1), json_object_get(context->op, "only"),
                           context->now, counts, context->error);
}

static const struct {
    const char *name;
    rc_code_t (*operate)(const context_t *context);
} OPERATIONS[] = {
    {"hire", op_hire},
    {"update", op_update},
    {"leave", op_leave},
    {"rehire", op_rehire},
    {"delete", op_delete},
    {"restore", op_restore},
    {"vanish", op_vanish},
    {"appear", op_appear},
    {"add_group", op_add_group},
    {"rename_group", op_rename_group},
    {"delete_group", op_delete_group},
    {"add_location", op_add_location},
    {"add_legal_entity", op_add_legal_entity},
    {"rename_location", op_rename_location},
    {"rename_legal_entity", op_rename_legal_entity},
    {"random", op_random},
};

rc_code_t sb_hr_operate(sb_hr_t *hr, const json_t *operation, rc_wall_t now, json_t *result, rc_error_t *error)
{
    const context_t context = {hr, operation, now, result, error};
    const char *name = rc_json_str(operation, "op");
    rc_buf_t known = RC_BUF_INIT(512);
    for (size_t i = 0; i < sizeof OPERATIONS / sizeof *OPERATIONS; i++) {
        if (name && !strcmp(OPERATIONS[i].name, name)) {
            rc_buf_fini(&known);
            return OPERATIONS[i].operate(&context);
        }
        (void)rc_buf_add_format(&known, "%s%s", known.size_bytes ? ", " : "", OPERATIONS[i].name);
    }
    rc_code_t code = rc_error_set(error, RC_USAGE, RC_REJECT, "\"op\" must be one of %s", known.data);
    rc_buf_fini(&known);
    return code;
}
