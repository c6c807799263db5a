/* The words that generated companies are made of: people's names of many languages with their ASCII forms, titles,
 * places. Static data. */
#ifndef RC_TESTS_SANDBOX_NAMES_H
#define RC_TESTS_SANDBOX_NAMES_H

#include <stddef.h>

typedef struct {
    const char *name, *ascii; /* ascii: lower case, as it stands in an address */
} sb_name_t;

typedef struct {
    const char *city, *country, *street, *zip_code;
} sb_place_t;

extern const sb_name_t SB_FIRST_NAMES[];
extern const size_t SB_FIRST_NAME_COUNT;
extern const sb_name_t SB_LAST_NAMES[];
extern const size_t SB_LAST_NAME_COUNT;
extern const sb_name_t SB_COMPANIES[]; /* ascii: what stands in the domain */
extern const size_t SB_COMPANY_COUNT;
extern const char *const SB_JOB_TITLES[];
extern const size_t SB_JOB_TITLE_COUNT;
extern const char *const SB_DEPARTMENTS[];
extern const size_t SB_DEPARTMENT_COUNT;
extern const char *const SB_TEAM_NAMES[];
extern const size_t SB_TEAM_NAME_COUNT;
extern const sb_place_t SB_PLACES[];
extern const size_t SB_PLACE_COUNT;
extern const char *const SB_LEGAL_FORMS[];
extern const size_t SB_LEGAL_FORM_COUNT;

#endif
