#include "consumer/commands/trace/trace_ask.h"

#include <string.h>

#include "common/text.h"
#include "consumer/learnamp/readback.h"

enum { ANSWER_MS = 5000, PATIENCE_MS = 3000 };

typedef struct {
    const char *email;
    rc_loop_t *loop;
    rc_arena_t *arena;
    rc_trace_asked_t asked;
} asking_t;

static bool build(void *opaque, bool waited, rc_learnamp_request_t *request)
{
    (void)waited;
    rc_request_user_by_email(request, ((asking_t *)opaque)->email);
    return true;
}

static void answered(void *opaque, const rc_learnamp_answer_t *answer)
{
    asking_t *asking = opaque;
    rc_trace_asked_t *asked = &asking->asked;
    if (answer->class != RC_CLASS_APPLIED) asked->trouble = rc_arena_strdup(asking->arena, answer->message);
    asked->found = answer->class == RC_CLASS_APPLIED && answer->found;
    if (asked->found) {
        asked->user = answer->user;
        asked->user.email = rc_arena_strdup(asking->arena, answer->user.email);
        asked->user.external_id = rc_arena_strdup(asking->arena, answer->user.external_id);
    }
    rc_loop_stop(asking->loop);
}

/* A client that is impatient: somebody waits. *config is a copy with a time-out of ours. */
static rc_readback_t *open_learnamp(rc_config_t *config, const rc_integration_t *integration,
                                    const atomic_bool *cancelled)
{
    if (config->consumer.http_timeout_ms > ANSWER_MS) config->consumer.http_timeout_ms = ANSWER_MS;
    const rc_readback_options_t options = {
        .config = config, .integration = integration, .patience_ms = PATIENCE_MS, .cancelled = cancelled};
    return rc_readback_new(&options);
}

static rc_learnamp_profile_t copy_profile(rc_arena_t *arena, const rc_learnamp_profile_t *profile)
{
    rc_learnamp_profile_t copy = *profile;
    copy.user.email = rc_arena_strdup(arena, profile->user.email);
    copy.user.external_id = rc_arena_strdup(arena, profile->user.external_id);
    copy.first_name = rc_arena_strdup(arena, profile->first_name);
    copy.last_name = rc_arena_strdup(arena, profile->last_name);
    copy.job_title = rc_arena_strdup(arena, profile->job_title);
    copy.manager_email = rc_arena_strdup(arena, profile->manager_email);
    copy.primary_team_name = rc_arena_strdup(arena, profile->primary_team_name);
    copy.language = copy.hire_date = copy.location = NULL;
    copy.secondary_team_ids = NULL;
    copy.custom = NULL;
    copy.secondary_team_count = copy.custom_count = 0;
    return copy;
}

static rc_trace_asked_t ask_by_email(rc_readback_t *readback, const char *email, rc_arena_t *arena)
{
    rc_learnamp_t *client = rc_readback_client(readback);
    asking_t asking = {.email = email, .loop = rc_learnamp_loop(client), .arena = arena};
    (void)rc_learnamp_call(client, build, answered, &asking);
    rc_loop_run(asking.loop);
    return asking.asked;
}

rc_trace_asked_t rc_trace_ask_email(const rc_config_t *config, const rc_integration_t *integration, const char *email,
                                    const atomic_bool *cancelled, rc_arena_t *arena)
{
    rc_config_t impatient = *config;
    rc_readback_t *readback = open_learnamp(&impatient, integration, cancelled);
    rc_trace_asked_t asked = ask_by_email(readback, email, arena);
    rc_readback_free(readback);
    return asked;
}

/* Teams by their names alone: to know them by id, all teams would have to be read. */
static bool compare_team(const rc_trace_facts_t *facts, const rc_learnamp_profile_t *profile,
                         rc_difference_t *difference)
{
    const char *wanted = facts->snapshot.employee.primary_team.name, *shown = profile->primary_team_name;
    bool managed = facts->integration->policy.primary_team_count > 0 && facts->integration->policy.create_teams;
    if (!managed || !profile->expanded || profile->user.deactivated || rc_text_equal(wanted, shown)) return false;
    *difference = (rc_difference_t){"primary_team", wanted, shown};
    return true;
}

static void compare(const rc_userset_t *set, const rc_learnamp_profile_t *profile, rc_arena_t *arena,
                    rc_trace_facts_t *facts)
{
    size_t count, kept = 0;
    if (!facts->has_snapshot || facts->snapshot.presence != RC_PRESENCE_EMPLOYED) return;
    const rc_difference_t *found =
        rc_compare_user(facts->integration, set, &facts->snapshot.employee, profile, arena, &count);
    rc_difference_t *differences = rc_arena_alloc(arena, (count + 1) * sizeof *differences);
    for (size_t i = 0; i < count; i++)
        if (strstr(found[i].field, "_team") == NULL) differences[kept++] = found[i];
    kept += compare_team(facts, profile, &differences[kept]);
    for (size_t i = 0; i < kept; i++) differences[i].learnamp = rc_arena_strdup(arena, differences[i].learnamp);
    facts->differences = differences;
    facts->difference_count = kept;
}

void rc_trace_ask_user(const rc_config_t *config, const atomic_bool *cancelled, rc_arena_t *arena,
                       rc_trace_facts_t *facts)
{
    rc_config_t impatient = *config;
    rc_readback_t *readback = open_learnamp(&impatient, facts->integration, cancelled);
    const rc_employee_t *employee = rc_trace_employee(facts);
    rc_error_t error = RC_ERROR_INIT;
    if (rc_readback_again(readback, &facts->employee_id, 1, &error) != RC_OK)
        facts->trouble = rc_arena_strdup(arena, error.message);
    const rc_userset_user_t *user = rc_userset_by_external_id(rc_readback_set(readback), facts->employee_id);
    facts->has_user = user != NULL;
    if (user) {
        facts->user = copy_profile(arena, &user->profile);
        compare(rc_readback_set(readback), &user->profile, arena, facts);
    }
    bool has_address = user && employee && rc_email_equal(facts->user.user.email, employee->email);
    if (!facts->trouble && !has_address && employee && employee->email) {
        rc_trace_asked_t asked = ask_by_email(readback, employee->email, arena);
        facts->trouble = asked.trouble;
        if (asked.found && !rc_text_equal(asked.user.external_id, facts->employee_id))
            facts->namesake = rc_arena_memdup(arena, &asked.user, sizeof asked.user);
    }
    rc_readback_free(readback);
}
