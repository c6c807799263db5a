#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/later.h"
#include "common/log.h"
#include "common/report.h"
#include "common/signals.h"
#include "producer/commands/ask.h"
#include "producer/commands/commands.h"
#include "producer/commands/overview.h"
#include "producer/service/service.h"

/* How one integration's poll ended. */
typedef struct {
    const rc_integration_t *integration;
    atomic_bool done;
    bool ok;
    char message[RC_ERROR_MESSAGE_SIZE];
    rc_sync_state_t state; /* as of then */
} outcome_t;

typedef struct {
    const rc_args_t *args;
    rc_config_t *config;
    rc_service_t service;
    atomic_bool stop;
    atomic_bool late; /* Kafka was not there in time */
    rc_arena_t *arena;
    outcome_t *outcomes;
    size_t count;
    atomic_size_t left;
} once_t;

static void choose_integrations(once_t *once)
{
    once->outcomes = rc_calloc(once->config->integrations_count, sizeof *once->outcomes);
    for (size_t i = 0; i < once->config->integrations_count; i++) {
        const rc_integration_t *integration = &once->config->integrations[i];
        if (!once->args->integration || strcmp(once->args->integration, integration->id) == 0)
            once->outcomes[once->count++].integration = integration;
    }
}

/* --- by ourselves --- */

static void worker_done(void *opaque, const rc_integration_t *integration, rc_code_t code, const rc_error_t *error)
{
    once_t *once = opaque;
    for (size_t i = 0; i < once->count; i++) {
        outcome_t *outcome = &once->outcomes[i];
        if (outcome->integration != integration || atomic_load(&outcome->done)) continue;
        outcome->ok = code == RC_OK;
        memcpy(outcome->message, error->message, sizeof outcome->message);
        atomic_store(&outcome->done, true);
        if (atomic_fetch_sub(&once->left, 1) == 1) atomic_store(&once->stop, true);
    }
}

static bool is_wanted(void *opaque, const rc_integration_t *integration)
{
    const once_t *once = opaque;
    for (size_t i = 0; i < once->count; i++)
        if (once->outcomes[i].integration == integration) return !atomic_load(&once->outcomes[i].done);
    return false;
}

static rc_code_t poll_ourselves(once_t *once, bool in_place_of_service, rc_error_t *error)
{
    const rc_once_t order = {.full = once->args->full,
                             .in_place_of_service = in_place_of_service,
                             .is_wanted = is_wanted,
                             .done = worker_done,
                             .opaque = once};
    atomic_store(&once->left, once->count);
    rc_service_start(&once->service, &order);
    (void)rc_signals_wait();
    rc_owner_free(once->service.owner);
    once->service.owner = NULL;
    if (atomic_load(&once->left) > 0)
        return rc_error_set(error, RC_CANCELLED, RC_STOPPED, "stopped before every integration was polled");
    for (size_t i = 0; i < once->count; i++) {
        bool found;
        outcome_t *outcome = &once->outcomes[i];
        rc_code_t code =
            rc_views_state(once->service.views, outcome->integration->id, once->arena, &outcome->state, &found, error);
        if (code != RC_OK) return code;
        if (!found) outcome->state = (rc_sync_state_t){.integration_id = outcome->integration->id};
    }
    return RC_OK;
}

/* --- by a command to those who run --- */

static rc_code_t ask_others(once_t *once, rc_error_t *error)
{
    rc_kafka_t *kafka = NULL;
    rc_enrolment_t enrolment = {NULL, NULL, NULL};
    rc_command_t *commands = rc_arena_alloc(once->arena, once->count * sizeof *commands);
    rc_answer_t *answers = rc_arena_alloc(once->arena, once->count * sizeof *answers);
    for (size_t i = 0; i < once->count; i++)
        commands[i] = (rc_command_t){.integration_id = once->outcomes[i].integration->id,
                                     .kind = once->args->full ? RC_COMMAND_FULL_POLL : RC_COMMAND_POLL,
                                     .trigger = RC_TRIGGER_COMMAND};
    rc_code_t code = rc_kafka_new(once->config, "rollcall-producer-once", &kafka, error);
    if (code == RC_OK) code = rc_enrol_writer(kafka, &once->stop, &enrolment, error);
    if (code == RC_OK)
        code = rc_ask(kafka, enrolment.codec, commands, once->count, once->args->wait_ms, &once->stop, once->arena,
                      answers, error);
    for (size_t i = 0; code == RC_OK && i < once->count; i++) {
        outcome_t *outcome = &once->outcomes[i];
        outcome->ok = answers[i].ok;
        outcome->state = answers[i].state;
        memcpy(outcome->message, answers[i].message, sizeof outcome->message);
    }
    rc_enrolment_fini(&enrolment);
    rc_kafka_free(kafka);
    return code;
}

