/* common/config: what a file may say, what everything is when it says nothing, and how it is told what is wrong. */
#include "common/config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/config_settings.h"
#include "common/mem.h"
#include "producer/kombo/kombo.h"
#include "tests/support/unit.h"

#define KAFKA "kafka:\n  bootstrap.servers: broker:9092\n"
#define ACME                                                              \
    "integrations:\n  - id: personio:acme\n    kombo: { api_key: KEY }\n" \
    "    learnamp: { client_id: CLIENT, client_secret: SECRET }\n"

static rc_config_t *parse(const char *text)
{
    rc_buf_t problems = RC_BUF_INIT(1 << 20);
    rc_config_t *config = NULL;
    rc_code_t code = rc_config_parse("test.yaml", text, strlen(text), &config, &problems);
    ck_assert_msg(code == RC_OK, "%s", problems.data);
    rc_buf_fini(&problems);
    return config;
}

/* What is said about it; "" when nothing is. */
static char *complaints(const char *text)
{
    rc_buf_t problems = RC_BUF_INIT(1 << 20);
    rc_config_t *config = NULL;
    rc_code_t code = rc_config_parse("test.yaml", text, strlen(text), &config, &problems);
    ck_assert((code == RC_OK) == (problems.size_bytes == 0));
    if (code == RC_OK) rc_config_free(config);
    return rc_buf_take(&problems);
}

/* --- what is read -------------------------------------------------------------------------------------------- */

START_TEST(config_defaults_are_the_contracts)
{
    rc_config_t *config = parse(KAFKA ACME);
    ck_assert_str_eq(config->kafka.topic_prefix, "hris.");
    ck_assert_int_eq(config->kafka.partitions, 12);
    ck_assert_int_eq(config->kafka.replication_factor, 3);
    ck_assert(config->kafka.create_topics);
    ck_assert_int_eq(config->kafka.retention.events_ms, 30LL * 86400000);
    ck_assert_int_eq(config->kafka.retention.commands_ms, 7LL * 86400000);
    ck_assert_int_eq(config->kafka.retention.retry_ms, 14LL * 86400000);
    ck_assert_int_eq(config->kafka.retention.dead_letters_ms, 90LL * 86400000);
    ck_assert_uint_eq(config->kafka.properties_count, 1);
    ck_assert_str_eq(rc_config_property(config, "bootstrap.servers"), "broker:9092");
    ck_assert_ptr_null(rc_config_property(config, "ssl.ca.location"));
    ck_assert_str_eq(config->schema_registry.url, "");
    ck_assert_str_eq(config->schema_registry.basic_auth, "");
    ck_assert_str_eq(config->schema_registry.ca_file, "");
    ck_assert(*config->instance != '\0');
    ck_assert_str_eq(config->state_dir, "/var/lib/rollcall");
    ck_assert_str_eq(config->api_token, "");
    ck_assert_int_eq(config->log.level, RC_LEVEL_INFO);
    ck_assert_int_eq(config->log.format, RC_FORMAT_AUTO);
    ck_assert_str_eq(config->notify.url, "");
    ck_assert_uint_eq(config->notify.on, 15);
    ck_assert_str_eq(config->http_proxy, "");
    ck_assert_str_eq(config->ca_file, "");
    ck_assert_str_eq(config->producer.listen.host, "127.0.0.1");
    ck_assert_uint_eq(config->producer.listen.port, 8080);
    ck_assert_int_eq(config->producer.http_timeout_ms, 60000);
    ck_assert_uint_eq(config->producer.max_page_size_bytes, 64u << 20);
    ck_assert_int_eq(config->producer.forget_after_ms, 0);
    ck_assert_uint_eq(config->consumer.listen.port, 8081);
    ck_assert_str_eq(config->consumer.application, "learnamp");
    ck_assert_int_eq(config->consumer.http_timeout_ms, 20000);
    ck_assert_int_eq(config->consumer.drain_timeout_ms, 20000);
    ck_assert_int_eq(config->consumer.transaction_interval_ms, 500);
    ck_assert_uint_eq(config->consumer.retry_delays_count, 3);
    ck_assert_int_eq(config->consumer.retry_delays_ms[0], 30000);
    ck_assert_int_eq(config->consumer.retry_delays_ms[1], 300000);
    ck_assert_int_eq(config->consumer.retry_delays_ms[2], 3600000);
    ck_assert_int_eq(config->consumer.breaker_failures, 10);
    ck_assert_int_eq(config->consumer.dead_letter_budget.percent, 10);
    ck_assert_int_eq(config->consumer.dead_letter_budget.count, 20);
    ck_assert_int_eq(config->consumer.dead_letter_budget.window_ms, 600000);
    rc_config_free(config);
}
END_TEST

START_TEST(integration_defaults_are_the_contracts)
{
    static const rc_brake_limit_t brakes[RC_BRAKE_COUNT] = {{5, 10}, {50, 25}, {50, 25}, {10, 10}, {100, 50}, {20, 10}};
    rc_config_t *config = parse(KAFKA ACME);
    ck_assert_uint_eq(config->integrations_count, 1);
    const rc_integration_t *acme = rc_config_find(config, "personio:acme");
    ck_assert_ptr_eq(acme, &config->integrations[0]);
    ck_assert_ptr_null(rc_config_find(config, "personio:other"));
    ck_assert_str_eq(acme->name, "personio:acme");
    ck_assert_str_eq(acme->timezone, "UTC");
    ck_assert_ptr_nonnull(acme->zone);
    ck_assert_str_eq(acme->kombo.base_url, "https://api.kombo.dev/v1");
    ck_assert_str_eq(acme->kombo.api_key, "KEY");
    ck_assert_str_eq(acme->kombo.webhook_secret, "");
    ck_assert_int_eq(acme->kombo.poll_interval_ms, 3 * 3600000);
    ck_assert_int_eq(acme->kombo.full_sync_interval_ms, 24 * 3600000);
    ck_assert_int_eq(acme->kombo.page_size, 250);
    ck_assert_str_eq(acme->learnamp.base_url, "https://api.learnamp.com");
    ck_assert_str_eq(acme->learnamp.client_id, "CLIENT");
    ck_assert_str_eq(acme->learnamp.client_secret, "SECRET");
    ck_assert_str_eq(acme->learnamp.scope, "users:read users:create users:update users:deactivate users:reactivate "
                                           "teams:read teams:create teams:update team_users:read team_users:create "
                                           "team_users:delete");
    ck_assert_double_eq(acme->learnamp.requests_per_second, 10);
    ck_assert_int_eq(acme->learnamp.max_in_flight, 8);
    ck_assert_int_eq(acme->policy.invite, RC_INVITE_NEVER);
    ck_assert(acme->policy.create.immediately);
    ck_assert(!acme->policy.initial_import_invite);
    ck_assert_int_eq(acme->policy.deactivate_on, RC_DEACTIVATE_ON_EITHER);
    ck_assert_int_eq(acme->policy.absence_grace_ms, 3 * 3600000);
    ck_assert_uint_eq(acme->policy.primary_team_count, 2);
    ck_assert_int_eq(acme->policy.primary_team[0], RC_GROUP_TEAM);
    ck_assert_int_eq(acme->policy.primary_team[1], RC_GROUP_DEPARTMENT);
    ck_assert_uint_eq(acme->policy.secondary_teams_count, 0);
    ck_assert(acme->policy.create_teams && acme->policy.match_email);
    ck_assert_str_eq(acme->policy.swap_address, "");
    ck_assert_int_eq(acme->policy.on_null, RC_ON_NULL_CLEAR);
    ck_assert_uint_eq(acme->policy.scope.legal_entities.count + acme->policy.scope.locations.count +
                          acme->policy.scope.groups.count + acme->policy.scope.employment_types.count,
                      0);
    for (int i = 0; i < RC_BRAKE_COUNT; i++) {
        ck_assert_int_eq(acme->policy.brakes[i].count, brakes[i].count);
        ck_assert_int_eq(acme->policy.brakes[i].percent, brakes[i].percent);
    }
    ck_assert_uint_eq(acme->mapping_count, 8);
    ck_assert_str_eq(rc_integration_mapping(acme, RC_TARGET_EMAIL)->source, "work_email");
    ck_assert_str_eq(rc_integration_mapping(acme, RC_TARGET_LOCATION)->source, "work_location.name");
    ck_assert_ptr_null(rc_integration_mapping(acme, RC_TARGET_MANAGER_EMAIL));
    rc_config_free(config);
}
END_TEST

