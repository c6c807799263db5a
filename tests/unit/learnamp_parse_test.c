/* consumer/learnamp/learnamp_parse: only what the API promises is understood; a record itself is the only evidence. */
#include "tests/support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "consumer/learnamp/learnamp_parse.h"

#define STATUS "\"status\":{\"status\":\"Confirmed\",\"time\":\"2026-01-01T00:00:00Z\"}"
#define USER   "{\"id\":17,\"email\":\"Ann@Acme.example\",\"integrationExternalId\":\"e5\"," STATUS "}"

static rc_arena_t *arena;
static rc_learnamp_parsed_t parsed;
static rc_error_t error;

static void setup(void)
{
    arena = rc_arena_new();
    error = RC_ERROR_INIT;
}

static void teardown(void)
{
    rc_arena_free(arena);
}

static rc_code_t parse(rc_expect_t expect, const char *wanted, const char *body)
{
    parsed = (rc_learnamp_parsed_t){.found = false};
    error = RC_ERROR_INIT;
    return rc_learnamp_parse(arena, expect, wanted, body, strlen(body), &parsed, &error);
}

START_TEST(a_user_is_read_with_what_the_rules_need)
{
    ck_assert_int_eq(parse(RC_EXPECT_USER, "e5", USER), RC_OK);
    ck_assert(parsed.found);
    ck_assert_int_eq(parsed.user.id, 17);
    ck_assert_str_eq(parsed.user.email, "Ann@Acme.example");
    ck_assert_str_eq(parsed.user.external_id, "e5");
    ck_assert(!parsed.user.deactivated);
    ck_assert(!parsed.user.team_known);
}
END_TEST

static const struct {
    const char *status;
    bool deactivated;
} states[] = {{"Deactivated", true},        {"deactivated", true},     {"Confirmed", false},
              {"Invite pending", false},    {"Not invited", false},    {"Invite scheduled", false},
              {"Something new one", false}, {"not deactivated", false}};

START_TEST(the_status_is_looked_at_without_case)
{
    char body[256];
    snprintf(body, sizeof body, "{\"id\":1,\"status\":{\"status\":\"%s\"}}", states[_i].status);
    ck_assert_int_eq(parse(RC_EXPECT_USER, NULL, body), RC_OK);
    ck_assert_int_eq(parsed.user.deactivated, states[_i].deactivated);
}
END_TEST

START_TEST(the_primary_team_is_known_when_it_is_shown)
{
    ck_assert_int_eq(parse(RC_EXPECT_USER, NULL, "{\"id\":1," STATUS ",\"primaryTeam\":{\"id\":70,\"name\":\"x\"}}"),
                     RC_OK);
    ck_assert(parsed.user.team_known);
    ck_assert_int_eq(parsed.user.primary_team_id, 70);
    ck_assert_int_eq(parse(RC_EXPECT_USER, NULL, "{\"id\":1," STATUS ",\"primaryTeam\":null}"), RC_OK);
    ck_assert(parsed.user.team_known);
    ck_assert_int_eq(parsed.user.primary_team_id, 0);
}
END_TEST

START_TEST(of_a_list_only_the_wanted_record_counts)
{
    static const char list[] = "{\"users\":[{\"id\":1,\"email\":null," STATUS
                               "},{\"id\":2,\"email\":\"bob@acme.example\"," STATUS "}," USER "]}";
    ck_assert_int_eq(parse(RC_EXPECT_USERS, "ann@acme.EXAMPLE", list), RC_OK);
    ck_assert(parsed.found);
    ck_assert_int_eq(parsed.user.id, 17);
    ck_assert_int_eq(parse(RC_EXPECT_USERS, "carl@acme.example", list), RC_OK); /* a filter that was ignored */
    ck_assert(!parsed.found);
    ck_assert_int_eq(parse(RC_EXPECT_MEMBER, "e5", list), RC_OK);
    ck_assert(parsed.found);
    ck_assert_int_eq(parse(RC_EXPECT_MEMBER, "E5", list), RC_OK);
    ck_assert(!parsed.found);
    ck_assert_int_eq(parse(RC_EXPECT_USERS, "ann@acme.example", "{\"users\":[]}"), RC_OK);
    ck_assert(!parsed.found);
}
END_TEST

START_TEST(of_teams_the_free_ones_of_exactly_that_name_count)
{
    static const char list[] = "{\"teams\":[{\"id\":1,\"name\":\"Sales North\"},{\"id\":2,\"name\":\"Sales\","
                               "\"integrationExternalId\":\"g9\"},{\"id\":3,\"name\":\"Sales\","
                               "\"integrationExternalId\":null},{\"id\":4,\"name\":\"sales\"}]}";
    ck_assert_int_eq(parse(RC_EXPECT_TEAMS, "Sales", list), RC_OK);
    ck_assert_int_eq(parsed.teams.on_page, 4);
    ck_assert_int_eq(parsed.teams.free_count, 1);
    ck_assert_int_eq(parsed.teams.first_free_id, 3);
}
END_TEST

