#include "consumer/engine.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/topics.h"

enum {
    FULL_RECORDS = 20000,  /* in memory in all; beyond it every site holds little */
    PRESSURE_MIN = 4000,   /* records of merely busy sites at which the lanes stop reading */
    BATCH_OUTCOMES = 5000, /* committed earlier than the interval */
    FENCED_AGAIN_MS = 60000,
    HELD_DELAY_MS = 300000, /* the tier of records that are held too long: "the 5 m tier" */
    NEWEST_RETRY_MS = 1000,
    HTTP_MARGIN_MS = 100,
    VALUE_MAX_BYTES = 1024 * 1024
};

static void finish_applied(rc_record_t *record);
static void after_barrier(void *opaque, rc_code_t code);

/* --- small things --- */

static rc_site_t *find_site(const rc_engine_t *engine, const char *integration_id)
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

static size_t held_tier(const rc_engine_t *engine)
{
    size_t tier = 0;
    while (tier + 1 < engine->config->consumer.retry_delays_count &&
           engine->config->consumer.retry_delays_ms[tier] < HELD_DELAY_MS)
        tier++;
    return tier;
}

int64_t rc_engine_held_delay_ms(const rc_engine_t *engine)
{
    return engine->config->consumer.retry_delays_ms[held_tier(engine)];
}

bool rc_engine_is_full(const rc_engine_t *engine)
{
    return engine->records > FULL_RECORDS;
}

static size_t pressure_limit(const rc_engine_t *engine)
{
    size_t most = 0;
    for (size_t i = 0; i < engine->config->integrations_count; i++) {
        size_t slots = (size_t)engine->config->integrations[i].learnamp.max_in_flight;
        if (slots > most) most = slots;
    }
    return 2 * most > PRESSURE_MIN ? 2 * most : PRESSURE_MIN;
}

static bool count_unlimited(void *opaque, const void *key, size_t key_bytes, void *value)
{
    (void)key, (void)key_bytes;
    const rc_site_t *site = value;
    if (site->integration->learnamp.requests_per_second <= 0) *(size_t *)opaque += site->records;
    return true;
}

/* Stops the lanes when merely busy sites hold enough, and lets them go on at half of it. */
static void note_pressure(rc_engine_t *engine)
{
    size_t limit = pressure_limit(engine);
    if (!engine->under_pressure && engine->records < limit) return;
    size_t held = 0;
    rc_map_each(engine->sites, count_unlimited, &held);
    bool under_pressure = held >= (engine->under_pressure ? limit / 2 : limit);
    if (under_pressure == engine->under_pressure) return;
    engine->under_pressure = under_pressure;
    for (int lane = 0; lane < RC_EVENT_COUNT; lane++)
        if (engine->lanes[lane]) rc_lane_press(engine->lanes[lane], under_pressure);
}

void rc_engine_free_record(rc_record_t *record)
{
    rc_loop_timer_free(record->timer);
    rc_arena_free(record->scratch);
    rc_arena_free(record->arena);
}

/* --- the batch --- */

static void commit_now(rc_engine_t *engine)
{
    if (rc_committer_is_busy(engine->committer)) {
        engine->commit_due = true;
        return;
    }
    engine->commit_due = false;
    rc_batch_t *batch = engine->batch;
    for (int lane = 0; lane < RC_EVENT_COUNT; lane++)
        if (engine->lanes[lane]) rc_lane_seal(engine->lanes[lane], batch);
    if (!rc_batch_is_sealed(batch)) return;
    batch->number = rc_fresh_seal(engine->fresh);
    engine->batch = rc_batch_new();
    rc_committer_take(engine->committer, batch);
}

static void commit_interval(void *opaque)
{
    commit_now(opaque);
}

void rc_engine_commit_soon(rc_engine_t *engine)
{
    engine->commit_due = true;
    if (!rc_committer_is_busy(engine->committer))
        rc_loop_timer_start(engine->commit_timer, 0, engine->config->consumer.transaction_interval_ms);
}

typedef struct {
    rc_engine_t *engine;
    size_t batch;
} shown_t;

static void ledger_shown(void *opaque, rc_code_t code)
{
    shown_t shown = *(shown_t *)opaque;
    free(opaque);
    (void)code; /* a partition that went away needs no entries either */
    rc_fresh_shown(shown.engine->fresh, shown.batch);
}

