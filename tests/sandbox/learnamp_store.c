#include "tests/sandbox/learnamp_store.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/map.h"
#include "common/mem.h"
#include "common/text.h"
#include "tests/sandbox/learnamp_draft.h"

const char *const SB_USER_TEXT_NAMES[SB_USER_TEXT_COUNT] = {
#define X(name, text) text,
    SB_USER_TEXTS(X)
#undef X
};
const char *const SB_STATUS_VALUES[SB_STATUS_COUNT] = {
#define X(name, value, text) value,
    SB_USER_STATUSES(X)
#undef X
};
const char *const SB_STATUS_TEXTS[SB_STATUS_COUNT] = {
#define X(name, value, text) text,
    SB_USER_STATUSES(X)
#undef X
};

struct sb_store {
    sb_user_t **users;
    size_t user_count;
    sb_team_t **teams;
    size_t team_count;
    long first_user, first_team; /* the numbers of users[0] and teams[0] */
    rc_map_t *by_email, *by_external_id, *teams_by_external_id;
    json_t *custom_fields;
    long updates, deactivations, reactivations, invitations, tasks_destroyed, memberships_removed;
};

/* ---- life ---- */

sb_store_t *sb_store_new(void)
{
    sb_store_t *store = rc_zalloc(sizeof *store);
    store->first_user = SB_FIRST_USER_ID;
    store->first_team = SB_FIRST_TEAM_ID;
    store->by_email = rc_map_new(NULL);
    store->by_external_id = rc_map_new(NULL);
    store->teams_by_external_id = rc_map_new(NULL);
    store->custom_fields = json_pack("[s, s, s]", "Cost centre", "Leave date", "Picture");
    return store;
}

static void user_free(sb_user_t *user)
{
    for (int i = 0; i < SB_USER_TEXT_COUNT; i++) free(user->text[i]);
    free(user->secondary_teams);
    json_decref(user->custom);
    free(user);
}

static void release_all(sb_store_t *store)
{
    for (size_t i = 0; i < store->user_count; i++) user_free(store->users[i]);
    for (size_t i = 0; i < store->team_count; i++) {
        free(store->teams[i]->name);
        free(store->teams[i]->external_id);
        free(store->teams[i]);
    }
    rc_map_free(store->by_email);
    rc_map_free(store->by_external_id);
    rc_map_free(store->teams_by_external_id);
}

void sb_store_wipe(sb_store_t *store)
{
    release_all(store);
    store->by_email = rc_map_new(NULL);
    store->by_external_id = rc_map_new(NULL);
    store->teams_by_external_id = rc_map_new(NULL);
    store->first_user += (long)store->user_count;
    store->first_team += (long)store->team_count;
    store->user_count = store->team_count = 0;
}

void sb_store_free(sb_store_t *store)
{
    if (!store) return;
    release_all(store);
    free(store->users);
    free(store->teams);
    json_decref(store->custom_fields);
    free(store);
}

void sb_store_set_custom_fields(sb_store_t *store, const json_t *names)
{
    json_decref(store->custom_fields);
    store->custom_fields = json_deep_copy(names);
}

const json_t *sb_store_custom_fields(const sb_store_t *store)
{
    return store->custom_fields;
}

json_t *sb_store_totals(const sb_store_t *store)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "users", (json_int_t)store->user_count, "teams",
                     (json_int_t)store->team_count, "updates", (json_int_t)store->updates, "deactivations",
                     (json_int_t)store->deactivations, "reactivations", (json_int_t)store->reactivations, "invitations",
                     (json_int_t)store->invitations, "tasks_destroyed", (json_int_t)store->tasks_destroyed,
                     "memberships_removed", (json_int_t)store->memberships_removed);
}

/* ---- finding ---- */

size_t sb_store_users(const sb_store_t *store)
{
    return store->user_count;
}

sb_user_t *sb_store_user_at(const sb_store_t *store, size_t index)
{
    return store->users[index];
}

sb_user_t *sb_store_user(const sb_store_t *store, long id)
{
    long index = id - store->first_user;
    return index >= 0 && (size_t)index < store->user_count ? store->users[index] : NULL;
}

sb_user_t *sb_store_user_by_external_id(const sb_store_t *store, const char *external_id)
{
    return rc_map_get(store->by_external_id, external_id, strlen(external_id));
}

static char *lower(const char *text)
{
    char *low = rc_strdup(text);
    for (char *at = low; *at; at++)
        if ((unsigned char)*at < 0x80) *at = (char)tolower(*at);
    return low;
}

sb_user_t *sb_store_user_by_email(const sb_store_t *store, const char *email)
{
    char *low = lower(email);
    sb_user_t *user = rc_map_get(store->by_email, low, strlen(low));
    free(low);
    return user;
}

size_t sb_store_teams(const sb_store_t *store)
{
    return store->team_count;
}

