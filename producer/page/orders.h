/* What people order by the page: commands to whichever producer owns the integration, written to `sync.commands` by a
 * plain producer, and remembered here until they are answered (chronicle.h), so that the page can show them as under
 * way. Any thread, but for new and free. */
#ifndef RC_PRODUCER_ORDERS_H
#define RC_PRODUCER_ORDERS_H

#include "common/codec.h"
#include "common/kafka.h"
#include "common/uuid.h"

typedef struct rc_orders rc_orders_t;

enum { RC_ORDERS_KEPT = 20 };

/* An order as it was sent. */
typedef struct {
    char id[RC_UUID_STR_SIZE];
    const char *integration_id;
    rc_command_kind_t kind;
    const char *hold_id; /* APPROVE, REJECT; else NULL */
    rc_brake_t brake;    /* likewise: what it holds */
    int64_t employees;   /* likewise: how many the person saw */
    uint32_t events;     /* PAUSE, RESUME */
    rc_wall_t issued_at;
    rc_wall_t expires_at;
} rc_order_t;

/* Borrows both. Returns new (free with rc_orders_free, when no call is under way). */
rc_orders_t *rc_orders_new(const rc_kafka_t *kafka, const rc_codec_t *codec);
void rc_orders_free(rc_orders_t *orders); /* NULL is fine */

/* Sends an order (its id and times are filled in) and returns when Kafka has it, or has not taken it within five
 * seconds. `listed_at` goes with APPROVE and REJECT. RC_CONFLICT with RC_RETRY: another is being sent at this moment;
 * else as common/kafka_producer.h says: after RC_TIMEOUT it may still arrive. */
rc_code_t rc_orders_send(rc_orders_t *orders, rc_order_t *order, rc_wall_t listed_at, rc_error_t *error);

/* Of an integration, sent by this process, the newest first; in the arena. */
const rc_order_t *rc_orders_list(rc_orders_t *orders, const char *integration_id, rc_arena_t *arena, size_t *count);

#endif
