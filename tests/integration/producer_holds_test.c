/* Brakes, holds and pauses of a running producer on a real broker: what operators decide, and what is published. */
#include <pthread.h>

#include "common/json.h"
#include "producer/commands/ask.h"
#include "tests/integration/producer_rig.h"

enum { PEOPLE = 30, LEAVERS = 6, ANSWER_MS = 20000 };

static rig_t one;
static char prefix[48], directory[48], text[RIG_TEXT_SIZE];
static rc_answer_t answer;

static void setup(void)
{
    rig_places(prefix, directory);
    sandbox_start(PEOPLE, false);
    rig_init(&one, rig_text(text, prefix, "one", directory, "brakes: {deactivations: {count: 3, percent: 0}}"));
    rc_service_start(&one.service, NULL);
}

static void teardown(void)
{
    rig_close(&one);
    sandbox_stop();
    rig_remove(directory);
}

/* --- what is asked --- */

static void give(rc_command_t command)
{
    command.integration_id = rig_id(&one);
    command.trigger = RC_TRIGGER_COMMAND;
    OK(rc_ask(one.service.kafka, one.service.enrolment.codec, &command, 1, rc_unit_patience_ms(ANSWER_MS), NULL,
              one.arena, &answer, &rc_oops));
}

static void poll_now(void)
{
    give((rc_command_t){.kind = RC_COMMAND_POLL});
    ck_assert_msg(answer.ok, "%s", answer.message);
}

static void decide(rc_command_kind_t kind, const rc_hold_t *hold)
{
    give((rc_command_t){.kind = kind, .hold_id = hold->id, .listed_at = hold->changed_at});
    ck_assert_msg(answer.ok, "%s", answer.message);
}

/* People with these numbers leave; they are announced (the sandbox's first are managers, who are active). */
static void leave(int first, int count)
{
    char body[1024] = "[";
    for (int i = first; i < first + count; i++)
        (void)snprintf(body + strlen(body), sizeof body - strlen(body), "%s{'op': 'leave', 'employee': %d}",
                       i > first ? "," : "", i);
    (void)strncat(body, "]", sizeof body - strlen(body) - 1);
    control_quietly("POST", "changes", body);
}

static size_t deactivated(void)
{
    rig_events_t events = rig_events(&one);
    rig_check_chains(&events);
    return rig_count(&events, RC_EVENT_DEACTIVATED);
}

typedef struct {
    uint32_t reasons;
    int64_t count;
} waiting_t;

static bool count_waiting(void *opaque, const rc_pending_t *pending, uint32_t ordinal)
{
    waiting_t *waiting = opaque;
    (void)ordinal;
    waiting->count += (pending->reasons & waiting->reasons) == waiting->reasons;
    return true;
}

static int64_t waiting_for(uint32_t reasons)
{
    waiting_t waiting = {reasons, 0};
    OK(rc_views_each_pending(one.service.views, rig_id(&one), count_waiting, &waiting, &rc_oops));
    return waiting.count;
}

static void *poll_in_vain(void *opaque)
{
    rc_arena_t *arena = rc_arena_new();
    rc_answer_t own;
    rc_error_t error = RC_ERROR_INIT;
    rc_command_t command = {.integration_id = rig_id(&one), .kind = RC_COMMAND_POLL, .trigger = RC_TRIGGER_COMMAND};
    (void)rc_ask(one.service.kafka, one.service.enrolment.codec, &command, 1, rc_unit_patience_ms(ANSWER_MS), NULL,
                 arena, &own, &error);
    rc_arena_free(arena);
    return opaque;
}

/* --- tests --- */

