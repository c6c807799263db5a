/* common/table: rows and offsets move together, survive what they can, and begin empty when they cannot be trusted. */
#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/hash.h"
#include "common/table.h"
#include "tests/support/scratch.h"
#include "tests/support/unit.h"

static char *directory;
static rc_arena_t *arena;
static rc_store_t *store;
static rc_table_t *table;

static void open_store(void)
{
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_msg(rc_store_open(directory, &store, &error) == RC_OK, "%s", error.message);
    ck_assert_int_eq(rc_table_open(store, "snapshot", &table, &error), RC_OK);
}

static void setup(void)
{
    directory = rc_scratch_new();
    arena = rc_arena_new();
    open_store();
}

static void teardown(void)
{
    rc_store_close(store);
    rc_arena_free(arena);
    rc_scratch_remove(directory);
}

static rc_table_write_t write_of(int32_t partition, int64_t offset, const char *key, const char *value)
{
    return (rc_table_write_t){.table = table,
                              .partition = partition,
                              .offset = offset,
                              .time_ms = 1000 + offset,
                              .key = key,
                              .key_bytes = strlen(key),
                              .value = value,
                              .value_bytes = value ? strlen(value) : 0};
}

static void put(int32_t partition, int64_t offset, const char *key, const char *value)
{
    rc_error_t error = RC_ERROR_INIT;
    rc_table_write_t write = write_of(partition, offset, key, value);
    rc_table_progress_t progress = {table, partition, offset + 1, {0}};
    ck_assert_msg(rc_store_apply(store, &write, 1, &progress, 1, &error) == RC_OK, "%s", error.message);
}

static rc_row_t get(const char *key)
{
    rc_row_t row;
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_msg(rc_table_get(table, key, strlen(key), arena, &row, &error) == RC_OK, "%s", error.message);
    return row;
}

static bool has(const char *key, const char *value)
{
    rc_row_t row = get(key);
    return row.value && row.value_bytes == strlen(value) && !memcmp(row.value, value, row.value_bytes);
}

static void counts(uint64_t rows, uint32_t ordinals)
{
    uint64_t rows_now;
    uint32_t ordinals_now;
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_int_eq(rc_table_count(table, &rows_now, &ordinals_now, &error), RC_OK);
    ck_assert_uint_eq(rows_now, rows);
    ck_assert_uint_eq(ordinals_now, ordinals);
}

START_TEST(a_row_is_the_newest_record_of_its_key)
{
    put(3, 10, "a/1", "first");
    put(3, 11, "a/1", "second, longer");
    rc_row_t row = get("a/1");
    ck_assert(has("a/1", "second, longer"));
    ck_assert_int_eq(row.partition, 3);
    ck_assert_int_eq(row.offset, 11);
    ck_assert_uint_eq(row.key_bytes, 3);
    put(3, 12, "a/1", NULL);
    ck_assert_ptr_null(get("a/1").value);
    ck_assert_ptr_null(get("never").value);
    ck_assert_ptr_null(get("").value);
    counts(0, 1);
}
END_TEST

START_TEST(an_empty_value_is_no_tombstone)
{
    put(0, 0, "k", "");
    rc_row_t row = get("k");
    ck_assert_ptr_nonnull(row.value);
    ck_assert_uint_eq(row.value_bytes, 0);
}
END_TEST

START_TEST(an_older_record_never_replaces_a_newer_one)
{
    put(1, 20, "k", "new");
    put(1, 15, "k", "old");
    ck_assert(has("k", "new"));
    put(1, 16, "k", NULL);
    ck_assert(has("k", "new"));
}
END_TEST

/* What was read stays true as long as the edition does: consumers keep rows by it. */
START_TEST(every_change_makes_a_new_edition_and_reading_none)
{
    rc_error_t error = RC_ERROR_INIT;
    uint64_t before = rc_table_edition(table);
    put(0, 1, "a", "one");
    uint64_t written = rc_table_edition(table);
    ck_assert_uint_gt(written, before);
    ck_assert(has("a", "one"));
    ck_assert_uint_eq(rc_table_edition(table), written);
    ck_assert_int_eq(rc_table_clear(table, 0, &error), RC_OK);
    uint64_t cleared = rc_table_edition(table);
    ck_assert_uint_gt(cleared, written);
    ck_assert_int_eq(rc_store_recreate(store, &error), RC_OK);
    ck_assert_uint_gt(rc_table_edition(table), cleared);
}
END_TEST

