#include "common/codec.h"

#include <stdlib.h>
#include <string.h>

#include "common/avro.h"

struct rc_codec {
    rc_schema_store_t *store;
    rc_wire_form_t wire;
    struct {
        uint8_t bytes[RC_FRAMING_MAX_BYTES];
        size_t size_bytes; /* 0: the registry's id is not known yet */
    } frames[RC_RECORD_COUNT];
};

rc_codec_t *rc_codec_new(rc_schema_store_t *store, rc_wire_form_t wire)
{
    rc_codec_t *codec = rc_zalloc(sizeof *codec);
    codec->store = store;
    codec->wire = wire;
    for (int kind = 0; wire == RC_WIRE_SINGLE_OBJECT && kind < RC_RECORD_COUNT; kind++) {
        const rc_schema_t *schema = rc_schema_store_current(store, (rc_record_kind_t)kind);
        rc_framing_t framing = {.wire = wire, .fingerprint = schema->fingerprint};
        codec->frames[kind].size_bytes = rc_framing_format(&framing, codec->frames[kind].bytes);
    }
    return codec;
}

void rc_codec_free(rc_codec_t *codec)
{
    free(codec);
}

rc_schema_store_t *rc_codec_store(const rc_codec_t *codec)
{
    return codec->store;
}

void rc_codec_set_registry_id(rc_codec_t *codec, rc_record_kind_t kind, uint32_t registry_id)
{
    RC_INVARIANT((int)kind >= 0 && kind < RC_RECORD_COUNT);
    if (codec->wire != RC_WIRE_CONFLUENT) return;
    rc_framing_t framing = {.wire = RC_WIRE_CONFLUENT, .registry_id = registry_id};
    codec->frames[kind].size_bytes = rc_framing_format(&framing, codec->frames[kind].bytes);
}

/* ---- Encoding ---- */

static rc_code_t encode(const rc_codec_t *codec, rc_record_kind_t kind, const void *record, rc_buf_t *out,
                        rc_error_t *error)
{
    const size_t before = out->size_bytes;
    if (codec->frames[kind].size_bytes == 0)
        RC_DIE("%s is written before the registry gave an id for it", rc_record_name(kind));
    if (!rc_buf_add(out, codec->frames[kind].bytes, codec->frames[kind].size_bytes))
        return rc_error_set(error, RC_TOO_LARGE, RC_REJECT, "%s does not fit into %zu bytes", rc_record_name(kind),
                            out->cap_bytes);
    rc_code_t code = rc_avro_encode(rc_schema_store_current(codec->store, kind)->plan, record, out, error);
    if (code != RC_OK) {
        out->size_bytes = before;
        out->data[before] = '\0';
    }
    return code;
}

rc_code_t rc_codec_encode_event(const rc_codec_t *codec, const rc_event_t *event, rc_buf_t *out, rc_error_t *error)
{
    RC_INVARIANT((int)event->type >= 0 && (int)event->type < RC_EVENT_COUNT);
    return encode(codec, (rc_record_kind_t)event->type, event, out, error);
}

/* ---- Decoding ---- */

static rc_code_t find_schema(const rc_codec_t *codec, const void *bytes, size_t size_bytes, const rc_schema_t **schema,
                             size_t *header_bytes, rc_framing_t *missing, rc_error_t *error)
{
    rc_framing_t framing;
    if (rc_framing_parse(bytes, size_bytes, &framing, header_bytes, error) != RC_OK) return RC_MALFORMED;
    *schema = rc_schema_store_find_framing(codec->store, &framing);
    if (!*schema) {
        char text[RC_FRAMING_STR_SIZE];
        if (missing) *missing = framing;
        return rc_error_set(error, RC_UNKNOWN_SCHEMA, RC_RETRY, "nobody has told the schema of %s",
                            rc_framing_str(&framing, text));
    }
    if (!(*schema)->plan)
        return rc_error_set(error, RC_MALFORMED, RC_REJECT, "written by schema %s: %s", (*schema)->fingerprint_text,
                            (*schema)->fault);
    return RC_OK;
}

