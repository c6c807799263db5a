#include "consumer/learnamp/learnamp_parse_state.h"

/* What is shown as a text, or as an object that names itself. */
static rc_code_t take_name(rc_arena_t *arena, const json_t *object, const char *key, const char **name,
                           rc_error_t *error)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_object(value)) return rc_learnamp_take_text(arena, object, key, name, error);
    return rc_learnamp_take_text(arena, value, "name", name, error);
}

static rc_code_t take_secondary_teams(rc_arena_t *arena, const json_t *object, rc_learnamp_profile_t *profile,
                                      rc_error_t *error)
{
    const json_t *list = json_object_get(object, "secondaryTeams"), *team;
    size_t i;
    if (list == NULL || json_is_null(list)) return RC_OK;
    if (!json_is_array(list)) return rc_learnamp_malformed(error, "secondaryTeams is no list");
    int64_t *ids = rc_arena_alloc(arena, (json_array_size(list) + 1) * sizeof *ids);
    json_array_foreach(list, i, team)
    {
        static const char what[] = "a secondary team has no positive integer id";
        if (rc_learnamp_take_id(team, what, &ids[i], error) != RC_OK) return RC_MALFORMED;
    }
    profile->secondary_team_ids = ids;
    profile->secondary_team_count = json_array_size(list);
    return RC_OK;
}

/* The reference does not say how custom fields are shown, if at all; in another shape than that in which they are
 * written they count as not shown. */
static void take_custom_fields(rc_arena_t *arena, const json_t *object, rc_learnamp_profile_t *profile)
{
    const json_t *list = json_object_get(object, "customFields"), *field;
    size_t i;
    if (!json_is_array(list)) return;
    rc_custom_t *custom = rc_arena_alloc(arena, (json_array_size(list) + 1) * sizeof *custom);
    json_array_foreach(list, i, field)
    {
        const json_t *value = json_object_get(field, "value");
        const char *name = rc_json_str(field, "name");
        if (name == NULL || (value != NULL && !json_is_null(value) && !json_is_string(value))) return;
        custom[i] = (rc_custom_t){rc_arena_strdup(arena, name), rc_arena_strdup(arena, json_string_value(value))};
    }
    profile->custom_known = true;
    profile->custom = custom;
    profile->custom_count = json_array_size(list);
}

static rc_code_t take_expanded(rc_arena_t *arena, const json_t *object, rc_learnamp_profile_t *profile,
                               rc_error_t *error)
{
    const json_t *manager = json_object_get(object, "manager");
    rc_code_t code = take_name(arena, object, "location", &profile->location, error);
    if (code == RC_OK) code = rc_learnamp_take_text(arena, manager, "email", &profile->manager_email, error);
    if (code == RC_OK)
        code = rc_learnamp_take_text(arena, json_object_get(object, "primaryTeam"), "name", &profile->primary_team_name,
                                     error);
    return code == RC_OK ? take_secondary_teams(arena, object, profile, error) : code;
}

static rc_code_t parse_profile(rc_arena_t *arena, const json_t *object, rc_learnamp_profile_t *profile,
                               rc_error_t *error)
{
    const struct {
        const char *key;
        const char **text;
    } texts[] = {{"firstName", &profile->first_name},
                 {"lastName", &profile->last_name},
                 {"jobTitle", &profile->job_title},
                 {"language", &profile->language},
                 {"hireDate", &profile->hire_date}};
    rc_code_t code = rc_learnamp_parse_user(arena, object, &profile->user, error);
    for (size_t i = 0; code == RC_OK && i < sizeof texts / sizeof *texts; i++)
        code = rc_learnamp_take_text(arena, object, texts[i].key, texts[i].text, error);
    profile->expanded = json_object_get(object, "primaryTeam") != NULL && json_object_get(object, "manager") != NULL;
    if (code == RC_OK && profile->expanded) code = take_expanded(arena, object, profile, error);
    if (code == RC_OK) take_custom_fields(arena, object, profile);
    return code;
}

rc_code_t rc_learnamp_parse_users(rc_arena_t *arena, const json_t *json, rc_learnamp_page_t *page, rc_error_t *error)
{
    const json_t *list = NULL, *object;
    size_t i;
    if (rc_learnamp_list_of(json, "users", &list, error) != RC_OK) return RC_MALFORMED;
    rc_learnamp_profile_t *users = rc_arena_alloc(arena, (json_array_size(list) + 1) * sizeof *users);
    json_array_foreach(list, i, object)
    {
        if (parse_profile(arena, object, &users[i], error) != RC_OK) return RC_MALFORMED;
    }
    *page = (rc_learnamp_page_t){.users = users, .user_count = json_array_size(list), .total = -1, .pages = -1};
    return RC_OK;
}

rc_code_t rc_learnamp_parse_teams(rc_arena_t *arena, const json_t *json, rc_learnamp_page_t *page, rc_error_t *error)
{
    const json_t *list = NULL, *object;
    size_t i;
    if (rc_learnamp_list_of(json, "teams", &list, error) != RC_OK) return RC_MALFORMED;
    rc_learnamp_team_t *teams = rc_arena_alloc(arena, (json_array_size(list) + 1) * sizeof *teams);
    json_array_foreach(list, i, object)
    {
        if (rc_learnamp_parse_team(arena, object, &teams[i], error) != RC_OK) return RC_MALFORMED;
    }
    *page = (rc_learnamp_page_t){.teams = teams, .team_count = json_array_size(list), .total = -1, .pages = -1};
    return RC_OK;
}
