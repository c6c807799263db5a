/* Learn Amp's part in a rehearsal: its answers, from what was read. */
#include <stdlib.h>
#include <string.h>

#include "consumer/commands/plan/preview_state.h"

enum {
    FIRST_ROOM = 64,
    INVENTED_TEAM = 1000 * 1000 * 1000 /* numbers of teams that would be created */
};

static void tell_user(rc_learnamp_answer_t *answer, const rc_userset_user_t *user, bool with_team)
{
    answer->status = user != NULL ? 200 : 404;
    answer->found = user != NULL;
    if (user == NULL) return;
    answer->user = user->profile.user;
    if (!with_team) answer->user.team_known = false;
}

static void tell_teams(const rc_preview_t *plan, rc_learnamp_answer_t *answer, const char *name)
{
    answer->status = 200;
    answer->teams = (rc_learnamp_teams_t){.on_page = 0};
    answer->teams.free_count =
        rc_userset_free_teams(rc_readback_set(plan->readback), name, &answer->teams.first_free_id);
}

static bool read_instead(const rc_preview_t *plan, const rc_learnamp_request_t *request, rc_learnamp_answer_t *answer)
{
    const rc_userset_t *set = rc_readback_set(plan->readback);
    const rc_learnamp_team_t *team;
    /* Who is concerned was asked for directly where the lists were not complete; addresses and former ids were not. */
    bool is_known = rc_readback_is_complete(plan->readback);
    switch (request->expect) {
    case RC_EXPECT_USER:
        if (!is_known && rc_map_get(plan->by_employee, request->wanted, strlen(request->wanted)) == NULL) return false;
        tell_user(answer, rc_userset_by_external_id(set, request->wanted), false);
        return true;
    case RC_EXPECT_MEMBER:
        tell_user(answer, rc_userset_by_external_id(set, request->wanted), true);
        return true;
    case RC_EXPECT_USERS:
        if (!is_known) return false;
        tell_user(answer, rc_userset_by_email(set, request->wanted), false);
        return true;
    case RC_EXPECT_TEAM:
        team = rc_userset_team_by_external_id(set, request->wanted);
        answer->status = team != NULL ? 200 : 404;
        answer->found = team != NULL;
        if (team != NULL) answer->team = *team;
        return true;
    case RC_EXPECT_TEAMS:
        tell_teams(plan, answer, request->wanted);
        return true;
    default:
        return false;
    }
}

static const char *name_in(const rc_preview_t *plan, const rc_learnamp_request_t *request)
{
    json_t *body = NULL;
    if (request->body == NULL || rc_json_parse(request->body, strlen(request->body), &body, NULL) != RC_OK) return NULL;
    const char *name = rc_arena_strdup(plan->arena, rc_json_str(body, "name"));
    json_decref(body);
    return name;
}

/* A team that would be written is as if it were. */
static void write_team_instead(rc_preview_t *plan, const rc_learnamp_request_t *request, rc_learnamp_answer_t *answer)
{
    static const char by_number[] = "/v1/teams/";
    bool creates = strcmp(request->method, "POST") == 0;
    char *end = NULL;
    int64_t id = creates ? 0 : strtoll(request->path + sizeof by_number - 1, &end, 10);
    const rc_learnamp_team_t *team = id > 0 ? rc_userset_team(rc_readback_set(plan->readback), id) : NULL;
    const char *name = team != NULL ? team->name : name_in(plan, request);
    if (plan->team_count == plan->team_room) {
        plan->team_room = plan->team_room > 0 ? plan->team_room * 2 : FIRST_ROOM;
        plan->planned_teams = rc_realloc(plan->planned_teams, plan->team_room * sizeof *plan->planned_teams);
    }
    const char *what = creates ? "create" : team != NULL ? "adopt" : "rename";
    const char *team_id = rc_arena_strdup(plan->arena, request->wanted);
    plan->planned_teams[plan->team_count++] = (rc_preview_team_t){what, team_id, name};
    answer->status = 200;
    answer->found = true;
    answer->team = (rc_learnamp_team_t){.id = team != NULL ? team->id : INVENTED_TEAM + (int64_t)plan->team_count,
                                        .name = name,
                                        .external_id = team_id};
}

/* An update by our id is answered as it would be, where that is not what it was meant for: the rules go on from there.
 */
static void write_user_instead(const rc_preview_t *plan, const rc_learnamp_request_t *request,
                               rc_learnamp_answer_t *answer)
{
    static const char by_our_id[] = "/v1/users/by_integration_external_id/";
    const rc_userset_user_t *user = rc_userset_by_external_id(rc_readback_set(plan->readback), request->wanted);
    bool is_by_our_id = strncmp(request->path, by_our_id, sizeof by_our_id - 1) == 0;
    answer->class = RC_CLASS_HELD;
    if (!is_by_our_id || (user != NULL && !user->profile.user.deactivated)) return;
    answer->class = user == NULL ? RC_CLASS_AMBIGUOUS : RC_CLASS_APPLIED;
    tell_user(answer, user, false);
}

bool rc_preview_instead(void *opaque, const rc_learnamp_request_t *request, rc_learnamp_answer_t *answer)
{
    rc_preview_t *plan = opaque;
    if (!plan->rehearses) return false;
    if (request->kind != RC_CALL_WRITE) return read_instead(plan, request, answer);
    if (request->expect == RC_EXPECT_TEAM)
        write_team_instead(plan, request, answer);
    else
        write_user_instead(plan, request, answer);
    return true;
}
