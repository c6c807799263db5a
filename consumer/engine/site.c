#include "consumer/engine/site.h"

#include <stdlib.h>

#include "common/log.h"
#include "common/mutant.h"
#include "common/random.h"
#include "consumer/engine/engine.h"
#include "consumer/engine/lane.h"
#include "consumer/engine/settle.h"
#include "consumer/engine/work.h"

enum {
    HELD_MAX = 1000, /* design section 5, "Breaker and limits" */
    HELD_LIMITED_MAX = 20000,
    SHED_ROUND = 500,  /* records parked in one turn of the loop, so that answers to the others are read in between */
    FLOWING_MS = 2000, /* an integration that finished a record within this time is merely busy */
    ALL_EVENTS = (1 << RC_EVENT_COUNT) - 1
};

static int64_t admit(void *opaque)
{
    rc_site_t *site = opaque;
    rc_mono_t now = rc_loop_now(site->engine->loop);
    int64_t quiet_ms = rc_quiet_wait_ms(&site->engine->quiet, now);
    if (quiet_ms > 0) return quiet_ms;
    if (!rc_breaker_admits(&site->breaker, now) || rc_gate_wait_ms(&site->gate, now) > 0) return -1;
    return rc_limiter_take(&site->limiter, now);
}

/* What a person should know, and do, by the cause. */
static const struct {
    const char *opened; /* the log */
    const char *held;   /* the header of a record that is parked because of it */
} breaker_words[] = {
    [RC_BREAKER_NONE] = {"breaker opened", "the breaker is open"},
    [RC_BREAKER_FAILURES] = {"breaker opened: this Learn Amp fails; nothing is sent to it for a while",
                             "Learn Amp fails: the breaker is open"},
    [RC_BREAKER_CREDENTIALS] =
        {"breaker opened: this Learn Amp refuses our credentials; check client_id, client_secret "
         "and scope of its `learnamp` block",
         "Learn Amp refuses our credentials: the breaker is open"},
    [RC_BREAKER_MISCONFIGURED] = {"breaker opened: this Learn Amp does not have what our configuration asks for; check "
                                  "base_url of its `learnamp` block and the custom fields of its `mapping`",
                                  "Learn Amp does not have what our configuration asks for: the breaker is open"},
    [RC_BREAKER_BUDGET] = {"breaker opened: too many dead letters; look at the last ones before more follow",
                           "too many dead letters: the breaker is open"},
    [RC_BREAKER_PAUSED] = {"breaker opened: paused", "the integration is paused"},
};

static void note_breaker(rc_site_t *site, bool opened)
{
    rc_mono_t now = rc_loop_now(site->engine->loop);
    rc_series_set(site->breaker_series, rc_breaker_state(&site->breaker, now));
    if (!opened) return;
    rc_breaker_cause_t cause = rc_breaker_cause(&site->breaker);
    const char *trouble = cause == RC_BREAKER_BUDGET ? "" : rc_learnamp_trouble(site->client);
    rc_log(RC_LEVEL_ERROR, breaker_words[cause].opened, RC_LOG_STR(INTEGRATION, site->integration->id),
           RC_LOG_STR(REASON, rc_breaker_cause_str(cause)), RC_LOG_INT(DELAY, rc_breaker_wait_ms(&site->breaker, now)),
           RC_LOG_STR(MESSAGE, *trouble ? trouble : NULL));
}

const char *rc_site_why_held(const rc_site_t *site, rc_event_type_t lane)
{
    rc_mono_t now = rc_loop_now(site->engine->loop);
    if (site->paused & 1u << lane) return breaker_words[RC_BREAKER_PAUSED].held;
    if (rc_breaker_state(&site->breaker, now) != RC_BREAKER_CLOSED)
        return breaker_words[rc_breaker_cause(&site->breaker)].held;
    if (rc_gate_wait_ms(&site->gate, now) > 0) return "Learn Amp throttles us (429)";
    if (site->integration->learnamp.requests_per_second > 0)
        return "more records wait for the rate limit (requests_per_second) than memory is to hold";
    return "more records wait than memory is to hold";
}

static void observe(void *opaque, rc_class_t class, int64_t retry_after_ms)
{
    rc_site_t *site = opaque;
    rc_mono_t now = rc_loop_now(site->engine->loop);
    if (class == RC_CLASS_THROTTLED) {
        rc_gate_throttled(&site->gate, retry_after_ms, rc_random64(), now);
        rc_log(RC_LEVEL_WARN, "Learn Amp throttles", RC_LOG_STR(INTEGRATION, site->integration->id),
               RC_LOG_INT(DELAY, rc_gate_wait_ms(&site->gate, now)));
    } else {
        rc_gate_answered(&site->gate);
    }
    note_breaker(site, rc_breaker_request(&site->breaker, class, now));
}

