#include "consumer/learnamp/learnamp_parse_state.h"

#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/json_pick.h"
#include "common/text.h"

enum { MAX_TOKEN_BYTES = 16 * 1024, DEFAULT_TOKEN_LIFE_S = 600, MAX_TOKEN_LIFE_S = 30 * 24 * 3600 };

rc_code_t rc_learnamp_malformed(rc_error_t *error, const char *what)
{
    return rc_error_set(error, RC_MALFORMED, RC_RETRY, "Learn Amp's answer is not what its API promises: %s", what);
}

/* A member that is a string, null or absent; "" counts as absent. */
rc_code_t rc_learnamp_take_text(rc_arena_t *arena, const json_t *object, const char *key, const char **text,
                                rc_error_t *error)
{
    const json_t *value = json_object_get(object, key);
    if (value == NULL || json_is_null(value)) {
        *text = NULL;
        return RC_OK;
    }
    if (!json_is_string(value)) {
        char what[64];
        snprintf(what, sizeof what, "%s is no text", key);
        return rc_learnamp_malformed(error, what);
    }
    *text = json_string_length(value) > 0 ? rc_arena_strdup(arena, json_string_value(value)) : NULL;
    return RC_OK;
}

rc_code_t rc_learnamp_take_id(const json_t *object, const char *what, int64_t *id, rc_error_t *error)
{
    const json_t *value = json_object_get(object, "id");
    if (!json_is_integer(value) || json_integer_value(value) <= 0) return rc_learnamp_malformed(error, what);
    *id = json_integer_value(value);
    return RC_OK;
}

/* `status` is {"status": "Confirmed", "time": …}. */
static rc_code_t take_status(const json_t *object, bool *deactivated, rc_error_t *error)
{
    const char *status = rc_json_str(json_object_get(object, "status"), "status");
    if (status == NULL) status = rc_json_str(object, "status");
    if (status == NULL) return rc_learnamp_malformed(error, "a user has no status");
    *deactivated = strcasecmp(status, "deactivated") == 0;
    return RC_OK;
}

static rc_code_t take_primary_team(const json_t *object, rc_learnamp_user_t *user, rc_error_t *error)
{
    const json_t *team = json_object_get(object, "primaryTeam");
    if (team == NULL) return RC_OK;
    if (!json_is_null(team) && !json_is_object(team)) return rc_learnamp_malformed(error, "primaryTeam is no object");
    user->team_known = true;
    return json_is_null(team)
               ? RC_OK
               : rc_learnamp_take_id(team, "primaryTeam has no positive integer id", &user->primary_team_id, error);
}

rc_code_t rc_learnamp_parse_user(rc_arena_t *arena, const json_t *object, rc_learnamp_user_t *user, rc_error_t *error)
{
    *user = (rc_learnamp_user_t){.id = 0};
    if (!json_is_object(object)) return rc_learnamp_malformed(error, "a user is no object");
    rc_code_t code = rc_learnamp_take_id(object, "a user has no positive integer id", &user->id, error);
    if (code == RC_OK) code = rc_learnamp_take_text(arena, object, "email", &user->email, error);
    if (code == RC_OK) code = rc_learnamp_take_text(arena, object, "integrationExternalId", &user->external_id, error);
    if (code == RC_OK) code = take_status(object, &user->deactivated, error);
    if (code == RC_OK) code = take_primary_team(object, user, error);
    return code;
}

/* ---- A user without detours ----
 *
 * Nearly all answers are one plain user. False leaves the judgement to the tree of the document
 * (rc_learnamp_parse_user); what is taken here, it would take likewise. */

static bool pick_text(rc_arena_t *arena, rc_json_span_t span, const char **text)
{
    rc_json_span_t inside = {NULL, 0};
    if (span.at && !rc_json_span_is_null(span) && !rc_json_span_str(span, &inside)) return false;
    *text = inside.size_bytes > 0 ? rc_arena_strndup(arena, inside.at, inside.size_bytes) : NULL;
    return true;
}

static bool pick_id(rc_json_span_t span, int64_t *id)
{
    return rc_json_span_int(span, id) && *id > 0;
}

/* One member of an object that is a member itself. */
static bool pick_inner(rc_json_span_t object, const char *name, rc_json_span_t *value)
{
    return rc_json_span_is_object(object) && rc_json_pick(object.at, object.size_bytes, &name, 1, value);
}

static bool pick_status(rc_json_span_t span, bool *deactivated)
{
    static const char word[] = "deactivated";
    rc_json_span_t status, text;
    if (!pick_inner(span, "status", &status) || !rc_json_span_str(status, &text)) return false;
    *deactivated = text.size_bytes == sizeof word - 1 && strncasecmp(text.at, word, sizeof word - 1) == 0;
    return true;
}

static bool pick_primary_team(rc_json_span_t span, rc_learnamp_user_t *user)
{
    rc_json_span_t id;
    user->team_known = span.at != NULL;
    if (!span.at || rc_json_span_is_null(span)) return true;
    return pick_inner(span, "id", &id) && pick_id(id, &user->primary_team_id);
}

