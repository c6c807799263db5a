/* rollcall-consumer plan: what the next run would do at Learn Amp, by the rules themselves, with everything looked up
 * and nothing written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "consumer/commands/commands.h"
#include "consumer/commands/plan/preview_state.h"

enum { KNOWN_IN_HR = 1, SCRATCH_BYTES = 4096 };

/* ---- Who is known in HR ---- */

static rc_userset_t *set_of(const rc_preview_t *plan)
{
    return rc_readback_set(plan->readback);
}

static void mark(rc_userset_user_t *user)
{
    if (user != NULL) user->mark = KNOWN_IN_HR;
}

static bool mark_by_id(const rc_preview_t *plan, const char *employee_id)
{
    rc_userset_user_t *user = rc_userset_by_external_id(set_of(plan), employee_id);
    mark(user);
    return user != NULL;
}

/* Everybody of the wave who was ever published. */
static rc_code_t mark_wave(rc_preview_t *plan, rc_error_t *error)
{
    const rc_backlog_person_t *person;
    rc_arena_t *scratch = rc_arena_new_sized(SCRATCH_BYTES);
    rc_code_t code = RC_OK;
    for (size_t cursor = 0; code == RC_OK && (person = rc_backlog_next(plan->backlog, &cursor)) != NULL;) {
        rc_snapshot_t snapshot;
        bool found;
        if (person->snapshot == NULL || mark_by_id(plan, person->employee_id)) continue;
        rc_arena_reset(scratch);
        code = rc_backlog_snapshot(plan->backlog, person, scratch, &snapshot, &found, error);
        if (code == RC_OK && found) mark(rc_userset_by_email(set_of(plan), snapshot.employee.email));
    }
    rc_arena_free(scratch);
    return code;
}

typedef struct {
    rc_preview_t *plan;
    rc_arena_t *arena; /* of one record */
} marking_t;

static bool mark_record(void *opaque, const rc_history_record_t *record)
{
    marking_t *marking = opaque;
    bool is_snapshot = record->kind == RC_TOPIC_SNAPSHOT;
    if (!record->tombstone && record->employee_id != NULL && !mark_by_id(marking->plan, record->employee_id) &&
        record->fault.code == RC_OK)
        mark(rc_userset_by_email(set_of(marking->plan),
                                 is_snapshot ? record->snapshot.employee.email : record->pending.employee.email));
    rc_arena_reset(marking->arena);
    return true;
}

static rc_code_t mark_topic(rc_preview_t *plan, rc_topic_kind_t kind, const char *integration_id, rc_error_t *error)
{
    marking_t marking = {plan, rc_arena_new_sized(SCRATCH_BYTES)};
    const rc_history_part_t all = {.kind = kind, .partition = -1};
    const rc_history_filter_t filter = {.integration_id = integration_id};
    rc_code_t code = rc_history_read(plan->inquiry->history, &all, 1, &filter, marking.arena, mark_record, &marking,
                                     &plan->inquiry->cancelled, error);
    rc_arena_free(marking.arena);
    return code;
}

static bool is_same_company(const rc_integration_t *a, const rc_integration_t *b)
{
    return rc_text_equal(a->learnamp.base_url, b->learnamp.base_url) &&
           rc_text_equal(a->learnamp.client_id, b->learnamp.client_id);
}

/* Who waits to be announced is known too, and so is who comes from another HR system of the same company. */
static rc_code_t mark_others(rc_preview_t *plan, rc_error_t *error)
{
    const rc_config_t *config = plan->inquiry->config;
    rc_code_t code = RC_OK;
    for (size_t i = 0; code == RC_OK && i < config->integrations_count; i++) {
        const rc_integration_t *other = &config->integrations[i];
        if (!is_same_company(other, plan->integration)) continue;
        code = mark_topic(plan, RC_TOPIC_PENDING, other->id, error);
        if (code == RC_OK && other != plan->integration) code = mark_topic(plan, RC_TOPIC_SNAPSHOT, other->id, error);
    }
    return code;
}

static void find_unknown(rc_preview_t *plan)
{
    rc_userset_user_t *user;
    size_t cursor = 0;
    plan->unknown = rc_arena_alloc(plan->arena, (rc_userset_count(set_of(plan)) + 1) * sizeof *plan->unknown);
    while ((user = rc_userset_next(set_of(plan), &cursor)) != NULL)
        if (user->mark != KNOWN_IN_HR && !user->profile.user.deactivated) plan->unknown[plan->unknown_count++] = user;
}

/* ---- Everybody ---- */

static bool take_state(void *opaque, const rc_history_record_t *record)
{
    rc_preview_t *plan = opaque;
    if (!record->tombstone && record->fault.code == RC_OK) plan->paused = record->state.paused;
    return true;
}

