/* consumer/engine/people: one record of an employee at a time, and N that never goes back. */
#include "consumer/engine/people.h"

#include <string.h>

#include "tests/support/unit.h"

static rc_loop_t *loop;
static rc_people_t *people;
static rc_person_t *called; /* the last whose quiet time was over */

static void ready(void *opaque, rc_person_t *person)
{
    called = person;
    rc_loop_stop(opaque);
}

static void set_up(void)
{
    called = NULL;
    loop = rc_loop_new();
    people = rc_people_new(loop, ready, loop);
}

static void tear_down(void)
{
    rc_people_free(people);
    rc_loop_free(loop);
}

static rc_record_t *record_of(const char *employee_id, int64_t version, const char *title)
{
    rc_record_t *record = rc_zalloc(sizeof *record);
    record->arena = rc_arena_new_sized(512);
    record->event =
        (rc_event_t){.type = RC_EVENT_PROFILE_UPDATED,
                     .event_id = "id",
                     .integration_id = "a",
                     .employee_id = rc_arena_strdup(record->arena, employee_id),
                     .version = version,
                     .employee = {.job_title = rc_arena_strdup(record->arena, title), .leave_date = RC_DATE_NONE}};
    return record;
}

static void free_record(rc_record_t *record)
{
    rc_arena_free(record->arena);
    free(record);
}

START_TEST(records_of_one_employee_stand_in_one_queue_in_order)
{
    rc_record_t *first = record_of("1", 10, "a"), *second = record_of("1", 11, "b"), *other = record_of("2", 12, "c");
    rc_person_t *person = rc_people_add(people, first);
    ck_assert_ptr_eq(rc_people_add(people, second), person);
    ck_assert_ptr_ne(rc_people_add(people, other), person);
    ck_assert_ptr_eq(TAILQ_FIRST(&person->records), first);
    ck_assert_ptr_eq(TAILQ_NEXT(first, of_person), second);
    ck_assert_int_eq(second->state, RC_RECORD_WAITING);
    ck_assert(!rc_people_remove(people, first));
    ck_assert_ptr_eq(TAILQ_FIRST(&person->records), second);
    ck_assert(rc_people_remove(people, second));
    ck_assert_ptr_null(second->person);
    ck_assert(rc_people_remove(people, other));
    free_record(first), free_record(second), free_record(other);
}
END_TEST

START_TEST(the_newest_state_is_remembered_and_outlives_its_record)
{
    rc_record_t *newer = record_of("1", 11, "Lead"), *older = record_of("1", 10, "Engineer"),
                *note = record_of("1", 12, "Head");
    rc_person_t *person = rc_people_add(people, newer);
    (void)rc_people_add(people, older); /* of a lane that lags */
    ck_assert_int_eq(person->newest.version, 11);
    (void)rc_people_remove(people, newer);
    free_record(newer);
    ck_assert_str_eq(person->newest.employee.job_title, "Lead");
    rc_people_note(people, &note->event);
    free_record(note);
    ck_assert_int_eq(person->newest.version, 12);
    ck_assert_str_eq(person->newest.employee.job_title, "Head");
    ck_assert_str_eq(person->newest.employee_id, "1");
    ck_assert(rc_people_remove(people, older));
    free_record(older);
}
END_TEST

START_TEST(a_note_about_somebody_who_is_not_here_is_passed_over)
{
    rc_record_t *record = record_of("1", 10, "a");
    rc_people_note(people, &record->event);
    rc_person_t *person = rc_people_add(people, record);
    ck_assert_int_eq(person->newest.version, 10);
    ck_assert(rc_people_remove(people, record));
    free_record(record);
}
END_TEST

START_TEST(after_an_unanswered_write_a_person_is_quiet_and_then_called)
{
    rc_record_t *first = record_of("1", 10, "a"), *second = record_of("1", 11, "b");
    rc_person_t *person = rc_people_add(people, first);
    ck_assert(!rc_person_is_quiet(person));
    rc_people_quieten(people, person, 20);
    ck_assert(rc_person_is_quiet(person));
    ck_assert(!rc_people_remove(people, first)); /* kept, although nothing is left: the quiet time is to be known */
    ck_assert_ptr_eq(rc_people_add(people, second), person);
    ck_assert(rc_person_is_quiet(person));
    rc_loop_run(loop);
    ck_assert_ptr_eq(called, person);
    ck_assert(!rc_person_is_quiet(person));
    ck_assert(rc_people_remove(people, second));
    free_record(first), free_record(second);
}
END_TEST

static void stop(void *opaque)
{
    rc_loop_stop(opaque);
}

START_TEST(a_quiet_person_without_records_is_forgotten_at_the_end)
{
    rc_record_t *record = record_of("1", 10, "a");
    rc_person_t *person = rc_people_add(people, record);
    rc_people_quieten(people, person, 1);
    ck_assert(!rc_people_remove(people, record));
    rc_loop_timer_t *timer = rc_loop_timer_new(loop, stop, loop);
    rc_loop_timer_start(timer, 30, 0);
    rc_loop_run(loop);
    ck_assert_ptr_null(called);
    rc_people_note(people, &record->event); /* nobody is there to note it for */
    rc_loop_timer_free(timer);
    free_record(record);
}
END_TEST

/* A record that was given up after it had written: a record of a lane that lags must not write an older state. */
START_TEST(what_was_sent_is_remembered_until_the_table_must_have_it)
{
    rc_record_t *newer = record_of("1", 11, "Lead"), *older = record_of("1", 10, "Engineer");
    rc_person_t *person = rc_people_add(people, newer);
    rc_people_keep(people, person, 20);
    ck_assert(!rc_people_remove(people, newer));
    free_record(newer);
    ck_assert(!rc_person_is_quiet(person));
    ck_assert_ptr_eq(rc_people_add(people, older), person);
    ck_assert_int_eq(person->newest.version, 11);
    ck_assert(!rc_people_remove(people, older));
    rc_loop_timer_t *timer = rc_loop_timer_new(loop, stop, loop);
    rc_loop_timer_start(timer, 60, 0);
    rc_loop_run(loop);
    person = rc_people_add(people, older);
    ck_assert_int_eq(person->newest.version, 10); /* forgotten meanwhile */
    ck_assert(rc_people_remove(people, older));
    rc_loop_timer_free(timer);
    free_record(older);
}
END_TEST

START_TEST(people_end_while_somebody_is_quiet)
{
    rc_record_t *record = record_of("1", 10, "a");
    rc_people_quieten(people, rc_people_add(people, record), 60000);
    ck_assert(!rc_people_remove(people, record));
    free_record(record);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("people");
    TCase *tests = tcase_create("people");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, records_of_one_employee_stand_in_one_queue_in_order);
    tcase_add_test(tests, the_newest_state_is_remembered_and_outlives_its_record);
    tcase_add_test(tests, a_note_about_somebody_who_is_not_here_is_passed_over);
    tcase_add_test(tests, after_an_unanswered_write_a_person_is_quiet_and_then_called);
    tcase_add_test(tests, a_quiet_person_without_records_is_forgotten_at_the_end);
    tcase_add_test(tests, what_was_sent_is_remembered_until_the_table_must_have_it);
    tcase_add_test(tests, people_end_while_somebody_is_quiet);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return rc_unit_run(suite());
}
