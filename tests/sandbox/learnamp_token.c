#include "tests/sandbox/learnamp_token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/map.h"
#include "common/mem.h"
#include "tests/sandbox/random.h"

typedef struct {
    unsigned scopes; /* bits 1 << sb_scope_t */
    rc_wall_t expires_at;
} grant_t;

struct sb_tokens {
    rc_map_t *grants; /* by token */
    unsigned allowed;
    int64_t ttl_s;
    uint64_t issued;
};

static const char *const NAMES[SB_SCOPE_COUNT] = {
#define X(name, text) text,
    SB_SCOPES(X)
#undef X
};

sb_tokens_t *sb_tokens_new(void)
{
    sb_tokens_t *tokens = rc_zalloc(sizeof *tokens);
    tokens->grants = rc_map_new(free);
    tokens->allowed = (1u << SB_SCOPE_COUNT) - 1;
    tokens->ttl_s = 7200;
    return tokens;
}

void sb_tokens_free(sb_tokens_t *tokens)
{
    if (!tokens) return;
    rc_map_free(tokens->grants);
    free(tokens);
}

void sb_tokens_set_ttl(sb_tokens_t *tokens, int64_t ttl_s)
{
    tokens->ttl_s = ttl_s;
}

int64_t sb_tokens_ttl(const sb_tokens_t *tokens)
{
    return tokens->ttl_s;
}

/* The bits of a list separated by spaces; false for an unknown one or an empty list. */
static bool parse_scopes(const char *text, unsigned *scopes)
{
    *scopes = 0;
    while (*(text += strspn(text, " "))) {
        size_t length = strcspn(text, " ");
        int i = 0;
        while (i < SB_SCOPE_COUNT && (strlen(NAMES[i]) != length || strncmp(NAMES[i], text, length) != 0)) i++;
        if (i == SB_SCOPE_COUNT) return false;
        *scopes |= 1u << i;
        text += length;
    }
    return *scopes != 0;
}

rc_code_t sb_tokens_set_allowed(sb_tokens_t *tokens, const char *scopes, rc_error_t *error)
{
    unsigned parsed;
    if (*scopes && !parse_scopes(scopes, &parsed))
        return rc_error_set(error, RC_USAGE, RC_REJECT, "\"%s\" holds an unknown scope; known are %s", scopes,
                            SB_ALL_SCOPES);
    tokens->allowed = *scopes ? parsed : 0;
    return RC_OK;
}

void sb_tokens_revoke_all(sb_tokens_t *tokens)
{
    rc_map_free(tokens->grants);
    tokens->grants = rc_map_new(free);
}

bool sb_tokens_issue(sb_tokens_t *tokens, const char *scopes, rc_wall_t now, char token[SB_TOKEN_SIZE])
{
    unsigned wanted;
    if (!parse_scopes(scopes, &wanted) || (wanted & ~tokens->allowed)) return false;
    uint64_t number = ++tokens->issued;
    (void)snprintf(token, SB_TOKEN_SIZE, "la-%016llx%016llx", (unsigned long long)sb_mix(number),
                   (unsigned long long)sb_mix((uint64_t)now.ms + number));
    grant_t *grant = rc_alloc(sizeof *grant);
    *grant = (grant_t){wanted, {now.ms + tokens->ttl_s * 1000}};
    (void)rc_map_set(tokens->grants, token, strlen(token), grant);
    return true;
}

sb_token_check_t sb_tokens_check(const sb_tokens_t *tokens, const char *token, sb_scope_t scope, rc_wall_t now)
{
    const grant_t *grant = rc_map_get(tokens->grants, token, strlen(token));
    if (!grant) return SB_TOKEN_UNKNOWN;
    if (now.ms >= grant->expires_at.ms) return SB_TOKEN_EXPIRED;
    return grant->scopes & 1u << scope ? SB_TOKEN_GOOD : SB_TOKEN_LACKS_SCOPE;
}
