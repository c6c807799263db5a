#include "tests/sandbox/hr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "tests/sandbox/names.h"

enum { CHUNK = 1024, CHUNKS = 4 * SB_MAX_PEOPLE / CHUNK };
static const int64_t DAY_MS = 86400000;

/* What differs from the generated person. */
typedef struct change {
    struct change *before; /* what differed until this one; NULL: nothing, or nobody was there */
    rc_wall_t at;          /* by the machine's clock */
    uint32_t set;
    char *text[SB_TEXT_COUNT];
    rc_date_t start, termination;
    int32_t manager, location, legal_entity;
    int32_t groups[SB_MAX_GROUPS];
    size_t group_count;
    json_t *custom, *integration;
    rc_wall_t changed_at, updated_at, deleted_at; /* 0: as generated */
    bool vanished;
} change_t;

typedef struct {
    sb_unit_t *list;
    uint32_t count;
} units_t;

struct sb_hr {
    sb_company_t company;
    uint32_t count;
    int64_t anonymise_after_ms;
    /* Changes by index: chunks of pointers that exist where something changed, so that a scan in order skips the rest
     * and a lookup is two loads. */
    change_t **chunks[CHUNKS];
    size_t changed;
    units_t units[SB_UNIT_COUNT];
    rc_wall_t surroundings_at; /* the last change of a place, or deletion of a group */
    int64_t clock_offset_ms;
};

static const sb_kind_t UNIT_ID_KINDS[SB_UNIT_COUNT] = {SB_KIND_GROUP, SB_KIND_LOCATION, SB_KIND_LEGAL_ENTITY};

static rc_wall_t machine_time(const sb_hr_t *hr, rc_wall_t now)
{
    return (rc_wall_t){now.ms - hr->clock_offset_ms};
}

/* ---- units ---- */

static void note_naming(sb_unit_t *unit, rc_wall_t at)
{
    unit->namings = rc_realloc(unit->namings, (unit->naming_count + 1) * sizeof *unit->namings);
    unit->namings[unit->naming_count++] =
        (sb_naming_t){.at = at, .name = rc_strdup(unit->name), .deleted = unit->deleted_at.ms != 0};
}

static sb_unit_t *unit_add(sb_hr_t *hr, sb_unit_kind_t kind, const char *type, char *name, rc_wall_t at)
{
    units_t *units = &hr->units[kind];
    if (units->count % 64 == 0) units->list = rc_realloc(units->list, (units->count + 64) * sizeof *units->list);
    sb_unit_t *unit = &units->list[units->count];
    *unit = (sb_unit_t){.name = name,
                        .type = type,
                        .parent = SB_NOBODY,
                        .place = units->count % (uint32_t)SB_PLACE_COUNT,
                        .changed_at = at};
    sb_id_format(hr->company.seed, UNIT_ID_KINDS[kind], units->count, unit->id);
    (void)snprintf(unit->remote_id, sizeof unit->remote_id, "%u", 100 + units->count);
    note_naming(unit, machine_time(hr, at));
    units->count++;
    return unit;
}

static void add_generated_units(sb_hr_t *hr)
{
    const sb_company_t *company = &hr->company;
    rc_wall_t founded = {(company->epoch.days - 500) * DAY_MS};
    for (uint32_t i = 0; i < sb_company_groups(company); i++) {
        bool team = i >= company->departments && i < company->departments + company->teams;
        const char *type = i < company->departments ? "DEPARTMENT" : team ? "TEAM" : "COST_CENTER";
        sb_unit_t *unit = unit_add(hr, SB_UNIT_GROUP, type, sb_company_group_name(company, i), founded);
        if (team) unit->parent = (int32_t)((i - company->departments) % company->departments);
    }
    for (uint32_t i = 0; i < company->locations; i++)
        (void)unit_add(hr, SB_UNIT_LOCATION, strcmp(SB_PLACES[i].city, "Remote") ? "OFFICE" : NULL,
                       rc_strdup(SB_PLACES[i].city), founded);
    for (uint32_t i = 0; i < company->legal_entities; i++) {
        size_t length = strcspn(company->name, " ");
        (void)unit_add(hr, SB_UNIT_LEGAL_ENTITY, NULL,
                       rc_sprintf("%.*s %s", (int)length, company->name, SB_LEGAL_FORMS[i]), founded);
    }
}

