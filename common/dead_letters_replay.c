/* Sending dead letters once more: read again from where they lie, copied into the first retry tier. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/dead_letters.h"
#include "common/kafka_producer.h"
#include "common/map.h"

enum { SEND_TIMEOUT_MS = 20000, SEND_AT_ONCE = 500 };

typedef struct {
    rc_kafka_producer_t *producer;
    const char *topic; /* the first tier */
    rc_map_t *wanted;  /* by place */
    rc_arena_t *arena; /* of the records that were not sent yet */
    rc_kafka_record_t records[SEND_AT_ONCE];
    size_t count;
    size_t sent;
    rc_code_t code;
    rc_error_t *error;
} sending_t;

static size_t place_key(char text[64], int32_t partition, int64_t offset)
{
    int length = snprintf(text, 64, "%d/%lld", (int)partition, (long long)offset);
    return (size_t)length;
}

static void flush(sending_t *sending)
{
    if (sending->count == 0 || sending->code != RC_OK) return;
    rc_kafka_delivery_t deliveries[SEND_AT_ONCE];
    for (size_t i = 0; i < sending->count; i++) deliveries[i].code = RC_TIMEOUT;
    sending->code = rc_kafka_producer_send(sending->producer, sending->records, sending->count, SEND_TIMEOUT_MS,
                                           deliveries, sending->error);
    for (size_t i = 0; i < sending->count; i++) sending->sent += deliveries[i].code == RC_OK;
    sending->count = 0;
    rc_arena_reset(sending->arena);
}

static bool is_to_send(void *opaque, rc_topic_kind_t kind, const rc_kafka_message_t *message)
{
    (void)kind;
    const sending_t *sending = opaque;
    char place[64];
    return rc_map_get(sending->wanted, place, place_key(place, message->partition, message->offset)) != NULL;
}

static bool send_again(void *opaque, const rc_history_record_t *record)
{
    sending_t *sending = opaque;
    const rc_kafka_message_t *message = &record->message;
    rc_parking_t parking = record->parking;
    parking.attempt = 0;
    parking.replayed = false; /* whoever would have been invited still is */
    parking.not_before = (rc_wall_t){0};
    rc_headers_t headers = rc_headers_park(sending->arena, record->headers, &parking);
    sending->records[sending->count++] =
        (rc_kafka_record_t){.topic = sending->topic,
                            .partition = message->partition,
                            .key = rc_arena_memdup(sending->arena, message->key, message->key_bytes),
                            .key_bytes = message->key_bytes,
                            .value = rc_arena_memdup(sending->arena, message->value, message->value_bytes),
                            .value_bytes = message->value_bytes,
                            .headers = rc_headers_copy(sending->arena, headers)};
    if (sending->count == SEND_AT_ONCE) flush(sending);
    return sending->code == RC_OK;
}

rc_code_t rc_dead_letters_replay(rc_history_t *history, const rc_dead_letter_t *letters, size_t count,
                                 const atomic_bool *cancelled, size_t *sent, rc_error_t *error)
{
    const rc_kafka_t *kafka = rc_history_kafka(history);
    size_t partitions = (size_t)rc_kafka_config(kafka)->kafka.partitions, part_count = 0;
    rc_history_part_t *parts = rc_calloc(partitions, sizeof *parts);
    int64_t *first = rc_calloc(partitions, sizeof *first);
    rc_arena_t *names = rc_arena_new_sized(256);
    sending_t *sending = rc_zalloc(sizeof *sending);
    *sending = (sending_t){.topic = rc_topic_retry_name(rc_kafka_config(kafka), 0, names),
                           .wanted = rc_map_new(NULL),
                           .arena = rc_arena_new(),
                           .error = error};
    for (size_t i = 0; i < partitions; i++) first[i] = -1;
    for (size_t i = 0; i < count; i++) {
        const rc_dead_letter_t *letter = &letters[i];
        char place[64];
        if (letter->state != RC_DEAD_OPEN || !letter->is_sendable) continue;
        (void)rc_map_set(sending->wanted, place, place_key(place, letter->partition, letter->offset), sending);
        int64_t *lowest = &first[letter->partition];
        if (*lowest < 0 || letter->offset < *lowest) *lowest = letter->offset;
    }
    for (size_t i = 0; i < partitions; i++)
        if (first[i] >= 0)
            parts[part_count++] = (rc_history_part_t){RC_TOPIC_DLQ, .partition = (int32_t)i, .offset = first[i]};
    const rc_history_filter_t filter = {.wants = is_to_send, .opaque = sending};
    rc_code_t code = RC_OK;
    if (part_count > 0) code = rc_kafka_producer_open(kafka, &sending->producer, error);
    if (code == RC_OK && part_count > 0)
        code =
            rc_history_read(history, parts, part_count, &filter, sending->arena, send_again, sending, cancelled, error);
    if (code == RC_OK) {
        flush(sending);
        code = sending->code;
    }
    *sent = sending->sent;
    rc_kafka_producer_close(sending->producer);
    rc_map_free(sending->wanted);
    rc_arena_free(sending->arena);
    rc_arena_free(names);
    free(sending);
    free(first);
    free(parts);
    return code;
}