/* Every setting with another value than its default; also what `config` is compared with. */
static const char EVERYTHING[] =
    "kafka:\n"
    "  bootstrap.servers: one:9092,two:9092\n"
    "  security.protocol: SASL_SSL\n"
    "  sasl.password: kafka-secret\n"
    "  topic_prefix: people.\n"
    "  partitions: 24\n"
    "  replication_factor: 2\n"
    "  create_topics: false\n"
    "  retention: { events: 31d, commands: 8d, retry: 15d, dead_letters: 91d }\n"
    "schema_registry: { url: \"http://registry:8081/apis/ccompat/v7/\", basic_auth: \"user:registry-secret\", ca_file: "
    "/r.pem }\n"
    "instance: blue\n"
    "state_dir: /srv/rollcall\n"
    "api_token: token-secret\n"
    "log: { level: debug, format: json }\n"
    "notify: { url: \"https://chat.example/hooks/notify-secret?x=1\", on: [hold, dead_letter] }\n"
    "http_proxy: http://user:proxy-secret@proxy:3128\n"
    "ca_file: /ca.pem\n"
    "producer: { listen: \"[::1]:0\", http_timeout: 61s, max_page_size: 1MiB, forget_after: 365d }\n"
    "consumer:\n"
    "  listen: 0.0.0.0:9091\n"
    "  application: lms\n"
    "  http_timeout: 21s\n"
    "  drain_timeout: 22s\n"
    "  transaction_interval: 501ms\n"
    "  retry_delays: [1s, 2m]\n"
    "  breaker_failures: 11\n"
    "  dead_letter_budget: { percent: 12, count: 21, window: 11m }\n"
    "integrations:\n"
    "  - id: personio:acme\n"
    "    name: 'Acme \"GmbH\" & Söhne: ${KOMBO}'\n"
    "    timezone: Europe/Berlin\n"
    "    kombo:\n"
    "      base_url: https://api.us.kombo.dev/v1/\n"
    "      api_key: kombo-secret\n"
    "      webhook_secret: webhook-secret\n"
    "      poll_interval: 4h\n"
    "      full_sync_interval: 25h\n"
    "      page_size: 100\n"
    "    learnamp:\n"
    "      base_url: https://acme.learnamp.example\n"
    "      client_id: client\n"
    "      client_secret: learnamp-secret\n"
    "      scope: users:read\n"
    "      requests_per_second: 2.5\n"
    "      max_in_flight: 9\n"
    "    policy:\n"
    "      invite: on_create\n"
    "      create: 14d\n"
    "      initial_import_invite: true\n"
    "      deactivate_on: status\n"
    "      absence_grace: 5h\n"
    "      primary_team: [COST_CENTER]\n"
    "      secondary_teams: [TEAM, DEPARTMENT]\n"
    "      create_teams: false\n"
    "      match_email: false\n"
    "      swap_address: swap-{id}@acme.example\n"
    "      on_null: keep\n"
    "      scope: { legal_entities: [Acme GmbH], locations: [Berlin, \"17\"], groups: [g1], employment_types: "
    "[FULL_TIME] }\n"
    "      brakes:\n"
    "        deactivations: { count: 1, percent: 2 }\n"
    "        creations: { count: 3, percent: 4 }\n"
    "        team_changes: { count: 5, percent: 6 }\n"
    "        email_changes: { count: 7, percent: 8 }\n"
    "        profile_changes: { count: 9, percent: 11 }\n"
    "        cleared_values: { count: 0, percent: 0 }\n"
    "    mapping:\n"
    "      \"custom:Cost centre\": custom_fields.cost_center\n"
    "      \"custom:Badge\": employee_number\n"
    "      managerEmail: manager.work_email\n"
    "      language: integration_fields.preferred_language\n"
    "      firstName: display_full_name\n"
    "      lastName: last_name\n"
    "      email: personal_email\n";

static rc_config_t *parse_everything(void)
{
    setenv("KOMBO", "from the environment", 1);
    return parse(EVERYTHING);
}

START_TEST(every_setting_of_the_file_is_read)
{
    rc_config_t *config = parse_everything();
    for (size_t i = 0; i < RC_SETTINGS_COUNT; i++) {
        const rc_setting_t *setting = &RC_SETTINGS[i];
        int line =
            rc_setting_is_integration(setting) ? config->store->integration_lines[0][i] : config->store->lines[i];
        ck_assert_msg(line > 0, "%s is not in the test's file", setting->path);
        if (!setting->initial) continue;
        /* What was written differs from the default, so that a value in a wrong place is seen. */
        rc_buf_t is = RC_BUF_INIT(4096), was = RC_BUF_INIT(4096);
        rc_config_t *defaults = parse(KAFKA ACME);
        bool below = rc_setting_is_integration(setting);
        rc_setting_print(setting, below ? (void *)config->integrations : (void *)config, true, &is);
        rc_setting_print(setting, below ? (void *)defaults->integrations : (void *)defaults, true, &was);
        ck_assert_msg(strcmp(is.data, was.data) != 0, "%s is still %s", setting->path, is.data);
        rc_config_free(defaults);
        rc_buf_fini(&is);
        rc_buf_fini(&was);
    }
    rc_config_free(config);
}
END_TEST

