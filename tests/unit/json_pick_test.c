/* common/json_pick: what it takes, jansson takes too, and says the same of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/json_pick.h"
#include "tests/support/unit.h"

static const char *const names[] = {"id", "email", "status", "primaryTeam"};
enum { NAMES = sizeof names / sizeof *names };
static rc_json_span_t spans[NAMES];

static bool pick(const char *text)
{
    return rc_json_pick(text, strlen(text), names, NAMES, spans);
}

START_TEST(json_pick_finds_members_wherever_they_stand)
{
    int64_t id = 0;
    rc_json_span_t text;
    ck_assert(pick(" { \"a\" : [1, -2.5, {\"id\": 3}, \"\\\"\\n\"] ,\"id\":42,\"email\":\"m\xc3\xbc@x\",\n"
                   "\"status\" : {\"status\":\"Confirmed\"}, \"primaryTeam\": null } "));
    ck_assert(rc_json_span_int(spans[0], &id) && id == 42);
    ck_assert(rc_json_span_str(spans[1], &text));
    ck_assert_int_eq(text.size_bytes, 5);
    ck_assert_mem_eq(text.at, "m\xc3\xbc@x", 5);
    ck_assert(rc_json_span_is_object(spans[2]));
    ck_assert_int_eq(spans[2].size_bytes, strlen("{\"status\":\"Confirmed\"}"));
    ck_assert(rc_json_span_is_null(spans[3]));
    ck_assert(pick("{}"));
    ck_assert_ptr_null(spans[0].at);
    ck_assert(!rc_json_span_int(spans[0], &id) && !rc_json_span_str(spans[0], &text));
    ck_assert(pick("{\"i\":1,\"idx\":2}"));
    ck_assert_ptr_null(spans[0].at);
    ck_assert(pick("{\"id\":-7}") && rc_json_span_int(spans[0], &id) && id == -7);
    ck_assert(pick("{\"id\":1.5}") && !rc_json_span_int(spans[0], &id));
    ck_assert(pick("{\"email\":\"a\\/b\"}") && !rc_json_span_str(spans[1], &text)); /* for rc_json_parse to say */
}
END_TEST

static const char *const refused[] = {"",
                                      "[]",
                                      "1",
                                      "{",
                                      "{}x",
                                      "{\"id\"}",
                                      "{\"id\":}",
                                      "{\"id\":1,}",
                                      "{\"id\":01}",
                                      "{\"id\":-}",
                                      "{\"id\":1.}",
                                      "{\"id\":1e5}",
                                      "{\"id\":1234567890123456789}",
                                      "{\"id\":1 2}",
                                      "{\"id\":1,\"id\":2}",
                                      "{\"\\u0069d\":1}",
                                      "{\"a\":\"\\u0000\"}",
                                      "{\"a\":\"\\x\"}",
                                      "{\"a\":\"b}",
                                      "{\"a\":\"\n\"}",
                                      "{\"a\":\"\xff\"}",
                                      "{\"a\":tru}",
                                      "{\"a\":[1,]}",
                                      "{\"a\":[1 2]}",
                                      "{'a':1}"};

START_TEST(json_pick_refuses_what_is_wrong_or_rare)
{
    ck_assert_msg(!pick(refused[_i]), "%s", refused[_i]);
}
END_TEST

START_TEST(json_pick_refuses_a_million_brackets)
{
    size_t size = 1000000;
    char *text = malloc(size + 6);
    memcpy(text, "{\"a\":", 5);
    memset(text + 5, '[', size);
    text[size + 5] = '\0';
    ck_assert(!pick(text));
    free(text);
}
END_TEST

static void compare(const char *text, const json_t *json)
{
    for (size_t i = 0; i < NAMES; i++) {
        const json_t *value = json_object_get(json, names[i]);
        rc_json_span_t inside;
        int64_t number;
        ck_assert_msg((value != NULL) == (spans[i].at != NULL), "%s: %s", names[i], text);
        ck_assert_msg(rc_json_span_is_null(spans[i]) == json_is_null(value), "%s: %s", names[i], text);
        ck_assert_msg(rc_json_span_is_object(spans[i]) == json_is_object(value), "%s: %s", names[i], text);
        if (rc_json_span_int(spans[i], &number))
            ck_assert_msg(json_is_integer(value) && json_integer_value(value) == number, "%s: %s", names[i], text);
        if (rc_json_span_str(spans[i], &inside))
            ck_assert_msg(json_is_string(value) && json_string_length(value) == inside.size_bytes &&
                              memcmp(json_string_value(value), inside.at, inside.size_bytes) == 0,
                          "%s: %s", names[i], text);
    }
}

/* Documents with a few bytes changed: mostly wrong, sometimes by a hair. */
START_TEST(json_pick_takes_nothing_that_jansson_refuses)
{
    static const char whole[] = "{\"id\":17,\"x\":[1.5,{\"y\":\"\\n\"}],\"email\":\"a@\xc3\xa4.de\",\"status\":{\"s\":"
                                "true},\"primaryTeam\":null}";
    static const char bytes[] = "{}[]\",:0123456789.eE-+\\u/nrtalsf \t\x01\xc3\xa4id";
    uint64_t seed = 0x9E3779B97F4A7C15u;
    long taken = 0;
    for (int i = 0; i < rc_unit_rounds(200000); i++) {
        char text[sizeof whole];
        memcpy(text, whole, sizeof whole);
        for (int changes = i % 3; changes >= 0; changes--) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            text[(seed >> 33) % (sizeof whole - 1)] = bytes[(seed >> 17) % (sizeof bytes - 1)];
        }
        if (!pick(text)) continue;
        json_t *json = NULL;
        rc_error_t error = RC_ERROR_INIT;
        taken++;
        if (rc_json_parse(text, strlen(text), &json, &error) != RC_OK) {
            ck_assert_msg(strstr(error.message, "duplicate"), "%s: %s", error.message, text);
            continue;
        }
        compare(text, json);
        json_decref(json);
    }
    ck_assert_int_gt(taken, 1000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json_pick");
    TCase *tcase = tcase_create("json_pick");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, json_pick_finds_members_wherever_they_stand);
    tcase_add_loop_test(tcase, json_pick_refuses_what_is_wrong_or_rare, 0, (int)(sizeof refused / sizeof *refused));
    tcase_add_test(tcase, json_pick_refuses_a_million_brackets);
    tcase_add_test(tcase, json_pick_takes_nothing_that_jansson_refuses);
    suite_add_tcase(suite, tcase);
    return rc_unit_run(suite);
}
