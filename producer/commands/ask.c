#include "producer/commands/ask.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/kafka_admin.h"
#include "common/kafka_producer.h"
#include "common/tail.h"
#include "common/text.h"
#include "common/topics.h"
#include "common/uuid.h"
#include "producer/service/owner.h"

enum {
    SEND_TIMEOUT_MS = 10000,
    STEP_MS = 20,
    MEMBERS_MS = 1000, /* between two looks at who works */
    VALUE_MAX_BYTES = 64 * 1024
};

/* What the tail's thread fills in. */
typedef struct {
    const rc_codec_t *codec;
    const rc_command_t *commands;
    size_t count;
    pthread_mutex_t mutex;
    rc_arena_t *arena;   /* the caller's; under the mutex */
    rc_arena_t *scratch; /* the tail's thread */
    rc_answer_t *answers;
    size_t answered;
} listener_t;

static void note_answer(listener_t *listener, size_t index, const rc_kafka_message_t *message)
{
    rc_answer_t *answer = &listener->answers[index];
    rc_error_t error = RC_ERROR_INIT;
    rc_sync_state_t state;
    if (answer->answered || rc_codec_decode_state(listener->codec, message->value, message->value_bytes,
                                                  listener->arena, &state, NULL, &error) != RC_OK)
        return;
    *answer = (rc_answer_t){.answered = true, .ok = state.last_command_ok, .state = state};
    if (state.last_command_message) (void)rc_error_set(&error, RC_KAFKA, RC_REJECT, "%s", state.last_command_message);
    memcpy(answer->message, error.message, sizeof answer->message);
    listener->answered++;
}

static void on_state(void *opaque, const rc_kafka_message_t *message)
{
    listener_t *listener = opaque;
    rc_sync_state_t state;
    if (!message->value) return;
    rc_arena_reset(listener->scratch);
    if (rc_codec_decode_state(listener->codec, message->value, message->value_bytes, listener->scratch, &state, NULL,
                              NULL) != RC_OK)
        return;
    pthread_mutex_lock(&listener->mutex);
    for (size_t i = 0; i < listener->count; i++)
        if (rc_text_equal(state.last_command_id, listener->commands[i].id)) note_answer(listener, i, message);
    pthread_mutex_unlock(&listener->mutex);
}

static rc_code_t send(const rc_kafka_t *kafka, const rc_codec_t *codec, const rc_command_t *commands, size_t count,
                      rc_error_t *error)
{
    rc_arena_t *arena = rc_arena_new();
    rc_kafka_record_t *records = rc_arena_alloc(arena, count * sizeof *records);
    rc_kafka_producer_t *producer = NULL;
    rc_buf_t value = RC_BUF_INIT(VALUE_MAX_BYTES);
    rc_code_t code = rc_kafka_producer_open(kafka, &producer, error);
    for (size_t i = 0; code == RC_OK && i < count; i++) {
        rc_buf_reset(&value);
        code = rc_codec_encode_command(codec, &commands[i], &value, error);
        if (code != RC_OK) break;
        records[i] = (rc_kafka_record_t){.topic = rc_topic_name(rc_kafka_config(kafka), RC_TOPIC_COMMANDS, arena),
                                         .partition = -1,
                                         .key = commands[i].integration_id,
                                         .key_bytes = strlen(commands[i].integration_id),
                                         .value = rc_arena_strndup(arena, value.data, value.size_bytes),
                                         .value_bytes = value.size_bytes};
    }
    if (code == RC_OK) code = rc_kafka_producer_send(producer, records, count, SEND_TIMEOUT_MS, NULL, error);
    rc_kafka_producer_close(producer);
    rc_buf_fini(&value);
    rc_arena_free(arena);
    return code;
}

static bool does_nobody_work(const rc_kafka_t *kafka)
{
    rc_producers_t producers;
    rc_error_t error = RC_ERROR_INIT;
    return rc_ask_who_works(kafka, RC_ASK_TIMEOUT_MS, &producers, &error) == RC_OK && producers.known &&
           !producers.services && !producers.own_ghost;
}

