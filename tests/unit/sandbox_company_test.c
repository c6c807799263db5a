/* tests/sandbox: a generated company, its ids, and what changes do to it. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/map.h"
#include "common/mem.h"
#include "common/text.h"
#include "tests/sandbox/history.h"
#include "tests/sandbox/hr_ops.h"
#include "tests/sandbox/random.h"
#include "tests/support/unit.h"

static const rc_date_t EPOCH = {20000};
static const rc_wall_t NOW = {20000LL * 86400000 + 3600000};
static sb_hr_t *hr;

static void start(void)
{
    sb_company_t company;
    sb_company_init(&company, 7, 2000, EPOCH);
    hr = sb_hr_new(&company);
}

static void stop(void)
{
    sb_hr_free(hr);
}

static json_t *operate(const char *text, rc_wall_t now)
{
    rc_error_t error = RC_ERROR_INIT;
    json_t *operation = NULL, *result = json_object();
    char *quoted = rc_strdup(text);
    for (char *at = quoted; *at; at++)
        if (*at == '\'') *at = '"';
    ck_assert_int_eq(rc_json_parse(quoted, strlen(quoted), &operation, &error), RC_OK);
    ck_assert_msg(sb_hr_operate(hr, operation, now, result, &error) == RC_OK, "%s: %s", text, error.message);
    json_decref(operation);
    free(quoted);
    return result;
}

static void happen(const char *text, rc_wall_t now)
{
    json_decref(operate(text, now));
}

START_TEST(mixing_can_be_undone)
{
    sb_random_t random = sb_random_of(1, 1);
    for (int i = 0; i < 1000; i++) {
        uint64_t x = sb_random_next(&random);
        ck_assert(sb_unmix(sb_mix(x)) == x);
    }
}
END_TEST

START_TEST(ids_lead_back_to_their_number_and_kind)
{
    char id[SB_ID_SIZE];
    uint32_t number;
    for (uint32_t i = 0; i < 5000; i += 7) {
        ck_assert_uint_eq(strlen(sb_id_format(9, SB_KIND_EMPLOYEE, i, id)), SB_ID_LENGTH);
        ck_assert(sb_id_parse(9, SB_KIND_EMPLOYEE, id, &number));
        ck_assert_uint_eq(number, i);
        ck_assert(!sb_id_parse(9, SB_KIND_GROUP, id, &number));
        ck_assert(!sb_id_parse(8, SB_KIND_EMPLOYEE, id, &number));
        id[20] = id[20] == 'a' ? 'b' : 'a';
        ck_assert(!sb_id_parse(9, SB_KIND_EMPLOYEE, id, &number));
    }
    ck_assert(!sb_id_parse(9, SB_KIND_EMPLOYEE, "", &number));
    ck_assert(!sb_id_parse(9, SB_KIND_EMPLOYEE, "000000000000000000000000", &number));
}
END_TEST

START_TEST(the_same_seed_makes_the_same_people)
{
    sb_company_t one, same, other;
    sb_person_t a, b, c;
    sb_company_init(&one, 5, 100, EPOCH);
    sb_company_init(&same, 5, 100, EPOCH);
    sb_company_init(&other, 6, 100, EPOCH);
    int differing = 0;
    for (uint32_t i = 0; i < 100; i++) {
        sb_company_person(&one, i, &a);
        sb_company_person(&same, i, &b);
        sb_company_person(&other, i, &c);
        ck_assert_str_eq(a.id, b.id);
        ck_assert_str_eq(a.text[SB_TEXT_WORK_EMAIL], b.text[SB_TEXT_WORK_EMAIL]);
        ck_assert_int_eq(a.start.days, b.start.days);
        ck_assert_mem_eq(a.groups, b.groups, sizeof a.groups);
        differing += strcmp(a.text[SB_TEXT_LAST_NAME], c.text[SB_TEXT_LAST_NAME]) != 0;
    }
    ck_assert_int_gt(differing, 80);
}
END_TEST

START_TEST(addresses_are_unique_and_ascii)
{
    rc_map_t *seen = rc_map_new(NULL);
    sb_person_t person;
    for (uint32_t i = 0; i < 2000; i++) {
        ck_assert(sb_hr_person(hr, i, NOW, &person));
        const char *email = person.text[SB_TEXT_WORK_EMAIL];
        for (const char *at = email; *at; at++) ck_assert_int_gt(*at, ' ');
        ck_assert_ptr_null(rc_map_set(seen, email, strlen(email), hr));
        for (int text = 0; text < SB_TEXT_COUNT; text++)
            ck_assert(!person.text[text] || rc_utf8_valid(person.text[text], strlen(person.text[text])));
    }
    rc_map_free(seen);
}
END_TEST

START_TEST(everybody_but_the_first_has_an_active_manager_of_a_smaller_number)
{
    sb_person_t person, manager;
    for (uint32_t i = 1; i < 2000; i++) {
        ck_assert(sb_hr_person(hr, i, NOW, &person));
        ck_assert_int_ge(person.manager, 0);
        ck_assert_uint_lt((uint32_t)person.manager, i);
        ck_assert(sb_hr_person(hr, (uint32_t)person.manager, NOW, &manager));
        ck_assert_str_eq(manager.text[SB_TEXT_EMPLOYMENT_STATUS], "ACTIVE");
    }
}
END_TEST

START_TEST(statuses_and_dates_agree)
{
    sb_person_t person;
    int pending = 0, inactive = 0, leave = 0;
    for (uint32_t i = 0; i < 2000; i++) {
        ck_assert(sb_hr_person(hr, i, NOW, &person));
        const char *status = person.text[SB_TEXT_EMPLOYMENT_STATUS];
        if (!strcmp(status, "PENDING")) {
            pending++;
            ck_assert_int_gt(person.start.days, EPOCH.days);
        } else {
            ck_assert_int_lt(person.start.days, EPOCH.days);
        }
        if (!strcmp(status, "INACTIVE")) {
            inactive++;
            ck_assert_int_lt(person.termination.days, EPOCH.days);
            ck_assert_int_le(person.start.days, person.termination.days);
        }
        leave += !strcmp(status, "LEAVE");
    }
    ck_assert_int_gt(pending, 20);
    ck_assert_int_gt(inactive, 20);
    ck_assert_int_gt(leave, 10);
}
END_TEST

START_TEST(memory_goes_with_the_changes_alone)
{
    sb_company_t company;
    sb_company_init(&company, 1, SB_MAX_PEOPLE, EPOCH);
    sb_hr_t *large = sb_hr_new(&company);
    sb_person_t person;
    ck_assert(sb_hr_person(large, SB_MAX_PEOPLE - 1, NOW, &person));
    ck_assert_uint_eq(sb_hr_changed(large), 0);
    sb_patch_t patch = {.set = 1u << SB_TEXT_JOB_TITLE, .text[SB_TEXT_JOB_TITLE] = "Chief"};
    sb_hr_patch(large, 999999, &patch, NOW);
    ck_assert_uint_eq(sb_hr_changed(large), 1);
    ck_assert(sb_hr_person(large, 999999, NOW, &person));
    ck_assert_str_eq(person.text[SB_TEXT_JOB_TITLE], "Chief");
    ck_assert_int_eq(person.changed_at.ms, NOW.ms);
    sb_hr_free(large);
}
END_TEST

START_TEST(moving_changes_the_employee_and_renaming_a_group_does_not)
{
    sb_person_t before, after;
    rc_wall_t later = {NOW.ms + 1000};
    ck_assert(sb_hr_person(hr, 300, NOW, &before));
    int32_t team = (int32_t)sb_hr_company(hr)->departments;
    sb_hr_unit_rename(hr, SB_UNIT_GROUP, team, "Renamed", NOW);
    ck_assert(!sb_hr_may_have_changed(hr, 300, (rc_wall_t){NOW.ms - 1}));

    happen("{'op': 'update', 'employee': 300, 'team': 'Renamed'}", later);
    ck_assert(sb_hr_person(hr, 300, later, &after));
    ck_assert(after.updated_at.ms == later.ms);
    ck_assert_msg(after.changed_at.ms == before.changed_at.ms, "membership is another record at Kombo");
    ck_assert(sb_hr_may_have_changed(hr, 300, NOW));
    bool member = false;
    for (size_t i = 0; i < after.group_count; i++) member = member || after.groups[i] == team;
    ck_assert(member);
}
END_TEST

START_TEST(a_renamed_location_and_a_changed_manager_touch_the_employee)
{
    sb_person_t person;
    rc_wall_t since = {NOW.ms - 1};
    ck_assert(sb_hr_person(hr, 500, NOW, &person));
    ck_assert(!sb_hr_surroundings_changed(hr, &person, since));
    sb_hr_unit_rename(hr, SB_UNIT_LOCATION, person.location, "Elsewhere", NOW);
    ck_assert(sb_hr_may_have_changed(hr, 500, since));
    ck_assert(sb_hr_surroundings_changed(hr, &person, since));

    ck_assert(sb_hr_person(hr, 501, NOW, &person));
    person.location = person.legal_entity = SB_NOBODY;
    ck_assert(!sb_hr_surroundings_changed(hr, &person, since));
    sb_patch_t patch = {.set = 1u << SB_TEXT_LAST_NAME, .text[SB_TEXT_LAST_NAME] = "Married"};
    sb_hr_patch(hr, (uint32_t)person.manager, &patch, NOW);
    ck_assert(sb_hr_surroundings_changed(hr, &person, since));
}
END_TEST

START_TEST(deleted_records_are_emptied_after_fourteen_days)
{
    sb_person_t person;
    rc_wall_t soon = {NOW.ms + 13LL * 86400000}, late = {NOW.ms + 14LL * 86400000};
    happen("{'op': 'delete', 'employee': 1500}", NOW);
    ck_assert(sb_hr_person(hr, 1500, soon, &person));
    ck_assert_int_eq(person.deleted_at.ms, NOW.ms);
    ck_assert_ptr_nonnull(person.text[SB_TEXT_FIRST_NAME]);
    ck_assert(sb_hr_person(hr, 1500, late, &person));
    ck_assert(person.anonymised);
    for (int i = 0; i < SB_TEXT_COUNT; i++) ck_assert_ptr_null(person.text[i]);
    ck_assert_int_eq(person.updated_at.ms, late.ms);
    happen("{'op': 'restore', 'employee': 1500}", late);
    ck_assert(sb_hr_person(hr, 1500, late, &person));
    ck_assert_ptr_nonnull(person.text[SB_TEXT_FIRST_NAME]);
}
END_TEST

START_TEST(a_vanished_record_comes_back_as_it_was)
{
    sb_person_t person;
    happen("{'op': 'vanish', 'employee': 1500}", NOW);
    ck_assert(!sb_hr_person(hr, 1500, NOW, &person));
    happen("{'op': 'appear', 'employee': 1500}", NOW);
    ck_assert(sb_hr_person(hr, 1500, NOW, &person));
    ck_assert_int_eq(person.deleted_at.ms, 0);
}
END_TEST

/* "at name" of each state of a unit, or "at title" of each of a person, in one text. */
static char *states_of(const json_t *about, const char *field)
{
    rc_buf_t text = RC_BUF_INIT(4096);
    size_t i;
    const json_t *state;
    json_array_foreach(json_object_get(about, "states"), i, state)
    {
        const char *at = rc_json_str(state, "at");
        (void)rc_buf_add_format(&text, "%s%s %s%s%s", i ? ", " : "", at ? at + 11 : "-", rc_json_str(state, field),
                                rc_json_bool(state, "vanished", false) ? " vanished" : "",
                                rc_json_bool(state, "deleted", false) ? " deleted" : "");
    }
    return text.data;
}

