#include "consumer/rules/undo.h"

#include "tests/support/unit.h"

#define P(name) RC_PAST_##name

/* clang-format off */
static const struct {
    const char *rule;
    rc_undo_case_t about; /* past, gone, forgotten, user, differs, may differ */
    rc_undo_t expected;
} CASES[] = {
    {"a wrong leaver comes back", {P(EMPLOYED), true, false, true, true, false}, RC_UNDO_RESTORE},
    {"a changed profile is put back", {P(EMPLOYED), false, false, true, true, false}, RC_UNDO_RESTORE},
    {"who is as they were is left alone", {P(EMPLOYED), true, false, true, false, false}, RC_UNDO_NOTHING},
    {"what is not shown is written again", {P(EMPLOYED), false, false, true, false, true}, RC_UNDO_UNSEEN},
    {"nobody is created", {P(EMPLOYED), true, false, false, false, false}, RC_UNDO_NO_USER},
    {"who came since stays", {P(NOBODY), false, false, true, true, false}, RC_UNDO_STAYS},
    {"who came back since stays", {P(GONE), false, false, true, true, false}, RC_UNDO_STAYS},
    {"nobody is deactivated who came and left since", {P(NOBODY), true, false, true, true, false}, RC_UNDO_NOTHING},
    {"who is not there yet needs nothing", {P(NOBODY), false, false, false, false, false}, RC_UNDO_NOTHING},
    {"who was erased stays erased", {P(EMPLOYED), true, true, true, true, false}, RC_UNDO_FORGOTTEN},
};
/* clang-format on */

START_TEST(undo_restores_and_never_takes_away)
{
    rc_undo_t judged = rc_undo_judge(&CASES[_i].about);
    ck_assert_msg(judged == CASES[_i].expected, "%s: %s", CASES[_i].rule, rc_undo_str(judged));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("undo");
    TCase *cases = tcase_create("undo");
    tcase_add_loop_test(cases, undo_restores_and_never_takes_away, 0, sizeof CASES / sizeof *CASES);
    suite_add_tcase(suite, cases);
    return rc_unit_run(suite);
}
