#include "consumer/engine/engine.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/text.h"
#include "common/topics.h"
#include "consumer/engine/engine_state.h"
#include "consumer/engine/lag.h"
#include "consumer/engine/work.h"

enum {
    FULL_RECORDS = 20000,   /* in memory in all; beyond it every site holds little */
    PRESSURE_MIN = 4000,    /* records of a merely busy site at which their lane stops reading */
    PRESSURE_SLOTS = 8,     /* or so many for each slot */
    BATCH_FULL = 10000,     /* outcomes that wait for the committer, at which all lanes stop reading */
    HELD_DELAY_MS = 300000, /* the tier of records that are held too long: "the 5 m tier" */
    COMMIT_GRACE_MS = 5000, /* at the end, for what was finished */
    ASK_GROUP_MS = 5000
};

/* --- small things --- */

rc_site_t *rc_engine_site(const rc_engine_t *engine, const char *integration_id)
{
    return rc_map_get(engine->sites, integration_id, strlen(integration_id));
}

static void pump_all(void *opaque);

void rc_engine_pump_later(rc_engine_t *engine, rc_site_t *site)
{
    site->pump_due = true;
    if (!rc_loop_timer_is_running(engine->pump_timer)) rc_loop_timer_start(engine->pump_timer, 0, 0);
}

static bool pump_one(void *opaque, const void *key, size_t key_bytes, void *value)
{
    (void)opaque, (void)key, (void)key_bytes;
    rc_site_t *site = value;
    if (site->pump_due) {
        site->pump_due = false;
        rc_site_pump(site);
    }
    return true;
}

static void pump_all(void *opaque)
{
    rc_engine_t *engine = opaque;
    rc_map_each(engine->sites, pump_one, NULL);
}

size_t rc_engine_held_tier(const rc_engine_t *engine)
{
    size_t tier = 0;
    while (tier + 1 < engine->config->consumer.retry_delays_count &&
           engine->config->consumer.retry_delays_ms[tier] < HELD_DELAY_MS)
        tier++;
    return tier;
}

int64_t rc_engine_held_delay_ms(const rc_engine_t *engine)
{
    return engine->config->consumer.retry_delays_ms[rc_engine_held_tier(engine)];
}

bool rc_engine_is_full(const rc_engine_t *engine)
{
    return engine->records > FULL_RECORDS;
}

bool rc_engine_has_one_site(const rc_engine_t *engine)
{
    return engine->config->integrations_count == 1;
}

static size_t pressure_limit(const rc_engine_t *engine)
{
    size_t most = 0;
    for (size_t i = 0; i < engine->config->integrations_count; i++) {
        size_t slots = (size_t)engine->config->integrations[i].learnamp.max_in_flight;
        if (slots > most) most = slots;
    }
    /* A paused partition is fetched anew: half of this must last until then. */
    return PRESSURE_SLOTS * most > PRESSURE_MIN ? PRESSURE_SLOTS * most : PRESSURE_MIN;
}

void rc_engine_note_pressure(rc_engine_t *engine)
{
    const rc_integration_t *first = engine->config->integrations;
    const rc_site_t *site = rc_engine_has_one_site(engine) && first->learnamp.requests_per_second <= 0
                                ? rc_engine_site(engine, first->id)
                                : NULL; /* what is too much for others is parked: consumer/engine/site.c */
    size_t limit = pressure_limit(engine);
    for (int i = 0; i < RC_EVENT_COUNT; i++) {
        rc_lane_t *lane = engine->lanes[i];
        if (!lane) continue;
        bool is_much = site && site->lane_records[i] >= (lane->under_pressure ? limit / 2 : limit);
        rc_lane_press(lane, is_much || engine->batch->outcomes >= BATCH_FULL);
    }
}

void rc_engine_free_record(rc_record_t *record)
{
    rc_loop_timer_free(record->timer);
    rc_arena_free(record->scratch);
    rc_arena_free(record->arena);
}

/* --- records --- */

