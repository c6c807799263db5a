/* consumer/engine/resolver: writers' schemas that a registry has, does not have, or cannot say yet. */
#include "consumer/engine/resolver.h"

#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "tests/support/unit.h"
#include "tests/support/wire.h"

static rc_wire_t *wire;
static rc_loop_t *loop;
static rc_registry_t *registry;
static rc_schema_store_t *store;
static rc_codec_t *codec;
static rc_resolver_t *resolver;
static char *body;          /* what the registry answers with; NULL: it knows nothing */
static atomic_int failures; /* answers that are to fail before */
static int answers;

static bool play(void *opaque, const rc_wire_request_t *request)
{
    (void)opaque;
    if (atomic_fetch_sub(&failures, 1) > 0)
        rc_wire_answer(request, 503, "", "{}");
    else if (body && rc_wire_is(request, "GET /schemas/ids/7"))
        rc_wire_answer(request, 200, "", body);
    else
        rc_wire_answer(request, 404, "", "{\"error_code\":40403,\"message\":\"Schema not found\"}");
    return true;
}

static void done(void *opaque)
{
    answers++;
    ck_assert_ptr_eq(opaque, loop);
    rc_loop_stop(loop);
}

static void give_up(void *opaque)
{
    (void)opaque;
    ck_abort_msg("no answer in time");
}

static void set_up(void)
{
    answers = 0;
    atomic_store(&failures, 0);
    wire = rc_wire_new(play, NULL);
    loop = rc_loop_new();
    registry = rc_registry_new(&(rc_registry_options_t){.url = rc_wire_url(wire), .timeout_ms = 5000});
    store = rc_schema_store_new();
    codec = rc_codec_new(store, RC_WIRE_CONFLUENT);
    resolver = rc_resolver_new(loop, NULL, codec, registry);
    rc_loop_timer_start(rc_loop_timer_new(loop, give_up, NULL), rc_unit_patience_ms(10000), 0);
    json_t *answer = json_object();
    rc_json_put_str(answer, "schema", rc_schema_store_current(store, RC_RECORD_CREATED)->json);
    body = rc_json_text(answer, false);
    json_decref(answer);
}

static void tear_down(void)
{
    rc_resolver_stop(resolver);
    rc_loop_free(loop);
    rc_resolver_free(resolver);
    rc_codec_free(codec);
    rc_schema_store_free(store);
    rc_registry_free(registry);
    rc_wire_free(wire);
    free(body);
}

static void find(rc_resolver_t *of, uint32_t registry_id)
{
    const rc_framing_t framing = {.wire = RC_WIRE_CONFLUENT, .registry_id = registry_id};
    rc_resolver_find(of, &framing, done, loop);
}

START_TEST(a_schema_of_the_registry_is_in_the_store_when_the_answer_comes)
{
    find(resolver, 7);
    ck_assert_int_eq(answers, 0); /* never before the call returned */
    rc_loop_run(loop);
    ck_assert_int_eq(answers, 1);
    ck_assert_ptr_eq(rc_schema_store_find_id(store, 7), rc_schema_store_current(store, RC_RECORD_CREATED));
    find(resolver, 7); /* known now: not asked for again */
    rc_loop_run(loop);
    ck_assert_int_eq(answers, 2);
    ck_assert_int_eq(rc_wire_requests(wire), 1);
}
END_TEST

START_TEST(a_registry_that_fails_is_asked_until_it_answers)
{
    atomic_store(&failures, 2);
    find(resolver, 7);
    rc_loop_run(loop);
    ck_assert_ptr_nonnull(rc_schema_store_find_id(store, 7));
    ck_assert_int_eq(rc_wire_requests(wire), 3);
}
END_TEST

START_TEST(what_the_registry_does_not_know_is_answered_at_once)
{
    find(resolver, 8);
    rc_loop_run(loop);
    ck_assert_int_eq(answers, 1);
    ck_assert_ptr_null(rc_schema_store_find_id(store, 8));
    ck_assert_int_eq(rc_wire_requests(wire), 1);
}
END_TEST

START_TEST(without_a_registry_nobody_knows)
{
    rc_resolver_t *none = rc_resolver_new(loop, NULL, codec, NULL);
    find(none, 7);
    ck_assert_int_eq(answers, 0);
    rc_loop_run(loop);
    ck_assert_int_eq(answers, 1);
    rc_resolver_stop(none);
    rc_resolver_free(none);
}
END_TEST

START_TEST(after_the_stop_nobody_is_called_whatever_was_asked)
{
    atomic_store(&failures, 1000000);
    for (uint32_t id = 1; id <= 20; id++) find(resolver, id);
    rc_resolver_stop(resolver);
    rc_resolver_stop(resolver); /* twice is fine; what was posted is dropped in tear_down, without a call */
    ck_assert_int_eq(answers, 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("resolver");
    TCase *tests = tcase_create("resolver");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_schema_of_the_registry_is_in_the_store_when_the_answer_comes);
    tcase_add_test(tests, a_registry_that_fails_is_asked_until_it_answers);
    tcase_add_test(tests, what_the_registry_does_not_know_is_answered_at_once);
    tcase_add_test(tests, without_a_registry_nobody_knows);
    tcase_add_test(tests, after_the_stop_nobody_is_called_whatever_was_asked);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return rc_unit_run(suite());
}
