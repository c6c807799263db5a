/* A parsed schema as a graph of nodes, between common/avro.c (which makes it from Avro-C's) and common/avro_plan (which
 * reads and writes data by it). Private to these. */
#ifndef RC_COMMON_AVRO_SCHEMA_H
#define RC_COMMON_AVRO_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/mem.h"

typedef enum {
    RC_NODE_NULL,
    RC_NODE_BOOLEAN,
    RC_NODE_INT,
    RC_NODE_LONG,
    RC_NODE_FLOAT,
    RC_NODE_DOUBLE,
    RC_NODE_BYTES,
    RC_NODE_STRING,
    RC_NODE_FIXED,
    RC_NODE_ENUM,
    RC_NODE_ARRAY,
    RC_NODE_MAP,
    RC_NODE_UNION,
    RC_NODE_RECORD
} rc_node_type_t;

typedef struct rc_node rc_node_t;
struct rc_node {
    rc_node_type_t type;
    bool printed;        /* by the canonical form: only its name from then on */
    uint32_t min_bytes;  /* of any datum; 0: every datum is empty */
    uint32_t size_bytes; /* of a fixed */
    size_t count;
    const char *name;     /* full; of record, enum, fixed */
    const char **names;   /* fields of a record, symbols of an enum */
    rc_node_t **children; /* field types, branches, or the one type of array and map; may lead back to a record */
};

struct rc_avro_schema {
    rc_arena_t *arena;
    rc_node_t *root;
    char *canonical;
    uint64_t fingerprint;
};

/* "string", "record" … */
const char *rc_node_type_str(rc_node_type_t type);

#endif
