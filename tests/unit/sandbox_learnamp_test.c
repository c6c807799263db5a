/* tests/sandbox: the rules of Learn Amp that the stand-in keeps, asked over HTTP. */
#include "tests/support/unit.h"
#include "tests/unit/sandbox_client.h"

static char authorization[128];

static json_t *learnamp(const char *method, const char *path, const char *body);

static void take_token(const char *scope)
{
    char *body = rc_sprintf(
        "{\"grant_type\":\"client_credentials\",\"client_id\":\"%s\",\"client_secret\":\"%s\",\"scope\":\"%s\"}",
        company->client_id, company->client_secret, scope);
    json_t *answer = learnamp("POST", "/oauth/token", body);
    const char *token = rc_json_str(answer, "access_token");
    (void)snprintf(authorization, sizeof authorization, "Bearer %s", token ? token : "none");
    json_decref(answer);
    free(body);
}

static void start(void)
{
    sandbox_start(10, false);
    take_token(SB_ALL_SCOPES);
    ck_assert_int_eq(status, 200);
}

/* Asks; ' stands for " in the body. */
static json_t *learnamp(const char *method, const char *path, const char *body)
{
    char *full = rc_sprintf("/learnamp/%s%s", company->slug, path), *text = body ? rc_strdup(body) : NULL;
    for (char *at = text; at && *at; at++)
        if (*at == '\'') *at = '"';
    json_t *answer = ask(method, full, authorization, text, "Total");
    free(full);
    free(text);
    return answer;
}

static void expect(const char *method, const char *path, const char *body, int wanted_status, const char *wanted_error)
{
    json_t *answer = learnamp(method, path, body);
    const char *error = rc_json_str(answer, "error");
    ck_assert_msg(status == wanted_status, "%s %s %s: wanted %d, got %d %s", method, path, body ? body : "",
                  wanted_status, status, error ? error : "");
    if (wanted_error) ck_assert_str_eq(error, wanted_error);
    json_decref(answer);
}

static json_t *user_inside(const char *external_id)
{
    char *path = rc_sprintf("users?employee=%s", external_id);
    json_t *answer = control("GET", path, NULL);
    json_t *user = json_incref(json_array_get(json_object_get(answer, "users"), 0));
    json_decref(answer);
    free(path);
    return user;
}

#define ANNA                                                                                               \
    "{'email': 'Anna@acme.example', 'firstName': 'Anna', 'lastName': 'A', 'integrationExternalId': 'E1', " \
    "'skipInvitation': true}"
#define BERTA "{'email': 'berta@acme.example', 'firstName': 'Berta', 'lastName': 'B', 'integrationExternalId': 'E2'}"

/* ---- tokens ---- */

START_TEST(a_token_needs_scopes_and_the_right_secret)
{
    take_token("");
    ck_assert_int_eq(status, 400);
    take_token("users:read everything");
    ck_assert_int_eq(status, 400);
    take_token("users:read");
    ck_assert_int_eq(status, 200);
    expect("GET", "/v1/users", NULL, 200, NULL);
    expect("POST", "/v1/users", ANNA, 403, "Access to this resource requires another scope");
    control_quietly("PATCH", "", "{'learnamp': {'allowed_scopes': 'users:read'}}");
    take_token("users:create");
    ck_assert_int_eq(status, 400);
    expect("POST", "/oauth/token",
           "{'grant_type': 'client_credentials', 'client_id': 'x', 'client_secret': 'y', 'scope': 'users:read'}", 401,
           "invalid_client");
    expect("POST", "/oauth/token", "{'grant_type': 'password'}", 400, "unsupported_grant_type");
}
END_TEST

START_TEST(expired_and_revoked_tokens_are_401)
{
    expect("GET", "/v1/users", NULL, 200, NULL);
    control_quietly("PUT", "/clock", "{'advance_ms': 7200000}");
    expect("GET", "/v1/users", NULL, 401, "The access token expired");
    take_token(SB_ALL_SCOPES);
    expect("GET", "/v1/users", NULL, 200, NULL);
    control_quietly("DELETE", "tokens", NULL);
    expect("GET", "/v1/users", NULL, 401, "The access token is invalid");
}
END_TEST

