#include "consumer/engine/work.h"

#include <string.h>

#include "common/log.h"
#include "common/mutant.h"
#include "consumer/engine/engine.h"
#include "consumer/engine/settle.h"

enum { NEWEST_RETRY_MS = 1000 };

static void after_barrier(void *opaque, rc_code_t code);
static void apply_done(void *opaque, const rc_apply_result_t *result);

static rc_arena_t *scratch_of(rc_record_t *record)
{
    record->row_is_known = false;
    if (record->scratch)
        rc_arena_reset(record->scratch);
    else
        record->scratch = rc_arena_new_sized(RC_TABLE_KEY_MAX * 4);
    return record->scratch;
}

/* Why a row cannot be read: its schema is looked for, or it will never be read, or the file does not answer. */
typedef struct {
    rc_code_t code;
    rc_framing_t missing; /* RC_UNKNOWN_SCHEMA */
} unread_t;

/* The snapshot as of now, read again only if the tables changed since; false when it cannot be read. */
static bool read_row(rc_record_t *record, unread_t *why)
{
    const rc_person_t *person = record->person;
    rc_tables_t *tables = record->engine->tables;
    uint64_t edition = rc_tables_edition(tables); /* before the row: a change in between is found next time */
    if (record->row_is_known && record->row_edition == edition) return true;
    rc_arena_t *scratch = scratch_of(record);
    rc_snapshot_t *row = rc_arena_alloc(scratch, sizeof *row);
    bool found;
    rc_error_t error = RC_ERROR_INIT;
    why->code = rc_tables_snapshot(tables, person->key, person->key_bytes, scratch, row, &found, &why->missing, &error);
    if (why->code != RC_OK) {
        rc_log(RC_LEVEL_ERROR, "a snapshot row cannot be read", RC_LOG_STR(EMPLOYEE, record->event.employee_id),
               RC_LOG_ERR(&error));
        return false;
    }
    record->row = found ? row : NULL;
    record->row_edition = edition;
    record->row_is_known = true;
    return true;
}

/* A lane's ledger entry for the person; NULL: none. */
static const rc_ledger_entry_t *find_entry(const rc_record_t *record, rc_event_type_t lane, rc_arena_t *arena,
                                           rc_ledger_entry_t *row)
{
    const rc_engine_t *engine = record->engine;
    const rc_person_t *person = record->person;
    const rc_ledger_entry_t *entry =
        rc_fresh_get(engine->fresh, rc_ledger_key(arena, lane, person->key, person->key_bytes));
    bool found = false;
    rc_error_t error = RC_ERROR_INIT;
    if (entry) return entry;
    rc_code_t code = rc_tables_ledger(engine->tables, lane, person->key, person->key_bytes, arena, row, &found, &error);
    return code == RC_OK && found ? row : NULL;
}

/* Whether some lane knows of an event that is newer than this version. */
static bool is_outdated(rc_record_t *record, int64_t version)
{
    rc_arena_t *arena = rc_arena_new_sized(RC_TABLE_KEY_MAX * 4);
    bool is_outdated = false;
    for (int lane = 0; lane < RC_EVENT_COUNT && !is_outdated; lane++) {
        rc_ledger_entry_t row;
        const rc_ledger_entry_t *entry = find_entry(record, (rc_event_type_t)lane, arena, &row);
        is_outdated = entry && entry->version > version;
    }
    rc_arena_free(arena);
    return is_outdated;
}

/* N as of now; false when the local row cannot be read (yet). What it points to lives in the record's scratch arena. */
static bool read_newest(rc_record_t *record, bool behind_barrier, rc_newest_t *newest, unread_t *why)
{
    if (!read_row(record, why)) return false;
    *newest = rc_newest_of(&record->person->newest, record->row, behind_barrier);
    /* Whoever is forgotten has no ledger either: the snapshot is lost, and the leaving may be history. */
    if (newest->from == RC_NEWEST_FORGOTTEN && !newest->in_doubt)
        newest->in_doubt = is_outdated(record, newest->version);
    return true;
}

