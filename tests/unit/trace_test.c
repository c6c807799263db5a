/* One employee's story and verdict: from what is known to what is said. */
#include <string.h>

#include "consumer/commands/trace/trace.h"
#include "tests/support/unit.h"

enum { NOW = 1000 * 1000, V = 500 };

static rc_arena_t *arena;
static const rc_integration_t integration = {.id = "personio:A", .name = "Acme"};
static rc_trace_facts_t facts;
static rc_trace_record_t events[8], parked[8];
static rc_dead_letter_t letters[4];

static const rc_employee_t SOMEBODY = {.email = "a@a.example", .first_name = "Åsa", .last_name = "A"};

/* Somebody who was created at V, applied, and whom Learn Amp shows as they are. */
static void setup(void)
{
    arena = rc_arena_new();
    facts = (rc_trace_facts_t){.integration = &integration,
                               .employee_id = "42",
                               .now = {NOW},
                               .events = {events, 1},
                               .parked = {parked, 0},
                               .letters = letters,
                               .has_snapshot = true,
                               .snapshot = {.version = V, .presence = RC_PRESENCE_EMPLOYED, .employee = SOMEBODY},
                               .has_state = true,
                               .has_user = true};
    facts.user.user = (rc_learnamp_user_t){.id = 7, .email = "A@A.example", .external_id = "42"};
    events[0] = (rc_trace_record_t){.at = {"created", 0, 0},
                                    .lane = RC_EVENT_CREATED,
                                    .event = {.type = RC_EVENT_CREATED, .version = V, .occurred_at = {V}}};
    events[0].event.employee = SOMEBODY;
    facts.has_ledger[RC_EVENT_CREATED] = true;
    facts.ledger[RC_EVENT_CREATED] =
        (rc_ledger_entry_t){.version = V, .outcome = RC_OUTCOME_APPLIED, .user_id = 7, .at = {V + 10}};
}

static void teardown(void)
{
    rc_arena_free(arena);
}

static void set_ledger(rc_event_type_t lane, int64_t version, rc_outcome_t outcome, int64_t at)
{
    facts.has_ledger[lane] = true;
    facts.ledger[lane] = (rc_ledger_entry_t){.version = version, .outcome = outcome, .at = {at}};
}

/* A copy of the created event in a retry topic. */
static void park(rc_park_reason_t reason, int64_t written_at)
{
    rc_trace_record_t *record = &parked[facts.parked.count++];
    *record = events[0];
    record->at = (rc_kafka_offset_t){"retry", 0, (int64_t)facts.parked.count};
    record->written_at = (rc_wall_t){written_at};
    record->parking = (rc_parking_t){.type = RC_EVENT_CREATED,
                                     .lane = RC_EVENT_CREATED,
                                     .reason = reason,
                                     .message = "so it is",
                                     .not_before = {written_at + 30000},
                                     .origin_topic = "created",
                                     .origin_partition = 0,
                                     .origin_offset = 0};
}

static void bury(rc_dead_state_t state)
{
    letters[facts.letter_count++] = (rc_dead_letter_t){.topic = "dlq",
                                                       .lane = RC_EVENT_CREATED,
                                                       .type = RC_EVENT_CREATED,
                                                       .version = V,
                                                       .reason = RC_PARK_REJECTED,
                                                       .message = "title is bad",
                                                       .dead_lettered_at = {V + 5},
                                                       .origin_topic = "created",
                                                       .state = state,
                                                       .became = state == RC_DEAD_OPEN ? NULL : "it was done since"};
}

static void wait_for(rc_pending_reason_t reason)
{
    facts.has_pending = true;
    facts.pending = (rc_pending_t){.employee = SOMEBODY, .reasons = 1U << reason, .since = {V + 20}};
}

/* "what:type@at …", in order. */
static const char *story(void)
{
    size_t count;
    const char *text = "";
    const rc_trace_line_t *lines = rc_trace_story(&facts, arena, &count);
    lines = rc_trace_shorten(lines, count, arena, &count);
    for (size_t i = 0; i < count; i++)
        text = rc_arena_sprintf(arena, "%s%s%s:%d@%lld%s", text, i ? " " : "", lines[i].what, lines[i].type,
                                (long long)lines[i].at.ms, lines[i].times > 1 ? "+" : "");
    return text;
}

