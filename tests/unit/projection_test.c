#include "producer/rules/projection.h"

#include <string.h>

#include "tests/support/gen.h"
#include "tests/support/unit.h"

static rc_arena_t *arena;
static rc_integration_t integration;
static rc_kombo_employee_t record;
static rc_projection_t projection;

static void set_up(void)
{
    arena = rc_arena_new();
    integration = rc_test_integration(arena);
    record = rc_test_record(arena);
}

static void tear_down(void)
{
    rc_arena_free(arena);
}

static const rc_employee_t *project(const rc_employee_t *published)
{
    rc_project(arena, &record, &integration, published, &projection);
    return &projection.employee;
}

static rc_date_t day(const char *text)
{
    rc_date_t date = RC_DATE_NONE;
    if (text) ck_assert_int_eq(rc_date_parse(text, strlen(text), &date, NULL), RC_OK);
    return date;
}

START_TEST(every_mapped_field_is_taken)
{
    const rc_employee_t *e = project(NULL);
    ck_assert_str_eq(e->email, "ada@acme.example");
    ck_assert_str_eq(e->first_name, "Ada");
    ck_assert_str_eq(e->last_name, "Lovelace");
    ck_assert_str_eq(e->job_title, "Engineer");
    ck_assert_str_eq(e->avatar, "https://cdn.example/ada.png?signature=1");
    ck_assert_str_eq(e->manager_email, "grace@acme.example");
    ck_assert_str_eq(e->language, "en");
    ck_assert_int_eq(e->status, RC_STATUS_ACTIVE);
    ck_assert_int_eq(e->hire_date.days, day("2020-01-01").days);
    ck_assert(!rc_date_is_set(e->leave_date));
    ck_assert_str_eq(e->primary_location.id, "w-1");
    ck_assert_str_eq(e->primary_location.name, "Berlin");
    ck_assert_str_eq(e->primary_team.id, "t-1");
    ck_assert_str_eq(e->primary_team.name, "Platform");
    ck_assert_uint_eq(e->secondary_team_count, 0);
    ck_assert_uint_eq(e->custom_count, 2);
    ck_assert_str_eq(e->custom[0].name, "Badge");
    ck_assert_str_eq(e->custom[0].value, "17");
    ck_assert_str_eq(e->custom[1].name, "Cost centre");
    ck_assert(projection.in_scope && !projection.deleted && !projection.unreadable);
}
END_TEST

START_TEST(what_the_mapping_does_not_name_is_absent)
{
    integration.mapping_count = RC_TARGET_EMAIL + 1;
    record.termination_date = "2026-12-31";
    const rc_employee_t *e = project(NULL);
    ck_assert_ptr_null(e->job_title);
    ck_assert_ptr_null(e->avatar);
    ck_assert_ptr_null(e->primary_location.name);
    ck_assert_ptr_null(e->primary_location.id);
    ck_assert_uint_eq(e->custom_count, 0);
    /* Dates, status and teams are always there. */
    ck_assert_int_eq(e->hire_date.days, day("2020-01-01").days);
    ck_assert_int_eq(e->leave_date.days, day("2026-12-31").days);
    ck_assert_str_eq(e->primary_team.id, "t-1");
}
END_TEST

START_TEST(strings_are_trimmed_and_empty_ones_absent)
{
    record.values[RC_TARGET_FIRST_NAME] = " \tAda\xC2\xA0\n";
    record.values[RC_TARGET_LAST_NAME] = "Love lace ";
    record.values[RC_TARGET_JOB_TITLE] = " \xC2\xA0 ";
    record.values[RC_TEST_BADGE] = "";
    record.groups[0].name = " Platform ";
    const rc_employee_t *e = project(NULL);
    ck_assert_str_eq(e->first_name, "Ada");
    ck_assert_str_eq(e->last_name, "Love lace");
    ck_assert_ptr_null(e->job_title);
    ck_assert_str_eq(e->custom[0].name, "Badge");
    ck_assert_ptr_null(e->custom[0].value);
    ck_assert_str_eq(e->primary_team.name, "Platform");
}
END_TEST

START_TEST(custom_fields_rise_by_name_whatever_the_mapping_order)
{
    rc_mapping_t swapped = integration.mapping[RC_TEST_BADGE];
    integration.mapping[RC_TEST_BADGE] = integration.mapping[RC_TEST_COST_CENTRE];
    integration.mapping[RC_TEST_COST_CENTRE] = swapped;
    const rc_employee_t *e = project(NULL);
    ck_assert_str_eq(e->custom[0].name, "Badge");
    ck_assert_str_eq(e->custom[0].value, "4711");
    ck_assert_str_eq(e->custom[1].name, "Cost centre");
}
END_TEST