START_TEST(ordinals_stay_with_their_row_and_are_given_out_again)
{
    put(0, 0, "a", "1");
    put(0, 1, "b", "1");
    put(0, 2, "c", "1");
    uint32_t of_b = get("b").ordinal, of_c = get("c").ordinal;
    ck_assert_uint_ne(of_b, of_c);
    put(0, 3, "b", "2");
    ck_assert_uint_eq(get("b").ordinal, of_b);
    counts(3, 3);
    put(0, 4, "b", NULL);
    put(0, 5, "d", "1");
    ck_assert_uint_eq(get("d").ordinal, of_b);
    ck_assert_uint_eq(get("c").ordinal, of_c);
    counts(3, 3);
}
END_TEST

static bool count_row(void *opaque, const rc_row_t *row)
{
    char *seen = opaque;
    (void)strncat(seen, row->key, row->key_bytes);
    (void)strcat(seen, " ");
    rc_row_t same;
    rc_error_t error = RC_ERROR_INIT; /* reading inside a scan is allowed */
    ck_assert_int_eq(rc_table_get(table, row->key, row->key_bytes, arena, &same, &error), RC_OK);
    ck_assert_uint_eq(same.ordinal, row->ordinal);
    return strlen(seen) < 20;
}

START_TEST(a_scan_gives_the_rows_of_one_prefix_in_order)
{
    rc_error_t error = RC_ERROR_INIT;
    const char *keys[] = {"int:b/2", "int:a/1", "int:b/1", "int:c/9", "int:b/10", "int:b0"};
    for (int i = 0; i < 6; i++) put(i % 2, i, keys[i], "x");
    char seen[64] = "";
    ck_assert_int_eq(rc_table_scan(table, "int:b/", 6, count_row, seen, &error), RC_OK);
    ck_assert_str_eq(seen, "int:b/1 int:b/10 int:b/2 ");
    *seen = '\0';
    ck_assert_int_eq(rc_table_scan(table, "", 0, count_row, seen, &error), RC_OK);
    ck_assert_str_eq(seen, "int:a/1 int:b/1 int:b/10 "); /* the visitor had enough */
    *seen = '\0';
    ck_assert_int_eq(rc_table_scan(table, "z", 1, count_row, seen, &error), RC_OK);
    ck_assert_str_eq(seen, "");
}
END_TEST

START_TEST(rows_and_offsets_survive_a_restart)
{
    rc_error_t error = RC_ERROR_INIT;
    rc_table_write_t writes[] = {write_of(2, 7, "a", "1"), write_of(2, 8, "b", "2")};
    rc_table_progress_t progress = {table, 2, 10, {123456}};
    ck_assert_int_eq(rc_store_apply(store, writes, 2, &progress, 1, &error), RC_OK);
    rc_store_close(store);
    open_store();
    rc_table_position_t position;
    ck_assert_int_eq(rc_table_position(table, 2, &position, &error), RC_OK);
    ck_assert_int_eq(position.next_offset, 10);
    ck_assert_int_eq(position.caught_up_at.ms, 123456);
    ck_assert_int_eq(position.witness_offset, 8);
    ck_assert_int_eq(position.witness_time_ms, 1008);
    ck_assert(position.witness_key == rc_hash64("b", 1));
    ck_assert(has("a", "1") && has("b", "2"));
    ck_assert_int_eq(rc_table_position(table, 1, &position, &error), RC_OK);
    ck_assert_int_eq(position.next_offset, 0);
    ck_assert_int_eq(position.witness_offset, -1);
}
END_TEST

START_TEST(a_killed_process_loses_nothing)
{
    rc_store_close(store);
    pid_t child = fork();
    if (child == 0) {
        open_store();
        put(0, 5, "a", "kept");
        (void)raise(SIGKILL);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    open_store();
    ck_assert(has("a", "kept"));
}
END_TEST

static void write_file(const char *name, const char *text, off_t cut)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    ck_assert_int_ge(fd, 0);
    if (text) ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    if (cut >= 0) ck_assert_int_eq(ftruncate(fd, cut), 0);
    (void)close(fd);
}

START_TEST(files_that_a_crash_of_the_machine_left_open_begin_empty)
{
    put(0, 5, "a", "maybe torn");
    rc_store_close(store);
    write_file("mark", "open another-boot\n", 18);
    open_store();
    ck_assert_ptr_null(get("a").value);
    put(0, 0, "a", "again");
    rc_store_close(store);
    open_store();
    ck_assert(has("a", "again"));
}
END_TEST

