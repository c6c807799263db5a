#include "common/framing.h"

#include <stdio.h>

enum { SINGLE_OBJECT_BYTES = 10, CONFLUENT_BYTES = 5 };

rc_code_t rc_framing_parse(const void *bytes, size_t size_bytes, rc_framing_t *framing, size_t *header_bytes,
                           rc_error_t *error)
{
    const uint8_t *in = bytes;
    if (size_bytes >= SINGLE_OBJECT_BYTES && in[0] == 0xC3 && in[1] == 0x01) {
        uint64_t fingerprint = 0;
        for (int i = 0; i < 8; i++) fingerprint |= (uint64_t)in[2 + i] << (8 * i);
        *framing = (rc_framing_t){.wire = RC_WIRE_SINGLE_OBJECT, .fingerprint = fingerprint};
        *header_bytes = SINGLE_OBJECT_BYTES;
        return RC_OK;
    }
    if (size_bytes >= CONFLUENT_BYTES && in[0] == 0x00) {
        uint32_t id = (uint32_t)in[1] << 24 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 8 | in[4];
        *framing = (rc_framing_t){.wire = RC_WIRE_CONFLUENT, .registry_id = id};
        *header_bytes = CONFLUENT_BYTES;
        return RC_OK;
    }
    if (size_bytes == 0) return rc_error_set(error, RC_MALFORMED, RC_REJECT, "the value is empty");
    return rc_error_set(error, RC_MALFORMED, RC_REJECT,
                        "the value (%zu bytes, the first is %02x) begins neither with c3 01 and a fingerprint nor with "
                        "00 and a registry id",
                        size_bytes, in[0]);
}

size_t rc_framing_format(const rc_framing_t *framing, uint8_t bytes[RC_FRAMING_MAX_BYTES])
{
    if (framing->wire == RC_WIRE_SINGLE_OBJECT) {
        bytes[0] = 0xC3;
        bytes[1] = 0x01;
        for (int i = 0; i < 8; i++) bytes[2 + i] = (uint8_t)(framing->fingerprint >> (8 * i));
        return SINGLE_OBJECT_BYTES;
    }
    bytes[0] = 0x00;
    for (int i = 0; i < 4; i++) bytes[1 + i] = (uint8_t)(framing->registry_id >> (24 - 8 * i));
    return CONFLUENT_BYTES;
}

char *rc_framing_str(const rc_framing_t *framing, char text[RC_FRAMING_STR_SIZE])
{
    char hex[RC_FINGERPRINT_STR_SIZE];
    if (framing->wire == RC_WIRE_SINGLE_OBJECT)
        (void)snprintf(text, RC_FRAMING_STR_SIZE, "fingerprint %s", rc_fingerprint_str(framing->fingerprint, hex));
    else
        (void)snprintf(text, RC_FRAMING_STR_SIZE, "registry id %u", (unsigned)framing->registry_id);
    return text;
}

char *rc_fingerprint_str(uint64_t fingerprint, char text[RC_FINGERPRINT_STR_SIZE])
{
    static const char hex[] = "0123456789abcdef";
    for (int i = 0; i < 8; i++) {
        text[2 * i] = hex[fingerprint >> (8 * i + 4) & 15];
        text[2 * i + 1] = hex[fingerprint >> (8 * i) & 15];
    }
    text[16] = '\0';
    return text;
}

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

bool rc_fingerprint_parse(const char *text, size_t length, uint64_t *fingerprint)
{
    if (length != RC_FINGERPRINT_STR_SIZE - 1) return false;
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        value |= (uint64_t)(high << 4 | low) << (8 * i);
    }
    *fingerprint = value;
    return true;
}