static const struct {
    const char *text;
    rc_status_t status;
} STATUSES[] = {
    {"ACTIVE", RC_STATUS_ACTIVE},     {"LEAVE", RC_STATUS_LEAVE},    {"PENDING", RC_STATUS_PENDING},
    {"INACTIVE", RC_STATUS_INACTIVE}, {"active", RC_STATUS_UNKNOWN}, {"sabbatical", RC_STATUS_UNKNOWN},
    {NULL, RC_STATUS_UNKNOWN},
};

START_TEST(a_status_that_is_not_known_is_unknown)
{
    record.employment_status = STATUSES[_i].text;
    ck_assert_int_eq(project(NULL)->status, STATUSES[_i].status);
}
END_TEST

static const struct {
    const char *hire, *leave;
    const char *was_hired, *was_leaving;
    const char *want_hire, *want_leave;
    unsigned unreadable;
} DATES[] = {
    {"2020-01-01", "2026-12-31", NULL, NULL, "2020-01-01", "2026-12-31", 0},
    {"2020-01-01T00:00:00.000Z", NULL, NULL, NULL, "2020-01-01", NULL, 0},
    /* The same day is a day of work. */
    {"2026-11-22", "2026-11-22", NULL, NULL, "2026-11-22", "2026-11-22", 0},
    /* Left over from an earlier employment. */
    {"2026-11-22", "2026-11-21", NULL, NULL, "2026-11-22", NULL, 0},
    {NULL, "2026-11-21", NULL, NULL, NULL, "2026-11-21", 0},
    /* What cannot be read proves nothing. */
    {"01.01.2020", NULL, NULL, NULL, NULL, NULL, 1U << RC_TARGET_HIRE_DATE},
    {"01.01.2020", NULL, "2019-05-01", NULL, "2019-05-01", NULL, 1U << RC_TARGET_HIRE_DATE},
    {"2020-01-01", "soon", NULL, "2026-12-31", "2020-01-01", "2026-12-31", 1U << RC_TARGET_LEAVE_DATE},
    {"2026-11-22", "soon", NULL, "2020-12-31", "2026-11-22", NULL, 1U << RC_TARGET_LEAVE_DATE},
    /* An empty one does. */
    {NULL, NULL, "2019-05-01", "2026-12-31", NULL, NULL, 0},
};

START_TEST(dates_are_calendar_days)
{
    rc_employee_t published = *project(NULL);
    published.hire_date = day(DATES[_i].was_hired);
    published.leave_date = day(DATES[_i].was_leaving);
    record.values[RC_TARGET_HIRE_DATE] = DATES[_i].hire;
    record.values[RC_TARGET_LEAVE_DATE] = DATES[_i].leave;
    const rc_employee_t *e = project(&published);
    ck_assert_int_eq(e->hire_date.days, day(DATES[_i].want_hire).days);
    ck_assert_int_eq(e->leave_date.days, day(DATES[_i].want_leave).days);
    ck_assert_uint_eq(projection.unreadable, DATES[_i].unreadable);
}
END_TEST

START_TEST(a_mapped_date_takes_the_place_of_kombos_own)
{
    record.start_date = "2001-01-01";
    record.termination_date = "2002-01-01";
    record.values[RC_TARGET_HIRE_DATE] = "2021-03-04";
    record.values[RC_TARGET_LEAVE_DATE] = "2027-03-04";
    ck_assert_int_eq(project(NULL)->hire_date.days, day("2021-03-04").days);
    ck_assert_int_eq(project(NULL)->leave_date.days, day("2027-03-04").days);
    record.values[RC_TARGET_LEAVE_DATE] = NULL;
    ck_assert(!rc_date_is_set(project(NULL)->leave_date));
}
END_TEST

START_TEST(a_location_from_another_source_has_no_id)
{
    integration.mapping[RC_TARGET_LOCATION].source = "custom_fields.site";
    const rc_employee_t *e = project(NULL);
    ck_assert_ptr_null(e->primary_location.id);
    ck_assert_str_eq(e->primary_location.name, "Berlin");
}
END_TEST

