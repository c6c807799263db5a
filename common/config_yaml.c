#include "common/config_yaml.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "common/text.h"

/* libyaml's scanner takes quadratic time in the depth of "[[[[…", so the depth is watched event by event. */
enum { DEPTH_MAX = 64, ANCHORS_MAX = 1000 };

typedef struct {
    const char *name;
    const rc_yaml_t *node;
} anchor_t;

/* A list or a block that is not closed yet. */
typedef struct {
    rc_yaml_t *node;
    size_t capacity;
    const rc_yaml_t *key; /* of a block: waits for its value */
    const char *anchor;
} open_t;

typedef struct {
    rc_arena_t *arena;
    open_t open[DEPTH_MAX];
    size_t depth;
    const rc_yaml_t *root;
    anchor_t anchors[ANCHORS_MAX];
    size_t anchor_count;
    size_t merged; /* pairs that merges made */
    int *line;
    rc_error_t *error;
} tree_t;

const char *rc_yaml_kind_str(rc_yaml_kind_t kind)
{
    static const char *const names[] = {"nothing", "one value", "a list", "a block of keys"};
    return names[kind];
}

static rc_code_t fail(tree_t *tree, int line, const char *what)
{
    *tree->line = line;
    return rc_error_set(tree->error, RC_CONFIG, RC_REJECT, "%s", what);
}

/* --- merge keys ---------------------------------------------------------------------------------------------- */

static bool is_merge_key(const rc_yaml_t *key)
{
    return key->kind == RC_YAML_SCALAR && !key->quoted && strcmp(key->text, "<<") == 0;
}

static bool has_key(const rc_yaml_t *map, const rc_yaml_t *key)
{
    for (size_t i = 0; i < map->count; i++)
        if (map->pairs[i].key->kind == RC_YAML_SCALAR && key->kind == RC_YAML_SCALAR &&
            strcmp(map->pairs[i].key->text, key->text) == 0)
            return true;
    return false;
}

/* Adds what `base` has and `into` lacks. `into->pairs` has room. */
static void take_over(rc_yaml_t *into, const rc_yaml_t *base)
{
    for (size_t i = 0; i < base->count; i++)
        if (!has_key(into, base->pairs[i].key)) into->pairs[into->count++] = base->pairs[i];
}

/* The block number `index` that a merge key's value names: it is one, or a list of them. NULL: no more. */
static const rc_yaml_t *base_of(const rc_yaml_t *value, size_t index)
{
    if (value->kind != RC_YAML_LIST) return index == 0 ? value : NULL;
    return index < value->count ? value->items[index] : NULL;
}

/* When a block is closed, what it takes over is closed already: an anchor counts only from its block's end on. */
static rc_code_t merge(tree_t *tree, rc_yaml_t *map)
{
    const rc_yaml_t own = *map, *base;
    size_t room = 0;
    bool any = false;
    for (size_t i = 0; i < own.count; i++) {
        if (!is_merge_key(own.pairs[i].key)) continue;
        any = true;
        for (size_t k = 0; (base = base_of(own.pairs[i].value, k)) != NULL; k++) {
            if (base->kind != RC_YAML_MAP)
                return fail(tree, own.pairs[i].key->line,
                            "\"<<\" takes over what is no block of keys; write <<: *anchor");
            room += base->count;
        }
        if (room > RC_YAML_MERGED_MAX) break;
    }
    if (!any) return RC_OK;
    tree->merged += room + own.count;
    if (tree->merged > RC_YAML_MERGED_MAX)
        return fail(tree, map->line, "\"<<\" makes more keys than a configuration can have; write them out");
    map->pairs = rc_arena_alloc(tree->arena, (own.count + room) * sizeof *map->pairs);
    map->count = 0;
    for (size_t i = 0; i < own.count; i++)
        if (!is_merge_key(own.pairs[i].key)) map->pairs[map->count++] = own.pairs[i];
    for (size_t i = 0; i < own.count; i++)
        for (size_t k = 0; is_merge_key(own.pairs[i].key) && (base = base_of(own.pairs[i].value, k)) != NULL; k++)
            take_over(map, base);
    return RC_OK;
}

