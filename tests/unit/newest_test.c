/* consumer/rules/newest: which state is the newest that was published. */
#include "consumer/rules/newest.h"

#include <stddef.h>

#include "tests/support/unit.h"

enum { V1 = 100, V2 = 200 };
#define OLD_ID "emp-1"

START_TEST(newest_is_the_greater_of_event_and_row)
{
    rc_event_t event = {.type = RC_EVENT_CREATED, .version = V1, .created = {.replaces = OLD_ID}};
    rc_snapshot_t row = {.version = V2, .presence = RC_PRESENCE_GONE, .replaces = "from-row"};
    rc_newest_t newest = rc_newest_of(&event, &row, false);
    ck_assert_int_eq(newest.from, RC_NEWEST_SNAPSHOT);
    ck_assert_int_eq(newest.version, V2);
    ck_assert_int_eq(newest.presence, RC_PRESENCE_GONE);
    ck_assert_ptr_eq(newest.employee, &row.employee);
    ck_assert_str_eq(newest.replaces, "from-row");

    event.version = V2 + 1;
    newest = rc_newest_of(&event, &row, false);
    ck_assert_int_eq(newest.from, RC_NEWEST_EVENT);
    ck_assert_int_eq(newest.presence, RC_PRESENCE_EMPLOYED);
    ck_assert_str_eq(newest.replaces, OLD_ID);
    ck_assert_ptr_eq(newest.employee, &event.employee);

    event.type = RC_EVENT_PROFILE_UPDATED; /* does not carry it; the row keeps it */
    ck_assert_str_eq(rc_newest_of(&event, &row, false).replaces, "from-row");
    event.type = RC_EVENT_DEACTIVATED;
    ck_assert_int_eq(rc_newest_of(&event, &row, false).presence, RC_PRESENCE_GONE);
}
END_TEST

START_TEST(no_row_behind_a_barrier_is_forgotten_and_gone)
{
    rc_event_t event = {.type = RC_EVENT_CREATED, .version = V1};
    rc_newest_t newest = rc_newest_of(&event, NULL, false);
    ck_assert_int_eq(newest.from, RC_NEWEST_EVENT_ALONE);
    ck_assert_int_eq(newest.presence, RC_PRESENCE_EMPLOYED);
    newest = rc_newest_of(&event, NULL, true);
    ck_assert_int_eq(newest.from, RC_NEWEST_FORGOTTEN);
    ck_assert_int_eq(newest.presence, RC_PRESENCE_GONE);
    ck_assert_int_eq(newest.version, V1);
}
END_TEST

START_TEST(no_row_alone_leaves_in_doubt_whether_they_have_left)
{
    rc_event_t event = {.type = RC_EVENT_CREATED, .version = V1};
    rc_snapshot_t row = {.version = V1, .presence = RC_PRESENCE_GONE};
    ck_assert(rc_newest_of(&event, NULL, true).in_doubt);
    ck_assert(!rc_newest_of(&event, NULL, false).in_doubt);
    ck_assert(!rc_newest_of(&event, &row, true).in_doubt);
    event.type = RC_EVENT_DEACTIVATED;
    ck_assert(!rc_newest_of(&event, NULL, true).in_doubt);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("newest");
    TCase *all = tcase_create("all");
    tcase_add_test(all, newest_is_the_greater_of_event_and_row);
    tcase_add_test(all, no_row_alone_leaves_in_doubt_whether_they_have_left);
    tcase_add_test(all, no_row_behind_a_barrier_is_forgotten_and_gone);
    suite_add_tcase(suite, all);
    return rc_unit_run(suite);
}