START_TEST(a_location_without_a_name_is_absent)
{
    record.values[RC_TARGET_LOCATION] = NULL;
    ck_assert_ptr_null(project(NULL)->primary_location.id);
}
END_TEST

/* ---- on_null ---- */

START_TEST(optional_values_that_became_empty_are_cleared_or_kept)
{
    integration.policy.on_null = _i ? RC_ON_NULL_KEEP : RC_ON_NULL_CLEAR;
    rc_employee_t published = rc_employee_copy(arena, project(NULL));
    for (size_t i = 0; i < RC_TEST_VALUES; i++) record.values[i] = NULL;
    record.group_count = 0;
    const rc_employee_t *e = project(&published);
    const char *texts[] = {
        e->job_title,       e->avatar,          e->manager_email,  e->language, e->primary_location.name,
        e->primary_team.id, e->custom[0].value, e->custom[1].value};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) ck_assert_int_eq(texts[i] != NULL, _i);
    ck_assert_int_eq(rc_date_is_set(e->hire_date), _i);
    /* What announcing needs is for the verdict, whatever on_null says. */
    ck_assert_ptr_null(e->email);
    ck_assert_ptr_null(e->first_name);
    ck_assert_ptr_null(e->last_name);
    if (_i) ck_assert_str_eq(e->custom[1].value, "4711");
}
END_TEST

START_TEST(a_withdrawn_leave_date_is_never_kept)
{
    integration.policy.on_null = RC_ON_NULL_KEEP;
    record.values[RC_TARGET_LEAVE_DATE] = "2026-12-31";
    rc_employee_t published = rc_employee_copy(arena, project(NULL));
    record.values[RC_TARGET_LEAVE_DATE] = NULL;
    ck_assert(!rc_date_is_set(project(&published)->leave_date));
}
END_TEST

START_TEST(a_new_value_is_taken_although_empty_ones_are_kept)
{
    integration.policy.on_null = RC_ON_NULL_KEEP;
    rc_employee_t published = rc_employee_copy(arena, project(NULL));
    record.values[RC_TARGET_JOB_TITLE] = "Lead";
    ck_assert_str_eq(project(&published)->job_title, "Lead");
}
END_TEST

START_TEST(an_unmapped_value_is_not_kept)
{
    integration.policy.on_null = RC_ON_NULL_KEEP;
    rc_employee_t published = rc_employee_copy(arena, project(NULL));
    integration.mapping_count = RC_TARGET_EMAIL + 1;
    ck_assert_ptr_null(project(&published)->job_title);
    ck_assert_uint_eq(project(&published)->custom_count, 0);
}
END_TEST

/* ---- Teams ---- */

#define T(id, name)                    \
    {                                  \
        id, name, RC_GROUP_TEAM, false \
    }
#define D(id, name)                          \
    {                                        \
        id, name, RC_GROUP_DEPARTMENT, false \
    }
#define C(id, name)                           \
    {                                         \
        id, name, RC_GROUP_COST_CENTER, false \
    }
#define O(id, name)                     \
    {                                   \
        id, name, RC_GROUP_OTHER, false \
    }