static uint64_t random_bits(void *opaque)
{
    (void)opaque;
    return rc_random64();
}

static void timer_over(void *opaque)
{
    rc_site_pump(opaque);
}

/* From the start, so that a rise from nothing to the first one is seen. */
static void show_dead_letters(const rc_site_t *site)
{
    static const rc_park_reason_t reasons[] = {RC_PARK_REJECTED, RC_PARK_IDENTITY_CONFLICT, RC_PARK_POISON};
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        rc_series_add(rc_metrics_series(site->engine->metrics, RC_METRIC_DEAD_LETTERS, site->integration->id,
                                        rc_enum_str(&RC_ENUM_PARK, (int)reasons[i]), NULL),
                      0);
}

rc_site_t *rc_site_new(rc_engine_t *engine, const rc_integration_t *integration)
{
    const rc_config_t *config = engine->config;
    rc_mono_t now = rc_loop_now(engine->loop);
    rc_site_t *site = rc_zalloc(sizeof *site);
    *site = (rc_site_t){.engine = engine, .integration = integration, .share = 1};
    for (int lane = 0; lane < RC_EVENT_COUNT; lane++) TAILQ_INIT(&site->ready[lane]);
    rc_breaker_init(&site->breaker, config->consumer.breaker_failures);
    rc_gate_init(&site->gate);
    rc_limiter_init(&site->limiter, integration->learnamp.requests_per_second, now);
    rc_budget_init(&site->budget, config->consumer.dead_letter_budget.percent,
                   config->consumer.dead_letter_budget.count, config->consumer.dead_letter_budget.window_ms, now);
    const rc_learnamp_hooks_t hooks = {.admit = admit, .observe = observe, .random = random_bits, .opaque = site};
    site->client = rc_learnamp_new(engine->loop, engine->http, integration, config->consumer.http_timeout_ms,
                                   engine->metrics, &hooks);
    site->teams = rc_teams_new(site->client);
    site->timer = rc_loop_timer_new(engine->loop, timer_over, site);
    site->in_flight_series = rc_metrics_series(engine->metrics, RC_METRIC_IN_FLIGHT, integration->id, NULL, NULL);
    site->waiting_series = rc_metrics_series(engine->metrics, RC_METRIC_WAITING, integration->id, NULL, NULL);
    site->breaker_series = rc_metrics_series(engine->metrics, RC_METRIC_BREAKER_STATE, integration->id, NULL, NULL);
    show_dead_letters(site);
    rc_series_set(site->breaker_series, RC_BREAKER_CLOSED);
    return site;
}

void rc_site_free(rc_site_t *site)
{
    if (!site) return;
    RC_INVARIANT(site->ready_count == 0);
    rc_loop_timer_free(site->timer);
    rc_teams_free(site->teams);
    rc_learnamp_free(site->client);
    free(site);
}

/* Nothing can be sent before something else happens. */
static bool is_closed(const rc_site_t *site, rc_event_type_t lane, rc_mono_t now)
{
    return site->paused & 1u << lane || rc_gate_wait_ms(&site->gate, now) > 0 ||
           rc_breaker_state(&site->breaker, now) != RC_BREAKER_CLOSED;
}

size_t rc_site_cap(const rc_site_t *site, rc_event_type_t lane)
{
    rc_mono_t now = rc_loop_now(site->engine->loop);
    if (is_closed(site, lane, now) || rc_engine_is_full(site->engine)) return HELD_MAX;
    double per_second = site->integration->learnamp.requests_per_second * site->share;
    if (site->integration->learnamp.requests_per_second > 0) {
        /* Enough to be busy until what is parked comes back: the permitted rate is used up. */
        double until_back = per_second * (double)rc_engine_held_delay_ms(site->engine) / 1000.0;
        if (until_back > HELD_LIMITED_MAX) return HELD_LIMITED_MAX;
        return until_back > HELD_MAX ? (size_t)until_back : HELD_MAX;
    }
    bool flowing = TAILQ_EMPTY(&site->ready[lane]) || now.ms - site->moved_at[lane].ms < FLOWING_MS;
    if (!flowing) return HELD_MAX;
    /* Only where nobody else's records stand behind them may the lanes wait. */
    return rc_engine_has_one_site(site->engine) ? SIZE_MAX : HELD_LIMITED_MAX;
}

/* The first record of the lane whose turn it is, of those that are not paused. */
static rc_record_t *next_ready(rc_site_t *site)
{
    for (unsigned i = 0; i < RC_EVENT_COUNT; i++) {
        unsigned lane = (site->turn + i) % RC_EVENT_COUNT;
        rc_record_t *record = TAILQ_FIRST(&site->ready[lane]);
        if (!record || site->paused & 1u << lane) continue;
        site->turn = (lane + 1) % RC_EVENT_COUNT;
        return record;
    }
    return NULL;
}

