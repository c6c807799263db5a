#include "producer/commands/plan/plan.h"

#include <string.h>

#include "common/log.h"
#include "common/map.h"
#include "common/retry.h"
#include "common/signals.h"
#include "producer/commands/commands.h"
#include "producer/commands/plan/picture.h"
#include "producer/commands/plan/plan_groups.h"
#include "producer/kombo/kombo_error.h"

typedef struct {
    const rc_args_t *args;
    rc_config_t *config;
    rc_picture_t picture;
    atomic_bool stop;
    bool held;
    bool failed;
} plan_t;

/* ---- One integration ---- */

typedef struct {
    plan_t *plan;
    rc_planned_t *planned;
    rc_map_t *unseen; /* employee ids of pending records that the run was not about */
    rc_plan_groups_t *groups;
    rc_plan_json_t *json; /* one of both */
} showing_t;

static bool note_pending(void *opaque, const rc_pending_t *pending, uint32_t ordinal)
{
    showing_t *showing = opaque;
    (void)ordinal;
    (void)rc_map_set(showing->unseen, pending->employee_id, strlen(pending->employee_id), showing);
    return true;
}

static bool show_settled(void *opaque, const rc_settled_t *settled)
{
    showing_t *showing = opaque;
    (void)rc_map_take(showing->unseen, settled->employee_id, strlen(settled->employee_id));
    if (showing->json)
        rc_plan_json_add(showing->json, settled);
    else
        rc_plan_groups_add(showing->groups, settled);
    return true;
}

/* Whoever waits, and of whom nothing changes. */
static bool show_pending(void *opaque, const rc_pending_t *pending, uint32_t ordinal)
{
    showing_t *showing = opaque;
    (void)ordinal;
    if (!rc_map_get(showing->unseen, pending->employee_id, strlen(pending->employee_id))) return true;
    if (showing->json)
        rc_plan_json_wait(showing->json, pending);
    else
        rc_plan_groups_wait(showing->groups, pending);
    return true;
}

static rc_code_t preview(showing_t *showing, const rc_poll_context_t *context, rc_arena_t *arena, rc_error_t *error)
{
    rc_planned_t *planned = showing->planned;
    const char *id = planned->integration->id;
    const rc_poll_order_t order = {.kind = showing->plan->args->full ? RC_POLL_FULL : RC_POLL_INCREMENTAL,
                                   .trigger = RC_TRIGGER_COMMAND,
                                   .now = rc_wall_now(),
                                   .command_offset = -1,
                                   .look_at_everybody = true};
    rc_code_t code = rc_views_each_pending(context->views, id, note_pending, showing, error);
    if (code == RC_OK)
        code =
            rc_poll_preview(context, &order, &planned->before, show_settled, showing, arena, &planned->result, error);
    if (code == RC_OK) code = rc_views_each_pending(context->views, id, show_pending, showing, error);
    return code;
}

/* From the start: what a former try has shown is void. */
static rc_code_t start_showing(showing_t *showing, rc_error_t *error)
{
    rc_map_free(showing->unseen);
    rc_plan_groups_free(showing->groups);
    rc_plan_json_free(showing->json);
    showing->unseen = rc_map_new(NULL);
    showing->groups = NULL;
    showing->json = NULL;
    if (showing->plan->args->json) return rc_plan_json_new(showing->plan->picture.folder, &showing->json, error);
    showing->groups = rc_plan_groups_new(showing->planned->integration);
    return RC_OK;
}

/* As `once` does: trouble that may pass is waited out for at most http_timeout. */
static rc_code_t preview_patiently(showing_t *showing, const rc_poll_context_t *context, rc_arena_t *arena,
                                   rc_error_t *error)
{
    rc_wall_t deadline = {rc_wall_now().ms + context->config->producer.http_timeout_ms};
    for (int failures = 1;; failures++) {
        rc_code_t code = start_showing(showing, error);
        if (code == RC_OK) code = preview(showing, context, arena, error);
        bool final = code == RC_OK || code == RC_NEEDS_CUSTOMER || code == RC_MISCONFIGURED || code == RC_CLOCK;
        if (final || atomic_load(context->cancelled)) return code;
        int64_t delay_ms = rc_kombo_error_delay_ms(error, failures, context->integration->kombo.poll_interval_ms, 0);
        if (rc_wall_now().ms + delay_ms >= deadline.ms || !rc_retry_pause(delay_ms, context->cancelled)) return code;
    }
}

