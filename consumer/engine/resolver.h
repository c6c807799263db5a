/* Finds writers' schemas that are not known yet: a fingerprint by waiting for what the `schemas` topic has now, a
 * registry id by asking the registry on a thread of its own, for as long as it cannot be reached. The loop's thread
 * only. */
#ifndef RC_CONSUMER_RESOLVER_H
#define RC_CONSUMER_RESOLVER_H

#include "common/codec.h"
#include "common/loop.h"
#include "common/registry.h"
#include "consumer/engine/tables.h"

typedef struct rc_resolver rc_resolver_t;

/* Borrows all; `registry` NULL: none is configured. Returns new (free with rc_resolver_free). */
rc_resolver_t *rc_resolver_new(rc_loop_t *loop, rc_tables_t *tables, rc_codec_t *codec, rc_registry_t *registry);
/* Ends the thread; no callback follows. Before the loop is freed, and rc_resolver_free after it. NULL is fine for both.
 */
void rc_resolver_stop(rc_resolver_t *resolver);
void rc_resolver_free(rc_resolver_t *resolver);

/* Calls `done` on the loop, never before this returned, once the schema is in the store or nobody knows it. */
void rc_resolver_find(rc_resolver_t *resolver, const rc_framing_t *missing, void (*done)(void *opaque), void *opaque);

#endif
