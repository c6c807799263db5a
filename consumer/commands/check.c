/* rollcall-consumer check: what common/check reaches, and Learn Amp for each integration: an access token with the
 * scopes that its policy needs, and what it lets us read. */
#include "common/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/http.h"
#include "common/loop.h"
#include "common/mem.h"
#include "common/text.h"
#include "consumer/commands/commands.h"
#include "consumer/learnamp/learnamp.h"

/* Which scope is for what (docs/learnamp.md, "Authentication"). */
typedef enum { ALWAYS, WITH_TEAMS, WITH_NEW_TEAMS } need_t;
static const struct {
    const char *scope;
    need_t need;
    const char *purpose;
} SCOPES[] = {
    {"users:read", ALWAYS, "to look users up"},
    {"users:create", ALWAYS, "to create joiners"},
    {"users:update", ALWAYS, "to write changes"},
    {"users:deactivate", ALWAYS, "to deactivate leavers"},
    {"users:reactivate", ALWAYS, "to bring back who returns"},
    {"teams:read", WITH_TEAMS, "to look teams up"},
    {"teams:update", WITH_TEAMS, "to adopt and rename teams"},
    {"team_users:delete", WITH_TEAMS, "to take people out of a team"},
    {"teams:create", WITH_NEW_TEAMS, "to create teams"},
};
enum { SCOPE_COUNT = sizeof SCOPES / sizeof *SCOPES, LIST_BYTES = 4096 };

static bool is_needed(const rc_policy_t *policy, need_t need)
{
    bool teams = policy->primary_team_count > 0 || policy->secondary_teams_count > 0;
    return need == ALWAYS || (teams && (need == WITH_TEAMS || policy->create_teams));
}

/* The next word of a list separated by spaces; NULL: none is left. Returns its beginning. */
static const char *next_word(const char **list, size_t *length)
{
    *list += strspn(*list, " ");
    const char *word = *list;
    *length = strcspn(word, " ");
    *list += *length;
    return *length > 0 ? word : NULL;
}

static bool lists(const char *list, const char *scope)
{
    size_t length;
    const char *word;
    while ((word = next_word(&list, &length)) != NULL)
        if (length == strlen(scope) && strncmp(word, scope, length) == 0) return true;
    return false;
}

/* --- asking --- */

typedef struct {
    rc_loop_t *loop;
    rc_http_t *http;
    int64_t timeout_ms;
    void (*build)(rc_learnamp_request_t *request); /* NULL: the token alone is asked for */
    rc_class_t class;
    char message[RC_LEARNAMP_MESSAGE_SIZE];
} probe_t;

static bool on_build(void *opaque, bool waited, rc_learnamp_request_t *request)
{
    (void)waited;
    probe_t *probe = opaque;
    if (probe->build != NULL) probe->build(request);
    return probe->build != NULL;
}

static void on_done(void *opaque, const rc_learnamp_answer_t *answer)
{
    probe_t *probe = opaque;
    probe->class = answer != NULL ? answer->class : RC_CLASS_APPLIED;
    (void)snprintf(probe->message, sizeof probe->message, "%s", answer != NULL ? answer->message : "");
    rc_loop_stop(probe->loop);
}

static rc_class_t ask(probe_t *probe, const rc_integration_t *integration,
                      void (*build)(rc_learnamp_request_t *request))
{
    rc_learnamp_t *client = rc_learnamp_new(probe->loop, probe->http, integration, probe->timeout_ms, NULL, NULL);
    probe->build = build;
    (void)rc_learnamp_call(client, on_build, on_done, probe);
    rc_loop_run(probe->loop);
    rc_learnamp_free(client);
    return probe->class;
}

/* --- judging --- */

