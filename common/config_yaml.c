#include "common/config_yaml.h"

#include <string.h>
#include <yaml.h>

#include "common/text.h"

typedef struct {
    rc_arena_t *arena;
    rc_yaml_t *nodes;
    size_t count;
    char *merging; /* a node: 0 not looked at, 1 being merged, 2 done */
    size_t merged; /* pairs that merges made */
    int *line;
    rc_error_t *error;
} tree_t;

const char *rc_yaml_kind_str(rc_yaml_kind_t kind)
{
    static const char *const names[] = {"nothing", "one value", "a list", "a block of keys"};
    return names[kind];
}

static rc_code_t fail(tree_t *tree, size_t line, const char *what)
{
    *tree->line = (int)line;
    return rc_error_set(tree->error, RC_CONFIG, RC_REJECT, "%s", what);
}

static bool is_null(const yaml_node_t *node)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    if (node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp((const char *)node->data.scalar.value, words[i]) == 0) return true;
    return false;
}

/* Types are ours to say (common/config_settings.c): a tag that is not one of YAML's own would be ignored silently. */
static bool is_known_tag(const yaml_node_t *node)
{
    static const char own[] = "tag:yaml.org,2002:";
    return !node->tag || strncmp((const char *)node->tag, own, sizeof own - 1) == 0;
}

static rc_code_t copy_node(tree_t *tree, yaml_document_t *document, size_t index)
{
    const yaml_node_t *from = &document->nodes.start[index];
    rc_yaml_t *to = &tree->nodes[index];
    to->line = (int)from->start_mark.line + 1;
    if (!is_known_tag(from)) return fail(tree, to->line, "a tag (!…) has no meaning here; take it away");
    if (from->type == YAML_SCALAR_NODE) {
        to->kind = is_null(from) ? RC_YAML_NULL : RC_YAML_SCALAR;
        const char *text = (const char *)from->data.scalar.value;
        if (!rc_utf8_valid(text, from->data.scalar.length))
            return fail(tree, to->line, "a value holds a NUL character; take it away");
        to->text = rc_arena_strndup(tree->arena, text, from->data.scalar.length);
        to->quoted = from->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    } else if (from->type == YAML_SEQUENCE_NODE) {
        to->kind = RC_YAML_LIST;
        to->count = (size_t)(from->data.sequence.items.top - from->data.sequence.items.start);
        to->items = rc_arena_alloc(tree->arena, to->count * sizeof *to->items);
        for (size_t i = 0; i < to->count; i++) to->items[i] = &tree->nodes[from->data.sequence.items.start[i] - 1];
    } else {
        to->kind = RC_YAML_MAP;
        to->count = (size_t)(from->data.mapping.pairs.top - from->data.mapping.pairs.start);
        to->pairs = rc_arena_alloc(tree->arena, to->count * sizeof *to->pairs);
        for (size_t i = 0; i < to->count; i++) {
            const yaml_node_pair_t *pair = &from->data.mapping.pairs.start[i];
            to->pairs[i].key = &tree->nodes[pair->key - 1];
            to->pairs[i].value = &tree->nodes[pair->value - 1];
        }
    }
    return RC_OK;
}

static bool is_merge_key(const rc_yaml_t *key)
{
    return key->kind == RC_YAML_SCALAR && !key->quoted && strcmp(key->text, "<<") == 0;
}

static bool has_key(const rc_yaml_pair_t *pairs, size_t count, const rc_yaml_t *key)
{
    for (size_t i = 0; i < count; i++)
        if (pairs[i].key->kind == RC_YAML_SCALAR && key->kind == RC_YAML_SCALAR &&
            strcmp(pairs[i].key->text, key->text) == 0)
            return true;
    return false;
}

static rc_code_t merge_map(tree_t *tree, rc_yaml_t *map);

/* Adds what `base` has and `into` lacks. `into->pairs` has room. */
static void take_over(rc_yaml_t *into, const rc_yaml_t *base)
{
    for (size_t i = 0; i < base->count; i++) {
        if (has_key(into->pairs, into->count, base->pairs[i].key)) continue;
        into->pairs[into->count] = base->pairs[i];
        into->pairs[into->count++].merged = true;
    }
}

/* The blocks that the merge key's value names: one, or a list of them; each merged itself already. */
static rc_code_t merge_bases(tree_t *tree, const rc_yaml_pair_t *merge, size_t *pairs)
{
    const rc_yaml_t *value = merge->value;
    size_t count = value->kind == RC_YAML_LIST ? value->count : 1;
    for (size_t i = 0; i < count; i++) {
        const rc_yaml_t *base = value->kind == RC_YAML_LIST ? value->items[i] : value;
        if (base->kind != RC_YAML_MAP)
            return fail(tree, merge->key->line, "\"<<\" takes over what is no block of keys; write <<: *anchor");
        rc_code_t code = merge_map(tree, &tree->nodes[base - tree->nodes]);
        if (code) return code;
        *pairs += base->count;
    }
    return RC_OK;
}