static void fail(rc_engine_t *engine)
{
    engine->failed = true;
    engine->stopped(engine->opaque, true);
}

static void batch_done(void *opaque, rc_batch_t *batch, rc_batch_result_t result, const rc_kafka_offset_t *ledger,
                       size_t ledger_count)
{
    rc_engine_t *engine = opaque;
    if (result == RC_BATCH_FENCED) {
        rc_batch_free(batch);
        fail(engine);
        return;
    }
    if (result == RC_BATCH_UNKNOWN) {
        rc_fresh_clear(engine->fresh);
        for (int lane = 0; lane < RC_EVENT_COUNT; lane++)
            if (engine->lanes[lane]) rc_lane_restart(engine->lanes[lane]);
    } else {
        shown_t *shown = rc_zalloc(sizeof *shown);
        *shown = (shown_t){engine, batch->number};
        if (ledger_count)
            rc_tables_ledger_passed(engine->tables, ledger, ledger_count, ledger_shown, shown);
        else
            ledger_shown(shown, RC_OK);
        for (int lane = 0; lane < RC_EVENT_COUNT; lane++)
            if (engine->lanes[lane]) rc_lane_committed(engine->lanes[lane], &batch->lanes[lane]);
    }
    rc_batch_free(batch);
    if (engine->commit_due) commit_now(engine);
}

/* --- outcomes --- */

/* The record leaves the process's memory. Returns its person, or NULL when nobody is left to go on with. */
static rc_person_t *release(rc_record_t *record)
{
    rc_engine_t *engine = record->engine;
    rc_site_t *site = record->site;
    rc_person_t *person = record->person;
    if (record->state == RC_RECORD_READY) rc_site_unqueue(site, record);
    rc_lane_finish(record->lane, record);
    if (site) {
        site->records--;
        engine->records--;
    }
    bool gone = person ? rc_people_remove(engine->people, record) : true;
    rc_engine_free_record(record);
    return gone || engine->closing ? NULL : person;
}

/* The same, and the person's next record has its turn. */
static void forget(rc_record_t *record)
{
    rc_engine_t *engine = record->engine;
    rc_person_t *person = release(record);
    if (person) rc_engine_advance(person);
    if (!engine->closing) note_pressure(engine);
}

static void add_to_batch(rc_record_t *record, const char *topic, const void *key, size_t key_bytes, const void *value,
                         size_t value_bytes, rc_headers_t headers)
{
    const rc_kafka_record_t produced = {.topic = topic,
                                        .partition = record->partition,
                                        .key = key,
                                        .key_bytes = key_bytes,
                                        .value = value,
                                        .value_bytes = value_bytes,
                                        .headers = headers};
    rc_batch_add(record->engine->batch, record->lane->type, &produced);
}

/* What the lane finished goes into the ledger, in the transaction that commits the offset. */
static void add_ledger(rc_record_t *record, rc_outcome_t outcome, int64_t version, const char *reason)
{
    rc_engine_t *engine = record->engine;
    const rc_ledger_entry_t entry = {.type = record->lane->type,
                                     .integration_id = record->event.integration_id,
                                     .employee_id = record->event.employee_id,
                                     .version = version,
                                     .outcome = outcome,
                                     .reason = reason,
                                     .user_id = record->result.user_id,
                                     .attempts = record->parking.attempt,
                                     .at = rc_wall_now()};
    const char *employee = rc_employee_key(record->arena, entry.integration_id, entry.employee_id);
    const char *key = rc_tables_ledger_key(record->arena, entry.type, employee, strlen(employee));
    rc_buf_t value = RC_BUF_INIT(VALUE_MAX_BYTES);
    rc_error_t error = RC_ERROR_INIT;
    if (rc_codec_encode_ledger(engine->codec, &entry, &value, &error) == RC_OK) {
        add_to_batch(record, engine->ledger_topic, key, strlen(key), value.data, value.size_bytes,
                     (rc_headers_t){NULL, 0});
        rc_fresh_set(engine->fresh, key, &entry);
    } else {
        rc_log(RC_LEVEL_ERROR, "a ledger entry could not be written; its record may be worked again",
               RC_LOG_STR(EMPLOYEE, entry.employee_id), RC_LOG_ERR(&error));
    }
    rc_buf_fini(&value);
}

