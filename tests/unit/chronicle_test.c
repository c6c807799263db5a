/* producer/page/chronicle: the last polls and the ends of commands, out of the states that each transaction writes. */
#include "producer/page/chronicle.h"

#include <stdio.h>

#include "tests/support/unit.h"

static rc_chronicle_t *chronicle;
static rc_arena_t *arena;
static rc_sync_state_t state;
static int64_t clock_ms;

static void set_up(void)
{
    chronicle = rc_chronicle_empty();
    arena = rc_arena_new();
    state = (rc_sync_state_t){.integration_id = "personio:A"};
    clock_ms = 1000;
}

static void tear_down(void)
{
    rc_chronicle_free(chronicle);
    rc_arena_free(arena);
}

static void write_state(void)
{
    rc_chronicle_take(chronicle, &state, (rc_wall_t){clock_ms += 10});
}

static void poll(int64_t started_ms, int64_t events)
{
    state.last_poll = (rc_poll_report_t){.started_at = {started_ms}, .complete = true, .events = events};
    state.failures = 0;
    write_state();
}

static const rc_poll_note_t *polls(size_t *count)
{
    return rc_chronicle_polls(chronicle, "personio:A", arena, count);
}

START_TEST(a_poll_that_is_written_many_times_is_told_once_with_its_last_words)
{
    size_t count;
    poll(500, 0);
    poll(500, 10000);
    write_state(); /* a tick */
    poll(600, 3);
    const rc_poll_note_t *notes = polls(&count);
    ck_assert_uint_eq(count, 2);
    ck_assert_int_eq(notes[0].report.events, 3);
    ck_assert_int_eq(notes[1].report.events, 10000);
}
END_TEST

START_TEST(each_failure_is_told_once_with_its_reason)
{
    size_t count;
    char reason[] = "Kombo says no";
    poll(500, 1);
    state.failures = 1;
    state.state = RC_STATE_RETRYING;
    state.reason = reason;
    write_state();
    write_state();
    state.failures = 2;
    write_state();
    reason[0] = 'X'; /* what was told is kept */
    poll(600, 0);
    const rc_poll_note_t *notes = polls(&count);
    ck_assert_uint_eq(count, 4);
    ck_assert(!notes[0].failed && notes[1].failed && notes[2].failed && !notes[3].failed);
    ck_assert_str_eq(notes[1].reason, "Kombo says no");
    ck_assert_int_eq(notes[1].state, RC_STATE_RETRYING);
}
END_TEST

START_TEST(what_comes_again_after_trouble_is_not_told_again)
{
    size_t count;
    poll(500, 1);
    poll(600, 2);
    clock_ms = 1000;
    poll(500, 1);
    poll(600, 2);
    (void)polls(&count);
    ck_assert_uint_eq(count, 2);
}
END_TEST

START_TEST(the_newest_polls_are_kept_and_no_more)
{
    size_t count;
    for (int i = 1; i <= RC_CHRONICLE_POLLS * 3; i++) poll(500 + i, i);
    const rc_poll_note_t *notes = polls(&count);
    ck_assert_uint_eq(count, RC_CHRONICLE_POLLS);
    ck_assert_int_eq(notes[0].report.events, RC_CHRONICLE_POLLS * 3);
    ck_assert_int_eq(notes[count - 1].report.events, RC_CHRONICLE_POLLS * 2 + 1);
}
END_TEST

START_TEST(a_command_s_end_is_remembered_when_another_ended_since)
{
    rc_command_note_t note;
    state.last_command_id = "one";
    state.last_command_ok = false;
    state.last_command_message = "there is no such hold";
    write_state();
    state.last_command_id = "two";
    state.last_command_ok = true;
    state.last_command_message = NULL;
    write_state();
    ck_assert(rc_chronicle_command(chronicle, "personio:A", "one", arena, &note));
    ck_assert(!note.ok);
    ck_assert_str_eq(note.message, "there is no such hold");
    ck_assert(rc_chronicle_command(chronicle, "personio:A", "two", arena, &note));
    ck_assert(note.ok && !note.message);
    ck_assert(!rc_chronicle_command(chronicle, "personio:A", "three", arena, &note));
    ck_assert(!rc_chronicle_command(chronicle, "personio:B", "one", arena, &note));
}
END_TEST

START_TEST(the_oldest_ends_are_forgotten)
{
    rc_command_note_t note;
    char id[16];
    for (int i = 0; i <= RC_CHRONICLE_COMMANDS; i++) {
        (void)snprintf(id, sizeof id, "c%d", i);
        state.last_command_id = id;
        write_state();
    }
    ck_assert(!rc_chronicle_command(chronicle, "personio:A", "c0", arena, &note));
    ck_assert(rc_chronicle_command(chronicle, "personio:A", "c1", arena, &note));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("chronicle");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, a_poll_that_is_written_many_times_is_told_once_with_its_last_words);
    tcase_add_test(all, each_failure_is_told_once_with_its_reason);
    tcase_add_test(all, what_comes_again_after_trouble_is_not_told_again);
    tcase_add_test(all, the_newest_polls_are_kept_and_no_more);
    tcase_add_test(all, a_command_s_end_is_remembered_when_another_ended_since);
    tcase_add_test(all, the_oldest_ends_are_forgotten);
    suite_add_tcase(suite, all);
    return rc_unit_run(suite);
}
