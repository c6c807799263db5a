/* The Avro schemas built into the programs: schemas/NAME.avsc (current) and schemas/released/… (every one that was ever
 * written). The table is made by cmake/embed.cmake; it ends with a NULL name. */
#ifndef RC_COMMON_SCHEMAS_H
#define RC_COMMON_SCHEMAS_H

typedef struct {
    const char *name; /* path below schemas/: "EmployeeCreated.avsc", "released/EmployeeCreated.1.avsc" */
    const char *json;
} rc_schema_source_t;

extern const rc_schema_source_t RC_SCHEMAS[];

#endif