static void check_states(json_t *about, const char *field, const char *expected)
{
    char *text = states_of(about, field);
    ck_assert_str_eq(text, expected);
    free(text);
    json_decref(about);
}

START_TEST(history_has_every_state_in_order_by_the_machines_clock)
{
    rc_wall_t second = {NOW.ms + 1000}, third = {NOW.ms + 2000};
    happen("{'op': 'update', 'employee': 3, 'job_title': 'A', 'team': null}", NOW);
    sb_hr_set_clock_offset(hr, 500); /* the sandbox's clock is ahead */
    happen("{'op': 'update', 'employee': 3, 'job_title': 'B'}", second);
    happen("{'op': 'vanish', 'employee': 3}", third);
    happen("{'op': 'appear', 'employee': 3}", third);
    happen("{'op': 'delete', 'employee': 3}", third);
    sb_person_t generated;
    sb_company_person(sb_hr_company(hr), 3, &generated);
    char *expected = rc_sprintf("- %s, 01:00:00.000Z A, 01:00:00.500Z B, 01:00:01.500Z B vanished, 01:00:01.500Z B, "
                                "01:00:01.500Z B deleted",
                                generated.text[SB_TEXT_JOB_TITLE]);
    check_states(sb_history_person(hr, 3), "job_title", expected);
    free(expected);

    json_t *history = sb_history_person(hr, 3), *states = json_object_get(history, "states");
    ck_assert_uint_lt(json_array_size(json_object_get(json_array_get(states, 1), "groups")),
                      json_array_size(json_object_get(json_array_get(states, 0), "groups")));
    json_decref(history);
    history = sb_history_person(hr, 4);
    ck_assert_uint_eq(json_array_size(json_object_get(history, "states")), 1);
    json_decref(history);
}
END_TEST