START_TEST(values_arrive_as_they_were_written)
{
    rc_config_t *config = parse_everything();
    const rc_integration_t *acme = &config->integrations[0];
    ck_assert_str_eq(config->schema_registry.url, "http://registry:8081/apis/ccompat/v7");
    ck_assert_str_eq(config->instance, "blue");
    ck_assert_uint_eq(config->notify.on, 1u << RC_NOTIFY_HOLD | 1u << RC_NOTIFY_DEAD_LETTER);
    ck_assert_str_eq(config->producer.listen.host, "::1");
    ck_assert(rc_listen_is_loopback(&config->producer.listen));
    ck_assert(!rc_listen_is_loopback(&config->consumer.listen));
    ck_assert_uint_eq(config->producer.max_page_size_bytes, 1u << 20);
    ck_assert_int_eq(config->producer.forget_after_ms, 365LL * 86400000);
    ck_assert_str_eq(rc_config_property(config, "sasl.password"), "kafka-secret");
    ck_assert_str_eq(acme->name, "Acme \"GmbH\" & Söhne: from the environment");
    ck_assert_double_eq(acme->learnamp.requests_per_second, 2.5);
    ck_assert(!acme->policy.create.immediately);
    ck_assert_int_eq(acme->policy.create.lead_days, 14);
    ck_assert_uint_eq(acme->policy.primary_team_count, 1);
    ck_assert_int_eq(acme->policy.primary_team[0], RC_GROUP_COST_CENTER);
    ck_assert_uint_eq(acme->policy.secondary_teams_count, 2);
    ck_assert_uint_eq(acme->policy.scope.locations.count, 2);
    ck_assert_str_eq(acme->policy.scope.locations.items[1], "17");
    ck_assert(rc_brake_limit_is_off(acme->policy.brakes[RC_BRAKE_CLEARED_VALUES]));
    ck_assert_int_eq(acme->policy.brakes[RC_BRAKE_PROFILE_CHANGES].percent, 11);
    ck_assert_uint_eq(acme->mapping_count, 7);
    ck_assert_str_eq(rc_integration_mapping(acme, RC_TARGET_FIRST_NAME)->source, "display_full_name");
    ck_assert_ptr_null(rc_integration_mapping(acme, RC_TARGET_JOB_TITLE));
    ck_assert_int_eq(acme->mapping[6].target, RC_TARGET_CUSTOM);
    ck_assert_str_eq(acme->mapping[5].custom_name, "Badge");
    ck_assert_str_eq(acme->mapping[6].custom_name, "Cost centre");
    ck_assert_str_eq(acme->mapping[6].source, "custom_fields.cost_center");
    rc_config_free(config);
}
END_TEST

START_TEST(keys_without_a_value_are_left_out)
{
    rc_config_t *config = parse(KAFKA "schema_registry:\nlog:\n  level:\n  format: ~\n" ACME "    policy:\n");
    ck_assert_str_eq(config->schema_registry.url, "");
    ck_assert_int_eq(config->log.level, RC_LEVEL_INFO);
    ck_assert_int_eq(config->integrations[0].policy.on_null, RC_ON_NULL_CLEAR);
    rc_config_free(config);
}
END_TEST

START_TEST(anchors_and_merges_share_a_policy)
{
    rc_config_t *config = parse(KAFKA "integrations:\n"
                                      "  - id: personio:a\n"
                                      "    kombo: &kombo { api_key: K, page_size: 7 }\n"
                                      "    learnamp: &learnamp { client_id: C, client_secret: S }\n"
                                      "    policy: &policy { invite: on_create, create: 0d }\n"
                                      "  - id: personio:b\n"
                                      "    kombo: *kombo\n"
                                      "    learnamp: { <<: *learnamp, max_in_flight: 3 }\n"
                                      "    policy: { create: 3d, <<: [*policy] }\n");
    const rc_integration_t *b = &config->integrations[1];
    ck_assert_int_eq(b->kombo.page_size, 7);
    ck_assert_str_eq(b->learnamp.client_id, "C");
    ck_assert_int_eq(b->learnamp.max_in_flight, 3);
    ck_assert_int_eq(b->policy.invite, RC_INVITE_ON_CREATE);
    ck_assert_int_eq(b->policy.create.lead_days, 3);
    rc_config_free(config);
}
END_TEST

/* --- references ---------------------------------------------------------------------------------------------- */

static char folder[] = "/tmp/rollcall-config-XXXXXX";

static void write_file(const char *name, const char *content, size_t size)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(content, 1, size, file), size);
    fclose(file);
}

static void remove_file(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    (void)unlink(path);
}

static void make_folder(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void)
{
    remove_file("secret");
    remove_file("large");
    remove_file("rollcall.yaml");
    (void)rmdir(folder);
}

START_TEST(references_take_variables_and_files_as_text)
{
    char text[1024];
    write_file("secret", "from: [a file]\r\n", 16);
    setenv("NUMBER", "99", 1);
    setenv("NOTHING", "", 1);
    snprintf(text, sizeof text,
             KAFKA "  partitions: ${NUMBER}\n  client.id: \"a-${NUMBER}-b\"\n  sasl.password: \"$${NUMBER} $$ $\"\n"
                   "api_token: ${NOTHING}\n" ACME "    name: ${file:%s/secret}\n",
             folder);
    rc_config_t *config = parse(text);
    ck_assert_int_eq(config->kafka.partitions, 99);
    ck_assert_str_eq(rc_config_property(config, "client.id"), "a-99-b");
    ck_assert_str_eq(rc_config_property(config, "sasl.password"), "${NUMBER} $$ $");
    ck_assert_str_eq(config->api_token, "");
    ck_assert_str_eq(config->integrations[0].name, "from: [a file]");
    rc_config_free(config);
}
END_TEST

START_TEST(references_that_lead_nowhere_are_told)
{
    char *large = rc_zalloc(70000), text[1024];
    memset(large, 'x', 70000);
    write_file("large", large, 70000);
    snprintf(text, sizeof text,
             "kafka:\n  bootstrap.servers: ${RC_UNSET}\ninstance: ${file:/nowhere/at/all}\nstate_dir: "
             "${file:%s/large}\napi_token: ${file:%s}\nca_file: ${a b}\nhttp_proxy: ${OPEN\n" ACME,
             folder, folder);
    char *said = complaints(text);
    const char *expected[] = {
        "test.yaml:2: kafka.bootstrap.servers: the environment variable RC_UNSET is not set; set it, or write",
        "test.yaml:3: instance: the file /nowhere/at/all cannot be read (No such file or directory); put",
        "test.yaml:4: state_dir: the file ",
        "longer than 64 KiB",
        "test.yaml:5: api_token: the file ",
        "(no file)",
        "test.yaml:6: ca_file: ${a b} is no reference; write ${NAME}",
        "test.yaml:7: http_proxy: \"${\" is not closed"};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        ck_assert_msg(strstr(said, expected[i]) != NULL, "not said: %s\nsaid:\n%s", expected[i], said);
    free(large);
    free(said);
}
END_TEST

