#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "consumer/commands/undo/undo_state.h"

typedef struct {
    rc_undo_run_t *run;
    rc_arena_t *scratch;
    rc_map_t *successors; /* former employee id → the id that took over */
} reading_t;

static rc_undo_person_t *find(const rc_undo_run_t *run, const rc_kafka_message_t *message)
{
    return message->key_bytes > 0 ? rc_map_get(run->by_key, message->key, message->key_bytes) : NULL;
}

static bool is_known(void *opaque, rc_topic_kind_t kind, const rc_kafka_message_t *message)
{
    const reading_t *reading = opaque;
    (void)kind;
    return find(reading->run, message) != NULL;
}

static bool is_readable(const rc_history_record_t *record)
{
    return !record->tombstone && record->fault.code == RC_OK;
}

static rc_history_filter_t filter_of(const rc_undo_run_t *run)
{
    return (rc_history_filter_t){.integration_id = run->integration->id, .employee_id = run->args->employee};
}

/* All partitions, or the one of the employee who is asked about. */
static int32_t partition_of(const rc_undo_run_t *run)
{
    if (run->args->employee == NULL) return -1;
    return rc_history_partition(run->history, run->integration->id, run->args->employee);
}

static rc_code_t read_events(reading_t *reading, rc_wall_t since, const rc_history_filter_t *filter,
                             bool (*visit)(void *opaque, const rc_history_record_t *record), rc_error_t *error)
{
    rc_undo_run_t *run = reading->run;
    rc_history_part_t parts[RC_EVENT_COUNT];
    for (int type = 0; type < RC_EVENT_COUNT; type++)
        parts[type] = (rc_history_part_t){
            .kind = rc_topic_of_event((rc_event_type_t)type), .partition = partition_of(run), .since = since};
    return rc_history_read(run->history, parts, RC_EVENT_COUNT, filter, reading->scratch, visit, reading,
                           &run->cancelled, error);
}

/* ---- The events since ---- */

static rc_ref_t copy_ref(rc_arena_t *arena, rc_ref_t ref)
{
    return (rc_ref_t){rc_arena_strdup(arena, ref.id), rc_arena_strdup(arena, ref.name)};
}

/* What rc_past_of reads of an event. */
static rc_event_t keep_event(rc_arena_t *arena, const rc_event_t *event)
{
    rc_event_t kept = *event;
    rc_change_t *changes = rc_arena_alloc(arena, event->profile.change_count * sizeof *changes);
    kept.event_id = kept.integration_id = NULL;
    kept.employee_id = rc_arena_strdup(arena, event->employee_id);
    kept.employee = rc_employee_copy(arena, &event->employee);
    kept.created.replaces = rc_arena_strdup(arena, event->created.replaces);
    for (size_t i = 0; i < event->profile.change_count; i++)
        changes[i] = (rc_change_t){rc_arena_strdup(arena, event->profile.changes[i].field),
                                   rc_arena_strdup(arena, event->profile.changes[i].previous)};
    kept.profile.changes = changes;
    kept.team.previous = copy_ref(arena, event->team.previous);
    kept.team.current = copy_ref(arena, event->team.current);
    return kept;
}

static rc_undo_person_t *person_of(rc_undo_run_t *run, const rc_history_record_t *record)
{
    rc_undo_person_t *person = find(run, &record->message);
    if (person != NULL) return person;
    person = rc_arena_alloc(run->arena, sizeof *person);
    *person = (rc_undo_person_t){.employee_id = rc_arena_strdup(run->arena, record->employee_id),
                                 .partition = record->message.partition,
                                 .since = {record->message.timestamp_ms}};
    (void)rc_map_set(run->by_key, record->message.key, record->message.key_bytes, person);
    return person;
}

static bool take_since(void *opaque, const rc_history_record_t *record)
{
    reading_t *reading = opaque;
    rc_undo_run_t *run = reading->run;
    if (is_readable(record) && record->employee_id != NULL) {
        const rc_event_t *event = &record->event;
        rc_undo_person_t *person = person_of(run, record);
        person->types |= 1u << event->type;
        if (record->message.timestamp_ms < person->since.ms) person->since.ms = record->message.timestamp_ms;
        if (event->version > person->newest[event->type]) person->newest[event->type] = event->version;
        if (person->first_count > 0 && event->version < person->first[0].version) person->first_count = 0;
        bool is_first = person->first_count == 0 || event->version == person->first[0].version;
        if (is_first && person->first_count < sizeof person->first / sizeof *person->first)
            person->first[person->first_count++] = keep_event(run->arena, event);
        if (event->type == RC_EVENT_CREATED && !rc_text_empty(event->created.replaces))
            free(rc_map_set(reading->successors, event->created.replaces, strlen(event->created.replaces),
                            rc_strdup(event->employee_id)));
    }
    rc_arena_reset(reading->scratch);
    return true;
}

/* ---- What they follow ---- */

static bool take_earlier(void *opaque, const rc_history_record_t *record)
{
    reading_t *reading = opaque;
    rc_undo_run_t *run = reading->run;
    rc_undo_person_t *person = find(run, &record->message);
    bool is_it =
        is_readable(record) && person->earlier == NULL && record->event.version == person->first[0].previous_version;
    if (is_it) {
        rc_event_t *earlier = rc_arena_alloc(run->arena, sizeof *earlier);
        *earlier = keep_event(run->arena, &record->event);
        person->earlier = earlier;
    }
    rc_arena_reset(reading->scratch);
    return true;
}

/* ---- The state as published now ---- */

