/* producer/service/delivery: whom to believe, and what a delivery calls for, by Kombo's own description. */
#include "producer/service/delivery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hmac.h"
#include "common/json.h"
#include "common/mem.h"
#include "tests/support/unit.h"

#define CONTRACT "tests/sandbox/contract/kombo-hris.openapi.json"
#define ID       "personio:CBNMt7dSNCzBdnRTx87dev4E"

static rc_integration_t integrations[] = {
    {.id = ID, .kombo.webhook_secret = "whsec-example"},
    {.id = "personio:other", .kombo.webhook_secret = "another"},
    {.id = "personio:silent", .kombo.webhook_secret = ""},
};
static const rc_config_t config = {.integrations = integrations, .integrations_count = 3};
static rc_delivery_t delivery;

static rc_delivery_verdict_t judge(const char *body, const char *signature)
{
    rc_delivery_judge(&config, body, strlen(body), signature, &delivery);
    return delivery.verdict;
}

static rc_delivery_verdict_t judge_signed(const char *body)
{
    char signature[RC_HMAC_TEXT_SIZE];
    return judge(body, rc_kombo_sign("whsec-example", body, strlen(body), signature));
}

static json_t *contract(void)
{
    FILE *file = fopen(CONTRACT, "re");
    ck_assert_msg(file != NULL, "run this in the root of the repository");
    char *text = rc_alloc(1 << 20);
    size_t size = fread(text, 1, 1 << 20, file);
    (void)fclose(file);
    json_t *json;
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_msg(rc_json_parse(text, size, &json, &error) == RC_OK, "%s", error.message);
    free(text);
    return json;
}

static json_t *at(json_t *json, const char *const *path)
{
    for (; *path; path++) json = json_object_get(json, *path);
    return json;
}

/* Signatures made with Python's hmac over Kombo's examples, written compactly, under "whsec-example". */
START_TEST(kombos_own_examples_are_believed_and_each_is_a_poll)
{
    static const struct {
        const char *type, *signature;
    } cases[] = {{"data-changed", "M0J-bvEi0RqixKIqtUzI0e7LVehuIZra0z-ZF65Ficw"},
                 {"sync-finished", "KNQl5ruW9GchqoseRY0ezki1I5r6xgapSQj0AaVmjOg"},
                 {"integration-state-changed", "z5-rfTqYXiAJ5Wu9BtTFXH94MZbrhqThMxpKWAdfwFA"},
                 {"integration-deleted", "ge8g2FeopVLV54JkvLlZ0jP3-YlfflUy_dV8Tim9ZyU"}};
    json_t *json = contract();
    ck_assert_uint_eq(json_object_size(json_object_get(json, "webhooks")), sizeof cases / sizeof *cases);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *example = at(json, (const char *[]){"webhooks", cases[i].type, "post", "requestBody", "content",
                                                    "application/json", "example", NULL});
        char *body = rc_json_text(example, false);
        ck_assert_int_eq(judge(body, cases[i].signature), RC_DELIVERY_POLL);
        ck_assert_ptr_eq(delivery.integration, &integrations[0]);
        ck_assert_str_eq(delivery.type, cases[i].type);
        /* Python's uuid5(UUID(RC_UUID_WEBHOOK_NAMESPACE), "<integration>|<webhook id>") */
        ck_assert_str_eq(delivery.command_id, "079e25a5-6ae1-57f7-90a5-964d85a351d1");
        free(body);
    }
    json_decref(json);
}
END_TEST

static rc_delivery_verdict_t judge_models(const char *models)
{
    char body[512];
    (void)snprintf(body, sizeof body,
                   "{\"id\":\"1\",\"type\":\"data-changed\",\"data\":{\"integration_id\":\"" ID
                   "\",\"changed_models\":%s}}",
                   models);
    return judge_signed(body);
}

/* Each model that Kombo's description names, so that a new one asks for a decision. */
START_TEST(only_what_may_change_an_employee_is_a_poll)
{
    static const char *const polls[] = {"hris_legal_entities", "hris_locations", "hris_employees",
                                        "hris_employments",    "hris_teams",     "hris_join_employees_teams"};
    json_t *json = contract(), *name;
    json_t *names = at(json, (const char *[]){"components", "schemas", "DataChangedWebhookPayload", "properties",
                                              "data", "properties", "changed_models", NULL});
    names = at(names, (const char *[]){"items", "properties", "name", "enum", NULL});
    ck_assert_uint_gt(json_array_size(names), 40);
    size_t i, found = 0;
    json_array_foreach(names, i, name)
    {
        char models[160];
        (void)snprintf(models, sizeof models, "[{\"name\":\"%s\"}]", json_string_value(name));
        bool wanted = false;
        for (size_t j = 0; j < sizeof polls / sizeof *polls; j++) wanted |= !strcmp(polls[j], json_string_value(name));
        ck_assert_msg(judge_models(models) == (wanted ? RC_DELIVERY_POLL : RC_DELIVERY_IGNORED), "%s", models);
        found += wanted;
    }
    ck_assert_uint_eq(found, sizeof polls / sizeof *polls);
    json_decref(json);
}
END_TEST