static void apply_newest(void *opaque, bool behind_barrier, rc_newest_t *newest)
{
    rc_record_t *record = opaque;
    unread_t why;
    /* A row that came meanwhile and cannot be read: N is in question, and the rules ask for a barrier; behind it the
     * record waits for the row. */
    if (!read_newest(record, behind_barrier, newest, &why))
        *newest = rc_newest_of(&record->person->newest, NULL, false);
    record->judged_forgotten = newest->from == RC_NEWEST_FORGOTTEN;
}

void rc_work_take(rc_record_t *record)
{
    rc_engine_t *engine = record->engine;
    rc_site_t *site = rc_engine_site(engine, record->event.integration_id);
    if (!site) {
        rc_metrics_count(engine->metrics, RC_METRIC_UNREADABLE, record->lane->topics[record->topic], "integration",
                         NULL);
        rc_settle_unknown(record, RC_PARK_UNKNOWN_INTEGRATION, "the configuration does not name this integration");
        return;
    }
    record->site = site;
    site->records++;
    site->lane_records[record->lane->type]++;
    engine->records++;
    if (site->records > rc_site_cap(site, record->lane->type)) {
        rc_people_note(engine->people, &record->event);
        rc_settle_held(record, rc_site_why_held(site, record->lane->type));
        return;
    }
    rc_person_t *person = rc_people_add(engine->people, record);
    rc_engine_note_pressure(engine);
    rc_work_advance(person);
}

/* S1: whether nothing is left to do about the record. */
static bool is_skipped(rc_record_t *record)
{
    rc_arena_t *scratch = scratch_of(record);
    rc_skip_input_t input = {.version = record->event.version,
                             .from_event_topic = rc_record_is_from_event_topic(record),
                             .unanswered = record->parking.unanswered,
                             .replayed = record->topic > 0 && record->parking.replayed,
                             .waits_for_manager = record->topic > 0 && record->parking.reason == RC_PARK_MANAGER};
    rc_ledger_entry_t row;
    input.entry = find_entry(record, record->lane->type, scratch, &row);
    if (input.entry && input.entry->outcome == RC_OUTCOME_REPLAYED) record->parking.replayed = true;
    if (!rc_rules_skip(&input)) return false;
    rc_settle_skipped(record);
    return true;
}

void rc_work_advance(rc_person_t *person)
{
    while (person && !rc_person_is_quiet(person)) {
        rc_record_t *head = TAILQ_FIRST(&person->records);
        if (!head || head->state != RC_RECORD_WAITING || head->given_up) return;
        if (!is_skipped(head)) {
            rc_site_queue(person->site, head, false);
            return;
        }
        person = rc_engine_release(head);
    }
}