uint32_t sb_hr_units(const sb_hr_t *hr, sb_unit_kind_t kind)
{
    return hr->units[kind].count;
}

const sb_unit_t *sb_hr_unit(const sb_hr_t *hr, sb_unit_kind_t kind, int32_t number)
{
    return number >= 0 && (uint32_t)number < hr->units[kind].count ? &hr->units[kind].list[number] : NULL;
}

int32_t sb_hr_unit_find(const sb_hr_t *hr, sb_unit_kind_t kind, const char *id_or_name)
{
    const units_t *units = &hr->units[kind];
    uint32_t number;
    if (sb_id_parse(hr->company.seed, UNIT_ID_KINDS[kind], id_or_name, &number) && number < units->count)
        return (int32_t)number;
    for (number = 0; number < units->count; number++)
        if (!units->list[number].deleted_at.ms && !strcmp(units->list[number].name, id_or_name)) return (int32_t)number;
    return SB_NOBODY;
}

int32_t sb_hr_unit_add(sb_hr_t *hr, sb_unit_kind_t kind, const char *type, const char *name, rc_wall_t now)
{
    (void)unit_add(hr, kind, type, rc_strdup(name), now);
    return (int32_t)hr->units[kind].count - 1;
}

void sb_hr_unit_rename(sb_hr_t *hr, sb_unit_kind_t kind, int32_t number, const char *name, rc_wall_t now)
{
    sb_unit_t *unit = &hr->units[kind].list[number];
    free(unit->name);
    unit->name = rc_strdup(name);
    unit->changed_at = now;
    note_naming(unit, machine_time(hr, now));
    /* A renamed group changes no employee (docs/kombo.md); a renamed place does. */
    if (kind != SB_UNIT_GROUP) hr->surroundings_at = now;
}

void sb_hr_unit_delete(sb_hr_t *hr, sb_unit_kind_t kind, int32_t number, rc_wall_t now)
{
    sb_unit_t *unit = &hr->units[kind].list[number];
    unit->deleted_at = unit->changed_at = now;
    note_naming(unit, machine_time(hr, now));
    hr->surroundings_at = now;
}

/* ---- life ---- */

sb_hr_t *sb_hr_new(const sb_company_t *company)
{
    sb_hr_t *hr = rc_zalloc(sizeof *hr);
    hr->company = *company;
    hr->count = company->people;
    hr->anonymise_after_ms = 14 * DAY_MS;
    add_generated_units(hr);
    return hr;
}

static void change_free(change_t *change)
{
    while (change) {
        change_t *before = change->before;
        for (int i = 0; i < SB_TEXT_COUNT; i++) free(change->text[i]);
        json_decref(change->custom);
        json_decref(change->integration);
        free(change);
        change = before;
    }
}

static void unit_fini(sb_unit_t *unit)
{
    for (size_t i = 0; i < unit->naming_count; i++) free(unit->namings[i].name);
    free(unit->namings);
    free(unit->name);
}

void sb_hr_free(sb_hr_t *hr)
{
    if (!hr) return;
    for (size_t i = 0; i < CHUNKS; i++) {
        if (!hr->chunks[i]) continue;
        for (size_t k = 0; k < CHUNK; k++) change_free(hr->chunks[i][k]);
        free(hr->chunks[i]);
    }
    for (int kind = 0; kind < SB_UNIT_COUNT; kind++) {
        for (uint32_t i = 0; i < hr->units[kind].count; i++) unit_fini(&hr->units[kind].list[i]);
        free(hr->units[kind].list);
    }
    free(hr);
}

const sb_company_t *sb_hr_company(const sb_hr_t *hr)
{
    return &hr->company;
}

uint32_t sb_hr_count(const sb_hr_t *hr)
{
    return hr->count;
}

size_t sb_hr_changed(const sb_hr_t *hr)
{
    return hr->changed;
}

