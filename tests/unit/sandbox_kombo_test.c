/* tests/sandbox: what the stand-in of Kombo answers, asked over HTTP. Its shape is checked by check-kombo.sh. */
#include "tests/support/unit.h"
#include "tests/unit/sandbox_client.h"

static void start(void)
{
    sandbox_start(120, false);
}

/* ---- asking ---- */

static json_t *kombo(const char *path)
{
    char *full = rc_sprintf("/kombo/v1%s", path), *key = rc_sprintf("Bearer %s", sandbox.api_key);
    json_t *answer = ask("GET", full, key, NULL, "Date");
    free(full);
    free(key);
    return answer;
}

static const char *error_code(const json_t *answer)
{
    return rc_json_str(json_object_get(answer, "error"), "code");
}

static json_t *results(const json_t *answer)
{
    return json_object_get(json_object_get(answer, "data"), "results");
}

static const char *next_cursor(const json_t *answer)
{
    return rc_json_str(json_object_get(answer, "data"), "next");
}

/* How many records the list has in all, page by page; `each` (may be NULL) sees them. */
static size_t count_all(const char *path, void (*each)(const json_t *record))
{
    size_t count = 0, i;
    char *cursor = NULL;
    for (;;) {
        char *full = rc_sprintf("%s%s%s", path, cursor ? "&cursor=" : "", cursor ? cursor : "");
        json_t *answer = kombo(full);
        const json_t *record;
        ck_assert_msg(status == 200, "%s: %d %s", full, status, error_code(answer));
        json_array_foreach(results(answer), i, record) if (each) each(record);
        count += json_array_size(results(answer));
        free(cursor);
        free(full);
        cursor = rc_strdup(next_cursor(answer));
        json_decref(answer);
        if (!cursor) return count;
    }
}

static void expect_error(const char *path, int wanted_status, const char *wanted_code)
{
    json_t *answer = kombo(path);
    ck_assert_msg(status == wanted_status, "%s: wanted %d, got %d", path, wanted_status, status);
    ck_assert_str_eq(error_code(answer), wanted_code);
    json_decref(answer);
}

/* ---- paging ---- */

static char last_remote_id[16];

static void expect_rising(const json_t *record)
{
    const char *remote_id = rc_json_str(record, "remote_id");
    ck_assert_int_lt(strtol(last_remote_id, NULL, 10), strtol(remote_id, NULL, 10));
    strcpy(last_remote_id, remote_id);
}

START_TEST(pages_give_everybody_once_in_a_fixed_order)
{
    static const char *const sizes[] = {"1", "7", "100", "119", "120", "250"};
    char path[64];
    (void)snprintf(path, sizeof path, "/hris/employees?page_size=%s", sizes[_i]);
    ck_assert_uint_eq(count_all(path, expect_rising), 120);
}
END_TEST

START_TEST(a_cursor_belongs_to_its_filters)
{
    char path[256];
    json_t *answer = kombo("/hris/employees?page_size=10&include_deleted=true");
    (void)snprintf(path, sizeof path, "/hris/employees?page_size=10&cursor=%s", next_cursor(answer));
    json_decref(answer);
    expect_error(path, 400, "PLATFORM.INPUT_INVALID");
    expect_error("/hris/employees?cursor=c00", 400, "PLATFORM.INPUT_INVALID");
}
END_TEST

START_TEST(a_cursor_expires_on_demand)
{
    char path[256];
    json_t *answer = kombo("/hris/employees?page_size=10");
    (void)snprintf(path, sizeof path, "/hris/employees?page_size=10&cursor=%s", next_cursor(answer));
    json_decref(answer);
    json_decref(kombo(path));
    ck_assert_int_eq(status, 200);
    control_quietly("PATCH", "", "{'kombo': {'expire_cursors': true}}");
    expect_error(path, 400, "PLATFORM.INPUT_INVALID");
    ck_assert_uint_eq(count_all("/hris/employees?page_size=50", NULL), 120);

    control_quietly("PATCH", "", "{'kombo': {'cursor_ttl_ms': 60000}}");
    answer = kombo("/hris/employees?page_size=10");
    (void)snprintf(path, sizeof path, "/hris/employees?page_size=10&cursor=%s", next_cursor(answer));
    json_decref(answer);
    control_quietly("PUT", "/clock", "{'advance_ms': 61000}");
    expect_error(path, 400, "PLATFORM.INPUT_INVALID");
}
END_TEST