static void count_outcome(rc_record_t *record, rc_outcome_t outcome)
{
    rc_engine_t *engine = record->engine;
    const char *integration = record->site ? record->site->integration->id : "";
    rc_metrics_count(engine->metrics, RC_METRIC_EVENTS_FINISHED, integration,
                     rc_enum_str(&RC_ENUM_EVENT, (int)record->lane->type), rc_enum_str(&RC_ENUM_OUTCOME, (int)outcome));
    rc_log(RC_LEVEL_DEBUG, "record finished", RC_LOG_STR(INTEGRATION, integration),
           RC_LOG_STR(EMPLOYEE, record->event.employee_id),
           RC_LOG_STR(TYPE, rc_enum_str(&RC_ENUM_EVENT, (int)record->lane->type)),
           RC_LOG_INT(VERSION, record->event.version), RC_LOG_STR(OUTCOME, rc_enum_str(&RC_ENUM_OUTCOME, (int)outcome)),
           RC_LOG_INT(PARTITION, record->partition), RC_LOG_INT(OFFSET, record->offset));
    if (record->engine->batch->outcomes++ >= BATCH_OUTCOMES) rc_engine_commit_soon(engine);
}

/* What the headers of a parked or dead-lettered record say. */
static rc_parking_t parking_of(rc_record_t *record, rc_event_type_t lane, const rc_parking_decision_t *decision,
                               const char *message)
{
    rc_wall_t now = rc_wall_now();
    rc_parking_t parking = record->parking;
    parking.type = record->event.integration_id ? (int)record->event.type : -1;
    parking.lane = (int)lane;
    parking.attempt = decision->attempts;
    parking.reason = decision->reason;
    parking.message = message;
    parking.unanswered = decision->unanswered;
    parking.not_before = (rc_wall_t){0};
    if (!parking.origin_topic) {
        parking.origin_topic = record->lane->topics[record->topic];
        parking.origin_partition = record->partition;
        parking.origin_offset = record->offset;
    }
    if (!parking.first_failed_at.ms) parking.first_failed_at = now;
    parking.failed_at = now;
    return parking;
}

/* Puts a copy of the record into a retry topic. */
static void add_retry(rc_record_t *record, rc_event_type_t lane, const rc_parking_decision_t *decision,
                      const char *message)
{
    rc_engine_t *engine = record->engine;
    rc_parking_t parking = parking_of(record, lane, decision, message);
    int64_t delay_ms = engine->config->consumer.retry_delays_ms[decision->tier];
    parking.not_before = (rc_wall_t){parking.failed_at.ms + delay_ms};
    add_to_batch(record, engine->retry_topics[decision->tier], record->key, record->key_bytes, record->value,
                 record->value_bytes, rc_headers_park(record->arena, record->headers, &parking));
    char tier[RC_TIME_STR_SIZE];
    rc_metrics_count(engine->metrics, RC_METRIC_PARKED, rc_duration_str(delay_ms, tier), NULL, NULL);
    rc_log(RC_LEVEL_INFO, "record parked", RC_LOG_STR(INTEGRATION, record->event.integration_id),
           RC_LOG_STR(EMPLOYEE, record->event.employee_id), RC_LOG_STR(TYPE, rc_enum_str(&RC_ENUM_EVENT, (int)lane)),
           RC_LOG_INT(VERSION, record->event.version), RC_LOG_STR(TIER, tier),
           RC_LOG_STR(REASON, rc_enum_str(&RC_ENUM_PARK, (int)decision->reason)),
           RC_LOG_INT(ATTEMPT, decision->attempts), RC_LOG_STR(MESSAGE, message));
}

static void park(rc_record_t *record, rc_event_type_t lane, const rc_parking_decision_t *decision, const char *message)
{
    rc_outcome_t outcome = decision->reason == RC_PARK_HANDED_OVER ? RC_OUTCOME_HANDED_OVER : RC_OUTCOME_PARKED;
    add_retry(record, lane, decision, message);
    if (record->event.integration_id) add_ledger(record, outcome, record->event.version, message);
    count_outcome(record, outcome);
    forget(record);
}