/* ---- users ---- */

START_TEST(missing_and_empty_parameters_are_named)
{
    expect("POST", "/v1/users", "{}", 400,
           "email is missing, email is empty, firstName is missing, firstName is empty, lastName is missing, lastName "
           "is empty");
    expect("POST", "/v1/users", "{'email': 'a@b.example', 'firstName': '', 'lastName': 'B'}", 400,
           "firstName is empty");
    json_t *answer = learnamp("POST", "/v1/users", "{'firstName': 'A', 'lastName': 'B'}");
    const json_t *errors = json_object_get(json_object_get(answer, "fullErrors"), "email");
    ck_assert_str_eq(json_string_value(json_array_get(errors, 0)), "is missing");
    json_decref(answer);
}
END_TEST

START_TEST(addresses_are_unique_without_regard_to_case)
{
    expect("POST", "/v1/users", ANNA, 201, NULL);
    expect("POST", "/v1/users", "{'email': 'ANNA@ACME.example', 'firstName': 'X', 'lastName': 'Y'}", 400,
           "Validation failed: Email has already been taken");
    expect("POST", "/v1/users", BERTA, 201, NULL);
    expect("PUT", "/v1/users/by_integration_external_id/E2", "{'email': 'anna@acme.example'}", 400,
           "Validation failed: Email has already been taken");
    expect("PUT", "/v1/users/by_integration_external_id/E1", "{'email': 'anna@ACME.example'}", 200, NULL);
    /* Two who swap need a third address in between. */
    expect("PUT", "/v1/users/by_integration_external_id/E1", "{'email': 'swap@acme.example'}", 200, NULL);
    expect("PUT", "/v1/users/by_integration_external_id/E2", "{'email': 'anna@acme.example'}", 200, NULL);
    expect("PUT", "/v1/users/by_integration_external_id/E1", "{'email': 'berta@acme.example'}", 200, NULL);
}
END_TEST

START_TEST(external_ids_are_unique_and_can_be_cleared)
{
    expect("POST", "/v1/users", ANNA, 201, NULL);
    expect("POST", "/v1/users",
           "{'email': 'c@acme.example', 'firstName': 'C', 'lastName': 'C', 'integrationExternalId': 'E1'}", 400,
           "Validation failed: Integration external id has already been taken");
    expect("PUT", "/v1/users/1001", "{'integrationExternalId': ''}", 200, NULL);
    expect("GET", "/v1/users/by_integration_external_id/E1", NULL, 404, "Not found");
    expect("POST", "/v1/users",
           "{'email': 'c@acme.example', 'firstName': 'C', 'lastName': 'C', 'integrationExternalId': 'E1'}", 201, NULL);
}
END_TEST

START_TEST(an_external_id_is_decoded_from_the_path)
{
    expect("POST", "/v1/users",
           "{'email': 'c@acme.example', 'firstName': 'C', 'lastName': 'C', 'integrationExternalId': 'a/b c:\xC3\xBC'}",
           201, NULL);
    expect("GET", "/v1/users/by_integration_external_id/a%2Fb%20c%3A%C3%BC", NULL, 200, NULL);
    expect("GET", "/v1/users/by_integration_external_id/a/b%20c%3A%C3%BC", NULL, 404, "Not found");
}
END_TEST

