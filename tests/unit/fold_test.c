/* producer/page/fold: names as people look for them. */
#include "producer/page/fold.h"

#include <string.h>

#include "tests/support/unit.h"

static rc_arena_t *arena;

static void set_up(void)
{
    arena = rc_arena_new();
}

static void tear_down(void)
{
    rc_arena_free(arena);
}

static const struct {
    const char *text, *folded;
} TEXTS[] = {
    {NULL, ""},
    {"", ""},
    {"Ada LOVELACE", "ada lovelace"},
    {"Åsa Mäkinen", "asa makinen"},
    {"Emma Öztürk", "emma ozturk"},
    {"Łukasz Žižek", "lukasz zizek"},
    {"Weiß Ærø Œuvre Ĳssel Þór", "weiss aero oeuvre ijssel thor"},
    {"a×b÷c", "a×b÷c"},
    {"Иван 李明", "Иван 李明"},
    {"O'Brien-Smith", "o'brien-smith"},
    {"\xC3", "\xC3"}, /* half a character, at the end */
};

START_TEST(accents_and_capitals_fall_away_and_the_rest_stays)
{
    ck_assert_str_eq(rc_fold(arena, TEXTS[_i].text), TEXTS[_i].folded);
}
END_TEST

START_TEST(no_text_grows)
{
    for (unsigned first = 0xC0; first <= 0xDF; first++)
        for (unsigned second = 0x80; second <= 0xBF; second++) {
            const char text[] = {(char)first, (char)second, 0};
            ck_assert_uint_le(strlen(rc_fold(arena, text)), 2);
        }
}
END_TEST

static const struct {
    const char *words;
    bool matches;
} SEARCHES[] = {
    {"", true},      {"   ", true},        {"asa", true},       {"makinen asa", true}, {"  kine  ", true},
    {"@acme", true}, {"asa other", false}, {"makinenx", false}, {"ä", false}, /* not folded */
};

START_TEST(every_word_has_to_occur_in_any_order)
{
    ck_assert_int_eq(rc_fold_matches("asa makinen asa@acme.example 42", SEARCHES[_i].words), SEARCHES[_i].matches);
}
END_TEST

START_TEST(of_a_word_without_end_the_beginning_counts)
{
    char word[4096];
    memset(word, 'a', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    ck_assert(!rc_fold_matches("aaaa", word));
    ck_assert(rc_fold_matches(word, word));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fold");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_loop_test(all, accents_and_capitals_fall_away_and_the_rest_stays, 0, sizeof TEXTS / sizeof *TEXTS);
    tcase_add_test(all, no_text_grows);
    tcase_add_loop_test(all, every_word_has_to_occur_in_any_order, 0, sizeof SEARCHES / sizeof *SEARCHES);
    tcase_add_test(all, of_a_word_without_end_the_beginning_counts);
    suite_add_tcase(suite, all);
    return rc_unit_run(suite);
}