static bool pick_user(rc_arena_t *arena, const char *body, size_t size_bytes, rc_learnamp_user_t *user)
{
    static const char *const names[] = {"id", "email", "integrationExternalId", "status", "primaryTeam"};
    rc_json_span_t spans[sizeof names / sizeof *names];
    *user = (rc_learnamp_user_t){.id = 0};
    return rc_json_pick(body, size_bytes, names, sizeof names / sizeof *names, spans) && pick_id(spans[0], &user->id) &&
           pick_text(arena, spans[1], &user->email) && pick_text(arena, spans[2], &user->external_id) &&
           pick_status(spans[3], &user->deactivated) && pick_primary_team(spans[4], user);
}

rc_code_t rc_learnamp_parse_team(rc_arena_t *arena, const json_t *object, rc_learnamp_team_t *team, rc_error_t *error)
{
    *team = (rc_learnamp_team_t){.id = 0};
    if (!json_is_object(object)) return rc_learnamp_malformed(error, "a team is no object");
    rc_code_t code = rc_learnamp_take_id(object, "a team has no positive integer id", &team->id, error);
    if (code == RC_OK) code = rc_learnamp_take_text(arena, object, "name", &team->name, error);
    if (code == RC_OK) code = rc_learnamp_take_text(arena, object, "integrationExternalId", &team->external_id, error);
    return code;
}

rc_code_t rc_learnamp_list_of(const json_t *json, const char *key, const json_t **list, rc_error_t *error)
{
    *list = json_object_get(json, key);
    if (json_is_array(*list)) return RC_OK;
    char what[64];
    snprintf(what, sizeof what, "there is no list of %s", key);
    return rc_learnamp_malformed(error, what);
}

/* The member of the list that bears the address or the external id; a filter that the service ignored shows here. */
static rc_code_t find_user(rc_arena_t *arena, const json_t *json, rc_expect_t expect, const char *wanted,
                           rc_learnamp_parsed_t *parsed, rc_error_t *error)
{
    const json_t *list = NULL, *object;
    size_t i;
    if (rc_learnamp_list_of(json, "users", &list, error) != RC_OK) return RC_MALFORMED;
    json_array_foreach(list, i, object)
    {
        const char *key = expect == RC_EXPECT_USERS ? "email" : "integrationExternalId";
        const char *value = rc_json_str(object, key);
        bool is_it = expect == RC_EXPECT_USERS ? rc_email_equal(value, wanted) : rc_text_equal(value, wanted);
        if (!json_is_object(object)) return rc_learnamp_malformed(error, "a user is no object");
        if (value == NULL || !is_it) continue;
        parsed->found = true;
        return rc_learnamp_parse_user(arena, object, &parsed->user, error);
    }
    return RC_OK;
}

static rc_code_t count_teams(rc_arena_t *arena, const json_t *json, const char *wanted, rc_learnamp_teams_t *teams,
                             rc_error_t *error)
{
    const json_t *list = NULL, *object;
    size_t i;
    if (rc_learnamp_list_of(json, "teams", &list, error) != RC_OK) return RC_MALFORMED;
    json_array_foreach(list, i, object)
    {
        rc_learnamp_team_t team;
        if (rc_learnamp_parse_team(arena, object, &team, error) != RC_OK) return RC_MALFORMED;
        teams->on_page++;
        if (!rc_text_equal(team.name, wanted) || team.external_id != NULL) continue;
        if (teams->free_count++ == 0) teams->first_free_id = team.id;
    }
    return RC_OK;
}

static rc_code_t check_wanted(const char *wanted, const char *external_id, rc_error_t *error)
{
    if (wanted == NULL || rc_text_equal(wanted, external_id)) return RC_OK;
    return rc_learnamp_malformed(error, "it shows another external id than the one asked for");
}

rc_code_t rc_learnamp_parse(rc_arena_t *arena, rc_expect_t expect, const char *wanted, const char *body,
                            size_t size_bytes, rc_learnamp_parsed_t *parsed, rc_error_t *error)
{
    rc_learnamp_parsed_t result = {.found = false};
    json_t *json = NULL;
    rc_code_t code = RC_OK;
    if (expect == RC_EXPECT_NOTHING && size_bytes == 0) goto cleanup;
    if (expect == RC_EXPECT_USER && pick_user(arena, body, size_bytes, &result.user)) {
        code = check_wanted(wanted, result.user.external_id, error);
        result.found = true;
        goto cleanup;
    }
    code = rc_json_parse(body, size_bytes, &json, error);
    if (code != RC_OK) goto cleanup;
    if (!json_is_object(json)) {
        code = rc_learnamp_malformed(error, "it is no object");
        goto cleanup;
    }
    switch (expect) {
    case RC_EXPECT_USER:
        code = rc_learnamp_parse_user(arena, json, &result.user, error);
        if (code == RC_OK) code = check_wanted(wanted, result.user.external_id, error);
        result.found = true;
        break;
    case RC_EXPECT_USERS:
    case RC_EXPECT_MEMBER:
        code = find_user(arena, json, expect, wanted, &result, error);
        break;
    case RC_EXPECT_TEAM:
        code = rc_learnamp_parse_team(arena, json, &result.team, error);
        if (code == RC_OK) code = check_wanted(wanted, result.team.external_id, error);
        result.found = true;
        break;
    case RC_EXPECT_TEAMS:
        code = count_teams(arena, json, wanted, &result.teams, error);
        break;
    case RC_EXPECT_USER_PAGE:
        code = rc_learnamp_parse_users(arena, json, &result.page, error);
        break;
    case RC_EXPECT_TEAM_PAGE:
        code = rc_learnamp_parse_teams(arena, json, &result.page, error);
        break;
    case RC_EXPECT_NOTHING:
        break;
    }
cleanup:
    json_decref(json);
    if (code == RC_OK) *parsed = result;
    return code;
}

