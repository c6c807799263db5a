#include "tests/sandbox/kombo_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/names.h"
#include "tests/sandbox/out.h"
#include "tests/sandbox/random.h"

const sb_field_t SB_CUSTOM_FIELDS[] = {{"cost_center", "Cost centre"},
                                       {"tshirt_size", "T-shirt size"},
                                       {"badge_number", "Badge number"},
                                       {"works_council", "Member of the works council"},
                                       {"emergency_contact", "Emergency contact"},
                                       {NULL, NULL}};
const sb_field_t SB_INTEGRATION_FIELDS[] = {
    {"preferred_language", "Preferred language"}, {"salary_band", "Salary band"}, {NULL, NULL}};

static uint64_t trait(const sb_person_t *person, uint64_t which)
{
    return sb_mix(((uint64_t)person->index << 8) + which) >> 8;
}

/* ---- custom and integration fields ---- */

/* Writes the generated value of a field; false for a key that nobody has. */
static bool out_generated(rc_buf_t *out, const sb_person_t *person, const char *key)
{
    static const char *const sizes[] = {"XS", "S", "M", "L", "XL"};
    static const char *const languages[] = {"de", "en", "fr", "pl", "pt"};
    if (!strcmp(key, "cost_center")) {
        SB_OUT(out, "\"CC-");
        sb_out_number(out, 4100 + trait(person, 1) % 30 * 10);
        SB_OUT(out, "\"");
    } else if (!strcmp(key, "tshirt_size")) {
        sb_out_text(out, sizes[trait(person, 2) % 5]);
    } else if (!strcmp(key, "badge_number")) {
        sb_out_number(out, 5000000 + person->index);
    } else if (!strcmp(key, "works_council")) {
        (void)rc_buf_add_str(out, trait(person, 3) % 20 ? "false" : "true");
    } else if (!strcmp(key, "emergency_contact")) {
        SB_OUT(out, "{\"name\":\"" SB_CANARY " Contact\",\"phones\":[\"+49 " SB_CANARY_DIGITS " 110\"]}");
    } else if (!strcmp(key, "preferred_language")) {
        sb_out_text(out, languages[trait(person, 4) % 5]);
    } else if (!strcmp(key, "salary_band")) {
        SB_OUT(out, "\"" SB_CANARY "-BAND-");
        sb_out_number(out, 1 + trait(person, 5) % 9);
        SB_OUT(out, "\"");
    } else {
        return false;
    }
    return true;
}

static void out_json(rc_buf_t *out, const json_t *value)
{
    char *text = rc_json_text(value, false);
    (void)rc_buf_add_str(out, text);
    free(text);
}

static void out_field_value(rc_buf_t *out, const sb_person_t *person, const json_t *changed, const char *key)
{
    const json_t *value = changed ? json_object_get(changed, key) : NULL;
    if (value)
        out_json(out, value);
    else if (!out_generated(out, person, key))
        SB_OUT(out, "null");
}

static bool is_listed(const sb_field_t *fields, const char *key)
{
    while (fields->key && strcmp(fields->key, key) != 0) fields++;
    return fields->key != NULL;
}

static void out_custom_fields(rc_buf_t *out, const sb_person_t *person)
{
    if (person->anonymised) {
        SB_OUT(out, "\"custom_fields\":null,");
        return;
    }
    SB_OUT(out, "\"custom_fields\":{");
    for (const sb_field_t *field = SB_CUSTOM_FIELDS; field->key; field++) {
        sb_out_text(out, field->key);
        SB_OUT(out, ":");
        out_field_value(out, person, person->custom, field->key);
        SB_OUT(out, ",");
    }
    for (void *at = json_object_iter(person->custom); at; at = json_object_iter_next(person->custom, at)) {
        if (is_listed(SB_CUSTOM_FIELDS, json_object_iter_key(at))) continue;
        sb_out_text(out, json_object_iter_key(at));
        SB_OUT(out, ":");
        out_json(out, json_object_iter_value(at));
        SB_OUT(out, ",");
    }
    sb_out_drop_comma(out);
    SB_OUT(out, "},");
}

