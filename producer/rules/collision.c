#include "producer/rules/collision.h"

#include <stdlib.h>
#include <string.h>

#include "common/map.h"
#include "common/text.h"

/* An address on which somebody stays after all, to be decided again. */
typedef struct todo {
    struct todo *next;
    const char *address;
} todo_t;

struct rc_collisions {
    const rc_address_index_t *index;
    rc_arena_t *arena;
    rc_arena_t *scratch; /* of one decision */
    rc_map_t *winners;   /* loser's id → winner's id */
    rc_map_t *contested; /* address → itself: decided, with losers */
    todo_t *todo;
};

char *rc_address_key(rc_arena_t *arena, const char *email)
{
    char *key = rc_arena_strdup(arena, email);
    for (char *c = key; *c; c++)
        if (*c >= 'A' && *c <= 'Z') *c = (char)(*c - 'A' + 'a');
    return key;
}

rc_collisions_t *rc_collisions_new(const rc_address_index_t *index)
{
    rc_collisions_t *collisions = rc_zalloc(sizeof *collisions);
    collisions->index = index;
    collisions->arena = rc_arena_new();
    collisions->scratch = rc_arena_new();
    collisions->winners = rc_map_new(NULL);
    collisions->contested = rc_map_new(NULL);
    return collisions;
}

void rc_collisions_free(rc_collisions_t *collisions)
{
    if (!collisions) return;
    rc_map_free(collisions->winners);
    rc_map_free(collisions->contested);
    rc_arena_free(collisions->arena);
    rc_arena_free(collisions->scratch);
    free(collisions);
}

const char *rc_collisions_winner(const rc_collisions_t *collisions, const char *employee_id)
{
    return rc_map_get(collisions->winners, employee_id, strlen(employee_id));
}

size_t rc_collisions_count(const rc_collisions_t *collisions)
{
    return rc_map_count(collisions->winners);
}

/* ---- Who has the first right to an address ---- */

/* The best so far. Copies, because what visitors are given is theirs for the call only. */
typedef struct {
    const rc_collisions_t *collisions;
    rc_arena_t *arena;
    const char *id; /* NULL: nobody yet */
    bool stays;     /* has the address, and does not give it up */
    int rank;
    rc_date_t hire_date;
    size_t count; /* of all who would have it */
} best_t;

enum { RANK_HAS_IT, RANK_ANNOUNCED, RANK_NEW };

static int claim_rank(const rc_claim_t *claim)
{
    if (!claim->published) return RANK_NEW;
    return rc_email_equal(claim->published, claim->wanted) ? RANK_HAS_IT : RANK_ANNOUNCED;
}

static bool is_before(const best_t *best, int rank, rc_date_t hire_date, const char *id)
{
    if (!best->id) return true;
    if (rank != best->rank) return rank < best->rank;
    if (hire_date.days != best->hire_date.days) {
        /* RC_DATE_NONE is the lowest number, but says nothing: it comes last. */
        if (rc_date_is_set(hire_date) != rc_date_is_set(best->hire_date)) return rc_date_is_set(hire_date);
        return hire_date.days < best->hire_date.days;
    }
    return strcmp(id, best->id) < 0;
}

static void consider(best_t *best, bool stays, int rank, rc_date_t hire_date, const char *id)
{
    best->count++;
    bool better = stays != best->stays ? stays : is_before(best, rank, hire_date, id);
    if (!better) return;
    best->stays = stays;
    best->rank = rank;
    best->hire_date = hire_date;
    best->id = rc_arena_strdup(best->arena, id);
}

static bool consider_holder(void *arg, const rc_holder_t *holder)
{
    best_t *best = arg;
    const rc_collisions_t *collisions = best->collisions;
    rc_claim_t claim;
    if (holder->presence != RC_PRESENCE_EMPLOYED) return true;
    bool moves = collisions->index->claim_of(collisions->index->opaque, holder->employee_id, &claim);
    if (moves && !rc_collisions_winner(collisions, holder->employee_id)) return true;
    consider(best, true, RANK_HAS_IT, RC_DATE_NONE, holder->employee_id);
    return true;
}

