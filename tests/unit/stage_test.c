/* producer/poll/stage: what is to be done about whom, in a file. */
#include "producer/poll/stage.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/scratch.h"
#include "tests/support/unit.h"

static char folder[64];
static rc_stage_t *stage;
static rc_arena_t *arena;

static void set_up(void)
{
    rc_error_t error = RC_ERROR_INIT;
    (void)snprintf(folder, sizeof folder, "/tmp/rollcall-stage-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_msg(rc_stage_new(folder, &stage, &error) == RC_OK, "%s", error.message);
    arena = rc_arena_new();
}

static void tear_down(void)
{
    rc_stage_free(stage);
    rc_arena_free(arena);
    ck_assert_int_eq(rmdir(folder), 0); /* the file never had a name */
}

static void put(const char *id, const char *address, const char *value)
{
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_msg(rc_stage_put(stage, id, address, strlen(value), value, strlen(value), &error) == RC_OK, "%s",
                  error.message);
}

static rc_staged_t get(size_t index)
{
    rc_staged_t staged;
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_msg(rc_stage_get(stage, index, arena, &staged, &error) == RC_OK, "%s", error.message);
    return staged;
}

static size_t find(const char *id)
{
    size_t index = 0;
    ck_assert_int_eq(rc_stage_find(stage, id, arena, &index, NULL), RC_OK);
    return index;
}

static bool count_up(void *opaque, size_t index)
{
    (void)index;
    ++*(int *)opaque;
    return true;
}

static int wanting(const char *address)
{
    int count = 0;
    rc_stage_on_address(stage, address, count_up, &count);
    return count;
}

static void withdraw(const char *id)
{
    ck_assert_int_eq(rc_stage_withdraw(stage, id, NULL), RC_OK);
}

START_TEST(what_was_withdrawn_is_not_there_unless_more_was_put_later)
{
    withdraw("0"); /* nobody was put yet */
    put("1", "ada@x", "first");
    put("2", "eve@x", "kept");
    put("3", "bob@x", "first");
    withdraw("1");
    withdraw("3");
    withdraw("4"); /* nor was this one */
    put("3", "bob@x", "second");
    ck_assert_int_eq(rc_stage_seal(stage, NULL), RC_OK);
    ck_assert_uint_eq(rc_stage_count(stage), 2);
    ck_assert_uint_eq(find("1"), SIZE_MAX);
    ck_assert_int_eq(wanting("ada@x"), 0);
    ck_assert_uint_eq(get(find("2")).value_bytes, strlen("kept"));
    ck_assert_uint_eq(get(find("3")).value_bytes, strlen("second"));
}
END_TEST

START_TEST(a_later_entry_takes_the_place_of_an_earlier)
{
    put("1", "ada@x", "first");
    put("2", NULL, "other");
    put("1", "eve@x", "second");
    put("1", "eve@x", "third");
    ck_assert_int_eq(rc_stage_seal(stage, NULL), RC_OK);
    ck_assert_uint_eq(rc_stage_count(stage), 2);
    rc_staged_t staged = get(find("1"));
    ck_assert_str_eq(staged.employee_id, "1");
    ck_assert_str_eq(staged.address, "eve@x");
    ck_assert_uint_eq(staged.value_bytes, 5);
    ck_assert_mem_eq(staged.value, "third", 5);
    ck_assert_ptr_null(get(find("2")).address);
    ck_assert_uint_eq(find("3"), SIZE_MAX);
    ck_assert_int_eq(wanting("ada@x"), 0); /* what was replaced wants nothing any more */
    ck_assert_int_eq(wanting("eve@x"), 1);
}
END_TEST

START_TEST(an_empty_stage_has_nobody)
{
    ck_assert_int_eq(rc_stage_seal(stage, NULL), RC_OK);
    ck_assert_uint_eq(rc_stage_count(stage), 0);
    ck_assert_uint_eq(find("1"), SIZE_MAX);
    ck_assert_int_eq(wanting("a"), 0);
}
END_TEST

/* Each four times, more than the buffer in front of the file holds. */
START_TEST(tens_of_thousands_are_found_again)
{
    enum { PEOPLE = 20000 };
    char id[16], address[32], value[128];
    for (int round = 0; round < 4; round++)
        for (int i = 0; i < PEOPLE; i++) {
            (void)snprintf(id, sizeof id, "%d", i);
            (void)snprintf(address, sizeof address, "shared-%d@x", i / 10);
            (void)snprintf(value, sizeof value, "%d %0100d", i, round);
            put(id, address, value);
        }
    ck_assert_int_eq(rc_stage_seal(stage, NULL), RC_OK);
    ck_assert_uint_eq(rc_stage_count(stage), PEOPLE);
    for (int i = 0; i < PEOPLE; i += 7) {
        rc_arena_reset(arena);
        (void)snprintf(id, sizeof id, "%d", i);
        (void)snprintf(value, sizeof value, "%d %0100d", i, 3);
        rc_staged_t staged = get(find(id));
        ck_assert_str_eq(staged.employee_id, id);
        ck_assert_uint_eq(staged.value_bytes, strlen(value));
        ck_assert_mem_eq(staged.value, value, strlen(value));
    }
    ck_assert_int_eq(wanting("shared-77@x"), 10);
}
END_TEST

START_TEST(a_visitor_may_end_the_visit)
{
    put("1", "a@x", "v");
    put("2", "a@x", "v");
    ck_assert_int_eq(rc_stage_seal(stage, NULL), RC_OK);
    ck_assert_int_eq(wanting("a@x"), 2);
}
END_TEST

START_TEST(what_is_too_large_is_refused_alone)
{
    enum { HUGE_BYTES = 3 << 20 };
    char *huge = calloc(1, HUGE_BYTES);
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_int_eq(rc_stage_put(stage, "1", NULL, 0, huge, HUGE_BYTES, &error), RC_TOO_LARGE);
    ck_assert_int_eq(error.disposition, RC_REJECT);
    put("2", NULL, "v");
    ck_assert_int_eq(rc_stage_seal(stage, NULL), RC_OK);
    ck_assert_uint_eq(rc_stage_count(stage), 1);
    free(huge);
}
END_TEST

/* The file of the stage, by the folder it was made in. */
static void truncate_stage(void)
{
    DIR *all = opendir("/proc/self/fd");
    bool done = false;
    for (struct dirent *entry; all && (entry = readdir(all));) {
        char path[300], target[300];
        (void)snprintf(path, sizeof path, "/proc/self/fd/%s", entry->d_name);
        ssize_t length = readlink(path, target, sizeof target - 1);
        if (length <= 0) continue;
        target[length] = '\0';
        if (strncmp(target, folder, strlen(folder)) == 0) done |= ftruncate(atoi(entry->d_name), 0) == 0;
    }
    (void)closedir(all);
    ck_assert(done);
}

static void put_over_the_buffer(void)
{
    char *value = malloc(100001);
    memset(value, 'v', 100000);
    value[100000] = '\0';
    for (int i = 0; i < 30; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "%d", i % 15);
        put(id, "a@x", value);
    }
    free(value);
}

