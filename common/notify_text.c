/* What a message says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/domain.h"
#include "common/json.h"
#include "common/notify.h"
#include "common/text.h"

enum { TEXT_MAX_BYTES = 8192, WORDS_BYTES = 512 };

const char *rc_notify_kind_str(rc_notify_kind_t kind)
{
    static const char *const names[] = {[RC_NOTIFY_HOLD] = "hold",
                                        [RC_NOTIFY_NEEDS_CUSTOMER] = "needs_customer",
                                        [RC_NOTIFY_MISCONFIGURED] = "misconfigured",
                                        [RC_NOTIFY_DEAD_LETTER] = "dead_letter"};
    return names[kind];
}

/* Words that others chose: without addresses of people, in UTF-8, on one line. */
static char *clean(const char *words, char out[WORDS_BYTES])
{
    size_t length = rc_text_strike_addresses(words, out, WORDS_BYTES);
    bool utf8 = rc_utf8_valid(out, length); /* what was cut to fit may end in half a character */
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)out[i];
        if (c < 0x20 || c == 0x7F) out[i] = ' ';
        if (c >= 0x80 && !utf8) out[i] = '?';
    }
    return out;
}

/* Likewise, for a text that chat tools read as markup: nothing in it calls a channel or makes a link. */
static void add_words(rc_buf_t *text, const char *words)
{
    char plain[WORDS_BYTES];
    for (const char *c = clean(words, plain); *c; c++) {
        if (*c == '<' || *c == '>')
            (void)rc_buf_add_str(text, *c == '<' ? "\u2039" : "\u203a");
        else
            (void)rc_buf_add(text, c, 1);
    }
}

/* "email_changes" as people write it. */
static void add_class(rc_buf_t *text, const char *brake)
{
    for (const char *c = brake; *c; c++) (void)rc_buf_add(text, *c == '_' ? " " : c, 1);
}

static void add_reason(rc_buf_t *text, const rc_notice_t *notice)
{
    if (rc_text_empty(notice->reason)) return;
    (void)rc_buf_add_str(text, " (");
    add_words(text, notice->reason);
    (void)rc_buf_add_str(text, ")");
}

static void add_hold(rc_buf_t *text, const rc_notice_t *notice)
{
    const char *id = notice->integration_id;
    (void)rc_buf_add_format(text, "%lld ", (long long)notice->employees);
    add_class(text, notice->brake ? notice->brake : "changes");
    (void)rc_buf_add_str(text, " wait for your decision");
    if (notice->limit > 0) (void)rc_buf_add_format(text, " (up to %lld pass in 24 hours)", (long long)notice->limit);
    (void)rc_buf_add_format(text,
                            "; nothing of them was published. See who: `rollcall-producer status --integration %s "
                            "--hold %s`. Then publish them: `rollcall-producer approve --integration %s --hold %s`, or "
                            "keep everybody as they are: `rollcall-producer reject --integration %s --hold %s`",
                            id, notice->hold_id, id, notice->hold_id, id, notice->hold_id);
}

static void add_needs_customer(rc_buf_t *text, const rc_notice_t *notice)
{
    (void)rc_buf_add_str(text, "the customer has to mend the connection to their HR system");
    add_reason(text, notice);
    (void)rc_buf_add_format(text,
                            ". Until then nothing changes at Learn Amp. Afterwards: `rollcall-producer once "
                            "--integration %s`",
                            notice->integration_id);
}

static void add_misconfigured(rc_buf_t *text, const rc_notice_t *notice)
{
    (void)rc_buf_add_str(text, "Kombo refuses our configuration");
    add_reason(text, notice);
    (void)rc_buf_add_format(text,
                            ". Until it is corrected nothing changes at Learn Amp. See what is wrong: "
                            "`rollcall-producer check`. Afterwards: `rollcall-producer once --integration %s`",
                            notice->integration_id);
}

static void add_dead_letter(rc_buf_t *text, const rc_notice_t *notice)
{
    const char *id = notice->integration_id;
    char where[160] = "";
    if (*id) (void)snprintf(where, sizeof where, " --integration %s", id);
    int64_t count = notice->count > 0 ? notice->count : 1;
    (void)rc_buf_add_format(text, "%lld %s could not be applied to Learn Amp and %s put aside", (long long)count,
                            count == 1 ? "change" : "changes", count == 1 ? "was" : "were");
    add_reason(text, notice);
    (void)rc_buf_add_format(text,
                            ". See why: `rollcall-consumer dlq list%s`. When it is mended: "
                            "`rollcall-consumer dlq replay%s --apply`",
                            where, where);
}

char *rc_notice_json(const rc_notice_t *notice, const char *name)
{
    static void (*const add[])(rc_buf_t *, const rc_notice_t *) = {
        [RC_NOTIFY_HOLD] = add_hold,
        [RC_NOTIFY_NEEDS_CUSTOMER] = add_needs_customer,
        [RC_NOTIFY_MISCONFIGURED] = add_misconfigured,
        [RC_NOTIFY_DEAD_LETTER] = add_dead_letter,
    };
    rc_buf_t text = RC_BUF_INIT(TEXT_MAX_BYTES);
    char reason[WORDS_BYTES];
    add_words(&text, !rc_text_empty(name) ? name : *notice->integration_id ? notice->integration_id : "Rollcall");
    (void)rc_buf_add_str(&text, ": ");
    add[notice->kind](&text, notice);
    if (notice->kind != RC_NOTIFY_DEAD_LETTER && notice->count > 1)
        (void)rc_buf_add_format(&text, ". This happened %lld times within a minute", (long long)notice->count);
    (void)rc_buf_add_str(&text, ".");

    json_t *json = json_object();
    rc_json_put_str(json, "text", text.data);
    rc_json_put_str(json, "kind", rc_notify_kind_str(notice->kind));
    rc_json_put_str(json, "integration", *notice->integration_id ? notice->integration_id : NULL);
    rc_json_put_str(json, "name", rc_text_empty(name) ? NULL : name);
    rc_json_put_str(json, "hold", notice->hold_id);
    rc_json_put_str(json, "class", notice->brake);
    if (notice->employees > 0) (void)json_object_set_new(json, "employees", json_integer(notice->employees));
    if (notice->limit > 0) (void)json_object_set_new(json, "limit", json_integer(notice->limit));
    if (!rc_text_empty(notice->reason)) rc_json_put_str(json, "reason", clean(notice->reason, reason));
    (void)json_object_set_new(json, "count", json_integer(notice->count > 0 ? notice->count : 1));
    char *document = rc_json_text(json, false);
    json_decref(json);
    rc_buf_fini(&text);
    return document;
}
