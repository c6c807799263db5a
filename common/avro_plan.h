/* A plan from the inside, between common/avro_plan.c (which makes it), common/avro_encode.c and common/avro_decode.c
 * (which follow it). Private to these three. */
#ifndef RC_COMMON_AVRO_PLAN_H
#define RC_COMMON_AVRO_PLAN_H

#include <string.h>

#include "common/avro.h"
#include "common/avro_schema.h"

/* One field of the writer's record. */
typedef struct {
    const rc_avro_field_t *field; /* NULL: not ours, skipped */
    const rc_node_t *node;        /* of the value, behind the union; of the elements of an ENUM_SET or ARRAY */
    const rc_node_t *whole;       /* as the schema has it, for skipping */
    bool in_union;
    int value_branch;
    int null_branch; /* -1: the schema does not allow null */
    int *values;     /* of an enum: the writer's index to our value, or -1 */
    int *indices;    /* of an enum: our value to the writer's index, or -1 */
    const rc_avro_plan_t *record;
} rc_avro_step_t;

struct rc_avro_plan {
    rc_arena_t *arena; /* of the outermost plan; NULL in those within */
    const rc_avro_record_t *table;
    rc_avro_step_t *steps;
    size_t step_count;
    const rc_avro_field_t **missing; /* fields of ours that the writer does not have */
    size_t missing_count;
};

/* A member by its offset. Types differ behind the offsets, so values are copied bytewise. */
#define RC_AVRO_GET(type, record, at)                                        \
    __extension__({                                                          \
        type get_value;                                                      \
        memcpy(&get_value, (const char *)(record) + (at), sizeof get_value); \
        get_value;                                                           \
    })
#define RC_AVRO_PUT(type, record, at, value)                           \
    do {                                                               \
        type put_value = (value);                                      \
        memcpy((char *)(record) + (at), &put_value, sizeof put_value); \
    } while (0)

#endif
