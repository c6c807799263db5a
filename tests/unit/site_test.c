/* consumer/engine/site: what waits at an integration takes little, and is parked without holding up anybody else. */
#include "consumer/engine/site.h"

#include "consumer/engine/engine.h"
#include "consumer/engine/settle.h"
#include "tests/support/unit.h"

void __wrap_rc_settle_held(rc_record_t *record, const char *why);
void __wrap_rc_engine_pump_later(rc_engine_t *engine, rc_site_t *site);
bool __wrap_rc_engine_is_full(const rc_engine_t *engine);

enum { WAITING = 3000, CAP = 1000, ROUND = 500 };

static rc_engine_t engine;
static rc_integration_t integration;
static rc_lane_t lane = {.type = RC_EVENT_PROFILE_UPDATED};
static rc_site_t site;
static rc_record_t records[WAITING];
static int parked;
static bool asked; /* for another turn */

void __wrap_rc_settle_held(rc_record_t *record, const char *why)
{
    ck_assert_str_ne(why, "");
    rc_site_unqueue(&site, record);
    site.records--;
    parked++;
}

void __wrap_rc_engine_pump_later(rc_engine_t *of, rc_site_t *at)
{
    ck_assert(of == &engine && at == &site);
    asked = true;
}

bool __wrap_rc_engine_is_full(const rc_engine_t *of)
{
    (void)of;
    return false;
}

static void start(void)
{
    parked = 0;
    engine.loop = rc_loop_new();
    engine.metrics = rc_metrics_new(RC_METRICS_CONSUMER);
    site = (rc_site_t){.engine = &engine, .integration = &integration, .share = 1};
    for (int i = 0; i < RC_EVENT_COUNT; i++) TAILQ_INIT(&site.ready[i]);
    rc_breaker_init(&site.breaker, 10);
    rc_gate_init(&site.gate);
    site.timer = rc_loop_timer_new(engine.loop, NULL, NULL);
    site.in_flight_series = site.waiting_series = site.breaker_series =
        rc_metrics_series(engine.metrics, RC_METRIC_WAITING, "a", NULL, NULL);
    for (int i = 0; i < WAITING; i++) {
        records[i] = (rc_record_t){.engine = &engine, .lane = &lane, .site = &site};
        site.records++;
        rc_site_queue(&site, &records[i], false);
    }
}

static void finish(void)
{
    rc_metrics_free(engine.metrics);
    rc_loop_free(engine.loop);
}

START_TEST(what_is_too_much_is_parked_in_turns_so_that_others_have_theirs)
{
    rc_site_pause(&site, 1U << RC_EVENT_PROFILE_UPDATED);
    for (int turn = 1; turn <= (WAITING - CAP) / ROUND; turn++) {
        asked = false;
        rc_site_pump(&site);
        ck_assert_int_eq(parked, turn * ROUND);
        ck_assert_int_eq(asked, turn < (WAITING - CAP) / ROUND);
    }
    ck_assert_uint_eq(site.ready_count, CAP);
}
END_TEST

START_TEST(a_record_that_waits_holds_only_what_it_brought)
{
    records[0].scratch = rc_arena_new_sized(64);
    records[0].row_is_known = true;
    rc_site_unqueue(&site, &records[0]);
    rc_site_queue(&site, &records[0], true);
    ck_assert_ptr_null(records[0].scratch);
    ck_assert(!records[0].row_is_known);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("site");
    TCase *tests = tcase_create("site");
    tcase_add_checked_fixture(tests, start, finish);
    tcase_add_test(tests, what_is_too_much_is_parked_in_turns_so_that_others_have_theirs);
    tcase_add_test(tests, a_record_that_waits_holds_only_what_it_brought);
    suite_add_tcase(suite, tests);
    return rc_unit_run(suite);
}