/* What reads well and makes no sense is no record of ours either. */
static rc_code_t check_identity(const char *name, const char *integration_id, const char *employee_id, int64_t version,
                                rc_error_t *error)
{
    const char *fault = rc_identity_fault(integration_id, employee_id, version);
    return fault ? rc_error_set(error, RC_MALFORMED, RC_REJECT, "%s %s", name, fault) : RC_OK;
}

static rc_code_t check(rc_record_kind_t kind, const void *record, rc_error_t *error)
{
    const char *name = rc_record_name(kind);
    const rc_snapshot_t *snapshot = record;
    const rc_pending_t *pending = record;
    const rc_ledger_entry_t *entry = record;
    switch (kind) {
    case RC_RECORD_SNAPSHOT:
        return check_identity(name, snapshot->integration_id, snapshot->employee_id, snapshot->version, error);
    case RC_RECORD_PENDING:
        return check_identity(name, pending->integration_id, pending->employee_id, 0, error);
    case RC_RECORD_LEDGER:
        return check_identity(name, entry->integration_id, entry->employee_id, entry->version, error);
    default:
        return RC_OK;
    }
}

static rc_code_t decode(const rc_codec_t *codec, rc_record_kind_t kind, const void *bytes, size_t size_bytes,
                        rc_arena_t *arena, void *record, rc_framing_t *missing, rc_error_t *error)
{
    const rc_schema_t *schema;
    size_t header_bytes;
    rc_code_t code = find_schema(codec, bytes, size_bytes, &schema, &header_bytes, missing, error);
    if (code != RC_OK) return code;
    if (schema->kind != (int)kind)
        return rc_error_set(error, RC_MALFORMED, RC_REJECT, "the value is %s; %s was expected here", schema->name,
                            rc_record_name(kind));
    memset(record, 0, rc_record_table(kind)->size_bytes);
    code = rc_avro_decode(schema->plan, (const char *)bytes + header_bytes, size_bytes - header_bytes, arena, record,
                          error);
    return code == RC_OK ? check(kind, record, error) : code;
}

rc_code_t rc_codec_decode_event(const rc_codec_t *codec, const void *bytes, size_t size_bytes, rc_arena_t *arena,
                                rc_event_t *event, rc_framing_t *missing, rc_error_t *error)
{
    const rc_schema_t *schema;
    size_t header_bytes;
    rc_code_t code = find_schema(codec, bytes, size_bytes, &schema, &header_bytes, missing, error);
    if (code != RC_OK) return code;
    if (schema->kind < 0 || schema->kind >= RC_EVENT_COUNT)
        return rc_error_set(error, RC_MALFORMED, RC_REJECT, "the value is %s, which is no change event", schema->name);
    *event = (rc_event_t){.type = (rc_event_type_t)schema->kind, .deactivated.effective_date = RC_DATE_NONE};
    code = rc_avro_decode(schema->plan, (const char *)bytes + header_bytes, size_bytes - header_bytes, arena, event,
                          error);
    if (code != RC_OK) return code;
    return check_identity(schema->name, event->integration_id, event->employee_id, event->version, error);
}

/* ---- The records that have one type ---- */

#define RECORD(name, KIND, type)                                                                                       \
    rc_code_t rc_codec_encode_##name(const rc_codec_t *codec, const type *record, rc_buf_t *out, rc_error_t *error)    \
    {                                                                                                                  \
        return encode(codec, RC_RECORD_##KIND, record, out, error);                                                    \
    }                                                                                                                  \
    rc_code_t rc_codec_decode_##name(const rc_codec_t *codec, const void *bytes, size_t size_bytes, rc_arena_t *arena, \
                                     type *record, rc_framing_t *missing, rc_error_t *error)                           \
    {                                                                                                                  \
        return decode(codec, RC_RECORD_##KIND, bytes, size_bytes, arena, record, missing, error);                      \
    }
RECORD(snapshot, SNAPSHOT, rc_snapshot_t)
RECORD(pending, PENDING, rc_pending_t)
RECORD(state, STATE, rc_sync_state_t)
RECORD(command, COMMAND, rc_command_t)
RECORD(ledger, LEDGER, rc_ledger_entry_t)
