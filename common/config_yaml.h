/* YAML as a tree with line numbers. The one place that includes libyaml; private to common/config.c.
 *
 * Aliases are shared nodes: readers go down by their own schema, never by the tree alone, which a few lines can make as
 * large as they like. There are no cycles. Merge keys (`<<: *base`) are resolved. */
#ifndef RC_COMMON_CONFIG_YAML_H
#define RC_COMMON_CONFIG_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "common/mem.h"

typedef enum { RC_YAML_NULL, RC_YAML_SCALAR, RC_YAML_LIST, RC_YAML_MAP } rc_yaml_kind_t;

typedef struct rc_yaml rc_yaml_t;

typedef struct {
    const rc_yaml_t *key;
    const rc_yaml_t *value;
} rc_yaml_pair_t;

struct rc_yaml {
    rc_yaml_kind_t kind;
    int line;         /* from 1 */
    const char *text; /* of a scalar; UTF-8 without NUL */
    bool quoted;
    size_t count; /* of items or pairs */
    const rc_yaml_t **items;
    rc_yaml_pair_t *pairs;
};

enum { RC_YAML_TEXT_MAX = 4 * 1024 * 1024, RC_YAML_MERGED_MAX = 10000 };

/* Parses one document into the arena. RC_CONFIG with the line in *line when it is no YAML, or more of it than a
 * configuration may be (RC_YAML_TEXT_MAX bytes, RC_YAML_MERGED_MAX pairs out of merges). */
rc_code_t rc_yaml_parse(rc_arena_t *arena, const char *text, size_t size_bytes, const rc_yaml_t **root, int *line,
                        rc_error_t *error);

/* "a list", "a block", "one value", "nothing". */
const char *rc_yaml_kind_str(rc_yaml_kind_t kind);

#endif
