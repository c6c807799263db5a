/* What each call of Learn Amp's API does. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/text.h"
#include "tests/sandbox/learnamp.h"
#include "tests/sandbox/learnamp_json.h"
#include "tests/sandbox/path.h"

enum { DEFAULT_PER_PAGE = 25, MAX_PER_PAGE = 100 };

typedef struct {
    sb_store_t *store;
    const sb_call_t *call;
    rc_wall_t now;
    sb_answer_t *answer;
} context_t;

static void fail(sb_answer_t *answer, int status, const char *error)
{
    answer->status = status;
    answer->body = json_pack("{s:s}", "error", error);
}

static void fail_refused(sb_answer_t *answer, const sb_refusal_t *refusal)
{
    fail(answer, refusal->status, refusal->status == 404 ? "Not found" : refusal->error.data);
    if (refusal->full_errors && refusal->status == 400)
        (void)json_object_set(answer->body, "fullErrors", refusal->full_errors);
}

static bool flag(const json_t *params, const char *name)
{
    const json_t *value = json_object_get(params, name);
    return json_is_true(value) || (json_is_string(value) && !strcmp(json_string_value(value), "true"));
}

static long number(const json_t *params, const char *name, long otherwise)
{
    const json_t *value = json_object_get(params, name);
    if (json_is_string(value)) return strtol(json_string_value(value), NULL, 10);
    return json_is_integer(value) ? (long)json_integer_value(value) : otherwise;
}

/* ---- lists ---- */

typedef struct {
    long first, last, seen; /* entries first to last - 1 of those that match are shown */
    json_t *list;
} page_t;

static page_t page_begin(const context_t *context)
{
    const json_t *params = context->call->params;
    long page = number(params, "page", 1), per_page = number(params, "perPage", DEFAULT_PER_PAGE);
    if (page < 1) page = 1;
    if (per_page < 1) per_page = DEFAULT_PER_PAGE;
    if (per_page > MAX_PER_PAGE) per_page = MAX_PER_PAGE;
    context->answer->per_page = per_page;
    return (page_t){.first = (page - 1) * per_page, .last = page * per_page, .list = json_array()};
}

static bool page_shows(page_t *page)
{
    long at = page->seen++;
    return at >= page->first && at < page->last;
}

static void page_end(const context_t *context, page_t *page, const char *name)
{
    context->answer->total = page->seen;
    context->answer->body = json_pack("{s:o}", name, page->list);
}

static bool is_among(const json_t *list, const char *value)
{
    size_t i;
    const json_t *entry;
    if (json_is_string(list)) return !strcmp(json_string_value(list), value);
    json_array_foreach(list, i,
                       entry) if (json_is_string(entry) && !strcmp(json_string_value(entry), value)) return true;
    return false;
}

static bool user_matches(const sb_user_t *user, const json_t *filters, rc_wall_t from)
{
    const char *email = rc_json_str(filters, "email"), *external_id = rc_json_str(filters, "integration_external_id");
    const json_t *statuses = json_object_get(filters, "status");
    if (email && !rc_email_equal(user->text[SB_USER_EMAIL], email)) return false;
    if (external_id && !rc_text_equal(user->text[SB_USER_EXTERNAL_ID], external_id)) return false;
    if (user->updated_at.ms < from.ms) return false;
    return !statuses || is_among(statuses, SB_STATUS_VALUES[user->status]);
}

static void list_users(const context_t *context)
{
    const json_t *params = context->call->params, *filters = json_object_get(params, "filters");
    const char *email = rc_json_str(filters, "email");
    const char *since = rc_json_str(json_object_get(filters, "updated_at"), "from");
    rc_wall_t from = {0};
    rc_date_t day;
    if (since && rc_wall_parse(since, &from, NULL) && !rc_date_parse(since, strlen(since), &day, NULL))
        from.ms = (int64_t)day.days * 86400000;
    page_t page = page_begin(context);
    /* The one filter that is asked for all the time must not go through everybody. */
    const sb_user_t *only = email ? sb_store_user_by_email(context->store, email) : NULL;
    size_t count = email ? only != NULL : sb_store_users(context->store);
    for (size_t i = 0; i < count; i++) {
        const sb_user_t *user = only ? only : sb_store_user_at(context->store, i);
        if (user_matches(user, filters, from) && page_shows(&page))
            (void)json_array_append_new(page.list, sb_user_json(context->store, user, flag(params, "expanded")));
    }
    page_end(context, &page, "users");
}

static void list_teams(const context_t *context)
{
    const char *name = rc_json_str(json_object_get(context->call->params, "filters"), "name");
    page_t page = page_begin(context);
    for (size_t i = 0; i < sb_store_teams(context->store); i++) {
        const sb_team_t *team = sb_store_team_at(context->store, i);
        if ((!name || strcasestr(team->name, name)) && page_shows(&page))
            (void)json_array_append_new(page.list, sb_team_json(context->store, team));
    }
    page_end(context, &page, "teams");
}