static void dead_letter(rc_record_t *record, const rc_parking_decision_t *decision, const char *message)
{
    rc_engine_t *engine = record->engine;
    rc_parking_t parking = parking_of(record, record->lane->type, decision, message);
    add_to_batch(record, engine->dlq_topic, record->key, record->key_bytes, record->value, record->value_bytes,
                 rc_headers_park(record->arena, record->headers, &parking));
    rc_metrics_count(engine->metrics, RC_METRIC_DEAD_LETTERS, record->site ? record->site->integration->id : "",
                     rc_enum_str(&RC_ENUM_PARK, (int)decision->reason), NULL);
    rc_log(RC_LEVEL_ERROR, "record dead-lettered", RC_LOG_STR(INTEGRATION, record->event.integration_id),
           RC_LOG_STR(EMPLOYEE, record->event.employee_id), RC_LOG_INT(VERSION, record->event.version),
           RC_LOG_STR(REASON, rc_enum_str(&RC_ENUM_PARK, (int)decision->reason)),
           RC_LOG_STR(TOPIC, parking.origin_topic), RC_LOG_INT(PARTITION, parking.origin_partition),
           RC_LOG_INT(OFFSET, parking.origin_offset), RC_LOG_STR(MESSAGE, message));
    if (record->event.integration_id) add_ledger(record, RC_OUTCOME_DEAD, record->event.version, message);
    count_outcome(record, RC_OUTCOME_DEAD);
    forget(record);
}

void rc_engine_park_unknown(rc_record_t *record, rc_park_reason_t reason, const char *message)
{
    const rc_parking_decision_t decision =
        rc_parking_unknown(reason, (int)record->parking.attempt, record->engine->config->consumer.retry_delays_count);
    park(record, record->lane->type, &decision, message);
}

void rc_engine_poison(rc_record_t *record, const char *message)
{
    record->event.integration_id = NULL; /* nothing of it can be trusted */
    const rc_parking_decision_t decision = rc_parking_poison((int)record->parking.attempt);
    dead_letter(record, &decision, message);
}

void rc_engine_park_held(rc_record_t *record)
{
    const rc_parking_decision_t decision = {.kind = RC_PARKING_TIER,
                                            .tier = held_tier(record->engine),
                                            .attempts = (int)record->parking.attempt,
                                            .reason = RC_PARK_HELD,
                                            .unanswered = record->parking.unanswered};
    park(record, record->lane->type, &decision, "the integration is paused, throttled, limited or not to be reached");
}

/* --- the newest state --- */

static rc_arena_t *scratch_of(rc_record_t *record)
{
    if (record->scratch)
        rc_arena_reset(record->scratch);
    else
        record->scratch = rc_arena_new_sized(RC_TABLE_KEY_MAX * 4);
    return record->scratch;
}

/* N as of now; false when the local row cannot be read (yet: `missing` says which schema, if that is why). What it
 * points to lives in the record's scratch arena. */
static bool read_newest(rc_record_t *record, bool behind_barrier, rc_newest_t *newest, rc_framing_t *missing)
{
    rc_person_t *person = record->person;
    rc_arena_t *scratch = scratch_of(record);
    rc_snapshot_t *row = rc_arena_alloc(scratch, sizeof *row); /* N points into it */
    bool found;
    rc_error_t error = RC_ERROR_INIT;
    if (rc_tables_snapshot(record->engine->tables, person->key, person->key_bytes, scratch, row, &found, missing,
                           &error) != RC_OK) {
        rc_log(RC_LEVEL_ERROR, "a snapshot row cannot be read", RC_LOG_STR(EMPLOYEE, record->event.employee_id),
               RC_LOG_ERR(&error));
        return false;
    }
    *newest = rc_newest_of(&person->newest, found ? row : NULL, behind_barrier);
    return true;
}

static void apply_newest(void *opaque, bool behind_barrier, rc_newest_t *newest)
{
    rc_record_t *record = opaque;
    /* The row was read when the record began: only a file that was damaged meanwhile fails now. */
    if (!read_newest(record, behind_barrier, newest, NULL))
        *newest = rc_newest_of(&record->person->newest, NULL, false);
}

/* --- a record's way --- */