static const struct {
    rc_expect_t expect;
    const char *wanted, *body;
} hostile[] = {
    {RC_EXPECT_USER, NULL, ""},
    {RC_EXPECT_USER, NULL, "<html>"},
    {RC_EXPECT_USER, NULL, "null"},
    {RC_EXPECT_USER, NULL, "17"},
    {RC_EXPECT_USER, NULL, "[" USER "]"},
    {RC_EXPECT_USER, NULL, "{}"},
    {RC_EXPECT_USER, NULL, "{\"id\":\"17\"," STATUS "}"},
    {RC_EXPECT_USER, NULL, "{\"id\":17.5," STATUS "}"},
    {RC_EXPECT_USER, NULL, "{\"id\":0," STATUS "}"},
    {RC_EXPECT_USER, NULL, "{\"id\":-1," STATUS "}"},
    {RC_EXPECT_USER, NULL, "{\"id\":99999999999999999999999," STATUS "}"},
    {RC_EXPECT_USER, NULL, "{\"id\":17}"},
    {RC_EXPECT_USER, NULL, "{\"id\":17,\"status\":null}"},
    {RC_EXPECT_USER, NULL, "{\"id\":17,\"status\":{\"status\":1}}"},
    {RC_EXPECT_USER, NULL, "{\"id\":17,\"email\":{}," STATUS "}"},
    {RC_EXPECT_USER, NULL, "{\"id\":17,\"integrationExternalId\":5," STATUS "}"},
    {RC_EXPECT_USER, NULL, "{\"id\":17,\"primaryTeam\":[]," STATUS "}"},
    {RC_EXPECT_USER, NULL, "{\"id\":17,\"primaryTeam\":{}," STATUS "}"},
    {RC_EXPECT_USER, NULL, "{\"id\":17,\"id\":18," STATUS "}"},
    {RC_EXPECT_USER, "e6", USER},
    {RC_EXPECT_USER, NULL, USER "x"},
    {RC_EXPECT_USERS, "a@b", "[]"},
    {RC_EXPECT_USERS, "a@b", "{\"users\":{}}"},
    {RC_EXPECT_USERS, "a@b", "{\"teams\":[]}"},
    {RC_EXPECT_USERS, "a@b", "{\"users\":[[]]}"},
    {RC_EXPECT_USERS, "a@b", "{\"users\":[{\"id\":1,\"email\":\"a@b\"}]}"},
    {RC_EXPECT_TEAM, NULL, "{\"name\":\"x\"}"},
    {RC_EXPECT_TEAM, "g1", "{\"id\":1,\"name\":\"x\",\"integrationExternalId\":\"g2\"}"},
    {RC_EXPECT_TEAM, NULL, "{\"id\":1,\"name\":7}"},
    {RC_EXPECT_TEAMS, "x", "{\"teams\":[1]}"},
    {RC_EXPECT_TEAMS, "x", "{}"},
};

START_TEST(what_the_api_does_not_promise_is_an_error_and_changes_nothing)
{
    ck_assert_msg(parse(hostile[_i].expect, hostile[_i].wanted, hostile[_i].body) == RC_MALFORMED, "row %d", _i);
    ck_assert(!parsed.found);
    ck_assert(error.message[0] != '\0');
}
END_TEST

START_TEST(a_million_brackets_are_an_error)
{
    rc_buf_t body = RC_BUF_INIT(2000000);
    for (int i = 0; i < 1000000; i++) rc_buf_add_str(&body, "[");
    ck_assert_int_eq(rc_learnamp_parse(arena, RC_EXPECT_USER, NULL, body.data, body.size_bytes, &parsed, &error),
                     RC_MALFORMED);
    rc_buf_fini(&body);
}
END_TEST

START_TEST(where_nothing_is_expected_a_page_is_no_success)
{
    ck_assert_int_eq(parse(RC_EXPECT_NOTHING, NULL, ""), RC_OK);
    ck_assert_int_eq(parse(RC_EXPECT_NOTHING, NULL, "{\"id\":1}"), RC_OK);
    ck_assert_int_eq(parse(RC_EXPECT_NOTHING, NULL, "<html>"), RC_MALFORMED);
}
END_TEST

static const struct {
    const char *body, *message;
    bool promised;
} failures[] = {
    {"{\"error\":\"Not found\"}", "Not found", true},
    {"{\"error\":\"email is missing, email is empty\",\"fullErrors\":{\"email\":[\"is missing\",\"is empty\"]}}",
     "email is missing, email is empty", true},
    {"{\"error\":\"Validation failed\",\"fullErrors\":{\"email\":[\"is missing\"],\"role\":\"is wrong\"}}",
     "Validation failed, email is missing, role is wrong", true},
    {"{\"fullErrors\":{\"email\":[\"is missing\"]}}", "email is missing", true},
    {"{\"error\":\"invalid_scope\",\"error_description\":\"The scope is unknown\"}",
     "invalid_scope: The scope is unknown", true},
    {"{\"error\":{\"a\":1},\"fullErrors\":[1]}", "", true},
    {"{}", "", true},
    {"[]", "[]", false},
    {"", "", false},
    {"<h1>502\r\nBad\tGateway</h1>", "<h1>502  Bad Gateway</h1>", false},
    {"caf\xe9", "caf?", false},
    {"{\"error\":\"schon vergeben: \xc3\xbc\\n\\u0007\"}", "schon vergeben: \xc3\xbc  ", true},
};

