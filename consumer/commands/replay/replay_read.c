#include <stdlib.h>
#include <string.h>

#include "consumer/commands/replay/replay_state.h"

/* ---- Places ---- */

static rc_kafka_offset_t *places_of(const rc_replay_run_t *run, const rc_replay_lane_t *lane)
{
    rc_kafka_offset_t *places = rc_arena_alloc(run->arena, run->partitions * sizeof *places);
    for (size_t i = 0; i < run->partitions; i++) places[i] = (rc_kafka_offset_t){lane->topic, (int32_t)i, 0};
    return places;
}

rc_code_t rc_replay_find_places(rc_replay_run_t *run, rc_error_t *error)
{
    rc_code_t code = RC_OK;
    for (size_t i = 0; code == RC_OK && i < run->lane_count; i++) {
        rc_replay_lane_t *lane = &run->lanes[i];
        lane->first = places_of(run, lane);
        lane->from = places_of(run, lane);
        lane->committed = places_of(run, lane);
        code = rc_kafka_admin_beginnings(run->admin, lane->first, run->partitions, RC_REPLAY_ANSWER_MS, error);
        if (code == RC_OK)
            code = rc_kafka_admin_offsets_since(run->admin, lane->from, run->partitions, run->args->since.ms,
                                                RC_REPLAY_ANSWER_MS, error);
        if (code == RC_OK)
            code = rc_kafka_admin_committed(run->admin, lane->group_id, lane->committed, run->partitions,
                                            RC_REPLAY_ANSWER_MS, error);
    }
    return code;
}

size_t rc_replay_moves(const rc_replay_run_t *run, const rc_replay_lane_t *lane)
{
    size_t count = 0;
    for (size_t i = 0; i < run->partitions; i++) count += rc_replay_is_past(lane, i);
    return count;
}

rc_code_t rc_replay_members(rc_replay_run_t *run, const rc_replay_lane_t *lane, const rc_kafka_member_t **members,
                            size_t *count, rc_error_t *error)
{
    return rc_kafka_admin_group(run->admin, lane->group_id, RC_REPLAY_ANSWER_MS, run->arena, members, count, error);
}

/* ---- Events ---- */

typedef struct {
    rc_replay_run_t *run;
    rc_arena_t *scratch;
} reading_t;

static rc_replay_lane_t *lane_of(rc_replay_run_t *run, rc_event_type_t type)
{
    for (size_t i = 0; i < run->lane_count; i++)
        if (run->lanes[i].type == type) return &run->lanes[i];
    RC_DIE("a record of a lane that is not read");
}

static rc_replay_person_t *person_of(rc_replay_run_t *run, const rc_replay_lane_t *lane, const char *key,
                                     int32_t partition)
{
    size_t key_bytes = strlen(key);
    rc_replay_person_t *person = rc_map_get(run->people, key, key_bytes);
    if (person != NULL) return person;
    person = rc_zalloc(sizeof *person + key_bytes + 1);
    person->lane = lane->type;
    person->partition = partition;
    person->key_bytes = key_bytes;
    memcpy(person->key, key, key_bytes);
    (void)rc_map_set(run->people, key, key_bytes, person);
    return person;
}

/* Kafka's records begin after the moment: retention took what was before. */
static void note_retention(const rc_replay_run_t *run, rc_replay_lane_t *lane, const rc_kafka_message_t *message)
{
    size_t at = (size_t)message->partition;
    bool is_cut = at < run->partitions && lane->first[at].offset > 0 && message->offset == lane->first[at].offset;
    if (!is_cut || message->timestamp_ms <= run->args->since.ms) return;
    if (lane->kept_since.ms == 0 || message->timestamp_ms < lane->kept_since.ms)
        lane->kept_since = (rc_wall_t){message->timestamp_ms};
}

static bool take_event(void *opaque, const rc_history_record_t *record)
{
    reading_t *reading = opaque;
    rc_replay_run_t *run = reading->run;
    rc_replay_lane_t *lane = lane_of(run, (rc_event_type_t)record->kind);
    const rc_kafka_message_t *message = &record->message;
    note_retention(run, lane, message);
    if (record->tombstone || record->fault.code != RC_OK || record->employee_id == NULL) {
        lane->unreadable++;
    } else {
        lane->events++;
        const char *key = rc_ledger_key(reading->scratch, lane->type, message->key, message->key_bytes);
        rc_replay_events_t *events = &person_of(run, lane, key, message->partition)->events;
        int64_t version = record->event.version;
        if (version > events->newest) events->newest = version;
        bool is_past = message->offset < lane->committed[message->partition].offset;
        if (is_past && version > events->past) events->past = version;
    }
    rc_arena_reset(reading->scratch);
    return true;
}

