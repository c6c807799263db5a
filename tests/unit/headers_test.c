/* common/headers: what subscribers and people read, and that any bytes can be read back. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/headers.h"
#include "common/text.h"
#include "tests/support/unit.h"

static rc_arena_t *arena;

static void setup(void)
{
    arena = rc_arena_new();
}

static void teardown(void)
{
    rc_arena_free(arena);
}

static rc_header_t header(const char *name, const char *value)
{
    return (rc_header_t){name, value, strlen(value)};
}

static void expect(rc_headers_t headers, const char *name, const char *value)
{
    const char *found = rc_headers_str(headers, name, arena);
    if (!value) {
        ck_assert_msg(!found, "%s is %s", name, found);
        return;
    }
    ck_assert_msg(found && strcmp(found, value) == 0, "%s is %s, not %s", name, found ? found : "absent", value);
}

static const rc_event_t event = {.type = RC_EVENT_PROFILE_UPDATED,
                                 .event_id = "8c83ada4-4606-549d-a3e9-bab7308dbb2e",
                                 .integration_id = "personio:A",
                                 .employee_id = "42",
                                 .version = 3,
                                 .occurred_at = {1763827732123}};

START_TEST(event_headers_are_cloudevents_in_binary_mode)
{
    rc_headers_t headers = rc_headers_event(arena, &event);
    ck_assert_uint_eq(headers.count, 7);
    expect(headers, "ce_specversion", "1.0");
    expect(headers, "ce_id", "8c83ada4-4606-549d-a3e9-bab7308dbb2e");
    expect(headers, "ce_source", "/integrations/personio:A");
    expect(headers, "ce_type", "rollcall.employee.profile-updated");
    expect(headers, "ce_subject", "42");
    expect(headers, "ce_time", "2025-11-22T16:08:52.123Z");
    expect(headers, "content-type", "application/avro");
}
END_TEST

START_TEST(a_header_that_is_no_text_counts_as_absent)
{
    const rc_header_t items[] = {{"ce_id", "a\0b", 3}, {"ce_subject", NULL, 0}, {"ce_type", "\xFF", 1}};
    const rc_headers_t headers = {items, sizeof items / sizeof *items};
    for (size_t i = 0; i < headers.count; i++) expect(headers, items[i].name, NULL);
}
END_TEST

static rc_parking_t sample(void)
{
    return (rc_parking_t){.type = RC_EVENT_TEAM_CHANGED,
                          .lane = RC_EVENT_CREATED,
                          .attempt = 4,
                          .reason = RC_PARK_REJECTED,
                          .message = "email is missing",
                          .unanswered = true,
                          .replayed = true,
                          .not_before = {1763827732123},
                          .origin_topic = "hris.employee.team-changed",
                          .origin_partition = 7,
                          .origin_offset = 12345678901,
                          .first_failed_at = {1763827700000},
                          .failed_at = {1763827732000}};
}

START_TEST(parking_headers_can_be_read_by_a_person)
{
    rc_parking_t parking = sample();
    rc_headers_t headers = rc_headers_park(arena, (rc_headers_t){0}, &parking);
    ck_assert_uint_eq(headers.count, 11);
    expect(headers, "rollcall_type", "team-changed");
    expect(headers, "rollcall_lane", "created");
    expect(headers, "rollcall_attempt", "4");
    expect(headers, "rollcall_reason", "REJECTED");
    expect(headers, "rollcall_message", "email is missing");
    expect(headers, "rollcall_unanswered", "true");
    expect(headers, "rollcall_replayed", "true");
    expect(headers, "rollcall_not_before", "2025-11-22T16:08:52.123Z");
    expect(headers, "rollcall_origin", "hris.employee.team-changed/7/12345678901");
    expect(headers, "rollcall_first_failed_at", "2025-11-22T16:08:20.000Z");
    expect(headers, "rollcall_failed_at", "2025-11-22T16:08:52.000Z");
}
END_TEST

START_TEST(parking_comes_back)
{
    rc_parking_t parking = sample();
    rc_parking_t parsed = rc_headers_parking_parse(rc_headers_park(arena, (rc_headers_t){0}, &parking), arena);
    ck_assert_int_eq(parsed.type, RC_EVENT_TEAM_CHANGED);
    ck_assert_int_eq(parsed.lane, RC_EVENT_CREATED);
    ck_assert_int_eq(parsed.attempt, 4);
    ck_assert_int_eq(parsed.reason, RC_PARK_REJECTED);
    ck_assert_str_eq(parsed.message, "email is missing");
    ck_assert(parsed.unanswered && parsed.replayed);
    ck_assert_int_eq(parsed.not_before.ms, parking.not_before.ms);
    ck_assert_str_eq(parsed.origin_topic, parking.origin_topic);
    ck_assert_int_eq(parsed.origin_partition, 7);
    ck_assert_int_eq(parsed.origin_offset, 12345678901);
    ck_assert_int_eq(parsed.first_failed_at.ms, parking.first_failed_at.ms);
    ck_assert_int_eq(parsed.failed_at.ms, parking.failed_at.ms);
}
END_TEST

START_TEST(parking_again_overwrites_and_keeps_the_event_s_own_headers)
{
    rc_parking_t parking = sample();
    rc_headers_t once = rc_headers_park(arena, rc_headers_event(arena, &event), &parking);
    rc_parking_t second = RC_PARKING_INIT;
    second.reason = RC_PARK_TRANSIENT;
    second.attempt = 5;
    rc_headers_t twice = rc_headers_park(arena, once, &second);
    ck_assert_uint_eq(twice.count, 7 + 2);
    expect(twice, "ce_id", event.event_id);
    expect(twice, "rollcall_reason", "TRANSIENT");
    expect(twice, "rollcall_attempt", "5");
    expect(twice, "rollcall_message", NULL);
    expect(twice, "rollcall_unanswered", NULL);
}
END_TEST

START_TEST(messages_are_cut_at_one_kibibyte_on_a_character)
{
    char message[2000];
    memset(message, 'x', sizeof message - 1);
    message[sizeof message - 1] = '\0';
    memcpy(message + 1022, "\xE2\x82\xAC", 3); /* the euro sign would end at 1,025 */
    rc_parking_t parking = sample();
    parking.message = message;
    rc_headers_t headers = rc_headers_park(arena, (rc_headers_t){0}, &parking);
    const rc_header_t *found = rc_headers_find(headers, "rollcall_message");
    ck_assert_uint_eq(found->value_bytes, 1022);
    ck_assert(rc_utf8_valid(found->value, found->value_bytes));
}
END_TEST

