/* A schema registry with Confluent's HTTP interface (Confluent, Karapace, Apicurio's ccompat). Calls block for up to
 * the time-out: worker threads and start-up only, one thread at a time per client. */
#ifndef RC_COMMON_REGISTRY_H
#define RC_COMMON_REGISTRY_H

#include <stdatomic.h>
#include <stdint.h>

#include "common/codec.h"
#include "common/error.h"
#include "common/schema_store.h"

typedef struct rc_registry rc_registry_t;

/* Copied. NULL and "" both mean: not set. */
typedef struct {
    const char *url;        /* with the path, if any: "http://host:8081/apis/ccompat/v7" */
    const char *basic_auth; /* "user:password" */
    const char *ca_file;
    const char *proxy;
    int64_t timeout_ms; /* of one request; 0: 10 s */
} rc_registry_options_t;

/* Returns new (free with rc_registry_free). Nothing is sent yet. */
rc_registry_t *rc_registry_new(const rc_registry_options_t *options);
void rc_registry_free(rc_registry_t *registry); /* NULL is fine */

/* All below: RC_CONNECT, RC_TIMEOUT, RC_INTERRUPTED or RC_HTTP with RC_RETRY when the registry cannot be reached or
 * does not work (wait and try again); RC_MISCONFIGURED when it refuses us, with the mend in the message. `cancelled`
 * may be NULL; once true, RC_CANCELLED. */

/* The id of our current schema of `kind` under the subject "<topic>-value": looked up, or registered if it is not
 * there. The id is given to the codec and to its store. RC_CONFLICT when the registry calls it incompatible with what
 * is there. */
rc_code_t rc_registry_enroll(rc_registry_t *registry, rc_codec_t *codec, rc_record_kind_t kind, const char *topic,
                             const atomic_bool *cancelled, rc_error_t *error);

/* Fetches the schema of an id into the store. RC_NOT_FOUND (RC_REJECT): the registry answers, and has no such id. */
rc_code_t rc_registry_fetch(rc_registry_t *registry, uint32_t registry_id, rc_schema_store_t *store,
                            const atomic_bool *cancelled, rc_error_t *error);

/* Whether it answers and lets us in (`check`). */
rc_code_t rc_registry_ping(rc_registry_t *registry, const atomic_bool *cancelled, rc_error_t *error);

#endif
