#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/report.h"
#include "producer/commands/act.h"
#include "producer/commands/commands.h"
#include "producer/commands/overview.h"

enum { TEXT_MAX_BYTES = 1024 * 1024 };

typedef struct {
    const rc_args_t *args;
    rc_config_t *config;
    rc_arena_t *arena;
    rc_command_t *commands;
    const rc_integration_t **integrations;
    rc_answer_t *answers;
    size_t count;
} once_t;

static void choose_integrations(once_t *once)
{
    size_t count = once->config->integrations_count;
    once->commands = rc_arena_alloc(once->arena, count * sizeof *once->commands);
    once->integrations = rc_arena_alloc(once->arena, count * sizeof *once->integrations);
    once->answers = rc_arena_alloc(once->arena, count * sizeof *once->answers);
    for (size_t i = 0; i < count; i++) {
        const rc_integration_t *integration = &once->config->integrations[i];
        if (once->args->integration && strcmp(once->args->integration, integration->id) != 0) continue;
        once->integrations[once->count] = integration;
        once->commands[once->count++] =
            (rc_command_t){.integration_id = integration->id,
                           .kind = once->args->full ? RC_COMMAND_FULL_POLL : RC_COMMAND_POLL,
                           .trigger = RC_TRIGGER_COMMAND};
    }
}

static void print_json(const once_t *once)
{
    json_t *integrations = json_array();
    for (size_t i = 0; i < once->count; i++) {
        const rc_answer_t *answer = &once->answers[i];
        json_t *integration = json_object();
        rc_json_put_str(integration, "id", once->integrations[i]->id);
        (void)json_object_set_new(integration, "ok", json_boolean(answer->ok));
        if (!answer->ok) rc_json_put_str(integration, "error", answer->message);
        if (answer->state.last_poll.started_at.ms)
            (void)json_object_set_new(integration, "last_poll", rc_overview_poll_json(&answer->state.last_poll));
        (void)json_array_append_new(integrations, integration);
    }
    json_t *document = json_pack("{s:o}", "integrations", integrations);
    rc_json_print(document);
}

static void print_table(const once_t *once)
{
    rc_report_t *report = rc_report_new("integration|name|result|full|>read|>events|>announced|message");
    for (size_t i = 0; i < once->count; i++) {
        const rc_answer_t *answer = &once->answers[i];
        rc_report_add_format(report, "%s\t%s\t%s\t%s\t%lld\t%lld\t%lld\t%s", once->integrations[i]->id,
                             once->integrations[i]->name, answer->ok ? "done" : "failed",
                             answer->ok && answer->state.last_poll.full ? "yes" : "",
                             answer->ok ? (long long)answer->state.last_poll.read : 0,
                             answer->ok ? (long long)answer->state.last_poll.events : 0,
                             (long long)answer->state.announced, answer->ok ? "" : answer->message);
    }
    rc_report_print(report, stdout, "no integrations");
    rc_report_free(report);
}

/* What the polls left for somebody to do. */
static void print_troubles(const once_t *once)
{
    rc_buf_t text = RC_BUF_INIT(TEXT_MAX_BYTES);
    rc_overview_t *overviews = rc_arena_alloc(once->arena, once->count * sizeof *overviews);
    for (size_t i = 0; i < once->count; i++)
        overviews[i] =
            (rc_overview_t){.integration = once->integrations[i], .seen = true, .state = once->answers[i].state};
    const char *config = rc_cli_given_config(once->args);
    rc_overview_troubles(overviews, once->count, rc_wall_now(), config, &text);
    if (text.size_bytes) (void)printf("%.*s", (int)text.size_bytes, text.data);
    rc_buf_fini(&text);
}

static rc_exit_t judge(const once_t *once)
{
    bool held = false;
    for (size_t i = 0; i < once->count; i++) {
        if (!once->answers[i].ok) return RC_EXIT_FAILED;
        held |= once->answers[i].state.hold_count > 0;
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
    if (rc_act(args, once.config, once.commands, once.count, once.arena, once.answers, &error) == RC_OK) {
        if (args->json) {
            print_json(&once);
        } else {
            print_table(&once);
            print_troubles(&once);
        }
        code = judge(&once);
    } else {
        code = rc_cli_fail(args, error.code == RC_CONFIG ? RC_EXIT_USAGE : RC_EXIT_FAILED, "%s", error.message);
    }
cleanup:
    rc_config_free(once.config);
    rc_arena_free(once.arena);
    return code;
}
