/* A Learn Amp that follows a script: every request must be the one that the next line says, and gets that line's
 * answer. Tokens are given by themselves where the script does not speak of them. */
#ifndef RC_TESTS_SUPPORT_LEARNAMP_SCRIPT_H
#define RC_TESTS_SUPPORT_LEARNAMP_SCRIPT_H

#include <stddef.h>

enum { RC_SCRIPT_SILENT = -1, RC_SCRIPT_HANGS_UP = -2 }; /* instead of a status */

typedef struct {
    const char *request; /* begins so: "PUT /v1/users/17 HTTP" */
    int status;
    const char *answer;  /* body; NULL: "" */
    const char *says;    /* what the request's body must hold; NULL: whatever */
    const char *silent;  /* what it must not hold; NULL: whatever */
    const char *headers; /* of the answer, each ending in \r\n; NULL: none */
    int moves;           /* added to rc_script_moves once the request was read: the test's N moves on */
} rc_script_line_t;

/* A line: request, status, and what else there is to say (".answer = …"). */
#define RC_LINE(request_, status_, ...)                         \
    {                                                           \
        .request = (request_), .status = (status_), __VA_ARGS__ \
    }

typedef struct rc_script rc_script_t;

/* Borrows the lines. Returns new (free with rc_script_free). */
rc_script_t *rc_script_new(const rc_script_line_t *lines, size_t count);
void rc_script_free(rc_script_t *script);
const char *rc_script_url(const rc_script_t *script);
int rc_script_moves(const rc_script_t *script);
int rc_script_tokens(const rc_script_t *script); /* asked for so far */
/* What was asked against the script, or left unasked at the end; NULL: all went as written. Borrows. */
const char *rc_script_fault(rc_script_t *script);

/* Bodies of answers. */
#define RC_USER(id, external_id, email, status)                                        \
    "{\"id\":" #id ",\"integrationExternalId\":\"" external_id "\",\"email\":\"" email \
    "\",\"status\":{\"status\":\"" status "\",\"time\":\"2026-01-01T00:00:00Z\"}}"
#define RC_FREE_USER(id, email, status) \
    "{\"id\":" #id ",\"integrationExternalId\":null,\"email\":\"" email "\",\"status\":{\"status\":\"" status "\"}}"
#define RC_TEAM(id, external_id, name) \
    "{\"id\":" #id ",\"integrationExternalId\":\"" external_id "\",\"name\":\"" name "\"}"
#define RC_NOT_FOUND "{\"error\":\"Not found\"}"
#define RC_TAKEN     "{\"error\":\"Validation failed: Email has already been taken\"}"

#endif
