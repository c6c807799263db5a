#include "tests/sandbox/learnamp_json.h"

static void put_null(json_t *object, const char *key)
{
    (void)json_object_set_new(object, key, json_null());
}

static void put_text(json_t *object, const char *key, const char *text)
{
    (void)json_object_set_new(object, key, text ? json_string(text) : json_null());
}

static json_t *manager_json(const sb_store_t *store, long id)
{
    const sb_user_t *manager = sb_store_user(store, id);
    if (!manager) return json_null();
    return json_pack("{s:I, s:s?, s:s?, s:s?}", "id", (json_int_t)manager->id, "firstName",
                     manager->text[SB_USER_FIRST_NAME], "lastName", manager->text[SB_USER_LAST_NAME], "email",
                     manager->text[SB_USER_EMAIL]);
}

static json_t *team_of_user_json(const sb_store_t *store, long id)
{
    const sb_team_t *team = sb_store_team(store, id);
    if (!team) return json_null();
    return json_pack("{s:I, s:s, s:I, s:o, s:o, s:o}", "id", (json_int_t)team->id, "name", team->name, "teamUsersCount",
                     (json_int_t)team->users, "apiTeamPath", json_sprintf("/v1/teams/%ld", team->id),
                     "apiTeamUsersPath", json_sprintf("/v1/teams/%ld/users", team->id), "manager",
                     manager_json(store, team->manager_id));
}

static void expand(json_t *json, const sb_store_t *store, const sb_user_t *user)
{
    json_t *secondary = json_array();
    for (size_t i = 0; i < user->secondary_count; i++)
        (void)json_array_append_new(secondary, team_of_user_json(store, user->secondary_teams[i]));
    put_null(json, "avatar"); /* it cannot be set through the API */
    (void)json_object_set_new(json, "manager", manager_json(store, user->manager_id));
    put_text(json, "location", user->text[SB_USER_LOCATION]);
    put_text(json, "department", user->text[SB_USER_DEPARTMENT]);
    (void)json_object_set_new(json, "primaryTeam", team_of_user_json(store, user->primary_team));
    (void)json_object_set_new(json, "secondaryTeams", secondary);
}

json_t *sb_user_json(const sb_store_t *store, const sb_user_t *user, bool expanded)
{
    static const sb_user_text_t shown[] = {SB_USER_FIRST_NAME,  SB_USER_LAST_NAME,       SB_USER_JOB_TITLE,
                                           SB_USER_EMAIL,       SB_USER_LANGUAGE,        SB_USER_ROLE,
                                           SB_USER_EXTERNAL_ID, SB_USER_OCCUPATION_ROLE, SB_USER_HIRE_DATE};
    char text[RC_TIME_STR_SIZE];
    json_t *json = json_object();
    (void)json_object_set_new(json, "id", json_integer(user->id));
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        put_text(json, SB_USER_TEXT_NAMES[shown[i]], user->text[shown[i]]);
    put_text(json, "timeZone", "London");
    (void)json_object_set_new(json, "profileUrl", json_sprintf("https://learn.example/users/%ld", user->id));
    (void)json_object_set_new(
        json, "status",
        json_pack("{s:s, s:s}", "status", SB_STATUS_TEXTS[user->status], "time", rc_wall_str(user->status_at, text)));
    if (expanded) expand(json, store, user);
    return json;
}

json_t *sb_team_json(const sb_store_t *store, const sb_team_t *team)
{
    const sb_team_t *parent = sb_store_team(store, team->parent_id);
    json_t *above = parent ? json_pack("{s:I, s:s}", "id", (json_int_t)parent->id, "name", parent->name) : json_null();
    return json_pack("{s:I, s:s, s:s?, s:I, s:o, s:o, s:o}", "id", (json_int_t)team->id, "name", team->name,
                     "integrationExternalId", team->external_id, "teamUsersCount", (json_int_t)team->users,
                     "parentTeam", above, "manager", manager_json(store, team->manager_id), "apiTeamUsersPath",
                     json_sprintf("/v1/teams/%ld/users", team->id));
}

json_t *sb_user_inside_json(const sb_store_t *store, const sb_user_t *user)
{
    json_t *json = sb_user_json(store, user, true);
    json_t *secondary = json_array();
    for (size_t i = 0; i < user->secondary_count; i++) {
        const sb_team_t *team = sb_store_team(store, user->secondary_teams[i]);
        (void)json_array_append_new(secondary, json_pack("{s:I, s:s, s:s?}", "id", (json_int_t)team->id, "name",
                                                         team->name, "integrationExternalId", team->external_id));
    }
    const sb_team_t *primary = sb_store_team(store, user->primary_team);
    (void)json_object_set_new(json, "secondaryTeams", secondary);
    (void)json_object_set_new(json, "primaryTeam",
                              primary ? json_pack("{s:I, s:s, s:s?}", "id", (json_int_t)primary->id, "name",
                                                  primary->name, "integrationExternalId", primary->external_id)
                                      : json_null());
    (void)json_object_set(json, "customFields", user->custom ? user->custom : json_null());
    put_text(json, "statusValue", SB_STATUS_VALUES[user->status]);
    (void)json_object_set_new(json, "tasks", json_integer(user->tasks));
    (void)json_object_set_new(json, "tasksDestroyed", json_integer(user->tasks_destroyed));
    (void)json_object_set_new(json, "invitations", json_integer(user->invitations));
    (void)json_object_set_new(json, "deactivations", json_integer(user->deactivations));
    rc_json_put_wall(json, "createdAt", user->created_at);
    rc_json_put_wall(json, "updatedAt", user->updated_at);
    return json;
}

json_t *sb_team_inside_json(const sb_team_t *team)
{
    json_t *json =
        json_pack("{s:I, s:s, s:s?, s:I, s:i}", "id", (json_int_t)team->id, "name", team->name, "integrationExternalId",
                  team->external_id, "users", (json_int_t)team->users, "renames", team->renames);
    rc_json_put_wall(json, "createdAt", team->created_at);
    rc_json_put_wall(json, "updatedAt", team->updated_at);
    return json;
}
