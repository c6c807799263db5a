#include "tests/sandbox/history.h"

static void put_unit(json_t *json, const char *key, const sb_hr_t *hr, sb_unit_kind_t kind, int32_t number)
{
    const sb_unit_t *unit = sb_hr_unit(hr, kind, number);
    if (unit) rc_json_put_str(json, key, unit->id);
}

static json_t *state_json(const sb_hr_t *hr, const sb_revision_t *revision)
{
    const sb_person_t *person = &revision->person;
    char id[SB_ID_SIZE];
    json_t *json = json_object(), *groups = json_array();
    rc_json_put_wall(json, "at", revision->at);
    for (int i = 0; i < SB_TEXT_COUNT; i++) rc_json_put_str(json, SB_TEXT_NAMES[i], person->text[i]);
    rc_json_put_date(json, "start_date", person->start);
    rc_json_put_date(json, "termination_date", person->termination);
    if (person->manager != SB_NOBODY)
        rc_json_put_str(json, "manager",
                        sb_id_format(sb_hr_company(hr)->seed, SB_KIND_EMPLOYEE, (uint32_t)person->manager, id));
    put_unit(json, "location", hr, SB_UNIT_LOCATION, person->location);
    put_unit(json, "legal_entity", hr, SB_UNIT_LEGAL_ENTITY, person->legal_entity);
    for (size_t i = 0; i < person->group_count; i++)
        (void)json_array_append_new(groups, json_string(sb_hr_unit(hr, SB_UNIT_GROUP, person->groups[i])->id));
    (void)json_object_set_new(json, "groups", groups);
    if (person->custom) (void)json_object_set_new(json, "custom_fields", json_deep_copy(person->custom));
    if (person->integration) (void)json_object_set_new(json, "integration_fields", json_deep_copy(person->integration));
    (void)json_object_set_new(json, "deleted", json_boolean(person->deleted_at.ms != 0));
    (void)json_object_set_new(json, "vanished", json_boolean(revision->vanished));
    return json;
}

json_t *sb_history_person(const sb_hr_t *hr, uint32_t index)
{
    char id[SB_ID_SIZE];
    sb_revision_t revision;
    json_t *json = json_object(), *states = json_array();
    rc_json_put_str(json, "employee", sb_id_format(sb_hr_company(hr)->seed, SB_KIND_EMPLOYEE, index, id));
    (void)json_object_set_new(json, "number", json_integer(index));
    for (uint32_t back = 0; sb_hr_revision(hr, index, back, &revision); back++)
        (void)json_array_insert_new(states, 0, state_json(hr, &revision));
    (void)json_object_set_new(json, "states", states);
    return json;
}

static json_t *unit_json(const sb_unit_t *unit, const char *kind)
{
    json_t *json = json_object(), *states = json_array();
    rc_json_put_str(json, "id", unit->id);
    rc_json_put_str(json, "kind", kind);
    rc_json_put_str(json, "type", unit->type);
    for (size_t i = 0; i < unit->naming_count; i++) {
        json_t *state = json_object();
        rc_json_put_wall(state, "at", unit->namings[i].at);
        rc_json_put_str(state, "name", unit->namings[i].name);
        (void)json_object_set_new(state, "deleted", json_boolean(unit->namings[i].deleted));
        (void)json_array_append_new(states, state);
    }
    (void)json_object_set_new(json, "states", states);
    return json;
}

json_t *sb_history_units(const sb_hr_t *hr)
{
    static const char *const kinds[SB_UNIT_COUNT] = {"group", "location", "legal_entity"};
    json_t *list = json_array();
    for (int kind = 0; kind < SB_UNIT_COUNT; kind++)
        for (uint32_t i = 0; i < sb_hr_units(hr, (sb_unit_kind_t)kind); i++)
            (void)json_array_append_new(list, unit_json(sb_hr_unit(hr, (sb_unit_kind_t)kind, (int32_t)i), kinds[kind]));
    return list;
}