static const struct {
    const char *what;
    rc_group_type_t types[3];
    size_t type_count;
    rc_kombo_group_t groups[4];
    size_t group_count;
    rc_ref_t held;
    rc_ref_t want;
} PRIMARY[] = {
    {"a team", {RC_GROUP_TEAM, RC_GROUP_DEPARTMENT}, 2, {D("1", "d"), T("2", "t")}, 2, {0}, {"2", "t"}},
    {"else a department", {RC_GROUP_TEAM, RC_GROUP_DEPARTMENT}, 2, {C("1", "c"), D("2", "d")}, 2, {0}, {"2", "d"}},
    {"per policy", {RC_GROUP_DEPARTMENT, RC_GROUP_TEAM}, 2, {D("1", "d"), T("2", "t")}, 2, {0}, {"1", "d"}},
    {"no other type", {RC_GROUP_TEAM}, 1, {D("1", "d"), O("2", "o")}, 2, {0}, {0}},
    {"a type that Kombo does not name", {RC_GROUP_OTHER}, 1, {T("1", "t"), O("2", "o")}, 2, {0}, {"2", "o"}},
    {"the lowest id", {RC_GROUP_TEAM}, 1, {T("3", "c"), T("1", "a"), T("2", "b")}, 3, {0}, {"1", "a"}},
    {"the one held", {RC_GROUP_TEAM}, 1, {T("3", "c"), T("1", "a"), T("2", "b")}, 3, {"2", "b"}, {"2", "b"}},
    {"the one held, first", {RC_GROUP_TEAM}, 1, {T("3", "c"), T("1", "a")}, 2, {"3", "c"}, {"3", "c"}},
    {"the one held, last", {RC_GROUP_TEAM}, 1, {T("1", "a"), T("3", "c")}, 2, {"3", "c"}, {"3", "c"}},
    {"the one held was left", {RC_GROUP_TEAM}, 1, {T("3", "c"), T("2", "b")}, 2, {"1", "a"}, {"2", "b"}},
    {"the type comes before what is held",
     {RC_GROUP_TEAM, RC_GROUP_DEPARTMENT},
     2,
     {D("1", "d"), T("2", "t")},
     2,
     {"1", "d"},
     {"2", "t"}},
    {"the new name", {RC_GROUP_TEAM}, 1, {T("1", "new")}, 1, {"1", "old"}, {"1", "new"}},
    {"nameless keeps its name", {RC_GROUP_TEAM}, 1, {T("1", NULL)}, 1, {"1", "old"}, {"1", "old"}},
    {"nameless and never had", {RC_GROUP_TEAM}, 1, {T("1", NULL), T("2", "b")}, 2, {0}, {"2", "b"}},
    {"nameless, then the next type",
     {RC_GROUP_TEAM, RC_GROUP_DEPARTMENT},
     2,
     {T("1", NULL), D("2", "d")},
     2,
     {0},
     {"2", "d"}},
    {"no groups", {RC_GROUP_TEAM}, 1, {T("1", "a")}, 0, {"1", "a"}, {0}},
    {"left alone", {RC_GROUP_TEAM}, 0, {T("1", "a")}, 1, {"1", "a"}, {0}},
};

START_TEST(the_primary_team_is_the_one_held_else_the_lowest)
{
    rc_employee_t published = rc_employee_copy(arena, project(NULL));
    published.primary_team = PRIMARY[_i].held;
    integration.policy.primary_team_count = PRIMARY[_i].type_count;
    memcpy(integration.policy.primary_team, PRIMARY[_i].types, sizeof PRIMARY[_i].types);
    memcpy(record.groups, PRIMARY[_i].groups, sizeof PRIMARY[_i].groups);
    record.group_count = PRIMARY[_i].group_count;
    rc_ref_t got = project(&published)->primary_team;
    ck_assert_msg(!got.id == !PRIMARY[_i].want.id, "%s", PRIMARY[_i].what);
    if (!got.id) return;
    ck_assert_msg(strcmp(got.id, PRIMARY[_i].want.id) == 0, "%s: got %s", PRIMARY[_i].what, got.id);
    ck_assert_msg(strcmp(got.name, PRIMARY[_i].want.name) == 0, "%s: got %s", PRIMARY[_i].what, got.name);
}
END_TEST

START_TEST(secondary_teams_rise_by_id_without_the_primary)
{
    static const rc_kombo_group_t groups[] = {T("5", "e"), C("4", "d"),  T("1", "a"),
                                              O("0", "o"), T("3", NULL), T("5", "e")};
    integration.policy.secondary_teams_count = 2;
    integration.policy.secondary_teams[0] = RC_GROUP_TEAM;
    integration.policy.secondary_teams[1] = RC_GROUP_COST_CENTER;
    memcpy(record.groups, groups, sizeof groups);
    record.group_count = sizeof groups / sizeof *groups;
    const rc_employee_t *e = project(NULL);
    ck_assert_str_eq(e->primary_team.id, "1");
    ck_assert_uint_eq(e->secondary_team_count, 2);
    ck_assert_str_eq(e->secondary_teams[0].id, "4");
    ck_assert_str_eq(e->secondary_teams[1].id, "5");
    /* With `primary_team: []` all teams are left alone. */
    integration.policy.primary_team_count = 0;
    ck_assert_uint_eq(project(NULL)->secondary_team_count, 0);
}
END_TEST

/* ---- Scope and deletion ---- */

static const struct {
    const char *setting;
    const char *entry;
    bool in_scope;
} SCOPES[] = {
    {"legal_entities", "Acme GmbH", true},
    {"legal_entities", "l-1", true},
    {"legal_entities", "Acme Ltd", false},
    {"locations", "Berlin", true},
    {"locations", "w-1", true},
    {"locations", "w-2", false},
    {"groups", "Engineering", true},
    {"groups", "t-1", true},
    {"groups", "Sales", false},
    {"employment_types", "FULL_TIME", true},
    {"employment_types", "INTERN", false},
};