/* ---- single users ---- */

static void note_user(const context_t *context, const sb_user_t *user)
{
    const char *external_id = user->text[SB_USER_EXTERNAL_ID];
    context->answer->user_id = user->id;
    if (external_id) (void)snprintf(context->answer->employee, sizeof context->answer->employee, "%s", external_id);
}

static void show_user(const context_t *context, int status, const sb_user_t *user)
{
    context->answer->status = status;
    context->answer->body = sb_user_json(context->store, user, flag(context->call->params, "expanded"));
}

/* The user of the path's only id; NULL: 404 was answered. */
static sb_user_t *path_user(const context_t *context, bool external)
{
    const char *id = context->call->id[0];
    char *end;
    long numeric = strtol(id, &end, 10);
    sb_user_t *user = external ? sb_store_user_by_external_id(context->store, id)
                      : *end   ? NULL
                               : sb_store_user(context->store, numeric);
    if (external) (void)snprintf(context->answer->employee, sizeof context->answer->employee, "%s", id);
    if (user)
        note_user(context, user);
    else
        fail(context->answer, 404, "Not found");
    return user;
}

static void get_user(const context_t *context)
{
    const sb_user_t *user = path_user(context, false);
    if (user) show_user(context, 200, user);
}

static void get_user_by_external_id(const context_t *context)
{
    const sb_user_t *user = path_user(context, true);
    if (user) show_user(context, 200, user);
}

static void create_user(const context_t *context)
{
    sb_refusal_t refusal;
    const char *external_id = rc_json_str(context->call->params, "integrationExternalId");
    if (external_id) (void)snprintf(context->answer->employee, sizeof context->answer->employee, "%s", external_id);
    sb_refusal_init(&refusal);
    const sb_user_t *user = sb_store_user_create(context->store, context->call->params, context->now, &refusal);
    if (user) {
        note_user(context, user);
        show_user(context, 201, user);
    } else {
        fail_refused(context->answer, &refusal);
    }
    sb_refusal_fini(&refusal);
}

static void update_user(const context_t *context, bool external)
{
    sb_refusal_t refusal;
    sb_user_t *user = path_user(context, external);
    if (!user) return;
    sb_refusal_init(&refusal);
    if (sb_store_user_update(context->store, user, context->call->params, context->now, &refusal)) {
        note_user(context, user);
        show_user(context, 200, user);
    } else {
        fail_refused(context->answer, &refusal);
    }
    sb_refusal_fini(&refusal);
}

static void put_user(const context_t *context)
{
    update_user(context, false);
}

static void put_user_by_external_id(const context_t *context)
{
    update_user(context, true);
}

static void deactivate_user(const context_t *context)
{
    sb_user_t *user = path_user(context, false);
    if (!user) return;
    sb_store_user_deactivate(context->store, user, context->now);
    context->answer->status = 204;
}

static void reactivate_user(const context_t *context)
{
    sb_user_t *user = path_user(context, false);
    if (!user) return;
    sb_store_user_reactivate(context->store, user, context->now);
    context->answer->status = 204;
}

/* ---- teams ---- */

static sb_team_t *path_team(const context_t *context, bool external)
{
    const char *id = context->call->id[0];
    char *end;
    long numeric = strtol(id, &end, 10);
    sb_team_t *team = external ? sb_store_team_by_external_id(context->store, id)
                      : *end   ? NULL
                               : sb_store_team(context->store, numeric);
    if (!team) fail(context->answer, 404, "Not found");
    return team;
}

static void get_team(const context_t *context)
{
    const sb_team_t *team = path_team(context, false);
    if (team) context->answer->body = sb_team_json(context->store, team);
}

static void get_team_by_external_id(const context_t *context)
{
    const sb_team_t *team = path_team(context, true);
    if (team) context->answer->body = sb_team_json(context->store, team);
}

static void create_team(const context_t *context)
{
    sb_refusal_t refusal;
    sb_refusal_init(&refusal);
    const sb_team_t *team = sb_store_team_create(context->store, context->call->params, context->now, &refusal);
    if (team) {
        context->answer->status = 201;
        context->answer->body = sb_team_json(context->store, team);
    } else {
        fail_refused(context->answer, &refusal);
    }
    sb_refusal_fini(&refusal);
}

static void update_team(const context_t *context, bool external)
{
    sb_refusal_t refusal;
    sb_team_t *team = path_team(context, external);
    if (!team) return;
    sb_refusal_init(&refusal);
    if (sb_store_team_update(context->store, team, context->call->params, context->now, &refusal))
        context->answer->body = sb_team_json(context->store, team);
    else
        fail_refused(context->answer, &refusal);
    sb_refusal_fini(&refusal);
}

static void put_team(const context_t *context)
{
    update_team(context, false);
}

