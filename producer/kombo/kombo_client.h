/* What the parts of the Kombo client share: producer/kombo/kombo.c (lists) and producer/kombo/kombo_check.c. */
#ifndef RC_PRODUCER_KOMBO_CLIENT_H
#define RC_PRODUCER_KOMBO_CLIENT_H

#include "producer/kombo/kombo.h"
#include "producer/kombo/kombo_parse.h"

struct rc_kombo {
    char *base_url;
    char *authorization; /* the header's value */
    char *integration_id;
    int page_size;
    int64_t timeout_ms;
    size_t max_page_bytes;
    const rc_kombo_fields_t *fields;
    rc_metrics_t *metrics; /* NULL: none */
    rc_kombo_parser_t *parser;
    rc_http_blocking_t *http;
};

/* One GET of base_url + path_and_query, repeated at once up to twice where nothing was sent. Arguments as of
 * rc_http_perform; the error names the path. */
rc_code_t rc_kombo_get(rc_kombo_t *kombo, const char *path, const char *query, rc_http_chunk_fn *chunk, void *opaque,
                       const atomic_bool *cancelled, rc_http_answer_t *answer, rc_error_t *error);

#endif
