/* Learn Amp's API as docs/learnamp.md describes it, over HTTP, one company an integration. Any thread. */
#ifndef RC_TESTS_SANDBOX_LEARNAMP_H
#define RC_TESTS_SANDBOX_LEARNAMP_H

#include "tests/sandbox/path.h"
#include "tests/sandbox/sandbox.h"

/* Serves everything below /learnamp; `sandbox` is an sb_sandbox_t. */
void sb_learnamp_serve(const rc_httpd_request_t *request, rc_httpd_reply_t *reply, void *sandbox);

/* One call of /v1 after its token was found good, apart from HTTP: so that it can also be made later. */
typedef struct {
    int endpoint;
    char *id[SB_PATH_IDS]; /* decoded ids of the path; NULL: none */
    json_t *params;        /* an object */
} sb_call_t;

typedef struct {
    int status;
    json_t *body;                    /* NULL: none */
    long total, per_page;            /* total -1: no list */
    char employee[SB_NAME_SIZE * 2]; /* whom it was about; "": nobody */
    long user_id;
} sb_answer_t;

/* The endpoint of a method and the path below /v1, with the ids; -1: none. */
int sb_learnamp_endpoint(const char *method, const char *const *segments, size_t count, const char *ids[SB_PATH_IDS]);
/* The scope that it needs. */
sb_scope_t sb_learnamp_scope(int endpoint);
/* Makes the call: the store's lock is the caller's. */
void sb_learnamp_call(sb_store_t *store, const sb_call_t *call, rc_wall_t now, sb_answer_t *answer);

#endif