static rc_code_t read_events(reading_t *reading, const rc_history_filter_t *filter, rc_error_t *error)
{
    rc_replay_run_t *run = reading->run;
    rc_history_part_t *parts = rc_calloc(run->lane_count * run->partitions, sizeof *parts);
    size_t count = 0;
    for (size_t i = 0; i < run->lane_count; i++)
        for (size_t p = 0; p < run->partitions; p++)
            parts[count++] = (rc_history_part_t){.kind = rc_topic_of_event(run->lanes[i].type),
                                                 .partition = (int32_t)p,
                                                 .offset = run->lanes[i].from[p].offset};
    rc_code_t code = rc_history_read(run->history, parts, count, filter, reading->scratch, take_event, reading,
                                     &run->cancelled, error);
    free(parts);
    return code;
}

/* ---- The ledger ---- */

static bool wants_entry(void *opaque, rc_topic_kind_t kind, const rc_kafka_message_t *message)
{
    const reading_t *reading = opaque;
    (void)kind;
    return message->key_bytes > 0 && rc_map_get(reading->run->people, message->key, message->key_bytes) != NULL;
}

static bool take_entry(void *opaque, const rc_history_record_t *record)
{
    reading_t *reading = opaque;
    rc_replay_person_t *person = rc_map_get(reading->run->people, record->message.key, record->message.key_bytes);
    /* An entry that cannot be read counts as none, as it does to a consumer. */
    person->has_entry = !record->tombstone && record->fault.code == RC_OK;
    if (person->has_entry)
        person->entry = (rc_ledger_entry_t){
            .version = record->ledger.version, .outcome = record->ledger.outcome, .user_id = record->ledger.user_id};
    rc_arena_reset(reading->scratch);
    return true;
}

static rc_code_t read_ledger(reading_t *reading, const rc_history_filter_t *filter, rc_error_t *error)
{
    const rc_history_part_t part = {.kind = RC_TOPIC_LEDGER, .partition = -1};
    rc_history_filter_t wanted = *filter;
    wanted.wants = wants_entry;
    wanted.opaque = reading;
    return rc_history_read(reading->run->history, &part, 1, &wanted, reading->scratch, take_entry, reading,
                           &reading->run->cancelled, error);
}

/* ---- Everybody ---- */

static bool invites(const rc_replay_run_t *run, const rc_replay_person_t *person)
{
    size_t at;
    const char *integration_id, *employee_id;
    if (rc_ledger_key_split(person->key, person->key_bytes, &at) < 0) return false;
    rc_arena_t *scratch = rc_arena_new_sized(512);
    bool is_ours =
        rc_employee_key_split(scratch, person->key + at, person->key_bytes - at, &integration_id, &employee_id);
    const rc_integration_t *integration = is_ours ? rc_config_find(run->config, integration_id) : NULL;
    rc_arena_free(scratch);
    return integration != NULL && integration->policy.invite == RC_INVITE_ON_CREATE;
}

static bool judge(void *context, const void *key, size_t key_bytes, void *value)
{
    rc_replay_run_t *run = context;
    rc_replay_person_t *person = value;
    (void)key;
    (void)key_bytes;
    bool may_invite = person->lane == RC_EVENT_CREATED && invites(run, person);
    person->judged =
        rc_replay_judge(person->lane, &person->events, person->has_entry ? &person->entry : NULL, may_invite);
    lane_of(run, person->lane)->people[person->judged]++;
    return true;
}

rc_code_t rc_replay_find_people(rc_replay_run_t *run, rc_error_t *error)
{
    reading_t reading = {.run = run, .scratch = rc_arena_new_sized(16 * 1024)};
    const rc_history_filter_t filter = {.integration_id = run->args->integration};
    rc_code_t code = read_events(&reading, &filter, error);
    if (code == RC_OK && rc_map_count(run->people) > 0) code = read_ledger(&reading, &filter, error);
    if (code == RC_OK) rc_map_each(run->people, judge, run);
    rc_arena_free(reading.scratch);
    return code;
}
