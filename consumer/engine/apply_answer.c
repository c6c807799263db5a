#include "common/text.h"
#include "consumer/engine/apply_state.h"

static const char *manager_of(const rc_apply_t *apply)
{
    const char *manager = apply->newest.employee->manager_email;
    return manager != NULL ? manager : "";
}

bool rc_apply_leaves_manager_out(const rc_apply_t *apply)
{
    return apply->unknown_manager != NULL && rc_email_equal(apply->unknown_manager, manager_of(apply));
}

static void remember_user(rc_apply_t *apply, rc_found_t *found, const rc_learnamp_answer_t *answer,
                          const char *looked_for)
{
    const char *key = rc_arena_strdup(apply->arena, looked_for);
    *found = (rc_found_t){.look = answer->found ? RC_LOOK_FOUND : RC_LOOK_NONE, .looked_for = key};
    if (!answer->found) return;
    found->user_id = answer->user.id;
    found->deactivated = answer->user.deactivated;
    found->external_id = rc_arena_strdup(apply->arena, answer->user.external_id);
    found->email = rc_arena_strdup(apply->arena, answer->user.email);
    found->team_known = answer->user.team_known;
    found->primary_team_id = answer->user.primary_team_id;
}

static void forget_user(rc_apply_t *apply)
{
    rc_seen_t *seen = &apply->seen;
    seen->by_external_id = seen->by_replaces = seen->by_email = seen->by_own_email =
        (rc_found_t){.look = RC_LOOK_UNKNOWN};
}

static void forget_teams(rc_apply_t *apply)
{
    const rc_employee_t *employee = apply->newest.employee;
    if (!rc_text_empty(employee->primary_team.id)) rc_teams_forget(apply->teams, employee->primary_team.id);
    for (size_t i = 0; i < employee->secondary_team_count; i++) {
        if (!rc_text_empty(employee->secondary_teams[i].id))
            rc_teams_forget(apply->teams, employee->secondary_teams[i].id);
    }
}

static void on_teams_looked_up(rc_apply_t *apply, const rc_learnamp_answer_t *answer)
{
    rc_found_t *user = &apply->seen.by_external_id;
    if (!answer->found) {
        /* A list that leaves somebody out proves nothing: asked for directly next. */
        apply->seen.ambiguous++;
        user->look = RC_LOOK_UNKNOWN;
        return;
    }
    remember_user(apply, user, answer, NULL);
    user->team_known = true; /* expanded, and none shown: none */
}

static void on_written(rc_apply_t *apply, unsigned parts, const rc_learnamp_answer_t *answer)
{
    rc_seen_t *seen = &apply->seen;
    remember_user(apply, &seen->by_external_id, answer, NULL);
    seen->wrote = true;
    if (parts & RC_PART_ASIDE) seen->moved_aside = true;
    if (parts & RC_PART_TEAM) seen->team_version = apply->writes_version;
    if (!(parts & RC_PART_PROFILE)) return;
    seen->profile_version = apply->writes_version;
    apply->written_without_manager = rc_apply_leaves_manager_out(apply) && manager_of(apply)[0] != '\0';
}

void rc_apply_note_success(rc_apply_t *apply, const rc_learnamp_answer_t *answer)
{
    rc_seen_t *seen = &apply->seen;
    rc_found_t *user = &seen->by_external_id;
    switch (apply->action.kind) {
    case RC_ACTION_LOOKUP_EXTERNAL:
        remember_user(apply, user, answer, NULL);
        return;
    case RC_ACTION_LOOKUP_REPLACES:
        remember_user(apply, &seen->by_replaces, answer, NULL);
        return;
    case RC_ACTION_LOOKUP_EMAIL:
        remember_user(apply, &seen->by_email, answer, apply->action.key);
        return;
    case RC_ACTION_LOOKUP_OWN_EMAIL:
        remember_user(apply, &seen->by_own_email, answer, apply->action.key);
        return;
    case RC_ACTION_LOOKUP_TEAMS:
        on_teams_looked_up(apply, answer);
        return;
    case RC_ACTION_CREATE:
        on_written(apply, RC_PART_ALL, answer);
        user->team_known = true; /* a new user is in the team that the creation named, or in none */
        return;
    case RC_ACTION_UPDATE:
        on_written(apply, apply->action.parts, answer);
        return;
    case RC_ACTION_REACTIVATE:
        /* The deactivation took the teams away: everything is written again. */
        seen->wrote = true;
        seen->profile_version = seen->team_version = 0;
        user->deactivated = user->team_known = false;
        return;
    case RC_ACTION_DEACTIVATE:
        seen->wrote = true;
        seen->profile_version = seen->team_version = 0;
        user->deactivated = true;
        return;
    case RC_ACTION_REMOVE_FROM_TEAM:
        seen->wrote = true;
        user->team_known = true;
        user->primary_team_id = 0;
        return;
    default:
        RC_DIE("an answer to %s", rc_action_str(apply->action.kind));
    }
}

bool rc_apply_note_trouble(rc_apply_t *apply, rc_class_t class)
{
    switch (class) {
    case RC_CLASS_AMBIGUOUS:
        apply->seen.ambiguous++;
        forget_user(apply);
        forget_teams(apply);
        return true;
    case RC_CLASS_CONFLICT:
        apply->seen.conflicts++;
        forget_user(apply);
        return true;
    case RC_CLASS_UNKNOWN_MANAGER:
        if (rc_apply_leaves_manager_out(apply)) return false;
        apply->unknown_manager = rc_arena_strdup(apply->arena, manager_of(apply));
        return true;
    case RC_CLASS_TEAM_MISSING:
        forget_teams(apply);
        return ++apply->teams_missing < 2;
    default:
        return false;
    }
}
