#include "producer/commands/act.h"

#include <stdlib.h>
#include <string.h>

#include "common/later.h"
#include "common/log.h"
#include "common/signals.h"
#include "common/text.h"
#include "common/uuid.h"
#include "producer/service/service.h"

typedef struct {
    const rc_args_t *args;
    rc_config_t *config;
    rc_service_t service;
    atomic_bool stop;
    atomic_bool late; /* Kafka was not there in time */
    rc_arena_t *arena;
    rc_command_t *commands;
    rc_answer_t *answers;
    atomic_bool *done; /* by command */
    size_t count;
    atomic_size_t left;
} act_t;

static bool is_poll(const rc_command_t *command)
{
    return command->kind == RC_COMMAND_POLL || command->kind == RC_COMMAND_FULL_POLL;
}

/* --- by ourselves --- */

static void worker_done(void *opaque, const rc_integration_t *integration, rc_code_t code, const rc_error_t *error)
{
    act_t *act = opaque;
    for (size_t i = 0; i < act->count; i++) {
        if (strcmp(act->commands[i].integration_id, integration->id) != 0 || atomic_load(&act->done[i])) continue;
        act->answers[i].answered = true;
        act->answers[i].ok = code == RC_OK;
        memcpy(act->answers[i].message, error->message, sizeof error->message);
        atomic_store(&act->done[i], true);
        if (atomic_fetch_sub(&act->left, 1) == 1) atomic_store(&act->stop, true);
    }
}

static bool is_wanted(void *opaque, const rc_integration_t *integration)
{
    const act_t *act = opaque;
    for (size_t i = 0; i < act->count; i++)
        if (strcmp(act->commands[i].integration_id, integration->id) == 0) return !atomic_load(&act->done[i]);
    return false;
}

/* A poll of our own says how it ended; of other commands the published state does. */
static void read_answer(const rc_command_t *command, rc_answer_t *answer)
{
    rc_error_t error = RC_ERROR_INIT;
    const rc_sync_state_t *state = &answer->state;
    bool obeyed = rc_text_equal(state->last_command_id, command->id);
    const char *message = obeyed ? state->last_command_message : "it was not carried out; say it again";
    answer->ok = obeyed && state->last_command_ok;
    if (message) (void)rc_error_set(&error, RC_KAFKA, RC_REJECT, "%s", message);
    memcpy(answer->message, error.message, sizeof answer->message);
}

static void prepare(act_t *act)
{
    rc_wall_t now = rc_wall_now();
    for (size_t i = 0; i < act->count; i++) {
        char id[RC_UUID_STR_SIZE];
        act->commands[i].id = rc_arena_strdup(act->arena, rc_uuid_random(id));
        act->commands[i].issued_at = now;
    }
}

/* `from_topic`: they were written already, for somebody who has ended. */
static rc_code_t act_ourselves(act_t *act, bool from_topic, bool in_place_of_service, rc_error_t *error)
{
    const rc_once_t order = {.commands = act->commands,
                             .command_count = act->count,
                             .from_topic = from_topic,
                             .in_place_of_service = in_place_of_service,
                             .is_wanted = is_wanted,
                             .done = worker_done,
                             .opaque = act};
    if (!from_topic) prepare(act);
    for (size_t i = 0; i < act->count; i++) {
        if (!from_topic) act->answers[i] = (rc_answer_t){.answered = false};
        atomic_store(&act->done[i], act->answers[i].answered);
        atomic_fetch_add(&act->left, !act->answers[i].answered);
    }
    rc_service_start(&act->service, &order);
    (void)rc_signals_wait();
    rc_owner_free(act->service.owner);
    act->service.owner = NULL;
    if (atomic_load(&act->left) > 0)
        return rc_error_set(error, RC_CANCELLED, RC_STOPPED, "stopped before every integration had its turn");
    for (size_t i = 0; i < act->count; i++) {
        bool found;
        rc_answer_t *answer = &act->answers[i];
        const char *id = act->commands[i].integration_id;
        if (answer->state.integration_id) continue; /* who ran had answered this one */
        rc_code_t code = rc_views_state(act->service.views, id, act->arena, &answer->state, &found, error);
        if (code != RC_OK) return code;
        if (!found) answer->state = (rc_sync_state_t){.integration_id = id};
        if (answer->ok && (from_topic || !is_poll(&act->commands[i]))) read_answer(&act->commands[i], answer);
    }
    return RC_OK;
}

/* --- by a command to those who run --- */

