/* Strings as people mean them: trimmed, compared without case, in valid UTF-8. Pure; any thread. */
#ifndef RC_COMMON_TEXT_H
#define RC_COMMON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Both NULL, or both the same bytes. */
bool rc_text_equal(const char *a, const char *b);
/* E-mail addresses, compared without regard to ASCII case. NULL equals NULL only. */
bool rc_email_equal(const char *a, const char *b);
/* NULL or "". */
bool rc_text_empty(const char *text);

/* Narrows *text, *length to what is left without white space (ASCII and U+00A0) at both ends. */
void rc_text_trim(const char **text, size_t *length);
/* Whether the bytes are well-formed UTF-8 without NUL. */
bool rc_utf8_valid(const char *text, size_t length);
/* The length to which `text` can be cut so that it takes at most `cap` bytes and no character is halved. */
size_t rc_utf8_cut(const char *text, size_t length, size_t cap);

/* Copies `text`, cut to fit, with "<address>" for whatever looks like an e-mail address: a service's words may quote
 * one. NUL-terminated; out_bytes is at least 16. Returns the length. */
size_t rc_text_strike_addresses(const char *text, char *out, size_t out_bytes);

/* Percent-encodes all but RFC 3986's unreserved characters, '/' included. Returns new (free). */
char *rc_url_encode(const char *text);

#endif
