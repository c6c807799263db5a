/* Who has, and who wants, which e-mail address: the index on which producer/rules/collision decides, over the stage of
 * a poll and the published snapshots of its integration. One thread at a time. */
#ifndef RC_PRODUCER_ADDRESSES_H
#define RC_PRODUCER_ADDRESSES_H

#include "common/codec.h"
#include "producer/poll/stage.h"
#include "producer/poll/views.h"
#include "producer/rules/collision.h"

typedef struct rc_addresses rc_addresses_t;

/* Reads the published rows once, keeping those whose address is wanted on the (sealed) stage. `passes` says of an entry
 * whether it is a change that may be published; who may not claims nothing and stays what they are. Entries are encoded
 * PendingChanges. Borrows all for its life.
 * Returns new (free with rc_addresses_free). */
rc_code_t rc_addresses_new(rc_views_t *views, const rc_codec_t *codec, const char *integration_id,
                           const rc_stage_t *stage, bool (*passes)(const void *opaque, size_t index),
                           const void *opaque, rc_addresses_t **addresses, rc_error_t *error);
void rc_addresses_free(rc_addresses_t *addresses); /* NULL is fine */

/* For rc_collisions_new. */
const rc_address_index_t *rc_addresses_index(const rc_addresses_t *addresses);
/* The claim of a stage's entry; false: it publishes nothing, or may not. Strings in the arena. */
bool rc_addresses_claim(rc_addresses_t *addresses, size_t index, rc_arena_t *arena, rc_claim_t *claim);
/* RC_OK, or what went wrong while the index was asked: then no answer of it counts. */
rc_code_t rc_addresses_result(const rc_addresses_t *addresses, rc_error_t *error);

#endif
