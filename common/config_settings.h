/* The declared table of settings, and what its users share. Private to common/config*.c. */
#ifndef RC_COMMON_CONFIG_SETTINGS_H
#define RC_COMMON_CONFIG_SETTINGS_H

#include "common/config.h"
#include "common/config_yaml.h"

typedef enum {
    RC_SETTING_BLOCK,      /* keys below it, each with its own row */
    RC_SETTING_ITEMS,      /* a list of such blocks: integrations */
    RC_SETTING_MAPPING,    /* the open block `mapping` */
    RC_SETTING_STRING,     /* const char * */
    RC_SETTING_BOOL,       /* bool */
    RC_SETTING_INT,        /* int */
    RC_SETTING_NUMBER,     /* double */
    RC_SETTING_DURATION,   /* int64_t, milliseconds */
    RC_SETTING_SIZE,       /* size_t, bytes */
    RC_SETTING_ENUM,       /* an enum of int's size */
    RC_SETTING_LISTEN,     /* rc_listen_t */
    RC_SETTING_LEAD,       /* rc_policy_t's `create` */
    RC_SETTING_ZONE,       /* const char *; rc_integration_t's `zone` goes with it */
    RC_SETTING_FLAGS,      /* unsigned: bits of the symbols listed */
    RC_SETTING_GROUP_LIST, /* rc_group_type_t [RC_GROUP_COUNT], and its count at `count_offset` */
    RC_SETTING_DURATIONS,  /* int64_t *, rising, and its count at `count_offset` */
    RC_SETTING_STRINGS     /* rc_strings_t */
} rc_setting_kind_t;

enum {
    RC_SETTING_REQUIRED = 1,
    RC_SETTING_SECRET = 2, /* masked in output, never quoted in a message */
    RC_SETTING_OPEN = 4,   /* of a block: other keys are librdkafka properties */
    RC_SETTING_URL = 8,    /* slashes at the end are taken away */
    RC_SETTING_INLINE = 16 /* of a block: the reference page has it as one row of its parent */
};

typedef struct {
    const char *path; /* "integrations[].kombo.api_key" */
    rc_setting_kind_t kind;
    unsigned flags;
    size_t offset; /* in rc_config_t; below "integrations[]." in rc_integration_t */
    size_t count_offset;
    const char *initial;        /* the default as one would write it; lists: items separated by ", ". NULL: none */
    int64_t min, max;           /* of numbers, durations (ms) and sizes (bytes); of lists: items */
    const char *const *symbols; /* NULL-terminated */
    /* What is wrong with a text, and what to do; NULL: nothing. Static storage. */
    const char *(*check)(const char *text);
    const char *example; /* for the reference page */
    const char *help;
} rc_setting_t;

extern const rc_setting_t RC_SETTINGS[];
extern const size_t RC_SETTINGS_COUNT;

#define RC_INTEGRATION_PREFIX "integrations[]."
bool rc_setting_is_integration(const rc_setting_t *setting);

/* The row of that path; NULL: none. */
const rc_setting_t *rc_setting_find(const char *path);

/* librdkafka properties that the guarantees rest on. */
typedef struct {
    const char *name;
    const char *reason; /* "decides …" */
} rc_refused_property_t;
extern const rc_refused_property_t RC_REFUSED_PROPERTIES[]; /* ends with a NULL name */
/* Why the property cannot be set; NULL: it can. */
const char *rc_property_refused(const char *name);
/* Whether the name can be a librdkafka property: most have a dot. */
bool rc_property_is_plausible(const char *name);
bool rc_property_is_secret(const char *name);

/* What a mapping can be taken from: Kombo's employee (kombo-hris.openapi.json). */
typedef enum { RC_SOURCE_TEXT, RC_SOURCE_DATE, RC_SOURCE_NUMBER, RC_SOURCE_OPEN, RC_SOURCE_REFUSED } rc_source_kind_t;
typedef struct {
    const char *path;
    rc_source_kind_t kind;
    const char *reason; /* of RC_SOURCE_REFUSED */
} rc_source_t;
extern const rc_source_t RC_SOURCES[];            /* ends with a NULL path */
extern const char *const RC_DEFAULT_MAPPING[][2]; /* target, source; ends with NULL */

/* What is wrong found so far. */
typedef struct {
    int line;
    size_t order;
    char *text;
} rc_problem_t;
typedef struct {
    const char *file;
    rc_problem_t *items;
    size_t count;
    size_t capacity;
    size_t left_out;
} rc_problems_t;
/* "KEY: what is wrong; what to do" */
void rc_problems_add(rc_problems_t *problems, int line, const char *key, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void rc_problems_fini(rc_problems_t *problems);
/* Appends them sorted by line as FILE:LINE: KEY: … */
void rc_problems_print(rc_problems_t *problems, rc_buf_t *text);

/* The time zones of a configuration, each once. */
typedef struct {
    struct {
        char *name;
        rc_zone_t *zone;
    } * items;
    size_t count;
} rc_zones_t;

/* A value on its way into the configuration. */
typedef struct {
    const char *key; /* for messages */
    int line;
    rc_arena_t *arena;
    rc_problems_t *problems;
    rc_zones_t *zones;
} rc_place_t;

/* Its text. `quoted`: the file has it in quotes, and as it is. */
typedef struct {
    const char *text;
    bool quoted;
} rc_word_t;

/* The text of a scalar with its references replaced; NULL with a problem added. In the arena. */
const char *rc_config_expand(const rc_place_t *place, const char *text);

/* Puts a node's value, or the default's text, at base + offset; false with problems added. */
bool rc_setting_set(const rc_setting_t *setting, const rc_place_t *place, const rc_yaml_t *node, void *base);
bool rc_setting_set_default(const rc_setting_t *setting, const rc_place_t *place, void *base);

/* Puts one word at base + offset; for settings that are no list. */
bool rc_setting_set_word(const rc_setting_t *setting, const rc_place_t *place, rc_word_t word, void *base);
/* The index of the symbol; -1 with a problem added. */
int rc_setting_symbol(const rc_setting_t *setting, const rc_place_t *place, const char *text);
bool rc_word_has_control(const char *text);

/* Appends the value as YAML; secrets as they are when `bare`, else masked. */
void rc_setting_print(const rc_setting_t *setting, const void *base, bool bare, rc_buf_t *yaml);

/* Fills integration->mapping from the block, or with the default for NULL. */
bool rc_mapping_read(const rc_place_t *place, const rc_yaml_t *node, rc_integration_t *integration);

struct rc_config_store {
    rc_arena_t *arena;
    rc_zones_t zones;
    int *lines;              /* of RC_SETTINGS; 0: the default holds */
    int **integration_lines; /* likewise for each integration */
};

/* Fills the configuration, whose store is there, from the root of a file's tree (config_read.c). */
void rc_config_read(rc_config_t *config, const rc_yaml_t *root, rc_problems_t *problems);

#endif
