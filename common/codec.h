/* Records between C structs and the bytes of a Kafka value: the frame of the configured wire form, then the Avro datum.
 * All topics use it, the internal ones too; reading takes either form, whatever is configured.
 *
 * Set up by one thread (rc_codec_new, rc_codec_set_registry_id), then used by any. */
#ifndef RC_COMMON_CODEC_H
#define RC_COMMON_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/domain.h"
#include "common/error.h"
#include "common/framing.h"
#include "common/mem.h"
#include "common/records.h"
#include "common/schema_store.h"

typedef struct rc_codec rc_codec_t;

/* Borrows the store. Returns new (free with rc_codec_free). */
rc_codec_t *rc_codec_new(rc_schema_store_t *store, rc_wire_form_t wire);
void rc_codec_free(rc_codec_t *codec); /* NULL is fine */
rc_schema_store_t *rc_codec_store(const rc_codec_t *codec);

/* The registry's id of our current schema of a kind (common/registry: rc_registry_enroll). With RC_WIRE_CONFLUENT every
 * kind that is encoded needs one; encoding without aborts. */
void rc_codec_set_registry_id(rc_codec_t *codec, rc_record_kind_t kind, uint32_t registry_id);

/* What this program writes to the `schemas` topic at start: key = fingerprint, value = JSON. The current schema of a
 * kind: rc_schema_store_current, fields `fingerprint_text` and `json`. */

/* Encoding appends frame and datum to `out` (callers reset it). RC_MALFORMED when a required member is absent or a
 * string is not UTF-8 (the message names it), RC_TOO_LARGE at the buffer's cap; then `out` is as it was. */
rc_code_t rc_codec_encode_event(const rc_codec_t *codec, const rc_event_t *event, rc_buf_t *out, rc_error_t *error);
rc_code_t rc_codec_encode_snapshot(const rc_codec_t *codec, const rc_snapshot_t *snapshot, rc_buf_t *out,
                                   rc_error_t *error);
rc_code_t rc_codec_encode_pending(const rc_codec_t *codec, const rc_pending_t *pending, rc_buf_t *out,
                                  rc_error_t *error);
rc_code_t rc_codec_encode_state(const rc_codec_t *codec, const rc_sync_state_t *state, rc_buf_t *out,
                                rc_error_t *error);
rc_code_t rc_codec_encode_command(const rc_codec_t *codec, const rc_command_t *command, rc_buf_t *out,
                                  rc_error_t *error);
rc_code_t rc_codec_encode_ledger(const rc_codec_t *codec, const rc_ledger_entry_t *entry, rc_buf_t *out,
                                 rc_error_t *error);

/* Decoding: the struct's strings and arrays live in the arena.
 * RC_UNKNOWN_SCHEMA (RC_RETRY): *missing (may be NULL) says which; park the record, or fetch the schema and try again.
 * RC_MALFORMED (RC_REJECT): no frame, another kind of record, or bytes that do not fit the writer's schema. */
rc_code_t rc_codec_decode_event(const rc_codec_t *codec, const void *bytes, size_t size_bytes, rc_arena_t *arena,
                                rc_event_t *event, rc_framing_t *missing, rc_error_t *error);
rc_code_t rc_codec_decode_snapshot(const rc_codec_t *codec, const void *bytes, size_t size_bytes, rc_arena_t *arena,
                                   rc_snapshot_t *snapshot, rc_framing_t *missing, rc_error_t *error);
rc_code_t rc_codec_decode_pending(const rc_codec_t *codec, const void *bytes, size_t size_bytes, rc_arena_t *arena,
                                  rc_pending_t *pending, rc_framing_t *missing, rc_error_t *error);
rc_code_t rc_codec_decode_state(const rc_codec_t *codec, const void *bytes, size_t size_bytes, rc_arena_t *arena,
                                rc_sync_state_t *state, rc_framing_t *missing, rc_error_t *error);
rc_code_t rc_codec_decode_command(const rc_codec_t *codec, const void *bytes, size_t size_bytes, rc_arena_t *arena,
                                  rc_command_t *command, rc_framing_t *missing, rc_error_t *error);
rc_code_t rc_codec_decode_ledger(const rc_codec_t *codec, const void *bytes, size_t size_bytes, rc_arena_t *arena,
                                 rc_ledger_entry_t *entry, rc_framing_t *missing, rc_error_t *error);

#endif