START_TEST(history_of_a_hire_begins_with_it_and_units_have_all_their_names)
{
    happen("{'op': 'hire', 'job_title': 'New'}", NOW);
    happen("{'op': 'update', 'employee': 2000, 'job_title': 'Older'}", (rc_wall_t){NOW.ms + 1000});
    check_states(sb_history_person(hr, 2000), "job_title", "01:00:00.000Z New, 01:00:01.000Z Older");

    happen("{'op': 'add_group', 'name': 'One', 'type': 'TEAM'}", NOW);
    happen("{'op': 'rename_group', 'group': 'One', 'name': 'Two'}", NOW);
    happen("{'op': 'delete_group', 'group': 'Two'}", (rc_wall_t){NOW.ms + 1000});
    json_t *units = sb_history_units(hr);
    json_t *unit = json_incref(json_array_get(units, sb_hr_units(hr, SB_UNIT_GROUP) - 1));
    ck_assert_str_eq(rc_json_str(unit, "kind"), "group");
    ck_assert_str_eq(rc_json_str(unit, "type"), "TEAM");
    check_states(unit, "name", "01:00:00.000Z One, 01:00:00.000Z Two, 01:00:01.000Z Two deleted");
    json_decref(units);
}
END_TEST

START_TEST(a_rehire_keeps_the_id_or_gets_a_new_one_with_the_same_address)
{
    sb_person_t before, same, other;
    ck_assert(sb_hr_person(hr, 1200, NOW, &before));
    happen("{'op': 'leave', 'employee': 1200}", NOW);
    ck_assert(sb_hr_person(hr, 1200, NOW, &same));
    ck_assert_str_eq(same.text[SB_TEXT_EMPLOYMENT_STATUS], "INACTIVE");
    ck_assert_int_eq(same.termination.days, EPOCH.days);

    json_t *result = operate("{'op': 'rehire', 'employee': 1200, 'new_id': true, 'job_title': 'Back'}", NOW);
    ck_assert_int_eq(rc_json_int(result, "number", 0), 2000);
    json_decref(result);
    ck_assert(sb_hr_person(hr, 2000, NOW, &other));
    ck_assert_str_ne(other.id, before.id);
    ck_assert_str_eq(other.text[SB_TEXT_WORK_EMAIL], before.text[SB_TEXT_WORK_EMAIL]);
    ck_assert_str_eq(other.text[SB_TEXT_JOB_TITLE], "Back");
    ck_assert(!rc_date_is_set(other.termination));
    ck_assert_mem_eq(other.groups, before.groups, sizeof before.groups);

    happen("{'op': 'rehire', 'employee': 1200}", NOW);
    ck_assert(sb_hr_person(hr, 1200, NOW, &same));
    ck_assert_str_eq(same.id, before.id);
    ck_assert_str_eq(same.text[SB_TEXT_EMPLOYMENT_STATUS], "ACTIVE");
}
END_TEST

