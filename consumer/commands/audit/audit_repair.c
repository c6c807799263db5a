#include <stdlib.h>
#include <string.h>

#include "common/kafka_producer.h"
#include "common/uuid.h"
#include "consumer/commands/audit/audit_state.h"

enum { VALUE_MAX_BYTES = 1024 * 1024, SENT_AT_ONCE = 1000, SEND_TIMEOUT_MS = 30000 };

/* The published state once more, as the event that brings all of it. It has the snapshot's version: whatever was
 * published since goes before it. */
static rc_event_t event_of(rc_arena_t *arena, const rc_snapshot_t *snapshot)
{
    bool gone = snapshot->presence == RC_PRESENCE_GONE;
    char id[RC_UUID_STR_SIZE];
    rc_event_t event = {.type = gone ? RC_EVENT_DEACTIVATED : RC_EVENT_CREATED,
                        .integration_id = snapshot->integration_id,
                        .employee_id = snapshot->employee_id,
                        .version = snapshot->version,
                        .previous_version = snapshot->previous_version,
                        .occurred_at = snapshot->occurred_at,
                        .trigger = RC_TRIGGER_COMMAND,
                        .employee = snapshot->employee};
    event.event_id =
        rc_arena_strdup(arena, rc_uuid_event(event.integration_id, event.employee_id, event.version, event.type, id));
    if (gone) {
        event.deactivated.reason = snapshot->gone_reason;
        event.deactivated.effective_date = snapshot->effective_date;
    } else {
        event.created.reason = RC_CREATED_RESYNC;
        event.created.replaces = snapshot->replaces;
    }
    return event;
}

rc_code_t rc_audit_make_record(rc_audit_t *audit, rc_finding_t *finding, const rc_snapshot_t *snapshot,
                               rc_error_t *error)
{
    rc_arena_t *arena = audit->inquiry.arena;
    const rc_event_t event = event_of(arena, snapshot);
    rc_parking_t parking = RC_PARKING_INIT;
    rc_buf_t value = RC_BUF_INIT(VALUE_MAX_BYTES);
    parking.type = parking.lane = (int)event.type;
    parking.reason = RC_PARK_REPAIR;
    parking.message = "audit --repair: Learn Amp differs from what was published";
    parking.replayed = true;
    parking.first_failed_at = parking.failed_at = rc_wall_now();
    rc_code_t code = rc_codec_encode_event(rc_history_codec(audit->inquiry.history), &event, &value, error);
    if (code == RC_OK) {
        rc_headers_t original = rc_headers_copy(arena, rc_headers_event(arena, &event));
        finding->record = rc_arena_memdup(arena, value.data, value.size_bytes);
        finding->record_bytes = value.size_bytes;
        finding->headers = rc_headers_copy(arena, rc_headers_park(arena, original, &parking));
    }
    rc_buf_fini(&value);
    return code;
}

/* Unless somebody brings the whole of it already. */
static bool is_repaired(const rc_finding_t *finding)
{
    bool is_coming = finding->coming == RC_COMING_WAITING || finding->coming == RC_COMING_PARKED;
    return !(is_coming && finding->is_whole);
}

rc_code_t rc_audit_repair(rc_audit_t *audit, rc_error_t *error)
{
    rc_arena_t *arena = rc_arena_new();
    const char *topic = rc_topic_retry_name(audit->inquiry.config, 0, arena);
    rc_kafka_record_t *records = rc_calloc(SENT_AT_ONCE, sizeof *records);
    rc_kafka_producer_t *producer = NULL;
    rc_code_t code = rc_kafka_producer_open(rc_history_kafka(audit->inquiry.history), &producer, error);
    size_t next = 0;
    while (code == RC_OK && next < audit->found_count) {
        size_t count = 0;
        for (; next < audit->found_count && count < SENT_AT_ONCE; next++) {
            const rc_finding_t *finding = audit->found[next];
            if (!is_repaired(finding)) continue;
            const char *key = rc_employee_key(arena, audit->integration->id, finding->employee_id);
            records[count++] = (rc_kafka_record_t){.topic = topic,
                                                   .partition = -1,
                                                   .key = key,
                                                   .key_bytes = strlen(key),
                                                   .value = finding->record,
                                                   .value_bytes = finding->record_bytes,
                                                   .headers = finding->headers};
        }
        if (count == 0) break;
        code = rc_kafka_producer_send(producer, records, count, SEND_TIMEOUT_MS, NULL, error);
        if (code == RC_OK) audit->repaired += (int64_t)count;
    }
    if (code != RC_OK && audit->repaired > 0)
        (void)rc_error_prefix(error, "%lld repair records were written, then", (long long)audit->repaired);
    rc_kafka_producer_close(producer);
    free(records);
    rc_arena_free(arena);
    return code;
}
