#include "producer/poll/addresses.h"

#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/mem.h"

/* A published row whose address somebody wants. */
typedef struct {
    uint64_t address_hash;
    const char *address; /* as rc_address_key gives it; in the arena */
    rc_holder_t holder;  /* strings in the arena */
} held_t;

struct rc_addresses {
    rc_views_t *views;
    const rc_codec_t *codec;
    const char *integration_id;
    const rc_stage_t *stage;
    bool (*passes)(const void *opaque, size_t index);
    const void *opaque;
    rc_arena_t *arena;   /* of what is held */
    rc_arena_t *scratch; /* of a row */
    rc_arena_t *answer;  /* of claim_of, until the next call */
    held_t *held;
    size_t count;
    size_t capacity;
    rc_address_index_t index;
    rc_error_t error;
};

static bool is_wanted(void *opaque, size_t index)
{
    (void)index;
    *(bool *)opaque = true;
    return false;
}

static bool keep_wanted(void *opaque, const rc_snapshot_t *snapshot, uint32_t ordinal)
{
    (void)ordinal;
    rc_addresses_t *addresses = opaque;
    if (!snapshot->employee.email) return true;
    rc_arena_reset(addresses->scratch);
    const char *address = rc_address_key(addresses->scratch, snapshot->employee.email);
    bool wanted = false;
    rc_stage_on_address(addresses->stage, address, is_wanted, &wanted);
    if (!wanted) return true;
    if (addresses->count == addresses->capacity) {
        addresses->capacity = addresses->capacity ? addresses->capacity * 2 : 64;
        addresses->held = rc_realloc(addresses->held, addresses->capacity * sizeof *addresses->held);
    }
    addresses->held[addresses->count++] =
        (held_t){rc_hash64(address, strlen(address)),
                 rc_arena_strdup(addresses->arena, address),
                 {rc_arena_strdup(addresses->arena, snapshot->employee_id), snapshot->presence, snapshot->version}};
    return true;
}

static int by_hash(const void *a, const void *b)
{
    const held_t *left = a, *right = b;
    return (left->address_hash > right->address_hash) - (left->address_hash < right->address_hash);
}

/* --- the index's questions --- */

static void fail(rc_addresses_t *addresses, const rc_error_t *error)
{
    if (addresses->error.code == RC_OK) addresses->error = *error;
}

bool rc_addresses_claim(rc_addresses_t *addresses, size_t index, rc_arena_t *arena, rc_claim_t *claim)
{
    rc_error_t error = RC_ERROR_INIT;
    rc_staged_t staged;
    rc_pending_t change;
    rc_snapshot_t snapshot;
    bool found;
    if (!addresses->passes(addresses->opaque, index)) return false;
    if (rc_stage_get(addresses->stage, index, arena, &staged, &error) != RC_OK) {
        fail(addresses, &error);
        return false;
    }
    if (rc_codec_decode_pending(addresses->codec, staged.value, staged.value_bytes, arena, &change, NULL, &error) !=
            RC_OK ||
        rc_views_snapshot(addresses->views, addresses->integration_id, staged.employee_id, arena, &snapshot, &found,
                          &error) != RC_OK) {
        fail(addresses, &error);
        return false;
    }
    bool announced = found && snapshot.presence == RC_PRESENCE_EMPLOYED;
    *claim = (rc_claim_t){
        .employee_id = staged.employee_id,
        .wanted = change.wanted == RC_PRESENCE_EMPLOYED ? staged.address : NULL,
        .published = announced && snapshot.employee.email ? rc_address_key(arena, snapshot.employee.email) : NULL,
        .hire_date = change.employee.hire_date};
    return true;
}

typedef struct {
    rc_addresses_t *addresses;
    const char *address;
    rc_arena_t *arena;
    rc_claim_fn *visit;
    void *arg;
} claims_t;

static bool visit_claim(void *opaque, size_t index)
{
    claims_t *claims = opaque;
    rc_claim_t claim;
    rc_arena_reset(claims->arena); /* a claim is lent for one visit: thousands may share an address */
    if (!rc_addresses_claim(claims->addresses, index, claims->arena, &claim) || !claim.wanted ||
        strcmp(claim.wanted, claims->address) != 0)
        return true;
    return claims->visit(claims->arg, &claim);
}

static void claims_on(void *opaque, const char *address, rc_claim_fn *visit, void *arg)
{
    rc_addresses_t *addresses = opaque;
    claims_t claims = {addresses, address, rc_arena_new(), visit, arg};
    rc_stage_on_address(addresses->stage, address, visit_claim, &claims);
    rc_arena_free(claims.arena);
}

static bool claim_of(void *opaque, const char *employee_id, rc_claim_t *claim)
{
    rc_addresses_t *addresses = opaque;
    char *wanted = rc_strdup(employee_id); /* which may live in the last answer */
    rc_arena_reset(addresses->answer);
    rc_error_t error = RC_ERROR_INIT;
    size_t index = SIZE_MAX;
    if (rc_stage_find(addresses->stage, wanted, addresses->answer, &index, &error) != RC_OK) fail(addresses, &error);
    free(wanted);
    return index != SIZE_MAX && rc_addresses_claim(addresses, index, addresses->answer, claim);
}

static void holders_of(void *opaque, const char *address, rc_holder_fn *visit, void *arg)
{
    const rc_addresses_t *addresses = opaque;
    const held_t key = {.address_hash = rc_hash64(address, strlen(address))};
    if (!addresses->count) return;
    const held_t *at = bsearch(&key, addresses->held, addresses->count, sizeof key, by_hash);
    if (!at) return;
    while (at > addresses->held && at[-1].address_hash == key.address_hash) at--;
    for (; at < addresses->held + addresses->count && at->address_hash == key.address_hash; at++)
        if (strcmp(at->address, address) == 0 && !visit(arg, &at->holder)) return;
}

rc_code_t rc_addresses_new(rc_views_t *views, const rc_codec_t *codec, const char *integration_id,
                           const rc_stage_t *stage, bool (*passes)(const void *opaque, size_t index),
                           const void *opaque, rc_addresses_t **result, rc_error_t *error)
{
    rc_addresses_t *addresses = rc_zalloc(sizeof *addresses);
    *addresses = (rc_addresses_t){.views = views,
                                  .codec = codec,
                                  .integration_id = integration_id,
                                  .stage = stage,
                                  .passes = passes,
                                  .opaque = opaque,
                                  .arena = rc_arena_new(),
                                  .scratch = rc_arena_new(),
                                  .answer = rc_arena_new(),
                                  .error = RC_ERROR_INIT};
    addresses->index = (rc_address_index_t){addresses, claims_on, claim_of, holders_of};
    rc_code_t code = rc_views_each_snapshot(views, integration_id, NULL, keep_wanted, addresses, error);
    if (code != RC_OK) {
        rc_addresses_free(addresses);
        return code;
    }
    if (addresses->count) qsort(addresses->held, addresses->count, sizeof *addresses->held, by_hash);
    *result = addresses;
    return RC_OK;
}

void rc_addresses_free(rc_addresses_t *addresses)
{
    if (!addresses) return;
    rc_arena_free(addresses->arena);
    rc_arena_free(addresses->scratch);
    rc_arena_free(addresses->answer);
    free(addresses->held);
    free(addresses);
}

const rc_address_index_t *rc_addresses_index(const rc_addresses_t *addresses)
{
    return &addresses->index;
}

rc_code_t rc_addresses_result(const rc_addresses_t *addresses, rc_error_t *error)
{
    if (addresses->error.code != RC_OK && error) *error = addresses->error;
    return addresses->error.code;
}
