/* What is kept of the records that were read: by person, the bytes undecoded where most are never looked at. */
#include <string.h>

#include "common/log.h"
#include "consumer/commands/backlog_state.h"
#include "consumer/rules/rules.h"

enum { FIRST_PEOPLE = 256 };

/* ---- People ---- */

static rc_backlog_person_t *person_of(rc_backlog_t *backlog, const char *employee_id, size_t length, int32_t partition)
{
    rc_backlog_person_t *person = rc_map_get(backlog->by_id, employee_id, length);
    if (person != NULL) return person;
    person = rc_arena_alloc(backlog->wave, sizeof *person);
    person->employee_id = rc_arena_strndup(backlog->wave, employee_id, length);
    person->partition = partition;
    (void)rc_map_set(backlog->by_id, employee_id, length, person);
    if (backlog->count == backlog->room) {
        backlog->room = backlog->room > 0 ? backlog->room * 2 : FIRST_PEOPLE;
        backlog->people = rc_realloc(backlog->people, backlog->room * sizeof *backlog->people);
    }
    backlog->people[backlog->count++] = person;
    return person;
}

static bool is_asked_for(const rc_backlog_t *backlog, const char *employee_id, size_t length)
{
    return backlog->only == NULL || rc_map_get(backlog->only, employee_id, length) != NULL;
}

/* The employee's part of a key of this integration. */
static const char *employee_of(const rc_backlog_t *backlog, const rc_kafka_message_t *message, size_t *length)
{
    size_t before = strlen(backlog->integration_id) + 1;
    *length = message->key_bytes - before;
    return (const char *)message->key + before;
}

bool rc_backlog_keep_snapshot(void *opaque, rc_topic_kind_t kind, const rc_kafka_message_t *message)
{
    rc_backlog_t *backlog = opaque;
    size_t length;
    const char *id = employee_of(backlog, message, &length);
    (void)kind;
    if (!is_asked_for(backlog, id, length)) return false;
    rc_backlog_person_t *person = person_of(backlog, id, length, message->partition);
    if (message->value == NULL)
        person->snapshot = NULL;
    else if (person->snapshot != NULL && message->value_bytes <= person->snapshot_bytes)
        memcpy(person->snapshot, message->value, message->value_bytes);
    else
        person->snapshot = rc_arena_memdup(backlog->wave, message->value, message->value_bytes);
    person->snapshot_bytes = message->value_bytes;
    return false;
}

/* ---- Records ---- */

static int rank_of(const rc_waiting_t *waiting)
{
    static const int ranks[RC_EVENT_COUNT] = {[RC_EVENT_CREATED] = 0,
                                              [RC_EVENT_DEACTIVATED] = 1,
                                              [RC_EVENT_PROFILE_UPDATED] = 2,
                                              [RC_EVENT_TEAM_CHANGED] = 3};
    return ranks[waiting->lane];
}

static void add_waiting(rc_backlog_t *backlog, rc_backlog_person_t *person, const rc_history_record_t *record,
                        rc_event_type_t lane)
{
    rc_waiting_t *waiting = rc_arena_alloc(backlog->wave, sizeof *waiting), **at = &person->waiting;
    bool is_event = record->kind != RC_TOPIC_RETRY;
    *waiting = (rc_waiting_t){.lane = lane,
                              .from_event_topic = is_event,
                              .unreadable =
                                  record->tombstone || record->fault.code != RC_OK || (!is_event && record->lane < 0),
                              .unanswered = record->parking.unanswered,
                              .waits_for_manager = !is_event && record->parking.reason == RC_PARK_MANAGER,
                              .replayed = record->parking.replayed,
                              .reason = record->parking.reason,
                              .kind = record->kind,
                              .value_bytes = record->message.value_bytes};
    if (record->parking.reason == RC_PARK_CONFLICT) waiting->conflict_attempts = (int)record->parking.attempt;
    if (!waiting->unreadable) waiting->version = record->event.version;
    waiting->value = rc_arena_memdup(backlog->wave, record->message.value, record->message.value_bytes);
    while (*at != NULL && (rank_of(*at) < rank_of(waiting) ||
                           (rank_of(*at) == rank_of(waiting) && (*at)->version <= waiting->version)))
        at = &(*at)->next;
    waiting->next = *at;
    *at = waiting;
}

