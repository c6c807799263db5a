#include "tests/support/gen.h"

#include <stdlib.h>
#include <string.h>

#include "common/time.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static uint64_t next(rc_random_t *random)
{
    /* splitmix64 */
    uint64_t z = (random->state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

size_t rc_random_below(rc_random_t *random, size_t count)
{
    return (size_t)(next(random) % count);
}

bool rc_random_chance(rc_random_t *random, unsigned percent)
{
    return rc_random_below(random, 100) < percent;
}

static uint64_t only_seed(void)
{
    const char *text = getenv("RC_SEED");
    return text ? strtoull(text, NULL, 10) : 0;
}

uint64_t rc_first_seed(void)
{
    return only_seed() ? only_seed() : 1;
}

uint64_t rc_last_seed(uint64_t count)
{
    return only_seed() ? only_seed() : count;
}

static const char *const SOURCES[RC_TEST_VALUES] = {
    [RC_TARGET_FIRST_NAME] = "first_name",
    [RC_TARGET_LAST_NAME] = "last_name",
    [RC_TARGET_EMAIL] = "work_email",
    [RC_TARGET_JOB_TITLE] = "job_title",
    [RC_TARGET_AVATAR] = "avatar",
    [RC_TARGET_LOCATION] = "work_location.name",
    [RC_TARGET_HIRE_DATE] = "start_date",
    [RC_TARGET_LEAVE_DATE] = "termination_date",
    [RC_TARGET_MANAGER_EMAIL] = "manager.work_email",
    [RC_TARGET_LANGUAGE] = "integration_fields.preferred_language",
    [RC_TEST_BADGE] = "custom_fields.badge",
    [RC_TEST_COST_CENTRE] = "custom_fields.cost_centre",
};

static const rc_zone_t *utc(void)
{
    static rc_zone_t *zone;
    if (!zone) RC_INVARIANT(rc_zone_new("UTC", &zone, NULL) == RC_OK);
    return zone;
}

static void add_mapping(rc_integration_t *integration, size_t value)
{
    rc_mapping_t *mapping = &integration->mapping[integration->mapping_count++];
    mapping->target = value < RC_TARGET_CUSTOM ? (rc_target_t)value : RC_TARGET_CUSTOM;
    mapping->source = SOURCES[value];
    mapping->custom_name = value == RC_TEST_BADGE ? "Badge" : value == RC_TEST_COST_CENTRE ? "Cost centre" : NULL;
}

static rc_integration_t unmapped(rc_arena_t *arena)
{
    rc_integration_t integration = {.id = "personio:test", .timezone = "UTC", .zone = utc()};
    integration.mapping = rc_arena_alloc(arena, RC_TEST_VALUES * sizeof *integration.mapping);
    rc_policy_t *policy = &integration.policy;
    policy->create.immediately = true;
    policy->deactivate_on = RC_DEACTIVATE_ON_EITHER;
    policy->absence_grace_ms = INT64_C(3) * 3600 * 1000;
    policy->primary_team[0] = RC_GROUP_TEAM;
    policy->primary_team[1] = RC_GROUP_DEPARTMENT;
    policy->primary_team_count = 2;
    return integration;
}

rc_integration_t rc_test_integration(rc_arena_t *arena)
{
    rc_integration_t integration = unmapped(arena);
    for (size_t i = 0; i < RC_TEST_VALUES; i++) add_mapping(&integration, i);
    return integration;
}

rc_kombo_employee_t rc_test_record(rc_arena_t *arena)
{
    rc_kombo_employee_t record = {
        .id = "e-1",
        .employment_status = "ACTIVE",
        .employment_type = "FULL_TIME",
        .start_date = "2020-01-01T00:00:00.000Z",
        .legal_entity = {"l-1", "Acme GmbH"},
        .work_location = {"w-1", "Berlin"},
        .group_count = 2,
    };
    record.groups = rc_arena_alloc(arena, RC_TEST_GROUPS * sizeof *record.groups);
    record.groups[0] = (rc_kombo_group_t){.id = "t-1", .name = "Platform", .type = RC_GROUP_TEAM};
    record.groups[1] = (rc_kombo_group_t){.id = "d-1", .name = "Engineering", .type = RC_GROUP_DEPARTMENT};
    const char **values = rc_arena_alloc(arena, RC_TEST_VALUES * sizeof *values);
    values[RC_TARGET_FIRST_NAME] = "Ada";
    values[RC_TARGET_LAST_NAME] = "Lovelace";
    values[RC_TARGET_EMAIL] = "ada@acme.example";
    values[RC_TARGET_JOB_TITLE] = "Engineer";
    values[RC_TARGET_AVATAR] = "https://cdn.example/ada.png?signature=1";
    values[RC_TARGET_LOCATION] = "Berlin";
    values[RC_TARGET_HIRE_DATE] = "2020-01-01T00:00:00.000Z";
    values[RC_TARGET_MANAGER_EMAIL] = "grace@acme.example";
    values[RC_TARGET_LANGUAGE] = "en";
    values[RC_TEST_BADGE] = "17";
    values[RC_TEST_COST_CENTRE] = "4711";
    record.values = values;
    return record;
}

/* ---- Random ---- */

static const char *const STATUSES[] = {"ACTIVE",  "ACTIVE",   "ACTIVE",        "LEAVE",
                                       "PENDING", "INACTIVE", "on sabbatical", NULL};
static const char *const DAYS[] = {NULL,         NULL,         "2019-04-01",
                                   "2026-11-20", "2026-11-21", "2026-11-22T00:00:00.000Z",
                                   "2026-11-23", "2026-12-24", "31.12.2026"};
static const char *const TYPES[] = {"FULL_TIME", "PART_TIME", "INTERN", NULL};
static const char *const ENTITIES[] = {"Acme GmbH", "Acme Ltd", NULL};
static const char *const PLACES[] = {"Berlin", "Munich", " Berlin ", NULL};
static const char *const GROUP_IDS[] = {"g-1", "g-2", "g-3", "g-4", "g-5"};
static const char *const GROUP_NAMES[] = {"Platform", "Sales", " Sales", "People", "People", NULL};
static const char *const TEXTS[] = {"x", " x", "y", "y\xC2\xA0", "z", "", NULL, "caf\xC3\xA9"};
static const char *const EMAILS[] = {"a@acme.example", "A@acme.example", "b@acme.example", "c@acme.example", NULL};
static const char *const AVATARS[] = {"https://c.example/1?s=1", "https://c.example/1?s=2", "https://c.example/2",
                                      NULL};

#define PICK(random, array) ((array)[rc_random_below((random), COUNT(array))])

static rc_strings_t some(rc_arena_t *arena, rc_random_t *random, const char *const *from, size_t count)
{
    if (rc_random_chance(random, 80)) return (rc_strings_t){0, NULL};
    const char **items = rc_arena_alloc(arena, count * sizeof *items);
    size_t taken = 0;
    for (size_t i = 0; i < count; i++)
        if (from[i] && (taken == 0 || rc_random_chance(random, 50))) items[taken++] = from[i];
    return (rc_strings_t){taken, items};
}

rc_integration_t rc_gen_integration(rc_arena_t *arena, rc_random_t *random)
{
    rc_integration_t integration = unmapped(arena);
    rc_policy_t *policy = &integration.policy;
    for (size_t i = 0; i < RC_TEST_VALUES; i++)
        if (i <= RC_TARGET_EMAIL || rc_random_chance(random, 85)) add_mapping(&integration, i);
    if (rc_random_chance(random, 20)) {
        /* A location that is not Kombo's has no id. */
        for (size_t i = 0; i < integration.mapping_count; i++)
            if (integration.mapping[i].target == RC_TARGET_LOCATION)
                integration.mapping[i].source = "custom_fields.site";
    }
    policy->create.immediately = rc_random_chance(random, 50);
    policy->create.lead_days = (int)rc_random_below(random, 3) * 7;
    policy->deactivate_on = (rc_deactivate_on_t)rc_random_below(random, 3);
    policy->on_null = rc_random_chance(random, 50) ? RC_ON_NULL_KEEP : RC_ON_NULL_CLEAR;
    policy->primary_team_count = rc_random_below(random, 3);
    policy->secondary_teams_count = rc_random_below(random, 3);
    policy->secondary_teams[0] = rc_random_chance(random, 50) ? RC_GROUP_TEAM : RC_GROUP_OTHER;
    policy->secondary_teams[1] = RC_GROUP_COST_CENTER;
    policy->scope.legal_entities = some(arena, random, ENTITIES, COUNT(ENTITIES));
    policy->scope.groups = some(arena, random, GROUP_IDS, COUNT(GROUP_IDS));
    policy->scope.employment_types = some(arena, random, TYPES, COUNT(TYPES));
    return integration;
}

static const char *gen_value(rc_random_t *random, const rc_mapping_t *mapping, const rc_kombo_employee_t *record)
{
    switch (mapping->target) {
    case RC_TARGET_FIRST_NAME:
    case RC_TARGET_LAST_NAME:
        return rc_random_chance(random, 95) ? PICK(random, TEXTS) : "n";
    case RC_TARGET_EMAIL:
    case RC_TARGET_MANAGER_EMAIL:
        return PICK(random, EMAILS);
    case RC_TARGET_AVATAR:
        return PICK(random, AVATARS);
    case RC_TARGET_LOCATION:
        return record->work_location.name;
    case RC_TARGET_HIRE_DATE:
        return record->start_date;
    case RC_TARGET_LEAVE_DATE:
        return record->termination_date;
    default:
        return PICK(random, TEXTS);
    }
}

static void gen_groups(rc_random_t *random, rc_kombo_employee_t *record)
{
    record->group_count = rc_random_below(random, RC_TEST_GROUPS);
    for (size_t i = 0; i < record->group_count; i++) {
        size_t id = rc_random_below(random, COUNT(GROUP_IDS));
        /* One group has one type, and one name in one record, even if it is listed twice. */
        record->groups[i] = (rc_kombo_group_t){.id = GROUP_IDS[id],
                                               .name = PICK(random, GROUP_NAMES),
                                               .type = id < 3 ? RC_GROUP_TEAM : (rc_group_type_t)(id - 2)};
        for (size_t j = 0; j < i; j++)
            if (record->groups[j].id == record->groups[i].id) record->groups[i].name = record->groups[j].name;
    }
}

/* Field number `field` of a record anew; values first, then the rest. */
static void gen_field(rc_random_t *random, const rc_integration_t *integration, rc_kombo_employee_t *record,
                      size_t field)
{
    if (field < integration->mapping_count) {
        record->values[field] = gen_value(random, &integration->mapping[field], record);
        return;
    }
    switch (field - integration->mapping_count) {
    case 0:
        record->employment_status = PICK(random, STATUSES);
        break;
    case 1:
        record->employment_type = PICK(random, TYPES);
        break;
    case 2:
        record->start_date = PICK(random, DAYS);
        break;
    case 3:
        record->termination_date = PICK(random, DAYS);
        break;
    case 4:
        record->legal_entity = (rc_ref_t){"l-1", PICK(random, ENTITIES)};
        break;
    case 5:
        record->work_location = (rc_ref_t){PICK(random, GROUP_IDS), PICK(random, PLACES)};
        break;
    default:
        gen_groups(random, record);
        break;
    }
}
enum { OTHER_FIELDS = 7 };

static rc_kombo_employee_t copy_of(rc_arena_t *arena, const rc_integration_t *integration,
                                   const rc_kombo_employee_t *record)
{
    rc_kombo_employee_t copy = *record;
    copy.groups = rc_arena_alloc(arena, RC_TEST_GROUPS * sizeof *copy.groups);
    if (record->group_count) memcpy(copy.groups, record->groups, record->group_count * sizeof *copy.groups);
    if (!integration) return copy;
    const char **values = rc_arena_alloc(arena, RC_TEST_VALUES * sizeof *values);
    if (record->values) memcpy(values, record->values, integration->mapping_count * sizeof *values);
    copy.values = values;
    return copy;
}

rc_kombo_employee_t rc_gen_record(rc_arena_t *arena, rc_random_t *random, const rc_integration_t *integration)
{
    rc_kombo_employee_t empty = {.id = "e-1"};
    rc_kombo_employee_t record = copy_of(arena, integration, &empty);
    for (size_t i = integration->mapping_count + OTHER_FIELDS; i-- > 0;) gen_field(random, integration, &record, i);
    return record;
}

rc_kombo_employee_t rc_gen_change(rc_arena_t *arena, rc_random_t *random, const rc_integration_t *integration,
                                  const rc_kombo_employee_t *record)
{
    rc_kombo_employee_t changed = copy_of(arena, integration, record);
    for (size_t i = rc_random_below(random, 4); i-- > 0;)
        gen_field(random, integration, &changed, rc_random_below(random, integration->mapping_count + OTHER_FIELDS));
    return changed;
}

rc_kombo_employee_t rc_gen_shuffled(rc_arena_t *arena, rc_random_t *random, const rc_kombo_employee_t *record)
{
    rc_kombo_employee_t shuffled = copy_of(arena, NULL, record);
    for (size_t i = shuffled.group_count; i > 1; i--) {
        size_t j = rc_random_below(random, i);
        rc_kombo_group_t swapped = shuffled.groups[i - 1];
        shuffled.groups[i - 1] = shuffled.groups[j];
        shuffled.groups[j] = swapped;
    }
    return shuffled;
}
