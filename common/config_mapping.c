/* `mapping`: which fields of Kombo's employee may go where. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/config_settings.h"
#include "common/suggest.h"

#define TARGET_TEXT(T, name, text) text,
static const char *const TARGETS[] = {RC_TARGETS(TARGET_TEXT, _)};
const rc_enum_t RC_ENUM_TARGET = {"Target", TARGETS, RC_TARGET_COUNT};

static const char CUSTOM_PREFIX[] = "custom:";

#define SENSITIVE "is nothing that a learning platform may know"
#define RAW       "is not described by Kombo; take a custom field or an integration field"

/* kombo-hris.openapi.json, the employee of GET /hris/employees; what is refused: docs/kombo.md, "Reading". */
const rc_source_t RC_SOURCES[] = {
    {"id", RC_SOURCE_TEXT, NULL},
    {"remote_id", RC_SOURCE_TEXT, NULL},
    {"employee_number", RC_SOURCE_TEXT, NULL},
    {"first_name", RC_SOURCE_TEXT, NULL},
    {"last_name", RC_SOURCE_TEXT, NULL},
    {"display_full_name", RC_SOURCE_TEXT, NULL},
    {"job_title", RC_SOURCE_TEXT, NULL},
    {"work_email", RC_SOURCE_TEXT, NULL},
    {"personal_email", RC_SOURCE_TEXT, NULL},
    {"mobile_phone_number", RC_SOURCE_TEXT, NULL},
    {"nationality", RC_SOURCE_TEXT, NULL},
    {"gender", RC_SOURCE_TEXT, NULL},
    {"employment_status", RC_SOURCE_TEXT, NULL},
    {"employment_type", RC_SOURCE_TEXT, NULL},
    {"weekly_hours", RC_SOURCE_NUMBER, NULL},
    {"avatar", RC_SOURCE_TEXT, NULL},
    {"start_date", RC_SOURCE_DATE, NULL},
    {"termination_date", RC_SOURCE_DATE, NULL},
    {"remote_created_at", RC_SOURCE_DATE, NULL},
    {"work_location_id", RC_SOURCE_TEXT, NULL},
    {"legal_entity_id", RC_SOURCE_TEXT, NULL},
    {"manager_id", RC_SOURCE_TEXT, NULL},
    {"manager.id", RC_SOURCE_TEXT, NULL},
    {"manager.remote_id", RC_SOURCE_TEXT, NULL},
    {"manager.employee_number", RC_SOURCE_TEXT, NULL},
    {"manager.first_name", RC_SOURCE_TEXT, NULL},
    {"manager.last_name", RC_SOURCE_TEXT, NULL},
    {"manager.display_full_name", RC_SOURCE_TEXT, NULL},
    {"manager.work_email", RC_SOURCE_TEXT, NULL},
    {"manager.employment_status", RC_SOURCE_TEXT, NULL},
    {"work_location.id", RC_SOURCE_TEXT, NULL},
    {"work_location.remote_id", RC_SOURCE_TEXT, NULL},
    {"work_location.name", RC_SOURCE_TEXT, NULL},
    {"work_location.type", RC_SOURCE_TEXT, NULL},
    {"work_location.address.city", RC_SOURCE_TEXT, NULL},
    {"work_location.address.country", RC_SOURCE_TEXT, NULL},
    {"work_location.address.state", RC_SOURCE_TEXT, NULL},
    {"legal_entity.id", RC_SOURCE_TEXT, NULL},
    {"legal_entity.remote_id", RC_SOURCE_TEXT, NULL},
    {"legal_entity.name", RC_SOURCE_TEXT, NULL},
    {"legal_entity.address.city", RC_SOURCE_TEXT, NULL},
    {"legal_entity.address.country", RC_SOURCE_TEXT, NULL},
    {"legal_entity.address.state", RC_SOURCE_TEXT, NULL},
    {"custom_fields", RC_SOURCE_OPEN, NULL},
    {"integration_fields", RC_SOURCE_OPEN, NULL},
    {"ssn", RC_SOURCE_REFUSED, SENSITIVE},
    {"tax_id", RC_SOURCE_REFUSED, SENSITIVE},
    {"date_of_birth", RC_SOURCE_REFUSED, SENSITIVE},
    {"ethnicity", RC_SOURCE_REFUSED, SENSITIVE},
    {"marital_status", RC_SOURCE_REFUSED, SENSITIVE},
    {"home_address", RC_SOURCE_REFUSED, SENSITIVE},
    {"bank_accounts", RC_SOURCE_REFUSED, SENSITIVE},
    {"employments", RC_SOURCE_REFUSED, SENSITIVE},
    {"time_off_balances", RC_SOURCE_REFUSED, SENSITIVE},
    {"groups", RC_SOURCE_REFUSED, "is what `policy.primary_team` and `policy.secondary_teams` are for"},
    {"teams", RC_SOURCE_REFUSED, "is what `policy.primary_team` and `policy.secondary_teams` are for"},
    {"remote_data", RC_SOURCE_REFUSED, RAW},
    {"work_location.remote_data", RC_SOURCE_REFUSED, RAW},
    {"changed_at", RC_SOURCE_REFUSED, "changes with every sync of Kombo"},
    {"remote_deleted_at", RC_SOURCE_REFUSED, "is never set on an employee who is announced"},
    {"work_location", RC_SOURCE_REFUSED, "has parts; take one, like work_location.name"},
    {"manager", RC_SOURCE_REFUSED, "has parts; take one, like manager.work_email"},
    {"legal_entity", RC_SOURCE_REFUSED, "has parts; take one, like legal_entity.name"},
    {NULL, RC_SOURCE_TEXT, NULL},
};