/* --- the story --- */

START_TEST(what_happened_is_told_in_the_order_of_time)
{
    park(RC_PARK_TRANSIENT, V + 1);
    bury(RC_DEAD_SETTLED);
    ck_assert_str_eq(story(), "published:0@500 parked:0@501 dead-lettered:0@505 applied:0@510");
}
END_TEST

START_TEST(what_repeats_is_told_once)
{
    for (int i = 1; i <= 5; i++) park(RC_PARK_TRANSIENT, V + i);
    ck_assert_str_eq(story(), "published:0@500 parked:0@501+ applied:0@510");
}
END_TEST

START_TEST(a_change_is_told_with_what_it_was_and_what_it_is)
{
    static const rc_change_t changes[] = {{"job_title", "Engineer"}, {"email", NULL}, {"custom:Cost centre", "1"}};
    size_t count;
    events[0].lane = RC_EVENT_PROFILE_UPDATED;
    events[0].event.type = RC_EVENT_PROFILE_UPDATED;
    events[0].event.profile.changes = changes;
    events[0].event.profile.change_count = 3;
    const rc_trace_line_t *lines = rc_trace_story(&facts, arena, &count);
    ck_assert_str_eq(lines[0].why,
                     "job title: Engineer → nothing; e-mail address: nothing → a@a.example; Cost centre: 1 → nothing");
}
END_TEST

/* --- what still waits --- */

START_TEST(an_event_waits_until_ledger_or_place_say_otherwise)
{
    ck_assert(!rc_trace_event_waits(&facts, &events[0]));
    facts.ledger[RC_EVENT_CREATED].version = V - 1;
    ck_assert(rc_trace_event_waits(&facts, &events[0]));
    events[0].is_behind = true; /* the ledger was lost */
    ck_assert(!rc_trace_event_waits(&facts, &events[0]));
    events[0].is_behind = false;
    facts.has_ledger[RC_EVENT_CREATED] = false;
    ck_assert(rc_trace_event_waits(&facts, &events[0]));
}
END_TEST

START_TEST(a_parked_record_waits_until_it_is_done_parked_again_dead_or_behind)
{
    set_ledger(RC_EVENT_CREATED, V, RC_OUTCOME_PARKED, V + 1);
    park(RC_PARK_TRANSIENT, V + 1);
    ck_assert(rc_trace_parked_waits(&facts, 0));
    park(RC_PARK_TRANSIENT, V + 2);
    ck_assert(!rc_trace_parked_waits(&facts, 0));
    ck_assert(rc_trace_parked_waits(&facts, 1));
    bury(RC_DEAD_OPEN);
    ck_assert(!rc_trace_parked_waits(&facts, 1));
    letters[0].dead_lettered_at.ms = V + 1; /* before it: this one was sent once more */
    ck_assert(rc_trace_parked_waits(&facts, 1));
    parked[1].is_behind = true;
    ck_assert(!rc_trace_parked_waits(&facts, 1));
    parked[1].is_behind = false;
    set_ledger(RC_EVENT_CREATED, V, RC_OUTCOME_APPLIED, V + 3);
    ck_assert(!rc_trace_parked_waits(&facts, 1));
    parked[1].parking.reason = RC_PARK_MANAGER; /* done but for them */
    parked[1].parking.not_before.ms = V + 4;
    ck_assert(rc_trace_parked_waits(&facts, 1));
    set_ledger(RC_EVENT_CREATED, V, RC_OUTCOME_APPLIED, V + 4); /* by the attempt that was due then */
    ck_assert(!rc_trace_parked_waits(&facts, 1));
}
END_TEST

/* --- the verdict --- */

