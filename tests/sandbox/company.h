/* A company that is never stored: every person is computed from the seed and their number when somebody asks. What
 * happens to them later is hr.h's. Pure; any thread. */
#ifndef RC_TESTS_SANDBOX_COMPANY_H
#define RC_TESTS_SANDBOX_COMPANY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/json.h"
#include "common/time.h"
#include "tests/sandbox/ids.h"

/* The texts of a person that can be changed one by one, by Kombo's names. */
#define SB_TEXTS(X)                           \
    X(FIRST_NAME, "first_name")               \
    X(LAST_NAME, "last_name")                 \
    X(JOB_TITLE, "job_title")                 \
    X(WORK_EMAIL, "work_email")               \
    X(EMPLOYMENT_STATUS, "employment_status") \
    X(EMPLOYMENT_TYPE, "employment_type")     \
    X(AVATAR, "avatar")

typedef enum {
#define X(name, text) SB_TEXT_##name,
    SB_TEXTS(X)
#undef X
        SB_TEXT_COUNT
} sb_text_t;

/* "first_name" …, by sb_text_t. */
extern const char *const SB_TEXT_NAMES[SB_TEXT_COUNT];

enum { SB_MAX_GROUPS = 8, SB_NOBODY = -1 };

/* One person as the HR system shows them. Points into itself: not to be copied. */
typedef struct {
    uint32_t index;
    char id[SB_ID_SIZE];
    char remote_id[12];
    const char *text[SB_TEXT_COUNT]; /* NULL: null */
    rc_date_t start, termination;
    int32_t manager;                /* index; SB_NOBODY */
    int32_t location, legal_entity; /* numbers of units; SB_NOBODY: none */
    int32_t groups[SB_MAX_GROUPS];  /* numbers of groups, in no order that means anything */
    size_t group_count;
    json_t *custom, *integration; /* values that replace or join the generated ones, by key; NULL: none */
    rc_wall_t changed_at;         /* of the record itself */
    rc_wall_t updated_at;         /* of it or what is nested in it: what updated_after looks at */
    rc_wall_t deleted_at;         /* 0: not deleted */
    bool anonymised;
    char scratch[256];
} sb_person_t;

/* Groups are numbered departments first, then teams, then cost centres, then what was added. */
typedef struct {
    uint64_t seed;
    uint32_t people;
    rc_date_t epoch;         /* "today" of the generated dates */
    bool quirks;             /* also records with gaps: no address, no name, a status nobody knows, no team */
    bool integration_values; /* integration fields have values, as at Kombo, but not in Kombo's description */
    uint32_t departments, teams, cost_centers, locations, legal_entities;
    char name[64], domain[64];
} sb_company_t;

enum { SB_MAX_PEOPLE = 1000000 };

/* Without quirks and integration values: members that may be set afterwards, as may the name. */
void sb_company_init(sb_company_t *company, uint64_t seed, uint32_t people, rc_date_t epoch);

/* Fills in number `index` as hired by the generator; also for numbers past `people`, for those hired later. */
void sb_company_person(const sb_company_t *company, uint32_t index, sb_person_t *person);
/* The manager that the generator gives to a number: every eighth's supervisor is a smaller number. */
int32_t sb_company_manager(const sb_company_t *company, uint32_t index);
/* Number of generated groups; the name of one. Returns new (free). */
uint32_t sb_company_groups(const sb_company_t *company);
char *sb_company_group_name(const sb_company_t *company, uint32_t group);

#endif