START_TEST(what_is_left_out_stays_and_what_is_empty_is_cleared)
{
    expect("POST", "/v1/users",
           "{'email': 'd@acme.example', 'firstName': 'D', 'lastName': 'D', 'integrationExternalId': 'E4', 'jobTitle': "
           "'Cook', "
           "'location': 'Berlin', 'hireDate': '2026-01-31', 'unknown': 1, 'avatar': 'x', 'leaveDate': '2026-01-01'}",
           201, NULL);
    expect("PUT", "/v1/users/by_integration_external_id/E4", "{'lastName': 'E'}", 200, NULL);
    json_t *user = user_inside("E4");
    ck_assert_str_eq(rc_json_str(user, "jobTitle"), "Cook");
    ck_assert_str_eq(rc_json_str(user, "lastName"), "E");
    ck_assert_ptr_null(rc_json_str(user, "avatar"));
    json_decref(user);
    expect("PUT", "/v1/users/by_integration_external_id/E4", "{'jobTitle': '', 'hireDate': '', 'location': null}", 200,
           NULL);
    user = user_inside("E4");
    ck_assert_ptr_null(rc_json_str(user, "jobTitle"));
    ck_assert_ptr_null(rc_json_str(user, "hireDate"));
    ck_assert_ptr_null(rc_json_str(user, "location"));
    json_decref(user);
    expect("PUT", "/v1/users/by_integration_external_id/E4", "{'hireDate': '31.1.2026'}", 400, "hireDate is invalid");
    expect("PUT", "/v1/users/by_integration_external_id/E4", "{'role': 'boss'}", 400,
           "role does not have a valid value");
}
END_TEST

START_TEST(a_manager_must_be_active)
{
    expect("POST", "/v1/users", ANNA, 201, NULL);
    expect("POST", "/v1/users",
           "{'email': 'b@acme.example', 'firstName': 'B', 'lastName': 'B', 'managerEmail': 'nobody@acme.example'}", 400,
           "managerEmail must match an existing user email within your company");
    expect("POST", "/v1/users",
           "{'email': 'b@acme.example', 'firstName': 'B', 'lastName': 'B', 'managerEmail': 'ANNA@acme.example'}", 201,
           NULL);
    expect("PUT", "/v1/users/1001/deactivate", NULL, 204, NULL);
    expect("PUT", "/v1/users/1002", "{'managerEmail': 'anna@acme.example'}", 400,
           "managerEmail must match an existing user email within your company");
    expect(
        "PUT", "/v1/users/1002", "{'managerId': 1001, 'managerEmail': ''}", 400,
        "managerId, managerEmail are mutually exclusive, managerId must match an existing user id within your company");
    expect("PUT", "/v1/users/1002", "{'managerEmail': ''}", 200, NULL);
}
END_TEST

START_TEST(custom_fields_are_set_by_name_and_unknown_ones_are_404)
{
    expect("POST", "/v1/users", ANNA, 201, NULL);
    expect("PUT", "/v1/users/1001", "{'customFields': [{'name': 'Cost centre', 'value': '42'}]}", 200, NULL);
    expect("PUT", "/v1/users/1001", "{'jobTitle': 'X', 'customFields': [{'name': 'Shoe size', 'value': '42'}]}", 404,
           "Not found");
    json_t *user = user_inside("E1");
    ck_assert_str_eq(rc_json_str(json_object_get(user, "customFields"), "Cost centre"), "42");
    ck_assert_ptr_null(rc_json_str(user, "jobTitle"));
    json_decref(user);
    control_quietly("PATCH", "", "{'learnamp': {'custom_fields': ['Shoe size']}}");
    expect("PUT", "/v1/users/1001", "{'customFields': [{'name': 'Shoe size', 'value': '42'}]}", 200, NULL);
}
END_TEST