START_TEST(the_services_words_are_kept_readable)
{
    char message[RC_LEARNAMP_MESSAGE_SIZE];
    bool promised = rc_learnamp_message(failures[_i].body, strlen(failures[_i].body), message);
    ck_assert_str_eq(message, failures[_i].message);
    ck_assert_int_eq(promised, failures[_i].promised);
}
END_TEST

START_TEST(long_words_are_cut_at_a_characters_boundary)
{
    char body[4096] = "{\"error\":\"";
    char message[RC_LEARNAMP_MESSAGE_SIZE];
    while (strlen(body) < 4000) strcat(body, "\xc3\xbc");
    strcat(body, "\"}");
    ck_assert(rc_learnamp_message(body, strlen(body), message));
    ck_assert_uint_eq(strlen(message), 1024);
    ck_assert_uint_eq((unsigned char)message[1023], 0xbc);
    char letters[4096] = "{\"error\":\"x";
    while (strlen(letters) < 4000) strcat(letters, "\xc3\xbc");
    strcat(letters, "\"}");
    ck_assert(rc_learnamp_message(letters, strlen(letters), message));
    ck_assert_uint_eq(strlen(message), 1023);
}
END_TEST

static const struct {
    const char *body;
    const char *token; /* NULL: refused */
    int64_t life_s;
} tokens[] = {
    {"{\"access_token\":\"abc.DEF-123\",\"token_type\":\"Bearer\",\"expires_in\":7200}", "abc.DEF-123", 7200},
    {"{\"access_token\":\"abc\"}", "abc", 600},
    {"{\"access_token\":\"abc\",\"expires_in\":null}", "abc", 600},
    {"{\"access_token\":\"abc\",\"expires_in\":999999999999}", "abc", 30 * 24 * 3600},
    {"{\"access_token\":\"abc\",\"expires_in\":0}", NULL, 0},
    {"{\"access_token\":\"abc\",\"expires_in\":\"7200\"}", NULL, 0},
    {"{\"access_token\":\"\",\"expires_in\":7200}", NULL, 0},
    {"{\"access_token\":\"a\\r\\nX-Evil: 1\",\"expires_in\":7200}", NULL, 0},
    {"{\"access_token\":\"a b\",\"expires_in\":7200}", NULL, 0},
    {"{\"access_token\":\"\xc3\xbc\",\"expires_in\":7200}", NULL, 0},
    {"{\"access_token\":17}", NULL, 0},
    {"[\"abc\"]", NULL, 0},
    {"<html>", NULL, 0},
};

START_TEST(a_token_is_taken_only_if_it_can_be_a_header)
{
    char *token = NULL;
    int64_t life_s = 0;
    rc_code_t code = rc_learnamp_parse_token(tokens[_i].body, strlen(tokens[_i].body), &token, &life_s, &error);
    ck_assert_int_eq(code == RC_OK, tokens[_i].token != NULL);
    if (tokens[_i].token != NULL) ck_assert_str_eq(token, tokens[_i].token);
    if (tokens[_i].token != NULL) ck_assert_int_eq(life_s, tokens[_i].life_s);
    free(token);
}
END_TEST

#define COUNT_OF(array) (int)(sizeof array / sizeof *array)

int main(void)
{
    Suite *suite = suite_create("learnamp_parse");
    TCase *tcase = tcase_create("answers");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_user_is_read_with_what_the_rules_need);
    tcase_add_loop_test(tcase, the_status_is_looked_at_without_case, 0, COUNT_OF(states));
    tcase_add_test(tcase, the_primary_team_is_known_when_it_is_shown);
    tcase_add_test(tcase, of_a_list_only_the_wanted_record_counts);
    tcase_add_test(tcase, of_teams_the_free_ones_of_exactly_that_name_count);
    tcase_add_loop_test(tcase, what_the_api_does_not_promise_is_an_error_and_changes_nothing, 0, COUNT_OF(hostile));
    tcase_add_test(tcase, a_million_brackets_are_an_error);
    tcase_add_test(tcase, where_nothing_is_expected_a_page_is_no_success);
    tcase_add_loop_test(tcase, the_services_words_are_kept_readable, 0, COUNT_OF(failures));
    tcase_add_test(tcase, long_words_are_cut_at_a_characters_boundary);
    tcase_add_loop_test(tcase, a_token_is_taken_only_if_it_can_be_a_header, 0, COUNT_OF(tokens));
    suite_add_tcase(suite, tcase);
    return rc_unit_run(suite);
}
