/* common/map: what is set is found, what is taken is gone, over many keys. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/map.h"
#include "common/mem.h"
#include "tests/support/unit.h"

START_TEST(a_thousand_keys_are_kept_apart)
{
    rc_map_t *map = rc_map_new(free);
    char key[16];
    for (int i = 0; i < 1000; i++) {
        int length = snprintf(key, sizeof key, "key-%d", i);
        ck_assert_ptr_null(rc_map_set(map, key, (size_t)length, rc_sprintf("%d", i)));
    }
    ck_assert_uint_eq(rc_map_count(map), 1000);
    for (int i = 0; i < 1000; i += 2) {
        int length = snprintf(key, sizeof key, "key-%d", i);
        char *value = rc_map_take(map, key, (size_t)length);
        ck_assert_int_eq(atoi(value), i);
        free(value);
        ck_assert_ptr_null(rc_map_get(map, key, (size_t)length));
    }
    ck_assert_str_eq(rc_map_get(map, "key-999", 7), "999");
    ck_assert_uint_eq(rc_map_count(map), 500);
    rc_map_free(map);
}
END_TEST

START_TEST(replacing_gives_the_former_value_back)
{
    rc_map_t *map = rc_map_new(NULL);
    int first = 1, second = 2;
    ck_assert_ptr_null(rc_map_set(map, "k", 1, &first));
    ck_assert_ptr_eq(rc_map_set(map, "k", 1, &second), &first);
    ck_assert_ptr_eq(rc_map_get(map, "k", 1), &second);
    ck_assert_ptr_null(rc_map_get(map, "", 0));
    rc_map_free(map);
}
END_TEST

START_TEST(the_empty_key_is_a_key)
{
    rc_map_t *map = rc_map_new(free);
    ck_assert_ptr_null(rc_map_set(map, NULL, 0, rc_strdup("nothing")));
    ck_assert_ptr_null(rc_map_set(map, "a", 1, rc_strdup("a")));
    ck_assert_str_eq(rc_map_get(map, NULL, 0), "nothing");
    ck_assert_str_eq(rc_map_get(map, "", 0), "nothing");
    free(rc_map_take(map, NULL, 0));
    ck_assert_uint_eq(rc_map_count(map), 1);
    rc_map_free(map);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("map");
    TCase *cases = tcase_create("map");
    tcase_add_test(cases, a_thousand_keys_are_kept_apart);
    tcase_add_test(cases, replacing_gives_the_former_value_back);
    tcase_add_test(cases, the_empty_key_is_a_key);
    suite_add_tcase(suite, cases);
    return rc_unit_run(suite);
}
