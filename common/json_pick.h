/* Finds some members of a JSON object without making a tree of it: for answers of which five members matter, thousands
 * of times a second. It takes plain documents only; whoever gets a false asks rc_json_parse (common/json.h), which
 * knows what is wrong, or that nothing is. What is taken here, rc_json_parse would take too, but for names that occur
 * twice and were not asked for. Pure; any thread. */
#ifndef RC_COMMON_JSON_PICK_H
#define RC_COMMON_JSON_PICK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A value as it stands in the document, which it borrows from. */
typedef struct {
    const char *at; /* NULL: there is none */
    size_t size_bytes;
} rc_json_span_t;

/* The values of the members of these names (plain ASCII), spans[i] that of names[i]. False when the bytes are no JSON
 * object, or one that is rare: \u escapes, a name with an escape, a wanted name twice, many levels, huge numbers. */
bool rc_json_pick(const char *bytes, size_t size_bytes, const char *const *names, size_t count, rc_json_span_t *spans);

/* Of a picked value. */
bool rc_json_span_is_null(rc_json_span_t span);
bool rc_json_span_is_object(rc_json_span_t span);
/* The inside of a string that has no escapes, not NUL-terminated, as a span; false for any other value. */
bool rc_json_span_str(rc_json_span_t span, rc_json_span_t *text);
bool rc_json_span_int(rc_json_span_t span, int64_t *value);

#endif
