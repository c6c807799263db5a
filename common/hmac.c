#include "common/hmac.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"

void rc_hmac_sha256(const void *key, size_t key_bytes, const void *bytes, size_t size_bytes,
                    unsigned char mac[RC_HMAC_SIZE])
{
    unsigned int length = 0;
    RC_INVARIANT(key_bytes <= INT_MAX);
    /* OpenSSL takes a NULL key for "the key of before", so an empty one needs an address. */
    RC_INVARIANT(HMAC(EVP_sha256(), key ? key : "", (int)key_bytes, bytes, size_bytes, mac, &length) != NULL);
    RC_INVARIANT(length == RC_HMAC_SIZE);
}

/* Writes the digits and a NUL; returns their number. */
static size_t encode(const unsigned char *bytes, size_t size_bytes, char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t length = 0;
    for (size_t i = 0; i < size_bytes; i += 3) {
        size_t have = size_bytes - i < 3 ? size_bytes - i : 3;
        unsigned group = (unsigned)bytes[i] << 16;
        if (have > 1) group |= (unsigned)bytes[i + 1] << 8;
        if (have > 2) group |= bytes[i + 2];
        for (size_t digit = 0; digit <= have; digit++) text[length++] = digits[group >> (18 - 6 * digit) & 63];
    }
    text[length] = '\0';
    return length;
}

char *rc_base64url_encode(const void *bytes, size_t size_bytes)
{
    char *text = rc_alloc(size_bytes / 3 * 4 + 5);
    (void)encode(bytes, size_bytes, text);
    return text;
}

bool rc_equal_constant_time(const void *a, size_t a_bytes, const void *b, size_t b_bytes)
{
    return a_bytes == b_bytes && CRYPTO_memcmp(a, b, a_bytes) == 0;
}

char *rc_kombo_sign(const char *secret, const void *body, size_t body_bytes, char text[RC_HMAC_TEXT_SIZE])
{
    unsigned char mac[RC_HMAC_SIZE];
    rc_hmac_sha256(secret, strlen(secret), body, body_bytes, mac);
    RC_INVARIANT(encode(mac, sizeof mac, text) < RC_HMAC_TEXT_SIZE);
    return text;
}

bool rc_kombo_signature_valid(const char *secret, const void *body, size_t body_bytes, const char *header)
{
    char expected[RC_HMAC_TEXT_SIZE];
    if (!header || !secret || !*secret) return false;
    size_t length = strlen(header);
    while (length && header[length - 1] == '=') length--;
    (void)rc_kombo_sign(secret, body, body_bytes, expected);
    return rc_equal_constant_time(expected, strlen(expected), header, length);
}
