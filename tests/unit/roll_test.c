/* producer/poll/roll: who is published, pending and seen, found by employee id. */
#include "producer/poll/roll.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/unit.h"

static rc_roll_t *roll;

static void set_up(void)
{
    roll = rc_roll_new();
}

static void tear_down(void)
{
    rc_roll_free(roll);
}

static rc_digest_t employed(uint64_t hash)
{
    return (rc_digest_t){hash, {true, RC_PRESENCE_EMPLOYED, RC_GONE_INACTIVE}};
}

static rc_digest_t gone(uint64_t hash, rc_gone_reason_t reason)
{
    return (rc_digest_t){hash, {true, RC_PRESENCE_GONE, reason}};
}

static bool add(const char *id, int64_t offset)
{
    return rc_roll_add(roll, id, strlen(id), offset);
}

static void learn(const char *id, int64_t offset, rc_digest_t digest)
{
    rc_roll_learn(roll, id, strlen(id), offset, digest);
}

static void see(const char *id)
{
    rc_roll_see(roll, id, strlen(id));
}

static rc_roll_entry_t find(const char *id)
{
    return rc_roll_find(roll, id, strlen(id));
}

START_TEST(whoever_was_not_called_is_not_on_it)
{
    rc_roll_entry_t entry = find("1");
    ck_assert(!entry.published && !entry.is_pending);
    rc_roll_begin(roll, 1);
    learn("1", 7, employed(11));
    see("2");
    entry = find("2");
    ck_assert(!entry.published && !entry.is_pending);
    ck_assert(!rc_roll_has_seen(roll, "2", 1));
    ck_assert_uint_eq(rc_roll_stored(roll), 1);
}
END_TEST

START_TEST(what_was_learned_of_a_row_comes_back)
{
    rc_roll_begin(roll, 1);
    learn("1", 0, employed(UINT64_MAX));
    learn("2", (INT64_C(1) << 48) - 1, gone(22, RC_GONE_OUT_OF_SCOPE));
    rc_roll_entry_t entry = find("1");
    ck_assert(entry.published && rc_standing_is_announced(entry.digest.standing) && !entry.is_pending);
    ck_assert_uint_eq(entry.digest.hash, UINT64_MAX);
    entry = find("2");
    ck_assert(entry.published && !rc_standing_is_announced(entry.digest.standing));
    ck_assert_uint_eq(entry.digest.hash, 22);
    ck_assert_int_eq(entry.digest.standing.gone_reason, RC_GONE_OUT_OF_SCOPE);
    ck_assert_uint_eq(rc_roll_stored(roll), 2);
    ck_assert_uint_eq(rc_roll_announced(roll), 1);
}
END_TEST

START_TEST(a_row_is_learned_once_as_long_as_it_stands_at_its_offset)
{
    rc_roll_begin(roll, 1);
    ck_assert(!add("1", 5));
    learn("1", 5, employed(11));
    learn("2", INT64_C(1) << 32 | 5, employed(22));
    rc_roll_begin(roll, 1);
    ck_assert(!find("1").published); /* until called */
    ck_assert(add("1", 5));
    ck_assert(!add("2", 5)); /* the lower half is the same */
    ck_assert(add("2", INT64_C(1) << 32 | 5));
    ck_assert(find("1").published);
    ck_assert_uint_eq(find("1").digest.hash, 11);
    rc_roll_begin(roll, 1);
    ck_assert(!add("1", 6)); /* published again since */
    learn("1", 6, gone(12, RC_GONE_DELETED));
    ck_assert_uint_eq(find("1").digest.hash, 12);
    ck_assert(!rc_standing_is_announced(find("1").digest.standing));
    ck_assert_uint_eq(rc_roll_announced(roll), 0);
}
END_TEST

START_TEST(in_another_life_of_the_tables_nothing_is_known)
{
    rc_roll_begin(roll, 1);
    learn("1", 5, employed(11));
    rc_roll_begin(roll, 2);
    ck_assert(!add("1", 5));
    ck_assert(!find("1").published);
}
END_TEST