START_TEST(who_opens_a_store_is_told_whether_the_one_before_closed_it)
{
    ck_assert(!rc_store_was_left_open(store) && rc_store_is_new(store));
    put(0, 0, "a", "kept");
    rc_store_close(store);
    open_store();
    ck_assert(!rc_store_was_left_open(store) && !rc_store_is_new(store));
    rc_store_leave_open(store);
    rc_store_close(store);
    open_store();
    ck_assert(rc_store_was_left_open(store));
    ck_assert(has("a", "kept") && !rc_store_is_new(store));
    rc_store_close(store);
    open_store();
    ck_assert(!rc_store_was_left_open(store));
    rc_store_close(store);
    write_file("mark", "", 0);
    open_store();
    ck_assert(!rc_store_was_left_open(store) && rc_store_is_new(store));
}
END_TEST

START_TEST(damaged_files_begin_empty)
{
    static const struct {
        const char *text;
        off_t cut;
        const char *mark;
    } cases[] = {{"garbage garbage garbage garbage garbage", -1, NULL}, {NULL, 5000, NULL}, {NULL, 0, NULL}};
    const char *text = cases[_i].text;
    for (int i = 0; i < 50; i++) put(0, i, &"abcdefghijklmnopqrstuvwxyz"[i % 26], "x");
    rc_store_close(store);
    write_file("data.mdb", text, cases[_i].cut);
    open_store();
    counts(0, 0);
    put(0, 0, "a", "again");
    ck_assert(has("a", "again"));
}
END_TEST

/* The mark says that this boot's page cache has all of it, and the head of the file is whole. */
START_TEST(files_of_a_killed_process_that_were_cut_begin_empty)
{
    struct stat status;
    char path[128];
    char *value = rc_zalloc(100000);
    memset(value, 'x', 99999);
    for (int i = 0; i < 26; i++) put(0, i, (const char[]){(char)('a' + i), '\0'}, value);
    rc_store_leave_open(store);
    rc_store_close(store);
    (void)snprintf(path, sizeof path, "%s/data.mdb", directory);
    ck_assert_int_eq(stat(path, &status), 0);
    write_file("data.mdb", NULL, status.st_size / 8192 * 4096);
    open_store();
    counts(0, 0);
    put(0, 0, "a", "again");
    ck_assert(has("a", "again"));
    free(value);
}
END_TEST

/* A file with holes is mapped, and a hole for which there is no room ends the process. */
START_TEST(the_file_of_the_readers_has_no_hole)
{
    struct stat status;
    char path[128];
    (void)snprintf(path, sizeof path, "%s/lock.mdb", directory);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_ge(status.st_blocks * 512, status.st_size);
}
END_TEST

START_TEST(a_second_process_is_told_who_is_there)
{
    rc_error_t error = RC_ERROR_INIT;
    rc_store_t *second = NULL;
    char pid[32];
    (void)snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    ck_assert_int_eq(rc_store_open(directory, &second, &error), RC_CONFLICT);
    ck_assert_ptr_nonnull(strstr(error.message, pid));
    ck_assert_ptr_nonnull(strstr(error.message, directory));
    ck_assert_ptr_null(second);
    put(0, 1, "a", "still ours");
    ck_assert(has("a", "still ours"));
}
END_TEST

START_TEST(a_directory_that_cannot_be_made_is_named)
{
    rc_error_t error = RC_ERROR_INIT;
    rc_store_t *second = NULL;
    ck_assert_int_eq(rc_store_open("/proc/nowhere/x", &second, &error), RC_IO);
    ck_assert_ptr_nonnull(strstr(error.message, "/proc/nowhere/x"));
}
END_TEST

START_TEST(the_map_grows_with_the_rows)
{
    enum { ROWS = 3000, BYTES = 40 * 1024 }; /* 120 MiB: twice the first map */
    char *value = rc_zalloc(BYTES), key[16];
    memset(value, 'x', BYTES);
    for (int i = 0; i < ROWS; i += 100) {
        rc_table_write_t writes[100];
        char keys[100][16];
        for (int j = 0; j < 100; j++) {
            (void)snprintf(keys[j], sizeof keys[j], "%d", i + j);
            writes[j] = write_of(0, i + j, keys[j], "");
            writes[j].value = value;
            writes[j].value_bytes = BYTES;
        }
        rc_error_t error = RC_ERROR_INIT;
        ck_assert_msg(rc_store_apply(store, writes, 100, NULL, 0, &error) == RC_OK, "%s", error.message);
    }
    counts(ROWS, ROWS);
    for (int i = 0; i < ROWS; i += 7) {
        (void)snprintf(key, sizeof key, "%d", i);
        ck_assert_uint_eq(get(key).value_bytes, BYTES);
        rc_arena_reset(arena);
    }
    rc_store_close(store);
    open_store();
    counts(ROWS, ROWS);
    free(value);
}
END_TEST