static void out_integration_fields(rc_buf_t *out, const sb_hr_t *hr, const sb_person_t *person)
{
    char id[SB_ID_SIZE];
    uint32_t number = 100;
    SB_OUT(out, "\"integration_fields\":[");
    for (const sb_field_t *field = SB_INTEGRATION_FIELDS; field->key && !person->anonymised; field++) {
        SB_OUT(out, "{\"id\":");
        sb_out_text(out, sb_id_format(sb_hr_company(hr)->seed, SB_KIND_FIELD, number++, id));
        SB_OUT(out, ",\"key\":");
        sb_out_text(out, field->key);
        SB_OUT(out, ",\"type\":\"CUSTOM\",\"value\":");
        if (sb_hr_company(hr)->integration_values ||
            (person->integration && json_object_get(person->integration, field->key)))
            out_field_value(out, person, person->integration, field->key);
        else
            SB_OUT(out, "null");
        SB_OUT(out, ",\"label\":");
        sb_out_text(out, field->label);
        SB_OUT(out, "},");
    }
    sb_out_drop_comma(out);
    SB_OUT(out, "],");
}

json_t *sb_record_custom(const sb_person_t *person, const char *key)
{
    rc_buf_t text = RC_BUF_INIT(4096);
    json_t *value = person->custom ? json_deep_copy(json_object_get(person->custom, key)) : NULL;
    if (!value && out_generated(&text, person, key)) (void)rc_json_parse(text.data, text.size_bytes, &value, NULL);
    rc_buf_fini(&text);
    return value ? value : json_null();
}

/* ---- what a learning platform must not know ---- */

static void out_address(rc_buf_t *out, const sb_place_t *place)
{
    SB_OUT(out, "{\"city\":");
    sb_out_text(out, place->city);
    SB_OUT(out, ",\"country\":");
    sb_out_text(out, place->country);
    SB_OUT(out, ",\"raw\":null,\"state\":null,\"street_1\":");
    sb_out_text(out, place->street);
    SB_OUT(out, ",\"street_2\":null,\"zip_code\":");
    sb_out_text(out, place->zip_code);
    SB_OUT(out, "}");
}

static void out_private(rc_buf_t *out, const sb_person_t *person)
{
    static const char *const genders[] = {"FEMALE", "MALE", "NON_BINARY", "NOT_SPECIFIED"};
    static const char *const marital[] = {"SINGLE", "MARRIED", "DIVORCED", "WIDOWED"};
    if (person->anonymised) {
        SB_OUT(out,
               "\"nationality\":null,\"personal_email\":null,\"mobile_phone_number\":null,\"ssn\":null,\"tax_id\":null,"
               "\"gender\":null,\"ethnicity\":null,\"marital_status\":null,\"weekly_hours\":null,\"home_address\":null,"
               "\"bank_accounts\":null,\"date_of_birth\":null,\"remote_data\":null,");
        return;
    }
    SB_OUT(out, "\"nationality\":\"" SB_CANARY " nation\",\"personal_email\":\"canary.private");
    sb_out_number(out, person->index);
    SB_OUT(out, "@home.example\",\"mobile_phone_number\":\"+49 " SB_CANARY_DIGITS " ");
    sb_out_number(out, person->index);
    SB_OUT(out, "\",\"ssn\":\"" SB_CANARY "-SSN-");
    sb_out_number(out, person->index);
    SB_OUT(out, "\",\"tax_id\":\"" SB_CANARY "-TAX-");
    sb_out_number(out, person->index);
    SB_OUT(out, "\",\"gender\":");
    sb_out_text(out, genders[trait(person, 10) % 4]);
    SB_OUT(out, ",\"ethnicity\":\"DECLINE_TO_SPECIFY\",\"marital_status\":");
    sb_out_text(out, marital[trait(person, 11) % 4]);
    SB_OUT(out, ",\"weekly_hours\":");
    sb_out_number(out, 20 + trait(person, 12) % 21);
    SB_OUT(out, ",\"home_address\":{\"city\":\"" SB_CANARY "-Stadt\",\"country\":\"DE\",\"raw\":\"" SB_CANARY
                "weg 1\\n12045 " SB_CANARY "-Stadt\",\"state\":null,\"street_1\":\"" SB_CANARY
                "weg 1\",\"street_2\":null,\"zip_code\":\"12045\"},\"bank_accounts\":[{\"iban\":\"DE00" SB_CANARY);
    sb_out_number(out, person->index);
    SB_OUT(out, "\",\"bic\":\"" SB_CANARY "FFXXX\",\"account_number\":\"" SB_CANARY_DIGITS);
    sb_out_number(out, person->index);
    SB_OUT(out, "\",\"holder_name\":\"" SB_CANARY " Holder\",\"bank_name\":\"" SB_CANARY
                " Bank\",\"domestic_bank_routing\":{\"number\":\"" SB_CANARY_DIGITS
                "00\",\"type\":\"DE_BANKLEITZAHL\"}}],\"date_of_birth\":\"");
    sb_out_number(out, 1955 + trait(person, 13) % 50);
    SB_OUT(out, "-05-17" SB_CANARY_TIME "\",\"remote_data\":{\"raw\":{\"notes\":[\"" SB_CANARY
                " remote\",{\"religion\":\"" SB_CANARY "\"}]}},");
}

