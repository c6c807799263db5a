#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "consumer/engine/apply_state.h"

/* More than any record needs: what does not settle within it is parked. */
enum { MAX_REQUESTS = 60, ARENA_BLOCK_BYTES = 1024 };

static void advance(rc_apply_t *apply);

/* ---- The end ---- */

static void release(rc_apply_t *apply)
{
    rc_loop_timer_free(apply->timer);
    rc_arena_free(apply->arena);
    free(apply->reason);
    free(apply);
}

static void deliver(void *opaque)
{
    rc_apply_t *apply = opaque;
    apply->result.reason = apply->reason;
    apply->callbacks->done(apply->opaque, &apply->result);
    release(apply);
}

/* Completes the result. */
static void finish(rc_apply_t *apply, rc_apply_kind_t kind, rc_class_t class, const char *reason)
{
    apply->result.kind = kind;
    apply->result.class = class;
    apply->result.version = apply->newest.version;
    apply->result.user_id = apply->seen.by_external_id.user_id;
    apply->result.moved_aside = apply->seen.moved_aside;
    apply->reason = rc_text_empty(reason) ? NULL : rc_strdup(reason);
    if (!apply->starts) {
        deliver(apply);
        return;
    }
    apply->timer = rc_loop_timer_new(rc_learnamp_loop(apply->client), deliver, apply);
    rc_loop_timer_start(apply->timer, 0, 0);
}

static void finish_done(rc_apply_t *apply)
{
    apply->result.outcome = apply->action.outcome;
    apply->result.look_again = apply->action.look_again;
    apply->result.manager_missing = apply->written_without_manager && apply->newest.presence == RC_PRESENCE_EMPLOYED;
    finish(apply, RC_APPLY_DONE, RC_CLASS_APPLIED, apply->action.why);
}

/* Says whom a person has to look at. */
static void finish_conflict(rc_apply_t *apply)
{
    const rc_found_t *holder = &apply->seen.by_email;
    bool theirs = holder->look == RC_LOOK_FOUND && holder->user_id != apply->seen.by_external_id.user_id;
    char words[RC_LEARNAMP_MESSAGE_SIZE] = "the address or the external id belongs to another user";
    if (theirs && rc_text_empty(holder->external_id))
        (void)snprintf(words, sizeof words, "the address belongs to user %" PRId64 ", who bears no external id",
                       holder->user_id);
    else if (theirs)
        (void)snprintf(words, sizeof words, "the address belongs to user %" PRId64 ", who bears the external id %.200s",
                       holder->user_id, holder->external_id);
    if (apply->seen.moved_aside)
        (void)snprintf(words, sizeof words, "waits at policy.swap_address until the other one has moved");
    finish(apply, RC_APPLY_FAILED, RC_CLASS_CONFLICT, words);
}

static void fail(rc_apply_t *apply, const rc_learnamp_answer_t *answer)
{
    /* A service that misses a manager whom nobody named is not waiting for one. */
    rc_class_t class = answer->class == RC_CLASS_UNKNOWN_MANAGER ? RC_CLASS_REJECTED : answer->class;
    apply->result.http_status = answer->status;
    apply->result.retry_after_ms = answer->retry_after_ms;
    apply->result.unanswered = class == RC_CLASS_UNANSWERED;
    finish(apply, RC_APPLY_FAILED, class, answer->message);
}

/* ---- What is known before a step ---- */

static rc_team_state_t look_at_team(rc_apply_t *apply, const rc_ref_t *team)
{
    bool rename_due = false;
    rc_team_state_t state = rc_teams_state(apply->teams, team, apply->newest.version, &rename_due);
    if (rename_due && apply->seen.rename_due == NULL) apply->seen.rename_due = team;
    return state;
}

static void look_at_teams(rc_apply_t *apply)
{
    const rc_policy_t *policy = apply->about.policy;
    const rc_employee_t *employee = apply->newest.employee;
    rc_seen_t *seen = &apply->seen;
    seen->primary = RC_TEAM_UNKNOWN;
    seen->rename_due = NULL;
    seen->secondary_unknown = NULL;
    if (policy->primary_team_count > 0 && !rc_text_empty(employee->primary_team.id))
        seen->primary = look_at_team(apply, &employee->primary_team);
    if (policy->secondary_teams_count == 0) return;
    for (size_t i = 0; i < employee->secondary_team_count && seen->secondary_unknown == NULL; i++) {
        const rc_ref_t *team = &employee->secondary_teams[i];
        if (!rc_text_empty(team->id) && look_at_team(apply, team) == RC_TEAM_UNKNOWN) seen->secondary_unknown = team;
    }
}