/* --- nodes --------------------------------------------------------------------------------------------------- */

static void *grow(tree_t *tree, const void *from, size_t count, size_t *capacity, size_t element_bytes)
{
    if (count < *capacity) return (void *)from;
    *capacity = *capacity ? *capacity * 2 : 8;
    void *to = rc_arena_alloc(tree->arena, *capacity * element_bytes);
    if (count) memcpy(to, from, count * element_bytes);
    return to;
}

/* Puts a finished node where it belongs: the root, an item, a key, or a key's value. */
static rc_code_t attach(tree_t *tree, const rc_yaml_t *node)
{
    if (!tree->depth) {
        tree->root = node;
        return RC_OK;
    }
    open_t *top = &tree->open[tree->depth - 1];
    rc_yaml_t *to = top->node;
    if (to->kind == RC_YAML_LIST) {
        to->items = grow(tree, to->items, to->count, &top->capacity, sizeof *to->items);
        to->items[to->count++] = node;
    } else if (!top->key) {
        top->key = node;
    } else {
        to->pairs = grow(tree, to->pairs, to->count, &top->capacity, sizeof *to->pairs);
        to->pairs[to->count++] = (rc_yaml_pair_t){top->key, node};
        top->key = NULL;
    }
    return RC_OK;
}

static rc_code_t name_node(tree_t *tree, const char *anchor, const rc_yaml_t *node)
{
    if (!anchor) return RC_OK;
    if (tree->anchor_count == ANCHORS_MAX) return fail(tree, node->line, "more than 1000 anchors (&…); use fewer");
    tree->anchors[tree->anchor_count++] = (anchor_t){anchor, node};
    return RC_OK;
}

/* Types are ours to say (common/config_settings.c): a tag that is not one of YAML's own would be ignored silently. */
static bool is_own_tag(const yaml_char_t *tag)
{
    static const char own[] = "tag:yaml.org,2002:";
    return !tag || strcmp((const char *)tag, "!") == 0 || strncmp((const char *)tag, own, sizeof own - 1) == 0;
}

static bool is_null(const char *text, bool quoted)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; i < sizeof words / sizeof *words && !quoted; i++)
        if (strcmp(text, words[i]) == 0) return true;
    return false;
}

static rc_code_t add_scalar(tree_t *tree, const yaml_event_t *event, int line)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    if (!is_own_tag(event->data.scalar.tag)) return fail(tree, line, "a tag (!…) has no meaning here; take it away");
    if (!rc_utf8_valid(text, length)) return fail(tree, line, "a value holds a NUL character; take it away");
    rc_yaml_t *node = rc_arena_alloc(tree->arena, sizeof *node);
    bool quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    *node = (rc_yaml_t){.kind = is_null(text, quoted) ? RC_YAML_NULL : RC_YAML_SCALAR,
                        .line = line,
                        .text = rc_arena_strndup(tree->arena, text, length),
                        .quoted = quoted};
    rc_code_t code = name_node(tree, rc_arena_strdup(tree->arena, (const char *)event->data.scalar.anchor), node);
    return code ? code : attach(tree, node);
}

static rc_code_t add_alias(tree_t *tree, const yaml_event_t *event, int line)
{
    const char *name = (const char *)event->data.alias.anchor;
    for (size_t i = tree->anchor_count; i; i--)
        if (strcmp(tree->anchors[i - 1].name, name) == 0) return attach(tree, tree->anchors[i - 1].node);
    return fail(tree, line, "an alias (*…) names an anchor that does not end above it; write &NAME there");
}

