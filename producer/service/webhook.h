/* POST /webhooks/kombo: what Kombo delivers becomes a poll of its integration, by a command to whichever producer owns
 * it. Answered with success only after Kafka has the command; no thread of the server waits for that.
 *
 * The owner's thread, but for the route's handler. */
#ifndef RC_PRODUCER_WEBHOOK_H
#define RC_PRODUCER_WEBHOOK_H

#include "common/codec.h"
#include "common/config.h"
#include "common/httpd.h"
#include "common/kafka.h"
#include "common/metrics.h"

typedef struct rc_webhook rc_webhook_t;

/* Refuses what is not signed, and asks Kombo to come back with the rest, until it is opened. Borrows both. Returns new
 * (free with rc_webhook_free). */
rc_webhook_t *rc_webhook_new(const rc_config_t *config, rc_metrics_t *metrics);
/* For the server; as long as the webhook lives. */
rc_httpd_route_t rc_webhook_route(rc_webhook_t *webhook);
/* Deliveries are taken from now on. Borrows both until rc_webhook_close. */
void rc_webhook_open(rc_webhook_t *webhook, const rc_kafka_t *kafka, const rc_codec_t *codec);
/* Every delivery under way is answered, within seconds; before the server is freed. NULL or not open is fine. */
void rc_webhook_close(rc_webhook_t *webhook);
void rc_webhook_free(rc_webhook_t *webhook); /* after the server; NULL is fine */

#endif