START_TEST(forms_mean_the_same_as_json)
{
    static const char form[] =
        "email=f%40acme.example&firstName=F&lastName=G+H&integrationExternalId=E9&skipInvitation=true"
        "&secondaryTeamIntegrationExternalIds[]=T1&secondaryTeamIntegrationExternalIds[]=T2"
        "&customFields[][name]=Cost+centre&customFields[][value]=7"
        "&customFields[][name]=Leave+date&customFields[][value]=2026-01-01";
    expect("POST", "/v1/teams", "{'name': 'One', 'integrationExternalId': 'T1'}", 201, NULL);
    expect("POST", "/v1/teams", "{'name': 'Two', 'integrationExternalId': 'T2'}", 201, NULL);
    char *path = rc_sprintf("/learnamp/%s/v1/users", company->slug);
    free(ask_text("POST", path, authorization, "application/x-www-form-urlencoded", form, NULL));
    ck_assert_int_eq(status, 201);
    free(ask_text("POST", path, authorization, "text/plain", form, NULL));
    ck_assert_int_eq(status, 400);
    free(path);
    json_t *user = user_inside("E9");
    ck_assert_str_eq(rc_json_str(user, "lastName"), "G H");
    ck_assert_str_eq(rc_json_str(user, "statusValue"), "not_invited");
    ck_assert_uint_eq(json_array_size(json_object_get(user, "secondaryTeams")), 2);
    ck_assert_str_eq(rc_json_str(json_object_get(user, "customFields"), "Leave date"), "2026-01-01");
    json_decref(user);
}
END_TEST

START_TEST(an_invitation_goes_out_unless_it_is_skipped)
{
    expect("POST", "/v1/users", ANNA, 201, NULL);
    expect("POST", "/v1/users", BERTA, 201, NULL);
    json_t *anna = user_inside("E1"), *berta = user_inside("E2");
    ck_assert_str_eq(rc_json_str(anna, "statusValue"), "not_invited");
    ck_assert_str_eq(rc_json_str(berta, "statusValue"), "invite_pending");
    ck_assert_int_eq(rc_json_int(berta, "invitations", 0), 1);
    json_decref(anna);
    json_decref(berta);
}
END_TEST

/* ---- deactivation ---- */

START_TEST(deactivation_removes_teams_and_destroys_tasks_for_good)
{
    expect("POST", "/v1/teams", "{'name': 'One', 'integrationExternalId': 'T1'}", 201, NULL);
    expect("POST", "/v1/users",
           "{'email': 'a@acme.example', 'firstName': 'A', 'lastName': 'A', 'integrationExternalId': 'E1', "
           "'primaryTeamIntegrationExternalId': 'T1'}",
           201, NULL);
    expect("PUT", "/v1/users/E1/deactivate", NULL, 404, "Not found");
    expect("PUT", "/v1/users/1001/deactivate", NULL, 204, NULL);
    expect("PUT", "/v1/users/1001/deactivate", NULL, 204, NULL);
    json_t *user = user_inside("E1");
    ck_assert_str_eq(rc_json_str(user, "statusValue"), "deactivated");
    ck_assert(json_is_null(json_object_get(user, "primaryTeam")));
    ck_assert_int_eq(rc_json_int(user, "tasks", -1), 0);
    ck_assert_int_eq(rc_json_int(user, "tasksDestroyed", -1), SB_TASKS_OF_A_USER);
    ck_assert_int_eq(rc_json_int(user, "deactivations", -1), 1);
    json_decref(user);

    expect("PUT", "/v1/users/1001", "{'jobTitle': 'Still', 'primaryTeamIntegrationExternalId': 'T1'}", 200, NULL);
    expect("PUT", "/v1/users/1001/reactivate", NULL, 204, NULL);
    user = user_inside("E1");
    ck_assert(json_is_null(json_object_get(user, "primaryTeam")));
    ck_assert_int_eq(rc_json_int(user, "tasks", -1), 0);
    json_decref(user);
    expect("PUT", "/v1/users/1001/deactivate", NULL, 204, NULL);
    expect("PUT", "/v1/users/1001", "{'reactivate': true, 'primaryTeamIntegrationExternalId': 'T1'}", 200, NULL);
    user = user_inside("E1");
    ck_assert_str_eq(rc_json_str(json_object_get(user, "primaryTeam"), "integrationExternalId"), "T1");
    ck_assert_str_eq(rc_json_str(user, "statusValue"), "invite_pending");
    json_decref(user);
}
END_TEST

/* ---- teams ---- */