const char *const RC_DEFAULT_MAPPING[][2] = {
    {"firstName", "first_name"},
    {"lastName", "last_name"},
    {"email", "work_email"},
    {"jobTitle", "job_title"},
    {"avatar", "avatar"},
    {"location", "work_location.name"},
    {"hireDate", "start_date"},
    {"leaveDate", "termination_date"},
    {NULL, NULL},
};

/* Whether `path` is `row`'s or lies below it. */
static bool is_at(const rc_source_t *row, const char *path)
{
    size_t length = strlen(row->path);
    return strncmp(row->path, path, length) == 0 && (path[length] == '\0' || path[length] == '.');
}

static const rc_source_t *find_source(const char *path)
{
    for (const rc_source_t *row = RC_SOURCES; row->path; row++)
        if (strcmp(row->path, path) == 0 ||
            (is_at(row, path) && (row->kind == RC_SOURCE_OPEN || row->kind == RC_SOURCE_REFUSED) &&
             /* "manager.x" is unknown rather than refused */
             (row->kind == RC_SOURCE_OPEN || strncmp(row->reason, "has parts", 9) != 0)))
            return row;
    return NULL;
}

static bool is_date_target(rc_target_t target)
{
    return target == RC_TARGET_HIRE_DATE || target == RC_TARGET_LEAVE_DATE;
}

static bool check_source(const rc_place_t *place, rc_target_t target, const char *path)
{
    const rc_source_t *row = find_source(path);
    rc_suggest_t suggest = RC_SUGGEST_INIT(path);
    for (const rc_source_t *known = RC_SOURCES; known->path; known++)
        if (known->kind != RC_SOURCE_REFUSED) rc_suggest_offer(&suggest, known->path);
    const char *name = row && row->kind == RC_SOURCE_OPEN ? path + strlen(row->path) : "";
    if (!row && suggest.best)
        rc_problems_add(place->problems, place->line, place->key,
                        "\"%.128s\" is no field of Kombo's employee; did you mean %s?", path, suggest.best);
    else if (!row)
        rc_problems_add(place->problems, place->line, place->key,
                        "\"%.128s\" is no field of Kombo's employee; take one that docs/configuration.md lists, or "
                        "custom_fields.NAME",
                        path);
    else if (row->kind == RC_SOURCE_REFUSED)
        rc_problems_add(place->problems, place->line, place->key, "%.128s %s; take another field", path, row->reason);
    else if (row->kind == RC_SOURCE_OPEN && (name[0] != '.' || !name[1]))
        rc_problems_add(place->problems, place->line, place->key, "%s has parts; write %s.NAME", row->path, row->path);
    else if (is_date_target(target) && row->kind != RC_SOURCE_DATE && row->kind != RC_SOURCE_OPEN)
        rc_problems_add(place->problems, place->line, place->key, "%s is no date; take start_date or termination_date",
                        path);
    else
        return true;
    return false;
}

static bool parse_target(const rc_place_t *place, const char *text, rc_mapping_t *mapping)
{
    const size_t prefix = sizeof CUSTOM_PREFIX - 1;
    if (strncmp(text, CUSTOM_PREFIX, prefix) == 0) {
        const char *name = text + prefix;
        size_t length = strlen(name);
        mapping->target = RC_TARGET_CUSTOM;
        mapping->custom_name = rc_arena_strdup(place->arena, name);
        if (length && length <= 255 && name[0] != ' ' && name[length - 1] != ' ') return true;
        rc_problems_add(place->problems, place->line, place->key,
                        "names no custom field; write custom:NAME with the name as Learn Amp has it, without spaces "
                        "around it");
        return false;
    }
    int target = rc_enum_parse(&RC_ENUM_TARGET, text);
    mapping->target = (rc_target_t)target;
    if (target >= 0 && target != RC_TARGET_CUSTOM) return true;
    rc_suggest_t suggest = RC_SUGGEST_INIT(text);
    for (int i = 0; i < RC_TARGET_CUSTOM; i++) rc_suggest_offer(&suggest, TARGETS[i]);
    if (suggest.best)
        rc_problems_add(place->problems, place->line, place->key, "unknown parameter; did you mean %s?", suggest.best);
    else
        rc_problems_add(place->problems, place->line, place->key,
                        "unknown parameter; write firstName, lastName, email, jobTitle, avatar, location, hireDate, "
                        "leaveDate, managerEmail, language or \"custom:NAME\"");
    return false;
}

