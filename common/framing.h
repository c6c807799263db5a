/* What stands in front of an Avro datum on the wire and says which schema wrote it: Avro's single-object encoding
 * (C3 01, 8 bytes fingerprint, little-endian) or the Confluent format (00, 4 bytes registry id, big-endian). Design
 * section 3, "Wire". Pure; any thread. */
#ifndef RC_COMMON_FRAMING_H
#define RC_COMMON_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

typedef enum {
    RC_WIRE_SINGLE_OBJECT, /* without a registry */
    RC_WIRE_CONFLUENT      /* with one */
} rc_wire_form_t;

/* Which schema wrote a datum. */
typedef struct {
    rc_wire_form_t wire;
    uint64_t fingerprint; /* CRC-64-AVRO of the schema's canonical form; of RC_WIRE_SINGLE_OBJECT */
    uint32_t registry_id; /* of RC_WIRE_CONFLUENT */
} rc_framing_t;

enum {
    RC_FRAMING_MAX_BYTES = 10,
    RC_FINGERPRINT_STR_SIZE = 17,
    RC_FRAMING_STR_SIZE = 32,
};

/* Reads the frame; the datum begins *header_bytes behind `bytes`. RC_MALFORMED when it is neither form. */
rc_code_t rc_framing_parse(const void *bytes, size_t size_bytes, rc_framing_t *framing, size_t *header_bytes,
                           rc_error_t *error);
/* Writes the frame; returns its length. */
size_t rc_framing_format(const rc_framing_t *framing, uint8_t bytes[RC_FRAMING_MAX_BYTES]);
/* "fingerprint c15d213aa4d7a795" or "registry id 7", for messages. Returns text. */
char *rc_framing_str(const rc_framing_t *framing, char text[RC_FRAMING_STR_SIZE]);

/* The 16 lower-case hex digits of a fingerprint in the order of its bytes on the wire: the key in the `schemas` topic.
 * Returns text. */
char *rc_fingerprint_str(uint64_t fingerprint, char text[RC_FINGERPRINT_STR_SIZE]);
/* False unless the text is exactly 16 hex digits. */
bool rc_fingerprint_parse(const char *text, size_t length, uint64_t *fingerprint);

#endif