static rc_code_t merge_map(tree_t *tree, rc_yaml_t *map)
{
    size_t index = (size_t)(map - tree->nodes), merges = 0, pairs = 0;
    if (tree->merging[index] == 2) return RC_OK;
    if (tree->merging[index] == 1) return fail(tree, map->line, "a block is merged into itself; take one \"<<\" away");
    tree->merging[index] = 1;
    for (size_t i = 0; i < map->count; i++) {
        if (!is_merge_key(map->pairs[i].key)) continue;
        merges++;
        rc_code_t code = merge_bases(tree, &map->pairs[i], &pairs);
        if (code) return code;
    }
    tree->merging[index] = 2;
    if (!merges) return RC_OK;
    tree->merged += pairs + map->count;
    if (tree->merged > RC_YAML_MERGED_MAX)
        return fail(tree, map->line, "\"<<\" makes more keys than a configuration can have; write them out");
    const rc_yaml_t own = *map;
    map->pairs = rc_arena_alloc(tree->arena, (own.count + pairs) * sizeof *map->pairs);
    map->count = 0;
    for (size_t i = 0; i < own.count; i++)
        if (!is_merge_key(own.pairs[i].key)) map->pairs[map->count++] = own.pairs[i];
    for (size_t i = 0; i < own.count; i++) {
        if (!is_merge_key(own.pairs[i].key)) continue;
        const rc_yaml_t *value = own.pairs[i].value;
        if (value->kind == RC_YAML_MAP) take_over(map, value);
        for (size_t k = 0; value->kind == RC_YAML_LIST && k < value->count; k++) take_over(map, value->items[k]);
    }
    return RC_OK;
}

static rc_code_t build(tree_t *tree, yaml_document_t *document)
{
    tree->count = (size_t)(document->nodes.top - document->nodes.start);
    tree->nodes = rc_arena_alloc(tree->arena, tree->count * sizeof *tree->nodes);
    tree->merging = rc_arena_alloc(tree->arena, tree->count);
    for (size_t i = 0; i < tree->count; i++) {
        rc_code_t code = copy_node(tree, document, i);
        if (code) return code;
    }
    for (size_t i = 0; i < tree->count; i++) {
        rc_code_t code = tree->nodes[i].kind == RC_YAML_MAP ? merge_map(tree, &tree->nodes[i]) : RC_OK;
        if (code) return code;
    }
    return RC_OK;
}

static rc_code_t syntax_error(tree_t *tree, const yaml_parser_t *parser)
{
    /* The reader knows no line, only an offset. */
    *tree->line = (int)(parser->error == YAML_READER_ERROR ? parser->mark.line : parser->problem_mark.line) + 1;
    return rc_error_set(tree->error, RC_CONFIG, RC_REJECT,
                        "%s%s%s; mend the syntax there or just above (indentation by spaces, colons, quotes, brackets)",
                        parser->problem ? parser->problem : "no YAML", parser->context ? ", " : "",
                        parser->context ? parser->context : "");
}

rc_code_t rc_yaml_parse(rc_arena_t *arena, const char *text, size_t size_bytes, const rc_yaml_t **root, int *line,
                        rc_error_t *error)
{
    tree_t tree = {.arena = arena, .line = line, .error = error};
    yaml_parser_t parser;
    yaml_document_t document, second;
    if (size_bytes > RC_YAML_TEXT_MAX) return fail(&tree, 1, "longer than 4 MiB; a configuration is shorter");
    if (!yaml_parser_initialize(&parser)) RC_DIE("out of memory");
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size_bytes);
    if (!yaml_parser_load(&parser, &document)) {
        rc_code_t code = syntax_error(&tree, &parser);
        yaml_parser_delete(&parser);
        return code;
    }
    static const rc_yaml_t nothing = {.kind = RC_YAML_NULL, .line = 1};
    rc_code_t code = build(&tree, &document);
    if (!code) *root = tree.count ? &tree.nodes[0] : &nothing;
    if (!code && tree.count) {
        /* What follows must be the end of the file. */
        if (!yaml_parser_load(&parser, &second)) {
            code = syntax_error(&tree, &parser);
        } else {
            if (yaml_document_get_root_node(&second))
                code = fail(&tree, second.start_mark.line + 1, "a second document (---) begins; keep one");
            yaml_document_delete(&second);
        }
    }
    yaml_document_delete(&document);
    yaml_parser_delete(&parser);
    return code;
}
