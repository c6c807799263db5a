#include "common/avro_plan.h"

#include <string.h>

_Static_assert(sizeof(rc_status_t) == sizeof(int), "enumerations are int-sized: RC_AVRO_ENUM relies on it");

static rc_code_t pair(rc_arena_t *arena, const rc_node_t *node, const rc_avro_record_t *table, rc_avro_plan_t *plan,
                      rc_error_t *error);

static rc_code_t refuse(const rc_avro_record_t *table, const char *field, rc_error_t *error, const char *why)
{
    return rc_error_set(error, RC_MALFORMED, RC_REJECT, "the schema's %s.%s %s", table->name, field, why);
}

static bool fits(const rc_avro_field_t *field, const rc_node_t *node)
{
    switch (field->kind) {
    case RC_AVRO_STRING:
        return node->type == RC_NODE_STRING;
    case RC_AVRO_LONG:
    case RC_AVRO_WALL:
        return node->type == RC_NODE_LONG || node->type == RC_NODE_INT;
    case RC_AVRO_BOOL:
        return node->type == RC_NODE_BOOLEAN;
    case RC_AVRO_DATE:
        return node->type == RC_NODE_INT;
    case RC_AVRO_ENUM:
        return node->type == RC_NODE_ENUM;
    case RC_AVRO_ENUM_SET:
        return node->type == RC_NODE_ARRAY && node->children[0]->type == RC_NODE_ENUM;
    case RC_AVRO_RECORD:
        return node->type == RC_NODE_RECORD;
    case RC_AVRO_ARRAY:
        return node->type == RC_NODE_ARRAY && node->children[0]->type == RC_NODE_RECORD &&
               node->children[0]->min_bytes > 0;
    }
    return false;
}

/* Looks behind ["null", T], [T, "null"] and [T]. False for any other union. */
static bool open_union(rc_avro_step_t *step)
{
    const rc_node_t *node = step->whole;
    step->node = node;
    step->null_branch = -1;
    if (node->type != RC_NODE_UNION) return true;
    if (node->count > 2) return false;
    step->in_union = true;
    for (int i = 0; i < (int)node->count; i++)
        if (node->children[i]->type == RC_NODE_NULL) step->null_branch = i;
    step->value_branch = step->null_branch == 0 ? 1 : 0;
    if ((size_t)step->value_branch >= node->count || (node->count == 2 && step->null_branch < 0)) return false;
    step->node = node->children[step->value_branch];
    return true;
}

static void pair_symbols(rc_arena_t *arena, rc_avro_step_t *step)
{
    const rc_enum_t *symbols = step->field->symbols;
    step->values = rc_arena_alloc(arena, step->node->count * sizeof(int));
    step->indices = rc_arena_alloc(arena, (size_t)symbols->count * sizeof(int));
    for (int i = 0; i < symbols->count; i++) step->indices[i] = -1;
    for (size_t i = 0; i < step->node->count; i++) {
        int value = rc_enum_parse(symbols, step->node->names[i]);
        if (value >= 0) step->indices[value] = (int)i;
        step->values[i] = value >= 0 ? value : step->field->otherwise;
    }
}

static rc_code_t pair_field(rc_arena_t *arena, const rc_avro_record_t *table, rc_avro_step_t *step, rc_error_t *error)
{
    const rc_avro_field_t *field = step->field;
    if (!open_union(step) || !fits(field, step->node))
        return refuse(table, field->name, error, "has a type that cannot be read into ours");
    if (field->kind == RC_AVRO_ENUM_SET || field->kind == RC_AVRO_ARRAY) step->node = step->node->children[0];
    if (field->symbols) pair_symbols(arena, step);
    if (!field->record) return RC_OK;
    rc_avro_plan_t *within = rc_arena_alloc(arena, sizeof *within);
    step->record = within;
    return pair(arena, step->node, field->record, within, error);
}

static const rc_avro_field_t *find_field(const rc_avro_record_t *table, const char *name)
{
    for (size_t i = 0; i < table->field_count; i++)
        if (strcmp(table->fields[i].name, name) == 0) return &table->fields[i];
    return NULL;
}

static bool has_field(const rc_node_t *node, const char *name)
{
    for (size_t i = 0; i < node->count; i++)
        if (strcmp(node->names[i], name) == 0) return true;
    return false;
}

static rc_code_t pair(rc_arena_t *arena, const rc_node_t *node, const rc_avro_record_t *table, rc_avro_plan_t *plan,
                      rc_error_t *error)
{
    plan->table = table;
    plan->step_count = node->count;
    plan->steps = rc_arena_alloc(arena, node->count * sizeof *plan->steps);
    for (size_t i = 0; i < node->count; i++) {
        rc_avro_step_t *step = &plan->steps[i];
        step->whole = node->children[i];
        step->field = find_field(table, node->names[i]);
        if (step->field && pair_field(arena, table, step, error) != RC_OK) return RC_MALFORMED;
    }
    plan->missing = rc_arena_alloc(arena, table->field_count * sizeof *plan->missing);
    for (size_t i = 0; i < table->field_count; i++) {
        const rc_avro_field_t *field = &table->fields[i];
        if (has_field(node, field->name)) continue;
        if (field->required || (field->kind == RC_AVRO_ENUM && field->otherwise < 0))
            return refuse(table, field->name, error, "is not there, and it has no default");
        plan->missing[plan->missing_count++] = field;
    }
    return RC_OK;
}

rc_code_t rc_avro_plan_new(const rc_avro_schema_t *schema, const rc_avro_record_t *table, rc_avro_plan_t **plan,
                           rc_error_t *error)
{
    if (schema->root->type != RC_NODE_RECORD)
        return rc_error_set(error, RC_MALFORMED, RC_REJECT, "the schema is no record but %s",
                            rc_node_type_str(schema->root->type));
    rc_arena_t *arena = rc_arena_new();
    rc_avro_plan_t *made = rc_arena_alloc(arena, sizeof *made);
    made->arena = arena;
    if (pair(arena, schema->root, table, made, error) != RC_OK) {
        rc_arena_free(arena);
        return RC_MALFORMED;
    }
    *plan = made;
    return RC_OK;
}

void rc_avro_plan_free(rc_avro_plan_t *plan)
{
    if (plan) rc_arena_free(plan->arena);
}
