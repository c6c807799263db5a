/* HMAC-SHA256, base64url, comparison in constant time, and the one signature we verify. The one place that includes
 * OpenSSL. Pure; any thread. */
#ifndef RC_COMMON_HMAC_H
#define RC_COMMON_HMAC_H

#include <stdbool.h>
#include <stddef.h>

enum { RC_HMAC_SIZE = 32, RC_HMAC_TEXT_SIZE = 44 };

/* HMAC-SHA256 of `bytes` under `key` (any length, 0 included). */
void rc_hmac_sha256(const void *key, size_t key_bytes, const void *bytes, size_t size_bytes,
                    unsigned char mac[RC_HMAC_SIZE]);

/* RFC 4648 base64url without padding. Returns new (free). */
char *rc_base64url_encode(const void *bytes, size_t size_bytes);

/* Whether both are the same bytes, in a time that depends on the lengths alone. */
bool rc_equal_constant_time(const void *a, size_t a_bytes, const void *b, size_t b_bytes);

/* The value of Kombo's X-Kombo-Signature: base64url, unpadded, of HMAC-SHA256 over the raw body (docs/kombo.md).
 * Returns text. */
char *rc_kombo_sign(const char *secret, const void *body, size_t body_bytes, char text[RC_HMAC_TEXT_SIZE]);

/* Whether `header` is that signature. False for a NULL header, and for a NULL or empty secret: a webhook without a
 * secret is never accepted. Padding at the end of the header is tolerated. */
bool rc_kombo_signature_valid(const char *secret, const void *body, size_t body_bytes, const char *header);

#endif
