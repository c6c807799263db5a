#include "consumer/learnamp/teams.h"

#include <stdlib.h>
#include <string.h>

#include "common/map.h"
#include "common/mem.h"
#include "common/text.h"

enum {
    ABSENT_FOR_MS = 5 * 60 * 1000, /* then somebody may have made the team, and it is looked up again */
    LATE_MARGIN_MS = 100,          /* a request takes effect no later than its time-out, measured elsewhere */
    MAX_PAGES = 50,                /* of teams that match a name: beyond, no unique one is looked for */
    MAX_ROUNDS = 3                 /* of find, adopt or create, while others do the same elsewhere */
};

/* What is done about a team, one request after the other. */
typedef enum { IDLE, FINDS, LISTS, ADOPTS, CREATES, RENAMES } stage_t;

typedef struct team {
    rc_teams_t *owner;
    char *id;
    rc_team_state_t state;
    rc_mono_t absent_until;
    char *name;                  /* at Learn Amp */
    int64_t version;             /* of the newest state that gave it, or confirmed, this name; 0: unknown */
    char *wanted;                /* the newest name that somebody asked for */
    int64_t wanted_for;          /* the version of that state */
    char *writing;               /* the name that is being written */
    int64_t writing_for;         /* the version of that state */
    rc_mono_t in_question_until; /* a rename got no answer: it may take effect as late as this, over a newer one */
    stage_t stage;
    int rounds;
    int page;
    int free_count; /* teams of that name without an external id */
    int64_t free_id;
    rc_learnamp_call_t *call;
    rc_teams_wait_t *waits;
    rc_teams_wait_t *over; /* being told so */
} team_t;

struct rc_teams_wait {
    team_t *team;
    rc_teams_wait_t *next;
    int64_t version; /* of the name that it waits for; 0: that the team is known */
    rc_teams_done_fn *done;
    void *opaque;
};

struct rc_teams {
    rc_learnamp_t *client;
    rc_map_t *by_id;
};

static void team_free(void *value)
{
    team_t *team = value;
    if (team->call != NULL) (void)rc_learnamp_cancel(team->call);
    while (team->waits != NULL) {
        rc_teams_wait_t *wait = team->waits;
        team->waits = wait->next;
        free(wait);
    }
    free(team->id);
    free(team->name);
    free(team->wanted);
    free(team->writing);
    free(team);
}

rc_teams_t *rc_teams_new(rc_learnamp_t *client)
{
    rc_teams_t *teams = rc_zalloc(sizeof *teams);
    teams->client = client;
    teams->by_id = rc_map_new(team_free);
    return teams;
}

void rc_teams_free(rc_teams_t *teams)
{
    if (teams == NULL) return;
    rc_map_free(teams->by_id);
    free(teams);
}

static int64_t now_ms(const rc_teams_t *teams)
{
    return rc_loop_now(rc_learnamp_loop(teams->client)).ms;
}

static team_t *find(const rc_teams_t *teams, const char *id)
{
    return rc_map_get(teams->by_id, id, strlen(id));
}

static team_t *find_or_add(rc_teams_t *teams, const char *id)
{
    team_t *team = find(teams, id);
    if (team != NULL) return team;
    team = rc_zalloc(sizeof *team);
    team->owner = teams;
    team->id = rc_strdup(id);
    (void)rc_map_set(teams->by_id, id, strlen(id), team);
    return team;
}

static void set_text(char **text, const char *value)
{
    char *copy = rc_strdup(value);
    free(*text);
    *text = copy;
}

rc_team_state_t rc_teams_state(rc_teams_t *teams, const rc_ref_t *ref, int64_t version, bool *rename_due)
{
    if (rename_due != NULL) *rename_due = false;
    team_t *team = find(teams, ref->id);
    if (team == NULL) return RC_TEAM_UNKNOWN;
    if (team->state == RC_TEAM_ABSENT && now_ms(teams) >= team->absent_until.ms) team->state = RC_TEAM_UNKNOWN;
    if (team->state != RC_TEAM_THERE || rc_text_empty(ref->name) || version <= team->version) return team->state;
    if (rc_text_equal(ref->name, team->name))
        team->version = version;
    else if (rename_due != NULL)
        *rename_due = true;
    return team->state;
}