START_TEST(wrong_parameters_are_refused)
{
    static const char *const wrong[] = {"page_size=0",
                                        "page_size=251",
                                        "page_size=ten",
                                        "updated_after=yesterday",
                                        "updated_after=2026-13-45T00:00:00Z",
                                        "include_deleted=yes",
                                        "employment_status=ON",
                                        "ids=a&ids=b",
                                        "pagesize=10",
                                        "types=TEAM",
                                        "custom_fields=x",
                                        "custom_fields={}",
                                        "employment_statuses=ACTIVE,GONE"};
    char path[128];
    (void)snprintf(path, sizeof path, "/hris/employees?%s", wrong[_i]);
    expect_error(path, 400, "PLATFORM.INPUT_INVALID");
}
END_TEST

/* ---- who may ask, for what ---- */

START_TEST(key_integration_and_endpoint_are_checked)
{
    json_t *answer = ask("GET", "/kombo/v1/hris/employees", "Bearer wrong", NULL, NULL);
    ck_assert_int_eq(status, 401);
    ck_assert_str_eq(error_code(answer), "PLATFORM.AUTHENTICATION_INVALID");
    json_decref(answer);
    expect_error("/integrations/personio:nobody", 404, "PLATFORM.INTEGRATION_NOT_FOUND");
    expect_error("/hris/absences", 404, "PLATFORM.INPUT_INVALID");
    json_decref(kombo("/check-api-key"));
    ck_assert_int_eq(status, 200);
}
END_TEST

START_TEST(the_state_of_the_integration_is_an_error_and_never_an_empty_list)
{
    static const struct {
        const char *setting, *code;
    } states[] = {
        {"{'kombo': {'status': 'INVALID'}}", "INTEGRATION.AUTHENTICATION_INVALID"},
        {"{'kombo': {'status': 'INACTIVE'}}", "INTEGRATION.INACTIVE"},
        {"{'kombo': {'setup_status': 'INCOMPLETE'}}", "INTEGRATION.SETUP_INCOMPLETE"},
        {"{'kombo': {'setup_status': 'FINAL_SYNC_PENDING'}}", "INTEGRATION.SETUP_SYNC_PENDING"},
    };
    control_quietly("PATCH", "", states[_i].setting);
    json_t *answer = kombo("/hris/employees");
    ck_assert_int_ge(status, 400);
    ck_assert_str_eq(error_code(answer), states[_i].code);
    json_decref(answer);
}
END_TEST

/* ---- filters ---- */

START_TEST(filters_choose)
{
    char path[256];
    json_t *answer = kombo("/hris/employees?page_size=3");
    const json_t *second = json_array_get(results(answer), 1);
    const char *id = rc_json_str(second, "id"), *email = rc_json_str(second, "work_email");
    (void)snprintf(path, sizeof path, "/hris/employees?page_size=9&ids=%s,nobody", id);
    ck_assert_uint_eq(count_all(path, NULL), 1);
    (void)snprintf(path, sizeof path, "/hris/employees?page_size=9&work_emails=%s", email);
    ck_assert_uint_eq(count_all(path, NULL), 1);
    (void)snprintf(path, sizeof path, "/hris/employees?page_size=9&ids=%s&remote_ids=1", id);
    ck_assert_uint_eq(count_all(path, NULL), 0);
    const char *group = rc_json_str(json_array_get(json_object_get(second, "groups"), 0), "id");
    (void)snprintf(path, sizeof path, "/hris/employees?page_size=50&group_ids=%s", group);
    size_t members = count_all(path, NULL);
    ck_assert(members > 0 && members < 120);
    size_t active = count_all("/hris/employees?page_size=50&employment_statuses=ACTIVE,LEAVE", NULL);
    size_t others = count_all("/hris/employees?page_size=50&employment_statuses=PENDING,INACTIVE", NULL);
    ck_assert_uint_eq(active + others, 120);
    ck_assert_uint_gt(others, 0);
    ck_assert_uint_eq(count_all("/hris/employees?page_size=50&ids=", NULL), 0);
    json_decref(answer);
}
END_TEST

START_TEST(a_filter_that_the_tool_does_not_support_gives_nothing)
{
    control_quietly("PATCH", "", "{'kombo': {'unsupported_filters': ['employment_status', 'group_ids']}}");
    ck_assert_uint_eq(count_all("/hris/employees?page_size=9&employment_status=ACTIVE", NULL), 0);
    ck_assert_uint_gt(
        count_all("/hris/employees?page_size=50&employment_status=ACTIVE&ignore_unsupported_filters=true", NULL), 0);
    ck_assert_uint_eq(count_all("/hris/employees?page_size=50", NULL), 120);
}
END_TEST

