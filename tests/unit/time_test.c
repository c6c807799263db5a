/* common/time: moments, days, durations, and when a day begins where. */
#include "common/time.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/unit.h"

static int64_t ms_of(const char *text)
{
    rc_wall_t wall;
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_msg(rc_wall_parse(text, &wall, &error) == RC_OK, "%s", error.message);
    return wall.ms;
}

static rc_zone_t *zone_of(const char *name)
{
    rc_zone_t *zone = NULL;
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_msg(rc_zone_new(name, &zone, &error) == RC_OK, "%s", error.message);
    return zone;
}

START_TEST(a_moment_is_read_with_any_offset_and_fraction)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01T00:00:00.001Z", 1},
        {"1970-01-01T00:00:00.0019Z", 1},
        {"1970-01-01T00:00:00.123456789Z", 123},
        {"1970-01-01t00:00:00z", 0},
        {"1970-01-01 01:00:00+01:00", 0},
        {"1969-12-31T18:30:00-05:30", 0},
        {"1969-12-31T23:59:59.999Z", -1},
        {"2000-02-29T00:00:00Z", 951782400000},
        {"2026-11-22T16:08:52.123Z", 1795363732123},
        {"9999-12-31T23:59:60Z", 253402300800000},
        {"0001-01-01T00:00:00Z", -62135596800000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(ms_of(cases[i].text) == cases[i].ms, "%s is %lld", cases[i].text,
                      (long long)ms_of(cases[i].text));
}
END_TEST

START_TEST(what_is_no_moment_is_refused_and_changes_nothing)
{
    static const char *const cases[] = {
        "",
        "2026-11-22",
        "2026-11-22T16:08:52",
        "2026-11-22T16:08Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T16:60:00Z",
        "2026-11-22T16:08:61Z",
        "2026-11-22T16:08:52.Z",
        "2026-11-22T16:08:52+1:00",
        "2026-11-22T16:08:52+01",
        "2026-11-22T16:08:52Zjunk",
        "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-00-10T00:00:00Z",
        "2026-13-10T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "+026-01-01T00:00:00Z",
        " 2026-11-22T16:08:52Z",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rc_wall_t wall = {77};
        rc_error_t error = RC_ERROR_INIT;
        ck_assert_msg(rc_wall_parse(cases[i], &wall, &error) == RC_MALFORMED, "\"%s\" was read", cases[i]);
        ck_assert_int_eq(wall.ms, 77);
    }
}
END_TEST

START_TEST(what_is_written_is_read_as_the_same_moment)
{
    char text[RC_TIME_STR_SIZE];
    uint64_t random = 42;
    for (int i = 0; i < 20000; i++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        rc_wall_t wall = {(int64_t)(random % 315000000000000) - 62000000000000};
        ck_assert_int_eq(ms_of(rc_wall_str(wall, text)), wall.ms);
    }
    ck_assert_str_eq(rc_wall_str((rc_wall_t){-1}, text), "1969-12-31T23:59:59.999Z");
    (void)rc_wall_str((rc_wall_t){INT64_MAX}, text);
    (void)rc_wall_str((rc_wall_t){INT64_MIN}, text);
    ck_assert_uint_lt(strlen(text), sizeof text);
}
END_TEST

START_TEST(of_a_date_time_the_day_counts_as_it_is_written)
{
    static const struct {
        const char *text;
        int32_t days;
    } cases[] = {{"1970-01-01", 0},           {"1970-01-02", 1},
                 {"1969-12-31", -1},          {"2026-11-22", 20779},
                 {"2024-02-29", 19782},       {"2026-11-22T00:00:00.000Z", 20779},
                 {"2026-11-22 10:00", 20779}, {"2026-11-22T23:59:59-12:00", 20779}};
    char text[RC_TIME_STR_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rc_date_t date;
        ck_assert_int_eq(rc_date_parse(cases[i].text, strlen(cases[i].text), &date, NULL), RC_OK);
        ck_assert_int_eq(date.days, cases[i].days);
        ck_assert_int_eq(strncmp(rc_date_str(date, text), cases[i].text, 10), 0);
    }
    ck_assert_str_eq(rc_date_str(RC_DATE_NONE, text), "");
    rc_date_t date = {5};
    ck_assert_int_eq(rc_date_parse("2026-11-22", 9, &date, NULL), RC_MALFORMED); /* not a byte beyond the length */
    ck_assert_int_eq(rc_date_parse("2026-11-22x", 11, &date, NULL), RC_MALFORMED);
    ck_assert_int_eq(rc_date_parse("22.11.2026", 10, &date, NULL), RC_MALFORMED);
    ck_assert_int_eq(date.days, 5);
}
END_TEST

START_TEST(durations_have_a_whole_number_and_a_unit)
{
    static const struct {
        const char *text;
        int64_t ms;
        const char *shortest;
    } cases[] = {{"500ms", 500, "500ms"},    {"1000ms", 1000, "1s"}, {"20s", 20000, "20s"},  {"60s", 60000, "1m"},
                 {"90s", 90000, "90s"},      {"10m", 600000, "10m"}, {"3h", 10800000, "3h"}, {"24h", 86400000, "1d"},
                 {"30d", 2592000000, "30d"}, {"0d", 0, "0s"}};
    static const char *const wrong[] = {
        "", "s", "10", "-1s", "1.5h", "10 s", "10S", "10w", "99999999999999999999s", "9223372036854775807d", "ms"};
    char text[RC_TIME_STR_SIZE];
    int64_t duration_ms = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(rc_duration_parse(cases[i].text, &duration_ms, NULL), RC_OK);
        ck_assert_int_eq(duration_ms, cases[i].ms);
        ck_assert_str_eq(rc_duration_str(duration_ms, text), cases[i].shortest);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(rc_duration_parse(wrong[i], &duration_ms, NULL) == RC_MALFORMED, "\"%s\" was read", wrong[i]);
}
END_TEST