void rc_teams_forget(rc_teams_t *teams, const char *group_id)
{
    team_t *team = find(teams, group_id);
    if (team != NULL && team->stage == IDLE) team->state = RC_TEAM_UNKNOWN;
}

/* ---- One request after the other ---- */

static void run(team_t *team, stage_t stage);

/* Whether a wait is over: after a failure, or when the team is known and has the name that it waits for. */
static bool is_over(const team_t *team, const rc_teams_wait_t *wait, const rc_learnamp_answer_t *failure)
{
    return failure != NULL || team->state != RC_TEAM_THERE || wait->version <= team->version;
}

/* Tells those who waited long enough. They may ask for this team again, and cancel each other. */
static void finish(team_t *team, const rc_learnamp_answer_t *failure)
{
    rc_teams_wait_t **last = &team->over, **at = &team->waits;
    RC_INVARIANT(team->over == NULL);
    while (*at != NULL) {
        rc_teams_wait_t *wait = *at;
        if (!is_over(team, wait, failure)) {
            at = &wait->next;
            continue;
        }
        *at = wait->next;
        wait->next = NULL;
        *last = wait;
        last = &wait->next;
    }
    team->stage = IDLE;
    if (team->waits != NULL)
        run(team, RENAMES);
    else
        team->rounds = 0;
    while (team->over != NULL) {
        rc_teams_wait_t wait = *team->over;
        free(team->over);
        team->over = wait.next;
        wait.done(wait.opaque, failure);
    }
}

static void is_there(team_t *team, const char *name)
{
    team->state = RC_TEAM_THERE;
    team->version = 0;
    set_text(&team->name, now_ms(team->owner) < team->in_question_until.ms ? NULL : name);
    finish(team, NULL);
}

static void is_absent(team_t *team)
{
    team->state = RC_TEAM_ABSENT;
    team->absent_until.ms = now_ms(team->owner) + ABSENT_FOR_MS;
    finish(team, NULL);
}

static bool build(void *opaque, bool waited, rc_learnamp_request_t *request)
{
    team_t *team = opaque;
    rc_ref_t ref = {team->id, team->wanted};
    (void)waited;
    if (team->stage == RENAMES && now_ms(team->owner) < team->in_question_until.ms) return false;
    switch (team->stage) {
    case FINDS:
        rc_request_team_by_external_id(request, team->id);
        return true;
    case LISTS:
        rc_request_teams_by_name(request, team->wanted, team->page);
        return true;
    case ADOPTS:
        rc_request_adopt_team(request, team->free_id, team->id);
        return true;
    case CREATES:
        rc_request_create_team(request, &ref);
        return true;
    case RENAMES:
        team->writing_for = team->wanted_for;
        set_text(&team->writing, team->wanted);
        rc_request_rename_team(request, &ref);
        return true;
    case IDLE:
        break;
    }
    RC_DIE("a team asks without a reason");
}

static void on_found(team_t *team, const rc_learnamp_answer_t *answer)
{
    team->page = 1;
    team->free_count = 0;
    if (answer->found)
        is_there(team, answer->team.name);
    else if (rc_text_empty(team->wanted))
        is_absent(team); /* neither found nor made without a name */
    else
        run(team, LISTS);
}

static void on_listed(team_t *team, const rc_learnamp_answer_t *answer)
{
    if (team->free_count == 0) team->free_id = answer->teams.first_free_id;
    team->free_count += answer->teams.free_count;
    if (answer->teams.on_page > 0 && team->page < MAX_PAGES) {
        team->page++;
        run(team, LISTS);
    } else if (team->free_count == 1 && answer->teams.on_page == 0) {
        run(team, ADOPTS);
    } else if (rc_learnamp_integration(team->owner->client)->policy.create_teams) {
        run(team, CREATES);
    } else {
        is_absent(team);
    }
}

/* What was asked for counts, not how the service spells it: else every newer state would rename again. Newer states
 * that came meanwhile and say the same name are served too. */
static void on_renamed(team_t *team)
{
    team->version = rc_text_equal(team->wanted, team->writing) ? team->wanted_for : team->writing_for;
    set_text(&team->name, team->writing);
    finish(team, NULL);
}

