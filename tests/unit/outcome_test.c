/* consumer/rules/outcome: every row of the outcome table, and the known words of docs/learnamp.md. */
#include "tests/support/unit.h"

#include "consumer/rules/outcome.h"

#define R RC_CALL_READ
#define W RC_CALL_WRITE
#define T RC_CALL_TOKEN

static const struct {
    rc_call_kind_t kind;
    int status;
    const char *message;
    rc_class_t class;
} answers[] = {
    {R, 200, NULL, RC_CLASS_APPLIED},
    {W, 200, NULL, RC_CLASS_APPLIED},
    {W, 201, NULL, RC_CLASS_APPLIED},
    {W, 204, NULL, RC_CLASS_APPLIED},
    {T, 200, NULL, RC_CLASS_APPLIED},
    {R, 301, NULL, RC_CLASS_MISCONFIGURED},
    {W, 302, NULL, RC_CLASS_MISCONFIGURED},
    {R, 429, "You're requesting too many API calls", RC_CLASS_THROTTLED},
    {W, 429, NULL, RC_CLASS_THROTTLED},
    {T, 429, NULL, RC_CLASS_THROTTLED},
    {R, 500, NULL, RC_CLASS_TRANSIENT},
    {W, 500, NULL, RC_CLASS_TRANSIENT},
    {T, 500, NULL, RC_CLASS_TRANSIENT},
    {R, 503, NULL, RC_CLASS_TRANSIENT},
    {W, 503, NULL, RC_CLASS_TRANSIENT},
    {R, 502, NULL, RC_CLASS_TRANSIENT},
    {W, 502, NULL, RC_CLASS_UNANSWERED},
    {R, 504, NULL, RC_CLASS_TRANSIENT},
    {W, 504, NULL, RC_CLASS_UNANSWERED},
    {T, 504, NULL, RC_CLASS_TRANSIENT},
    {W, 520, NULL, RC_CLASS_UNANSWERED},
    {W, 599, NULL, RC_CLASS_UNANSWERED},
    {W, 408, NULL, RC_CLASS_UNANSWERED},
    {R, 401, NULL, RC_CLASS_CREDENTIALS},
    {W, 401, NULL, RC_CLASS_CREDENTIALS},
    {R, 403, NULL, RC_CLASS_CREDENTIALS},
    {W, 403, NULL, RC_CLASS_CREDENTIALS},
    {T, 400, "invalid_scope", RC_CLASS_CREDENTIALS},
    {T, 401, "invalid_client", RC_CLASS_CREDENTIALS},
    {T, 422, NULL, RC_CLASS_CREDENTIALS},
    {T, 404, NULL, RC_CLASS_MISCONFIGURED},
    {R, 404, "Not found", RC_CLASS_APPLIED},
    {W, 404, "Not found", RC_CLASS_AMBIGUOUS},
    {W, 400, "email is missing, email is empty, firstName is missing", RC_CLASS_REJECTED},
    {W, 400, NULL, RC_CLASS_REJECTED},
    {W, 406, NULL, RC_CLASS_REJECTED},
    {W, 410, NULL, RC_CLASS_REJECTED},
    {W, 422, NULL, RC_CLASS_REJECTED},
    {R, 400, NULL, RC_CLASS_REJECTED},
    {W, 400, "Validation failed: Integration external id has already been taken", RC_CLASS_CONFLICT},
    {W, 422, "Validation failed: Email has already been taken", RC_CLASS_CONFLICT},
    {W, 409, NULL, RC_CLASS_CONFLICT},
    {R, 400, "Email has already been taken", RC_CLASS_REJECTED},
    {W, 400, "primaryTeamIntegrationExternalId must match existing teams integration external IDs",
     RC_CLASS_TEAM_MISSING},
    {W, 400, "primaryTeamId, primaryTeamIntegrationExternalId are mutually exclusive", RC_CLASS_REJECTED},
    {W, 400, "managerEmail must match an existing user email within your company", RC_CLASS_UNKNOWN_MANAGER},
    {W, 422, "MANAGEREMAIL MUST MATCH an existing user", RC_CLASS_UNKNOWN_MANAGER},
    {W, 413, NULL, RC_CLASS_REJECTED},
    {W, 402, NULL, RC_CLASS_MISCONFIGURED},
    {W, 405, NULL, RC_CLASS_MISCONFIGURED},
    {R, 451, NULL, RC_CLASS_MISCONFIGURED},
    {W, 501, NULL, RC_CLASS_MISCONFIGURED},
    {W, 100, NULL, RC_CLASS_UNANSWERED},
};

