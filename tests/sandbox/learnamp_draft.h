/* What a call to Learn Amp would change, checked by its rules before anything is changed: required and empty
 * parameters, references that must exist, what must be unique; with the service's words. One thread at a time per
 * store. */
#ifndef RC_TESTS_SANDBOX_LEARNAMP_DRAFT_H
#define RC_TESTS_SANDBOX_LEARNAMP_DRAFT_H

#include "common/mem.h"
#include "tests/sandbox/learnamp_store.h"

/* Parameters that are left out stay unchanged; texts borrow from the request's parameters or `scratch`. */
typedef struct {
    bool has_text[SB_USER_TEXT_COUNT];
    const char *text[SB_USER_TEXT_COUNT];
    bool has_primary, has_secondary, has_manager;
    long primary_team, manager_id;
    long *secondary_teams;
    size_t secondary_count;
    json_t *custom; /* by name; null clears */
    bool skip_invitation, reactivate;
    rc_arena_t *scratch;
} sb_user_draft_t;

/* `user` is NULL for a new one. False: refused, *refusal says why. Always release with sb_user_draft_fini. */
bool sb_user_draft_init(sb_user_draft_t *draft, const sb_store_t *store, const sb_user_t *user, const json_t *params,
                        sb_refusal_t *refusal);
void sb_user_draft_fini(sb_user_draft_t *draft);

typedef struct {
    const char *name; /* NULL: unchanged */
    bool has_external_id, has_parent, has_manager;
    const char *external_id;
    long parent_id, manager_id;
} sb_team_draft_t;

bool sb_team_draft_init(sb_team_draft_t *draft, const sb_store_t *store, const sb_team_t *team, const json_t *params,
                        sb_refusal_t *refusal);

/* Who is to become a member of a team, and how. */
bool sb_member_draft(const sb_store_t *store, const json_t *params, sb_user_t **user, bool *primary,
                     sb_refusal_t *refusal);

#endif