START_TEST(a_file_is_loaded_by_its_path)
{
    char path[256];
    rc_config_t *config = NULL;
    rc_buf_t problems = RC_BUF_INIT(1 << 20);
    snprintf(path, sizeof path, "%s/rollcall.yaml", folder);
    write_file("rollcall.yaml", KAFKA ACME, strlen(KAFKA ACME));
    ck_assert_int_eq(rc_config_load(path, &config, &problems), RC_OK);
    ck_assert_str_eq(config->path, path);
    rc_config_free(config);
    ck_assert_int_eq(rc_config_load("/nowhere.yaml", &config, &problems), RC_CONFIG);
    ck_assert_str_eq(problems.data, "/nowhere.yaml: the configuration cannot be read (No such file or directory); name "
                                    "another with --config\n");
    rc_buf_fini(&problems);
}
END_TEST

/* --- what is refused ----------------------------------------------------------------------------------------- */

/* One wrong line each; the complaint must begin like this. */
static const struct {
    const char *text, *said;
} WRONG[] = {
    {"", "1: kafka.bootstrap.servers: missing; write the brokers"},
    {"kafka: { bootstrap.servers: \"\" }\n" ACME, "1: kafka.bootstrap.servers: missing; write the brokers"},
    {KAFKA, "1: integrations: missing; write at least one entry"},
    {KAFKA "integrations: []\n", "3: integrations: an empty list where a list of 1 to"},
    {KAFKA "integrations: { id: a }\n", "3: integrations: a block of keys where a list"},
    {KAFKA "integrations: [7]\n", "3: integrations[0]: one value where a block of keys"},
    {"- a\n", "1: YAML: a list where a block of keys is expected"},
    {"just text\n", "1: YAML: one value where a block of keys is expected"},
    {KAFKA "integration: 1\n" ACME, "3: integration: unknown key; did you mean integrations?"},
    {KAFKA "bootstrap: 1\n" ACME, "3: bootstrap: unknown key; take it away"},
    {KAFKA "poll_interval: 3h\n" ACME, "3: poll_interval: unknown key here; integrations[].kombo.poll_interval exists"},
    {KAFKA "  partition: 3\n" ACME, "3: kafka.partition: unknown key; did you mean partitions?"},
    {KAFKA "  whatever: 3\n" ACME, "3: kafka.whatever: unknown key"},
    {KAFKA "  retention: 30d\n" ACME, "3: kafka.retention: one value where a block of keys"},
    {KAFKA "  retention: { event: 30d }\n" ACME, "3: kafka.retention.event: unknown key; did you mean events?"},
    {KAFKA "  ssl.ca.location: [a]\n" ACME, "3: kafka.ssl.ca.location: a list where one value is expected"},
    {KAFKA "  client.id: a\n  client.id: b\n" ACME, "4: kafka.client.id: given already in line 3; keep one"},
    {KAFKA "  partitions: 3\n  partitions: 3\n" ACME, "4: kafka.partitions: given already in line 3"},
    {KAFKA "  partitions: 0\n" ACME, "3: kafka.partitions: 0 is out of range; write 1 to 10000"},
    {KAFKA "  partitions: many\n" ACME, "3: kafka.partitions: \"many\" is no whole number; write one like 12"},
    {KAFKA "  partitions: \"12\"\n" ACME,
     "3: kafka.partitions: \"12\" is no whole number; write one like 12, without q"},
    {KAFKA "  partitions: 1.5\n" ACME, "3: kafka.partitions: \"1.5\" is no whole number"},
    {KAFKA "  partitions: 99999999999999999999\n" ACME, "3: kafka.partitions: \"99999999999999999999\" is no whole"},
    {KAFKA "  partitions: [1]\n" ACME, "3: kafka.partitions: a list where one value is expected"},
    {KAFKA "  create_topics: yes\n" ACME, "3: kafka.create_topics: \"yes\" is neither true nor false"},
    {KAFKA "  create_topics: \"true\"\n" ACME,
     "3: kafka.create_topics: \"true\" is neither true nor false; write one o"},
    {KAFKA "  topic_prefix: \"a b\"\n" ACME, "3: kafka.topic_prefix: \"a b\" is no beginning of a topic name"},
    {KAFKA "  retention: { retry: 1d }\n" ACME, "3: kafka.retention.retry: 1d is out of range; write 14d to 3650d"},
    {KAFKA "  retention: { events: 30 }\n" ACME, "3: kafka.retention.events: \"30\" is no duration; write a whole"},
    {KAFKA "schema_registry: { url: registry:8081 }\n" ACME,
     "3: schema_registry.url: \"registry:8081\" is no base addr"},
    {KAFKA "schema_registry: { basic_auth: user }\n" ACME, "3: schema_registry.basic_auth: the value is no login"},
    {KAFKA "instance: a/b\n" ACME, "3: instance: \"a/b\" is not fit for a folder's name"},
    {KAFKA "instance: ..\n" ACME, "3: instance: \"..\" is not fit"},
    {KAFKA "state_dir: \"\"\n" ACME, "3: state_dir: \"\" is empty"},
    {KAFKA "state_dir: \"a\\nb\"\n" ACME, "3: state_dir: \"a b\" is with a line break or a control character"},
    {KAFKA "api_token: \"a b\"\n" ACME, "3: api_token: the value is no token"},
    {KAFKA "log: { level: warning }\n" ACME,
     "3: log.level: \"warning\" is unknown; write one of debug, info, warn, err"},
    {KAFKA "log: { level: inof }\n" ACME, "3: log.level: \"inof\" is unknown; did you mean info?"},
    {KAFKA "notify: { on: hold }\n" ACME, "3: notify.on: one value where a list is expected"},
    {KAFKA "notify: { on: [holds] }\n" ACME, "3: notify.on: \"holds\" is unknown; did you mean hold?"},
    {KAFKA "notify: { url: chat.example }\n" ACME, "3: notify.url: the value is no address"},
    {KAFKA "http_proxy: proxy:3128\n" ACME, "3: http_proxy: \"proxy:3128\" is no proxy; write http://HOST:PORT"},
    {KAFKA "producer: { listen: 8080 }\n" ACME, "3: producer.listen: \"8080\" is no address to listen on"},
    {KAFKA "producer: { listen: \"a:65536\" }\n" ACME, "3: producer.listen: \"a:65536\" is no address"},
    {KAFKA "producer: { max_page_size: 64MB }\n" ACME, "3: producer.max_page_size: \"64MB\" is no size"},
    {KAFKA "producer: { max_page_size: 2GiB }\n" ACME,
     "3: producer.max_page_size: 2GiB is out of range; write 1KiB to"},
    {KAFKA "consumer: { retry_delays: [] }\n" ACME, "3: consumer.retry_delays: 0 entries; write 1 to 8"},
    {KAFKA "consumer: { retry_delays: [5m, 30s] }\n" ACME, "3: consumer.retry_delays: 30s does not come after 5m"},
    {KAFKA "consumer: { retry_delays: [5m, 300s] }\n" ACME, "3: consumer.retry_delays: 300s does not come after 5m"},
    {KAFKA "consumer: { retry_delays: ~ }\n" ACME, "3: consumer.retry_delays: nothing where a list is expected"},
    {KAFKA "consumer: { dead_letter_budget: { percent: 101 } }\n" ACME, "3: consumer.dead_letter_budget.percent: 101"},
    {KAFKA ACME "    timezone: Europe/Berlln\n", "7: integrations[0].timezone: \"Europe/Berlln\" is no time zone"},
    {KAFKA ACME "    kombi: 1\n", "7: integrations[0].kombi: unknown key; did you mean kombo?"},
    {KAFKA ACME "    policy: { create: 36h }\n", "7: integrations[0].policy.create: \"36h\" is no time before"},
    {KAFKA ACME "    policy: { create: soon }\n", "7: integrations[0].policy.create: \"soon\" is no time before"},
    {KAFKA ACME "    policy: { invite: always }\n",
     "7: integrations[0].policy.invite: \"always\" is unknown; write one"},
    {KAFKA ACME "    policy: { primary_team: [SQUAD] }\n", "7: integrations[0].policy.primary_team: \"SQUAD\" is unk"},
    {KAFKA ACME "    policy: { primary_team: [TEAM, TEAM] }\n",
     "7: integrations[0].policy.primary_team: TEAM stands t"},
    {KAFKA ACME "    policy: { swap_address: swap@acme.example }\n",
     "7: integrations[0].policy.swap_address: \"swap@a"},
    {KAFKA ACME "    policy: { swap_address: \"{id}\" }\n",
     "7: integrations[0].policy.swap_address: \"{id}\" is no ad"},
    {KAFKA ACME "    policy: { scope: { groups: [\"\"] } }\n",
     "7: integrations[0].policy.scope.groups: entry 1 is emp"},
    {KAFKA ACME "    policy: { brakes: { creations: 5 } }\n",
     "7: integrations[0].policy.brakes.creations: one value w"},
    {KAFKA ACME "    policy: { brakes: { creations: { percent: -1 } } }\n",
     "7: integrations[0].policy.brakes.creations"},
    {KAFKA ACME "    mapping: [a]\n", "7: integrations[0].mapping: a list where at most"},
    {KAFKA ACME "    mapping: { email: work_email }\n", "7: integrations[0].mapping: firstName is missing, and"},
    {KAFKA ACME "    mapping: { emails: work_email }\n",
     "7: integrations[0].mapping.emails: unknown parameter; did you m"},
    {KAFKA ACME "    mapping: { department: job_title }\n",
     "7: integrations[0].mapping.department: unknown parameter; "},
    {KAFKA ACME "    mapping: { custom: job_title }\n", "7: integrations[0].mapping.custom: unknown parameter; write"},
    {KAFKA ACME "    mapping: { \"custom:\": job_title }\n",
     "7: integrations[0].mapping.custom:: names no custom field"},
    {KAFKA ACME "    mapping: { jobTitle: job_titel }\n",
     "7: integrations[0].mapping.jobTitle: \"job_titel\" is no fiel"},
    {KAFKA ACME "    mapping: { jobTitle: manager.salary }\n",
     "7: integrations[0].mapping.jobTitle: \"manager.salary\" "},
    {KAFKA ACME "    mapping: { jobTitle: manager }\n", "7: integrations[0].mapping.jobTitle: manager has parts; take"},
    {KAFKA ACME "    mapping: { jobTitle: custom_fields }\n",
     "7: integrations[0].mapping.jobTitle: custom_fields has p"},
    {KAFKA ACME "    mapping: { jobTitle: custom_fields. }\n",
     "7: integrations[0].mapping.jobTitle: custom_fields has "},
    {KAFKA ACME "    mapping: { jobTitle: tax_id }\n",
     "7: integrations[0].mapping.jobTitle: tax_id is nothing that a l"},
    {KAFKA ACME "    mapping: { jobTitle: bank_accounts.iban }\n",
     "7: integrations[0].mapping.jobTitle: bank_accounts."},
    {KAFKA ACME "    mapping: { jobTitle: home_address.city }\n",
     "7: integrations[0].mapping.jobTitle: home_address.ci"},
    {KAFKA ACME "    mapping: { hireDate: job_title }\n",
     "7: integrations[0].mapping.hireDate: job_title is no date; t"},
    {KAFKA ACME "    mapping: { jobTitle: ~ }\n", "7: integrations[0].mapping.jobTitle: nothing where a field is exp"},
    {KAFKA ACME "    mapping:\n      email: work_email\n      email: personal_email\n",
     "9: integrations[0].mapping.email: mapped already in line 8; keep one of the two"},
    {KAFKA ACME "    mapping:\n      \"custom:A\": gender\n      \"custom:A\": id\n",
     "9: integrations[0].mapping.custom:A: mapped already in line 8; keep one of the two"},
    {KAFKA "integrations:\n  - id: acme\n    kombo: {api_key: a}\n    learnamp: {client_id: a, client_secret: b}\n",
     "4: integrations[0].id: \"acme\" is no Kombo integration id; write it as Kombo shows it"},
    {KAFKA "integrations:\n  - id: a:b/c\n    kombo: {api_key: a}\n    learnamp: {client_id: a, client_secret: b}\n",
     "4: integrations[0].id: \"a:b/c\" is no Kombo integration id"},
    {KAFKA ACME "  - id: personio:acme\n    kombo: {api_key: a}\n    learnamp: {client_id: a, client_secret: b}\n",
     "7: integrations[1].id: personio:acme is the id of the integration in line 4 too"},
    {KAFKA "integrations:\n  - id: personio:a\n    learnamp: {client_id: a, client_secret: b}\n",
     "4: integrations[0].kombo.api_key: missing; write it, like ${KOMBO_API_KEY}"},
    {KAFKA
     "integrations:\n  - id: personio:a\n    kombo: {api_key: \"\"}\n    learnamp: {client_id: a, client_secret: b}\n",
     "5: integrations[0].kombo.api_key: the value is empty; write a value"},
    {KAFKA ACME "    kombo: { base_url: https://api.kombo.dev/v1?x=1, api_key: k }\n",
     "7: integrations[0].kombo: given al"},
    /* YAML itself */
    {KAFKA "log: { level: info\n", "4: YAML: "},
    {KAFKA "log: { level: ${LEVEL} }\n",
     "3: YAML: did not find expected ',' or '}', while parsing a flow mapping; write "},
    {KAFKA "\tlog: 1\n", "3: YAML: "},
    {KAFKA "log: \"info\n", "4: YAML: "},
    {KAFKA "log: *nowhere\n", "3: YAML: an alias (*…) names an anchor that does not end above"},
    {KAFKA ACME "---\nkafka: 1\n", "7: YAML: a second document (---) begins; keep one"},
    {KAFKA "log: !!python/object:os.system { level: info }\n" ACME, ""},
    {KAFKA "log: !secret info\n" ACME, "3: YAML: a tag (!…) has no meaning here"},
    {KAFKA "? [a, b]\n: 1\n" ACME, "3: YAML: a list as a key"},
    {KAFKA "log: { <<: 7 }\n" ACME, "3: YAML: \"<<\" takes over what is no block of keys"},
    {KAFKA "log: &self { <<: *self }\n" ACME, "3: YAML: an alias (*…) names an anchor that does not end above"},
    {KAFKA "api_token: \"a\\0b\"\n" ACME, "3: YAML: a value holds a NUL character"},
    {KAFKA "log: \"\xff\"\n", "1: YAML: "},
};