/* Reads N and decides. */
static void step(rc_apply_t *apply)
{
    apply->callbacks->newest(apply->opaque, apply->behind_barrier, &apply->newest);
    look_at_teams(apply);
    apply->action = rc_rules_step(&apply->about, &apply->newest, &apply->seen);
}

/* ---- Requests ---- */

static bool is_request(rc_action_kind_t kind)
{
    switch (kind) {
    case RC_ACTION_LOOKUP_EXTERNAL:
    case RC_ACTION_LOOKUP_REPLACES:
    case RC_ACTION_LOOKUP_EMAIL:
    case RC_ACTION_LOOKUP_OWN_EMAIL:
    case RC_ACTION_LOOKUP_TEAMS:
    case RC_ACTION_CREATE:
    case RC_ACTION_UPDATE:
    case RC_ACTION_REACTIVATE:
    case RC_ACTION_DEACTIVATE:
    case RC_ACTION_REMOVE_FROM_TEAM:
        return true;
    case RC_ACTION_ENSURE_TEAM:
    case RC_ACTION_RENAME_TEAM:
    case RC_ACTION_NEED_BARRIER:
    case RC_ACTION_HAND_OVER:
    case RC_ACTION_CONFLICT:
    case RC_ACTION_REPLACED:
    case RC_ACTION_NO_SNAPSHOT:
    case RC_ACTION_MISCONFIGURED:
    case RC_ACTION_DONE:
    case RC_ACTION_COUNT:
        break;
    }
    return false;
}

static bool team_is_there(const void *opaque, const rc_ref_t *team)
{
    const rc_apply_t *apply = opaque;
    return rc_teams_state(apply->teams, team, 0, NULL) == RC_TEAM_THERE;
}

static void make_request(rc_apply_t *apply, rc_learnamp_request_t *request)
{
    const rc_action_t *action = &apply->action;
    rc_body_t body = {.integration = rc_learnamp_integration(apply->client),
                      .employee_id = apply->about.event->employee_id,
                      .employee = apply->newest.employee,
                      .without_manager = rc_apply_leaves_manager_out(apply),
                      .team_is_there = team_is_there,
                      .opaque = apply};
    switch (action->kind) {
    case RC_ACTION_LOOKUP_EXTERNAL:
    case RC_ACTION_LOOKUP_REPLACES:
        rc_request_user_by_external_id(request, action->key);
        return;
    case RC_ACTION_LOOKUP_EMAIL:
    case RC_ACTION_LOOKUP_OWN_EMAIL:
        rc_request_user_by_email(request, action->key);
        return;
    case RC_ACTION_LOOKUP_TEAMS:
        rc_request_user_expanded(request, action->key);
        return;
    case RC_ACTION_CREATE:
        rc_request_create(request, &body, action->invite);
        return;
    case RC_ACTION_UPDATE:
        rc_request_update(request, &body, action->parts, action->user_id);
        return;
    case RC_ACTION_REACTIVATE:
        rc_request_reactivate(request, action->user_id);
        return;
    case RC_ACTION_DEACTIVATE:
        rc_request_deactivate(request, action->user_id);
        return;
    case RC_ACTION_REMOVE_FROM_TEAM:
        rc_request_remove_from_team(request, action->team_id, action->user_id);
        return;
    default:
        RC_DIE("%s is no request", rc_action_str(action->kind));
    }
}

static bool build(void *opaque, bool waited, rc_learnamp_request_t *request)
{
    rc_apply_t *apply = opaque;
    if (waited) step(apply);
    if (!is_request(apply->action.kind)) return false;
    make_request(apply, request);
    apply->requests++;
    apply->writes_version = apply->newest.version;
    /* A deactivation that is repeated at once is still behind its barrier. */
    if (apply->action.kind != RC_ACTION_DEACTIVATE) apply->seen.fresh_barrier = false;
    return true;
}

/* ---- Answers ---- */

