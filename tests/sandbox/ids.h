/* Ids as Kombo gives them out (24 letters and digits), made from a kind and a number, and turned back without a table:
 * a company of a million people needs none. Pure; any thread. */
#ifndef RC_TESTS_SANDBOX_IDS_H
#define RC_TESTS_SANDBOX_IDS_H

#include <stdbool.h>
#include <stdint.h>

enum { SB_ID_LENGTH = 24, SB_ID_SIZE = 25 };

typedef enum {
    SB_KIND_EMPLOYEE = 1,
    SB_KIND_GROUP,
    SB_KIND_LOCATION,
    SB_KIND_LEGAL_ENTITY,
    SB_KIND_EMPLOYMENT,
    SB_KIND_TIME_OFF_BALANCE,
    SB_KIND_TIME_OFF_TYPE,
    SB_KIND_FIELD,
    SB_KIND_INTEGRATION,
    SB_KIND_EVENT
} sb_kind_t;

/* Writes the id of number `number` of that kind in the company of that seed; returns text. */
char *sb_id_format(uint64_t seed, sb_kind_t kind, uint32_t number, char text[SB_ID_SIZE]);
/* Whether `text` is such an id, and of which number. */
bool sb_id_parse(uint64_t seed, sb_kind_t kind, const char *text, uint32_t *number);

#endif
