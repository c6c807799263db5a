/* Any bytes as the value of a record of every topic, behind a frame that is right: the first byte says whose reader
 * takes them, and whether a text in front of them is the writer's schema, as a registry or the topic of schemas tells
 * it. What is read can be counted with, and names somebody whom a table has room for. */
#include <stdlib.h>
#include <string.h>

#include "common/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BY_SCHEMA = 0x40, STORE_RUNS = 2000 };

static void check_identity(const char *integration_id, const char *employee_id, int64_t version)
{
    RC_INVARIANT(*integration_id && *employee_id && !strchr(employee_id, '/'));
    RC_INVARIANT(strlen(integration_id) + 1 + strlen(employee_id) <= RC_EMPLOYEE_KEY_MAX_BYTES);
    RC_INVARIANT(version >= 0 && version < INT64_MAX);
}

static void check_moment(rc_wall_t moment)
{
    char text[RC_TIME_STR_SIZE];
    rc_wall_t again;
    RC_INVARIANT(rc_wall_is_plausible(moment));
    RC_INVARIANT(rc_wall_parse(rc_wall_str(moment, text), &again, NULL) == RC_OK && again.ms == moment.ms);
}

static void read_one(const rc_codec_t *codec, int reader, const void *value, size_t value_bytes, rc_arena_t *arena)
{
    rc_event_t event;
    rc_snapshot_t snapshot;
    rc_pending_t pending;
    rc_sync_state_t state;
    rc_command_t command;
    rc_ledger_entry_t entry;
    rc_framing_t missing;
    switch (reader) {
    case 0:
        if (rc_codec_decode_event(codec, value, value_bytes, arena, &event, &missing, NULL) != RC_OK) return;
        check_identity(event.integration_id, event.employee_id, event.version);
        check_moment(event.occurred_at);
        return;
    case 1:
        if (rc_codec_decode_snapshot(codec, value, value_bytes, arena, &snapshot, &missing, NULL) == RC_OK)
            check_identity(snapshot.integration_id, snapshot.employee_id, snapshot.version);
        return;
    case 2:
        if (rc_codec_decode_pending(codec, value, value_bytes, arena, &pending, &missing, NULL) == RC_OK)
            check_identity(pending.integration_id, pending.employee_id, 0);
        return;
    case 3:
        (void)rc_codec_decode_state(codec, value, value_bytes, arena, &state, &missing, NULL);
        return;
    case 4:
        if (rc_codec_decode_command(codec, value, value_bytes, arena, &command, &missing, NULL) == RC_OK)
            check_moment(command.expires_at);
        return;
    default:
        if (rc_codec_decode_ledger(codec, value, value_bytes, arena, &entry, &missing, NULL) == RC_OK)
            check_identity(entry.integration_id, entry.employee_id, entry.version);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static rc_schema_store_t *store; /* costs more than a run: made anew now and then, because it only grows */
    static uint32_t registry_id;
    if (size < 2) return 0;
    if (registry_id % STORE_RUNS == 0) {
        rc_schema_store_free(store);
        store = rc_schema_store_new();
        registry_id++;
    }
    const uint8_t choice = data[0];
    int kind = data[1] % RC_RECORD_COUNT;
    const uint8_t *datum = data + 2, *end = data + size;
    rc_framing_t framing = {.wire = RC_WIRE_SINGLE_OBJECT,
                            .fingerprint = rc_schema_store_current(store, (rc_record_kind_t)kind)->fingerprint};
    if (choice & BY_SCHEMA) {
        const uint8_t *stop = memchr(datum, '\0', (size_t)(end - datum));
        const size_t json_bytes = (size_t)((stop ? stop : end) - datum);
        registry_id++;
        framing = (rc_framing_t){.wire = RC_WIRE_CONFLUENT, .registry_id = registry_id};
        (void)rc_schema_store_add_record(store, "0123456789abcdef", 16, datum, json_bytes, NULL);
        (void)rc_schema_store_add_registered(store, registry_id, (const char *)datum, json_bytes, NULL);
        datum = stop ? stop + 1 : end;
    }
    uint8_t *value = rc_alloc(RC_FRAMING_MAX_BYTES + (size_t)(end - datum));
    size_t header_bytes = rc_framing_format(&framing, value);
    memcpy(value + header_bytes, datum, (size_t)(end - datum));
    rc_codec_t *codec = rc_codec_new(store, RC_WIRE_SINGLE_OBJECT);
    rc_arena_t *arena = rc_arena_new();
    read_one(codec, choice & 7, value, header_bytes + (size_t)(end - datum), arena);
    rc_arena_free(arena);
    rc_codec_free(codec);
    free(value);
    return 0;
}
