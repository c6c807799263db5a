#include "producer/page/chronicle.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/kafka_admin.h"
#include "common/map.h"
#include "common/tail.h"
#include "common/text.h"
#include "common/topics.h"

/* Texts are owned. Rings: the newest is at (count - 1) % size. */
typedef struct {
    rc_poll_note_t polls[RC_CHRONICLE_POLLS];
    size_t poll_count;
    rc_command_note_t commands[RC_CHRONICLE_COMMANDS];
    size_t command_count;
    int64_t failures; /* in a row, as the last state said */
} story_t;

struct rc_chronicle {
    const rc_codec_t *codec;
    rc_kafka_admin_t *admin;
    rc_tail_t *tail;
    rc_arena_t *scratch; /* the tail's thread */
    pthread_mutex_t mutex;
    rc_map_t *stories; /* by integration id; under the mutex */
};

static void free_story(void *opaque)
{
    story_t *story = opaque;
    for (size_t i = 0; i < RC_CHRONICLE_POLLS; i++) free((char *)(uintptr_t)story->polls[i].reason);
    for (size_t i = 0; i < RC_CHRONICLE_COMMANDS; i++) {
        free((char *)(uintptr_t)story->commands[i].id);
        free((char *)(uintptr_t)story->commands[i].message);
    }
    free(story);
}

static story_t *story_of(rc_chronicle_t *chronicle, const char *integration_id)
{
    story_t *story = rc_map_get(chronicle->stories, integration_id, strlen(integration_id));
    if (story) return story;
    story = rc_zalloc(sizeof *story);
    (void)rc_map_set(chronicle->stories, integration_id, strlen(integration_id), story);
    return story;
}

static rc_poll_note_t *newest_poll(story_t *story)
{
    return story->poll_count ? &story->polls[(story->poll_count - 1) % RC_CHRONICLE_POLLS] : NULL;
}

static void add_poll(story_t *story, const rc_poll_note_t *note)
{
    rc_poll_note_t *place = &story->polls[story->poll_count++ % RC_CHRONICLE_POLLS];
    free((char *)(uintptr_t)place->reason);
    *place = *note;
    place->reason = rc_strdup(note->reason);
}

/* Every transaction writes the state, so one poll is told many times: it is known by its start. */
static void take_poll(story_t *story, const rc_sync_state_t *state, rc_wall_t at)
{
    rc_wall_t started_at = state->last_poll.started_at;
    rc_poll_note_t *newest = NULL;
    for (size_t back = 1; back <= RC_CHRONICLE_POLLS && back <= story->poll_count && !newest; back++) {
        rc_poll_note_t *note = &story->polls[(story->poll_count - back) % RC_CHRONICLE_POLLS];
        if (!note->failed) newest = note;
    }
    if (started_at.ms && newest && newest->report.started_at.ms == started_at.ms)
        newest->report = state->last_poll;
    else if (started_at.ms && (!newest || newest->report.started_at.ms < started_at.ms))
        add_poll(story, &(rc_poll_note_t){.at = at, .report = state->last_poll});
    if (state->failures > story->failures)
        add_poll(story, &(rc_poll_note_t){.failed = true, .at = at, .reason = state->reason, .state = state->state});
    story->failures = state->failures;
}

static void take_command(story_t *story, const rc_sync_state_t *state, rc_wall_t at)
{
    if (!state->last_command_id) return;
    for (size_t i = 0; i < RC_CHRONICLE_COMMANDS; i++)
        if (rc_text_equal(story->commands[i].id, state->last_command_id)) return;
    rc_command_note_t *place = &story->commands[story->command_count++ % RC_CHRONICLE_COMMANDS];
    free((char *)(uintptr_t)place->id);
    free((char *)(uintptr_t)place->message);
    *place = (rc_command_note_t){rc_strdup(state->last_command_id), at, state->last_command_ok,
                                 rc_strdup(state->last_command_message)};
}