static rc_code_t read_pauses(rc_preview_t *plan, rc_error_t *error)
{
    const rc_history_part_t all = {.kind = RC_TOPIC_STATE, .partition = -1};
    const rc_history_filter_t filter = {.integration_id = plan->integration->id};
    return rc_history_read(plan->inquiry->history, &all, 1, &filter, plan->arena, take_state, plan,
                           &plan->inquiry->cancelled, error);
}

static int unusual_first(const void *a, const void *b)
{
    const rc_preview_person_t *one = *(rc_preview_person_t *const *)a, *other = *(rc_preview_person_t *const *)b;
    if (one->kind != other->kind) return one->kind < other->kind ? -1 : 1;
    return strcmp(one->employee_id, other->employee_id);
}

static rc_code_t look(rc_preview_t *plan, rc_error_t *error)
{
    rc_inquiry_t *inquiry = plan->inquiry;
    bool more = true;
    rc_code_t code = rc_readback_users(plan->readback, error);
    if (code == RC_OK) code = rc_readback_teams(plan->readback, error);
    if (code == RC_OK) code = read_pauses(plan, error);
    if (code == RC_OK)
        code = rc_backlog_new(inquiry->history, inquiry->config, plan->integration->id, inquiry->args->wait_ms,
                              &inquiry->cancelled, &plan->backlog, error);
    while (code == RC_OK && more) {
        code = rc_backlog_next_wave(plan->backlog, NULL, &more, error);
        if (code == RC_OK && more) code = rc_preview_rehearse(plan, error);
        if (code == RC_OK && more) code = mark_wave(plan, error);
        rc_inquiry_tell(inquiry, "what waits", (int64_t)plan->planned_count, -1);
    }
    if (code == RC_OK) code = mark_others(plan, error);
    if (code != RC_OK) return code;
    rc_preview_settle(plan);
    if (plan->planned_count > 1) qsort(plan->planned, plan->planned_count, sizeof *plan->planned, unusual_first);
    plan->waiting = rc_backlog_waiting(plan->backlog);
    plan->unreadable = rc_backlog_unreadable(plan->backlog);
    find_unknown(plan);
    return RC_OK;
}

/* One integration; into `document`, or printed where that is NULL. */
static rc_code_t plan_integration(rc_inquiry_t *inquiry, const rc_integration_t *integration, json_t *document,
                                  rc_error_t *error)
{
    rc_preview_t plan = {.inquiry = inquiry,
                         .integration = integration,
                         .arena = rc_arena_new(),
                         .by_employee = rc_map_new(NULL),
                         .error = RC_ERROR_INIT};
    rc_readback_options_t options = rc_inquiry_readback(inquiry, integration);
    options.instead = rc_preview_instead;
    options.instead_opaque = &plan;
    plan.readback = rc_readback_new(&options);
    plan.teams = rc_teams_new(rc_readback_client(plan.readback));
    rc_code_t code = look(&plan, error);
    rc_inquiry_hush(inquiry);
    if (code == RC_OK && document != NULL)
        (void)json_array_append_new(document, rc_preview_json(&plan));
    else if (code == RC_OK)
        rc_preview_report(&plan);
    else
        (void)rc_error_prefix(error, "%s", integration->id);
    rc_teams_free(plan.teams);
    rc_readback_free(plan.readback);
    rc_backlog_free(plan.backlog);
    rc_map_free(plan.by_employee);
    free(plan.planned);
    free(plan.planned_teams);
    rc_arena_free(plan.arena);
    return code;
}

/* ---- The command ---- */

rc_exit_t rc_consumer_plan(const rc_args_t *args)
{
    rc_inquiry_t inquiry;
    json_t *list = args->json ? json_array() : NULL;
    rc_exit_t code = rc_inquiry_open(&inquiry, args, "rollcall-consumer-plan", false);
    for (size_t i = 0; code != RC_EXIT_USAGE && inquiry.history != NULL && i < inquiry.config->integrations_count;
         i++) {
        const rc_integration_t *integration = &inquiry.config->integrations[i];
        rc_error_t error = RC_ERROR_INIT;
        if (args->integration != NULL && strcmp(integration->id, args->integration) != 0) continue;
        if (plan_integration(&inquiry, integration, list, &error) != RC_OK)
            code = rc_cli_fail(args, RC_EXIT_FAILED, "%s", error.message); /* the others may be well */
    }
    if (list != NULL && code == RC_EXIT_DONE) rc_json_print(json_pack("{s:O}", "integrations", list));
    json_decref(list);
    rc_inquiry_close(&inquiry);
    return code;
}