START_TEST(teams_have_unique_external_ids_and_can_be_renamed)
{
    expect("POST", "/v1/teams", "{'integrationExternalId': 'T1'}", 400, "name is missing, name is empty");
    expect("POST", "/v1/teams", "{'name': 'One', 'integrationExternalId': 'T1'}", 201, NULL);
    expect("POST", "/v1/teams", "{'name': 'Other', 'integrationExternalId': 'T1'}", 400,
           "Validation failed: Integration external id has already been taken");
    expect("POST", "/v1/teams", "{'name': 'One'}", 201, NULL);
    expect("PUT", "/v1/teams/by_external_id/T1", "{'name': 'Uno'}", 200, NULL);
    expect("GET", "/v1/teams/by_external_id/T2", NULL, 404, "Not found");
    expect("PUT", "/v1/teams/502", "{'integrationExternalId': 'T2'}", 200, NULL);
    json_t *team = learnamp("GET", "/v1/teams/by_external_id/T2", NULL);
    ck_assert_int_eq(rc_json_int(team, "id", 0), 502);
    json_decref(team);
    json_decref(learnamp("GET", "/v1/teams?filters[name]=UNO", NULL));
    ck_assert_str_eq(header_value, "1");
}
END_TEST

START_TEST(teams_of_a_user_must_exist)
{
    expect("POST", "/v1/users",
           "{'email': 'a@acme.example', 'firstName': 'A', 'lastName': 'A', 'primaryTeamIntegrationExternalId': 'T1'}",
           400, "primaryTeamIntegrationExternalId must match existing teams integration external IDs");
    expect("POST", "/v1/teams", "{'name': 'One', 'integrationExternalId': 'T1'}", 201, NULL);
    expect("POST", "/v1/users",
           "{'email': 'a@acme.example', 'firstName': 'A', 'lastName': 'A', 'primaryTeamIntegrationExternalId': 'T1', "
           "'primaryTeamId': 501}",
           400, "primaryTeamId, primaryTeamIntegrationExternalId are mutually exclusive");
    expect("POST", "/v1/users",
           "{'email': 'a@acme.example', 'firstName': 'A', 'lastName': 'A', 'primaryTeamIntegrationExternalId': 'T1'}",
           201, NULL);
}
END_TEST

START_TEST(members_are_added_and_removed)
{
    expect("POST", "/v1/teams", "{'name': 'One', 'integrationExternalId': 'T1'}", 201, NULL);
    expect("POST", "/v1/teams", "{'name': 'Two', 'integrationExternalId': 'T2'}", 201, NULL);
    expect("POST", "/v1/users", ANNA, 201, NULL);
    expect("POST", "/v1/teams/by_external_id/T1/users", "{'userId': 1001, 'isPrimary': true}", 201, NULL);
    expect("POST", "/v1/teams/by_external_id/T2/users", "{'userId': 1001}", 201, NULL);
    expect("POST", "/v1/teams/by_external_id/T3/users", "{'userId': 1001}", 404, "Not found");
    expect("POST", "/v1/teams/by_external_id/T1/users", "{'userId': 9}", 400,
           "userId must match an existing user id within your company");
    json_t *user = user_inside("E1");
    ck_assert_int_eq(rc_json_int(json_object_get(user, "primaryTeam"), "id", 0), 501);
    ck_assert_uint_eq(json_array_size(json_object_get(user, "secondaryTeams")), 1);
    json_decref(user);
    expect("DELETE", "/v1/teams/501/users/1001", NULL, 204, NULL);
    expect("DELETE", "/v1/teams/501/users/1001", NULL, 404, "Not found");
    json_t *team = learnamp("GET", "/v1/teams/501", NULL);
    ck_assert_int_eq(rc_json_int(team, "teamUsersCount", -1), 0);
    json_decref(team);
}
END_TEST

/* ---- lists ---- */

