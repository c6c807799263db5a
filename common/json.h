/* Small JSON documents (answers, commands' output, control requests). The one place that includes jansson; big streams
 * go through producer/kombo/kombo_parse. Values are jansson's own; any thread, a value belongs to one thread at a time.
 */
#ifndef RC_COMMON_JSON_H
#define RC_COMMON_JSON_H

#include <jansson.h>

#include "common/error.h"
#include "common/time.h"

/* Parses one document with nothing behind it. Duplicate keys and more than 2,048 levels are refused (jansson's own
 * limit). Returns new in *json (json_decref). RC_MALFORMED with the position otherwise. */
rc_code_t rc_json_parse(const char *bytes, size_t size_bytes, json_t **json, rc_error_t *error);

/* The string at `key` of an object; NULL when `object` is NULL or no object, or the member is absent, null, or no
 * string. Borrows. */
const char *rc_json_str(const json_t *object, const char *key);
/* The integer at `key`, or `otherwise`. */
long long rc_json_int(const json_t *object, const char *key, long long otherwise);
/* The boolean at `key`, or `otherwise`. */
bool rc_json_bool(const json_t *object, const char *key, bool otherwise);

/* Sets a string member; NULL leaves the key out. */
void rc_json_put_str(json_t *object, const char *key, const char *value);
/* Sets a string member; NULL is null. */
void rc_json_put_str_or_null(json_t *object, const char *key, const char *value);
/* Sets an RFC 3339 member; 0 leaves the key out. */
void rc_json_put_wall(json_t *object, const char *key, rc_wall_t value);
/* Sets a "YYYY-MM-DD" member; RC_DATE_NONE leaves the key out. */
void rc_json_put_date(json_t *object, const char *key, rc_date_t value);
/* The symbols of a bit set, symbols[i] for 1 << i (those of an rc_enum_t, mostly). New reference. */
json_t *rc_json_symbols(const char *const *symbols, int count, uint32_t set);
/* Appends {"field", "before", "after"}, a change of one value; NULL leaves that key out. */
void rc_json_add_change(json_t *changes, const char *field, const char *before, const char *after);

/* The document as text, compact or indented. Returns new (free). */
char *rc_json_text(const json_t *json, bool indented);
/* Prints what a command answers to --json on standard output. Takes the document. */
void rc_json_print(json_t *document);

#endif
