#include "producer/rules/collision.h"

#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "tests/support/gen.h"
#include "tests/support/unit.h"

/* The snapshot table and the stage as plain arrays. */
enum { MOST = 64 };

typedef struct {
    const char *id;
    const char *email;
    rc_presence_t presence;
    int64_t version;
} row_t;

static rc_arena_t *arena;
static row_t rows[MOST];
static size_t row_count;
static rc_claim_t claims[MOST];
static size_t claim_count;
static size_t visits;

static void claims_on(void *opaque, const char *address, rc_claim_fn *visit, void *arg)
{
    (void)opaque;
    for (size_t i = 0; i < claim_count; i++)
        if (claims[i].wanted && rc_email_equal(claims[i].wanted, address)) {
            visits++;
            if (!visit(arg, &claims[i])) return;
        }
}

static bool claim_of(void *opaque, const char *employee_id, rc_claim_t *claim)
{
    (void)opaque;
    for (size_t i = 0; i < claim_count; i++)
        if (strcmp(claims[i].employee_id, employee_id) == 0) {
            *claim = claims[i];
            return true;
        }
    return false;
}

static void holders_of(void *opaque, const char *address, rc_holder_fn *visit, void *arg)
{
    (void)opaque;
    for (size_t i = 0; i < row_count; i++)
        if (rc_email_equal(rows[i].email, address)) {
            rc_holder_t holder = {rows[i].id, rows[i].presence, rows[i].version};
            visits++;
            if (!visit(arg, &holder)) return;
        }
}

static const rc_address_index_t INDEX = {NULL, claims_on, claim_of, holders_of};
static rc_collisions_t *collisions;

static void set_up(void)
{
    arena = rc_arena_new();
    row_count = claim_count = 0;
    collisions = NULL;
}

static void tear_down(void)
{
    rc_collisions_free(collisions);
    rc_arena_free(arena);
}

static void row(const char *id, const char *email, rc_presence_t presence)
{
    rows[row_count] = (row_t){id, email, presence, (int64_t)row_count + 1};
    row_count++;
}

static void announced(const char *id, const char *email)
{
    row(id, email, RC_PRESENCE_EMPLOYED);
}

static void former(const char *id, const char *email)
{
    row(id, email, RC_PRESENCE_GONE);
}

/* Wants `email`; NULL: leaves. */
static void stage(const char *id, const char *email, int hired)
{
    const char *published = NULL;
    for (size_t i = 0; i < row_count; i++)
        if (strcmp(rows[i].id, id) == 0 && rows[i].presence == RC_PRESENCE_EMPLOYED) published = rows[i].email;
    claims[claim_count++] = (rc_claim_t){id, email, published, hired ? (rc_date_t){hired} : RC_DATE_NONE};
}

static void settle(void)
{
    rc_collisions_free(collisions);
    collisions = rc_collisions_new(&INDEX);
    for (size_t i = 0; i < claim_count; i++) rc_collisions_add(collisions, &claims[i]);
}

static const char *winner(const char *id)
{
    return rc_collisions_winner(collisions, id);
}

START_TEST(an_address_nobody_has_is_free)
{
    former("1", "a@x");
    stage("2", "a@x", 0);
    stage("3", "b@x", 0);
    settle();
    ck_assert_uint_eq(rc_collisions_count(collisions), 0);
}
END_TEST

START_TEST(the_announced_one_keeps_it)
{
    announced("9", "A@x");
    stage("1", "a@X", 1);
    settle();
    ck_assert_str_eq(winner("1"), "9");
    ck_assert_uint_eq(rc_collisions_count(collisions), 1);
}
END_TEST

START_TEST(the_announced_one_keeps_it_also_with_a_change_of_its_own)
{
    announced("9", "a@x");
    stage("9", "a@x", 100); /* another title, say */
    stage("1", "a@x", 1);
    settle();
    ck_assert_str_eq(winner("1"), "9");
    ck_assert_ptr_null(winner("9"));
}
END_TEST

START_TEST(an_announced_one_comes_before_a_new_one)
{
    announced("9", "old@x");
    stage("9", "a@x", 100);
    stage("1", "a@x", 1);
    settle();
    ck_assert_str_eq(winner("1"), "9");
}
END_TEST

