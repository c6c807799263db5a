/* Writes a JSON document straight into a buffer: for what is written thousands of times a second, where a tree of
 * values (common/json.h) would cost more than the rest of the request. Strings are UTF-8; the caller keeps names unique
 * and brackets paired. Any thread, one at a time per writer. */
#ifndef RC_COMMON_JSON_WRITE_H
#define RC_COMMON_JSON_WRITE_H

#include <stdbool.h>

#include "common/buf.h"

typedef struct {
    rc_buf_t *out;  /* borrowed; what does not fit its cap is seen there (`overflowed`) */
    bool has_value; /* one stands before: a comma is due */
} rc_json_writer_t;

/* `name` is NULL for elements of arrays and the document itself. A string that is NULL is left out. */
void rc_json_write_str(rc_json_writer_t *writer, const char *name, const char *value);
void rc_json_write_bool(rc_json_writer_t *writer, const char *name, bool value);
/* `bracket` is '{' or '['. */
void rc_json_write_open(rc_json_writer_t *writer, const char *name, char bracket);
void rc_json_write_close(rc_json_writer_t *writer, char bracket);

#endif