START_TEST(messages_are_made_fit_for_a_terminal)
{
    rc_parking_t parking = sample();
    parking.message = "a\nb\x1b[31mc\xFFz\xC3\xA9\xE2\x82";
    expect(rc_headers_park(arena, (rc_headers_t){0}, &parking), "rollcall_message", "a?b?[31mc?z\xC3\xA9??");
}
END_TEST

/* Bytes that run on must end at the cap, not at some NUL behind it. */
START_TEST(messages_of_continuation_bytes_end_within_the_cap)
{
    char message[4000];
    memset(message, '\x80', sizeof message - 1);
    message[sizeof message - 1] = '\0';
    rc_parking_t parking = sample();
    parking.message = message;
    const rc_header_t *found = rc_headers_find(rc_headers_park(arena, (rc_headers_t){0}, &parking), "rollcall_message");
    ck_assert_uint_le(found->value_bytes, RC_PARKING_TEXT_MAX_BYTES);
}
END_TEST

static const struct {
    const char *name;
    const char *value;
} nonsense[] = {
    {"rollcall_attempt", "-1"},
    {"rollcall_attempt", "99999999999999999999"},
    {"rollcall_attempt",
     "2147483648"}, /* made the count negative, and the consumer end itself where it parked the record */
    {"rollcall_attempt", "2147483647"}, /* the next attempt has no number */
    {"rollcall_attempt", "4 "},
    {"rollcall_type", "CREATED"},
    {"rollcall_lane", ""},
    {"rollcall_reason", "rejected"},
    {"rollcall_unanswered", "yes"},
    {"rollcall_not_before", "soon"},
    {"rollcall_origin", "topic/1"},
    {"rollcall_origin", "/1/2"},
    {"rollcall_origin", "topic/2147483648/2"},
    {"rollcall_origin", "topic/1/2/3"},
    {"rollcall_origin", "topic/-1/2"},
    {"rollcall_message", "\xFF"},
};