/* A write may take effect until http_timeout has passed once more. */
static void quieten(rc_record_t *record)
{
    rc_quiet_unanswered(&record->engine->quiet, rc_loop_now(record->engine->loop));
    if (!RC_MUTANT(UNHELD)) rc_people_quieten(record->engine->people, record->person, record->engine->quiet.effect_ms);
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

/* Unless another row has come by now, what was published last of this person is unknown: nothing may be written, and
 * nobody else may wait for it. The next change that is published, or a resync, puts a row there again. */
static void row_is_newest(void *opaque, rc_code_t code)
{
    rc_record_t *record = opaque;
    unread_t why;
    record->barrier_asked = false;
    record->state = RC_RECORD_WAITING;
    if (code != RC_OK || record->given_up) {
        rc_work_give_up(record);
    } else if (read_row(record, &why) || (why.code != RC_MALFORMED && why.code != RC_UNKNOWN_SCHEMA)) {
        requeue_after(record, 0);
    } else {
        rc_metrics_count(record->engine->metrics, RC_METRIC_UNREADABLE,
                         rc_tables_snapshot_topic(record->engine->tables),
                         why.code == RC_MALFORMED ? "bytes" : "schema", NULL);
        rc_settle_unknown(record, RC_PARK_UNKNOWN_SCHEMA,
                          "the newest published state of this person cannot be read; `rollcall-producer resync` "
                          "publishes it again");
    }
}

static void await_newest_row(rc_record_t *record)
{
    record->state = RC_RECORD_BARRIER;
    record->barrier_asked = true;
    rc_tables_barrier(record->engine->tables, record->partition, row_is_newest, record);
}

/* Wherever it should be told, the schema was looked for. */
static void row_schema_found(void *opaque)
{
    rc_record_t *record = opaque;
    record->barrier_asked = false;
    if (record->given_up)
        rc_work_give_up(record);
    else
        await_newest_row(record);
}

/* The snapshot row cannot be read: its schema is looked for, then the record tries again. */
static void wait_for_row(rc_record_t *record, const unread_t *why)
{
    if (why->code != RC_UNKNOWN_SCHEMA && why->code != RC_MALFORMED) {
        requeue_after(record, NEWEST_RETRY_MS);
        return;
    }
    if (why->code == RC_MALFORMED) {
        await_newest_row(record);
        return;
    }
    record->state = RC_RECORD_BARRIER;
    record->barrier_asked = true;
    rc_resolver_find(record->engine->resolver, &why->missing, row_schema_found, record);
}

/* Nothing more is sent for the record. True: what was sent may take effect yet. */
static bool stop_applying(rc_record_t *record)
{
    if (!record->apply) return false;
    bool in_question = rc_apply_cancel(record->apply);
    record->apply = NULL;
    if (in_question) quieten(record);
    rc_site_ended(record->site, RC_CLASS_CANCELLED);
    return in_question;
}

static void apply_barrier_passed(void *opaque, rc_code_t code)
{
    rc_record_t *record = opaque;
    rc_newest_t newest;
    unread_t why;
    record->barrier_asked = false;
    if (code != RC_OK || record->given_up) {
        rc_work_give_up(record);
        return;
    }
    record->behind_barrier = true;
    bool is_readable = read_newest(record, true, &newest, &why);
    bool is_paused = record->site->paused & 1u << record->lane->type;
    /* Whatever lane it comes from, it is a deactivation that would be sent. */
    bool is_stopped =
        is_readable && newest.presence == RC_PRESENCE_GONE && record->site->paused & 1u << RC_EVENT_DEACTIVATED;
    if (is_readable && !is_paused && !is_stopped) {
        rc_apply_barrier_passed(record->apply);
        return;
    }
    (void)stop_applying(record);
    record->state = RC_RECORD_WAITING;
    if (!is_readable)
        wait_for_row(record, &why);
    else if (is_paused)
        rc_site_queue(record->site, record, true);
    else
        rc_settle_held(record, "they have left, and deactivations of the integration are paused");
}

static void apply_barrier(void *opaque)
{
    rc_record_t *record = opaque;
    record->barrier_asked = true;
    rc_tables_barrier(record->engine->tables, record->partition, apply_barrier_passed, record);
}

void rc_work_begin(rc_record_t *record)
{
    static const rc_apply_callbacks_t callbacks = {apply_newest, apply_barrier, apply_done};
    rc_newest_t newest;
    unread_t why;
    if (!read_newest(record, false, &newest, &why)) {
        rc_site_ended(record->site, RC_CLASS_CANCELLED);
        wait_for_row(record, &why);
        return;
    }
    record->state = RC_RECORD_UNDER_WAY;
    record->is_unseen = true;
    const rc_apply_input_t input = {.lane = record->lane->type,
                                    .event = &record->event,
                                    .replayed = record->parking.replayed,
                                    .conflict_attempts =
                                        record->parking.reason == RC_PARK_CONFLICT ? (int)record->parking.attempt : 0,
                                    .behind_barrier = record->behind_barrier,
                                    .written_version = record->written_version};
    record->apply = rc_apply_start(record->site->client, record->site->teams, &input, &callbacks, record);
}

/* A result outlives the apply that made it. A second look that found all as the first one wrote it does not say that
 * this was without the manager. */
static void keep_result(rc_record_t *record, const rc_apply_result_t *result)
{
    bool without_manager = record->written_version > 0 && record->written_version == result->version &&
                           result->kind == RC_APPLY_DONE && record->result.manager_missing;
    record->result = *result;
    record->result.manager_missing |= without_manager;
    record->result.reason = rc_arena_strdup(record->arena, result->reason);
}

static void decide_failure(rc_record_t *record)
{
    const rc_apply_result_t *result = &record->result;
    const rc_parking_input_t input = {.class = result->class,
                                      .attempts = (int)record->parking.attempt,
                                      .before = rc_record_parked_before(record),
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
        quieten(record);
    }
    rc_site_ended(record->site, result->class);
    if (result->kind == RC_APPLY_FAILED) decide_failure(record);
    if (result->kind == RC_APPLY_FAILED && record->decision.kind == RC_PARKING_HOLD) {
        rc_site_queue(record->site, record, true);
        return;
    }
    if (result->unanswered) {
        /* At once: were the record given up while it waits for a barrier, nobody would know of the request. (N does not
         * go back meanwhile: the person is remembered as long as it may take effect.) */
        rc_settle_parked(record, record->lane->type, &record->decision, record->result.reason);
        return;
    }
    if (result->kind == RC_APPLY_DONE && result->look_again) {
        record->written_version = result->version;
        requeue_after(record, engine->quiet.effect_ms);
        return;
    }
    if (RC_MUTANT(NO_BARRIER_DONE)) {
        after_barrier(record, RC_OK);
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
    unread_t why;
    if (read_newest(record, true, &newest, &why) && newest.version <= record->result.version &&
        (newest.from == RC_NEWEST_FORGOTTEN) == record->judged_forgotten)
        return false;
    record->written_version = 0;
    rc_site_queue(record->site, record, true);
    return true;
}

static void finish_failed(rc_record_t *record)
{
    switch (record->decision.kind) {
    case RC_PARKING_DEAD_LETTER:
        if (moved(record)) return;
        if (rc_budget_take(&record->site->budget, rc_loop_now(record->engine->loop))) {
            rc_settle_dead(record, &record->decision, record->result.reason);
            return;
        }
        rc_site_budget_spent(record->site, record->result.reason);
        rc_site_queue(record->site, record, true);
        return;
    case RC_PARKING_TIER:
        rc_settle_parked(record, record->lane->type, &record->decision, record->result.reason);
        return;
    case RC_PARKING_FINISH:
    case RC_PARKING_HOLD:
        rc_settle_applied(record);
        return;
    }
}

static void after_barrier(void *opaque, rc_code_t code)
{
    rc_record_t *record = opaque;
    record->barrier_asked = false;
    record->state = RC_RECORD_WAITING;
    if (code != RC_OK || record->given_up) {
        rc_work_give_up(record);
        return;
    }
    record->behind_barrier = true;
    record->is_unseen = false;
    if (record->result.kind == RC_APPLY_HAND_OVER) {
        const rc_parking_decision_t decision = rc_parking_hand_over();
        rc_settle_parked(record, RC_EVENT_CREATED, &decision, record->result.reason);
    } else if (record->result.kind == RC_APPLY_FAILED) {
        finish_failed(record);
    } else if (!moved(record)) {
        rc_settle_applied(record);
    }
}

void rc_work_give_up(rc_record_t *record)
{
    record->given_up = true;
    (void)stop_applying(record);
    if (record->barrier_asked) return; /* again when it is answered */
    rc_engine_forget(record);
}

void rc_work_leave(rc_record_t *record)
{
    record->given_up = true;
    if (!stop_applying(record)) {
        rc_work_give_up(record);
        return;
    }
    record->given_up = false; /* it has an outcome */
    record->state = RC_RECORD_WAITING;
    record->result = (rc_apply_result_t){.kind = RC_APPLY_FAILED, .class = RC_CLASS_UNANSWERED, .unanswered = true};
    record->parking.unanswered = true;
    decide_failure(record);
    rc_settle_parked(record, record->lane->type, &record->decision, "its partition went before the answer came");
}

/* Ends a record wherever it stands; the threads that could call back have ended. */
void rc_work_abandon(rc_record_t *record)
{
    if (record->apply && rc_apply_cancel(record->apply))
        rc_quiet_unanswered(&record->engine->quiet, rc_loop_now(record->engine->loop));
    record->apply = NULL;
    record->barrier_asked = false;
    record->given_up = true;
    rc_engine_forget(record);
}