static void note_counts(rc_site_t *site)
{
    rc_series_set(site->in_flight_series, site->in_flight);
    rc_series_set(site->waiting_series, (double)site->ready_count);
}

/* When to look again by itself; nothing is running that would. */
static void set_timer(rc_site_t *site, rc_mono_t now)
{
    int64_t wait_ms = rc_gate_wait_ms(&site->gate, now);
    int64_t breaker_ms = rc_breaker_wait_ms(&site->breaker, now);
    if (breaker_ms > wait_ms) wait_ms = breaker_ms;
    if (wait_ms > 0 && site->ready_count > 0) rc_loop_timer_start(site->timer, wait_ms, 0);
}

/* Parks, from the end, what is held beyond the cap; leavers last. */
static void shed(rc_site_t *site)
{
    int parked = 0;
    for (int lane = 0; lane < RC_EVENT_COUNT; lane++) {
        rc_record_t *record = TAILQ_LAST(&site->ready[lane], rc_record_queue), *before;
        for (; record && site->records > rc_site_cap(site, (rc_event_type_t)lane); record = before) {
            if (parked++ == SHED_ROUND) {
                rc_engine_pump_later(site->engine, site);
                return;
            }
            before = TAILQ_PREV(record, rc_record_queue, of_site);
            rc_settle_held(record, rc_site_why_held(site, record->lane->type));
        }
    }
}

void rc_site_pump(rc_site_t *site)
{
    rc_mono_t now = rc_loop_now(site->engine->loop);
    rc_series_set(site->breaker_series, rc_breaker_state(&site->breaker, now));
    rc_record_t *record;
    while (rc_gate_wait_ms(&site->gate, now) == 0 &&
           site->in_flight < rc_breaker_slots(&site->breaker, site->integration->learnamp.max_in_flight, now) &&
           (record = next_ready(site))) {
        rc_site_unqueue(site, record);
        site->in_flight++;
        rc_work_begin(record);
    }
    shed(site);
    set_timer(site, now);
    note_counts(site);
}

void rc_site_queue(rc_site_t *site, rc_record_t *record, bool first)
{
    rc_record_queue_t *ready = &site->ready[record->lane->type];
    record->state = RC_RECORD_READY;
    /* Thousands may wait here for long, and N is read again when their turn comes. */
    rc_arena_free(record->scratch);
    record->scratch = NULL;
    record->row_is_known = false;
    if (TAILQ_EMPTY(ready)) rc_site_moved(site, record->lane->type);
    if (first)
        TAILQ_INSERT_HEAD(ready, record, of_site);
    else
        TAILQ_INSERT_TAIL(ready, record, of_site);
    site->ready_count++;
    rc_engine_pump_later(site->engine, site);
}

void rc_site_unqueue(rc_site_t *site, rc_record_t *record)
{
    TAILQ_REMOVE(&site->ready[record->lane->type], record, of_site);
    site->ready_count--;
    record->state = RC_RECORD_WAITING;
}

void rc_site_moved(rc_site_t *site, rc_event_type_t lane)
{
    site->moved_at[lane] = rc_loop_now(site->engine->loop);
}

void rc_site_ended(rc_site_t *site, rc_class_t class)
{
    bool was_open = site->breaker.open;
    site->in_flight--;
    note_breaker(site, rc_breaker_record(&site->breaker, class, rc_loop_now(site->engine->loop)));
    if (was_open && !site->breaker.open)
        rc_log(RC_LEVEL_INFO, "breaker closed: this Learn Amp answers again",
               RC_LOG_STR(INTEGRATION, site->integration->id));
    rc_engine_pump_later(site->engine, site);
}

void rc_site_budget_spent(rc_site_t *site, const char *why)
{
    rc_mono_t now = rc_loop_now(site->engine->loop);
    if (rc_breaker_state(&site->breaker, now) == RC_BREAKER_OPEN) return;
    rc_breaker_trip(&site->breaker, RC_BREAKER_BUDGET, now);
    rc_log(RC_LEVEL_ERROR, "dead-letter budget is spent", RC_LOG_STR(INTEGRATION, site->integration->id),
           RC_LOG_STR(MESSAGE, why));
    note_breaker(site, true);
}

void rc_site_pause(rc_site_t *site, uint32_t paused)
{
    if (site->paused == paused || RC_MUTANT(PAUSE_IGNORED)) return;
    site->paused = paused;
    rc_breaker_pause(&site->breaker, (paused & ALL_EVENTS) == ALL_EVENTS);
    rc_log(RC_LEVEL_WARN, paused ? "integration is paused" : "integration goes on",
           RC_LOG_STR(INTEGRATION, site->integration->id));
    rc_engine_pump_later(site->engine, site);
}

void rc_site_set_share(rc_site_t *site, double share)
{
    site->share = share;
    rc_limiter_set_share(&site->limiter, share, rc_loop_now(site->engine->loop));
}
