/* The blocking half of common/http.h. */
#include <stdlib.h>

#include "common/http_exchange.h"
#include "common/mem.h"

enum { CANCEL_POLL_MS = 50 };

struct rc_http_blocking {
    CURLM *multi;
    rc_http_exchange_t exchange;
};

rc_http_blocking_t *rc_http_blocking_new(const rc_http_options_t *options)
{
    rc_http_need_curl();
    rc_http_blocking_t *client = rc_zalloc(sizeof *client);
    client->multi = curl_multi_init();
    if (!client->multi) RC_DIE("out of memory (a curl multi handle)");
    rc_http_exchange_init(&client->exchange, options);
    RC_CURL_SET(client->exchange.easy, CURLOPT_BUFFERSIZE, 128L * 1024);
    return client;
}

void rc_http_blocking_free(rc_http_blocking_t *client)
{
    if (!client) return;
    rc_http_exchange_fini(&client->exchange);
    (void)curl_multi_cleanup(client->multi);
    free(client);
}

/* Drives the one exchange to its end. */
static CURLcode drive(rc_http_blocking_t *client, const atomic_bool *cancelled)
{
    CURLMsg *message;
    int running, left;
    for (;;) {
        if (cancelled && atomic_load(cancelled)) {
            client->exchange.cancelled = true;
            return CURLE_ABORTED_BY_CALLBACK;
        }
        RC_INVARIANT(curl_multi_perform(client->multi, &running) == CURLM_OK);
        if ((message = curl_multi_info_read(client->multi, &left)) != NULL) return message->data.result;
        RC_INVARIANT(curl_multi_poll(client->multi, NULL, 0, CANCEL_POLL_MS, NULL) == CURLM_OK);
    }
}

rc_code_t rc_http_perform(rc_http_blocking_t *client, const rc_http_request_t *request, rc_http_chunk_fn *chunk,
                          void *opaque, const atomic_bool *cancelled, rc_http_answer_t *answer, rc_error_t *error)
{
    rc_http_exchange_t *exchange = &client->exchange;
    rc_code_t code = rc_http_exchange_load(exchange, request, error);
    if (code != RC_OK) goto cleanup;
    exchange->chunk = chunk;
    exchange->opaque = opaque;
    RC_INVARIANT(curl_multi_add_handle(client->multi, exchange->easy) == CURLM_OK);
    CURLcode result = drive(client, cancelled);
    code = rc_http_exchange_finish(exchange, result, error);
    (void)curl_multi_remove_handle(client->multi, exchange->easy);
    if (code == RC_OK) *answer = exchange->answer;

cleanup:
    curl_slist_free_all(exchange->headers);
    exchange->headers = NULL;
    RC_CURL_SET(exchange->easy, CURLOPT_HTTPHEADER, NULL);
    return code;
}