static void out_employments(rc_buf_t *out, const sb_hr_t *hr, const sb_person_t *person)
{
    char id[SB_ID_SIZE];
    uint64_t seed = sb_hr_company(hr)->seed;
    if (person->anonymised) {
        SB_OUT(out, "\"employments\":[],\"time_off_balances\":[],");
        return;
    }
    SB_OUT(out, "\"employments\":[{\"id\":");
    sb_out_text(out, sb_id_format(seed, SB_KIND_EMPLOYMENT, person->index, id));
    SB_OUT(out, ",\"remote_id\":null,\"employee_id\":");
    sb_out_text(out, person->id);
    SB_OUT(out, ",\"job_title\":");
    sb_out_text(out, person->text[SB_TEXT_JOB_TITLE]);
    SB_OUT(out, ",\"pay_rate\":" SB_CANARY_DIGITS);
    sb_out_number(out, trait(person, 14) % 1000);
    SB_OUT(out, ".5,\"pay_period\":\"YEAR\",\"pay_frequency\":\"MONTHLY\",\"employment_type\":");
    sb_out_text(out, person->text[SB_TEXT_EMPLOYMENT_TYPE]);
    SB_OUT(out, ",\"pay_currency\":\"EUR\",\"effective_date\":");
    sb_out_date(out, person->start);
    SB_OUT(out, ",\"changed_at\":");
    sb_out_wall(out, person->changed_at);
    SB_OUT(out, ",\"remote_deleted_at\":null,\"remote_data\":null,\"custom_fields\":{},\"integration_fields\":[]}],"
                "\"time_off_balances\":[{\"id\":");
    sb_out_text(out, sb_id_format(seed, SB_KIND_TIME_OFF_BALANCE, person->index, id));
    SB_OUT(out, ",\"remote_id\":null,\"employee_id\":");
    sb_out_text(out, person->id);
    SB_OUT(out, ",\"type_id\":");
    sb_out_text(out, sb_id_format(seed, SB_KIND_TIME_OFF_TYPE, 0, id));
    SB_OUT(out, ",\"balance\":");
    sb_out_number(out, trait(person, 15) % 30);
    SB_OUT(out, ",\"balance_unit\":\"DAYS\",\"changed_at\":");
    sb_out_wall(out, person->changed_at);
    SB_OUT(out, ",\"remote_deleted_at\":null,\"used\":");
    sb_out_number(out, trait(person, 16) % 15);
    SB_OUT(out, ",\"used_unit\":\"DAYS\",\"remote_data\":null}],");
}

/* ---- who they belong to ---- */