/* The record leaves the process's memory. Returns its person, or NULL when nobody is left to go on with. */
rc_person_t *rc_engine_release(rc_record_t *record)
{
    rc_engine_t *engine = record->engine;
    rc_site_t *site = record->site;
    rc_person_t *person = record->person;
    if (record->state == RC_RECORD_READY) rc_site_unqueue(site, record);
    rc_lane_finish(record->lane, record);
    if (site) {
        site->records--;
        site->lane_records[record->lane->type]--;
        engine->records--;
    }
    /* Otherwise an earlier record of another lane could write an older state than this one did. */
    if (person && record->is_unseen) rc_people_keep(engine->people, person, engine->quiet.effect_ms);
    bool gone = person ? rc_people_remove(engine->people, record) : true;
    rc_engine_free_record(record);
    return gone || engine->closing ? NULL : person;
}

/* The same, and the person's next record has its turn. */
void rc_engine_forget(rc_record_t *record)
{
    rc_engine_t *engine = record->engine;
    rc_person_t *person = rc_engine_release(record);
    if (person) rc_work_advance(person);
    if (!engine->closing) rc_engine_note_pressure(engine);
}

static void person_ready(void *opaque, rc_person_t *person)
{
    (void)opaque;
    rc_work_advance(person);
}

/* --- partitions --- */

typedef struct {
    double share;
} share_t;

static bool set_share(void *opaque, const void *key, size_t key_bytes, void *value)
{
    (void)key, (void)key_bytes;
    rc_site_set_share(value, ((share_t *)opaque)->share);
    return true;
}

void rc_engine_assigned(rc_engine_t *engine)
{
    if (engine->closing) return;
    size_t partitions = (size_t)engine->config->kafka.partitions, count = 0, total = 0;
    int32_t *followed = rc_calloc(partitions, sizeof *followed);
    for (size_t partition = 0; partition < partitions; partition++) {
        size_t lanes = 0;
        for (int lane = 0; lane < RC_EVENT_COUNT; lane++)
            lanes += engine->lanes[lane] && engine->lanes[lane]->assignment && engine->lanes[lane]->parts[partition];
        total += lanes;
        if (lanes) followed[count++] = (int32_t)partition;
    }
    rc_tables_set_partitions(engine->tables, followed, count);
    free(followed);
    share_t share = {(double)total / ((double)partitions * RC_EVENT_COUNT)};
    rc_map_each(engine->sites, set_share, &share);
}

static void paused(void *opaque, const char *integration_id, uint32_t events)
{
    rc_site_t *site = rc_engine_site(opaque, integration_id);
    if (site) rc_site_pause(site, events);
}

bool rc_engine_is_ready(const rc_engine_t *engine)
{
    for (int i = 0; i < RC_EVENT_COUNT; i++)
        if (engine->lanes[i] && engine->lanes[i]->state != RC_LANE_RUNNING) return false;
    return !engine->failed;
}

bool rc_engine_follows(const rc_engine_t *engine)
{
    rc_tail_progress_t progress;
    rc_tables_progress(engine->tables, &progress);
    return progress.error.code != RC_IO;
}

/* --- life --- */

void rc_engine_end(rc_engine_t *engine, bool failed)
{
    if (engine->ended) return;
    engine->ended = true;
    engine->failed = failed;
    engine->stopped(engine->opaque, failed);
}

static void stop_over(void *opaque)
{
    rc_engine_t *engine = opaque;
    rc_log(RC_LEVEL_WARN,
           "kafka did not take what was finished last; whoever reads these partitions next does it again",
           RC_LOG_INT(COUNT, engine->batch->outcomes));
    rc_engine_end(engine, false);
}

static void name_topics(rc_engine_t *engine)
{
    engine->names = rc_arena_new_sized(1024);
    engine->ledger_topic = rc_topic_name(engine->config, RC_TOPIC_LEDGER, engine->names);
    engine->dlq_topic = rc_topic_name(engine->config, RC_TOPIC_DLQ, engine->names);
    size_t tiers = engine->config->consumer.retry_delays_count;
    engine->retry_topics = rc_arena_alloc(engine->names, tiers * sizeof *engine->retry_topics);
    for (size_t tier = 0; tier < tiers; tier++)
        engine->retry_topics[tier] = rc_topic_retry_name(engine->config, tier, engine->names);
}

static void free_site(void *site)
{
    rc_site_free(site);
}