sb_team_t *sb_store_team_at(const sb_store_t *store, size_t index)
{
    return store->teams[index];
}

sb_team_t *sb_store_team(const sb_store_t *store, long id)
{
    long index = id - store->first_team;
    return index >= 0 && (size_t)index < store->team_count ? store->teams[index] : NULL;
}

sb_team_t *sb_store_team_by_external_id(const sb_store_t *store, const char *external_id)
{
    return rc_map_get(store->teams_by_external_id, external_id, strlen(external_id));
}

/* ---- changing ---- */

/* Adds a user to a key, or takes them out; empty keys are none. */
static void index_set(rc_map_t *map, const char *key, void *value)
{
    if (rc_text_empty(key)) return;
    if (value)
        (void)rc_map_set(map, key, strlen(key), value);
    else
        (void)rc_map_take(map, key, strlen(key));
}

static void user_set_text(sb_store_t *store, sb_user_t *user, sb_user_text_t which, const char *value)
{
    char *before = user->text[which], *after = rc_text_empty(value) ? NULL : rc_strdup(value);
    if (which == SB_USER_EXTERNAL_ID) {
        index_set(store->by_external_id, before, NULL);
        index_set(store->by_external_id, after, user);
    } else if (which == SB_USER_EMAIL) {
        char *old_key = before ? lower(before) : NULL, *new_key = after ? lower(after) : NULL;
        index_set(store->by_email, old_key, NULL);
        index_set(store->by_email, new_key, user);
        free(old_key);
        free(new_key);
    }
    free(before);
    user->text[which] = after;
}

static bool is_secondary(const sb_user_t *user, long team, size_t *at)
{
    for (*at = 0; *at < user->secondary_count; ++*at)
        if (user->secondary_teams[*at] == team) return true;
    return false;
}

static void secondary_remove(sb_store_t *store, sb_user_t *user, long team)
{
    size_t at;
    if (!is_secondary(user, team, &at)) return;
    user->secondary_teams[at] = user->secondary_teams[--user->secondary_count];
    sb_store_team(store, team)->users--;
}

static void secondary_add(sb_store_t *store, sb_user_t *user, long team)
{
    size_t at;
    if (team == user->primary_team || is_secondary(user, team, &at)) return;
    user->secondary_teams = rc_realloc(user->secondary_teams, (user->secondary_count + 1) * sizeof(long));
    user->secondary_teams[user->secondary_count++] = team;
    sb_store_team(store, team)->users++;
}

static void primary_set(sb_store_t *store, sb_user_t *user, long team)
{
    if (user->primary_team == team) return;
    if (user->primary_team) sb_store_team(store, user->primary_team)->users--;
    user->primary_team = 0;
    if (!team) return;
    secondary_remove(store, user, team);
    user->primary_team = team;
    sb_store_team(store, team)->users++;
}

static void leave_all_teams(sb_store_t *store, sb_user_t *user)
{
    store->memberships_removed += (user->primary_team != 0) + (long)user->secondary_count;
    primary_set(store, user, 0);
    while (user->secondary_count) secondary_remove(store, user, user->secondary_teams[0]);
}

static void user_set_status(sb_user_t *user, sb_user_status_t status, rc_wall_t now)
{
    user->status = status;
    user->status_at = user->updated_at = now;
}

static void apply_custom(sb_user_t *user, const sb_user_draft_t *draft)
{
    const char *name;
    json_t *value;
    if (!json_object_size(draft->custom)) return;
    if (!user->custom) user->custom = json_object();
    json_object_foreach(draft->custom, name, value)
    {
        if (json_is_null(value))
            (void)json_object_del(user->custom, name);
        else
            (void)json_object_set(user->custom, name, value);
    }
}

static void apply_draft(sb_store_t *store, sb_user_t *user, const sb_user_draft_t *draft, rc_wall_t now)
{
    for (int i = 0; i < SB_USER_TEXT_COUNT; i++)
        if (draft->has_text[i]) user_set_text(store, user, (sb_user_text_t)i, draft->text[i]);
    if (draft->has_manager) user->manager_id = draft->manager_id;
    if (draft->reactivate && user->status == SB_STATUS_DEACTIVATED) sb_store_user_reactivate(store, user, now);
    /* A deactivated user is in no team, and a call that leaves them deactivated puts them into none. */
    if (user->status != SB_STATUS_DEACTIVATED) {
        if (draft->has_primary) primary_set(store, user, draft->primary_team);
        if (draft->has_secondary) {
            while (user->secondary_count) secondary_remove(store, user, user->secondary_teams[0]);
            for (size_t i = 0; i < draft->secondary_count; i++) secondary_add(store, user, draft->secondary_teams[i]);
        }
    }
    apply_custom(user, draft);
    user->updated_at = now;
}