void rc_engine_take(rc_record_t *record)
{
    rc_engine_t *engine = record->engine;
    rc_site_t *site = find_site(engine, record->event.integration_id);
    if (!site) {
        rc_metrics_count(engine->metrics, RC_METRIC_UNREADABLE, record->lane->topics[record->topic], "integration",
                         NULL);
        rc_engine_park_unknown(record, RC_PARK_UNKNOWN_INTEGRATION, "the configuration does not name this integration");
        return;
    }
    record->site = site;
    site->records++;
    engine->records++;
    if (site->records > rc_site_cap(site, record->lane->type)) {
        rc_people_note(engine->people, &record->event);
        rc_engine_park_held(record);
        return;
    }
    rc_person_t *person = rc_people_add(engine->people, record);
    note_pressure(engine);
    rc_engine_advance(person);
}

/* S1: whether nothing is left to do about the record. */
static bool is_skipped(rc_record_t *record)
{
    rc_engine_t *engine = record->engine;
    rc_arena_t *scratch = scratch_of(record);
    const rc_person_t *person = record->person;
    rc_skip_input_t input = {.version = record->event.version,
                             .from_event_topic = rc_record_is_from_event_topic(record),
                             .unanswered = record->parking.unanswered,
                             .waits_for_manager = record->topic > 0 && record->parking.reason == RC_PARK_MANAGER};
    rc_ledger_entry_t row;
    bool found = false;
    rc_error_t error = RC_ERROR_INIT;
    input.entry =
        rc_fresh_get(engine->fresh, rc_tables_ledger_key(scratch, record->lane->type, person->key, person->key_bytes));
    if (!input.entry &&
        rc_tables_ledger(engine->tables, record->lane->type, person->key, person->key_bytes, scratch, &row, &found,
                         &error) == RC_OK &&
        found)
        input.entry = &row;
    if (!rc_rules_skip(&input)) return false;
    count_outcome(record, RC_OUTCOME_SKIPPED);
    rc_budget_finished(&record->site->budget, rc_loop_now(engine->loop));
    return true;
}

void rc_engine_advance(rc_person_t *person)
{
    while (person && !rc_person_is_quiet(person)) {
        rc_record_t *head = TAILQ_FIRST(&person->records);
        if (!head || head->state != RC_RECORD_WAITING) return;
        if (!is_skipped(head)) {
            rc_site_queue(person->site, head, false);
            return;
        }
        person = release(head);
    }
}

static void person_ready(void *opaque, rc_person_t *person)
{
    (void)opaque;
    rc_engine_advance(person);
}

static void begin_again_later(void *opaque)
{
    rc_record_t *record = opaque;
    rc_loop_timer_free(record->timer);
    record->timer = NULL;
    rc_site_queue(record->site, record, true);
}

static void requeue_after(rc_record_t *record, int64_t delay_ms)
{
    record->state = RC_RECORD_LOOKING;
    record->timer = rc_loop_timer_new(record->engine->loop, begin_again_later, record);
    rc_loop_timer_start(record->timer, delay_ms, 0);
}

static void row_schema_found(void *opaque)
{
    rc_record_t *record = opaque;
    record->barrier_asked = false;
    if (record->given_up)
        rc_engine_give_up(record);
    else
        requeue_after(record, NEWEST_RETRY_MS);
}

/* The snapshot row cannot be read: its schema is looked for, then the record tries again. */
static void wait_for_row(rc_record_t *record, const rc_framing_t *missing)
{
    if (!missing->fingerprint && !missing->registry_id) {
        requeue_after(record, NEWEST_RETRY_MS);
        return;
    }
    record->state = RC_RECORD_BARRIER;
    record->barrier_asked = true;
    rc_resolver_find(record->engine->resolver, missing, row_schema_found, record);
}

static void apply_barrier_passed(void *opaque, rc_code_t code)
{
    rc_record_t *record = opaque;
    record->barrier_asked = false;
    if (code == RC_OK) {
        record->behind_barrier = true;
        rc_apply_barrier_passed(record->apply);
        return;
    }
    /* The partition went away: what the barrier was for must not be sent any more. */
    (void)rc_apply_cancel(record->apply);
    record->apply = NULL;
    rc_site_ended(record->site, RC_CLASS_CANCELLED);
    rc_engine_give_up(record);
}

