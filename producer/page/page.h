/* The status page at `/` of a producer's HTTP port, and the API beneath it (`/api/…`), which docs/page.md describes:
 * for people in HR and IT, who see what waits and why, and decide. Any producer answers for all integrations of its
 * configuration; what people order goes to whichever producer owns the integration.
 *
 * The handlers run on the threads of the HTTP port, several at a time; everything here belongs to the main thread. */
#ifndef RC_PRODUCER_PAGE_H
#define RC_PRODUCER_PAGE_H

#include "common/httpd.h"
#include "common/kafka.h"
#include "producer/poll/views.h"

typedef struct rc_page rc_page_t;

/* Before the HTTP port: the page answers that the service is starting. Borrows. Returns new (free with rc_page_free).
 */
rc_page_t *rc_page_new(const rc_config_t *config);
/* For rc_health_options_t; live as long as the page. */
const rc_httpd_route_t *rc_page_routes(const rc_page_t *page, size_t *count);
/* When the views are there: from now on it shows them. Borrows. At most once. */
rc_code_t rc_page_open(rc_page_t *page, const rc_kafka_t *kafka, const rc_codec_t *codec, rc_views_t *views,
                       rc_error_t *error);
/* Behind the end of the HTTP port, before that of the views. NULL is fine. */
void rc_page_free(rc_page_t *page);

#endif