sb_user_t *sb_store_user_create(sb_store_t *store, const json_t *params, rc_wall_t now, sb_refusal_t *refusal)
{
    sb_user_draft_t draft;
    sb_user_t *user = NULL;
    if (sb_user_draft_init(&draft, store, NULL, params, refusal)) {
        user = rc_zalloc(sizeof *user);
        user->id = store->first_user + (long)store->user_count;
        user->created_at = now;
        user->tasks = SB_TASKS_OF_A_USER;
        if (store->user_count % 256 == 0)
            store->users = rc_realloc(store->users, (store->user_count + 256) * sizeof(sb_user_t *));
        store->users[store->user_count++] = user;
        user->invitations = !draft.skip_invitation;
        store->invitations += user->invitations;
        user_set_status(user, draft.skip_invitation ? SB_STATUS_NOT_INVITED : SB_STATUS_INVITE_PENDING, now);
        user_set_text(store, user, SB_USER_ROLE, "viewer");
        user_set_text(store, user, SB_USER_LANGUAGE, "en");
        apply_draft(store, user, &draft, now);
    }
    sb_user_draft_fini(&draft);
    return user;
}

bool sb_store_user_update(sb_store_t *store, sb_user_t *user, const json_t *params, rc_wall_t now,
                          sb_refusal_t *refusal)
{
    sb_user_draft_t draft;
    bool fine = sb_user_draft_init(&draft, store, user, params, refusal);
    if (fine) {
        apply_draft(store, user, &draft, now);
        store->updates++;
    }
    sb_user_draft_fini(&draft);
    return fine;
}

void sb_store_user_deactivate(sb_store_t *store, sb_user_t *user, rc_wall_t now)
{
    if (user->status == SB_STATUS_DEACTIVATED) return;
    leave_all_teams(store, user);
    user->tasks_destroyed += user->tasks;
    store->tasks_destroyed += user->tasks;
    user->tasks = 0;
    user->deactivations++;
    store->deactivations++;
    user_set_status(user, SB_STATUS_DEACTIVATED, now);
}

void sb_store_user_reactivate(sb_store_t *store, sb_user_t *user, rc_wall_t now)
{
    if (user->status != SB_STATUS_DEACTIVATED) return;
    store->reactivations++;
    user_set_status(user, user->invitations ? SB_STATUS_INVITE_PENDING : SB_STATUS_NOT_INVITED, now);
}

/* ---- teams ---- */

static void team_apply(sb_store_t *store, sb_team_t *team, const sb_team_draft_t *draft, rc_wall_t now)
{
    if (draft->name) {
        team->renames += team->name && strcmp(team->name, draft->name) != 0;
        free(team->name);
        team->name = rc_strdup(draft->name);
    }
    if (draft->has_external_id) {
        index_set(store->teams_by_external_id, team->external_id, NULL);
        free(team->external_id);
        team->external_id = rc_text_empty(draft->external_id) ? NULL : rc_strdup(draft->external_id);
        index_set(store->teams_by_external_id, team->external_id, team);
    }
    if (draft->has_parent) team->parent_id = draft->parent_id;
    if (draft->has_manager) team->manager_id = draft->manager_id;
    team->updated_at = now;
}

sb_team_t *sb_store_team_create(sb_store_t *store, const json_t *params, rc_wall_t now, sb_refusal_t *refusal)
{
    sb_team_draft_t draft;
    if (!sb_team_draft_init(&draft, store, NULL, params, refusal)) return NULL;
    sb_team_t *team = rc_zalloc(sizeof *team);
    team->id = store->first_team + (long)store->team_count;
    team->created_at = now;
    if (store->team_count % 64 == 0)
        store->teams = rc_realloc(store->teams, (store->team_count + 64) * sizeof(sb_team_t *));
    store->teams[store->team_count++] = team;
    team_apply(store, team, &draft, now);
    return team;
}

bool sb_store_team_update(sb_store_t *store, sb_team_t *team, const json_t *params, rc_wall_t now,
                          sb_refusal_t *refusal)
{
    sb_team_draft_t draft;
    if (!sb_team_draft_init(&draft, store, team, params, refusal)) return false;
    team_apply(store, team, &draft, now);
    return true;
}

bool sb_store_member_add(sb_store_t *store, sb_team_t *team, const json_t *params, rc_wall_t now, sb_refusal_t *refusal)
{
    sb_user_t *user;
    bool primary;
    if (!sb_member_draft(store, params, &user, &primary, refusal)) return false;
    if (user->status != SB_STATUS_DEACTIVATED) {
        if (primary)
            primary_set(store, user, team->id);
        else
            secondary_add(store, user, team->id);
    }
    user->updated_at = now;
    return true;
}

bool sb_store_member_remove(sb_store_t *store, sb_team_t *team, sb_user_t *user, rc_wall_t now)
{
    size_t at;
    if (user->primary_team == team->id)
        primary_set(store, user, 0);
    else if (is_secondary(user, team->id, &at))
        secondary_remove(store, user, team->id);
    else
        return false;
    user->updated_at = now;
    return true;
}