static void make_sites(rc_engine_t *engine)
{
    engine->sites = rc_map_new(free_site);
    for (size_t i = 0; i < engine->config->integrations_count; i++) {
        const rc_integration_t *integration = &engine->config->integrations[i];
        (void)rc_map_set(engine->sites, integration->id, strlen(integration->id), rc_site_new(engine, integration));
    }
}

/* From the start, so that a rise from nothing to the first parked record is seen. */
static void show_tiers(rc_engine_t *engine)
{
    for (size_t tier = 0; tier < engine->config->consumer.retry_delays_count; tier++) {
        char delay[RC_TIME_STR_SIZE];
        const char *name = rc_duration_str(engine->config->consumer.retry_delays_ms[tier], delay);
        rc_series_add(rc_metrics_series(engine->metrics, RC_METRIC_PARKED, name, NULL, NULL), 0);
    }
}

static int64_t session_timeout_ms(const rc_config_t *config)
{
    enum { DEFAULT_MS = 45000 }; /* librdkafka's */
    const char *value = rc_config_property(config, "session.timeout.ms");
    return value ? strtoll(value, NULL, 10) : DEFAULT_MS;
}

/* Whether a group still counts on the member that a lane is about to become again: somebody of this name was in it
 * during the last session. */
static bool is_counted_on(const rc_engine_t *engine, const rc_lane_t *lane)
{
    rc_arena_t *arena = rc_arena_new_sized(1024);
    const rc_kafka_member_t *members = NULL;
    size_t count = 0;
    rc_error_t error = RC_ERROR_INIT;
    rc_code_t code = rc_tables_members(engine->tables, lane->group_id, ASK_GROUP_MS, arena, &members, &count, &error);
    bool found = code != RC_OK;
    if (found) rc_log(RC_LEVEL_WARN, "nobody tells who is in a consumer group", RC_LOG_ERR(&error));
    for (size_t i = 0; i < count && !found; i++) found = rc_text_equal(members[i].instance_id, lane->member_name);
    rc_arena_free(arena);
    return found;
}

/* Whether requests of a former process of this name may take effect yet. Without its files only the groups remember
 * it, for a session, which is longer than that. */
static bool was_cut_short(const rc_engine_t *engine)
{
    if (!rc_tables_are_new(engine->tables)) return rc_tables_was_cut_short(engine->tables);
    for (int lane = 0; lane < RC_EVENT_COUNT; lane++)
        if (engine->lanes[lane] && is_counted_on(engine, engine->lanes[lane])) return true;
    return false;
}

static void begin_quietly(rc_engine_t *engine)
{
    const rc_config_t *config = engine->config;
    bool cut_short = was_cut_short(engine);
    rc_mono_t now = rc_loop_now(engine->loop);
    rc_quiet_init(&engine->quiet, config->consumer.http_timeout_ms, session_timeout_ms(config),
                  config->consumer.transaction_interval_ms, cut_short, now);
    if (!cut_short) return;
    rc_log(RC_LEVEL_WARN,
           "the former process of this name was killed, or its files are gone; nothing is sent while its last requests "
           "may take effect",
           RC_LOG_STR(INSTANCE, config->instance), RC_LOG_INT(DELAY, rc_quiet_wait_ms(&engine->quiet, now)));
}

