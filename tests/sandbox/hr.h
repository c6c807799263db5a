/* One customer's HR system as Kombo mirrors it: a generated company and everything that happened to it since. Only
 * what changed is held in memory. One thread at a time: the integration's lock (sandbox.h) covers it. */
#ifndef RC_TESTS_SANDBOX_HR_H
#define RC_TESTS_SANDBOX_HR_H

#include "tests/sandbox/company.h"

typedef enum { SB_UNIT_GROUP, SB_UNIT_LOCATION, SB_UNIT_LEGAL_ENTITY, SB_UNIT_COUNT } sb_unit_kind_t;

/* What a unit was called since when. */
typedef struct {
    rc_wall_t at;
    char *name;
    bool deleted;
} sb_naming_t;

/* A group, a location or a legal entity. */
typedef struct {
    char id[SB_ID_SIZE];
    char remote_id[12];
    char *name;
    const char *type; /* "TEAM" …; static storage; NULL: null */
    int32_t parent;   /* number of the group above; SB_NOBODY */
    uint32_t place;   /* of SB_PLACES */
    rc_wall_t changed_at, deleted_at;
    sb_naming_t *namings; /* from the first to the present one */
    size_t naming_count;
} sb_unit_t;

typedef struct sb_hr sb_hr_t;

/* Fields of a person that are no text; one bit each in what a change sets, behind the bits of sb_text_t. */
typedef enum {
    SB_SET_START = SB_TEXT_COUNT,
    SB_SET_TERMINATION,
    SB_SET_MANAGER,
    SB_SET_LOCATION,
    SB_SET_LEGAL_ENTITY,
    SB_SET_GROUPS,
    SB_SET_CUSTOM,
    SB_SET_INTEGRATION
} sb_set_t;

/* What a change sets: those members whose bit is in `set`. Texts may be NULL (null). */
typedef struct {
    uint32_t set; /* bits 1 << sb_text_t or 1 << sb_set_t */
    const char *text[SB_TEXT_COUNT];
    rc_date_t start, termination;
    int32_t manager, location, legal_entity;
    int32_t groups[SB_MAX_GROUPS];
    size_t group_count;
    json_t *custom, *integration; /* members join those of before; borrowed */
} sb_patch_t;

/* Copies the company. Returns new (free with sb_hr_free). */
sb_hr_t *sb_hr_new(const sb_company_t *company);
void sb_hr_free(sb_hr_t *hr);

const sb_company_t *sb_hr_company(const sb_hr_t *hr);
/* How many were ever there: indexes are 0 to count - 1. */
uint32_t sb_hr_count(const sb_hr_t *hr);
/* How many records differ from the generated ones: what memory goes with. */
size_t sb_hr_changed(const sb_hr_t *hr);

/* How long after its deletion Kombo empties a record (14 days: docs/kombo.md). */
void sb_hr_set_anonymise_after(sb_hr_t *hr, int64_t ms);

/* The person as of `now`; false when the record has vanished. */
bool sb_hr_person(const sb_hr_t *hr, uint32_t index, rc_wall_t now, sb_person_t *person);
/* Every state that a record ever had is kept. 0 is the present one, 1 the one before …, and the last as it was
 * generated or hired. False: there were not so many. A record that had vanished then says so in `vanished`; `at` is
 * since when by the machine's clock, 0 from the beginning. */
typedef struct {
    rc_wall_t at;
    bool vanished;
    sb_person_t person;
} sb_revision_t;
bool sb_hr_revision(const sb_hr_t *hr, uint32_t index, uint32_t back, sb_revision_t *revision);
/* How far the clock that operations are dated by is from the machine's. */
void sb_hr_set_clock_offset(sb_hr_t *hr, int64_t ms);
/* The index of an id of Kombo's. */
bool sb_hr_find(const sb_hr_t *hr, const char *id, uint32_t *index);
/* False for those who cannot have changed after `since`, without computing anybody. */
bool sb_hr_may_have_changed(const sb_hr_t *hr, uint32_t index, rc_wall_t since);
/* Whether the manager of the person, or a place of theirs, changed after `since` (updated_after looks there too). */
bool sb_hr_surroundings_changed(const sb_hr_t *hr, const sb_person_t *person, rc_wall_t since);

/* A new person at the next index, generated and then patched. Returns the index. */
uint32_t sb_hr_hire(sb_hr_t *hr, const sb_patch_t *patch, rc_wall_t now);
/* A change of groups alone moves updated_at, not changed_at: they are another record at Kombo. */
void sb_hr_patch(sb_hr_t *hr, uint32_t index, const sb_patch_t *patch, rc_wall_t now);
/* Sets or takes back remote_deleted_at. */
void sb_hr_set_deleted(sb_hr_t *hr, uint32_t index, bool deleted, rc_wall_t now);
/* Takes the record out of every answer, or puts it back: as when Kombo loses and regains a permission. */
void sb_hr_set_vanished(sb_hr_t *hr, uint32_t index, bool vanished, rc_wall_t now);

uint32_t sb_hr_units(const sb_hr_t *hr, sb_unit_kind_t kind);
const sb_unit_t *sb_hr_unit(const sb_hr_t *hr, sb_unit_kind_t kind, int32_t number);
/* The number of the unit with that id, or of that name; SB_NOBODY when there is none. */
int32_t sb_hr_unit_find(const sb_hr_t *hr, sb_unit_kind_t kind, const char *id_or_name);
int32_t sb_hr_unit_add(sb_hr_t *hr, sb_unit_kind_t kind, const char *type, const char *name, rc_wall_t now);
void sb_hr_unit_rename(sb_hr_t *hr, sb_unit_kind_t kind, int32_t number, const char *name, rc_wall_t now);
/* Deletes it, and with that its membership. */
void sb_hr_unit_delete(sb_hr_t *hr, sb_unit_kind_t kind, int32_t number, rc_wall_t now);

#endif