static rc_strings_t *scope_list(const char *setting)
{
    switch (*setting) {
    case 'g':
        return &integration.policy.scope.groups;
    case 'e':
        return &integration.policy.scope.employment_types;
    default:
        return setting[1] == 'e' ? &integration.policy.scope.legal_entities : &integration.policy.scope.locations;
    }
}

START_TEST(scope_filters_take_ids_and_names)
{
    const char *items[] = {"elsewhere", SCOPES[_i].entry};
    *scope_list(SCOPES[_i].setting) = (rc_strings_t){2, items};
    (void)project(NULL);
    ck_assert_int_eq(projection.in_scope, SCOPES[_i].in_scope);
    if (!SCOPES[_i].in_scope) ck_assert_str_eq(projection.scope_setting, SCOPES[_i].setting);
}
END_TEST

START_TEST(every_filter_must_let_somebody_in)
{
    const char *acme[] = {"Acme GmbH"}, *intern[] = {"INTERN"};
    *scope_list("legal_entities") = (rc_strings_t){1, acme};
    *scope_list("employment_types") = (rc_strings_t){1, intern};
    (void)project(NULL);
    ck_assert(!projection.in_scope);
    record.employment_type = "INTERN";
    (void)project(NULL);
    ck_assert(projection.in_scope);
    record.legal_entity = (rc_ref_t){NULL, NULL};
    (void)project(NULL);
    ck_assert(!projection.in_scope);
}
END_TEST

START_TEST(fields_of_a_deleted_record_are_ignored)
{
    const char *acme[] = {"Acme GmbH"};
    *scope_list("legal_entities") = (rc_strings_t){1, acme};
    rc_kombo_employee_t deleted = {.id = "e-1", .deleted = true, .values = record.values};
    rc_project(arena, &deleted, &integration, NULL, &projection);
    ck_assert(projection.deleted && projection.in_scope);
    ck_assert_ptr_null(projection.employee.email);
    ck_assert(!rc_project_matches(arena, &deleted, &integration, rc_employee_hash64(&RC_EMPLOYEE_NONE), &projection));
}
END_TEST

/* ---- Properties ---- */

static const char *describe(const rc_employee_t *e)
{
    return rc_arena_sprintf(arena, "[%s|%s|%s|%s|%s|%d|%d|%d|%s|%s|%zu|%zu]", e->email ? e->email : "-",
                            e->first_name ? e->first_name : "-", e->job_title ? e->job_title : "-",
                            e->avatar ? e->avatar : "-", e->language ? e->language : "-", e->status, e->hire_date.days,
                            e->leave_date.days, e->primary_team.id ? e->primary_team.id : "-",
                            e->primary_location.name ? e->primary_location.name : "-", e->secondary_team_count,
                            e->custom_count);
}

START_TEST(projecting_twice_gives_the_same)
{
    RC_FOR_SEEDS(seed, 4000)
    {
        rc_random_t random = {seed};
        rc_arena_reset(arena);
        rc_integration_t in = rc_gen_integration(arena, &random);
        rc_kombo_employee_t before = rc_gen_record(arena, &random, &in);
        rc_kombo_employee_t after = rc_gen_change(arena, &random, &in, &before);
        rc_projection_t first, once, twice;
        rc_project(arena, &before, &in, NULL, &first);
        rc_project(arena, &after, &in, &first.employee, &once);
        rc_project(arena, &after, &in, &once.employee, &twice);
        ck_assert_msg(rc_employee_equal(&once.employee, &twice.employee), "seed %llu: %s became %s",
                      (unsigned long long)seed, describe(&once.employee), describe(&twice.employee));
    }
}
END_TEST

START_TEST(the_order_of_groups_never_matters)
{
    RC_FOR_SEEDS(seed, 4000)
    {
        rc_random_t random = {seed};
        rc_arena_reset(arena);
        rc_integration_t in = rc_gen_integration(arena, &random);
        rc_kombo_employee_t one = rc_gen_record(arena, &random, &in);
        rc_kombo_employee_t other = rc_gen_shuffled(arena, &random, &one);
        rc_projection_t held, a, b;
        rc_kombo_employee_t former = rc_gen_change(arena, &random, &in, &one);
        rc_project(arena, &former, &in, NULL, &held);
        rc_project(arena, &one, &in, &held.employee, &a);
        rc_project(arena, &other, &in, &held.employee, &b);
        ck_assert_msg(rc_employee_equal(&a.employee, &b.employee) && a.in_scope == b.in_scope, "seed %llu: %s or %s",
                      (unsigned long long)seed, describe(&a.employee), describe(&b.employee));
    }
}
END_TEST