START_TEST(who_was_changed_before_a_rehire_keeps_the_changed_texts)
{
    sb_person_t person;
    happen("{'op': 'update', 'employee': 1201, 'last_name': 'Changed', 'work_email': 'changed@acme.example'}", NOW);
    for (int again = 0; again < 2; again++) {
        happen("{'op': 'rehire', 'employee': 1201}", NOW);
        ck_assert(sb_hr_person(hr, 1201, NOW, &person));
        ck_assert_str_eq(person.text[SB_TEXT_LAST_NAME], "Changed");
        ck_assert_str_eq(person.text[SB_TEXT_WORK_EMAIL], "changed@acme.example");
    }
}
END_TEST

START_TEST(places_can_be_added)
{
    sb_person_t person;
    happen("{'op': 'add_location', 'name': 'Lisbon'}", NOW);
    happen("{'op': 'add_legal_entity', 'name': 'Acme Ltd'}", NOW);
    happen("{'op': 'update', 'employee': 1202, 'location': 'Lisbon', 'legal_entity': 'Acme Ltd'}", NOW);
    ck_assert(sb_hr_person(hr, 1202, NOW, &person));
    ck_assert_str_eq(sb_hr_unit(hr, SB_UNIT_LOCATION, person.location)->name, "Lisbon");
    ck_assert_str_eq(sb_hr_unit(hr, SB_UNIT_LEGAL_ENTITY, person.legal_entity)->name, "Acme Ltd");
}
END_TEST