static void on_success(team_t *team, const rc_learnamp_answer_t *answer)
{
    switch (team->stage) {
    case FINDS:
        on_found(team, answer);
        return;
    case LISTS:
        on_listed(team, answer);
        return;
    case ADOPTS:
    case CREATES:
        is_there(team, answer->team.name);
        return;
    case RENAMES:
        on_renamed(team);
        return;
    case IDLE:
        break;
    }
    RC_DIE("an answer for a team that asked nothing");
}

/* What the team is called shows when nothing can come late any more; then it is written again. */
static void question_name(team_t *team)
{
    set_text(&team->name, NULL);
    team->version = 0;
    team->in_question_until.ms = now_ms(team->owner) + rc_learnamp_timeout_ms(team->owner->client) + LATE_MARGIN_MS;
}

static void on_answer(void *opaque, const rc_learnamp_answer_t *answer)
{
    team_t *team = opaque;
    team->call = NULL;
    if (answer == NULL) {
        static const rc_learnamp_answer_t too_early = {.class = RC_CLASS_TRANSIENT,
                                                       .retry_after_ms = -1,
                                                       .message =
                                                           "an earlier rename of the team got no answer, and may "
                                                           "still take effect"};
        finish(team, &too_early);
        return;
    }
    if (answer->class == RC_CLASS_APPLIED) {
        on_success(team, answer);
        return;
    }
    bool moved = answer->class == RC_CLASS_CONFLICT || answer->class == RC_CLASS_AMBIGUOUS;
    if (moved && ++team->rounds < MAX_ROUNDS) {
        /* Somebody else made, took or removed it meanwhile. */
        team->state = RC_TEAM_UNKNOWN;
        run(team, FINDS);
        return;
    }
    if (answer->class == RC_CLASS_UNANSWERED && team->stage == RENAMES) question_name(team);
    rc_learnamp_answer_t failure = *answer;
    /* The employee's own record was not sent: it is not what is unanswered. The next try finds what this one made. */
    if (answer->class == RC_CLASS_UNANSWERED || moved) failure.class = RC_CLASS_TRANSIENT;
    finish(team, &failure);
}

static void run(team_t *team, stage_t stage)
{
    team->stage = stage;
    team->call = rc_learnamp_call(team->owner->client, build, on_answer, team);
}

/* ---- Waiting ---- */

static rc_teams_wait_t *wait_for(team_t *team, int64_t version, rc_teams_done_fn *done, void *opaque)
{
    rc_teams_wait_t *wait = rc_zalloc(sizeof *wait), **at = &team->waits;
    *wait = (rc_teams_wait_t){.team = team, .version = version, .done = done, .opaque = opaque};
    while (*at != NULL) at = &(*at)->next;
    *at = wait;
    return wait;
}

rc_teams_wait_t *rc_teams_ensure(rc_teams_t *teams, const rc_ref_t *ref, rc_teams_done_fn *done, void *opaque)
{
    team_t *team = find_or_add(teams, ref->id);
    rc_teams_wait_t *wait = wait_for(team, 0, done, opaque);
    if (team->stage != IDLE) return wait;
    set_text(&team->wanted, ref->name);
    team->wanted_for = 0;
    run(team, FINDS);
    return wait;
}

rc_teams_wait_t *rc_teams_rename(rc_teams_t *teams, const rc_ref_t *ref, int64_t version, rc_teams_done_fn *done,
                                 void *opaque)
{
    team_t *team = find_or_add(teams, ref->id);
    rc_teams_wait_t *wait = wait_for(team, version, done, opaque);
    if (version > team->wanted_for) {
        set_text(&team->wanted, ref->name);
        team->wanted_for = version;
    }
    if (team->stage == IDLE) run(team, team->state == RC_TEAM_THERE ? RENAMES : FINDS);
    return wait;
}

void rc_teams_cancel(rc_teams_wait_t *wait)
{
    if (wait == NULL) return;
    rc_teams_wait_t **lists[] = {&wait->team->waits, &wait->team->over};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        rc_teams_wait_t **at = lists[i];
        while (*at != NULL && *at != wait) at = &(*at)->next;
        if (*at == NULL) continue;
        *at = wait->next;
        free(wait);
        return;
    }
    RC_DIE("a wait for a team is in no list");
}