/* The theorem on which the full scan without decoding rests. */
START_TEST(matching_without_the_snapshot_says_what_projecting_with_it_says)
{
    size_t matched = 0, missed = 0;
    RC_FOR_SEEDS(seed, 6000)
    {
        rc_random_t random = {seed};
        rc_arena_reset(arena);
        rc_integration_t in = rc_gen_integration(arena, &random);
        rc_kombo_employee_t before = rc_gen_record(arena, &random, &in);
        rc_kombo_employee_t after = rc_gen_change(arena, &random, &in, &before);
        rc_projection_t first, published, with, quick;
        rc_project(arena, &before, &in, NULL, &first);
        rc_project(arena, &after, &in, &first.employee, &published);
        rc_kombo_employee_t now = rc_gen_shuffled(arena, &random, &after);
        if (rc_random_chance(&random, 30)) now = rc_gen_change(arena, &random, &in, &now);
        rc_project(arena, &now, &in, &published.employee, &with);
        bool same = rc_employee_equal(&with.employee, &published.employee);
        bool matches = rc_project_matches(arena, &now, &in, rc_employee_hash64(&published.employee), &quick);
        ck_assert_msg(!matches || same, "seed %llu: %s is not %s", (unsigned long long)seed, describe(&with.employee),
                      describe(&published.employee));
        if (matches) ck_assert(rc_employee_equal(&quick.employee, &published.employee));
        matched += matches;
        missed += same && !matches;
        /* Without kept values and unknown names the short way always finds it. */
        if (same && !matches && in.policy.on_null == RC_ON_NULL_CLEAR && !with.unreadable) {
            bool nameless = false;
            for (size_t i = 0; i < now.group_count; i++) nameless |= now.groups[i].name == NULL;
            ck_assert_msg(nameless, "seed %llu: %s was not recognised", (unsigned long long)seed,
                          describe(&published.employee));
        }
    }
    ck_assert_msg(matched > missed * 4, "matched %zu, missed %zu", matched, missed);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("projection");
    TCase *cases = tcase_create("projection");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, every_mapped_field_is_taken);
    tcase_add_test(cases, what_the_mapping_does_not_name_is_absent);
    tcase_add_test(cases, strings_are_trimmed_and_empty_ones_absent);
    tcase_add_test(cases, custom_fields_rise_by_name_whatever_the_mapping_order);
    tcase_add_loop_test(cases, a_status_that_is_not_known_is_unknown, 0, sizeof STATUSES / sizeof *STATUSES);
    tcase_add_loop_test(cases, dates_are_calendar_days, 0, sizeof DATES / sizeof *DATES);
    tcase_add_test(cases, a_mapped_date_takes_the_place_of_kombos_own);
    tcase_add_test(cases, a_location_from_another_source_has_no_id);
    tcase_add_test(cases, a_location_without_a_name_is_absent);
    tcase_add_loop_test(cases, optional_values_that_became_empty_are_cleared_or_kept, 0, 2);
    tcase_add_test(cases, a_withdrawn_leave_date_is_never_kept);
    tcase_add_test(cases, a_new_value_is_taken_although_empty_ones_are_kept);
    tcase_add_test(cases, an_unmapped_value_is_not_kept);
    tcase_add_loop_test(cases, the_primary_team_is_the_one_held_else_the_lowest, 0, sizeof PRIMARY / sizeof *PRIMARY);
    tcase_add_test(cases, secondary_teams_rise_by_id_without_the_primary);
    tcase_add_loop_test(cases, scope_filters_take_ids_and_names, 0, sizeof SCOPES / sizeof *SCOPES);
    tcase_add_test(cases, every_filter_must_let_somebody_in);
    tcase_add_test(cases, fields_of_a_deleted_record_are_ignored);
    tcase_add_test(cases, projecting_twice_gives_the_same);
    tcase_add_test(cases, the_order_of_groups_never_matters);
    tcase_add_test(cases, matching_without_the_snapshot_says_what_projecting_with_it_says);
    suite_add_tcase(suite, cases);
    return rc_unit_run(suite);
}