static bool take_snapshot(void *opaque, const rc_history_record_t *record)
{
    reading_t *reading = opaque;
    rc_undo_run_t *run = reading->run;
    rc_undo_person_t *person = find(run, &record->message);
    person->state = NULL;
    if (is_readable(record)) {
        rc_snapshot_t *state = rc_arena_alloc(run->arena, sizeof *state);
        *state = (rc_snapshot_t){.version = record->snapshot.version,
                                 .presence = record->snapshot.presence,
                                 .employee = rc_employee_copy(run->arena, &record->snapshot.employee)};
        person->state = state;
    }
    rc_arena_reset(reading->scratch);
    return true;
}

/* ---- What the lanes did of it ---- */

static bool brought_over(rc_outcome_t outcome)
{
    switch (outcome) {
    case RC_OUTCOME_PARKED:
    case RC_OUTCOME_DEAD:
    case RC_OUTCOME_HANDED_OVER:
    case RC_OUTCOME_REPLAYED:
        return false;
    case RC_OUTCOME_APPLIED:
    case RC_OUTCOME_COVERED:
    case RC_OUTCOME_SKIPPED:
    case RC_OUTCOME_WITHOUT_MANAGER:
        break;
    }
    return true;
}

static bool take_entry(void *opaque, const rc_history_record_t *record)
{
    reading_t *reading = opaque;
    rc_undo_run_t *run = reading->run;
    size_t at;
    int lane = rc_ledger_key_split(record->message.key, record->message.key_bytes, &at);
    if (is_readable(record) && lane >= 0) {
        const char *key = record->message.key;
        rc_undo_person_t *person = rc_map_get(run->by_key, key + at, record->message.key_bytes - at);
        bool is_over = brought_over(record->ledger.outcome);
        if (person == NULL)
            run->late += is_over;
        else if (is_over && record->ledger.version >= person->newest[lane])
            person->applied |= 1u << lane;
        else
            person->applied &= ~(1u << lane);
    }
    rc_arena_reset(reading->scratch);
    return true;
}

/* ---- All of it ---- */

static rc_code_t read_part(reading_t *reading, rc_history_part_t part, const rc_history_filter_t *filter,
                           bool (*visit)(void *opaque, const rc_history_record_t *record), rc_error_t *error)
{
    part.partition = partition_of(reading->run);
    return rc_history_read(reading->run->history, &part, 1, filter, reading->scratch, visit, reading,
                           &reading->run->cancelled, error);
}

static int by_employee_id(const void *a, const void *b)
{
    const rc_undo_person_t *const *one = a, *const *other = b;
    return strcmp((*one)->employee_id, (*other)->employee_id);
}

static bool add_person(void *context, const void *key, size_t key_bytes, void *value)
{
    rc_undo_run_t *run = context;
    (void)key;
    (void)key_bytes;
    run->people[run->count++] = value;
    return true;
}

static void settle_people(reading_t *reading)
{
    rc_undo_run_t *run = reading->run;
    run->people = rc_calloc(rc_map_count(run->by_key), sizeof *run->people);
    rc_map_each(run->by_key, add_person, run);
    qsort(run->people, run->count, sizeof *run->people, by_employee_id);
    for (size_t i = 0; i < run->count; i++) {
        rc_undo_person_t *person = run->people[i];
        const rc_event_t *first[] = {&person->first[0], &person->first[1]};
        person->past = rc_past_of(first, person->first_count, person->earlier, run->arena);
        person->successor = rc_arena_strdup(
            run->arena, rc_map_get(reading->successors, person->employee_id, strlen(person->employee_id)));
        run->waiting += (person->types & ~person->applied) != 0;
    }
}

rc_code_t rc_undo_read_people(rc_undo_run_t *run, rc_error_t *error)
{
    reading_t reading = {.run = run, .scratch = rc_arena_new_sized(16 * 1024), .successors = rc_map_new(free)};
    const rc_history_filter_t all = filter_of(run);
    rc_history_filter_t known = all;
    known.wants = is_known;
    known.opaque = &reading;
    rc_code_t code = read_events(&reading, run->args->since, &all, take_since, error);
    bool is_anybody = rc_map_count(run->by_key) > 0;
    if (code == RC_OK && is_anybody) code = read_events(&reading, (rc_wall_t){0}, &known, take_earlier, error);
    if (code == RC_OK && is_anybody)
        code = read_part(&reading, (rc_history_part_t){.kind = RC_TOPIC_SNAPSHOT}, &known, take_snapshot, error);
    if (code == RC_OK)
        code = read_part(&reading, (rc_history_part_t){.kind = RC_TOPIC_LEDGER, .since = run->args->since}, &all,
                         take_entry, error);
    if (code == RC_OK) settle_people(&reading);
    rc_map_free(reading.successors);
    rc_arena_free(reading.scratch);
    return code;
}

static bool take_state(void *opaque, const rc_history_record_t *record)
{
    reading_t *reading = opaque;
    reading->run->paused = is_readable(record) ? record->state.paused : 0;
    reading->run->paused_at = (rc_wall_t){record->message.timestamp_ms};
    rc_arena_reset(reading->scratch);
    return true;
}

rc_code_t rc_undo_read_pause(rc_undo_run_t *run, rc_error_t *error)
{
    reading_t reading = {.run = run, .scratch = rc_arena_new_sized(16 * 1024)};
    const rc_history_filter_t filter = {.integration_id = run->integration->id};
    const rc_history_part_t part = {.kind = RC_TOPIC_STATE, .partition = -1};
    run->paused = 0;
    rc_code_t code =
        rc_history_read(run->history, &part, 1, &filter, reading.scratch, take_state, &reading, &run->cancelled, error);
    rc_arena_free(reading.scratch);
    return code;
}