/* What the service does not grant, by asking for each scope alone. */
static void find_refused_scopes(probe_t *probe, const rc_integration_t *integration, rc_check_t *check)
{
    rc_buf_t refused = RC_BUF_INIT(LIST_BYTES);
    rc_integration_t single = *integration;
    const char *list = integration->learnamp.scope, *word;
    size_t length;
    while ((word = next_word(&list, &length)) != NULL) {
        char *scope = rc_sprintf("%.*s", (int)length, word);
        single.learnamp.scope = scope;
        if (ask(probe, &single, NULL) == RC_CLASS_CREDENTIALS)
            (void)rc_buf_add_format(&refused, "%s%s", refused.size_bytes > 0 ? ", " : "", scope);
        free(scope);
    }
    if (refused.size_bytes > 0)
        rc_check_wrong(check,
                       "Learn Amp does not grant %s; have an administrator there add it to these credentials, or take "
                       "it out of learnamp.scope if it is not needed",
                       refused.data);
    else
        rc_check_wrong(check,
                       "Learn Amp grants each scope, but not all together (%s); try again, and ask its support if it "
                       "stays so",
                       probe->message);
    rc_buf_fini(&refused);
}

/* What to do about a failure. */
static const char *mend_of(rc_class_t class)
{
    switch (class) {
    case RC_CLASS_CREDENTIALS:
        return "are learnamp.client_id and learnamp.client_secret those of this company, and still valid?";
    case RC_CLASS_THROTTLED:
        return "try again later; lower learnamp.requests_per_second if it stays so";
    case RC_CLASS_TRANSIENT:
        return "is learnamp.base_url right, and can this machine reach it (http_proxy, ca_file)?";
    default:
        return "is learnamp.base_url the address of Learn Amp's API, without /v1?";
    }
}

static void judge_configured_scopes(const rc_integration_t *integration, rc_check_t *check)
{
    for (size_t i = 0; i < SCOPE_COUNT; i++) {
        if (!is_needed(&integration->policy, SCOPES[i].need)) continue;
        if (!lists(integration->learnamp.scope, SCOPES[i].scope))
            rc_check_wrong(check, "learnamp.scope lacks %s, which is needed %s; add it", SCOPES[i].scope,
                           SCOPES[i].purpose);
    }
}

static void judge_token(probe_t *probe, const rc_integration_t *integration, rc_check_t *check)
{
    if (probe->class == RC_CLASS_CREDENTIALS && strstr(probe->message, "scope") != NULL)
        find_refused_scopes(probe, integration, check);
    else
        rc_check_wrong(check, "%s; %s", probe->message, mend_of(probe->class));
}

static bool can_read(probe_t *probe, const rc_integration_t *integration, const char *what,
                     void (*build)(rc_learnamp_request_t *request), rc_check_t *check)
{
    rc_class_t class = ask(probe, integration, build);
    if (class == RC_CLASS_APPLIED) return true;
    if (class == RC_CLASS_CREDENTIALS)
        rc_check_wrong(check, "the %s cannot be read (%s); do these credentials have the scope %s:read?", what,
                       probe->message, what);
    else
        rc_check_wrong(check, "the %s cannot be read (%s); %s", what, probe->message, mend_of(class));
    return false;
}

static void reach_learnamp(const rc_config_t *config, const rc_integration_t *integration, rc_check_t *check)
{
    probe_t probe = {.timeout_ms = config->consumer.http_timeout_ms};
    if (probe.timeout_ms > RC_CHECK_TIMEOUT_MS) probe.timeout_ms = RC_CHECK_TIMEOUT_MS;
    probe.loop = rc_loop_new();
    probe.http = rc_http_new(probe.loop, &(rc_http_options_t){.proxy = config->http_proxy, .ca_file = config->ca_file});

    /* Without a list, the credentials' own scopes count. */
    if (!rc_text_empty(integration->learnamp.scope)) judge_configured_scopes(integration, check);
    bool with_teams = is_needed(&integration->policy, WITH_TEAMS);
    if (ask(&probe, integration, NULL) != RC_CLASS_APPLIED)
        judge_token(&probe, integration, check);
    else if (can_read(&probe, integration, "users", rc_request_any_user, check) &&
             (!with_teams || can_read(&probe, integration, "teams", rc_request_any_team, check)))
        rc_check_ok(check, "the token is granted, users%s can be read", with_teams ? " and teams" : "");

    rc_http_free(probe.http);
    rc_loop_free(probe.loop);
}

rc_exit_t rc_consumer_check(const rc_args_t *args)
{
    return rc_check_run(args, &(rc_check_api_t){.service = "Learn Amp", .reach = reach_learnamp});
}