START_TEST(a_day_begins_when_it_does_in_the_zone)
{
    static const struct {
        const char *zone, *from, *midnight, *day; /* the day of `from` */
    } cases[] = {
        {"UTC", "2026-11-22T16:08:52Z", "2026-11-23T00:00:00Z", "2026-11-22"},
        {"UTC", "2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z", "2026-11-22"},
        {"UTC", "2026-11-22T23:59:59.999Z", "2026-11-23T00:00:00Z", "2026-11-22"},
        {"Europe/Berlin", "2026-11-22T22:59:59Z", "2026-11-22T23:00:00Z", "2026-11-22"},
        {"Europe/Berlin", "2026-11-22T23:00:00Z", "2026-11-23T23:00:00Z", "2026-11-23"},
        /* 23 and 25 hours long */
        {"Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", "2026-03-29"},
        {"Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", "2026-10-25"},
        {"Pacific/Auckland", "2026-09-26T12:00:00Z", "2026-09-27T11:00:00Z", "2026-09-27"},
        {"America/Los_Angeles", "2026-11-01T07:00:00Z", "2026-11-02T08:00:00Z", "2026-11-01"},
        {"Pacific/Kiritimati", "2026-11-22T09:59:59Z", "2026-11-22T10:00:00Z", "2026-11-22"},
        {"Pacific/Pago_Pago", "2026-11-22T10:59:59Z", "2026-11-22T11:00:00Z", "2026-11-21"},
        {"Asia/Kathmandu", "2026-11-22T18:14:59Z", "2026-11-22T18:15:00Z", "2026-11-22"},
        /* midnight does not exist: the clock goes from 23:59:59 to 01:00:00 */
        {"Asia/Beirut", "2021-03-27T21:00:00Z", "2021-03-27T22:00:00Z", "2021-03-27"},
        /* 23:00 to 24:00 comes twice */
        {"America/Asuncion", "2023-03-26T02:30:00Z", "2023-03-26T04:00:00Z", "2023-03-25"},
        /* a whole day is left out */
        {"Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-30T10:00:00Z", "2011-12-29"},
    };
    char text[RC_TIME_STR_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rc_zone_t *zone = zone_of(cases[i].zone);
        rc_wall_t from = {ms_of(cases[i].from)};
        rc_wall_t midnight = rc_zone_next_midnight(zone, from);
        ck_assert_msg(midnight.ms == ms_of(cases[i].midnight), "%s after %s: %s", cases[i].zone, cases[i].from,
                      rc_wall_str(midnight, text));
        ck_assert_str_eq(rc_date_str(rc_zone_date(zone, from), text), cases[i].day);
        ck_assert_int_gt(rc_zone_date(zone, midnight).days, rc_zone_date(zone, from).days);
        rc_zone_free(zone);
    }
}
END_TEST

START_TEST(days_follow_each_other_over_ten_years)
{
    rc_zone_t *zone = zone_of("Europe/Berlin");
    rc_wall_t at = {ms_of("2020-06-01T12:00:00Z")};
    for (int i = 0; i < 3652; i++) {
        rc_wall_t next = rc_zone_next_midnight(zone, at);
        ck_assert_int_gt(next.ms, at.ms);
        ck_assert_int_eq(rc_zone_date(zone, next).days, rc_zone_date(zone, at).days + 1);
        ck_assert_int_eq(rc_zone_date(zone, (rc_wall_t){next.ms - 1}).days, rc_zone_date(zone, at).days);
        at = next;
    }
    rc_zone_free(zone);
}
END_TEST

START_TEST(what_is_no_zone_is_refused_and_tz_stays_as_it_was)
{
    static const char *const wrong[] = {
        "", "Europe", "Europe/Atlantis", "../../etc/passwd", "/etc/localtime", "tzdata.zi", "zone.tab", "leapseconds"};
    rc_zone_t *zone = NULL;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(rc_zone_new(wrong[i], &zone, NULL) == RC_CONFIG, "\"%s\" counts as a zone", wrong[i]);
    (void)setenv("TZ", "Asia/Tokyo", 1);
    rc_zone_free(zone_of("Europe/Berlin"));
    ck_assert_str_eq(getenv("TZ"), "Asia/Tokyo");
    (void)unsetenv("TZ");
    rc_zone_free(zone_of("Europe/Berlin"));
    ck_assert_ptr_null(getenv("TZ"));
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("time");
    TCase *tests = tcase_create("time");
    tcase_add_test(tests, a_moment_is_read_with_any_offset_and_fraction);
    tcase_add_test(tests, what_is_no_moment_is_refused_and_changes_nothing);
    tcase_add_test(tests, what_is_written_is_read_as_the_same_moment);
    tcase_add_test(tests, of_a_date_time_the_day_counts_as_it_is_written);
    tcase_add_test(tests, durations_have_a_whole_number_and_a_unit);
    tcase_add_test(tests, a_day_begins_when_it_does_in_the_zone);
    tcase_add_test(tests, days_follow_each_other_over_ten_years);
    tcase_add_test(tests, what_is_no_zone_is_refused_and_tz_stays_as_it_was);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return rc_unit_run(suite());
}
