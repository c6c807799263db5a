/* producer/poll/addresses: who has and who wants which address, over a real stage, and what collisions come of it. The
 * published rows are an array of this test, which takes the place of the views. */
#include "producer/poll/addresses.h"

#include <stdio.h>
#include <string.h>

#include "producer/poll/poll_steps.h"
#include "tests/support/scratch.h"
#include "tests/support/unit.h"

enum { MOST = 6, VALUE_MAX_BYTES = 64 * 1024 };

/* A published row, or an entry of the stage. */
typedef struct {
    const char *id; /* NULL: no more */
    const char *email;
    bool gone;             /* of a change: the person leaves */
    int32_t hired;         /* of a change: the hire date */
    int64_t version;       /* of a row */
    rc_staged_kind_t kind; /* of an entry */
} person_t;

/* ---- The views ---- */

static const person_t *published;
static bool broken; /* the tables cannot be read */

static rc_snapshot_t row_of(const person_t *person)
{
    return (rc_snapshot_t){.integration_id = "i",
                           .employee_id = person->id,
                           .version = person->version,
                           .presence = person->gone ? RC_PRESENCE_GONE : RC_PRESENCE_EMPLOYED,
                           .employee = {.email = person->email}};
}

rc_code_t rc_views_each_snapshot(rc_views_t *views, const char *integration_id,
                                 bool (*pass)(void *opaque, const char *employee_id, size_t id_bytes, uint32_t ordinal),
                                 bool (*visit)(void *opaque, const rc_snapshot_t *snapshot, uint32_t ordinal),
                                 void *opaque, rc_error_t *error)
{
    ck_assert(!views && !pass);
    ck_assert_str_eq(integration_id, "i");
    if (broken) return rc_error_set(error, RC_IO, RC_RETRY, "torn");
    for (uint32_t i = 0; i < MOST && published[i].id; i++) {
        rc_snapshot_t row = row_of(&published[i]);
        if (!visit(opaque, &row, i)) break;
    }
    return RC_OK;
}

rc_code_t rc_views_snapshot(rc_views_t *views, const char *integration_id, const char *employee_id, rc_arena_t *arena,
                            rc_snapshot_t *snapshot, bool *found, rc_error_t *error)
{
    (void)arena;
    ck_assert(!views);
    ck_assert_str_eq(integration_id, "i");
    if (broken) return rc_error_set(error, RC_IO, RC_RETRY, "torn");
    *found = false;
    for (size_t i = 0; i < MOST && published[i].id; i++) {
        if (strcmp(published[i].id, employee_id) != 0) continue;
        *snapshot = row_of(&published[i]);
        *found = true;
    }
    return RC_OK;
}

/* ---- The stage ---- */

static char *folder;
static rc_schema_store_t *schemas;
static rc_codec_t *codec;
static rc_arena_t *arena;
static rc_stage_t *stage;
static rc_addresses_t *addresses;

static void set_up(void)
{
    folder = rc_scratch_new();
    schemas = rc_schema_store_new();
    codec = rc_codec_new(schemas, RC_WIRE_SINGLE_OBJECT);
    arena = rc_arena_new();
    broken = false;
}

static void tear_down(void)
{
    rc_addresses_free(addresses);
    rc_stage_free(stage);
    addresses = NULL;
    stage = NULL;
    rc_arena_free(arena);
    rc_codec_free(codec);
    rc_schema_store_free(schemas);
    rc_scratch_remove(folder);
}

static void put(const person_t *person)
{
    rc_error_t error = RC_ERROR_INIT;
    rc_buf_t value = RC_BUF_INIT(VALUE_MAX_BYTES);
    const rc_tag_t tag = {.kind = person->kind};
    uint64_t bits;
    memcpy(&bits, &tag, sizeof bits);
    const rc_pending_t change = {.integration_id = "i",
                                 .employee_id = person->id,
                                 .employee = {.email = person->email,
                                              .hire_date = person->hired ? (rc_date_t){person->hired} : RC_DATE_NONE,
                                              .leave_date = RC_DATE_NONE},
                                 .wanted = person->gone ? RC_PRESENCE_GONE : RC_PRESENCE_EMPLOYED,
                                 .effective_date = RC_DATE_NONE};
    bool wants = person->kind == RC_STAGED_CHANGE && !person->gone && person->email;
    ck_assert_int_eq(rc_codec_encode_pending(codec, &change, &value, &error), RC_OK);
    ck_assert_int_eq(rc_stage_put(stage, person->id, wants ? rc_address_key(arena, person->email) : NULL, bits,
                                  value.data, value.size_bytes, &error),
                     RC_OK);
    rc_buf_fini(&value);
}

