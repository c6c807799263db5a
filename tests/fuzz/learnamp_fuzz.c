/* Answers of Learn Amp: the first byte says what was expected, the rest is the body. Whatever comes is understood or an
 * error, and what was understood keeps its promises. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/text.h"
#include "consumer/learnamp/learnamp_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static void check_words(const char *body, size_t size_bytes)
{
    char message[RC_LEARNAMP_MESSAGE_SIZE];
    (void)rc_learnamp_message(body, size_bytes, message);
    size_t length = strlen(message);
    RC_INVARIANT(length < RC_LEARNAMP_MESSAGE_SIZE && rc_utf8_valid(message, length));
    for (size_t i = 0; i < length; i++) RC_INVARIANT((unsigned char)message[i] >= 0x20);
}

static void check_token(const char *body, size_t size_bytes)
{
    char *token = NULL;
    int64_t life_s = 0;
    if (rc_learnamp_parse_token(body, size_bytes, &token, &life_s, NULL) != RC_OK) return;
    RC_INVARIANT(life_s > 0 && token[0] != '\0');
    for (const char *at = token; *at != '\0'; at++) RC_INVARIANT(*at > 0x20 && *at < 0x7f);
    free(token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    if (size_bytes == 0) return 0;
    rc_expect_t expect = (rc_expect_t)(data[0] % (RC_EXPECT_TEAMS + 1));
    const char *body = (const char *)data + 1;
    rc_learnamp_parsed_t parsed = {.found = false};
    rc_arena_t *arena = rc_arena_new();
    const char *wanted = expect == RC_EXPECT_USERS ? "a@b" : "x";
    if (rc_learnamp_parse(arena, expect, wanted, body, size_bytes - 1, &parsed, NULL) == RC_OK && parsed.found) {
        if (expect == RC_EXPECT_USERS) RC_INVARIANT(rc_email_equal(parsed.user.email, wanted));
        if (expect == RC_EXPECT_USER || expect == RC_EXPECT_MEMBER)
            RC_INVARIANT(rc_text_equal(parsed.user.external_id, wanted) && parsed.user.id > 0);
        if (expect == RC_EXPECT_TEAM) RC_INVARIANT(rc_text_equal(parsed.team.external_id, wanted));
    }
    rc_arena_free(arena);
    check_words(body, size_bytes - 1);
    check_token(body, size_bytes - 1);
    return 0;
}
