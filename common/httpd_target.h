/* What stands in a request's target: path segments and query arguments, decoded. Pure; any thread. */
#ifndef RC_COMMON_HTTPD_TARGET_H
#define RC_COMMON_HTTPD_TARGET_H

#include <stddef.h>

#include "common/error.h"
#include "common/mem.h"

typedef struct {
    const char *name, *value; /* percent-decoded; value is "" where there was none */
} rc_httpd_pair_t;

typedef struct {
    const char *path;            /* without the query, still encoded */
    const char *const *segments; /* decoded one by one, so that an encoded slash stays inside its segment */
    size_t segment_count;
    const rc_httpd_pair_t *args; /* of the query, in their order, repeated ones too */
    size_t arg_count;
} rc_httpd_target_t;

/* Splits "/a/b%2Fc?x=1&x=2". Empty segments are left out. RC_MALFORMED for a broken percent-encoding, a NUL or bytes
 * that are no UTF-8. Everything lies in the arena. */
rc_code_t rc_httpd_target_parse(rc_arena_t *arena, const char *text, rc_httpd_target_t *target, rc_error_t *error);

/* Splits a query, or an application/x-www-form-urlencoded body; '+' is a space. Errors and ownership likewise. */
rc_code_t rc_httpd_pairs_parse(rc_arena_t *arena, const char *text, size_t size_bytes, const rc_httpd_pair_t **pairs,
                               size_t *count, rc_error_t *error);

#endif
