/* tests/sandbox: the control interface, webhooks, and the command line. */
#include "common/hmac.h"
#include "tests/sandbox/options.h"
#include "tests/support/unit.h"
#include "tests/unit/sandbox_client.h"

static void start(void)
{
    sandbox_start(20, false);
}

static char heard_body[4096], heard_signature[64];
static int heard_count;

static void hear(const rc_httpd_request_t *request, rc_httpd_reply_t *reply, void *arg)
{
    const char *signature = rc_httpd_header(request, "X-Kombo-Signature");
    (void)arg;
    (void)snprintf(heard_body, sizeof heard_body, "%s", request->body);
    (void)snprintf(heard_signature, sizeof heard_signature, "%s", signature ? signature : "");
    heard_count++;
    reply->status = 202;
}

START_TEST(webhooks_are_signed_and_repeated_on_demand)
{
    rc_httpd_route_t route = {"POST", "/webhooks/kombo", hear, NULL};
    rc_httpd_options_t options = {.listen = "127.0.0.1:0", .routes = &route, .route_count = 1, .max_body_bytes = 65536};
    rc_httpd_t *receiver;
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_int_eq(rc_httpd_new(&options, &receiver, &error), RC_OK);
    char *order = rc_sprintf("{'url': 'http://%s/webhooks/kombo', 'models': ['hris_teams'], 'times': 2}",
                             rc_httpd_address(receiver));
    json_t *answer = control("POST", "webhook", order);
    ck_assert_int_eq(rc_json_int(answer, "status", 0), 202);
    json_decref(answer);
    free(order);
    ck_assert_int_eq(heard_count, 2);
    ck_assert(rc_kombo_signature_valid(company->webhook_secret, heard_body, strlen(heard_body), heard_signature));
    json_t *payload = NULL;
    ck_assert_int_eq(rc_json_parse(heard_body, strlen(heard_body), &payload, &error), RC_OK);
    ck_assert_str_eq(rc_json_str(payload, "type"), "data-changed");
    const json_t *data = json_object_get(payload, "data");
    ck_assert_str_eq(rc_json_str(data, "integration_id"), company->id);
    ck_assert_str_eq(rc_json_str(json_array_get(json_object_get(data, "changed_models"), 0), "name"), "hris_teams");
    json_decref(payload);

    order = rc_sprintf("{'url': 'http://%s/webhooks/kombo', 'secret': 'another'}", rc_httpd_address(receiver));
    control_quietly("POST", "webhook", order);
    free(order);
    ck_assert(!rc_kombo_signature_valid(company->webhook_secret, heard_body, strlen(heard_body), heard_signature));
    rc_httpd_free(receiver);
}
END_TEST

START_TEST(an_integration_can_be_added_while_it_runs)
{
    json_t *answer =
        control("POST", "/integrations",
                "{'id': 'bamboohr:abc', 'people': 3, 'seed': 9, 'name': 'Three', 'learnamp': {'latency_ms': 5}}");
    ck_assert_int_eq(status, 201);
    ck_assert_str_eq(rc_json_str(answer, "id"), "bamboohr:abc");
    ck_assert_str_eq(rc_json_str(answer, "name"), "Three");
    json_decref(answer);
    json_decref(ask("POST", "/control/integrations", "none", "{\"id\":\"bamboohr:abc\"}", NULL));
    ck_assert_int_eq(status, 409);
    static const char *const wrong[] = {"{\"id\":\"nocolon\"}", "{\"people\":1000001}",
                                        "{\"seed\":8,\"kombo\":{\"speed\":1}}", "[]x"};
    for (size_t i = 0; i < 4; i++) {
        json_decref(ask("POST", "/control/integrations", "none", wrong[i], NULL));
        ck_assert_int_eq(status, 400);
    }
    answer = control("GET", "/integrations", NULL);
    ck_assert_uint_ge(json_array_size(json_object_get(answer, "integrations")), 2);
    json_decref(answer);
}
END_TEST

START_TEST(employees_are_found_by_id_number_and_address)
{
    char path[256];
    json_t *answer = control("GET", "employees/7", NULL);
    (void)snprintf(path, sizeof path, "employees/%s", rc_json_str(answer, "id"));
    json_t *by_id = control("GET", path, NULL);
    (void)snprintf(path, sizeof path, "employees/%s", rc_json_str(answer, "work_email"));
    json_t *by_email = control("GET", path, NULL);
    ck_assert(json_equal(json_object_get(answer, "id"), json_object_get(by_id, "id")));
    ck_assert(json_equal(json_object_get(answer, "id"), json_object_get(by_email, "id")));
    json_decref(answer);
    json_decref(by_id);
    json_decref(by_email);
    json_decref(ask("GET", "/control/integrations/nobody/employees/1", "none", NULL, NULL));
    ck_assert_int_eq(status, 404);
}
END_TEST