static void put_team_by_external_id(const context_t *context)
{
    update_team(context, true);
}

static void list_team_users(const context_t *context)
{
    const sb_team_t *team = path_team(context, false);
    if (!team) return;
    page_t page = page_begin(context);
    for (size_t i = 0; i < sb_store_users(context->store); i++) {
        const sb_user_t *user = sb_store_user_at(context->store, i);
        bool member = user->primary_team == team->id;
        for (size_t k = 0; k < user->secondary_count; k++) member = member || user->secondary_teams[k] == team->id;
        if (member && page_shows(&page))
            (void)json_array_append_new(page.list, sb_user_json(context->store, user, false));
    }
    page_end(context, &page, "users");
}

static void add_member(const context_t *context, bool external)
{
    sb_refusal_t refusal;
    sb_team_t *team = path_team(context, external);
    if (!team) return;
    sb_refusal_init(&refusal);
    if (sb_store_member_add(context->store, team, context->call->params, context->now, &refusal)) {
        const sb_user_t *user = sb_store_user(context->store, number(context->call->params, "userId", 0));
        note_user(context, user);
        show_user(context, 201, user);
    } else {
        fail_refused(context->answer, &refusal);
    }
    sb_refusal_fini(&refusal);
}

static void post_member(const context_t *context)
{
    add_member(context, false);
}

static void post_member_by_external_id(const context_t *context)
{
    add_member(context, true);
}

static void delete_member(const context_t *context)
{
    sb_team_t *team = path_team(context, false);
    if (!team) return;
    char *end;
    long id = strtol(context->call->id[1], &end, 10);
    sb_user_t *user = *end ? NULL : sb_store_user(context->store, id);
    if (user) note_user(context, user);
    if (user && sb_store_member_remove(context->store, team, user, context->now))
        context->answer->status = 204;
    else
        fail(context->answer, 404, "Not found");
}

/* ---- the table ---- */

/* "*" is an id. More particular paths come first. */
static const struct {
    const char *method, *path;
    sb_scope_t scope;
    void (*make)(const context_t *context);
} ENDPOINTS[] = {
    {"GET", "users", SB_SCOPE_USERS_READ, list_users},
    {"POST", "users", SB_SCOPE_USERS_CREATE, create_user},
    {"GET", "users/by_integration_external_id/*", SB_SCOPE_USERS_READ, get_user_by_external_id},
    {"PUT", "users/by_integration_external_id/*", SB_SCOPE_USERS_UPDATE, put_user_by_external_id},
    {"GET", "users/*", SB_SCOPE_USERS_READ, get_user},
    {"PUT", "users/*", SB_SCOPE_USERS_UPDATE, put_user},
    {"PUT", "users/*/deactivate", SB_SCOPE_USERS_DEACTIVATE, deactivate_user},
    {"PUT", "users/*/reactivate", SB_SCOPE_USERS_REACTIVATE, reactivate_user},
    {"GET", "teams", SB_SCOPE_TEAMS_READ, list_teams},
    {"POST", "teams", SB_SCOPE_TEAMS_CREATE, create_team},
    {"GET", "teams/by_external_id/*", SB_SCOPE_TEAMS_READ, get_team_by_external_id},
    {"PUT", "teams/by_external_id/*", SB_SCOPE_TEAMS_UPDATE, put_team_by_external_id},
    {"POST", "teams/by_external_id/*/users", SB_SCOPE_TEAM_USERS_CREATE, post_member_by_external_id},
    {"GET", "teams/*", SB_SCOPE_TEAMS_READ, get_team},
    {"PUT", "teams/*", SB_SCOPE_TEAMS_UPDATE, put_team},
    {"GET", "teams/*/users", SB_SCOPE_TEAM_USERS_READ, list_team_users},
    {"POST", "teams/*/users", SB_SCOPE_TEAM_USERS_CREATE, post_member},
    {"DELETE", "teams/*/users/*", SB_SCOPE_TEAM_USERS_DELETE, delete_member},
};
enum { ENDPOINT_COUNT = sizeof ENDPOINTS / sizeof *ENDPOINTS };

int sb_learnamp_endpoint(const char *method, const char *const *segments, size_t count, const char *ids[SB_PATH_IDS])
{
    for (int i = 0; i < ENDPOINT_COUNT; i++)
        if (!strcmp(ENDPOINTS[i].method, method) && sb_path_fits(ENDPOINTS[i].path, segments, count, ids)) return i;
    return -1;
}

sb_scope_t sb_learnamp_scope(int endpoint)
{
    return ENDPOINTS[endpoint].scope;
}

void sb_learnamp_call(sb_store_t *store, const sb_call_t *call, rc_wall_t now, sb_answer_t *answer)
{
    *answer = (sb_answer_t){.status = 200, .total = -1};
    context_t context = {store, call, now, answer};
    ENDPOINTS[call->endpoint].make(&context);
}
