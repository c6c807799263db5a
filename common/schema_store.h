/* The writers' schemas that this process knows, by fingerprint and by registry id: those built into the program, those
 * that came through the `schemas` topic, those fetched from the registry. Nothing is ever taken out, so what a look-up
 * returned stays valid as long as the store. Any thread. */
#ifndef RC_COMMON_SCHEMA_STORE_H
#define RC_COMMON_SCHEMA_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "common/avro.h"
#include "common/error.h"
#include "common/framing.h"
#include "common/records.h"

typedef struct rc_schema_store rc_schema_store_t;

/* One schema. Immutable. */
typedef struct {
    uint64_t fingerprint;
    char fingerprint_text[RC_FINGERPRINT_STR_SIZE];
    const char *name; /* "rollcall.EmployeeCreated" */
    const char *json;
    size_t json_bytes;
    int kind;                   /* rc_record_kind_t; -1: none of ours */
    const rc_avro_plan_t *plan; /* reads it into our struct; NULL: cannot, `fault` says why */
    const char *fault;
} rc_schema_t;

/* More than any deployment has; beyond it new ones are refused (RC_TOO_LARGE). */
enum { RC_SCHEMA_STORE_MAX = 4096 };

/* Returns new (free with rc_schema_store_free), holding every schema of schemas/ and schemas/released/. */
rc_schema_store_t *rc_schema_store_new(void);
void rc_schema_store_free(rc_schema_store_t *store); /* NULL is fine */

/* The schema that this release writes for a kind. Never NULL. */
const rc_schema_t *rc_schema_store_current(const rc_schema_store_t *store, rc_record_kind_t kind);

/* NULL: not known (yet). */
const rc_schema_t *rc_schema_store_find(rc_schema_store_t *store, uint64_t fingerprint);
const rc_schema_t *rc_schema_store_find_id(rc_schema_store_t *store, uint32_t registry_id);
const rc_schema_t *rc_schema_store_find_framing(rc_schema_store_t *store, const rc_framing_t *framing);

/* Takes in a record of the `schemas` topic. RC_MALFORMED when the key is no fingerprint, the value no schema, or they
 * do not belong together; then nothing changed, and the record is to be passed over with a log line. A tombstone
 * (value NULL) is RC_OK and changes nothing. */
rc_code_t rc_schema_store_add_record(rc_schema_store_t *store, const void *key, size_t key_bytes, const void *value,
                                     size_t value_bytes, rc_error_t *error);
/* Takes in what the registry gave for an id. RC_CONFLICT when the id already stands for another schema. */
rc_code_t rc_schema_store_add_registered(rc_schema_store_t *store, uint32_t registry_id, const char *json,
                                         size_t json_bytes, rc_error_t *error);

#endif