START_TEST(clearing_a_partition_leaves_the_others)
{
    rc_error_t error = RC_ERROR_INIT;
    char key[16];
    for (int i = 0; i < 300; i++) {
        (void)snprintf(key, sizeof key, "%d", i);
        put(i % 3, i, key, "x");
    }
    ck_assert_int_eq(rc_table_clear(table, 1, &error), RC_OK);
    counts(200, 300);
    ck_assert_ptr_null(get("1").value);
    ck_assert(has("2", "x") && has("0", "x"));
    rc_table_position_t position;
    ck_assert_int_eq(rc_table_position(table, 1, &position, &error), RC_OK);
    ck_assert_int_eq(position.next_offset, 0);
    ck_assert_int_eq(rc_table_position(table, 2, &position, &error), RC_OK);
    ck_assert_int_eq(position.next_offset, 300);
    put(1, 0, "1", "new");
    counts(201, 300);
    ck_assert_int_eq(rc_table_clear(table, -1, &error), RC_OK);
    counts(0, 0);
    ck_assert_int_eq(rc_table_position(table, 2, &position, &error), RC_OK);
    ck_assert_int_eq(position.next_offset, 0);
}
END_TEST

START_TEST(another_cluster_topic_or_count_begins_empty)
{
    static const struct {
        const char *cluster;
        const char *topic;
        int32_t partitions;
        bool emptied;
    } cases[] = {{"c1", "t", 12, false}, {"c2", "t", 12, true}, {"c1", "u", 12, true}, {"c1", "t", 24, true}};
    rc_error_t error = RC_ERROR_INIT;
    bool emptied = true;
    ck_assert_int_eq(rc_table_bind(table, "c1", "t", 12, &emptied, &error), RC_OK);
    ck_assert(!emptied);
    put(0, 0, "a", "x");
    ck_assert_int_eq(rc_table_clear(table, 5, &error), RC_OK); /* keeps the identity */
    ck_assert_int_eq(rc_table_bind(table, cases[_i].cluster, cases[_i].topic, cases[_i].partitions, &emptied, &error),
                     RC_OK);
    ck_assert_int_eq(emptied, cases[_i].emptied);
    ck_assert_int_eq(get("a").value == NULL, cases[_i].emptied);
}
END_TEST

START_TEST(files_are_made_again_while_others_read)
{
    rc_error_t error = RC_ERROR_INIT;
    put(0, 0, "a", "x");
    (void)get("a"); /* a read transaction rests in the pool */
    ck_assert_int_eq(rc_store_recreate(store, &error), RC_OK);
    ck_assert_ptr_null(get("a").value);
    put(0, 0, "a", "y");
    ck_assert(has("a", "y"));
}
END_TEST

static atomic_bool stop;

static void *read_on(void *opaque)
{
    (void)opaque;
    rc_arena_t *mine = rc_arena_new();
    uint64_t reads = 0;
    while (!atomic_load(&stop)) {
        rc_row_t a, b;
        rc_error_t error = RC_ERROR_INIT;
        ck_assert_int_eq(rc_table_get(table, "a", 1, mine, &a, &error), RC_OK);
        ck_assert_int_eq(rc_table_get(table, "b", 1, mine, &b, &error), RC_OK);
        ck_assert(!a.value || !b.value || b.offset >= a.offset); /* b is written behind or with a */
        rc_arena_reset(mine);
        reads++;
    }
    rc_arena_free(mine);
    return (void *)(uintptr_t)reads;
}

START_TEST(many_threads_read_while_one_writes)
{
    pthread_t threads[4];
    rc_error_t error = RC_ERROR_INIT;
    for (int i = 0; i < 4; i++) ck_assert_int_eq(pthread_create(&threads[i], NULL, read_on, NULL), 0);
    for (int64_t i = 0; i < 2000; i++) {
        rc_table_write_t writes[] = {write_of(0, 2 * i, "a", "1"), write_of(0, 2 * i + 1, "b", "2")};
        ck_assert_int_eq(rc_store_apply(store, writes, 2, NULL, 0, &error), RC_OK);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 4; i++) {
        void *reads;
        ck_assert_int_eq(pthread_join(threads[i], &reads), 0);
        ck_assert_ptr_nonnull(reads);
    }
}
END_TEST