static void note_ledger(rc_backlog_person_t *person, const rc_history_record_t *record)
{
    if (record->lane < 0) return;
    person->ledger[record->lane].known = !record->tombstone && record->fault.code == RC_OK;
    if (!person->ledger[record->lane].known) return;
    person->ledger[record->lane].outcome = record->ledger.outcome;
    person->ledger[record->lane].version = record->ledger.version;
}

bool rc_backlog_take(void *opaque, const rc_history_record_t *record)
{
    rc_backlog_take_t *take = opaque;
    rc_backlog_t *backlog = take->backlog;
    int32_t partition = record->message.partition;
    bool is_ours =
        record->employee_id != NULL && is_asked_for(backlog, record->employee_id, strlen(record->employee_id));
    rc_backlog_person_t *person =
        is_ours ? person_of(backlog, record->employee_id, strlen(record->employee_id), partition) : NULL;
    if (person != NULL && record->kind == RC_TOPIC_LEDGER) {
        note_ledger(person, record);
    } else if (person != NULL && record->kind == RC_TOPIC_RETRY) {
        int lane = record->lane >= 0 ? record->lane : RC_EVENT_CREATED; /* which dead-letters what says no lane */
        if (record->message.offset >= *rc_backlog_committed(backlog, lane, 1 + record->tier, partition))
            add_waiting(backlog, person, record, (rc_event_type_t)lane);
    } else if (person != NULL) {
        add_waiting(backlog, person, record, (rc_event_type_t)record->kind);
    }
    rc_arena_reset(take->arena);
    return true;
}

/* ---- Decoding ---- */

static rc_code_t decode(rc_backlog_t *backlog, rc_arena_t *arena, rc_history_record_t *record, const void *value,
                        size_t value_bytes, rc_error_t *error)
{
    record->message.value = value;
    record->message.value_bytes = value_bytes;
    rc_history_decode(backlog->history, arena, record, backlog->cancelled);
    if (record->fault.code != RC_OK && error != NULL) *error = record->fault;
    return record->fault.code;
}

rc_code_t rc_backlog_snapshot(rc_backlog_t *backlog, const rc_backlog_person_t *person, rc_arena_t *arena,
                              rc_snapshot_t *snapshot, bool *found, rc_error_t *error)
{
    rc_history_record_t record = {.kind = RC_TOPIC_SNAPSHOT};
    *found = person->snapshot != NULL;
    if (!*found) return RC_OK;
    rc_error_t why = RC_ERROR_INIT;
    rc_code_t code = decode(backlog, arena, &record, person->snapshot, person->snapshot_bytes, &why);
    *found = code == RC_OK;
    if (*found) *snapshot = record.snapshot;
    if (code == RC_OK || (code != RC_UNKNOWN_SCHEMA && why.disposition != RC_REJECT)) {
        if (code != RC_OK && error != NULL) *error = why;
        return code;
    }
    rc_log(RC_LEVEL_WARN, "the newest published state of somebody cannot be read; it is passed over",
           RC_LOG_STR(INTEGRATION, backlog->integration_id), RC_LOG_STR(EMPLOYEE, person->employee_id),
           RC_LOG_ERR(&why));
    return RC_OK;
}

rc_code_t rc_backlog_event(rc_backlog_t *backlog, const rc_waiting_t *waiting, rc_arena_t *arena, rc_event_t *event,
                           rc_error_t *error)
{
    rc_history_record_t record = {.kind = waiting->kind};
    rc_code_t code = decode(backlog, arena, &record, waiting->value, waiting->value_bytes, error);
    if (code == RC_OK) *event = record.event;
    return code;
}

const char *rc_backlog_skips(const rc_backlog_person_t *person, const rc_waiting_t *waiting)
{
    const rc_ledger_entry_t entry = {.version = person->ledger[waiting->lane].version,
                                     .outcome = person->ledger[waiting->lane].outcome};
    const rc_skip_input_t input = {.entry = person->ledger[waiting->lane].known ? &entry : NULL,
                                   .version = waiting->version,
                                   .from_event_topic = waiting->from_event_topic,
                                   .unanswered = waiting->unanswered,
                                   .waits_for_manager = waiting->waits_for_manager,
                                   .replayed = waiting->replayed};
    return rc_rules_skip(&input);
}