START_TEST(a_wrong_line_is_named_with_its_mend)
{
    char *said = complaints(WRONG[_i].text), expected[512];
    if (!*WRONG[_i].said) { /* YAML's own tags are let through */
        ck_assert_str_eq(said, "");
    } else {
        snprintf(expected, sizeof expected, "test.yaml:%s", WRONG[_i].said);
        ck_assert_msg(strstr(said, expected) != NULL, "expected: %s\nsaid:\n%s", expected, said);
    }
    free(said);
}
END_TEST

START_TEST(every_complaint_has_file_line_key_and_mend)
{
    char *said = complaints(WRONG[_i].text);
    for (char *line = said, *next; *line; line = next) {
        next = strchr(line, '\n') + 1;
        next[-1] = '\0';
        int number = 0, end = 0;
        ck_assert_msg(sscanf(line, "test.yaml:%d: %n", &number, &end) == 1 && end > 0 && number > 0, "%s", line);
        ck_assert_msg(strstr(line + end, ": ") != NULL, "%s", line);
        ck_assert_msg(strchr(line + end, ';') || strchr(line + end, '?'), "no mend: %s", line);
    }
    free(said);
}
END_TEST

START_TEST(all_problems_are_said_at_once_sorted_by_line)
{
    char *said = complaints("integrations:\n"
                            "  - name: Acme\n"
                            "    kombo: { page_size: 500 }\n"
                            "    mapping: { emial: work_email }\n"
                            "unknown: 1\n"
                            "kafka:\n"
                            "  partitions: none\n");
    static const char expected[] =
        "test.yaml:2: integrations[0].id: missing; write it, like personio:CBNMt7dSNCzBdnRTx87dev4E\n"
        "test.yaml:2: integrations[0].learnamp.client_id: missing; write it, like ${LEARNAMP_CLIENT_ID}\n"
        "test.yaml:2: integrations[0].learnamp.client_secret: missing; write it, like ${LEARNAMP_CLIENT_SECRET}\n"
        "test.yaml:3: integrations[0].kombo.page_size: 500 is out of range; write 1 to 250\n"
        "test.yaml:3: integrations[0].kombo.api_key: missing; write it, like ${KOMBO_API_KEY}\n"
        "test.yaml:4: integrations[0].mapping.emial: unknown parameter; did you mean email?\n"
        "test.yaml:5: unknown: unknown key; take it away (docs/configuration.md lists all)\n"
        "test.yaml:6: kafka.bootstrap.servers: missing; write the brokers as HOST:PORT, several separated by commas\n"
        "test.yaml:7: kafka.partitions: \"none\" is no whole number; write one like 12\n";
    ck_assert_str_eq(said, expected);
    free(said);
}
END_TEST