START_TEST(one_model_that_matters_or_that_nobody_knows_is_enough)
{
    static const struct {
        const char *models;
        rc_delivery_verdict_t verdict;
    } cases[] = {{"[{\"name\":\"hris_absences\"},{\"name\":\"hris_teams\"}]", RC_DELIVERY_POLL},
                 {"[{\"name\":\"hris_absences\"},{\"name\":\"ats_jobs\"}]", RC_DELIVERY_IGNORED},
                 {"[{\"name\":\"hris_new_thing\"}]", RC_DELIVERY_POLL},
                 {"[{\"name\":\"hris_absences_of_a_new_kind\"}]", RC_DELIVERY_POLL},
                 {"[{}]", RC_DELIVERY_POLL},
                 {"[\"hris_absences\"]", RC_DELIVERY_POLL},
                 {"[]", RC_DELIVERY_POLL},
                 {"null", RC_DELIVERY_POLL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(judge_models(cases[i].models) == cases[i].verdict, "%s", cases[i].models);
}
END_TEST

START_TEST(other_types_are_ignored_and_each_delivery_has_its_own_command)
{
    char first[RC_UUID_STR_SIZE];
    ck_assert_int_eq(
        judge_signed("{\"id\":\"1\",\"type\":\"connection-flow-failed\",\"data\":{\"integration_id\":\"" ID "\"}}"),
        RC_DELIVERY_IGNORED);
    ck_assert_str_eq(delivery.type, "other");
    ck_assert_int_eq(judge_models("[]"), RC_DELIVERY_POLL);
    (void)strcpy(first, delivery.command_id);
    ck_assert_int_eq(judge_signed("{\"type\":\"data-changed\",\"data\":{\"integration_id\":\"" ID "\"},\"id\":\"2\"}"),
                     RC_DELIVERY_POLL);
    ck_assert_str_ne(first, delivery.command_id);
}
END_TEST

START_TEST(nothing_is_believed_without_the_signature_of_that_integration)
{
    static const char body[] = "{\"id\":\"1\",\"type\":\"data-changed\",\"data\":{\"integration_id\":\"" ID "\"}}";
    static const char silent[] =
        "{\"id\":\"1\",\"type\":\"data-changed\",\"data\":{\"integration_id\":\"personio:silent\"}}";
    static const char unknown[] =
        "{\"id\":\"1\",\"type\":\"data-changed\",\"data\":{\"integration_id\":\"personio:unknown\"}}";
    char good[RC_HMAC_TEXT_SIZE], of_other[RC_HMAC_TEXT_SIZE], of_empty[RC_HMAC_TEXT_SIZE], of_dummy[RC_HMAC_TEXT_SIZE];
    rc_kombo_sign("whsec-example", body, strlen(body), good);
    rc_kombo_sign("another", body, strlen(body), of_other);
    rc_kombo_sign("", silent, strlen(silent), of_empty);
    ck_assert_int_eq(judge(body, good), RC_DELIVERY_POLL);
    ck_assert_int_eq(judge(body, of_other), RC_DELIVERY_BAD_SIGNATURE);
    ck_assert_ptr_null(delivery.integration);
    ck_assert_str_eq(delivery.claim, ID);
    ck_assert_int_eq(judge(body, ""), RC_DELIVERY_BAD_SIGNATURE);
    ck_assert_int_eq(judge(body, NULL), RC_DELIVERY_NO_SIGNATURE);
    ck_assert_int_eq(judge(silent, of_empty), RC_DELIVERY_NO_SECRET);
    /* What stands in for a secret that is not there opens nothing. */
    rc_kombo_sign("in place of a secret", silent, strlen(silent), of_dummy);
    ck_assert_int_eq(judge(silent, of_dummy), RC_DELIVERY_NO_SECRET);
    rc_kombo_sign("in place of a secret", unknown, strlen(unknown), of_dummy);
    ck_assert_int_eq(judge(unknown, of_dummy), RC_DELIVERY_UNKNOWN_INTEGRATION);
    ck_assert_int_eq(judge("{}", good), RC_DELIVERY_UNKNOWN_INTEGRATION);
    ck_assert_int_eq(judge("{\"data\":{\"integration_id\":7}}", good), RC_DELIVERY_UNKNOWN_INTEGRATION);
    ck_assert_int_eq(judge("{\"data\":{\"integration_id\":\"ada@acme.example: x\"}}", good),
                     RC_DELIVERY_UNKNOWN_INTEGRATION);
    ck_assert_str_eq(delivery.claim, ""); /* no such text reaches the log */
}
END_TEST

START_TEST(what_is_no_json_object_or_lacks_id_or_type_is_malformed)
{
    static const char *const raw[] = {"", "x", "[]", "7", "{\"a\":1}{", "{\"a\":1,\"a\":2}"};
    static const char *const sealed[] = {"{\"type\":\"data-changed\",\"data\":{\"integration_id\":\"" ID "\"}}",
                                         "{\"id\":\"\",\"type\":\"x\",\"data\":{\"integration_id\":\"" ID "\"}}",
                                         "{\"id\":\"1\",\"data\":{\"integration_id\":\"" ID "\"}}",
                                         "{\"id\":1,\"type\":2,\"data\":{\"integration_id\":\"" ID "\"}}"};
    for (size_t i = 0; i < sizeof raw / sizeof *raw; i++)
        ck_assert_msg(judge(raw[i], "x") == RC_DELIVERY_MALFORMED, "%s", raw[i]);
    for (size_t i = 0; i < sizeof sealed / sizeof *sealed; i++)
        ck_assert_msg(judge_signed(sealed[i]) == RC_DELIVERY_MALFORMED, "%s", sealed[i]);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("delivery");
    TCase *tests = tcase_create("delivery");
    tcase_add_test(tests, kombos_own_examples_are_believed_and_each_is_a_poll);
    tcase_add_test(tests, only_what_may_change_an_employee_is_a_poll);
    tcase_add_test(tests, one_model_that_matters_or_that_nobody_knows_is_enough);
    tcase_add_test(tests, other_types_are_ignored_and_each_delivery_has_its_own_command);
    tcase_add_test(tests, nothing_is_believed_without_the_signature_of_that_integration);
    tcase_add_test(tests, what_is_no_json_object_or_lacks_id_or_type_is_malformed);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return rc_unit_run(suite());
}