START_TEST(only_the_announced_can_be_unseen)
{
    rc_roll_begin(roll, 1);
    learn("1", 1, employed(11));
    learn("2", 2, gone(22, RC_GONE_DELETED));
    learn("3", 3, employed(33));
    rc_roll_add_pending(roll, "4", 1);
    ck_assert_uint_eq(rc_roll_unseen(roll), 2);
    see("1");
    see("1"); /* a record may come twice */
    see("2");
    see("4");
    see("5");
    ck_assert_uint_eq(rc_roll_unseen(roll), 1);
    ck_assert(rc_roll_has_seen(roll, "1", 1) && !rc_roll_has_seen(roll, "3", 1) && rc_roll_has_seen(roll, "4", 1));
    see("3");
    ck_assert_uint_eq(rc_roll_unseen(roll), 0);
    rc_roll_begin(roll, 1);
    ck_assert(add("1", 1));
    ck_assert_uint_eq(rc_roll_unseen(roll), 1); /* a listing that begins again has seen nobody */
}
END_TEST

START_TEST(the_pending_are_known_published_or_not)
{
    rc_roll_begin(roll, 1);
    learn("1", 1, employed(11));
    rc_roll_add_pending(roll, "1", 1);
    rc_roll_add_pending(roll, "2", 1);
    ck_assert(find("1").published && find("1").is_pending);
    ck_assert(!find("2").published && find("2").is_pending);
    ck_assert_uint_eq(rc_roll_stored(roll), 2);
    rc_roll_begin(roll, 1);
    rc_roll_add_pending(roll, "1", 1);
    ck_assert(add("1", 1));
    ck_assert_uint_eq(rc_roll_stored(roll), 1);
    rc_roll_begin(roll, 1);
    ck_assert(add("1", 1));
    ck_assert(!find("1").is_pending && !find("2").is_pending);
}
END_TEST

/* A company that grows, then loses most of its people to newcomers, round after round. */
START_TEST(any_number_may_come_and_go)
{
    enum { PEOPLE = 2000, ROUNDS = 8 };
    char id[16];
    for (int round = 0; round < ROUNDS; round++) {
        rc_roll_begin(roll, 1);
        int first = round * PEOPLE / 2;
        for (int i = first; i < first + PEOPLE; i++) {
            size_t length = (size_t)snprintf(id, sizeof id, "e%d", i);
            bool known = rc_roll_add(roll, id, length, i);
            ck_assert_int_eq(known, round > 0 && i < first + PEOPLE / 2);
            if (!known) rc_roll_learn(roll, id, length, i, employed((uint64_t)i + 1));
        }
        ck_assert_uint_eq(rc_roll_stored(roll), PEOPLE);
        for (int i = 0; i < first + 2 * PEOPLE; i++) {
            size_t length = (size_t)snprintf(id, sizeof id, "e%d", i);
            bool there = i >= first && i < first + PEOPLE;
            rc_roll_entry_t entry = rc_roll_find(roll, id, length);
            ck_assert_int_eq(entry.published, there);
            if (there) ck_assert_uint_eq(entry.digest.hash, (uint64_t)i + 1);
            rc_roll_see(roll, id, length);
        }
        ck_assert_uint_eq(rc_roll_unseen(roll), 0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("roll");
    TCase *tcase = tcase_create("roll");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, whoever_was_not_called_is_not_on_it);
    tcase_add_test(tcase, what_was_learned_of_a_row_comes_back);
    tcase_add_test(tcase, a_row_is_learned_once_as_long_as_it_stands_at_its_offset);
    tcase_add_test(tcase, in_another_life_of_the_tables_nothing_is_known);
    tcase_add_test(tcase, only_the_announced_can_be_unseen);
    tcase_add_test(tcase, the_pending_are_known_published_or_not);
    tcase_add_test(tcase, any_number_may_come_and_go);
    suite_add_tcase(suite, tcase);
    return rc_unit_run(suite);
}