void rc_chronicle_take(rc_chronicle_t *chronicle, const rc_sync_state_t *state, rc_wall_t at)
{
    pthread_mutex_lock(&chronicle->mutex);
    story_t *story = story_of(chronicle, state->integration_id);
    const rc_poll_note_t *newest = newest_poll(story);
    /* After trouble with Kafka records may come again. */
    if (!newest || at.ms >= newest->at.ms) take_poll(story, state, at);
    take_command(story, state, at);
    pthread_mutex_unlock(&chronicle->mutex);
}

static void on_state(void *opaque, const rc_kafka_message_t *message)
{
    rc_chronicle_t *chronicle = opaque;
    rc_sync_state_t state;
    if (!message->value) return;
    rc_arena_reset(chronicle->scratch);
    if (rc_codec_decode_state(chronicle->codec, message->value, message->value_bytes, chronicle->scratch, &state, NULL,
                              NULL) == RC_OK)
        rc_chronicle_take(chronicle, &state, (rc_wall_t){message->timestamp_ms});
}

rc_chronicle_t *rc_chronicle_empty(void)
{
    rc_chronicle_t *chronicle = rc_zalloc(sizeof *chronicle);
    chronicle->scratch = rc_arena_new_sized(4096);
    chronicle->stories = rc_map_new(free_story);
    RC_INVARIANT(pthread_mutex_init(&chronicle->mutex, NULL) == 0);
    return chronicle;
}

rc_code_t rc_chronicle_new(const rc_kafka_t *kafka, const rc_codec_t *codec, rc_chronicle_t **result, rc_error_t *error)
{
    rc_chronicle_t *chronicle = rc_chronicle_empty();
    rc_arena_t *arena = rc_arena_new_sized(256);
    chronicle->codec = codec;
    const rc_tail_topic_t topic = {
        .topic = rc_topic_name(rc_kafka_config(kafka), RC_TOPIC_STATE, arena), .hook = on_state, .opaque = chronicle};
    rc_code_t code = rc_kafka_admin_open(kafka, &chronicle->admin, error);
    if (code == RC_OK) code = rc_tail_new(kafka, chronicle->admin, NULL, &topic, 1, &chronicle->tail, error);
    rc_arena_free(arena);
    if (code != RC_OK) {
        rc_chronicle_free(chronicle);
        return code;
    }
    *result = chronicle;
    return RC_OK;
}

void rc_chronicle_free(rc_chronicle_t *chronicle)
{
    if (!chronicle) return;
    rc_tail_free(chronicle->tail);
    rc_kafka_admin_close(chronicle->admin);
    rc_map_free(chronicle->stories);
    rc_arena_free(chronicle->scratch);
    pthread_mutex_destroy(&chronicle->mutex);
    free(chronicle);
}

const rc_poll_note_t *rc_chronicle_polls(rc_chronicle_t *chronicle, const char *integration_id, rc_arena_t *arena,
                                         size_t *count)
{
    pthread_mutex_lock(&chronicle->mutex);
    story_t *story = story_of(chronicle, integration_id);
    *count = story->poll_count < RC_CHRONICLE_POLLS ? story->poll_count : RC_CHRONICLE_POLLS;
    rc_poll_note_t *notes = rc_arena_alloc(arena, *count * sizeof *notes);
    for (size_t i = 0; i < *count; i++) {
        notes[i] = story->polls[(story->poll_count - 1 - i) % RC_CHRONICLE_POLLS];
        notes[i].reason = rc_arena_strdup(arena, notes[i].reason);
    }
    pthread_mutex_unlock(&chronicle->mutex);
    return notes;
}

bool rc_chronicle_command(rc_chronicle_t *chronicle, const char *integration_id, const char *command_id,
                          rc_arena_t *arena, rc_command_note_t *note)
{
    bool found = false;
    pthread_mutex_lock(&chronicle->mutex);
    const story_t *story = story_of(chronicle, integration_id);
    for (size_t i = 0; i < RC_CHRONICLE_COMMANDS && !found; i++) {
        if (!rc_text_equal(story->commands[i].id, command_id)) continue;
        *note = story->commands[i];
        note->id = rc_arena_strdup(arena, note->id);
        note->message = rc_arena_strdup(arena, note->message);
        found = true;
    }
    pthread_mutex_unlock(&chronicle->mutex);
    return found;
}