static void give_up(void *opaque)
{
    once_t *once = opaque;
    atomic_store(&once->late, true);
    atomic_store(&once->stop, true);
}

/* A service waits for Kafka as long as it takes; whoever asks once, or the timer that does, wants an end. */
static rc_code_t start(once_t *once, rc_error_t *error)
{
    rc_later_t *later = rc_later_new();
    rc_later_add(later, once->args->wait_ms, give_up, NULL, once);
    rc_code_t code = rc_service_init(&once->service, once->config, &once->stop, error);
    rc_later_free(later);
    if (!atomic_load(&once->late)) return code;
    char waited[RC_TIME_STR_SIZE];
    return rc_error_set(error, RC_TIMEOUT, RC_RETRY,
                        "Kafka or the schema registry was not ready within %s; see `rollcall-producer check`, or wait "
                        "longer (--wait)",
                        rc_duration_str(once->args->wait_ms, waited));
}

static rc_code_t poll_all(once_t *once, rc_error_t *error)
{
    rc_producers_t producers;
    rc_code_t code = start(once, error);
    if (code == RC_CONFLICT) return ask_others(once, error);
    if (code == RC_OK) code = rc_ask_who_works(once->service.kafka, &producers, error);
    if (code != RC_OK) return code;
    return producers.services ? ask_others(once, error) : poll_ourselves(once, producers.own_ghost, error);
}

/* --- what is printed --- */

static void print_json(const once_t *once)
{
    json_t *integrations = json_array();
    for (size_t i = 0; i < once->count; i++) {
        const outcome_t *outcome = &once->outcomes[i];
        json_t *integration = json_object();
        rc_json_put_str(integration, "id", outcome->integration->id);
        (void)json_object_set_new(integration, "ok", json_boolean(outcome->ok));
        if (!outcome->ok) rc_json_put_str(integration, "error", outcome->message);
        if (outcome->state.last_poll.started_at.ms)
            (void)json_object_set_new(integration, "last_poll", rc_overview_poll_json(&outcome->state.last_poll));
        (void)json_array_append_new(integrations, integration);
    }
    json_t *document = json_pack("{s:o}", "integrations", integrations);
    char *text = rc_json_text(document, true);
    (void)puts(text);
    free(text);
    json_decref(document);
}

static void print_table(const once_t *once)
{
    rc_report_t *report = rc_report_new("integration|name|result|full|>read|>events|>announced|message");
    for (size_t i = 0; i < once->count; i++) {
        const outcome_t *outcome = &once->outcomes[i];
        rc_report_add_format(report, "%s\t%s\t%s\t%s\t%lld\t%lld\t%lld\t%s", outcome->integration->id,
                             outcome->integration->name, outcome->ok ? "done" : "failed",
                             outcome->ok && outcome->state.last_poll.full ? "yes" : "",
                             outcome->ok ? (long long)outcome->state.last_poll.read : 0,
                             outcome->ok ? (long long)outcome->state.last_poll.events : 0,
                             (long long)outcome->state.announced, outcome->ok ? "" : outcome->message);
    }
    rc_report_print(report, stdout, "no integrations");
    rc_report_free(report);
}

static rc_exit_t judge(const once_t *once)
{
    bool held = false;
    for (size_t i = 0; i < once->count; i++) {
        if (!once->outcomes[i].ok) return RC_EXIT_FAILED;
        held |= once->outcomes[i].state.hold_count > 0;
    }
    return held ? RC_EXIT_HELD : RC_EXIT_DONE;
}

rc_exit_t rc_producer_once(const rc_args_t *args)
{
    once_t once = {.args = args, .arena = rc_arena_new()};
    rc_error_t error = RC_ERROR_INIT;
    rc_exit_t code = rc_cli_config(args, &once.config);
    if (code != RC_EXIT_DONE) goto cleanup;
    choose_integrations(&once);
    if (once.config->log.level == RC_LEVEL_INFO) rc_log_set_level(RC_LEVEL_WARN); /* the result says it */
    rc_signals_open(&once.stop);
    if (poll_all(&once, &error) == RC_OK) {
        if (args->json)
            print_json(&once);
        else
            print_table(&once);
        code = judge(&once);
    } else {
        code = rc_cli_fail(args, error.code == RC_CONFIG ? RC_EXIT_USAGE : RC_EXIT_FAILED, "%s", error.message);
    }
    rc_service_fini(&once.service);
    rc_signals_close();
cleanup:
    rc_config_free(once.config);
    rc_arena_free(once.arena);
    free(once.outcomes);
    return code;
}