static void nothing(void) {}
static void open_letter(void)
{
    set_ledger(RC_EVENT_CREATED, V, RC_OUTCOME_DEAD, V + 5);
    facts.has_user = false;
    bury(RC_DEAD_OPEN);
}
static void settled_letter(void)
{
    bury(RC_DEAD_SETTLED);
}
static void parked_record(void)
{
    set_ledger(RC_EVENT_CREATED, V, RC_OUTCOME_PARKED, V + 5);
    park(RC_PARK_TRANSIENT, V + 5);
}
static void waits_for_boss(void)
{
    park(RC_PARK_MANAGER, V + 5);
    facts.snapshot.employee.manager_email = "boss@a.example";
}
static void not_applied(void)
{
    facts.has_ledger[RC_EVENT_CREATED] = false;
    facts.has_user = false;
}
static void nobody_reads(void)
{
    not_applied();
    facts.readers[RC_EVENT_CREATED] = RC_READERS_NONE;
}
static void lane_is_paused(void)
{
    not_applied();
    facts.state.paused = 1U << RC_EVENT_CREATED;
}
static void held(void)
{
    static const rc_hold_ref_t hold = {.brake = RC_BRAKE_CREATIONS, .hold_id = "h1"};
    wait_for(RC_PENDING_HELD);
    facts.pending.holds = &hold;
    facts.pending.hold_count = 1;
}
static void no_email(void)
{
    wait_for(RC_PENDING_NO_EMAIL);
}
static void collides(void)
{
    wait_for(RC_PENDING_EMAIL_COLLISION);
}
static void not_yet(void)
{
    wait_for(RC_PENDING_NOT_YET);
    facts.pending.until = (rc_wall_t){NOW + 3LL * 86400 * 1000};
}
static void absent(void)
{
    wait_for(RC_PENDING_ABSENT_ONCE);
}
static void rejected(void)
{
    wait_for(RC_PENDING_REJECTED);
}
static void producer_paused(void)
{
    wait_for(RC_PENDING_PAUSED);
}
static void deleted_there(void)
{
    facts.has_user = false;
}
static void event_behind_a_hanging_transaction(void)
{
    facts.has_user = false;
    facts.events.count = 0;
    facts.has_ledger[RC_EVENT_CREATED] = false;
}
static void change_behind_a_hanging_transaction(void)
{
    static const rc_difference_t promoted = {.field = "job_title", .hr = "Boss"};
    facts.snapshot.version = V + 1;
    facts.snapshot.employee.job_title = "Boss";
    facts.difference_count = 1;
    facts.differences = &promoted;
}
static void taken_there(void)
{
    static const rc_learnamp_user_t other = {.id = 8, .external_id = "43"};
    facts.has_user = false;
    facts.namesake = &other;
}
static void deactivated_there(void)
{
    facts.user.user.deactivated = true;
}
static void other_address_there(void)
{
    static const rc_difference_t differences[] = {{"email", "a@a.example", "b@a.example"}, {"job_title", NULL, "Boss"}};
    facts.differences = differences;
    facts.difference_count = 2;
}
static void leaver_is_active(void)
{
    facts.snapshot.presence = RC_PRESENCE_GONE;
}
static void leaver(void)
{
    facts.snapshot.presence = RC_PRESENCE_GONE;
    facts.user.user.deactivated = true;
}
static void learnamp_is_away(void)
{
    facts.has_user = false;
    facts.trouble = "no connection";
}
static void customer_needed(void)
{
    facts.state.state = RC_STATE_NEEDS_CUSTOMER;
    facts.state.reason = "Personio's key was revoked";
}
static void forgotten(void)
{
    facts.has_snapshot = facts.has_user = facts.has_ledger[RC_EVENT_CREATED] = false;
}

static void conflict(void)
{
    taken_there();
    facts.has_user = true; /* who is to get the address of another */
    set_ledger(RC_EVENT_CREATED, V, RC_OUTCOME_PARKED, V + 5);
    park(RC_PARK_CONFLICT, V + 5);
}
static void conflict_with_nobody_of_ours(void)
{
    static const rc_learnamp_user_t other = {.id = 8};
    conflict();
    facts.namesake = &other;
}
static void conflict_letter(void)
{
    taken_there();
    open_letter();
    letters[0].reason = RC_PARK_IDENTITY_CONFLICT;
}
static void unknown_to_the_consumers(void)
{
    parked_record();
    parked[0].parking.reason = RC_PARK_UNKNOWN_INTEGRATION;
}
static void on_its_way_to_created(void)
{
    parked_record();
    parked[0].parking.reason = RC_PARK_HANDED_OVER;
}