START_TEST(else_the_earlier_hire_date_then_the_lower_id)
{
    stage("1", "a@x", 20);
    stage("2", "a@x", 10);
    stage("3", "a@x", 0); /* no date says nothing */
    stage("5", "b@x", 10);
    stage("4", "b@x", 10);
    stage("7", "c@x", 0);
    stage("6", "c@x", 0);
    settle();
    ck_assert_ptr_null(winner("2"));
    ck_assert_str_eq(winner("1"), "2");
    ck_assert_str_eq(winner("3"), "2");
    ck_assert_str_eq(winner("5"), "4");
    ck_assert_str_eq(winner("7"), "6");
}
END_TEST

START_TEST(a_leaver_frees_the_address)
{
    announced("1", "a@x");
    stage("1", NULL, 0);
    stage("2", "a@x", 0);
    settle();
    ck_assert_ptr_null(winner("2"));
}
END_TEST

START_TEST(a_leaver_who_is_held_does_not)
{
    announced("1", "a@x");
    stage("2", "a@x", 0);
    settle();
    ck_assert_str_eq(winner("2"), "1");
}
END_TEST

START_TEST(two_who_swap_are_no_collision)
{
    announced("1", "a@x");
    announced("2", "b@x");
    stage("1", "b@x", 0);
    stage("2", "a@x", 0);
    settle();
    ck_assert_uint_eq(rc_collisions_count(collisions), 0);
}
END_TEST

START_TEST(three_who_rotate_are_no_collision)
{
    announced("1", "a@x");
    announced("2", "b@x");
    announced("3", "c@x");
    stage("1", "b@x", 0);
    stage("2", "c@x", 0);
    stage("3", "a@x", 0);
    settle();
    ck_assert_uint_eq(rc_collisions_count(collisions), 0);
}
END_TEST

START_TEST(half_a_swap_is_one)
{
    announced("1", "a@x");
    announced("2", "b@x");
    stage("1", "b@x", 0);
    settle();
    ck_assert_str_eq(winner("1"), "2");
}
END_TEST

START_TEST(who_stays_after_all_stops_those_behind)
{
    /* 1 → b, 2 → c, 3 → d, and d is 4's, who stays. A new one waits for a. */
    announced("1", "a@x");
    announced("2", "b@x");
    announced("3", "c@x");
    announced("4", "d@x");
    stage("5", "a@x", 0);
    stage("1", "b@x", 0);
    stage("2", "c@x", 0);
    stage("3", "d@x", 0);
    settle();
    ck_assert_str_eq(winner("3"), "4");
    ck_assert_str_eq(winner("2"), "3");
    ck_assert_str_eq(winner("1"), "2");
    ck_assert_str_eq(winner("5"), "1");
}
END_TEST

START_TEST(a_winner_can_still_lose_to_who_stays)
{
    /* 2 beats 3 for a, until 1 loses b and keeps a. */
    announced("1", "a@x");
    announced("4", "b@x");
    stage("2", "a@x", 1);
    stage("3", "a@x", 2);
    stage("1", "b@x", 0);
    settle();
    ck_assert_str_eq(winner("1"), "4");
    ck_assert_str_eq(winner("2"), "1");
    ck_assert_str_eq(winner("3"), "1");
}
END_TEST

/* However it came about (an older release, a forgotten state): their other changes must not wait for ever. */
START_TEST(two_who_share_an_address_already_keep_it)
{
    announced("1", "a@x");
    announced("2", "a@x");
    stage("1", "a@x", 0);
    stage("2", "a@x", 0);
    stage("3", "a@x", 0);
    settle();
    ck_assert_ptr_null(winner("1"));
    ck_assert_ptr_null(winner("2"));
    ck_assert_str_eq(winner("3"), "1");
}
END_TEST

/* ---- Rehires under a new id ---- */

static const char *replaced(const char *id)
{
    rc_claim_t claim;
    ck_assert(claim_of(NULL, id, &claim));
    return rc_collisions_replaced(collisions, arena, &claim);
}

START_TEST(a_new_id_with_the_address_of_a_gone_one_replaces_it)
{
    former("1", "A@x");
    former("2", "b@x");
    stage("3", "a@x", 0);
    stage("4", "c@x", 0);
    settle();
    ck_assert_str_eq(replaced("3"), "1");
    ck_assert_ptr_null(replaced("4"));
}
END_TEST