static void apply_barrier(void *opaque)
{
    rc_record_t *record = opaque;
    record->barrier_asked = true;
    rc_tables_barrier(record->engine->tables, record->partition, apply_barrier_passed, record);
}

static void apply_done(void *opaque, const rc_apply_result_t *result);

void rc_engine_begin(rc_record_t *record)
{
    static const rc_apply_callbacks_t callbacks = {apply_newest, apply_barrier, apply_done};
    rc_newest_t newest;
    rc_framing_t missing = {.fingerprint = 0, .registry_id = 0};
    if (!read_newest(record, false, &newest, &missing)) {
        rc_site_ended(record->site, RC_CLASS_CANCELLED);
        wait_for_row(record, &missing);
        return;
    }
    record->state = RC_RECORD_UNDER_WAY;
    const rc_apply_input_t input = {.lane = record->lane->type,
                                    .event = &record->event,
                                    .replayed = record->parking.replayed,
                                    .conflict_attempts =
                                        record->parking.reason == RC_PARK_CONFLICT ? (int)record->parking.attempt : 0,
                                    .behind_barrier = record->behind_barrier,
                                    .written_version = record->written_version};
    record->apply = rc_apply_start(record->site->client, record->site->teams, &input, &callbacks, record);
}

/* A result outlives the apply that made it. */
static void keep_result(rc_record_t *record, const rc_apply_result_t *result)
{
    record->result = *result;
    record->result.reason = rc_arena_strdup(record->arena, result->reason);
}

/* Why the record lay in a retry topic; -1: it comes from an event topic. */
static int parked_before(const rc_record_t *record)
{
    return rc_record_is_from_event_topic(record) ? -1 : (int)record->parking.reason;
}

static void decide_failure(rc_record_t *record)
{
    const rc_apply_result_t *result = &record->result;
    const rc_parking_input_t input = {.class = result->class,
                                      .attempts = (int)record->parking.attempt,
                                      .before = parked_before(record),
                                      .tiers = record->engine->config->consumer.retry_delays_count,
                                      .unanswered = result->unanswered || record->parking.unanswered,
                                      .moved_aside = result->moved_aside,
                                      .memory_full =
                                          record->site->records > rc_site_cap(record->site, record->lane->type)};
    record->decision = rc_parking_decide(&input);
}

static void apply_done(void *opaque, const rc_apply_result_t *result)
{
    rc_record_t *record = opaque;
    rc_engine_t *engine = record->engine;
    keep_result(record, result);
    record->apply = NULL;
    record->state = RC_RECORD_WAITING;
    if (result->unanswered) {
        record->parking.unanswered = true;
        rc_people_quieten(engine->people, record->person, engine->config->consumer.http_timeout_ms + HTTP_MARGIN_MS);
    }
    rc_site_ended(record->site, result->class);
    if (record->given_up) {
        rc_engine_give_up(record);
        return;
    }
    if (result->kind == RC_APPLY_FAILED) decide_failure(record);
    if (result->kind == RC_APPLY_FAILED && record->decision.kind == RC_PARKING_HOLD) {
        rc_site_queue(record->site, record, true);
        return;
    }
    if (result->kind == RC_APPLY_DONE && result->look_again) {
        record->written_version = result->version;
        requeue_after(record, engine->config->consumer.http_timeout_ms + HTTP_MARGIN_MS);
        return;
    }
    record->state = RC_RECORD_BARRIER;
    record->barrier_asked = true;
    rc_tables_barrier(engine->tables, record->partition, after_barrier, record);
}

/* S4: whether a newer state was published before the barrier; then the record begins again. */
static bool moved(rc_record_t *record)
{
    rc_newest_t newest;
    if (!read_newest(record, true, &newest, NULL) || newest.version > record->result.version ||
        (newest.from == RC_NEWEST_FORGOTTEN && !record->was_forgotten)) {
        record->was_forgotten = newest.from == RC_NEWEST_FORGOTTEN;
        record->written_version = 0;
        rc_site_queue(record->site, record, true);
        return true;
    }
    return false;
}

