/* The nine records that Rollcall writes as Avro: one table each says which member of the C struct is which field, and
 * what a field is when a writer's schema does not have it. Encoding, decoding and the test against schemas/ all come
 * from these tables. Constants; any thread. */
#ifndef RC_COMMON_RECORDS_H
#define RC_COMMON_RECORDS_H

#include "common/avro.h"
#include "common/domain.h"

/* The events come first, in the order of rc_event_type_t. */
typedef enum {
    RC_RECORD_CREATED,
    RC_RECORD_PROFILE_UPDATED,
    RC_RECORD_TEAM_CHANGED,
    RC_RECORD_DEACTIVATED,
    RC_RECORD_SNAPSHOT,
    RC_RECORD_PENDING,
    RC_RECORD_STATE,
    RC_RECORD_COMMAND,
    RC_RECORD_LEDGER,
    RC_RECORD_COUNT
} rc_record_kind_t;

/* "EmployeeCreated": the schema's name without its namespace `rollcall`, and the file's. */
const char *rc_record_name(rc_record_kind_t kind);
/* The kind of a schema's full name ("rollcall.EmployeeCreated"), or -1. */
int rc_record_find(const char *full_name);
/* The table. The C struct is rc_event_t for the four events, else the one of common/domain.h. */
const rc_avro_record_t *rc_record_table(rc_record_kind_t kind);

#endif