START_TEST(also_of_one_who_goes_in_the_same_poll)
{
    former("0", "a@x");
    announced("1", "a@x");
    stage("1", NULL, 0);
    stage("2", "a@x", 0);
    settle();
    ck_assert_str_eq(replaced("2"), "1");
}
END_TEST

START_TEST(not_of_one_who_comes_back_or_moves_on)
{
    former("1", "a@x");
    announced("2", "b@x");
    stage("1", "c@x", 0);
    stage("2", "d@x", 0);
    stage("3", "a@x", 0);
    stage("4", "b@x", 0);
    settle();
    ck_assert_ptr_null(replaced("3"));
    ck_assert_ptr_null(replaced("4"));
}
END_TEST

START_TEST(of_several_the_one_published_last)
{
    former("5", "a@x");
    former("7", "a@x");
    former("6", "a@x");
    stage("9", "a@x", 0);
    settle();
    ck_assert_str_eq(replaced("9"), "6");
    rows[1].version = rows[2].version;
    ck_assert_str_eq(replaced("9"), "6");
    rows[1].version++;
    ck_assert_str_eq(replaced("9"), "7");
}
END_TEST

START_TEST(an_announced_one_replaces_nobody)
{
    former("1", "a@x");
    announced("2", "b@x");
    stage("2", "a@x", 0);
    settle();
    ck_assert_ptr_null(replaced("2"));
}
END_TEST

/* ---- Properties ---- */

static const char *address(rc_random_t *random, size_t pool)
{
    return rc_arena_sprintf(arena, "%zu@x", rc_random_below(random, pool));
}

/* A company in which no two announced people share an address, and what this poll would change. */
static void gen_company(rc_random_t *random)
{
    size_t people = 2 + rc_random_below(random, 20), pool = people + 2;
    row_count = claim_count = 0;
    for (size_t i = 0; i < people; i++) {
        const char *id = rc_arena_sprintf(arena, "e-%zu", i);
        size_t kind = rc_random_below(random, 10);
        if (kind < 6) announced(id, rc_arena_sprintf(arena, "%zu@x", i));
        if (kind == 6) former(id, address(random, pool));
        if (!rc_random_chance(random, 60)) continue;
        bool leaves = kind < 6 && rc_random_chance(random, 15);
        stage(id, leaves ? NULL : address(random, pool), (int)rc_random_below(random, 3));
    }
}

static void shuffle_claims(rc_random_t *random)
{
    for (size_t i = claim_count; i > 1; i--) {
        size_t j = rc_random_below(random, i);
        rc_claim_t swapped = claims[i - 1];
        claims[i - 1] = claims[j];
        claims[j] = swapped;
    }
    for (size_t i = row_count; i > 1; i--) {
        size_t j = rc_random_below(random, i);
        row_t swapped = rows[i - 1];
        rows[i - 1] = rows[j];
        rows[j] = swapped;
    }
}

static const char *address_after(const row_t *of)
{
    rc_claim_t claim;
    if (!claim_of(NULL, of->id, &claim) || winner(of->id))
        return of->presence == RC_PRESENCE_EMPLOYED ? of->email : NULL;
    return claim.wanted;
}

START_TEST(afterwards_no_two_share_an_address)
{
    RC_FOR_SEEDS(seed, 5000)
    {
        rc_random_t random = {seed};
        rc_arena_reset(arena);
        gen_company(&random);
        settle();
        for (size_t i = 0; i < claim_count; i++) {
            row_t never = {claims[i].employee_id, NULL, RC_PRESENCE_GONE, 0};
            bool known = false;
            for (size_t r = 0; r < row_count; r++) known |= strcmp(rows[r].id, never.id) == 0;
            if (!known) rows[row_count++] = never;
        }
        for (size_t a = 0; a < row_count; a++)
            for (size_t b = 0; b < a; b++) {
                const char *one = address_after(&rows[a]), *other = address_after(&rows[b]);
                ck_assert_msg(!one || !other || !rc_email_equal(one, other), "seed %llu: %s and %s both have %s",
                              (unsigned long long)seed, rows[a].id, rows[b].id, one);
            }
    }
}
END_TEST