rc_code_t rc_engine_new(const rc_engine_options_t *options, rc_engine_t **result, rc_error_t *error)
{
    rc_engine_t *engine = rc_zalloc(sizeof *engine);
    *engine = (rc_engine_t){.config = rc_kafka_config(options->kafka),
                            .kafka = options->kafka,
                            .codec = options->codec,
                            .registry = options->registry,
                            .metrics = options->metrics,
                            .notify = options->notify,
                            .loop = options->loop,
                            .stopped = options->stopped,
                            .opaque = options->opaque};
    name_topics(engine);
    engine->batch = rc_batch_new();
    engine->fresh = rc_fresh_new();
    engine->people = rc_people_new(engine->loop, person_ready, engine);
    engine->pump_timer = rc_loop_timer_new(engine->loop, pump_all, engine);
    engine->commit_timer = rc_loop_timer_new(engine->loop, rc_engine_commit_interval, engine);
    engine->stop_timer = rc_loop_timer_new(engine->loop, stop_over, engine);
    const rc_http_options_t http = {.proxy = engine->config->http_proxy, .ca_file = engine->config->ca_file};
    engine->http = rc_http_new(engine->loop, &http);
    make_sites(engine);
    rc_code_t code = rc_tables_new(engine->kafka, engine->codec, engine->loop, engine->metrics, paused, engine,
                                   &engine->tables, error);
    if (code != RC_OK) {
        rc_engine_close(engine);
        rc_engine_free(engine);
        return code;
    }
    engine->resolver = rc_resolver_new(engine->loop, engine->tables, engine->codec, engine->registry);
    engine->committer = rc_committer_new(engine->kafka, engine->loop, engine->metrics, engine->ledger_topic,
                                         rc_engine_batch_done, engine);
    for (int lane = 0; lane < RC_EVENT_COUNT; lane++)
        if (options->events & 1u << lane) engine->lanes[lane] = rc_lane_new(engine, (rc_event_type_t)lane);
    begin_quietly(engine);
    for (int lane = 0; lane < RC_EVENT_COUNT; lane++)
        if (engine->lanes[lane]) rc_lane_start(engine->lanes[lane]);
    engine->lag = rc_lag_new(engine);
    show_tiers(engine);
    int64_t interval_ms = engine->config->consumer.transaction_interval_ms;
    rc_loop_timer_start(engine->commit_timer, interval_ms, interval_ms);
    *result = engine;
    return RC_OK;
}

void rc_engine_lane_idle(rc_engine_t *engine)
{
    if (!engine->stopping) return;
    for (int lane = 0; lane < RC_EVENT_COUNT; lane++)
        if (engine->lanes[lane] && !rc_lane_is_idle(engine->lanes[lane])) return;
    rc_engine_end(engine, false);
}

void rc_engine_fenced(rc_engine_t *engine)
{
    rc_log(RC_LEVEL_ERROR,
           "fenced twice within a minute: another process has the same instance name; give each its own "
           "(instance, --instance)",
           RC_LOG_STR(INSTANCE, engine->config->instance));
    rc_engine_end(engine, true);
}

void rc_engine_stop(rc_engine_t *engine)
{
    if (engine->stopping || engine->closing) return;
    engine->stopping = true;
    rc_loop_timer_start(engine->stop_timer, engine->config->consumer.drain_timeout_ms + COMMIT_GRACE_MS, 0);
    for (int lane = 0; lane < RC_EVENT_COUNT; lane++)
        if (engine->lanes[lane]) rc_lane_stop(engine->lanes[lane]);
    rc_engine_lane_idle(engine);
}

void rc_engine_close(rc_engine_t *engine)
{
    engine->closing = true;
    rc_resolver_stop(engine->resolver);
    rc_committer_stop(engine->committer);
    rc_lag_stop(engine->lag);
    rc_tables_stop(engine->tables);
    for (int lane = 0; lane < RC_EVENT_COUNT; lane++) {
        rc_record_t *record;
        while (engine->lanes[lane] && (record = TAILQ_FIRST(&engine->lanes[lane]->records))) rc_work_abandon(record);
        rc_lane_free(engine->lanes[lane]);
        engine->lanes[lane] = NULL;
    }
    if (engine->tables && !rc_quiet_is_settled(&engine->quiet, rc_loop_now(engine->loop)))
        rc_tables_leave_open(engine->tables);
    rc_people_free(engine->people);
    rc_map_free(engine->sites);
    rc_http_free(engine->http);
    rc_loop_timer_free(engine->pump_timer);
    rc_loop_timer_free(engine->commit_timer);
    rc_loop_timer_free(engine->stop_timer);
}

void rc_engine_free(rc_engine_t *engine)
{
    if (!engine) return;
    rc_engine_free_shown(engine);
    rc_lag_free(engine->lag);
    rc_resolver_free(engine->resolver);
    rc_committer_free(engine->committer);
    rc_tables_free(engine->tables);
    rc_fresh_free(engine->fresh);
    rc_batch_free(engine->batch);
    rc_arena_free(engine->names);
    free(engine);
}