static void lost_retry(void)
{
    set_ledger(RC_EVENT_CREATED, V, RC_OUTCOME_PARKED, V + 5);
}
static void lost_letter(void)
{
    set_ledger(RC_EVENT_CREATED, V, RC_OUTCOME_DEAD, V + 5);
}

static const struct {
    const char *what;
    void (*change)(void);
    rc_trace_verdict_kind_t kind;
    const char *says; /* stands in a reason or a note; NULL: nothing is said at all */
    const char *next; /* the first command; NULL: none */
} CASES[] = {
    {"all is well", nothing, RC_TRACE_IN_STEP, NULL, NULL},
    {"a dead letter", open_letter, RC_TRACE_NOT_IN_STEP, "Learn Amp refused what was sent: title is bad",
     "dlq replay --integration personio:A --employee 42 --apply"},
    {"a dead letter that was settled", settled_letter, RC_TRACE_IN_STEP, NULL, NULL},
    {"parked", parked_record, RC_TRACE_NOT_IN_STEP, "waits in a retry topic", "check --integration personio:A"},
    {"an address that another user has", conflict, RC_TRACE_NOT_IN_STEP, "user 8 has the address and bears the id 43",
     "trace --integration personio:A --employee 43"},
    {"an address that a user made by hand has", conflict_with_nobody_of_ours, RC_TRACE_NOT_IN_STEP,
     "user 8 has the address and bears no id", NULL},
    {"a conflict that was given up", conflict_letter, RC_TRACE_NOT_IN_STEP, "user 8 has the address",
     "trace --integration personio:A --employee 43"},
    {"no integration of theirs", unknown_to_the_consumers, RC_TRACE_NOT_IN_STEP, "does not name this integration",
     "systemctl restart rollcall-consumer"},
    {"handed to created", on_its_way_to_created, RC_TRACE_NOT_IN_STEP, "handed to created", NULL},
    {"without their manager", waits_for_boss, RC_TRACE_NOT_IN_STEP, "the manager",
     "trace --integration personio:A --employee boss@a.example"},
    {"not applied yet", not_applied, RC_TRACE_NOT_IN_STEP, "not applied yet", "check --integration personio:A"},
    {"nobody reads", nobody_reads, RC_TRACE_NOT_IN_STEP, "no rollcall-consumer reads",
     "check --integration personio:A"},
    {"a paused lane", lane_is_paused, RC_TRACE_NOT_IN_STEP, "paused",
     "resume --integration personio:A --events created"},
    {"held", held, RC_TRACE_NOT_IN_STEP, "held by a brake", "status --integration personio:A --hold h1"},
    {"no e-mail", no_email, RC_TRACE_NOT_IN_STEP, "no e-mail address", "once --integration personio:A"},
    {"a collision", collides, RC_TRACE_NOT_IN_STEP, "somebody else",
     "trace --integration personio:A --employee a@a.example"},
    {"not their day", not_yet, RC_TRACE_LATER, "in 3 days", NULL},
    {"absent once", absent, RC_TRACE_NOT_IN_STEP, "second look", "once --integration personio:A --full"},
    {"rejected", rejected, RC_TRACE_NOT_IN_STEP, "a person rejected", NULL},
    {"publishing paused", producer_paused, RC_TRACE_NOT_IN_STEP, "paused", "resume --integration personio:A"},
    {"deleted at Learn Amp", deleted_there, RC_TRACE_NOT_IN_STEP, "deleted there",
     "resync --integration personio:A --employee 42"},
    {"created behind a hanging transaction", event_behind_a_hanging_transaction, RC_TRACE_NOT_IN_STEP,
     "its event is not seen: a transaction hangs", "resync --integration personio:A --employee 42"},
    {"changed behind a hanging transaction", change_behind_a_hanging_transaction, RC_TRACE_NOT_IN_STEP,
     "its event is not seen: a transaction hangs", "resync --integration personio:A --employee 42"},
    {"somebody else at Learn Amp", taken_there, RC_TRACE_NOT_IN_STEP, "user 8 has the address and bears the id 43",
     "resync --integration personio:A --employee 42"},
    {"deactivated by hand", deactivated_there, RC_TRACE_NOT_IN_STEP, "deactivated at Learn Amp",
     "resync --integration personio:A --employee 42"},
    {"another address by hand", other_address_there, RC_TRACE_NOT_IN_STEP,
     "e-mail address: b@a.example, and HR says a@a.example; job title: Boss, and HR says nothing",
     "resync --integration personio:A --employee 42"},
    {"a leaver who is active", leaver_is_active, RC_TRACE_NOT_IN_STEP, "active at Learn Amp",
     "resync --integration personio:A --employee 42"},
    {"a leaver", leaver, RC_TRACE_IN_STEP, "have left", NULL},
    {"Learn Amp is away", learnamp_is_away, RC_TRACE_IN_STEP, "not known: no connection", NULL},
    {"HR is not read", customer_needed, RC_TRACE_IN_STEP, "Personio's key was revoked",
     "status --integration personio:A"},
    {"parked where nobody looks", lost_retry, RC_TRACE_NOT_IN_STEP, "in none of the configured retry topics",
     "resync --integration personio:A --employee 42"},
    {"a dead letter that is gone", lost_letter, RC_TRACE_NOT_IN_STEP, "nor among the dead letters",
     "resync --integration personio:A --employee 42"},
    {"forgotten", forgotten, RC_TRACE_IN_STEP, "forgotten", NULL},
};
enum { CASE_COUNT = sizeof CASES / sizeof *CASES };