static int by_target(const void *a, const void *b)
{
    const rc_mapping_t *left = a, *right = b;
    if (left->target != right->target) return left->target < right->target ? -1 : 1;
    return left->custom_name ? strcmp(left->custom_name, right->custom_name) : 0;
}

static bool read_pair(const rc_place_t *place, const rc_yaml_pair_t *pair, rc_mapping_t *mapping)
{
    char key[400];
    if (pair->key->kind != RC_YAML_SCALAR) {
        rc_problems_add(place->problems, pair->key->line, place->key, "%s as a key; write a parameter's name",
                        rc_yaml_kind_str(pair->key->kind));
        return false;
    }
    (void)snprintf(key, sizeof key, "%s.%.280s", place->key, pair->key->text);
    rc_place_t at = *place;
    at.key = key;
    at.line = pair->key->line;
    bool fine = parse_target(&at, pair->key->text, mapping);
    if (pair->value->kind != RC_YAML_SCALAR) {
        rc_problems_add(at.problems, at.line, key, "%s where a field is expected; write one, or take the line away",
                        rc_yaml_kind_str(pair->value->kind));
        return false;
    }
    mapping->line = at.line;
    mapping->source = rc_config_expand(&at, pair->value->text);
    if (!mapping->source) return false;
    mapping->source = rc_arena_strdup(at.arena, mapping->source);
    return check_source(&at, fine ? mapping->target : RC_TARGET_CUSTOM, mapping->source) && fine;
}

static bool same_target(const rc_mapping_t *a, const rc_mapping_t *b)
{
    return a->target == b->target && (a->target != RC_TARGET_CUSTOM || strcmp(a->custom_name, b->custom_name) == 0);
}

/* A second mapping to the same target; the first stays. */
static bool is_new(const rc_place_t *place, const rc_integration_t *integration, const rc_mapping_t *mapping)
{
    char key[400];
    for (size_t i = 0; i < integration->mapping_count; i++) {
        const rc_mapping_t *other = &integration->mapping[i];
        if (!same_target(other, mapping)) continue;
        (void)snprintf(key, sizeof key, "%s.%s%s", place->key, mapping->custom_name ? CUSTOM_PREFIX : "",
                       mapping->custom_name ? mapping->custom_name : TARGETS[mapping->target]);
        rc_problems_add(place->problems, mapping->line, key, "mapped already in line %d; keep one of the two",
                        other->line);
        return false;
    }
    return true;
}

static bool check_required(const rc_place_t *place, const rc_integration_t *integration)
{
    static const rc_target_t required[] = {RC_TARGET_FIRST_NAME, RC_TARGET_LAST_NAME, RC_TARGET_EMAIL};
    bool fine = true;
    for (size_t i = 0; i < sizeof required / sizeof *required; i++) {
        if (rc_integration_mapping(integration, required[i])) continue;
        rc_problems_add(place->problems, place->line, place->key,
                        "%s is missing, and Learn Amp needs it; a mapping that is written replaces the default as a "
                        "whole: add %s: %s",
                        RC_DEFAULT_MAPPING[i][0], RC_DEFAULT_MAPPING[i][0], RC_DEFAULT_MAPPING[i][1]);
        fine = false;
    }
    return fine;
}

static void use_default(const rc_place_t *place, rc_integration_t *integration)
{
    integration->mapping = rc_arena_alloc(place->arena, RC_TARGET_COUNT * sizeof *integration->mapping);
    for (size_t i = 0; RC_DEFAULT_MAPPING[i][0]; i++)
        integration->mapping[integration->mapping_count++] =
            (rc_mapping_t){.target = (rc_target_t)rc_enum_parse(&RC_ENUM_TARGET, RC_DEFAULT_MAPPING[i][0]),
                           .source = RC_DEFAULT_MAPPING[i][1]};
}

bool rc_mapping_read(const rc_place_t *place, const rc_yaml_t *node, rc_integration_t *integration)
{
    const rc_setting_t *setting = rc_setting_find(RC_INTEGRATION_PREFIX "mapping");
    bool fine = true;
    if (!node || node->kind == RC_YAML_NULL) {
        use_default(place, integration);
        return true;
    }
    if (node->kind != RC_YAML_MAP || (int64_t)node->count > setting->max) {
        rc_problems_add(place->problems, place->line, place->key,
                        "%s where at most %lld keys are expected; write PARAMETER: FIELD, one a line",
                        rc_yaml_kind_str(node->kind), (long long)setting->max);
        return false;
    }
    integration->mapping = rc_arena_alloc(place->arena, node->count * sizeof *integration->mapping);
    for (size_t i = 0; i < node->count; i++) {
        rc_mapping_t mapping = {0};
        bool good = read_pair(place, &node->pairs[i], &mapping);
        if (good && is_new(place, integration, &mapping))
            integration->mapping[integration->mapping_count++] = mapping;
        else
            fine = false;
    }
    if (fine) fine = check_required(place, integration);
    qsort(integration->mapping, integration->mapping_count, sizeof *integration->mapping, by_target);
    return fine;
}