START_TEST(lists_are_paged_and_filtered)
{
    char body[160];
    for (int i = 0; i < 60; i++) {
        (void)snprintf(
            body, sizeof body,
            "{'email': 'p%d@acme.example', 'firstName': 'P', 'lastName': 'P', 'integrationExternalId': 'P%d'}", i, i);
        expect("POST", "/v1/users", body, 201, NULL);
    }
    json_t *answer = learnamp("GET", "/v1/users?page=3&perPage=25", NULL);
    ck_assert_str_eq(header_value, "60");
    ck_assert_uint_eq(json_array_size(json_object_get(answer, "users")), 10);
    json_decref(answer);
    answer = learnamp("GET", "/v1/users?filters%5Bemail%5D=P7%40acme.EXAMPLE&expanded=true", NULL);
    const json_t *user = json_array_get(json_object_get(answer, "users"), 0);
    ck_assert_str_eq(rc_json_str(user, "integrationExternalId"), "P7");
    ck_assert_ptr_nonnull(json_object_get(user, "primaryTeam"));
    json_decref(answer);
    expect("PUT", "/v1/users/1001/deactivate", NULL, 204, NULL);
    static const struct {
        const char *filter, *total;
    } filters[] = {{"filters[status][]=deactivated", "1"},
                   {"filters[status][]=deactivated&filters[status][]=invite_pending", "60"},
                   {"filters[integration_external_id]=P9", "1"},
                   {"filters[email]=nobody@acme.example", "0"},
                   {"filters[updated_at][from]=2100-01-01", "0"},
                   {"filters[whatever]=x", "60"}};
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        (void)snprintf(body, sizeof body, "/v1/users?%s", filters[i].filter);
        json_decref(learnamp("GET", body, NULL));
        ck_assert_msg(!strcmp(header_value, filters[i].total), "%s: %s", filters[i].filter, header_value);
    }
}
END_TEST

START_TEST(the_book_tells_who_what_and_with_which_effect)
{
    expect("POST", "/v1/users", ANNA, 201, NULL);
    expect("POST", "/v1/users", ANNA, 400, NULL);
    expect("PUT", "/v1/users/1001/deactivate", NULL, 204, NULL);
    json_t *answer = control("GET", "requests?employee=E1", NULL);
    const json_t *list = json_object_get(answer, "requests");
    ck_assert_uint_eq(json_array_size(list), 3);
    ck_assert_str_eq(rc_json_str(json_array_get(list, 0), "effect"), "done");
    ck_assert_str_eq(rc_json_str(json_array_get(list, 1), "effect"), "none");
    ck_assert_ptr_nonnull(strstr(rc_json_str(json_array_get(list, 0), "body"), "Anna@acme.example"));
    ck_assert_str_eq(rc_json_str(json_array_get(list, 2), "target"), "/v1/users/1001/deactivate");
    json_decref(answer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sandbox_learnamp");
    TCase *tc = tcase_create("http");
    tcase_add_checked_fixture(tc, start, sandbox_stop);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_token_needs_scopes_and_the_right_secret);
    tcase_add_test(tc, expired_and_revoked_tokens_are_401);
    tcase_add_test(tc, missing_and_empty_parameters_are_named);
    tcase_add_test(tc, addresses_are_unique_without_regard_to_case);
    tcase_add_test(tc, external_ids_are_unique_and_can_be_cleared);
    tcase_add_test(tc, an_external_id_is_decoded_from_the_path);
    tcase_add_test(tc, what_is_left_out_stays_and_what_is_empty_is_cleared);
    tcase_add_test(tc, a_manager_must_be_active);
    tcase_add_test(tc, custom_fields_are_set_by_name_and_unknown_ones_are_404);
    tcase_add_test(tc, forms_mean_the_same_as_json);
    tcase_add_test(tc, an_invitation_goes_out_unless_it_is_skipped);
    tcase_add_test(tc, deactivation_removes_teams_and_destroys_tasks_for_good);
    tcase_add_test(tc, teams_have_unique_external_ids_and_can_be_renamed);
    tcase_add_test(tc, teams_of_a_user_must_exist);
    tcase_add_test(tc, members_are_added_and_removed);
    tcase_add_test(tc, lists_are_paged_and_filtered);
    tcase_add_test(tc, the_book_tells_who_what_and_with_which_effect);
    suite_add_tcase(suite, tc);
    return rc_unit_run(suite);
}
