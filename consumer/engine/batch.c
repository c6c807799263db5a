#include "consumer/engine/batch.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"

rc_batch_t *rc_batch_new(void)
{
    rc_batch_t *batch = rc_zalloc(sizeof *batch);
    batch->arena = rc_arena_new();
    return batch;
}

void rc_batch_free(rc_batch_t *batch)
{
    if (!batch) return;
    for (int lane = 0; lane < RC_EVENT_COUNT; lane++) rc_batch_drop(batch, (rc_event_type_t)lane);
    rc_arena_free(batch->arena);
    free(batch);
}

void rc_batch_add(rc_batch_t *batch, rc_event_type_t lane, const rc_kafka_record_t *record)
{
    rc_batch_lane_t *part = &batch->lanes[lane];
    if (part->record_count == part->record_capacity) {
        part->record_capacity = part->record_capacity ? part->record_capacity * 2 : 64;
        part->records = rc_realloc(part->records, part->record_capacity * sizeof *part->records);
    }
    rc_kafka_record_t *copy = &part->records[part->record_count++];
    *copy = *record;
    copy->topic = rc_arena_strdup(batch->arena, record->topic);
    copy->key = rc_arena_memdup(batch->arena, record->key, record->key_bytes);
    copy->value = rc_arena_memdup(batch->arena, record->value, record->value_bytes);
    copy->headers = rc_headers_copy(batch->arena, record->headers);
}

void rc_batch_note_dead(rc_batch_t *batch, rc_event_type_t lane, const char *integration_id, const char *reason)
{
    rc_batch_lane_t *part = &batch->lanes[lane];
    size_t i = 0;
    while (i < part->dead_count &&
           (strcmp(part->dead[i].integration_id, integration_id) != 0 || strcmp(part->dead[i].reason, reason) != 0))
        i++;
    if (i == part->dead_count) {
        part->dead = rc_realloc(part->dead, ++part->dead_count * sizeof *part->dead);
        part->dead[i] = (rc_batch_dead_t){rc_arena_strdup(batch->arena, integration_id), reason, 0};
    }
    part->dead[i].count++;
}

void rc_batch_drop(rc_batch_t *batch, rc_event_type_t lane)
{
    rc_batch_lane_t *part = &batch->lanes[lane];
    free(part->records);
    free(part->dead);
    free(part->offsets);
    rc_kafka_group_free(part->group);
    *part = (rc_batch_lane_t){.lost = part->lost, .assignment = part->assignment};
}

void rc_batch_seal(rc_batch_t *batch, rc_event_type_t lane, const rc_kafka_offset_t *offsets, size_t count,
                   rc_kafka_group_t *group, uint64_t assignment)
{
    rc_batch_lane_t *part = &batch->lanes[lane];
    RC_INVARIANT(count > 0 && !part->group);
    part->offsets = rc_calloc(count, sizeof *offsets);
    for (size_t i = 0; i < count; i++) {
        part->offsets[i] = offsets[i];
        part->offsets[i].topic = rc_arena_strdup(batch->arena, offsets[i].topic);
    }
    part->offset_count = count;
    part->group = group;
    part->assignment = assignment;
}

bool rc_batch_is_sealed(const rc_batch_t *batch)
{
    for (int lane = 0; lane < RC_EVENT_COUNT; lane++)
        if (batch->lanes[lane].group) return true;
    return false;
}
