#include "producer/page/orders.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/kafka_producer.h"
#include "common/log.h"
#include "common/topics.h"

enum {
    SEND_TIMEOUT_MS = 5000, /* a thread of the HTTP port waits */
    LIFE_MS = 15 * 60 * 1000,
    VALUE_MAX_BYTES = 64 * 1024
};

struct rc_orders {
    const rc_kafka_t *kafka;
    const rc_codec_t *codec;
    rc_arena_t *names;
    const char *topic;
    pthread_mutex_t sending;       /* one at a time, so that a dead handle can be opened anew */
    rc_kafka_producer_t *producer; /* NULL: not open */
    pthread_mutex_t mutex;
    rc_order_t kept[RC_ORDERS_KEPT]; /* a ring; texts are owned */
    size_t count;
};

rc_orders_t *rc_orders_new(const rc_kafka_t *kafka, const rc_codec_t *codec)
{
    rc_orders_t *orders = rc_zalloc(sizeof *orders);
    *orders = (rc_orders_t){.kafka = kafka, .codec = codec, .names = rc_arena_new_sized(256)};
    orders->topic = rc_topic_name(rc_kafka_config(kafka), RC_TOPIC_COMMANDS, orders->names);
    RC_INVARIANT(pthread_mutex_init(&orders->sending, NULL) == 0 && pthread_mutex_init(&orders->mutex, NULL) == 0);
    return orders;
}

static void free_texts(rc_order_t *order)
{
    free((char *)(uintptr_t)order->integration_id);
    free((char *)(uintptr_t)order->hold_id);
}

void rc_orders_free(rc_orders_t *orders)
{
    if (!orders) return;
    rc_kafka_producer_close(orders->producer);
    for (size_t i = 0; i < RC_ORDERS_KEPT; i++) free_texts(&orders->kept[i]);
    pthread_mutex_destroy(&orders->sending);
    pthread_mutex_destroy(&orders->mutex);
    rc_arena_free(orders->names);
    free(orders);
}

/* With `sending` held. */
static rc_code_t send(rc_orders_t *orders, const rc_command_t *command, rc_error_t *error)
{
    rc_buf_t value = RC_BUF_INIT(VALUE_MAX_BYTES);
    rc_code_t code = rc_codec_encode_command(orders->codec, command, &value, error);
    if (code == RC_OK && !orders->producer) code = rc_kafka_producer_open(orders->kafka, &orders->producer, error);
    if (code == RC_OK) {
        const rc_kafka_record_t record = {.topic = orders->topic,
                                          .partition = -1,
                                          .key = command->integration_id,
                                          .key_bytes = strlen(command->integration_id),
                                          .value = value.data,
                                          .value_bytes = value.size_bytes};
        code = rc_kafka_producer_send(orders->producer, &record, 1, SEND_TIMEOUT_MS, NULL, error);
        if (code != RC_OK && error->disposition == RC_FATAL) {
            rc_kafka_producer_close(orders->producer);
            orders->producer = NULL;
        }
    }
    rc_buf_fini(&value);
    return code;
}

static void keep(rc_orders_t *orders, const rc_order_t *order)
{
    pthread_mutex_lock(&orders->mutex);
    rc_order_t *place = &orders->kept[orders->count++ % RC_ORDERS_KEPT];
    free_texts(place);
    *place = *order;
    place->integration_id = rc_strdup(order->integration_id);
    place->hold_id = rc_strdup(order->hold_id);
    pthread_mutex_unlock(&orders->mutex);
}

rc_code_t rc_orders_send(rc_orders_t *orders, rc_order_t *order, rc_wall_t listed_at, rc_error_t *error)
{
    (void)rc_uuid_random(order->id);
    order->issued_at = rc_wall_now();
    order->expires_at = (rc_wall_t){order->issued_at.ms + LIFE_MS};
    const rc_command_t command = {.id = order->id,
                                  .integration_id = order->integration_id,
                                  .kind = order->kind,
                                  .trigger = RC_TRIGGER_COMMAND,
                                  .issued_at = order->issued_at,
                                  .expires_at = order->expires_at,
                                  .hold_id = order->hold_id,
                                  .listed_at = listed_at,
                                  .events = order->events};
    if (pthread_mutex_trylock(&orders->sending) != 0)
        return rc_error_set(error, RC_CONFLICT, RC_RETRY, "another order is being written at this moment; try again");
    rc_code_t code = send(orders, &command, error);
    pthread_mutex_unlock(&orders->sending);
    /* One that may still arrive is shown too: its answer tells. */
    if (code == RC_OK || code == RC_TIMEOUT) keep(orders, order);
    if (code == RC_OK)
        rc_log(RC_LEVEL_INFO, "a command was ordered by the status page",
               RC_LOG_STR(INTEGRATION, order->integration_id),
               RC_LOG_STR(COMMAND, rc_enum_str(&RC_ENUM_COMMAND, (int)order->kind)), RC_LOG_STR(HOLD, order->hold_id));
    else
        rc_log(RC_LEVEL_WARN, "a command of the status page could not be written",
               RC_LOG_STR(INTEGRATION, order->integration_id), RC_LOG_ERR(error));
    return code;
}

const rc_order_t *rc_orders_list(rc_orders_t *orders, const char *integration_id, rc_arena_t *arena, size_t *count)
{
    pthread_mutex_lock(&orders->mutex);
    size_t kept = orders->count < RC_ORDERS_KEPT ? orders->count : RC_ORDERS_KEPT, found = 0;
    rc_order_t *list = rc_arena_alloc(arena, (kept ? kept : 1) * sizeof *list);
    for (size_t i = 0; i < kept; i++) {
        const rc_order_t *order = &orders->kept[(orders->count - 1 - i) % RC_ORDERS_KEPT];
        if (strcmp(order->integration_id, integration_id) != 0) continue;
        list[found] = *order;
        list[found].integration_id = rc_arena_strdup(arena, order->integration_id);
        list[found++].hold_id = rc_arena_strdup(arena, order->hold_id);
    }
    pthread_mutex_unlock(&orders->mutex);
    *count = found;
    return list;
}
