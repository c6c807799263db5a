/* The records of Kombo's HRIS API, as contract/kombo-hris.openapi.json describes them: whole, with everything that a
 * learning platform must not know. Every such value is a canary: it contains SB_CANARY, in whatever case, or, where the
 * field cannot hold a text, the time of day of SB_CANARY_TIME or the digits of SB_CANARY_DIGITS. None of them may ever
 * be seen behind the producer's parser. One thread at a time per HR system. */
#ifndef RC_TESTS_SANDBOX_KOMBO_RECORD_H
#define RC_TESTS_SANDBOX_KOMBO_RECORD_H

#include "common/buf.h"
#include "tests/sandbox/hr.h"

#define SB_CANARY        "CANARY"
#define SB_CANARY_TIME   "T03:14:15.926Z" /* date_of_birth */
#define SB_CANARY_DIGITS "918273"         /* pay_rate, account numbers, phone */

/* Appends one record as JSON. `turn` varies what Kombo varies from sync to sync while nothing changed: the order of the
 * groups and the signature of the picture. */
void sb_record_employee(rc_buf_t *out, const sb_hr_t *hr, const sb_person_t *person, rc_wall_t now, uint64_t turn);
void sb_record_unit(rc_buf_t *out, const sb_hr_t *hr, sb_unit_kind_t kind, const sb_unit_t *unit);

/* The custom fields that every employee has: keys and labels, NULL-terminated. */
typedef struct {
    const char *key, *label;
} sb_field_t;
extern const sb_field_t SB_CUSTOM_FIELDS[];
extern const sb_field_t SB_INTEGRATION_FIELDS[];

/* The value that a custom field of a person has. Returns new (json_decref). */
json_t *sb_record_custom(const sb_person_t *person, const char *key);

#endif