static void out_full_name(rc_buf_t *out, const sb_person_t *person)
{
    const char *first = person->text[SB_TEXT_FIRST_NAME], *last = person->text[SB_TEXT_LAST_NAME];
    char name[256];
    (void)snprintf(name, sizeof name, "%s%s%s", first ? first : "", first && last ? " " : "", last ? last : "");
    sb_out_text(out, first || last ? name : NULL);
}

static void out_manager(rc_buf_t *out, const sb_hr_t *hr, const sb_person_t *person, rc_wall_t now)
{
    sb_person_t manager;
    bool there = person->manager != SB_NOBODY && sb_hr_person(hr, (uint32_t)person->manager, now, &manager) &&
                 !manager.deleted_at.ms;
    SB_OUT(out, "\"manager_id\":");
    sb_out_text(out, there ? manager.id : NULL);
    if (!there) {
        SB_OUT(out, ",\"manager\":null,");
        return;
    }
    SB_OUT(out, ",\"manager\":{\"first_name\":");
    sb_out_text(out, manager.text[SB_TEXT_FIRST_NAME]);
    SB_OUT(out, ",\"last_name\":");
    sb_out_text(out, manager.text[SB_TEXT_LAST_NAME]);
    SB_OUT(out, ",\"display_full_name\":");
    out_full_name(out, &manager);
    SB_OUT(out, ",\"id\":");
    sb_out_text(out, manager.id);
    SB_OUT(out, ",\"employee_number\":");
    sb_out_text(out, manager.remote_id);
    SB_OUT(out, ",\"work_email\":");
    sb_out_text(out, manager.text[SB_TEXT_WORK_EMAIL]);
    SB_OUT(out, ",\"remote_id\":");
    sb_out_text(out, manager.remote_id);
    SB_OUT(out, ",\"employment_status\":");
    sb_out_text(out, manager.text[SB_TEXT_EMPLOYMENT_STATUS]);
    SB_OUT(out, ",\"termination_date\":");
    sb_out_date(out, manager.termination);
    SB_OUT(out, "},");
}

static void out_groups(rc_buf_t *out, const sb_hr_t *hr, const sb_person_t *person, uint64_t turn)
{
    size_t count = person->group_count, shift = count ? (size_t)(sb_mix(turn + person->index) % count) : 0;
    SB_OUT(out, "[");
    for (size_t i = 0; i < count; i++) {
        const sb_unit_t *group = sb_hr_unit(hr, SB_UNIT_GROUP, person->groups[(i + shift) % count]);
        if (group->deleted_at.ms) continue;
        SB_OUT(out, "{\"id\":");
        sb_out_text(out, group->id);
        SB_OUT(out, ",\"remote_id\":");
        sb_out_text(out, group->remote_id);
        SB_OUT(out, ",\"name\":");
        sb_out_text(out, group->name);
        SB_OUT(out, ",\"type\":");
        sb_out_text(out, group->type);
        SB_OUT(out, "},");
    }
    sb_out_drop_comma(out);
    SB_OUT(out, "],");
}

static void out_places(rc_buf_t *out, const sb_hr_t *hr, const sb_person_t *person)
{
    const sb_unit_t *location = sb_hr_unit(hr, SB_UNIT_LOCATION, person->location);
    const sb_unit_t *entity = sb_hr_unit(hr, SB_UNIT_LEGAL_ENTITY, person->legal_entity);
    SB_OUT(out, "\"work_location_id\":");
    sb_out_text(out, location ? location->id : NULL);
    SB_OUT(out, ",\"legal_entity_id\":");
    sb_out_text(out, entity ? entity->id : NULL);
    SB_OUT(out, ",\"legal_entity\":");
    if (entity) {
        SB_OUT(out, "{\"id\":");
        sb_out_text(out, entity->id);
        SB_OUT(out, ",\"remote_id\":");
        sb_out_text(out, entity->remote_id);
        SB_OUT(out, ",\"name\":");
        sb_out_text(out, entity->name);
        SB_OUT(out, ",\"address\":");
        out_address(out, &SB_PLACES[entity->place]);
        SB_OUT(out, "},\"work_location\":");
    } else {
        SB_OUT(out, "null,\"work_location\":");
    }
    if (location)
        sb_record_unit(out, hr, SB_UNIT_LOCATION, location);
    else
        SB_OUT(out, "null");
}

