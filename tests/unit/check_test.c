/* The command `check` of both programs, against the sandbox and librdkafka's mock cluster: what is wrong is said of the
 * service whose fault it is, with what mends it. */
#include <stdio.h>
#include <unistd.h>

#include "consumer/commands/commands.h"
#include "producer/commands/commands.h"
#include "tests/sandbox/broker.h"
#include "tests/support/unit.h"
#include "tests/unit/sandbox_client.h"

static sb_broker_t *broker;
static char folder[64];

static const rc_cli_program_t PROGRAM = {.name = "check_test"};

static void start(void)
{
    const sb_broker_options_t options = {"hris.", "learnamp", "1s", 3};
    rc_error_t error = RC_ERROR_INIT;
    sandbox_start(3, false);
    ck_assert_msg(sb_broker_new(&options, &broker, &error) == RC_OK, "%s", error.message);
    (void)strcpy(folder, "/tmp/rollcall-check.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static char *path_of(const char *name)
{
    return rc_sprintf("%s/%s", folder, name);
}

static void remove_file(const char *name)
{
    char *path = path_of(name);
    (void)unlink(path);
    free(path);
}

static void stop(void)
{
    remove_file("rollcall.yaml");
    remove_file("out");
    (void)rmdir(folder);
    sb_broker_free(broker);
    sandbox_stop();
}

/* The configuration that fits the sandbox, with a line put in front of the one that sets the same. */
static const char *const LINES[] = {
    "kafka:\n",
    "  bootstrap.servers: %s\n",
    "  topic_prefix: hris.\n",
    "  partitions: 3\n",
    "  replication_factor: 1\n",
    "consumer: { retry_delays: [1s], http_timeout: 2s }\n",
    "integrations:\n",
    "  - id: \"%s\"\n",
    "    kombo:\n",
    "      base_url: %s\n",
    "      api_key: %s\n",
    "    learnamp:\n",
    "      base_url: %s\n",
    "      client_id: %s\n",
    "      client_secret: %s\n",
};
enum { LINE_COUNT = sizeof LINES / sizeof *LINES, REPLACED_NONE = -1 };

static void write_config(int replaced, const char *line)
{
    json_t *kafka = sb_broker_describe(broker);
    char *kombo = rc_sprintf("http://%s/kombo/v1", rc_httpd_address(sandbox.httpd));
    char *learnamp = rc_sprintf("http://%s/learnamp/%s", rc_httpd_address(sandbox.httpd), company->slug);
    const char *values[LINE_COUNT] = {[1] = rc_json_str(kafka, "bootstrap"),
                                      [7] = company->id,
                                      [9] = kombo,
                                      [10] = sandbox.api_key,
                                      [12] = learnamp,
                                      [13] = company->client_id,
                                      [14] = company->client_secret};
    char *path = path_of("rollcall.yaml");
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    for (int i = 0; i < LINE_COUNT; i++) {
        const char *from = i == replaced ? line : LINES[i], *mark = strstr(from, "%s");
        if (mark)
            (void)fprintf(file, "%.*s%s%s", (int)(mark - from), from, values[i], mark + 2);
        else
            (void)fputs(from, file);
    }
    (void)fclose(file);
    free(path);
    free(kombo);
    free(learnamp);
    json_decref(kafka);
}

/* Runs it and returns what it printed, new. */
static json_t *run(rc_exit_t (*command)(const rc_args_t *), const char *integration, rc_exit_t *exit)
{
    char *config = path_of("rollcall.yaml"), *out = path_of("out");
    const rc_args_t args = {.config = config, .json = true, .integration = integration, .program = &PROGRAM};
    int kept = dup(STDOUT_FILENO);
    ck_assert_ptr_nonnull(freopen(out, "w+", stdout));
    *exit = command(&args);
    (void)fflush(stdout);
    (void)dup2(kept, STDOUT_FILENO);
    (void)close(kept);

    char text[65536];
    FILE *file = fopen(out, "r");
    size_t size = fread(text, 1, sizeof text, file);
    (void)fclose(file);
    json_t *json = NULL;
    rc_error_t error = RC_ERROR_INIT;
    if (size > 0) ck_assert_msg(rc_json_parse(text, size, &json, &error) == RC_OK, "%s", error.message);
    free(config);
    free(out);
    return json;
}

typedef struct {
    const char *name;
    bool consumer;
    int line; /* of LINES, which is replaced */
    const char *by;
    const char *control; /* what Learn Amp's stand-in is told before; NULL: nothing */
    const char *service; /* whose fault it is; NULL: nobody's */
    const char *words;   /* in its message */
} case_t;

static const case_t CASES[] = {
    {"producer, all well", false, REPLACED_NONE, NULL, NULL, NULL, NULL},
    {"consumer, all well", true, REPLACED_NONE, NULL, NULL, NULL, NULL},
    {"no broker", false, 1, "  bootstrap.servers: 127.0.0.1:1\n", NULL, "Kafka",
     "is a broker running there, and is kafka.bootstrap.servers its address?"},
    {"partitions", false, 3, "  partitions: 4\n", NULL, "topics",
     "has 3 partitions, but kafka.partitions is 4; set it"},
    {"topics", true, 2, "  topic_prefix: other.\n", NULL, "topics",
     "12 of 12 topics are missing: other.employee.created, other.employee.profile-updated, other.employee.team-changed "
     "…; "},
    {"topics' mend", true, 2, "  topic_prefix: other.\n", NULL, "topics",
     "; create them with `rollcall-producer topics`"},
    {"Kombo's key", false, 10, "      api_key: wrong\n", NULL, "Kombo", "; correct kombo.api_key"},
    {"Kombo's integration", false, 7, "  - id: \"personio:elsewhere\"\n", NULL, "Kombo", "; "},
    {"Kombo's address", false, 9, "      base_url: http://127.0.0.1:1/v1\n", NULL, "Kombo",
     "; is kombo.base_url right, and can this machine reach it"},
    {"Learn Amp's secret", true, 14, "      client_secret: wrong\n", NULL, "Learn Amp",
     "invalid_client; are learnamp.client_id and learnamp.client_secret those of this company"},
    {"Learn Amp's address", true, 12, "      base_url: http://127.0.0.1:1\n", NULL, "Learn Amp",
     "; is learnamp.base_url right, and can this machine reach it"},
    {"not Learn Amp", true, 12, "      base_url: %s/elsewhere\n", NULL, "Learn Amp",
     "; is learnamp.base_url the address of Learn Amp's API, without /v1?"},
    {"a scope that is not asked for", true, 14,
     "      client_secret: %s\n      scope: \"users:read users:create users:update users:reactivate teams:read "
     "teams:update teams:create team_users:delete\"\n",
     NULL, "Learn Amp", "learnamp.scope lacks users:deactivate, which is needed to deactivate leavers"},
    {"a scope that is not granted", true, REPLACED_NONE, NULL,
     "{'learnamp': {'allowed_scopes': 'users:read users:create users:update users:reactivate teams:read teams:update "
     "teams:create team_users:read team_users:create team_users:delete'}}",
     "Learn Amp", "Learn Amp does not grant users:deactivate; have an administrator there add it"},
};

START_TEST(check_blames_the_service_whose_fault_it_is)
{
    const case_t *one = &CASES[_i];
    rc_exit_t exit;
    size_t at, wrong = 0;
    json_t *finding;
    write_config(one->line, one->by);
    if (one->control) control_quietly("PATCH", "", one->control);
    json_t *printed = run(one->consumer ? rc_consumer_check : rc_producer_check, NULL, &exit);
    ck_assert_msg(exit == (one->service ? RC_EXIT_FAILED : RC_EXIT_DONE), "%s: exit code %d", one->name, (int)exit);
    const json_t *checks = json_object_get(printed, "checks");
    ck_assert_uint_ge(json_array_size(checks), 2);
    json_array_foreach(checks, at, finding)
    {
        const char *service = rc_json_str(finding, "service"), *message = rc_json_str(finding, "message");
        const char *integration = rc_json_str(finding, "integration");
        bool of_all = !strcmp(service, "Kafka") || !strcmp(service, "topics");
        ck_assert_msg((integration == NULL) == of_all, "%s: %s", one->name, service);
        if (rc_json_bool(finding, "ok", false)) continue;
        wrong++;
        ck_assert_msg(one->service && !strcmp(service, one->service), "%s: %s: %s", one->name, service, message);
        ck_assert_msg(strstr(message, one->words) != NULL, "%s: %s", one->name, message);
    }
    ck_assert_msg((wrong > 0) == (one->service != NULL), "%s: %zu are wrong", one->name, wrong);
    json_decref(printed);
}
END_TEST

START_TEST(check_refuses_unknown_kafka_properties_before_it_asks_anybody)
{
    rc_exit_t exit;
    write_config(4, "  socket.timeout.mss: 5\n");
    json_t *printed = run(rc_producer_check, NULL, &exit);
    ck_assert_int_eq(exit, RC_EXIT_USAGE);
    ck_assert_ptr_null(printed);
}
END_TEST

START_TEST(topics_says_how_each_is_kept)
{
    rc_exit_t exit;
    write_config(REPLACED_NONE, NULL);
    json_t *printed = run(rc_producer_topics, NULL, &exit);
    const json_t *topics = json_object_get(printed, "topics");
    ck_assert_int_eq(exit, RC_EXIT_DONE);
    ck_assert_uint_eq(json_array_size(topics), 12);
    const json_t *first = json_array_get(topics, 0), *snapshot = json_array_get(topics, 4);
    ck_assert_str_eq(rc_json_str(first, "topic"), "hris.employee.created");
    ck_assert_str_eq(rc_json_str(first, "cleanup"), "delete");
    ck_assert_str_eq(rc_json_str(first, "state"), "ok");
    ck_assert_int_eq(rc_json_int(first, "partitions", 0), 3);
    ck_assert_int_eq(rc_json_int(first, "retention_ms", 0), INT64_C(30) * 24 * 3600 * 1000);
    ck_assert_str_eq(rc_json_str(snapshot, "cleanup"), "compact");
    ck_assert_ptr_null(json_object_get(snapshot, "retention_ms"));
    json_decref(printed);

    write_config(3, "  partitions: 4\n");
    printed = run(rc_producer_topics, NULL, &exit);
    ck_assert_int_eq(exit, RC_EXIT_FAILED);
    first = json_array_get(json_object_get(printed, "topics"), 0);
    ck_assert_str_eq(rc_json_str(first, "state"), "wrong");
    ck_assert_ptr_nonnull(strstr(rc_json_str(first, "message"), "kafka.partitions is 4"));
    json_decref(printed);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("check");
    TCase *tests = tcase_create("commands");
    tcase_add_checked_fixture(tests, start, stop);
    tcase_set_timeout(tests, 30);
    tcase_add_loop_test(tests, check_blames_the_service_whose_fault_it_is, 0, (int)(sizeof CASES / sizeof *CASES));
    tcase_add_test(tests, check_refuses_unknown_kafka_properties_before_it_asks_anybody);
    tcase_add_test(tests, topics_says_how_each_is_kept);
    suite_add_tcase(suite, tests);
    return rc_unit_run(suite);
}