START_TEST(properties_that_guarantees_rest_on_are_refused_with_a_reason)
{
    char text[512], expected[128];
    snprintf(text, sizeof text, KAFKA "  %s: 1\n" ACME, RC_REFUSED_PROPERTIES[_i].name);
    snprintf(expected, sizeof expected,
             "test.yaml:3: kafka.%s: the program sets this property itself: ", RC_REFUSED_PROPERTIES[_i].name);
    char *said = complaints(text);
    ck_assert_msg(strncmp(said, expected, strlen(expected)) == 0, "%s", said);
    free(said);
}
END_TEST

START_TEST(properties_that_librdkafka_does_not_take_are_named_with_all_other_problems)
{
    char *said = complaints(KAFKA "  securty.protocol: ssl\n  socket.timeout.ms: soon\n  compression.type: lz4\n"
                                  "  security.protocol: tls\n  debug: \"\"\nwrong: 1\n" ACME);
    static const char *const lines[] = {
        "test.yaml:3: kafka.securty.protocol: unknown property; see the settings under `kafka:` and ",
        "test.yaml:4: kafka.socket.timeout.ms: ",
        "test.yaml:6: kafka.security.protocol: ",
        "test.yaml:7: kafka.debug: ",
        "test.yaml:8: wrong: unknown key",
    };
    const char *line = said;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        ck_assert_msg(strncmp(line, lines[i], strlen(lines[i])) == 0, "%s", said);
        line += strcspn(line, "\n") + 1;
    }
    ck_assert_str_eq(line, "");
    free(said);
}
END_TEST

