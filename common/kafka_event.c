#include <stdlib.h>
#include <string.h>

#include "common/kafka_handle.h"
#include "common/log.h"

/* What an event other than a message holds. */
typedef struct {
    rd_kafka_event_t *polled;
    rd_kafka_topic_partition_t *at;
    rc_kafka_offset_t partitions[];
} held_t;

void rc_kafka_event_release(rc_kafka_event_t *event)
{
    if (event->handle && event->kind == RC_KAFKA_MESSAGE) {
        rd_kafka_event_destroy(event->handle);
    } else if (event->handle) {
        held_t *held = event->handle;
        if (held->at) rd_kafka_topic_partition_destroy(held->at);
        rd_kafka_event_destroy(held->polled);
        free(held);
    }
    event->handle = NULL;
    event->kind = RC_KAFKA_NONE;
}

static rc_code_t from_message(rc_kafka_handle_t *handle, rd_kafka_event_t *polled, rc_kafka_event_t *event,
                              rc_error_t *error)
{
    const rd_kafka_message_t *message = rd_kafka_event_message_next(polled);
    RC_INVARIANT(message != NULL);
    if (message->err) {
        rc_code_t code = rc_kafka_error(error, handle, message->err, rd_kafka_message_errstr(message), "reading");
        rd_kafka_event_destroy(polled);
        return code;
    }
    rd_kafka_timestamp_type_t type;
    int64_t timestamp_ms = rd_kafka_message_timestamp(message, &type);
    event->kind = RC_KAFKA_MESSAGE;
    event->handle = polled;
    event->message = (rc_kafka_message_t){
        .topic = rd_kafka_topic_name(message->rkt),
        .partition = message->partition,
        .offset = message->offset,
        .timestamp_ms = type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? -1 : timestamp_ms,
        .key = message->key,
        .key_bytes = message->key_len,
        .value = message->payload,
        .value_bytes = message->len,
        .raw = message,
    };
    return RC_OK;
}

static void from_rebalance(rd_kafka_t *rk, rd_kafka_event_t *polled, rc_kafka_event_t *event)
{
    const rd_kafka_topic_partition_list_t *list = rd_kafka_event_topic_partition_list(polled);
    size_t count = list ? (size_t)list->cnt : 0;
    held_t *held = rc_zalloc(sizeof *held + count * sizeof *held->partitions);
    held->polled = polled;
    for (size_t i = 0; i < count; i++)
        held->partitions[i] = (rc_kafka_offset_t){list->elems[i].topic, list->elems[i].partition, RC_OFFSET_NONE};
    event->kind =
        rd_kafka_event_error(polled) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS ? RC_KAFKA_ASSIGN : RC_KAFKA_REVOKE;
    event->lost = event->kind == RC_KAFKA_REVOKE && rd_kafka_assignment_lost(rk);
    event->partitions = held->partitions;
    event->partition_count = count;
    event->handle = held;
}

static rc_code_t from_error(rc_kafka_handle_t *handle, rd_kafka_event_t *polled, rc_kafka_event_t *event,
                            rc_error_t *error)
{
    rd_kafka_resp_err_t err = rd_kafka_event_error(polled);
    rd_kafka_topic_partition_t *at = rd_kafka_event_topic_partition(polled);
    bool is_eof = err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
    bool is_out = err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE;
    if (at && (is_eof || is_out)) {
        held_t *held = rc_zalloc(sizeof *held);
        *held = (held_t){.polled = polled, .at = at};
        event->kind = is_eof ? RC_KAFKA_EOF : RC_KAFKA_OUT_OF_RANGE;
        event->at = (rc_kafka_offset_t){at->topic, at->partition, at->offset};
        event->handle = held;
        return RC_OK;
    }
    rc_code_t code = at ? rc_kafka_error(error, handle, err, rd_kafka_event_error_string(polled),
                                         "topic %s, partition %d", at->topic, (int)at->partition)
                        : rc_kafka_error(error, handle, err, rd_kafka_event_error_string(polled), "kafka");
    if (at) rd_kafka_topic_partition_destroy(at);
    rd_kafka_event_destroy(polled);
    return code;
}

rc_code_t rc_kafka_event_from(rc_kafka_handle_t *handle, rd_kafka_event_t *polled, rc_kafka_event_t *event,
                              rc_error_t *error)
{
    event->kind = RC_KAFKA_NONE;
    event->handle = NULL;
    switch (rd_kafka_event_type(polled)) {
    case RD_KAFKA_EVENT_FETCH:
        return from_message(handle, polled, event, error);
    case RD_KAFKA_EVENT_REBALANCE:
        from_rebalance(handle->rk, polled, event);
        return RC_OK;
    case RD_KAFKA_EVENT_ERROR:
        return from_error(handle, polled, event, error);
    default:
        rd_kafka_event_destroy(polled);
        return RC_OK;
    }
}