static bool is_change(const void *opaque, size_t index)
{
    rc_tag_t tag;
    const uint64_t bits = rc_stage_tag(stage, index);
    ck_assert(!opaque);
    memcpy(&tag, &bits, sizeof tag);
    return tag.kind == RC_STAGED_CHANGE;
}

static rc_code_t open_index(const person_t rows[MOST], const person_t entries[MOST], rc_error_t *error)
{
    published = rows;
    ck_assert_int_eq(rc_stage_new(folder, &stage, error), RC_OK);
    for (size_t i = 0; i < MOST && entries[i].id; i++) put(&entries[i]);
    ck_assert_int_eq(rc_stage_seal(stage, error), RC_OK);
    return rc_addresses_new(NULL, codec, "i", stage, is_change, NULL, &addresses, error);
}

/* "loser<winner" of every entry that does not go through, "id=former" of every rehire under a new id; by id. */
static const char *settle(void)
{
    rc_buf_t story = RC_BUF_INIT(1024);
    rc_claim_t claim;
    rc_collisions_t *collisions = rc_collisions_new(rc_addresses_index(addresses));
    for (size_t i = 0; i < rc_stage_count(stage); i++)
        if (rc_addresses_claim(addresses, i, arena, &claim)) rc_collisions_add(collisions, &claim);
    for (const char *id = "abcdefghijklmnopqrstuvwxyz"; *id; id++) {
        const char name[] = {*id, '\0'};
        size_t index;
        ck_assert_int_eq(rc_stage_find(stage, name, arena, &index, NULL), RC_OK);
        if (index == SIZE_MAX || !rc_addresses_claim(addresses, index, arena, &claim)) continue;
        const char *winner = rc_collisions_winner(collisions, name);
        const char *former = winner ? NULL : rc_collisions_replaced(collisions, arena, &claim);
        if (winner) (void)rc_buf_add_format(&story, " %s<%s", name, winner);
        if (former) (void)rc_buf_add_format(&story, " %s=%s", name, former);
    }
    ck_assert_int_eq(rc_addresses_result(addresses, NULL), RC_OK);
    const char *text = rc_arena_strdup(arena, story.data ? story.data : "");
    rc_buf_fini(&story);
    rc_collisions_free(collisions);
    return text;
}

#define P(name, ...)                       \
    {                                      \
        .id = (name), .email = __VA_ARGS__ \
    }

static const struct {
    const char *what;
    person_t published[MOST];
    person_t staged[MOST];
    const char *story;
} CASES[] = {
    {"nobody else has it", {P("b", "b@x")}, {P("a", "a@x")}, ""},
    {"the earlier hire date has it", {{.id = NULL}}, {P("a", "n@x", .hired = 20), P("b", "n@x", .hired = 10)}, " a<b"},
    {"no hire date is the latest", {{.id = NULL}}, {P("a", "n@x"), P("b", "n@x", .hired = 10)}, " a<b"},
    {"of equals the lower id", {{.id = NULL}}, {P("b", "n@x", .hired = 9), P("a", "n@x", .hired = 9)}, " b<a"},
    {"the announced one keeps it", {P("b", "n@x")}, {P("a", "n@x", .hired = 1)}, " a<b"},
    {"case does not matter", {P("b", "N@X")}, {P("a", "n@x"), P("c", "n@X")}, " a<b c<b"},
    {"one of two addresses is taken", {P("c", "c@x")}, {P("a", "a@x"), P("b", "C@x")}, " b<c"},
    {"a new name in one's own address", {P("a", "a@x")}, {P("a", "A@x")}, ""},
    {"two swap", {P("a", "a@x"), P("b", "b@x")}, {P("a", "b@x"), P("b", "a@x")}, ""},
    {"two swap, in other letters", {P("a", "A@x"), P("b", "b@X")}, {P("a", "B@x"), P("b", "a@x")}, ""},
    {"three rotate", {P("a", "a@x"), P("b", "b@x"), P("c", "c@x")}, {P("a", "b@x"), P("b", "c@x"), P("c", "a@x")}, ""},
    {"who does not give it up ends a chain",
     {P("a", "a@x"), P("b", "b@x"), P("c", "c@x")},
     {P("a", "b@x"), P("b", "c@x")},
     " a<b b<c"},
    {"a pending entry gives nothing up",
     {P("b", "b@x")},
     {P("a", "b@x"), P("b", "n@x", .kind = RC_STAGED_PENDING)},
     " a<b"},
    {"nor does a tombstone, or what a brake holds",
     {P("b", "b@x")},
     {P("a", "b@x"), P("b", NULL, .kind = RC_STAGED_TOMBSTONE)},
     " a<b"},
    {"the gone hold nothing, and are replaced", {P("b", "n@x", .gone = true)}, {P("a", "N@x")}, " a=b"},
    {"of the gone the last",
     {P("b", "n@x", .gone = true, .version = 1), P("c", "n@x", .gone = true, .version = 2),
      P("d", "o@x", .gone = true)},
     {P("a", "n@x")},
     " a=c"},
    {"of the gone of one version the lower id",
     {P("c", "n@x", .gone = true, .version = 2), P("b", "n@x", .gone = true, .version = 2)},
     {P("a", "n@x")},
     " a=b"},
    {"who leaves with this poll is replaced",
     {P("b", "n@x"), P("c", "n@x", .gone = true, .version = 9)},
     {P("a", "n@x"), P("b", "n@x", .gone = true)},
     " a=b"},
    {"who comes back is not replaced", {P("b", "n@x", .gone = true)}, {P("a", "n@x", .hired = 5), P("b", "m@x")}, ""},
    {"of whom the address was never known",
     {P("b", NULL), P("c", NULL, .gone = true)},
     {P("a", "n@x"), P("d", NULL)},
     ""},
};