void sb_hr_set_anonymise_after(sb_hr_t *hr, int64_t ms)
{
    hr->anonymise_after_ms = ms;
}

/* ---- people ---- */

static const change_t *change_get(const sb_hr_t *hr, uint32_t index)
{
    change_t *const *chunk = hr->chunks[index / CHUNK];
    return chunk ? chunk[index % CHUNK] : NULL;
}

/* A change to be filled in, which begins as a copy of the one before. */
static change_t *change_make(sb_hr_t *hr, uint32_t index, rc_wall_t now)
{
    RC_INVARIANT(index / CHUNK < CHUNKS);
    change_t ***chunk = &hr->chunks[index / CHUNK];
    if (!*chunk) *chunk = rc_calloc(CHUNK, sizeof **chunk);
    change_t **place = &(*chunk)[index % CHUNK], *before = *place;
    change_t *change = *place = rc_zalloc(sizeof *change);
    if (before) {
        *change = *before;
        for (int i = 0; i < SB_TEXT_COUNT; i++) change->text[i] = rc_strdup(before->text[i]);
        change->custom = json_deep_copy(before->custom);
        change->integration = json_deep_copy(before->integration);
    } else
        hr->changed++;
    change->before = before;
    change->at = machine_time(hr, now);
    return change;
}

/* Kombo empties what it anonymises; ids, dates of the record and the type of employment stay. */
static void anonymise(sb_person_t *person)
{
    memset(person->text, 0, sizeof person->text);
    person->start = person->termination = RC_DATE_NONE;
    person->manager = person->location = person->legal_entity = SB_NOBODY;
    person->group_count = 0;
    person->custom = person->integration = NULL;
    person->anonymised = true;
}

static void apply(const change_t *change, sb_person_t *person)
{
    for (int i = 0; i < SB_TEXT_COUNT; i++)
        if (change->set & 1u << i) person->text[i] = change->text[i];
    if (change->set & 1u << SB_SET_START) person->start = change->start;
    if (change->set & 1u << SB_SET_TERMINATION) person->termination = change->termination;
    if (change->set & 1u << SB_SET_MANAGER) person->manager = change->manager;
    if (change->set & 1u << SB_SET_LOCATION) person->location = change->location;
    if (change->set & 1u << SB_SET_LEGAL_ENTITY) person->legal_entity = change->legal_entity;
    if (change->set & 1u << SB_SET_GROUPS) {
        memcpy(person->groups, change->groups, sizeof person->groups);
        person->group_count = change->group_count;
    }
    person->custom = change->custom;
    person->integration = change->integration;
    if (change->changed_at.ms) person->changed_at = change->changed_at;
    if (change->updated_at.ms) person->updated_at = change->updated_at;
    person->deleted_at = change->deleted_at;
}

bool sb_hr_person(const sb_hr_t *hr, uint32_t index, rc_wall_t now, sb_person_t *person)
{
    const change_t *change = change_get(hr, index);
    if (change && change->vanished) return false;
    sb_company_person(&hr->company, index, person);
    if (!change) return true;
    apply(change, person);
    int64_t anonymised_ms = person->deleted_at.ms + hr->anonymise_after_ms;
    if (person->deleted_at.ms && now.ms >= anonymised_ms) {
        anonymise(person);
        person->changed_at.ms = person->updated_at.ms = anonymised_ms;
    }
    return true;
}

bool sb_hr_revision(const sb_hr_t *hr, uint32_t index, uint32_t back, sb_revision_t *revision)
{
    const change_t *change = change_get(hr, index);
    for (; change && back; back--) change = change->before;
    if (back || (!change && index >= hr->company.people)) return false;
    sb_company_person(&hr->company, index, &revision->person);
    if (change) apply(change, &revision->person);
    revision->at = change ? change->at : (rc_wall_t){0};
    revision->vanished = change && change->vanished;
    return true;
}

void sb_hr_set_clock_offset(sb_hr_t *hr, int64_t ms)
{
    hr->clock_offset_ms = ms;
}

bool sb_hr_find(const sb_hr_t *hr, const char *id, uint32_t *index)
{
    return sb_id_parse(hr->company.seed, SB_KIND_EMPLOYEE, id, index) && *index < hr->count;
}

