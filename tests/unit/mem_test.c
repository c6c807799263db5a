/* common/mem: arenas give zeroed, aligned memory that lives until reset. */
#include "common/mem.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "tests/support/unit.h"

START_TEST(memory_of_an_arena_is_zeroed_aligned_and_apart)
{
    rc_arena_t *arena = rc_arena_new_sized(100);
    unsigned char *all[200];
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 200; i++) {
            all[i] = rc_arena_alloc(arena, i);
            ck_assert_uint_eq((uintptr_t)all[i] % alignof(max_align_t), 0);
            for (size_t j = 0; j < i; j++) ck_assert_uint_eq(all[i][j], 0);
            memset(all[i], (int)i, i);
        }
        for (size_t i = 0; i < 200; i++)
            for (size_t j = 0; j < i; j++) ck_assert_uint_eq(all[i][j], (unsigned char)i);
        ck_assert_uint_ge(rc_arena_used(arena), 199 * 200 / 2);
        rc_arena_reset(arena);
        ck_assert_uint_eq(rc_arena_used(arena), 0);
    }
    rc_arena_free(arena);
}
END_TEST

START_TEST(texts_are_copied_whole)
{
    rc_arena_t *arena = rc_arena_new();
    ck_assert_str_eq(rc_arena_strdup(arena, "abc"), "abc");
    ck_assert_ptr_null(rc_arena_strdup(arena, NULL));
    ck_assert_mem_eq(rc_arena_strndup(arena, "a\0bcd", 4), "a\0bc", 5); /* bytes, with a NUL behind them */
    ck_assert_str_eq(rc_arena_sprintf(arena, "%s-%0100d", "x", 7) + 95, "0000007");
    rc_arena_reset(arena);
    ck_assert_str_eq(rc_arena_strndup(arena, "z", 1), "z"); /* over what lay there before */
    char *copy = rc_strndup("a\0bcd", 4), *text = rc_sprintf("%d", 42);
    ck_assert_mem_eq(copy, "a\0bc", 5);
    ck_assert_str_eq(text, "42");
    ck_assert_ptr_null(rc_strdup(NULL));
    free(copy);
    free(text);
    rc_arena_free(arena);
    rc_arena_free(NULL);
}
END_TEST

START_TEST(bytes_are_copied_and_nothing_stays_nothing)
{
    rc_arena_t *arena = rc_arena_new();
    char bytes[] = "a\0b";
    const char *copy = rc_arena_memdup(arena, bytes, 3);
    memset(bytes, 'x', sizeof bytes);
    ck_assert_mem_eq(copy, "a\0b", 3);
    ck_assert_ptr_null(rc_arena_memdup(arena, NULL, 3));
    ck_assert_ptr_nonnull(rc_arena_memdup(arena, "", 0)); /* an empty value is no null value */
    rc_arena_free(arena);
}
END_TEST

START_TEST(nothing_is_something_that_can_be_freed)
{
    void *nothing[] = {rc_alloc(0), rc_zalloc(0), rc_calloc(0, 8), rc_calloc(8, 0), rc_realloc(NULL, 0)};
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) {
        ck_assert_ptr_nonnull(nothing[i]);
        free(nothing[i]);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("mem");
    TCase *tests = tcase_create("mem");
    tcase_add_test(tests, memory_of_an_arena_is_zeroed_aligned_and_apart);
    tcase_add_test(tests, texts_are_copied_whole);
    tcase_add_test(tests, bytes_are_copied_and_nothing_stays_nothing);
    tcase_add_test(tests, nothing_is_something_that_can_be_freed);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return rc_unit_run(suite());
}