START_TEST(a_wrong_operation_changes_nothing_and_says_why)
{
    static const char *const wrong[] = {
        "{'op': 'fire', 'employee': 1}",
        "{'op': 'update', 'employee': 2000}",
        "{'op': 'update', 'employee': 'nobody', 'job_title': 'X'}",
        "{'op': 'update', 'employee': 1, 'jobtitle': 'X'}",
        "{'op': 'update', 'employee': 1, 'job_title': 'X', 'team': 'No such team'}",
        "{'op': 'update', 'employee': 1, 'start_date': 'tomorrow'}",
        "{'op': 'update', 'employee': 1, 'first_name': 5}",
        "{'op': 'rename_group', 'group': 'Sales'}",
        "{}",
    };
    rc_error_t error = RC_ERROR_INIT;
    char *quoted = rc_strdup(wrong[_i]);
    for (char *at = quoted; *at; at++)
        if (*at == '\'') *at = '"';
    json_t *operation = NULL, *result = json_object();
    ck_assert_int_eq(rc_json_parse(quoted, strlen(quoted), &operation, &error), RC_OK);
    ck_assert_int_eq(sb_hr_operate(hr, operation, NOW, result, &error), RC_USAGE);
    ck_assert_str_ne(error.message, "");
    ck_assert_uint_eq(sb_hr_changed(hr), 0);
    json_decref(operation);
    json_decref(result);
    free(quoted);
}
END_TEST

START_TEST(random_changes_follow_their_seed_and_spare_the_managers)
{
    sb_company_t company;
    sb_company_init(&company, 7, 2000, EPOCH);
    sb_hr_t *twin = sb_hr_new(&company);
    json_t *counts = json_object(), *twin_counts = json_object();
    sb_person_t a, b;
    ck_assert_int_eq(sb_hr_randomise(hr, 5, 1000, NULL, NOW, counts, NULL), RC_OK);
    ck_assert_int_eq(sb_hr_randomise(twin, 5, 1000, NULL, NOW, twin_counts, NULL), RC_OK);
    ck_assert(json_equal(counts, twin_counts));
    ck_assert_int_gt(rc_json_int(counts, "hire", 0), 0);
    ck_assert_uint_eq(sb_hr_count(hr), 2000 + (uint32_t)rc_json_int(counts, "hire", 0));
    for (uint32_t i = 0; i < sb_hr_count(hr); i++) {
        ck_assert(sb_hr_person(hr, i, NOW, &a) && sb_hr_person(twin, i, NOW, &b));
        for (int text = 0; text < SB_TEXT_COUNT; text++) ck_assert(rc_text_equal(a.text[text], b.text[text]));
        ck_assert_int_eq(a.manager, b.manager);
        if (i < 2000 / 8) ck_assert_str_ne(a.text[SB_TEXT_EMPLOYMENT_STATUS], "INACTIVE");
    }
    json_decref(counts);
    json_decref(twin_counts);
    sb_hr_free(twin);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sandbox_company");
    TCase *tc = tcase_create("rules");
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, mixing_can_be_undone);
    tcase_add_test(tc, ids_lead_back_to_their_number_and_kind);
    tcase_add_test(tc, the_same_seed_makes_the_same_people);
    tcase_add_test(tc, addresses_are_unique_and_ascii);
    tcase_add_test(tc, everybody_but_the_first_has_an_active_manager_of_a_smaller_number);
    tcase_add_test(tc, statuses_and_dates_agree);
    tcase_add_test(tc, memory_goes_with_the_changes_alone);
    tcase_add_test(tc, moving_changes_the_employee_and_renaming_a_group_does_not);
    tcase_add_test(tc, a_renamed_location_and_a_changed_manager_touch_the_employee);
    tcase_add_test(tc, deleted_records_are_emptied_after_fourteen_days);
    tcase_add_test(tc, a_vanished_record_comes_back_as_it_was);
    tcase_add_test(tc, history_has_every_state_in_order_by_the_machines_clock);
    tcase_add_test(tc, history_of_a_hire_begins_with_it_and_units_have_all_their_names);
    tcase_add_test(tc, a_rehire_keeps_the_id_or_gets_a_new_one_with_the_same_address);
    tcase_add_test(tc, who_was_changed_before_a_rehire_keeps_the_changed_texts);
    tcase_add_test(tc, places_can_be_added);
    tcase_add_loop_test(tc, a_wrong_operation_changes_nothing_and_says_why, 0, 9);
    tcase_add_test(tc, random_changes_follow_their_seed_and_spare_the_managers);
    suite_add_tcase(suite, tc);
    return rc_unit_run(suite);
}
