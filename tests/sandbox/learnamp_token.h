/* OAuth 2 client credentials of one company: who gets a token, for what, and for how long. One thread at a time: the
 * integration's lock (sandbox.h) covers it. */
#ifndef RC_TESTS_SANDBOX_LEARNAMP_TOKEN_H
#define RC_TESTS_SANDBOX_LEARNAMP_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "common/time.h"

#define SB_SCOPES(X)                          \
    X(USERS_READ, "users:read")               \
    X(USERS_CREATE, "users:create")           \
    X(USERS_UPDATE, "users:update")           \
    X(USERS_DEACTIVATE, "users:deactivate")   \
    X(USERS_REACTIVATE, "users:reactivate")   \
    X(TEAMS_READ, "teams:read")               \
    X(TEAMS_CREATE, "teams:create")           \
    X(TEAMS_UPDATE, "teams:update")           \
    X(TEAM_USERS_READ, "team_users:read")     \
    X(TEAM_USERS_CREATE, "team_users:create") \
    X(TEAM_USERS_DELETE, "team_users:delete")

typedef enum {
#define X(name, text) SB_SCOPE_##name,
    SB_SCOPES(X)
#undef X
        SB_SCOPE_COUNT
} sb_scope_t;

#define SB_ALL_SCOPES                                                                                 \
    "users:read users:create users:update users:deactivate users:reactivate teams:read teams:create " \
    "teams:update team_users:read team_users:create team_users:delete"

typedef struct sb_tokens sb_tokens_t;
enum { SB_TOKEN_SIZE = 64 };

/* Returns new (free with sb_tokens_free): all scopes are allowed, tokens live for 7,200 s. */
sb_tokens_t *sb_tokens_new(void);
void sb_tokens_free(sb_tokens_t *tokens);

void sb_tokens_set_ttl(sb_tokens_t *tokens, int64_t ttl_s);
int64_t sb_tokens_ttl(const sb_tokens_t *tokens);
/* What the credentials may ask for ("users:read teams:read"). RC_USAGE for an unknown scope. */
rc_code_t sb_tokens_set_allowed(sb_tokens_t *tokens, const char *scopes, rc_error_t *error);
/* Makes every token issued so far unknown. */
void sb_tokens_revoke_all(sb_tokens_t *tokens);

/* Issues a token for `scopes`; false when they are none, unknown or not allowed: invalid_scope. */
bool sb_tokens_issue(sb_tokens_t *tokens, const char *scopes, rc_wall_t now, char token[SB_TOKEN_SIZE]);

typedef enum { SB_TOKEN_GOOD, SB_TOKEN_UNKNOWN, SB_TOKEN_EXPIRED, SB_TOKEN_LACKS_SCOPE } sb_token_check_t;
sb_token_check_t sb_tokens_check(const sb_tokens_t *tokens, const char *token, sb_scope_t scope, rc_wall_t now);

#endif