START_TEST(every_answer_has_its_class)
{
    rc_answer_facts_t facts = {
        .kind = answers[_i].kind, .status = answers[_i].status, .message = answers[_i].message, .understood = true};
    ck_assert_msg(rc_outcome_class(&facts) == answers[_i].class, "row %d: status %d is %s, not %s", _i,
                  answers[_i].status, rc_class_str(rc_outcome_class(&facts)), rc_class_str(answers[_i].class));
}
END_TEST

static const struct {
    rc_code_t error;
    rc_call_kind_t kind;
    int status;
    rc_class_t class;
} failures[] = {
    {RC_CONNECT, R, 0, RC_CLASS_TRANSIENT},         {RC_CONNECT, W, 0, RC_CLASS_TRANSIENT},
    {RC_CONNECT, T, 0, RC_CLASS_TRANSIENT},         {RC_TIMEOUT, R, 0, RC_CLASS_TRANSIENT},
    {RC_TIMEOUT, W, 0, RC_CLASS_UNANSWERED},        {RC_TIMEOUT, T, 0, RC_CLASS_TRANSIENT},
    {RC_INTERRUPTED, R, 0, RC_CLASS_TRANSIENT},     {RC_INTERRUPTED, W, 0, RC_CLASS_UNANSWERED},
    {RC_INTERRUPTED, T, 0, RC_CLASS_TRANSIENT},     {RC_CANCELLED, R, 0, RC_CLASS_CANCELLED},
    {RC_CANCELLED, W, 0, RC_CLASS_UNANSWERED},      {RC_TOO_LARGE, W, 200, RC_CLASS_UNANSWERED},
    {RC_TOO_LARGE, R, 200, RC_CLASS_TRANSIENT},     {RC_TOO_LARGE, W, 400, RC_CLASS_REJECTED},
    {RC_TOO_LARGE, R, 404, RC_CLASS_MISCONFIGURED}, {RC_TOO_LARGE, W, 500, RC_CLASS_TRANSIENT},
};

START_TEST(a_write_that_was_sent_and_not_answered_is_in_question)
{
    rc_answer_facts_t facts = {.kind = failures[_i].kind, .error = failures[_i].error, .status = failures[_i].status};
    ck_assert_msg(rc_outcome_class(&facts) == failures[_i].class, "row %d is %s", _i,
                  rc_class_str(rc_outcome_class(&facts)));
}
END_TEST

START_TEST(a_success_that_cannot_be_read_is_none)
{
    rc_answer_facts_t facts = {.kind = W, .status = 200};
    ck_assert_int_eq(rc_outcome_class(&facts), RC_CLASS_UNANSWERED);
    facts.kind = R;
    ck_assert_int_eq(rc_outcome_class(&facts), RC_CLASS_TRANSIENT);
    facts.kind = T;
    ck_assert_int_eq(rc_outcome_class(&facts), RC_CLASS_TRANSIENT);
}
END_TEST

START_TEST(not_found_in_other_words_than_the_services_means_nobody_is_absent)
{
    rc_answer_facts_t facts = {.kind = R, .status = 404, .message = "<html>nginx</html>"};
    ck_assert_int_eq(rc_outcome_class(&facts), RC_CLASS_MISCONFIGURED);
}
END_TEST

START_TEST(no_status_of_an_unavailable_service_is_a_rejection)
{
    for (int status = 0; status < 1000; status++) {
        bool may_reject = status == 400 || status == 406 || status == 410 || status == 413 || status == 414 ||
                          status == 422 || status == 431;
        rc_answer_facts_t facts = {.kind = W, .status = status, .understood = true};
        ck_assert_msg((rc_outcome_class(&facts) == RC_CLASS_REJECTED) == may_reject, "status %d", status);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("outcome");
    TCase *tcase = tcase_create("table");
    tcase_add_loop_test(tcase, every_answer_has_its_class, 0, sizeof answers / sizeof *answers);
    tcase_add_loop_test(tcase, a_write_that_was_sent_and_not_answered_is_in_question, 0,
                        sizeof failures / sizeof *failures);
    tcase_add_test(tcase, a_success_that_cannot_be_read_is_none);
    tcase_add_test(tcase, not_found_in_other_words_than_the_services_means_nobody_is_absent);
    tcase_add_test(tcase, no_status_of_an_unavailable_service_is_a_rejection);
    suite_add_tcase(suite, tcase);
    return rc_unit_run(suite);
}