START_TEST(what_is_stale_is_said)
{
    enum { HOUR = 3600 * 1000 };
    const rc_wall_t now = {1000LL * HOUR};
    static const struct {
        rc_table_position_t position;
        int64_t beginning, end;
        const char *why; /* a word of it; NULL: usable */
    } cases[] = {
        {{0, {0}, -1, -1, 0}, 0, 100, NULL},
        {{50, {1000LL * HOUR - 60000}, 48, 1, 0}, 0, 100, NULL},
        {{100, {988LL * HOUR}, 48, 1, 0}, 0, 100, NULL},
        {{100, {988LL * HOUR - 1}, 48, 1, 0}, 0, 100, "12 hours"},
        {{101, {999LL * HOUR}, 48, 1, 0}, 0, 100, "ahead"},
        {{50, {999LL * HOUR}, 48, 1, 0}, 51, 100, "behind"},
        {{50, {999LL * HOUR}, 48, 1, 0}, 49, 100, "behind"},
        {{50, {999LL * HOUR}, -1, -1, 0}, 50, 100, NULL},
        {{50, {0}, 48, 1, 0}, 0, 100, "never"},
        {{50, {1002LL * HOUR}, 48, 1, 0}, 0, 100, "clock"},
    };
    const char *why = rc_table_stale(&cases[_i].position, cases[_i].beginning, cases[_i].end, now);
    if (cases[_i].why)
        ck_assert_msg(why && strstr(why, cases[_i].why), "case %d: %s", _i, why ? why : "usable");
    else
        ck_assert_msg(!why, "case %d: %s", _i, why);
}
END_TEST

static void limit_file_size(rlim_t bytes)
{
    (void)signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(a_full_disk_is_said_and_nothing_is_applied)
{
    /* RLIMIT_FSIZE stands in for a disk: the write fails, with EFBIG instead of ENOSPC */
    rc_error_t error = RC_ERROR_INIT;
    put(0, 0, "a", "before");
    struct stat status;
    char path[128];
    (void)snprintf(path, sizeof path, "%s/data.mdb", directory);
    ck_assert_int_eq(stat(path, &status), 0);
    limit_file_size((rlim_t)status.st_size + 4096);
    char *value = rc_zalloc(1 << 20);
    rc_table_write_t writes[] = {write_of(0, 1, "a", "after"), write_of(0, 2, "b", "")};
    writes[1].value = value;
    writes[1].value_bytes = 1 << 20;
    ck_assert_int_eq(rc_store_apply(store, writes, 2, NULL, 0, &error), RC_IO);
    ck_assert_int_eq(error.disposition, RC_RETRY);
    ck_assert(has("a", "before"));
    limit_file_size(RLIM_INFINITY);
    ck_assert_int_eq(rc_store_apply(store, writes, 2, NULL, 0, &error), RC_OK);
    ck_assert(has("a", "after"));
    free(value);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("table");
    TCase *cases = tcase_create("table");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, a_row_is_the_newest_record_of_its_key);
    tcase_add_test(cases, an_empty_value_is_no_tombstone);
    tcase_add_test(cases, an_older_record_never_replaces_a_newer_one);
    tcase_add_test(cases, every_change_makes_a_new_edition_and_reading_none);
    tcase_add_test(cases, ordinals_stay_with_their_row_and_are_given_out_again);
    tcase_add_test(cases, a_scan_gives_the_rows_of_one_prefix_in_order);
    tcase_add_test(cases, rows_and_offsets_survive_a_restart);
    tcase_add_test(cases, a_killed_process_loses_nothing);
    tcase_add_test(cases, files_that_a_crash_of_the_machine_left_open_begin_empty);
    tcase_add_test(cases, who_opens_a_store_is_told_whether_the_one_before_closed_it);
    tcase_add_loop_test(cases, damaged_files_begin_empty, 0, 3);
    tcase_add_test(cases, files_of_a_killed_process_that_were_cut_begin_empty);
    tcase_add_test(cases, the_file_of_the_readers_has_no_hole);
    tcase_add_test(cases, a_second_process_is_told_who_is_there);
    tcase_add_test(cases, a_directory_that_cannot_be_made_is_named);
    tcase_add_test(cases, the_map_grows_with_the_rows);
    tcase_add_test(cases, clearing_a_partition_leaves_the_others);
    tcase_add_loop_test(cases, another_cluster_topic_or_count_begins_empty, 0, 4);
    tcase_add_test(cases, files_are_made_again_while_others_read);
    tcase_add_test(cases, many_threads_read_while_one_writes);
    tcase_add_test(cases, a_full_disk_is_said_and_nothing_is_applied);
    suite_add_tcase(suite, cases);
    TCase *pure = tcase_create("stale");
    tcase_add_loop_test(pure, what_is_stale_is_said, 0, 10);
    suite_add_tcase(suite, pure);
    return rc_unit_run(suite);
}