START_TEST(a_base_address_is_an_http_address_and_nothing_more)
{
    static const struct {
        const char *url;
        bool fine;
    } cases[] = {
        {"https://api.kombo.dev/v1", true},
        {"http://127.0.0.1:18080", true},
        {"https://[::1]:8443/x", true},
        {"HTTPS://API.KOMBO.DEV", true},
        {"https://api.kombo.dev/", true},
        {"ftp://api.kombo.dev", false},
        {"https://", false},
        {"https:///v1", false},
        {"https://a b", false},
        {"https://a?x=1", false},
        {"https://a#x", false},
        {"https://user:pass@a", false},
        {"https://a:0", false},
        {"https://a:65536", false},
        {"https://a:x", false},
        {"https://[::1", false},
        {"https://a:", false},
        {"api.kombo.dev", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        snprintf(text, sizeof text, KAFKA "schema_registry: { url: \"%s\" }\n" ACME, cases[i].url);
        char *said = complaints(text);
        ck_assert_msg((*said == '\0') == cases[i].fine, "%s: %s", cases[i].url, said);
        free(said);
    }
}
END_TEST

START_TEST(problems_never_quote_a_secret)
{
    setenv("RC_SECRET", "s3cr3t value", 1);
    char *said = complaints(KAFKA "  sasl.password: [s3cr3t]\nschema_registry: { basic_auth: s3cr3t }\n"
                                  "api_token: ${RC_SECRET}\nnotify: { url: s3cr3t }\n"
                                  "integrations:\n  - id: a:b\n    kombo: { api_key: \"${RC_SECRET}\" }\n");
    ck_assert_ptr_null(strstr(said, "s3cr3t"));
    ck_assert_ptr_nonnull(strstr(said, "integrations[0].kombo.api_key: the value is no token"));
    free(said);
}
END_TEST

/* --- hostile files ------------------------------------------------------------------------------------------- */

START_TEST(deep_nesting_ends_in_a_complaint)
{
    size_t depth = 200000;
    char *text = rc_alloc(depth + 8);
    memcpy(text, "log: ", 5);
    memset(text + 5, '[', depth);
    text[5 + depth] = '\0';
    char *said = complaints(text);
    ck_assert_ptr_nonnull(strstr(said, "test.yaml:1: YAML: nested deeper than any setting is"));
    free(said);
    free(text);
}
END_TEST

START_TEST(alias_bombs_cost_nothing)
{
    /* 10 levels of 9 aliases: three billion nodes if anybody copied them. */
    rc_buf_t text = RC_BUF_INIT(1 << 20);
    rc_buf_add_str(&text, "a0: &a0 [x]\n");
    for (int i = 1; i < 11; i++) {
        rc_buf_add_format(&text, "a%d: &a%d [", i, i);
        for (int k = 0; k < 9; k++) rc_buf_add_format(&text, "%s*a%d", k ? ", " : "", i - 1);
        rc_buf_add_str(&text, "]\n");
    }
    rc_buf_add_str(&text, "integrations: *a10\n");
    char *said = complaints(text.data);
    ck_assert_ptr_nonnull(strstr(said, "integrations[8]: a list where a block"));
    free(said);
    rc_buf_fini(&text);
}
END_TEST

START_TEST(merge_bombs_are_capped)
{
    rc_buf_t text = RC_BUF_INIT(1 << 20);
    rc_buf_add_str(&text, "a: &a {");
    for (int i = 0; i < 300; i++) rc_buf_add_format(&text, "k%d: 1, ", i);
    rc_buf_add_str(&text, "}\n");
    for (int i = 0; i < 40; i++) rc_buf_add_format(&text, "b%d: { <<: *a }\n", i);
    char *said = complaints(text.data);
    ck_assert_ptr_nonnull(strstr(said, "\"<<\" makes more keys than a configuration can have"));
    free(said);
    rc_buf_fini(&text);
}
END_TEST

START_TEST(thousands_of_problems_are_cut_with_their_number)
{
    rc_buf_t text = RC_BUF_INIT(1 << 20);
    rc_buf_add_str(&text, KAFKA "wrong: &w { q1: 1, q2: 2, q3: 3 }\nintegrations:\n");
    for (int i = 0; i < 5000; i++) rc_buf_add_str(&text, "- *w\n");
    char *said = complaints(text.data);
    ck_assert_ptr_nonnull(strstr(said, " more problems are left out; mend these first\n"));
    ck_assert_uint_lt(strlen(said), 100000);
    free(said);
    rc_buf_fini(&text);
}
END_TEST

START_TEST(a_file_beyond_the_cap_is_refused)
{
    size_t size = RC_YAML_TEXT_MAX + 1;
    char *text = rc_alloc(size + 1);
    memset(text, '#', size);
    text[size] = '\0';
    char *said = complaints(text);
    ck_assert_ptr_nonnull(strstr(said, "test.yaml:1: YAML: longer than 4 MiB"));
    free(said);
    free(text);
}
END_TEST

/* --- what is printed ----------------------------------------------------------------------------------------- */

static char *print(const rc_config_t *config)
{
    rc_buf_t yaml = RC_BUF_INIT(1 << 20);
    rc_config_print(config, &yaml);
    return rc_buf_take(&yaml);
}

/* Puts a value of the same length where a mask is no value of its kind. */
static void give(char *text, const char *mask, const char *value)
{
    char *at = strstr(text, mask);
    if (at) memcpy(at, value, strlen(value));
}

START_TEST(what_is_printed_reads_the_same_again)
{
    static const char *const files[] = {KAFKA ACME, EVERYTHING, KAFKA ACME "    name: '${x}$${y}'\n",
                                        KAFKA ACME "    name: \"a \\\\ # : [x] 'q' \\u00e4 ~\"\n"};
    setenv("KOMBO", "$${NOT} ${A}", 1);
    setenv("x", "${y}", 1);
    rc_config_t *config = parse(files[_i]);
    char *first = print(config);
    give(first, "basic_auth: \"********\"", "basic_auth: \"a:b\"     ");
    give(first, "url: \"********\"", "url: http://a/b");
    rc_config_t *again = parse(first);
    if (_i) ck_assert_str_eq(again->integrations[0].name, config->integrations[0].name);
    rc_integration_t *a = &config->integrations[0], *b = &again->integrations[0];
    char digest_a[RC_DIGEST_SIZE], digest_b[RC_DIGEST_SIZE];
    ck_assert_str_eq(rc_integration_digest(a, digest_a), rc_integration_digest(b, digest_b));
    ck_assert_int_eq(memcmp(a->policy.brakes, b->policy.brakes, sizeof a->policy.brakes), 0);
    ck_assert_uint_eq(config->kafka.properties_count, again->kafka.properties_count);
    rc_config_free(config);
    rc_config_free(again);
    free(first);
}
END_TEST

START_TEST(secrets_are_masked_in_print)
{
    rc_config_t *config = parse_everything();
    char *text = print(config);
    ck_assert_msg(strstr(text, "-secret") == NULL, "%s", text);
    ck_assert_ptr_nonnull(strstr(text, "  sasl.password: \"********\"\n"));
    ck_assert_ptr_nonnull(strstr(text, "http_proxy: \"http://********@proxy:3128\"\n"));
    ck_assert_ptr_nonnull(strstr(text, "      api_key: \"********\"\n"));
    free(text);
    rc_config_free(config);
}
END_TEST

START_TEST(defaults_are_marked_in_print)
{
    rc_config_t *config = parse(KAFKA "  partitions: 12\n" ACME);
    char *text = print(config);
    ck_assert_ptr_nonnull(strstr(text, "\n  partitions: 12\n"));
    ck_assert_ptr_nonnull(strstr(text, "\n  replication_factor: 3  # default\n"));
    ck_assert_ptr_nonnull(strstr(text, "\n      jobTitle: job_title  # default\n"));
    free(text);
    rc_config_free(config);
}
END_TEST

/* --- the digest ---------------------------------------------------------------------------------------------- */

static void digest_of(const char *rest, char digest[RC_DIGEST_SIZE])
{
    char *text = rc_sprintf(KAFKA ACME "%s", rest);
    rc_config_t *config = parse(text);
    rc_integration_digest(&config->integrations[0], digest);
    rc_config_free(config);
    free(text);
}

START_TEST(the_digest_follows_all_that_projections_depend_on)
{
    static const struct {
        const char *text;
        bool same;
    } cases[] = {
        {"    timezone: Europe/Berlin\n", false},
        {"    policy: { create: 0d }\n", false},
        {"    policy: { deactivate_on: status }\n", false},
        {"    policy: { primary_team: [DEPARTMENT, TEAM] }\n", false},
        {"    policy: { secondary_teams: [TEAM] }\n", false},
        {"    policy: { on_null: keep }\n", false},
        {"    policy: { scope: { groups: [a] } }\n", false},
        {"    policy: { scope: { groups: [\"a, b\"] } }\n", false},
        {"    policy: { scope: { locations: [a] } }\n", false},
        {"    mapping: { firstName: first_name, lastName: last_name, email: work_email }\n", false},
        {"    name: Acme\n", true},
        {"    timezone: UTC\n", true},
        {"    policy: { create: immediately, brakes: { deactivations: { count: 1 } } }\n", true},
        {"    mapping: { leaveDate: termination_date, hireDate: start_date, location: work_location.name, avatar: "
         "avatar, jobTitle: job_title, email: work_email, lastName: last_name, firstName: first_name }\n",
         true},
    };
    char plain[RC_DIGEST_SIZE], digests[sizeof cases / sizeof *cases][RC_DIGEST_SIZE];
    digest_of("", plain);
    ck_assert_uint_eq(strspn(plain, "0123456789abcdef"), 16);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        digest_of(cases[i].text, digests[i]);
        ck_assert_msg((strcmp(digests[i], plain) == 0) == cases[i].same, "%s", cases[i].text);
        for (size_t k = 0; k < i && !cases[i].same; k++) ck_assert_str_ne(digests[i], digests[k]);
    }
}
END_TEST