START_TEST(what_does_not_parse_counts_as_absent)
{
    const rc_header_t item = header(nonsense[_i].name, nonsense[_i].value);
    rc_parking_t parsed = rc_headers_parking_parse((rc_headers_t){&item, 1}, arena), nothing = RC_PARKING_INIT;
    ck_assert_int_eq(parsed.type, nothing.type);
    ck_assert_int_eq(parsed.lane, nothing.lane);
    ck_assert_int_eq(parsed.attempt, 0);
    ck_assert_int_eq(parsed.reason, RC_PARK_OTHER);
    ck_assert_ptr_null(parsed.message);
    ck_assert(!parsed.unanswered && !parsed.replayed);
    ck_assert_int_eq(parsed.not_before.ms, 0);
    ck_assert_ptr_null(parsed.origin_topic);
    ck_assert_int_eq(parsed.origin_partition, -1);
    ck_assert_int_eq(parsed.origin_offset, -1);
}
END_TEST

START_TEST(the_last_of_several_counts)
{
    const rc_header_t items[] = {header("rollcall_lane", "created"), header("rollcall_lane", "deactivated")};
    ck_assert_int_eq(rc_headers_parking_parse((rc_headers_t){items, 2}, arena).lane, RC_EVENT_DEACTIVATED);
}
END_TEST

START_TEST(a_copy_outlives_what_it_was_made_from)
{
    char name[] = "trace", value[] = "a\0b";
    const rc_header_t items[] = {{name, value, 3}, {name, NULL, 0}, {"empty", "", 0}};
    rc_headers_t copy = rc_headers_copy(arena, (rc_headers_t){items, 3});
    memset(name, 'x', sizeof name - 1);
    memset(value, 'x', sizeof value);
    ck_assert_uint_eq(copy.count, 3);
    ck_assert_str_eq(copy.items[0].name, "trace");
    ck_assert_uint_eq(copy.items[0].value_bytes, 3);
    ck_assert_mem_eq(copy.items[0].value, "a\0b", 3);
    ck_assert_str_eq(copy.items[1].name, "trace");
    ck_assert_ptr_null(copy.items[1].value);
    ck_assert_ptr_nonnull(copy.items[2].value);
    ck_assert_uint_eq(copy.items[2].value_bytes, 0);
    ck_assert_uint_eq(rc_headers_copy(arena, (rc_headers_t){NULL, 0}).count, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("headers");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, event_headers_are_cloudevents_in_binary_mode);
    tcase_add_test(all, a_header_that_is_no_text_counts_as_absent);
    tcase_add_test(all, parking_headers_can_be_read_by_a_person);
    tcase_add_test(all, parking_comes_back);
    tcase_add_test(all, parking_again_overwrites_and_keeps_the_event_s_own_headers);
    tcase_add_test(all, messages_are_cut_at_one_kibibyte_on_a_character);
    tcase_add_test(all, messages_are_made_fit_for_a_terminal);
    tcase_add_test(all, messages_of_continuation_bytes_end_within_the_cap);
    tcase_add_loop_test(all, what_does_not_parse_counts_as_absent, 0, (int)(sizeof nonsense / sizeof *nonsense));
    tcase_add_test(all, the_last_of_several_counts);
    tcase_add_test(all, a_copy_outlives_what_it_was_made_from);
    suite_add_tcase(suite, all);
    return rc_unit_run(suite);
}