START_TEST(updated_after_follows_kombos_own_clock)
{
    char since[RC_TIME_STR_SIZE], path[128];
    control_quietly("PUT", "/clock", "{'offset_ms': 864000000}");
    rc_wall_str(sb_now(&sandbox), since);
    (void)snprintf(path, sizeof path, "/hris/employees?include_deleted=true&page_size=50&updated_after=%s", since);
    ck_assert_uint_eq(count_all(path, NULL), 0);
    /* The Date header is what a client has to remember. */
    json_decref(kombo("/check-api-key"));
    ck_assert_int_ge(rc_http_date(header_value).ms, sb_now(&sandbox).ms - 5000);

    control_quietly(
        "POST", "changes",
        "[{'op': 'update', 'employee': 90, 'job_title': 'New'}, {'op': 'delete', 'employee': 91}, {'op': 'hire'}]");
    ck_assert_uint_eq(count_all(path, NULL), 3);
    (void)snprintf(path, sizeof path, "/hris/employees?page_size=50&updated_after=%s", since);
    ck_assert_uint_eq(count_all(path, NULL), 2);
    control_quietly("POST", "changes", "{'op': 'rename_group', 'group': 'Sales Falcon', 'name': 'Hawk'}");
    ck_assert_uint_eq(count_all(path, NULL), 2);
    (void)snprintf(path, sizeof path, "/hris/groups?page_size=50&updated_after=%s", since);
    ck_assert_uint_eq(count_all(path, NULL), 1);
}
END_TEST

START_TEST(deleted_and_vanished_records_differ)
{
    control_quietly("POST", "changes", "[{'op': 'delete', 'employee': 90}, {'op': 'vanish', 'employee': 91}]");
    ck_assert_uint_eq(count_all("/hris/employees?page_size=50", NULL), 118);
    ck_assert_uint_eq(count_all("/hris/employees?page_size=50&include_deleted=true", NULL), 119);
    control_quietly("POST", "changes", "[{'op': 'restore', 'employee': 90}, {'op': 'appear', 'employee': 91}]");
    ck_assert_uint_eq(count_all("/hris/employees?page_size=50", NULL), 120);
}
END_TEST

/* ---- what varies while nothing changed ---- */

START_TEST(the_picture_is_signed_anew_and_the_order_of_groups_means_nothing)
{
    json_t *one = kombo("/hris/employees?page_size=100"), *other = kombo("/hris/employees?page_size=100");
    int signed_anew = 0, reordered = 0;
    for (size_t i = 0; i < 100; i++) {
        const json_t *a = json_array_get(results(one), i), *b = json_array_get(results(other), i);
        const char *picture = rc_json_str(a, "avatar"), *again = rc_json_str(b, "avatar");
        ck_assert_str_eq(rc_json_str(a, "changed_at"), rc_json_str(b, "changed_at"));
        reordered += !json_equal(json_object_get(a, "groups"), json_object_get(b, "groups"));
        if (!picture) continue;
        size_t length = strcspn(picture, "?");
        ck_assert(!strncmp(picture, again, length + 1));
        signed_anew += strcmp(picture, again) != 0;
    }
    ck_assert_int_gt(signed_anew, 40);
    ck_assert_int_gt(reordered, 20);
    json_decref(one);
    json_decref(other);
}
END_TEST

/* Every text and number of a record that the mapping of a learning platform does not name. */
START_TEST(sensitive_values_are_canaries)
{
    static const char *const fields[] = {"ssn",          "tax_id",        "personal_email", "mobile_phone_number",
                                         "home_address", "bank_accounts", "date_of_birth",  "employments",
                                         "remote_data",  "nationality"};
    json_t *answer = kombo("/hris/employees?page_size=1");
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        char *text = rc_json_text(json_object_get(json_array_get(results(answer), 0), fields[i]), false);
        ck_assert_msg(strcasestr(text, "canary") || strstr(text, "918273") || strstr(text, "T03:14:15.926Z"), "%s: %s",
                      fields[i], text);
        free(text);
    }
    json_decref(answer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sandbox_kombo");
    TCase *tc = tcase_create("http");
    tcase_add_checked_fixture(tc, start, sandbox_stop);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, pages_give_everybody_once_in_a_fixed_order, 0, 6);
    tcase_add_test(tc, a_cursor_belongs_to_its_filters);
    tcase_add_test(tc, a_cursor_expires_on_demand);
    tcase_add_loop_test(tc, wrong_parameters_are_refused, 0, 13);
    tcase_add_test(tc, key_integration_and_endpoint_are_checked);
    tcase_add_loop_test(tc, the_state_of_the_integration_is_an_error_and_never_an_empty_list, 0, 4);
    tcase_add_test(tc, filters_choose);
    tcase_add_test(tc, a_filter_that_the_tool_does_not_support_gives_nothing);
    tcase_add_test(tc, updated_after_follows_kombos_own_clock);
    tcase_add_test(tc, deleted_and_vanished_records_differ);
    tcase_add_test(tc, the_picture_is_signed_anew_and_the_order_of_groups_means_nothing);
    tcase_add_test(tc, sensitive_values_are_canaries);
    suite_add_tcase(suite, tc);
    return rc_unit_run(suite);
}