static void finish_failed(rc_record_t *record)
{
    switch (record->decision.kind) {
    case RC_PARKING_DEAD_LETTER:
        if (moved(record)) return;
        if (rc_budget_take(&record->site->budget, rc_loop_now(record->engine->loop))) {
            dead_letter(record, &record->decision, record->result.reason);
            return;
        }
        rc_breaker_trip(&record->site->breaker, RC_BREAKER_BUDGET, rc_loop_now(record->engine->loop));
        rc_log(RC_LEVEL_ERROR, "dead-letter budget is spent: nothing is sent to this Learn Amp for a while",
               RC_LOG_STR(INTEGRATION, record->site->integration->id), RC_LOG_STR(MESSAGE, record->result.reason));
        rc_site_queue(record->site, record, true);
        return;
    case RC_PARKING_TIER:
        park(record, record->lane->type, &record->decision, record->result.reason);
        return;
    case RC_PARKING_FINISH:
    case RC_PARKING_HOLD:
        finish_applied(record);
        return;
    }
}

static void observe_age(rc_record_t *record)
{
    if (!rc_record_is_from_event_topic(record)) return;
    rc_series_observe(rc_metrics_series(record->engine->metrics, RC_METRIC_EVENT_AGE, NULL, NULL, NULL),
                      (double)(rc_wall_now().ms - record->event.occurred_at.ms) / 1000.0);
}

/* Done, perhaps without the manager: then a retry sets them later. */
static void finish_applied(rc_record_t *record)
{
    rc_outcome_t outcome = record->result.outcome;
    if (record->result.manager_missing) {
        const rc_parking_input_t input = {.class = RC_CLASS_UNKNOWN_MANAGER,
                                          .attempts = (int)record->parking.attempt,
                                          .before = parked_before(record),
                                          .tiers = record->engine->config->consumer.retry_delays_count};
        const rc_parking_decision_t decision = rc_parking_decide(&input);
        if (decision.kind == RC_PARKING_TIER) {
            add_retry(record, record->lane->type, &decision, "the manager is no active user of Learn Amp yet");
        } else {
            outcome = RC_OUTCOME_WITHOUT_MANAGER;
            rc_metrics_count(record->engine->metrics, RC_METRIC_WITHOUT_MANAGER, record->site->integration->id, NULL,
                             NULL);
        }
    }
    observe_age(record);
    add_ledger(record, outcome, record->result.version, record->result.reason);
    count_outcome(record, outcome);
    record->site->moved_at = rc_loop_now(record->engine->loop);
    rc_budget_finished(&record->site->budget, record->site->moved_at);
    forget(record);
}

static void after_barrier(void *opaque, rc_code_t code)
{
    rc_record_t *record = opaque;
    record->barrier_asked = false;
    record->state = RC_RECORD_WAITING;
    if (code != RC_OK || record->given_up) {
        rc_engine_give_up(record);
        return;
    }
    record->behind_barrier = true;
    if (record->result.kind == RC_APPLY_HAND_OVER) {
        const rc_parking_decision_t decision = rc_parking_hand_over();
        park(record, RC_EVENT_CREATED, &decision, record->result.reason);
    } else if (record->result.kind == RC_APPLY_FAILED) {
        finish_failed(record);
    } else if (!moved(record)) {
        finish_applied(record);
    }
}

void rc_engine_give_up(rc_record_t *record)
{
    record->given_up = true;
    if (record->apply || record->barrier_asked) return; /* again when it has ended */
    forget(record);
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
    rc_site_t *site = find_site(opaque, integration_id);
    if (site) rc_site_pause(site, events);
}

bool rc_engine_is_ready(const rc_engine_t *engine)
{
    for (int i = 0; i < RC_EVENT_COUNT; i++)
        if (engine->lanes[i] && engine->lanes[i]->state != RC_LANE_RUNNING) return false;
    return !engine->failed;
}

/* --- life --- */

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