bool sb_hr_may_have_changed(const sb_hr_t *hr, uint32_t index, rc_wall_t since)
{
    if (since.ms < hr->company.epoch.days * DAY_MS || hr->surroundings_at.ms > since.ms) return true;
    int32_t manager = sb_company_manager(&hr->company, index);
    return change_get(hr, index) || (manager != SB_NOBODY && change_get(hr, (uint32_t)manager));
}

bool sb_hr_surroundings_changed(const sb_hr_t *hr, const sb_person_t *person, rc_wall_t since)
{
    const change_t *manager = person->manager == SB_NOBODY ? NULL : change_get(hr, (uint32_t)person->manager);
    if (manager && manager->changed_at.ms > since.ms) return true;
    if (hr->surroundings_at.ms <= since.ms) return false;
    const sb_unit_t *location = sb_hr_unit(hr, SB_UNIT_LOCATION, person->location);
    const sb_unit_t *entity = sb_hr_unit(hr, SB_UNIT_LEGAL_ENTITY, person->legal_entity);
    if ((location && location->changed_at.ms > since.ms) || (entity && entity->changed_at.ms > since.ms)) return true;
    for (size_t i = 0; i < person->group_count; i++)
        if (sb_hr_unit(hr, SB_UNIT_GROUP, person->groups[i])->deleted_at.ms > since.ms) return true;
    return false;
}

static void join(json_t **into, json_t *members)
{
    const char *key;
    json_t *value;
    if (!*into) *into = json_object();
    json_object_foreach((json_t *)(uintptr_t)members, key, value)(void)
        json_object_set_new(*into, key, json_deep_copy(value));
}

void sb_hr_patch(sb_hr_t *hr, uint32_t index, const sb_patch_t *patch, rc_wall_t now)
{
    change_t *change = change_make(hr, index, now);
    for (int i = 0; i < SB_TEXT_COUNT; i++) {
        if (!(patch->set & 1u << i)) continue;
        char *before = change->text[i]; /* the patch may borrow it */
        change->text[i] = rc_strdup(patch->text[i]);
        free(before);
    }
    if (patch->set & 1u << SB_SET_START) change->start = patch->start;
    if (patch->set & 1u << SB_SET_TERMINATION) change->termination = patch->termination;
    if (patch->set & 1u << SB_SET_MANAGER) change->manager = patch->manager;
    if (patch->set & 1u << SB_SET_LOCATION) change->location = patch->location;
    if (patch->set & 1u << SB_SET_LEGAL_ENTITY) change->legal_entity = patch->legal_entity;
    if (patch->set & 1u << SB_SET_GROUPS) {
        memcpy(change->groups, patch->groups, sizeof change->groups);
        change->group_count = patch->group_count;
    }
    if (patch->set & 1u << SB_SET_CUSTOM) join(&change->custom, patch->custom);
    if (patch->set & 1u << SB_SET_INTEGRATION) join(&change->integration, patch->integration);
    change->set |= patch->set;
    change->updated_at = now;
    if (patch->set & ~(1u << SB_SET_GROUPS)) change->changed_at = now;
}

uint32_t sb_hr_hire(sb_hr_t *hr, const sb_patch_t *patch, rc_wall_t now)
{
    uint32_t index = hr->count;
    RC_INVARIANT(index < CHUNK * CHUNKS);
    hr->count++;
    sb_hr_patch(hr, index, patch, now);
    hr->chunks[index / CHUNK][index % CHUNK]->changed_at = now;
    return index;
}

void sb_hr_set_deleted(sb_hr_t *hr, uint32_t index, bool deleted, rc_wall_t now)
{
    change_t *change = change_make(hr, index, now);
    change->deleted_at = deleted ? now : (rc_wall_t){0};
    change->changed_at = change->updated_at = now;
}

void sb_hr_set_vanished(sb_hr_t *hr, uint32_t index, bool vanished, rc_wall_t now)
{
    change_t *change = change_make(hr, index, now);
    change->vanished = vanished;
    change->changed_at = change->updated_at = now;
}