/* Who is not known to be on the stage must not count as nobody: they would be published twice, or their address given
 * away. */
START_TEST(a_file_that_cannot_be_read_is_an_error_and_not_nobody)
{
    size_t index;
    put_over_the_buffer();
    ck_assert_int_eq(rc_stage_seal(stage, NULL), RC_OK);
    truncate_stage();
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_int_eq(rc_stage_find(stage, "1", arena, &index, &error), RC_IO);
    ck_assert_int_eq(error.disposition, RC_RETRY);
}
END_TEST

START_TEST(a_stage_whose_file_cannot_be_read_is_not_sealed)
{
    rc_error_t error = RC_ERROR_INIT;
    put_over_the_buffer();
    truncate_stage();
    ck_assert_int_eq(rc_stage_seal(stage, &error), RC_IO);
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_named)
{
    rc_stage_t *none = NULL;
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_int_eq(rc_stage_new("/nowhere/at/all", &none, &error), RC_IO);
    ck_assert_ptr_nonnull(strstr(error.message, "/nowhere/at/all"));
    ck_assert_ptr_null(none);
}
END_TEST

START_TEST(a_folder_that_was_cleared_away_is_made_anew)
{
    rc_stage_t *again = NULL;
    rc_error_t error = RC_ERROR_INIT;
    char *root = rc_scratch_new(), *cleared = rc_sprintf("%s/instance/producer", root);
    ck_assert_msg(rc_stage_new(cleared, &again, &error) == RC_OK, "%s", error.message);
    rc_stage_free(again);
    rc_scratch_remove(root);
    free(cleared);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("stage");
    TCase *tests = tcase_create("stage");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_later_entry_takes_the_place_of_an_earlier);
    tcase_add_test(tests, what_was_withdrawn_is_not_there_unless_more_was_put_later);
    tcase_add_test(tests, an_empty_stage_has_nobody);
    tcase_add_test(tests, tens_of_thousands_are_found_again);
    tcase_add_test(tests, a_visitor_may_end_the_visit);
    tcase_add_test(tests, what_is_too_large_is_refused_alone);
    tcase_add_test(tests, a_file_that_cannot_be_read_is_an_error_and_not_nobody);
    tcase_add_test(tests, a_stage_whose_file_cannot_be_read_is_not_sealed);
    tcase_add_test(tests, a_folder_that_is_not_there_is_named);
    tcase_add_test(tests, a_folder_that_was_cleared_away_is_made_anew);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return rc_unit_run(suite());
}