static rc_code_t wait_for_answers(listener_t *listener, const rc_kafka_t *kafka, int64_t timeout_ms,
                                  const atomic_bool *cancelled, rc_error_t *error)
{
    const struct timespec step = {0, STEP_MS * 1000000};
    rc_mono_t now = rc_mono_now(), until = {now.ms + timeout_ms}, look_at = {now.ms + MEMBERS_MS};
    for (;;) {
        pthread_mutex_lock(&listener->mutex);
        size_t missing = listener->count - listener->answered;
        pthread_mutex_unlock(&listener->mutex);
        if (!missing) return RC_OK;
        if (cancelled && atomic_load(cancelled))
            return rc_error_set(error, RC_CANCELLED, RC_STOPPED, "stopped while waiting");
        if (rc_mono_now().ms >= until.ms)
            return rc_error_set(
                error, RC_TIMEOUT, RC_RETRY,
                "%zu of %zu commands were not answered; is a `rollcall-producer run` alive that knows these "
                "integrations? `rollcall-producer check` tells what it can reach",
                missing, listener->count);
        if (rc_mono_now().ms >= look_at.ms) {
            if (does_nobody_work(kafka))
                return rc_error_set(error, RC_OWNERSHIP, RC_RETRY, "the producer that ran has ended; say it again");
            look_at.ms = rc_mono_now().ms + MEMBERS_MS;
        }
        (void)nanosleep(&step, NULL);
    }
}

rc_code_t rc_ask(const rc_kafka_t *kafka, const rc_codec_t *codec, rc_command_t *commands, size_t count,
                 int64_t timeout_ms, const atomic_bool *cancelled, rc_arena_t *arena, rc_answer_t *answers,
                 rc_error_t *error)
{
    rc_wall_t now = rc_wall_now();
    for (size_t i = 0; i < count; i++) {
        char id[RC_UUID_STR_SIZE];
        commands[i].id = rc_arena_strdup(arena, rc_uuid_random(id));
        commands[i].issued_at = now;
        if (!commands[i].expires_at.ms) commands[i].expires_at = (rc_wall_t){now.ms + timeout_ms};
        answers[i] = (rc_answer_t){.answered = false};
    }
    listener_t listener = {.codec = codec,
                           .commands = commands,
                           .count = count,
                           .arena = arena,
                           .scratch = rc_arena_new(),
                           .answers = answers};
    RC_INVARIANT(pthread_mutex_init(&listener.mutex, NULL) == 0);
    const rc_tail_topic_t topic = {
        .topic = rc_topic_name(rc_kafka_config(kafka), RC_TOPIC_STATE, arena), .hook = on_state, .opaque = &listener};
    rc_kafka_admin_t *admin = NULL;
    rc_tail_t *tail = NULL;
    rc_code_t code = rc_kafka_admin_open(kafka, &admin, error);
    if (code == RC_OK) code = rc_tail_new(kafka, admin, NULL, &topic, 1, &tail, error);
    if (code == RC_OK) code = send(kafka, codec, commands, count, error);
    if (code == RC_OK) code = wait_for_answers(&listener, kafka, timeout_ms, cancelled, error);
    rc_tail_free(tail);
    rc_kafka_admin_close(admin);
    rc_arena_free(listener.scratch);
    pthread_mutex_destroy(&listener.mutex);
    return code;
}

/* Asks again while a young cluster has no coordinator for the group yet. */
static rc_code_t list_members(rc_kafka_admin_t *admin, const char *group_id, int64_t timeout_ms, rc_arena_t *arena,
                              const rc_kafka_member_t **members, size_t *count, rc_error_t *error)
{
    const struct timespec pause = {0, STEP_MS * 10 * 1000000};
    rc_mono_t until = {rc_mono_now().ms + timeout_ms};
    for (;;) {
        rc_code_t code = rc_kafka_admin_group(admin, group_id, timeout_ms, arena, members, count, error);
        if (code == RC_OK || error->disposition != RC_RETRY || rc_mono_now().ms >= until.ms) return code;
        (void)nanosleep(&pause, NULL);
    }
}

rc_code_t rc_ask_who_works(const rc_kafka_t *kafka, int64_t timeout_ms, rc_producers_t *producers, rc_error_t *error)
{
    rc_kafka_admin_t *admin = NULL;
    char *cluster_id = NULL;
    rc_arena_t *arena = rc_arena_new_sized(1024);
    char *group_id = rc_owner_group_id(rc_kafka_config(kafka));
    const rc_kafka_member_t *members = NULL;
    size_t count = 0;
    rc_code_t code = rc_kafka_admin_open(kafka, &admin, error);
    if (code == RC_OK) code = rc_kafka_admin_cluster_id(admin, timeout_ms, &cluster_id, error);
    bool known = code == RC_OK && !rc_kafka_is_mock(cluster_id);
    if (known) code = list_members(admin, group_id, timeout_ms, arena, &members, &count, error);
    *producers = (rc_producers_t){.known = known};
    for (size_t i = 0; code == RC_OK && i < count; i++) {
        if (!members[i].instance_id) continue; /* a single poll */
        bool own = strcmp(members[i].instance_id, rc_kafka_config(kafka)->instance) == 0;
        producers->own_ghost |= own;
        producers->services |= !own;
    }
    free(cluster_id);
    free(group_id);
    rc_kafka_admin_close(admin);
    rc_arena_free(arena);
    return code;
}