static void on_answer(void *opaque, const rc_learnamp_answer_t *answer)
{
    rc_apply_t *apply = opaque;
    apply->call = NULL;
    if (answer != NULL) {
        if (answer->class == RC_CLASS_APPLIED) {
            rc_apply_note_success(apply, answer);
        } else if (!rc_apply_note_trouble(apply, answer->class)) {
            fail(apply, answer);
            return;
        }
    }
    advance(apply);
}

static void on_team(void *opaque, const rc_learnamp_answer_t *failure)
{
    rc_apply_t *apply = opaque;
    apply->wait = NULL;
    if (failure != NULL)
        fail(apply, failure);
    else
        advance(apply);
}

/* ---- One action after the other ---- */

static void advance(rc_apply_t *apply)
{
    step(apply);
    const rc_action_t *action = &apply->action;
    if (is_request(action->kind) || action->kind == RC_ACTION_ENSURE_TEAM || action->kind == RC_ACTION_RENAME_TEAM) {
        if (apply->requests >= MAX_REQUESTS) {
            finish(apply, RC_APPLY_FAILED, RC_CLASS_TRANSIENT,
                   "it did not settle: the state at Learn Amp keeps moving");
            return;
        }
    }
    switch (action->kind) {
    case RC_ACTION_ENSURE_TEAM:
        apply->requests++;
        apply->seen.fresh_barrier = false;
        apply->wait = rc_teams_ensure(apply->teams, &action->team, on_team, apply);
        return;
    case RC_ACTION_RENAME_TEAM:
        apply->requests++;
        apply->seen.fresh_barrier = false;
        apply->wait = rc_teams_rename(apply->teams, &action->team, apply->newest.version, on_team, apply);
        return;
    case RC_ACTION_NEED_BARRIER:
        apply->waits_for_barrier = true;
        apply->callbacks->barrier(apply->opaque);
        return;
    case RC_ACTION_HAND_OVER:
        finish(apply, RC_APPLY_HAND_OVER, RC_CLASS_APPLIED, action->why);
        return;
    case RC_ACTION_CONFLICT:
        finish_conflict(apply);
        return;
    case RC_ACTION_REPLACED:
        finish(apply, RC_APPLY_FAILED, RC_CLASS_REPLACED, action->why);
        return;
    case RC_ACTION_NO_SNAPSHOT:
        finish(apply, RC_APPLY_FAILED, RC_CLASS_NO_SNAPSHOT, action->why);
        return;
    case RC_ACTION_MISCONFIGURED:
        finish(apply, RC_APPLY_FAILED, RC_CLASS_MISCONFIGURED, action->why);
        return;
    case RC_ACTION_DONE:
        finish_done(apply);
        return;
    default:
        apply->call = rc_learnamp_call(apply->client, build, on_answer, apply);
    }
}

rc_apply_t *rc_apply_start(rc_learnamp_t *client, rc_teams_t *teams, const rc_apply_input_t *input,
                           const rc_apply_callbacks_t *callbacks, void *opaque)
{
    rc_apply_t *apply = rc_zalloc(sizeof *apply);
    apply->client = client;
    apply->teams = teams;
    apply->callbacks = callbacks;
    apply->opaque = opaque;
    apply->arena = rc_arena_new_sized(ARENA_BLOCK_BYTES);
    apply->behind_barrier = input->behind_barrier;
    apply->about = (rc_case_t){.lane = input->lane,
                               .event = input->event,
                               .policy = &rc_learnamp_integration(client)->policy,
                               .replayed = input->replayed,
                               .conflict_attempts = input->conflict_attempts};
    apply->seen.profile_version = apply->seen.team_version = input->written_version;
    apply->result.retry_after_ms = -1;
    apply->starts = true;
    advance(apply);
    apply->starts = false;
    return apply;
}

void rc_apply_barrier_passed(rc_apply_t *apply)
{
    RC_INVARIANT(apply->waits_for_barrier);
    apply->waits_for_barrier = false;
    apply->behind_barrier = true;
    apply->seen.fresh_barrier = true;
    advance(apply);
}

const rc_action_t *rc_apply_action(const rc_apply_t *apply)
{
    return &apply->action;
}

bool rc_apply_cancel(rc_apply_t *apply)
{
    bool in_question = apply->call != NULL && rc_learnamp_cancel(apply->call);
    rc_teams_cancel(apply->wait);
    release(apply);
    return in_question;
}