START_TEST(an_approval_publishes_what_was_listed_and_the_rest_waits_anew)
{
    poll_now();
    leave(1, LEAVERS);
    poll_now();
    ck_assert_uint_eq(deactivated(), 0);
    ck_assert_uint_eq(answer.state.hold_count, 1);
    ck_assert_int_eq(answer.state.holds[0].employees, LEAVERS);
    const rc_hold_t listed = answer.state.holds[0];
    leave(1 + LEAVERS, 1);
    poll_now();
    ck_assert_int_eq(answer.state.holds[0].employees, LEAVERS + 1);
    ck_assert_int_gt(answer.state.holds[0].changed_at.ms, listed.changed_at.ms);
    decide(RC_COMMAND_APPROVE, &listed);
    ck_assert_uint_eq(deactivated(), LEAVERS);
    ck_assert_uint_eq(answer.state.hold_count, 1);
    ck_assert_str_ne(answer.state.holds[0].id, listed.id);
    ck_assert_ptr_nonnull(strstr(answer.message, "6 approved; 1 who joined later"));
    ck_assert_ptr_nonnull(strstr(answer.message, answer.state.holds[0].id));
    const rc_hold_t later = answer.state.holds[0];
    decide(RC_COMMAND_REJECT, &later);
    ck_assert_uint_eq(answer.state.hold_count, 0);
    poll_now();
    ck_assert_uint_eq(deactivated(), LEAVERS);
    ck_assert_int_eq(waiting_for(1U << RC_PENDING_REJECTED), 1);
    /* A second answer to the same question. */
    give((rc_command_t){.kind = RC_COMMAND_APPROVE, .hold_id = later.id, .listed_at = later.changed_at});
    ck_assert(!answer.ok);
    ck_assert_ptr_nonnull(strstr(answer.message, "open are: none"));
}
END_TEST

START_TEST(a_paused_type_waits_and_resuming_publishes_it)
{
    poll_now();
    give((rc_command_t){.kind = RC_COMMAND_PAUSE, .events = 1U << RC_EVENT_DEACTIVATED});
    ck_assert_msg(answer.ok, "%s", answer.message);
    ck_assert_uint_eq(answer.state.paused, 1U << RC_EVENT_DEACTIVATED);
    leave(1, 1);
    control_quietly("POST", "changes", "{'op': 'update', 'employee': 2, 'job_title': 'Captain'}");
    poll_now();
    ck_assert_int_eq(answer.state.last_poll.events, 1); /* other types go on */
    ck_assert_uint_eq(deactivated(), 0);
    ck_assert_int_eq(waiting_for(1U << RC_PENDING_PAUSED), 1);
    give((rc_command_t){.kind = RC_COMMAND_RESUME});
    ck_assert_msg(answer.ok, "%s", answer.message);
    ck_assert_uint_eq(answer.state.paused, 0);
    ck_assert_uint_eq(deactivated(), 1);
    ck_assert_int_eq(waiting_for(1U << RC_PENDING_PAUSED), 0);
}
END_TEST

static int64_t count_hits(void)
{
    json_t *faults = control("GET", "/faults", NULL);
    int64_t hits = 0;
    size_t i;
    json_t *fault;
    json_array_foreach(json_object_get(faults, "faults"), i, fault) hits +=
        json_integer_value(json_object_get(fault, "hits"));
    json_decref(faults);
    return hits;
}

static int64_t polls_that_ended(rc_code_t how)
{
    return (int64_t)rc_series_value(
        rc_metrics_series(one.service.metrics, RC_METRIC_POLLS, rig_id(&one), rc_code_str(how), NULL));
}

/* The stop button does not wait for a source that does not answer. */
START_TEST(a_pause_breaks_a_poll_off)
{
    pthread_t poller;
    poll_now();
    leave(1, 1);
    control_quietly("POST", "/faults", "{'side': 'kombo', 'kind': 'hang', 'delay_ms': 600000, 'next': 1}");
    ck_assert_int_eq(pthread_create(&poller, NULL, poll_in_vain, NULL), 0);
    int64_t until_ms = rc_mono_now().ms + rc_unit_patience_ms(RIG_PATIENCE_MS);
    while (count_hits() == 0 && rc_mono_now().ms < until_ms) (void)usleep(20000);
    give((rc_command_t){.kind = RC_COMMAND_PAUSE});
    ck_assert_msg(answer.ok, "%s", answer.message);
    ck_assert_int_eq(pthread_join(poller, NULL), 0); /* it was made again, behind the pause */
    ck_assert_int_eq(polls_that_ended(RC_CANCELLED), 1);
    ck_assert_int_eq(polls_that_ended(RC_TIMEOUT), 0);
    ck_assert_int_eq(waiting_for(1U << RC_PENDING_PAUSED), 1);
    ck_assert_uint_eq(deactivated(), 0);
}
END_TEST

int main(void)
{
    if (!rc_cluster_is_there()) return RC_CLUSTER_ABSENT;
    Suite *suite = suite_create("holds");
    TCase *tcase = tcase_create("holds");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, an_approval_publishes_what_was_listed_and_the_rest_waits_anew);
    tcase_add_test(tcase, a_paused_type_waits_and_resuming_publishes_it);
    tcase_add_test(tcase, a_pause_breaks_a_poll_off);
    suite_add_tcase(suite, tcase);
    return rc_unit_run(suite);
}