static void out_avatar(rc_buf_t *out, const sb_person_t *person, rc_wall_t now, uint64_t turn)
{
    char url[512];
    const char *avatar = person->text[SB_TEXT_AVATAR];
    SB_OUT(out, ",\"avatar\":");
    if (avatar)
        (void)snprintf(url, sizeof url, "%s?expires=%lld&signature=%016llx", avatar, (long long)(now.ms / 1000 + 3600),
                       (unsigned long long)sb_mix(turn ^ person->index));
    sb_out_text(out, avatar ? url : NULL);
}

void sb_record_employee(rc_buf_t *out, const sb_hr_t *hr, const sb_person_t *person, rc_wall_t now, uint64_t turn)
{
    SB_OUT(out, "{\"id\":");
    sb_out_text(out, person->id);
    SB_OUT(out, ",\"remote_id\":");
    sb_out_text(out, person->remote_id);
    SB_OUT(out, ",\"employee_number\":");
    sb_out_text(out, person->anonymised ? NULL : person->remote_id);
    for (int i = 0; i < SB_TEXT_COUNT; i++) {
        if (i == SB_TEXT_AVATAR) continue;
        SB_OUT(out, ",\"");
        (void)rc_buf_add_str(out, SB_TEXT_NAMES[i]);
        SB_OUT(out, "\":");
        sb_out_text(out, person->text[i]);
    }
    out_avatar(out, person, now, turn);
    SB_OUT(out, ",\"display_full_name\":");
    out_full_name(out, person);
    SB_OUT(out, ",");
    out_private(out, person);
    SB_OUT(out, "\"start_date\":");
    sb_out_date(out, person->start);
    SB_OUT(out, ",\"termination_date\":");
    sb_out_date(out, person->termination);
    SB_OUT(out, ",\"remote_created_at\":");
    sb_out_date(out, person->start);
    SB_OUT(out, ",\"changed_at\":");
    sb_out_wall(out, person->changed_at);
    SB_OUT(out, ",\"remote_deleted_at\":");
    sb_out_wall(out, person->deleted_at);
    SB_OUT(out, ",");
    out_custom_fields(out, person);
    out_integration_fields(out, hr, person);
    out_employments(out, hr, person);
    out_manager(out, hr, person, now);
    SB_OUT(out, "\"groups\":");
    out_groups(out, hr, person, turn);
    SB_OUT(out, "\"teams\":");
    out_groups(out, hr, person, turn);
    out_places(out, hr, person);
    SB_OUT(out, "}");
}

void sb_record_unit(rc_buf_t *out, const sb_hr_t *hr, sb_unit_kind_t kind, const sb_unit_t *unit)
{
    SB_OUT(out, "{\"id\":");
    sb_out_text(out, unit->id);
    SB_OUT(out, ",\"remote_id\":");
    sb_out_text(out, unit->remote_id);
    SB_OUT(out, ",\"name\":");
    sb_out_text(out, unit->name);
    if (kind != SB_UNIT_LEGAL_ENTITY) {
        SB_OUT(out, ",\"type\":");
        sb_out_text(out, unit->type);
    }
    if (kind == SB_UNIT_GROUP) {
        const sb_unit_t *parent = sb_hr_unit(hr, SB_UNIT_GROUP, unit->parent);
        SB_OUT(out, ",\"parent_id\":");
        sb_out_text(out, parent ? parent->id : NULL);
    } else {
        SB_OUT(out, ",\"address\":");
        out_address(out, &SB_PLACES[unit->place]);
    }
    SB_OUT(out, ",\"changed_at\":");
    sb_out_wall(out, unit->changed_at);
    SB_OUT(out, ",\"remote_deleted_at\":");
    sb_out_wall(out, unit->deleted_at);
    SB_OUT(out, ",\"remote_data\":null}");
}