static rc_code_t open_node(tree_t *tree, rc_yaml_kind_t kind, const yaml_char_t *tag, const yaml_char_t *anchor,
                           int line)
{
    if (!is_own_tag(tag)) return fail(tree, line, "a tag (!…) has no meaning here; take it away");
    if (tree->depth == DEPTH_MAX) return fail(tree, line, "nested deeper than any setting is; take brackets away");
    rc_yaml_t *node = rc_arena_alloc(tree->arena, sizeof *node);
    *node = (rc_yaml_t){.kind = kind, .line = line};
    tree->open[tree->depth++] = (open_t){.node = node, .anchor = rc_arena_strdup(tree->arena, (const char *)anchor)};
    return RC_OK;
}

static rc_code_t close_node(tree_t *tree)
{
    open_t closed = tree->open[--tree->depth];
    rc_code_t code = closed.node->kind == RC_YAML_MAP ? merge(tree, closed.node) : RC_OK;
    if (!code) code = name_node(tree, closed.anchor, closed.node);
    return code ? code : attach(tree, closed.node);
}

static rc_code_t take_event(tree_t *tree, const yaml_event_t *event)
{
    int line = (int)event->start_mark.line + 1;
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return add_scalar(tree, event, line);
    case YAML_ALIAS_EVENT:
        return add_alias(tree, event, line);
    case YAML_SEQUENCE_START_EVENT:
        return open_node(tree, RC_YAML_LIST, event->data.sequence_start.tag, event->data.sequence_start.anchor, line);
    case YAML_MAPPING_START_EVENT:
        return open_node(tree, RC_YAML_MAP, event->data.mapping_start.tag, event->data.mapping_start.anchor, line);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return close_node(tree);
    case YAML_DOCUMENT_START_EVENT:
        return tree->root ? fail(tree, line, "a second document (---) begins; keep one") : RC_OK;
    default:
        return RC_OK;
    }
}

/* Whether that line of the text holds `part`. */
static bool line_holds(const char *text, size_t size_bytes, size_t line, const char *part)
{
    const char *at = text, *end = text + size_bytes;
    for (; line && at; line--) {
        at = memchr(at, '\n', (size_t)(end - at));
        if (at) at++;
    }
    if (!at) return false;
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    return memmem(at, (size_t)((stop ? stop : end) - at), part, strlen(part)) != NULL;
}

static rc_code_t syntax_error(tree_t *tree, const yaml_parser_t *parser, const char *text, size_t size_bytes)
{
    /* The reader knows no line, only how far it came. */
    size_t line = parser->error == YAML_READER_ERROR ? parser->mark.line : parser->problem_mark.line;
    const char *mend = line_holds(text, size_bytes, line, "${")
                           ? "write \"${…}\" in quotes inside { } and [ ]"
                           : "mend the syntax there or just above (indentation by spaces, colons, quotes, brackets)";
    *tree->line = (int)line + 1;
    return rc_error_set(tree->error, RC_CONFIG, RC_REJECT, "%s%s%s; %s", parser->problem ? parser->problem : "no YAML",
                        parser->context ? ", " : "", parser->context ? parser->context : "", mend);
}

rc_code_t rc_yaml_parse(rc_arena_t *arena, const char *text, size_t size_bytes, const rc_yaml_t **root, int *line,
                        rc_error_t *error)
{
    static const rc_yaml_t nothing = {.kind = RC_YAML_NULL, .line = 1};
    tree_t *tree = rc_arena_alloc(arena, sizeof *tree);
    *tree = (tree_t){.arena = arena, .line = line, .error = error};
    yaml_parser_t parser;
    if (size_bytes > RC_YAML_TEXT_MAX) return fail(tree, 1, "longer than 4 MiB; a configuration is shorter");
    if (!yaml_parser_initialize(&parser)) RC_DIE("out of memory");
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size_bytes);
    rc_code_t code = RC_OK;
    for (bool more = true; more && !code;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            code = syntax_error(tree, &parser, text, size_bytes);
            break;
        }
        code = take_event(tree, &event);
        more = event.type != YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    if (!code) *root = tree->root ? tree->root : &nothing;
    return code;
}