START_TEST(addresses_are_settled_over_stage_and_rows)
{
    rc_error_t error = RC_ERROR_INIT;
    ck_assert_int_eq(open_index(CASES[_i].published, CASES[_i].staged, &error), RC_OK);
    const char *story = settle();
    ck_assert_msg(strcmp(story, CASES[_i].story) == 0, "%s: \"%s\"", CASES[_i].what, story);
}
END_TEST

static const person_t ROWS[MOST] = {P("a", "A@x", .version = 3), P("b", "b@x", .gone = true, .version = 4)};
static const person_t ENTRIES[MOST] = {P("a", "n@x", .hired = 7), P("b", "b@x", .hired = 8),
                                       P("c", "c@x", .gone = true)};

START_TEST(a_claim_says_what_was_published_and_what_is_wanted)
{
    rc_error_t error = RC_ERROR_INIT;
    rc_claim_t claim;
    ck_assert_int_eq(open_index(ROWS, ENTRIES, &error), RC_OK);
    const rc_address_index_t *index = rc_addresses_index(addresses);
    ck_assert(index->claim_of(index->opaque, "a", &claim));
    ck_assert_str_eq(claim.published, "a@x");
    ck_assert_str_eq(claim.wanted, "n@x");
    ck_assert_int_eq(claim.hire_date.days, 7);
    ck_assert(index->claim_of(index->opaque, claim.employee_id, &claim)); /* asked with the answer itself */
    ck_assert_str_eq(claim.employee_id, "a");
    ck_assert(index->claim_of(index->opaque, "b", &claim));
    ck_assert_ptr_null(claim.published); /* the gone are not announced with theirs */
    ck_assert(index->claim_of(index->opaque, "c", &claim));
    ck_assert_ptr_null(claim.wanted);
    ck_assert(!index->claim_of(index->opaque, "d", &claim));
}
END_TEST

START_TEST(what_cannot_be_read_is_an_error_and_no_answer)
{
    rc_error_t error = RC_ERROR_INIT;
    rc_claim_t claim;
    ck_assert_int_eq(open_index(ROWS, ENTRIES, &error), RC_OK);
    broken = true;
    ck_assert(!rc_addresses_claim(addresses, 0, arena, &claim));
    ck_assert_int_eq(rc_addresses_result(addresses, &error), RC_IO);
    ck_assert_str_eq(error.message, "torn");
    rc_addresses_free(addresses);
    addresses = NULL;
    ck_assert_int_eq(rc_addresses_new(NULL, codec, "i", stage, is_change, NULL, &addresses, &error), RC_IO);
    ck_assert_ptr_null(addresses);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("addresses");
    TCase *tests = tcase_create("addresses");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, addresses_are_settled_over_stage_and_rows, 0, sizeof CASES / sizeof *CASES);
    tcase_add_test(tests, a_claim_says_what_was_published_and_what_is_wanted);
    tcase_add_test(tests, what_cannot_be_read_is_an_error_and_no_answer);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return rc_unit_run(suite());
}