static rc_code_t ask_others(act_t *act, rc_error_t *error)
{
    rc_kafka_t *kafka = NULL;
    rc_enrolment_t enrolment = {NULL, NULL, NULL};
    rc_code_t code = rc_kafka_new(act->config, "rollcall-producer-once", &kafka, error);
    if (code == RC_OK) code = rc_enrol_writer(kafka, &act->stop, &enrolment, error);
    if (code == RC_OK)
        code = rc_ask(kafka, enrolment.codec, act->commands, act->count, act->args->wait_ms, &act->stop, act->arena,
                      act->answers, error);
    rc_enrolment_fini(&enrolment);
    rc_kafka_free(kafka);
    return code;
}

static void give_up(void *opaque)
{
    act_t *act = opaque;
    atomic_store(&act->late, true);
    atomic_store(&act->stop, true);
}

/* A service waits for Kafka as long as it takes; whoever asks once, or the timer that does, wants an end. */
static rc_code_t start(act_t *act, rc_error_t *error)
{
    rc_later_t *later = rc_later_new();
    rc_later_add(later, act->args->wait_ms, give_up, NULL, act);
    rc_code_t code = rc_service_init(&act->service, act->config, &act->stop, error);
    rc_later_free(later);
    if (!atomic_load(&act->late)) return code;
    char waited[RC_TIME_STR_SIZE];
    return rc_error_set(error, RC_TIMEOUT, RC_RETRY,
                        "Kafka or the schema registry was not ready within %s; see `rollcall-producer check`, or wait "
                        "longer (--wait)",
                        rc_duration_str(act->args->wait_ms, waited));
}

static rc_code_t find_who_acts(act_t *act, rc_error_t *error)
{
    rc_producers_t producers;
    rc_error_t trouble = RC_ERROR_INIT;
    rc_code_t started = start(act, &trouble);
    if (started == RC_CONFLICT) return ask_others(act, error); /* a service of this instance runs here */
    /* Without local tables we can do nothing, but others can. */
    if (started != RC_OK && started != RC_IO) {
        *error = trouble;
        return started;
    }
    rc_code_t code = rc_ask_who_works(act->service.kafka, RC_ASK_TIMEOUT_MS, &producers, error);
    if (code != RC_OK) return code;
    if (!producers.services && started == RC_OK) return act_ourselves(act, false, producers.own_ghost, error);
    if (!producers.services) {
        *error = trouble;
        return started;
    }
    code = ask_others(act, error);
    return code == RC_OWNERSHIP && started == RC_OK ? act_ourselves(act, true, false, error) : code;
}

/* Looked at before local tables are opened: filling those takes long with many people, and leaves them behind. */
static bool do_others_work(const act_t *act)
{
    rc_producers_t producers = {.known = false};
    rc_error_t error = RC_ERROR_INIT;
    rc_kafka_t *kafka = NULL;
    int64_t timeout_ms = act->args->wait_ms < RC_ASK_TIMEOUT_MS ? act->args->wait_ms : RC_ASK_TIMEOUT_MS;
    bool asked = rc_kafka_new(act->config, "rollcall-producer-once", &kafka, &error) == RC_OK &&
                 rc_ask_who_works(kafka, timeout_ms, &producers, &error) == RC_OK;
    rc_kafka_free(kafka);
    return asked && producers.services;
}

static rc_code_t carry_out(act_t *act, rc_error_t *error)
{
    if (!do_others_work(act)) return find_who_acts(act, error);
    rc_code_t code = ask_others(act, error);
    if (code != RC_OWNERSHIP) return code;
    /* They have ended since, and what we wrote to them waits. */
    rc_error_t trouble = RC_ERROR_INIT;
    return start(act, &trouble) == RC_OK ? act_ourselves(act, true, false, error) : code;
}

rc_code_t rc_act(const rc_args_t *args, rc_config_t *config, rc_command_t *commands, size_t count, rc_arena_t *arena,
                 rc_answer_t *answers, rc_error_t *error)
{
    act_t act = {.args = args,
                 .config = config,
                 .arena = arena,
                 .commands = commands,
                 .answers = answers,
                 .done = rc_calloc(count, sizeof *act.done),
                 .count = count};
    if (config->log.level == RC_LEVEL_INFO) rc_log_set_level(RC_LEVEL_WARN); /* the result says it */
    rc_signals_open(&act.stop);
    rc_code_t code = carry_out(&act, error);
    rc_signals_end_within(RC_SIGNALS_END_MS);
    rc_service_fini(&act.service);
    rc_signals_close();
    free(act.done);
    return code;
}