START_TEST(history_is_shown_with_units_and_by_the_machines_clock)
{
    control_quietly("PUT", "/clock", "{'offset_ms': 86400000000}");
    control_quietly("POST", "changes", "{'op': 'update', 'employee': 2, 'job_title': 'New'}");
    char text[RC_TIME_STR_SIZE];
    json_t *answer = control("GET", "history?offset=2&limit=1", NULL);
    const json_t *people = json_object_get(answer, "people");
    const json_t *states = json_object_get(json_array_get(people, 0), "states");
    ck_assert_uint_eq(json_array_size(people), 1);
    ck_assert_uint_eq(json_array_size(states), 2);
    ck_assert_str_eq(rc_json_str(json_array_get(states, 1), "job_title"), "New");
    ck_assert_str_lt(rc_json_str(json_array_get(states, 1), "at"),
                     rc_wall_str((rc_wall_t){rc_wall_now().ms + 3600000}, text));
    ck_assert_uint_gt(json_array_size(json_object_get(answer, "units")), 3);
    json_decref(answer);
}
END_TEST

START_TEST(counters_tell_calls_of_one_kind_together)
{
    json_decref(ask("GET", "/kombo/v1/hris/groups?page_size=1", "none", NULL, NULL));
    json_decref(ask("GET", "/kombo/v1/hris/groups", "none", NULL, NULL));
    json_t *answer = control("GET", "counters", NULL);
    const json_t *kombo = json_object_get(answer, "kombo");
    ck_assert_int_eq(rc_json_int(json_object_get(kombo, "by_call"), "GET /hris/groups 401", 0), 2);
    ck_assert_int_eq(rc_json_int(kombo, "in_flight", -1), 0);
    json_decref(answer);
    answer = control("DELETE", "requests", NULL);
    ck_assert_int_eq(rc_json_int(json_object_get(answer, "kombo"), "total", -1), 0);
    json_decref(answer);
}
END_TEST

START_TEST(the_book_forgets_the_oldest)
{
    sb_requests_t *requests = sb_requests_new(10, false);
    char target[32];
    for (int i = 1; i <= 1000; i++) {
        (void)snprintf(target, sizeof target, "/v1/users/%d", i);
        sb_request_t request = {.method = "GET",
                                .target = target,
                                .employee = i % 2 ? "odd" : "even",
                                .effect = "done",
                                .answer = "whole",
                                .body = ""};
        sb_requests_add(requests, &request);
    }
    json_t *list = sb_requests_list(requests, 0, 100, NULL);
    ck_assert_uint_eq(json_array_size(list), 10);
    ck_assert_int_eq(rc_json_int(json_array_get(list, 0), "number", 0), 991);
    json_decref(list);
    list = sb_requests_list(requests, 995, 2, "odd");
    ck_assert_uint_eq(json_array_size(list), 2);
    ck_assert_int_eq(rc_json_int(json_array_get(list, 0), "number", 0), 997);
    json_decref(list);
    json_t *counters = sb_requests_counters(requests);
    ck_assert_int_eq(rc_json_int(json_object_get(counters, "by_call"), "GET /v1/users/{} 0", 0), 1000);
    json_decref(counters);
    sb_requests_free(requests);
}
END_TEST

START_TEST(wrong_options_are_named)
{
    static const char *const wrong[][4] = {{"x", "--persons", "5"},    {"x", "--seed", "five"}, {"x", "--people"},
                                           {"x", "--partitions", "0"}, {"x", "--threads=65"},   {"x", "stray"},
                                           {"x", "--kombo-base", "k"}};
    static const int counts[] = {3, 3, 2, 3, 2, 2, 3};
    char *copy[4];
    sb_options_t options;
    rc_error_t error = RC_ERROR_INIT;
    for (int i = 0; i < counts[_i]; i++) copy[i] = rc_strdup(wrong[_i][i]);
    ck_assert_int_eq(sb_options_parse(counts[_i], copy, &options, &error), RC_USAGE);
    ck_assert_ptr_nonnull(strpbrk(error.message, "-"));
    for (int i = 0; i < counts[_i]; i++) free(copy[i]);
}
END_TEST

START_TEST(options_are_read)
{
    char *given[] = {(char[]){"x"},        (char[]){"--people=5,6"}, (char[]){"--seed"},     (char[]){"9"},
                     (char[]){"--broker"}, (char[]){"--listen"},     (char[]){"127.0.0.1:1"}};
    sb_options_t options;
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_int_eq(sb_options_parse(7, given, &options, &error), RC_OK);
    ck_assert_str_eq(options.people, "5,6");
    ck_assert_int_eq(options.seed, 9);
    ck_assert(options.broker);
    ck_assert_str_eq(options.listen, "127.0.0.1:1");
    ck_assert_int_eq(options.broker_options.partitions, 12);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sandbox_control");
    TCase *tc = tcase_create("http");
    tcase_add_checked_fixture(tc, start, sandbox_stop);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, webhooks_are_signed_and_repeated_on_demand);
    tcase_add_test(tc, an_integration_can_be_added_while_it_runs);
    tcase_add_test(tc, employees_are_found_by_id_number_and_address);
    tcase_add_test(tc, history_is_shown_with_units_and_by_the_machines_clock);
    tcase_add_test(tc, counters_tell_calls_of_one_kind_together);
    suite_add_tcase(suite, tc);
    TCase *pure = tcase_create("pure");
    tcase_add_test(pure, the_book_forgets_the_oldest);
    tcase_add_loop_test(pure, wrong_options_are_named, 0, 7);
    tcase_add_test(pure, options_are_read);
    suite_add_tcase(suite, pure);
    return rc_unit_run(suite);
}