static bool consider_claim(void *arg, const rc_claim_t *claim)
{
    consider(arg, false, claim_rank(claim), claim->hire_date, claim->employee_id);
    return true;
}

/* ---- Losing ---- */

typedef struct {
    rc_collisions_t *collisions;
    const char *winner; /* lives as long as the collisions */
} verdict_t;

static bool lose(void *arg, const rc_claim_t *claim)
{
    const verdict_t *verdict = arg;
    rc_collisions_t *collisions = verdict->collisions;
    if (strcmp(claim->employee_id, verdict->winner) == 0 || claim_rank(claim) == RANK_HAS_IT) return true;
    void *before = rc_map_set(collisions->winners, claim->employee_id, strlen(claim->employee_id),
                              (void *)(uintptr_t)verdict->winner);
    if (before || !claim->published) return true;
    todo_t *todo = rc_arena_alloc(collisions->arena, sizeof *todo);
    *todo = (todo_t){collisions->todo, rc_address_key(collisions->arena, claim->published)};
    collisions->todo = todo;
    return true;
}

/* Losing is for ever: the winner of an address loses it only to somebody who has it and stays, and that one is ahead of
 * all others too. So the losers are the same in whatever order addresses are decided. */
static void decide_address(rc_collisions_t *collisions, const char *address)
{
    const rc_address_index_t *index = collisions->index;
    best_t best = {.collisions = collisions, .arena = collisions->scratch};
    index->holders_of(index->opaque, address, consider_holder, &best);
    index->claims_on(index->opaque, address, consider_claim, &best);
    if (best.count < 2) return;
    verdict_t verdict = {collisions, rc_arena_strdup(collisions->arena, best.id)};
    index->claims_on(index->opaque, address, lose, &verdict);
    (void)rc_map_set(collisions->contested, address, strlen(address), collisions);
}

void rc_collisions_add(rc_collisions_t *collisions, const rc_claim_t *claim)
{
    if (!claim->wanted || claim_rank(claim) == RANK_HAS_IT) return;
    rc_arena_reset(collisions->scratch);
    const char *address = rc_address_key(collisions->scratch, claim->wanted);
    if (!rc_map_get(collisions->contested, address, strlen(address))) decide_address(collisions, address);
    while (collisions->todo) {
        todo_t *todo = collisions->todo;
        collisions->todo = todo->next;
        decide_address(collisions, todo->address);
    }
}

/* ---- Rehires under a new id ---- */

typedef struct {
    const rc_collisions_t *collisions;
    rc_arena_t *arena;
    const rc_claim_t *claim;
    const char *id;
    int64_t version;
} former_t;

static bool consider_former(void *arg, const rc_holder_t *holder)
{
    former_t *former = arg;
    const rc_address_index_t *index = former->collisions->index;
    if (strcmp(holder->employee_id, former->claim->employee_id) == 0) return true;
    rc_claim_t own;
    bool staged = index->claim_of(index->opaque, holder->employee_id, &own);
    bool leaves = staged && !own.wanted;
    if (holder->presence == RC_PRESENCE_EMPLOYED ? !leaves : staged) return true;
    int64_t version = leaves ? INT64_MAX : holder->version; /* published with this poll: the last */
    if (former->id &&
        (version < former->version || (version == former->version && strcmp(holder->employee_id, former->id) > 0)))
        return true;
    former->version = version;
    former->id = rc_arena_strdup(former->arena, holder->employee_id);
    return true;
}

const char *rc_collisions_replaced(const rc_collisions_t *collisions, rc_arena_t *arena, const rc_claim_t *claim)
{
    if (!claim->wanted || claim->published) return NULL;
    const rc_address_index_t *index = collisions->index;
    former_t former = {collisions, arena, claim, NULL, 0};
    index->holders_of(index->opaque, rc_address_key(arena, claim->wanted), consider_former, &former);
    return former.id;
}