/* ---- Failures ---- */

/* Words for headers and logs: printable, in UTF-8, on one line, cut at a character's boundary. */
static void add_words(rc_buf_t *words, const char *text, size_t length)
{
    bool is_utf8 = rc_utf8_valid(text, length);
    size_t room = words->cap_bytes - words->size_bytes;
    if (length > room) length = is_utf8 ? rc_utf8_cut(text, length, room) : room;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        char clean = text[i];
        if (byte < 0x20 || byte == 0x7f) clean = ' ';
        if (byte >= 0x80 && !is_utf8) clean = '?';
        rc_buf_add(words, &clean, 1);
    }
}

static void add_word(rc_buf_t *words, const char *text)
{
    add_words(words, text, strlen(text));
}

/* What `error` does not say already. */
static void add_detail(rc_buf_t *words, const char *field, const json_t *problem)
{
    char detail[256];
    const char *text = json_string_value(problem);
    if (text == NULL) return;
    snprintf(detail, sizeof detail, "%.100s %.150s", field, text);
    if (words->size_bytes > 0 && strstr(words->data, detail) != NULL) return;
    if (words->size_bytes > 0) add_word(words, ", ");
    add_word(words, detail);
}

static void add_details(rc_buf_t *words, json_t *details)
{
    const char *field;
    json_t *problems;
    json_object_foreach(details, field, problems)
    {
        if (!json_is_array(problems)) {
            add_detail(words, field, problems);
            continue;
        }
        for (size_t i = 0; i < json_array_size(problems); i++) add_detail(words, field, json_array_get(problems, i));
    }
}

bool rc_learnamp_message(const char *body, size_t size_bytes, char message[RC_LEARNAMP_MESSAGE_SIZE])
{
    rc_buf_t words = RC_BUF_INIT(RC_LEARNAMP_MESSAGE_SIZE - 1);
    json_t *json = NULL;
    bool is_object = rc_json_parse(body, size_bytes, &json, NULL) == RC_OK && json_is_object(json);
    if (is_object) {
        const char *said = rc_json_str(json, "error");
        if (said == NULL) said = rc_json_str(json, "error_description"); /* of /oauth/token, RFC 6749 */
        if (said != NULL) add_word(&words, said);
        const char *description = rc_json_str(json, "error_description");
        if (said != NULL && description != NULL && said != description) {
            add_word(&words, ": ");
            add_word(&words, description);
        }
        add_details(&words, json_object_get(json, "fullErrors"));
    } else {
        add_words(&words, body, size_bytes);
    }
    memcpy(message, words.size_bytes > 0 ? words.data : "", words.size_bytes);
    message[words.size_bytes] = '\0';
    rc_buf_fini(&words);
    json_decref(json);
    return is_object;
}

/* ---- Tokens ---- */

/* It becomes a header's value: nothing else may slip in with it. */
static bool is_token(const char *text, size_t length)
{
    if (length == 0 || length > MAX_TOKEN_BYTES) return false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] <= 0x20 || text[i] >= 0x7f) return false;
    }
    return true;
}

rc_code_t rc_learnamp_parse_token(const char *body, size_t size_bytes, char **token, int64_t *expires_in_s,
                                  rc_error_t *error)
{
    json_t *json = NULL;
    rc_code_t code = rc_json_parse(body, size_bytes, &json, error);
    if (code != RC_OK) return code;
    const json_t *value = json_object_get(json, "access_token");
    const json_t *life = json_object_get(json, "expires_in");
    if (!json_is_string(value) || !is_token(json_string_value(value), json_string_length(value))) {
        code = rc_learnamp_malformed(error, "access_token is no token");
    } else if (life != NULL && !json_is_null(life) && (!json_is_integer(life) || json_integer_value(life) <= 0)) {
        code = rc_learnamp_malformed(error, "expires_in is no number of seconds");
    } else {
        int64_t seconds = json_is_integer(life) ? json_integer_value(life) : DEFAULT_TOKEN_LIFE_S;
        *token = rc_strdup(json_string_value(value));
        *expires_in_s = seconds < MAX_TOKEN_LIFE_S ? seconds : MAX_TOKEN_LIFE_S;
    }
    json_decref(json);
    return code;
}