rc_code_t rc_engine_new(const rc_engine_options_t *options, rc_engine_t **result, rc_error_t *error)
{
    rc_engine_t *engine = rc_zalloc(sizeof *engine);
    *engine = (rc_engine_t){.config = rc_kafka_config(options->kafka),
                            .kafka = options->kafka,
                            .codec = options->codec,
                            .registry = options->registry,
                            .metrics = options->metrics,
                            .loop = options->loop,
                            .stopped = options->stopped,
                            .opaque = options->opaque};
    name_topics(engine);
    engine->batch = rc_batch_new();
    engine->fresh = rc_fresh_new();
    engine->people = rc_people_new(engine->loop, person_ready, engine);
    engine->pump_timer = rc_loop_timer_new(engine->loop, pump_all, engine);
    engine->commit_timer = rc_loop_timer_new(engine->loop, commit_interval, engine);
    const rc_http_options_t http = {.proxy = engine->config->http_proxy, .ca_file = engine->config->ca_file};
    engine->http = rc_http_new(engine->loop, &http);
    make_sites(engine);
    rc_code_t code = rc_tables_new(engine->kafka, engine->codec, engine->loop, paused, engine, &engine->tables, error);
    if (code != RC_OK) {
        rc_engine_close(engine);
        rc_engine_free(engine);
        return code;
    }
    engine->resolver = rc_resolver_new(engine->loop, engine->tables, engine->codec, engine->registry);
    engine->committer =
        rc_committer_new(engine->kafka, engine->loop, engine->metrics, engine->ledger_topic, batch_done, engine);
    for (int lane = 0; lane < RC_EVENT_COUNT; lane++)
        if (options->events & 1u << lane) engine->lanes[lane] = rc_lane_new(engine, (rc_event_type_t)lane);
    for (int lane = 0; lane < RC_EVENT_COUNT; lane++)
        if (engine->lanes[lane]) rc_lane_start(engine->lanes[lane]);
    int64_t interval_ms = engine->config->consumer.transaction_interval_ms;
    rc_loop_timer_start(engine->commit_timer, interval_ms, interval_ms);
    *result = engine;
    return RC_OK;
}

void rc_engine_lane_idle(rc_engine_t *engine)
{
    if (!engine->stopping || engine->failed) return;
    for (int lane = 0; lane < RC_EVENT_COUNT; lane++)
        if (engine->lanes[lane] && !rc_lane_is_idle(engine->lanes[lane])) return;
    engine->stopped(engine->opaque, false);
}

void rc_engine_fenced(rc_engine_t *engine)
{
    rc_mono_t now = rc_loop_now(engine->loop);
    bool again = engine->fenced_at.ms && now.ms - engine->fenced_at.ms < FENCED_AGAIN_MS;
    engine->fenced_at = now;
    if (!again) return;
    rc_log(RC_LEVEL_ERROR,
           "fenced twice within a minute: another process has the same instance name; give each its own "
           "(instance, --instance)",
           RC_LOG_STR(INSTANCE, engine->config->instance));
    fail(engine);
}

void rc_engine_stop(rc_engine_t *engine)
{
    if (engine->stopping) return;
    engine->stopping = true;
    for (int lane = 0; lane < RC_EVENT_COUNT; lane++)
        if (engine->lanes[lane]) rc_lane_stop(engine->lanes[lane]);
    rc_engine_lane_idle(engine);
}

/* Ends a record wherever it stands; the threads that could call back have ended. */
static void abandon(rc_record_t *record)
{
    if (record->apply) (void)rc_apply_cancel(record->apply);
    record->apply = NULL;
    record->barrier_asked = false;
    record->given_up = true;
    forget(record);
}

void rc_engine_close(rc_engine_t *engine)
{
    engine->closing = true;
    rc_resolver_stop(engine->resolver);
    rc_committer_stop(engine->committer);
    rc_tables_stop(engine->tables);
    for (int lane = 0; lane < RC_EVENT_COUNT; lane++) {
        rc_record_t *record;
        while (engine->lanes[lane] && (record = TAILQ_FIRST(&engine->lanes[lane]->records))) abandon(record);
        rc_lane_free(engine->lanes[lane]);
        engine->lanes[lane] = NULL;
    }
    rc_people_free(engine->people);
    rc_map_free(engine->sites);
    rc_http_free(engine->http);
    rc_loop_timer_free(engine->pump_timer);
    rc_loop_timer_free(engine->commit_timer);
}

void rc_engine_free(rc_engine_t *engine)
{
    if (!engine) return;
    rc_resolver_free(engine->resolver);
    rc_committer_free(engine->committer);
    rc_tables_free(engine->tables);
    rc_fresh_free(engine->fresh);
    rc_batch_free(engine->batch);
    rc_arena_free(engine->names);
    free(engine);
}