static rc_code_t run_integration(plan_t *plan, showing_t *showing, rc_arena_t *arena, rc_error_t *error)
{
    rc_planned_t *planned = showing->planned;
    const rc_integration_t *integration = planned->integration;
    rc_kombo_fields_t *fields;
    bool found;
    rc_code_t code = rc_views_state(plan->picture.views, integration->id, arena, &planned->before, &found, error);
    if (code != RC_OK) return code;
    if (!found) planned->before = (rc_sync_state_t){.integration_id = integration->id};
    rc_roll_t *roll = rc_roll_new();
    rc_kombo_t *kombo = rc_kombo_open(plan->config, integration, plan->config->producer.http_timeout_ms, NULL, &fields);
    const rc_poll_context_t context = {.config = plan->config,
                                       .integration = integration,
                                       .codec = plan->picture.codec,
                                       .views = plan->picture.views,
                                       .kombo = kombo,
                                       .roll = roll,
                                       .stage_directory = plan->picture.folder,
                                       .cancelled = &plan->stop};
    code = preview_patiently(showing, &context, arena, error);
    rc_kombo_free(kombo);
    rc_kombo_fields_free(fields);
    rc_roll_free(roll);
    return code;
}

static rc_code_t show_integration(plan_t *plan, const rc_integration_t *integration, bool first, rc_error_t *error)
{
    rc_planned_t planned = {.integration = integration, .topics = plan->picture.topics, .full_asked = plan->args->full};
    showing_t showing = {.plan = plan, .planned = &planned};
    rc_arena_t *arena = rc_arena_new();
    rc_error_t trouble = RC_ERROR_INIT;
    rc_code_t code = run_integration(plan, &showing, arena, &trouble);
    planned.ok = code == RC_OK;
    memcpy(planned.message, trouble.message, sizeof planned.message);
    plan->failed |= !planned.ok;
    plan->held |= planned.ok && planned.result.state.hold_count > 0;
    code = RC_OK;
    if (atomic_load(&plan->stop)) {
        code = rc_error_set(error, RC_CANCELLED, RC_STOPPED, "stopped before everything was read");
    } else if (plan->args->json) {
        (void)fputs(first ? "\n" : ",\n", stdout);
        code = rc_plan_json_print(showing.json, &planned, stdout, error);
    } else {
        if (!first) (void)fputs("\n\n", stdout);
        rc_plan_print(showing.groups, &planned, rc_cli_given_config(plan->args), stdout);
    }
    rc_map_free(showing.unseen);
    rc_plan_groups_free(showing.groups);
    rc_plan_json_free(showing.json);
    rc_arena_free(arena);
    return code;
}

static rc_code_t show_all(plan_t *plan, rc_error_t *error)
{
    rc_code_t code = rc_picture_init(&plan->picture, plan->config, plan->args->wait_ms, &plan->stop, error);
    bool first = true;
    if (code != RC_OK) return code;
    if (plan->args->json) (void)fputs("{\"integrations\": [", stdout);
    for (size_t i = 0; code == RC_OK && i < plan->config->integrations_count; i++) {
        const rc_integration_t *integration = &plan->config->integrations[i];
        if (plan->args->integration && strcmp(plan->args->integration, integration->id) != 0) continue;
        code = show_integration(plan, integration, first, error);
        first = false;
    }
    if (plan->args->json) (void)fputs("\n]}\n", stdout);
    return code;
}

rc_exit_t rc_producer_plan(const rc_args_t *args)
{
    plan_t plan = {.args = args};
    rc_error_t error = RC_ERROR_INIT;
    rc_exit_t code = rc_cli_config(args, &plan.config);
    if (code != RC_EXIT_DONE) goto cleanup;
    if (plan.config->log.level == RC_LEVEL_INFO) rc_log_set_level(RC_LEVEL_WARN); /* the result says it */
    rc_signals_open(&plan.stop);
    if (show_all(&plan, &error) == RC_OK)
        code = plan.failed ? RC_EXIT_FAILED : plan.held ? RC_EXIT_HELD : RC_EXIT_DONE;
    else
        code = rc_cli_fail(args, error.code == RC_CONFIG ? RC_EXIT_USAGE : RC_EXIT_FAILED, "%s", error.message);
    rc_signals_end_within(RC_SIGNALS_END_MS);
    rc_picture_fini(&plan.picture);
    rc_signals_close();
cleanup:
    rc_config_free(plan.config);
    return code;
}
