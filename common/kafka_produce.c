#include "common/kafka_handle.h"

static rd_kafka_headers_t *headers_of(rc_headers_t headers)
{
    rd_kafka_headers_t *copy = rd_kafka_headers_new(headers.count);
    for (size_t i = 0; i < headers.count; i++)
        (void)rd_kafka_header_add(copy, headers.items[i].name, -1, headers.items[i].value,
                                  (ssize_t)headers.items[i].value_bytes);
    return copy;
}

rd_kafka_error_t *rc_kafka_produce(rd_kafka_t *rk, rd_kafka_topic_t *topic, const rc_kafka_record_t *record,
                                   void *opaque)
{
    rd_kafka_vu_t fields[7] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = topic},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = record->partition},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)record->key, record->key_bytes}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)record->value, record->value_bytes}},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = opaque},
    };
    size_t count = 6;
    rd_kafka_headers_t *headers = NULL;
    if (record->headers.count) {
        headers = headers_of(record->headers);
        fields[count++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers};
    }
    rd_kafka_error_t *reason = rd_kafka_produceva(rk, fields, count);
    if (reason && headers) rd_kafka_headers_destroy(headers); /* taken only by success */
    return reason;
}
