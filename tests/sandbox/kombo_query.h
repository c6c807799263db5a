/* What a list request of Kombo's API asks for: the parameters of the description, each checked, nothing else allowed.
 * Pure; any thread. */
#ifndef RC_TESTS_SANDBOX_KOMBO_QUERY_H
#define RC_TESTS_SANDBOX_KOMBO_QUERY_H

#include "common/httpd.h"
#include "common/time.h"

/* The lists that can be asked for. */
typedef enum {
    SB_LIST_EMPLOYEES = 1,
    SB_LIST_GROUPS = 2,
    SB_LIST_LOCATIONS = 4,
    SB_LIST_LEGAL_ENTITIES = 8,
    SB_LIST_FIELDS = 16
} sb_list_t;

/* Values of a comma-separated filter: OR. count 0: the filter was not given. */
typedef struct {
    const char *const *values;
    size_t count;
} sb_any_of_t;

typedef struct {
    uint32_t start; /* number of the first record that may be on the page: what the cursor carries */
    bool has_cursor;
    uint32_t page_size;
    rc_wall_t since; /* updated_after; has_since says whether it was given */
    bool has_since, include_deleted;
    bool nothing; /* a filter that the tool does not support filters everything out */
    sb_any_of_t ids, remote_ids, statuses, group_ids, legal_entity_ids, work_location_ids, work_emails, personal_emails,
        types;
    const char *name_contains;  /* NULL: not given */
    const char *custom_key;     /* NULL: not given */
    const json_t *custom_value; /* in custom_filter */
    json_t *custom_filter;      /* json_decref it (NULL is fine) */
    uint64_t fingerprint;       /* of everything but cursor and page size: a cursor belongs to its filters */
} sb_query_t;

/* What a cursor has to agree with. */
typedef struct {
    uint64_t generation;
    int64_t ttl_ms; /* 0: no end */
    rc_wall_t now;
    const char *unsupported; /* filters that filter everything out */
} sb_cursor_rules_t;

/* Texts are borrowed from the request and lie in its arena. RC_MALFORMED with a message for the client. */
rc_code_t sb_query_parse(const rc_httpd_request_t *request, sb_list_t list, const sb_cursor_rules_t *rules,
                         sb_query_t *query, rc_error_t *error);

enum { SB_CURSOR_SIZE = 96 };
/* The cursor of the page that begins at record `start`. Returns text. */
char *sb_cursor_format(const sb_query_t *query, const sb_cursor_rules_t *rules, uint32_t start,
                       char text[SB_CURSOR_SIZE]);

bool sb_any_of(const sb_any_of_t *filter, const char *value);         /* true when it was not given */
bool sb_any_of_email(const sb_any_of_t *filter, const char *address); /* without case */

#endif