/* --- the table ----------------------------------------------------------------------------------------------- */

START_TEST(the_reference_page_is_fresh)
{
    rc_buf_t page = RC_BUF_INIT(1 << 20), there = RC_BUF_INIT(1 << 20);
    char block[4096];
    rc_config_print_docs(&page);
    FILE *file = fopen("docs/configuration.md", "r");
    ck_assert_msg(file != NULL, "docs/configuration.md: run tests/support/pages.sh");
    for (size_t got; (got = fread(block, 1, sizeof block, file)) > 0;) rc_buf_add(&there, block, got);
    fclose(file);
    ck_assert_msg(strcmp(page.data, there.data) == 0, "docs/configuration.md is stale: run tests/support/pages.sh");
    rc_buf_fini(&page);
    rc_buf_fini(&there);
}
END_TEST

/* Two tables name Kombo's fields: what may be mapped, and how it is read. */
START_TEST(every_source_of_a_mapping_is_read_by_the_parser)
{
    for (const rc_source_t *source = RC_SOURCES; source->path; source++) {
        char path[128];
        const char *paths[] = {path};
        rc_kombo_fields_t *fields = NULL;
        rc_error_t error = RC_ERROR_INIT;
        snprintf(path, sizeof path, "%s%s", source->path, source->kind == RC_SOURCE_OPEN ? ".key" : "");
        if (source->kind == RC_SOURCE_REFUSED) continue;
        ck_assert_msg(rc_kombo_fields_new(paths, 1, &fields, &error) == RC_OK, "%s", error.message);
        rc_kombo_fields_free(fields);
    }
}
END_TEST

START_TEST(every_setting_is_described)
{
    for (size_t i = 0; i < RC_SETTINGS_COUNT; i++) {
        const rc_setting_t *setting = &RC_SETTINGS[i];
        bool inlined = strstr(setting->path, ".brakes.") != NULL;
        ck_assert_msg(setting->help != NULL || inlined, "%s", setting->path);
        ck_assert_msg(setting->initial || setting->example || setting->kind == RC_SETTING_BLOCK ||
                          setting->kind == RC_SETTING_ITEMS || setting->kind == RC_SETTING_MAPPING,
                      "%s has neither default nor example", setting->path);
        ck_assert_ptr_eq(rc_setting_find(setting->path), setting);
    }
}
END_TEST

START_TEST(the_instance_can_be_set_from_outside)
{
    rc_error_t error = RC_ERROR_INIT;
    rc_config_t *config = parse(KAFKA ACME);
    ck_assert_int_eq(rc_config_set_instance(config, "green", &error), RC_OK);
    ck_assert_str_eq(config->instance, "green");
    ck_assert_int_eq(rc_config_set_instance(config, "../x", &error), RC_USAGE);
    ck_assert_int_eq(rc_config_set_instance(config, "", &error), RC_USAGE);
    ck_assert_str_eq(config->instance, "green");
    rc_config_free(config);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static int refused_count(void)
{
    int count = 0;
    while (RC_REFUSED_PROPERTIES[count].name) count++;
    return count;
}

int main(void)
{
    Suite *suite = suite_create("config");
    TCase *read = tcase_create("what is read"), *wrong = tcase_create("what is refused"),
          *hostile = tcase_create("hostile files"), *printed = tcase_create("what is printed");
    tcase_add_unchecked_fixture(read, make_folder, remove_folder);
    tcase_add_test(read, config_defaults_are_the_contracts);
    tcase_add_test(read, integration_defaults_are_the_contracts);
    tcase_add_test(read, every_setting_of_the_file_is_read);
    tcase_add_test(read, values_arrive_as_they_were_written);
    tcase_add_test(read, keys_without_a_value_are_left_out);
    tcase_add_test(read, anchors_and_merges_share_a_policy);
    tcase_add_test(read, references_take_variables_and_files_as_text);
    tcase_add_test(read, references_that_lead_nowhere_are_told);
    tcase_add_test(read, a_file_is_loaded_by_its_path);
    tcase_add_loop_test(wrong, a_wrong_line_is_named_with_its_mend, 0, COUNT(WRONG));
    tcase_add_loop_test(wrong, every_complaint_has_file_line_key_and_mend, 0, COUNT(WRONG));
    tcase_add_test(wrong, all_problems_are_said_at_once_sorted_by_line);
    tcase_add_test(wrong, properties_that_librdkafka_does_not_take_are_named_with_all_other_problems);
    tcase_add_loop_test(wrong, properties_that_guarantees_rest_on_are_refused_with_a_reason, 0, refused_count());
    tcase_add_test(wrong, a_base_address_is_an_http_address_and_nothing_more);
    tcase_add_test(wrong, problems_never_quote_a_secret);
    tcase_add_test(hostile, deep_nesting_ends_in_a_complaint);
    tcase_add_test(hostile, alias_bombs_cost_nothing);
    tcase_add_test(hostile, merge_bombs_are_capped);
    tcase_add_test(hostile, thousands_of_problems_are_cut_with_their_number);
    tcase_add_test(hostile, a_file_beyond_the_cap_is_refused);
    tcase_add_loop_test(printed, what_is_printed_reads_the_same_again, 0, 4);
    tcase_add_test(printed, secrets_are_masked_in_print);
    tcase_add_test(printed, defaults_are_marked_in_print);
    tcase_add_test(printed, the_digest_follows_all_that_projections_depend_on);
    tcase_add_test(printed, the_reference_page_is_fresh);
    tcase_add_test(printed, every_setting_is_described);
    tcase_add_test(printed, every_source_of_a_mapping_is_read_by_the_parser);
    tcase_add_test(printed, the_instance_can_be_set_from_outside);
    suite_add_tcase(suite, read);
    suite_add_tcase(suite, wrong);
    suite_add_tcase(suite, hostile);
    suite_add_tcase(suite, printed);
    return rc_unit_run(suite);
}
