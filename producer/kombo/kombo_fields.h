/* What the parser looks for in Kombo's answers, as a tree: which members of which objects, of what kind, and into which
 * slot of the record a value goes. Built once from a mapping, then immutable. Used by producer/kombo/kombo_parse only.
 */
#ifndef RC_PRODUCER_KOMBO_FIELDS_H
#define RC_PRODUCER_KOMBO_FIELDS_H

#include <string.h>

#include "producer/kombo/kombo.h"

typedef enum {
    RC_KOMBO_WANT_TEXT,     /* a string */
    RC_KOMBO_WANT_FIGURE,   /* a number, as it is written */
    RC_KOMBO_WANT_ANYTHING, /* a string, a number, a boolean; objects and arrays count as absent */
    RC_KOMBO_WANT_PRESENCE, /* a string, whose content does not matter */
    RC_KOMBO_WANT_OBJECT,
    RC_KOMBO_WANT_GROUPS,  /* an array of objects, the groups or teams of an employee */
    RC_KOMBO_WANT_ENTRIES, /* an array of objects, integration_fields */
    RC_KOMBO_WANT_RESULTS  /* an array of objects, the records of a page */
} rc_kombo_want_t;         /* each may also be null */

typedef struct rc_kombo_shape rc_kombo_shape_t;

typedef struct rc_kombo_member {
    const char *name;
    size_t length;
    rc_kombo_want_t want;
    int slot;                /* of a value; of RC_KOMBO_WANT_GROUPS: which list */
    int id;                  /* among all members of the tree */
    rc_kombo_shape_t *shape; /* of the object, or of each object in the array */
    struct rc_kombo_member *next;
} rc_kombo_member_t;

enum { RC_KOMBO_SHAPE_BUCKETS = 64 };

/* The wanted members of one object, by what names differ in: most of those that nobody wants meet an empty bucket. */
struct rc_kombo_shape {
    rc_kombo_member_t *buckets[RC_KOMBO_SHAPE_BUCKETS];
};

/* Slots of a record that do not come from the mapping. */
enum {
    RC_KOMBO_SLOT_ID,
    RC_KOMBO_SLOT_NAME, /* of a group or location record */
    RC_KOMBO_SLOT_TYPE, /* of a group record */
    RC_KOMBO_SLOT_DELETED,
    RC_KOMBO_SLOT_STATUS,
    RC_KOMBO_SLOT_EMPLOYMENT_TYPE,
    RC_KOMBO_SLOT_START,
    RC_KOMBO_SLOT_END,
    RC_KOMBO_SLOT_ENTITY_ID,
    RC_KOMBO_SLOT_ENTITY_NAME,
    RC_KOMBO_SLOT_LOCATION_ID,
    RC_KOMBO_SLOT_LOCATION_NAME,
    RC_KOMBO_SLOT_GROUP_ID, /* of the group at hand, inside an employee */
    RC_KOMBO_SLOT_GROUP_NAME,
    RC_KOMBO_SLOT_GROUP_TYPE,
    RC_KOMBO_SLOT_ENTRY_KEY, /* of the integration field at hand */
    RC_KOMBO_SLOT_ENTRY_VALUE,
    RC_KOMBO_SLOTS,
};

/* Slots of a page. */
enum {
    RC_KOMBO_PAGE_STATUS,
    RC_KOMBO_PAGE_NEXT,
    RC_KOMBO_PAGE_CODE,
    RC_KOMBO_PAGE_TITLE,
    RC_KOMBO_PAGE_MESSAGE,
    RC_KOMBO_PAGE_SLOTS,
};

struct rc_kombo_fields {
    rc_arena_t *arena; /* holds the tree */
    int member_count;
    int slot_count;    /* of a record */
    size_t path_count; /* of the mapping */
    const char **paths;
    int *path_slots;
    rc_kombo_shape_t *employees; /* an answer of /hris/employees, from its outermost object */
    rc_kombo_shape_t *groups;
    rc_kombo_shape_t *locations;
    rc_kombo_shape_t *entry_keys; /* the mapped integration fields: key to slot */
};

static inline size_t rc_kombo_shape_bucket(const char *name, size_t length)
{
    if (!length) return 0;
    size_t first = (unsigned char)name[0], last = (unsigned char)name[length - 1];
    return (length * 5 + first * 3 + last + (unsigned char)name[length / 2]) % RC_KOMBO_SHAPE_BUCKETS;
}

/* The member of that name, or NULL: not wanted. */
static inline const rc_kombo_member_t *rc_kombo_shape_find(const rc_kombo_shape_t *shape, const char *name,
                                                           size_t length)
{
    const rc_kombo_member_t *member = shape->buckets[rc_kombo_shape_bucket(name, length)];
    while (member && (member->length != length || memcmp(member->name, name, length) != 0)) member = member->next;
    return member;
}

#endif