/* A loser loses to somebody who has the address then: nobody waits for nothing. */
START_TEST(nobody_loses_to_nobody)
{
    RC_FOR_SEEDS(seed, 5000)
    {
        rc_random_t random = {seed};
        rc_arena_reset(arena);
        gen_company(&random);
        settle();
        for (size_t i = 0; i < claim_count; i++) {
            const char *first = winner(claims[i].employee_id);
            if (!first) continue;
            row_t of = {first, NULL, RC_PRESENCE_GONE, 0};
            for (size_t r = 0; r < row_count; r++)
                if (strcmp(rows[r].id, first) == 0) of = rows[r];
            const char *has = address_after(&of);
            ck_assert_msg(has && rc_email_equal(has, claims[i].wanted), "seed %llu: %s lost to %s, who has %s",
                          (unsigned long long)seed, claims[i].employee_id, first, has ? has : "nothing");
        }
    }
}
END_TEST

START_TEST(collisions_do_not_depend_on_order)
{
    size_t lost = 0;
    RC_FOR_SEEDS(seed, 5000)
    {
        rc_random_t random = {seed};
        rc_arena_reset(arena);
        gen_company(&random);
        settle();
        rc_collisions_t *first = collisions;
        collisions = NULL;
        shuffle_claims(&random);
        settle();
        for (size_t i = 0; i < claim_count; i++) {
            const char *id = claims[i].employee_id;
            ck_assert_msg(rc_text_equal(rc_collisions_winner(first, id), winner(id)), "seed %llu: %s",
                          (unsigned long long)seed, id);
        }
        lost += rc_collisions_count(first);
        rc_collisions_free(first);
    }
    ck_assert_uint_gt(lost, 100);
}
END_TEST

START_TEST(the_work_grows_with_the_claims)
{
    /* Everybody wants one address; and a chain as long as there are people, stopped at its end. */
    for (size_t shape = 0; shape < 2; shape++) {
        row_count = claim_count = 0;
        for (size_t i = 0; i < MOST; i++)
            announced(rc_arena_sprintf(arena, "%02zu", i), rc_arena_sprintf(arena, "%zu@x", i));
        for (size_t i = 0; i + 1 < MOST; i++) stage(rows[i].id, shape == 0 ? "same@x" : rows[i + 1].email, 0);
        visits = 0;
        settle();
        ck_assert_uint_eq(rc_collisions_count(collisions), shape == 0 ? MOST - 2 : MOST - 1);
        ck_assert_uint_lt(visits, 10 * MOST);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("collision");
    TCase *cases = tcase_create("collision");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, an_address_nobody_has_is_free);
    tcase_add_test(cases, the_announced_one_keeps_it);
    tcase_add_test(cases, the_announced_one_keeps_it_also_with_a_change_of_its_own);
    tcase_add_test(cases, an_announced_one_comes_before_a_new_one);
    tcase_add_test(cases, else_the_earlier_hire_date_then_the_lower_id);
    tcase_add_test(cases, a_leaver_frees_the_address);
    tcase_add_test(cases, a_leaver_who_is_held_does_not);
    tcase_add_test(cases, two_who_swap_are_no_collision);
    tcase_add_test(cases, three_who_rotate_are_no_collision);
    tcase_add_test(cases, half_a_swap_is_one);
    tcase_add_test(cases, who_stays_after_all_stops_those_behind);
    tcase_add_test(cases, a_winner_can_still_lose_to_who_stays);
    tcase_add_test(cases, two_who_share_an_address_already_keep_it);
    tcase_add_test(cases, a_new_id_with_the_address_of_a_gone_one_replaces_it);
    tcase_add_test(cases, also_of_one_who_goes_in_the_same_poll);
    tcase_add_test(cases, not_of_one_who_comes_back_or_moves_on);
    tcase_add_test(cases, of_several_the_one_published_last);
    tcase_add_test(cases, an_announced_one_replaces_nobody);
    tcase_add_test(cases, afterwards_no_two_share_an_address);
    tcase_add_test(cases, nobody_loses_to_nobody);
    tcase_add_test(cases, collisions_do_not_depend_on_order);
    tcase_add_test(cases, the_work_grows_with_the_claims);
    suite_add_tcase(suite, cases);
    return rc_unit_run(suite);
}