START_TEST(the_verdict_says_why_and_what_to_type)
{
    CASES[_i].change();
    rc_trace_verdict_t verdict = rc_trace_judge(&facts, arena);
    const char *said = "";
    for (size_t i = 0; i < verdict.because_count; i++)
        said = rc_arena_sprintf(arena, "%s%s.", said, verdict.because[i]);
    for (size_t i = 0; i < verdict.note_count; i++) said = rc_arena_sprintf(arena, "%s%s.", said, verdict.notes[i]);
    ck_assert_msg(verdict.kind == CASES[_i].kind, "%s: %d, %s", CASES[_i].what, (int)verdict.kind, said);
    if (CASES[_i].says)
        ck_assert_msg(strstr(said, CASES[_i].says) != NULL, "%s: \"%s\" is not in: %s", CASES[_i].what, CASES[_i].says,
                      said);
    else
        ck_assert_str_eq(said, "");
    if (CASES[_i].next) {
        ck_assert_msg(verdict.next_count > 0, "%s: no command", CASES[_i].what);
        ck_assert_str_eq(verdict.next[0].command, CASES[_i].next);
    } else {
        ck_assert_uint_eq(verdict.next_count, 0);
    }
}
END_TEST

START_TEST(nobody_is_who_is_known_nowhere)
{
    ck_assert(rc_trace_is_known(&facts));
    facts = (rc_trace_facts_t){.integration = &integration, .employee_id = "42"};
    ck_assert(!rc_trace_is_known(&facts));
    facts.has_user = true;
    ck_assert(rc_trace_is_known(&facts));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trace");
    TCase *tests = tcase_create("trace");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, what_happened_is_told_in_the_order_of_time);
    tcase_add_test(tests, what_repeats_is_told_once);
    tcase_add_test(tests, a_change_is_told_with_what_it_was_and_what_it_is);
    tcase_add_test(tests, an_event_waits_until_ledger_or_place_say_otherwise);
    tcase_add_test(tests, a_parked_record_waits_until_it_is_done_parked_again_dead_or_behind);
    tcase_add_loop_test(tests, the_verdict_says_why_and_what_to_type, 0, CASE_COUNT);
    tcase_add_test(tests, nobody_is_who_is_known_nowhere);
    suite_add_tcase(suite, tests);
    return rc_unit_run(suite);
}
