/* common/notify: what a message says, and that it is sent once, again, later, or never. */
#include "common/notify.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/httpd.h"
#include "common/json.h"
#include "tests/support/unit.h"

/* --- what it says --- */

START_TEST(a_message_says_what_waits_and_what_to_type)
{
    static const struct {
        rc_notice_t notice;
        const char *name, *json;
    } cases[] = {
        {{.kind = RC_NOTIFY_HOLD,
          .integration_id = "personio:A",
          .hold_id = "h-1",
          .brake = "email_changes",
          .employees = 240,
          .limit = 115},
         "Acme GmbH",
         "{\"text\":\"Acme GmbH: 240 email changes wait for your decision (up to 115 pass in 24 hours); nothing of "
         "them "
         "was published. See who: `rollcall-producer status --integration personio:A --hold h-1`. Then publish them: "
         "`rollcall-producer approve --integration personio:A --hold h-1`, or keep everybody as they are: "
         "`rollcall-producer reject --integration personio:A --hold h-1`.\",\"kind\":\"hold\",\"integration\":"
         "\"personio:A\",\"name\":\"Acme GmbH\",\"hold\":\"h-1\",\"class\":\"email_changes\",\"employees\":240,"
         "\"limit\":115,\"count\":1}"},
        {{.kind = RC_NOTIFY_NEEDS_CUSTOMER, .integration_id = "personio:A", .reason = "The credentials are <expired>."},
         "",
         "{\"text\":\"personio:A: the customer has to mend the connection to their HR system (The credentials are "
         "\u2039expired\u203a.). Until then nothing changes at Learn Amp. Afterwards: `rollcall-producer once "
         "--integration personio:A`.\",\"kind\":\"needs_customer\",\"integration\":\"personio:A\",\"reason\":"
         "\"The credentials are <expired>.\",\"count\":1}"},
        {{.kind = RC_NOTIFY_MISCONFIGURED,
          .integration_id = "personio:A",
          .reason = "no key for ada@acme.example\n",
          .count = 3},
         "Acme",
         "{\"text\":\"Acme: Kombo refuses our configuration (no key for \u2039address\u203a ). Until it is corrected "
         "nothing changes at Learn Amp. See what is wrong: `rollcall-producer check`. Afterwards: `rollcall-producer "
         "once --integration personio:A`. This happened 3 times within a minute.\",\"kind\":\"misconfigured\","
         "\"integration\":\"personio:A\",\"name\":\"Acme\",\"reason\":\"no key for <address> \",\"count\":3}"},
        {{.kind = RC_NOTIFY_DEAD_LETTER, .integration_id = "personio:A", .count = 12},
         "Acme",
         "{\"text\":\"Acme: 12 changes could not be applied to Learn Amp and were put aside. See why: "
         "`rollcall-consumer dlq list --integration personio:A`. When it is mended: `rollcall-consumer dlq replay "
         "--integration personio:A --apply`.\",\"kind\":\"dead_letter\",\"integration\":\"personio:A\",\"name\":"
         "\"Acme\",\"count\":12}"},
        {{.kind = RC_NOTIFY_DEAD_LETTER, .integration_id = "", .reason = "POISON"},
         "",
         "{\"text\":\"Rollcall: 1 change could not be applied to Learn Amp and was put aside (POISON). See why: "
         "`rollcall-consumer dlq list`. When it is mended: `rollcall-consumer dlq replay --apply`.\",\"kind\":"
         "\"dead_letter\",\"reason\":\"POISON\",\"count\":1}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *json = rc_notice_json(&cases[i].notice, cases[i].name);
        ck_assert_str_eq(json, cases[i].json);
        free(json);
    }
}
END_TEST

START_TEST(whatever_the_words_are_the_message_is_json_with_a_text)
{
    char words[700];
    for (size_t length = 0; length < sizeof words; length += 13) {
        for (size_t i = 0; i < length; i++) words[i] = "\xC3\xA9\x01<@"[i % 5];
        words[length] = '\0';
        const rc_notice_t notice = {.kind = RC_NOTIFY_NEEDS_CUSTOMER, .integration_id = "personio:A", .reason = words};
        char *document = rc_notice_json(&notice, words);
        json_t *json;
        ck_assert(rc_json_parse(document, strlen(document), &json, NULL) == RC_OK);
        ck_assert_ptr_nonnull(rc_json_str(json, "text"));
        json_decref(json);
        free(document);
    }
}
END_TEST

/* --- sending --- */

enum { MINUTE_MS = 300, PAUSE_MS = 5, FLUSH_MS = 20000, PATIENCE_MS = 20000, HEARD_MAX = 16 };

static rc_httpd_t *chat;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *heard[HEARD_MAX];
static size_t heard_count;
static int answers[HEARD_MAX]; /* HTTP status; 0: 200 */
static int delay_ms;
static rc_config_t config;
static rc_metrics_t *metrics;
static rc_notify_t *notify;
static char url[128];

static void hear(const rc_httpd_request_t *request, rc_httpd_reply_t *reply, void *arg)
{
    (void)arg;
    pthread_mutex_lock(&lock);
    ck_assert_uint_lt(heard_count, HEARD_MAX);
    int status = answers[heard_count];
    heard[heard_count++] = rc_strdup(request->body);
    reply->delay_ms = delay_ms;
    pthread_mutex_unlock(&lock);
    rc_httpd_reply_text(reply, status ? status : 200, "ok");
}

static void start(void)
{
    const rc_httpd_route_t route = {"POST", "/hook", hear, NULL};
    const rc_httpd_options_t options = {
        .listen = "127.0.0.1:0", .routes = &route, .route_count = 1, .max_body_bytes = 65536};
    static rc_integration_t integrations[] = {{.id = "personio:A", .name = "Acme"}, {.id = "personio:B", .name = ""}};
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_msg(rc_httpd_new(&options, &chat, &error) == RC_OK, "%s", error.message);
    (void)snprintf(url, sizeof url, "http://%s/hook", rc_httpd_address(chat));
    config = (rc_config_t){.notify = {.url = url, .on = 1u << RC_NOTIFY_DEAD_LETTER | 1u << RC_NOTIFY_HOLD},
                           .http_proxy = "",
                           .ca_file = "",
                           .integrations = integrations,
                           .integrations_count = 2};
    metrics = rc_metrics_new(RC_METRICS_CONSUMER);
    notify = rc_notify_new(&config, metrics);
    rc_notify_set_pace(notify, rc_unit_patience_ms(MINUTE_MS), PAUSE_MS, FLUSH_MS);
}

static void stop(void)
{
    rc_notify_free(notify);
    rc_httpd_free(chat);
    rc_metrics_free(metrics);
    while (heard_count) free(heard[--heard_count]);
}

static void say(rc_notify_kind_t kind, const char *integration_id, const char *brake, int64_t count)
{
    const rc_notice_t notice = {
        .kind = kind, .integration_id = integration_id, .hold_id = "h", .brake = brake, .count = count};
    rc_notify(notify, &notice);
}

static double ended(const char *kind, const char *result)
{
    return rc_series_value(rc_metrics_series(metrics, RC_METRIC_NOTIFICATIONS, kind, result, NULL));
}

static void wait_ended(const char *kind, const char *result, double count)
{
    const struct timespec step = {0, 1000000};
    rc_mono_t until = {rc_mono_now().ms + rc_unit_patience_ms(PATIENCE_MS)};
    while (ended(kind, result) < count) {
        ck_assert_msg(rc_mono_now().ms < until.ms, "waited in vain for %g messages of %s %s", count, kind, result);
        (void)nanosleep(&step, NULL);
    }
}

static long long count_of(size_t index)
{
    json_t *json;
    ck_assert(rc_json_parse(heard[index], strlen(heard[index]), &json, NULL) == RC_OK);
    long long count = rc_json_int(json, "count", -1);
    json_decref(json);
    return count;
}

/* On a busy machine the storm may last for more than such a minute; then it is one message more. */
START_TEST(a_storm_is_one_message_a_minute_with_a_count)
{
    rc_mono_t first = rc_mono_now();
    long long told = 0;
    say(RC_NOTIFY_DEAD_LETTER, "personio:A", NULL, 2);
    wait_ended("dead_letter", "sent", 1);
    ck_assert_int_eq(count_of(0), 2);
    for (int i = 0; i < 100; i++) say(RC_NOTIFY_DEAD_LETTER, "personio:A", NULL, 3);
    int64_t storm_ms = rc_mono_now().ms - first.ms;
    for (int messages = 1; told < 300; messages++) {
        ck_assert_int_le(messages, 1 + storm_ms / MINUTE_MS);
        wait_ended("dead_letter", "sent", messages + 1);
        ck_assert_int_gt(rc_mono_now().ms - first.ms, messages * MINUTE_MS / 2);
        told += count_of((size_t)messages);
    }
    ck_assert_int_eq(told, 300);
}
END_TEST

START_TEST(other_integrations_and_classes_are_told_at_once)
{
    say(RC_NOTIFY_DEAD_LETTER, "personio:A", NULL, 1);
    say(RC_NOTIFY_DEAD_LETTER, "personio:B", NULL, 1);
    say(RC_NOTIFY_HOLD, "personio:A", "deactivations", 1);
    say(RC_NOTIFY_HOLD, "personio:A", "creations", 1);
    wait_ended("dead_letter", "sent", 2);
    wait_ended("hold", "sent", 2);
}
END_TEST

START_TEST(what_nobody_wants_to_know_is_not_sent)
{
    say(RC_NOTIFY_NEEDS_CUSTOMER, "personio:A", NULL, 1);
    say(RC_NOTIFY_DEAD_LETTER, "personio:A", NULL, 1);
    rc_notify(NULL, &(rc_notice_t){.kind = RC_NOTIFY_DEAD_LETTER, .integration_id = "personio:A"});
    wait_ended("dead_letter", "sent", 1);
    ck_assert_uint_eq(heard_count, 1);
}
END_TEST

START_TEST(a_busy_chat_is_asked_again)
{
    answers[0] = 503;
    answers[1] = 429;
    say(RC_NOTIFY_DEAD_LETTER, "personio:A", NULL, 1);
    wait_ended("dead_letter", "sent", 1);
    ck_assert_uint_eq(heard_count, 3);
    ck_assert_str_eq(heard[0], heard[2]);
}
END_TEST

START_TEST(tries_are_few_and_a_refusal_is_the_last_word)
{
    for (size_t i = 0; i < 4; i++) answers[i] = 500;
    answers[4] = 404;
    say(RC_NOTIFY_DEAD_LETTER, "personio:A", NULL, 1);
    wait_ended("dead_letter", "failed", 1);
    ck_assert_uint_eq(heard_count, 4);
    say(RC_NOTIFY_DEAD_LETTER, "personio:B", NULL, 1);
    wait_ended("dead_letter", "failed", 2);
    ck_assert_uint_eq(heard_count, 5);
}
END_TEST

/* `once` ends right after a hold began. */
START_TEST(what_waits_is_sent_before_the_end)
{
    rc_notify_set_pace(notify, 3600 * 1000, PAUSE_MS, FLUSH_MS);
    say(RC_NOTIFY_DEAD_LETTER, "personio:A", NULL, 1);
    wait_ended("dead_letter", "sent", 1);
    say(RC_NOTIFY_DEAD_LETTER, "personio:A", NULL, 4);
    say(RC_NOTIFY_HOLD, "personio:A", "creations", 1);
    rc_notify_free(notify);
    notify = NULL;
    ck_assert_uint_eq(heard_count, 3);
}
END_TEST

START_TEST(a_chat_that_does_not_answer_does_not_hold_up_the_end)
{
    rc_notify_set_pace(notify, MINUTE_MS, PAUSE_MS, 100);
    delay_ms = 60000;
    rc_mono_t began = rc_mono_now();
    for (int i = 0; i < 2; i++) say(RC_NOTIFY_DEAD_LETTER, i ? "personio:A" : "personio:B", NULL, 1);
    ck_assert_int_lt(rc_mono_now().ms - began.ms, 20000); /* whoever says it does not wait */
    rc_notify_free(notify);
    notify = NULL;
    ck_assert_int_lt(rc_mono_now().ms - began.ms, 40000);
    ck_assert_double_eq(ended("dead_letter", "failed"), 2);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("notify");
    TCase *text = tcase_create("text"), *sending = tcase_create("sending");
    tcase_add_test(text, a_message_says_what_waits_and_what_to_type);
    tcase_add_test(text, whatever_the_words_are_the_message_is_json_with_a_text);
    tcase_add_checked_fixture(sending, start, stop);
    tcase_add_test(sending, a_storm_is_one_message_a_minute_with_a_count);
    tcase_add_test(sending, other_integrations_and_classes_are_told_at_once);
    tcase_add_test(sending, what_nobody_wants_to_know_is_not_sent);
    tcase_add_test(sending, a_busy_chat_is_asked_again);
    tcase_add_test(sending, tries_are_few_and_a_refusal_is_the_last_word);
    tcase_add_test(sending, what_waits_is_sent_before_the_end);
    tcase_add_test(sending, a_chat_that_does_not_answer_does_not_hold_up_the_end);
    suite_add_tcase(all, text);
    suite_add_tcase(all, sending);
    return all;
}

int main(void)
{
    return rc_unit_run(suite());
}
