#include "producer/kombo/kombo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/hash.h"
#include "common/mem.h"
#include "common/text.h"
#include "producer/kombo/kombo_client.h"
#include "producer/kombo/kombo_error.h"

enum {
    ATTEMPTS = 3,        /* of a request of which nothing was sent */
    IDS_OF_A_LIST = 100, /* keeps the URL below what proxies take */
    QUERY_CAP_BYTES = 64 * 1024,
    CLOCK_AHEAD_MAX_MS = 24 * 3600 * 1000,
    EMPTY_PAGES_MAX = 1000 /* in a row, each with a next one */
};

rc_kombo_t *rc_kombo_new(const rc_kombo_options_t *options)
{
    rc_kombo_t *kombo = rc_zalloc(sizeof *kombo);
    RC_INVARIANT(options->page_size >= 1 && options->page_size <= 250);
    kombo->base_url = rc_strdup(options->base_url);
    kombo->authorization = rc_sprintf("Bearer %s", options->api_key);
    kombo->integration_id = rc_strdup(options->integration_id);
    kombo->page_size = options->page_size;
    kombo->timeout_ms = options->timeout_ms;
    kombo->max_page_bytes = options->max_page_bytes;
    kombo->fields = options->fields;
    kombo->metrics = options->metrics;
    kombo->parser = rc_kombo_parser_new(options->fields);
    kombo->http = rc_http_blocking_new(&options->http);
    return kombo;
}

void rc_kombo_free(rc_kombo_t *kombo)
{
    if (!kombo) return;
    rc_http_blocking_free(kombo->http);
    rc_kombo_parser_free(kombo->parser);
    free(kombo->base_url);
    free(kombo->authorization);
    free(kombo->integration_id);
    free(kombo);
}

/* Under the status of its answer, or the error that took its place. */
static void count_request(const rc_kombo_t *kombo, rc_code_t code, const rc_http_answer_t *answer, int64_t took_ms)
{
    char status[16];
    (void)snprintf(status, sizeof status, "%d", code == RC_OK ? answer->status : 0);
    rc_metrics_count(kombo->metrics, RC_METRIC_KOMBO_REQUESTS, kombo->integration_id,
                     code == RC_OK ? status : rc_code_str(code), NULL);
    rc_series_observe(rc_metrics_series(kombo->metrics, RC_METRIC_KOMBO_REQUEST_DURATION, NULL, NULL, NULL),
                      (double)took_ms / 1000.0);
}

rc_code_t rc_kombo_get(rc_kombo_t *kombo, const char *path, const char *query, rc_http_chunk_fn *chunk, void *opaque,
                       const atomic_bool *cancelled, rc_http_answer_t *answer, rc_error_t *error)
{
    char *url = rc_sprintf("%s%s%s%s", kombo->base_url, path, *query ? "?" : "", query);
    const rc_http_header_t headers[] = {{"Authorization", kombo->authorization},
                                        {"Accept", "application/json"},
                                        {"X-Integration-Id", kombo->integration_id}};
    bool is_list = strncmp(path, "/hris/", 6) == 0; /* the others do not take the third header */
    rc_http_request_t request = {.method = "GET",
                                 .url = url,
                                 .headers = headers,
                                 .header_count = is_list ? 3 : 2,
                                 .timeout_ms = kombo->timeout_ms,
                                 .max_body_bytes = kombo->max_page_bytes};
    rc_code_t code = RC_CONNECT;
    for (int attempt = 0; attempt < ATTEMPTS && code == RC_CONNECT; attempt++) {
        rc_mono_t began = rc_mono_now();
        code = rc_http_perform(kombo->http, &request, chunk, opaque, cancelled, answer, error);
        count_request(kombo, code, answer, rc_mono_now().ms - began.ms);
    }
    free(url);
    return code == RC_OK ? RC_OK : rc_error_prefix(error, "Kombo, %s", path);
}

/* ---- One list ---- */

typedef struct {
    rc_kombo_t *kombo;
    const char *path;
    const rc_kombo_query_t *query;
    const char *const *ids; /* the part of query->ids that this listing is for */
    size_t id_count;
    rc_kombo_sink_t sink;
    const atomic_bool *cancelled;
    rc_kombo_result_t result;
    char *cursor;
    uint64_t *cursors; /* hashes of those of this listing */
    size_t cursor_count;
    size_t cursor_capacity;
    size_t empty_pages;   /* in a row */
    bool started;         /* a piece of the page has come */
    bool deaf;            /* the body of an error that does not parse: the status decides */
    rc_code_t parse_code; /* why the page was refused */
    rc_error_t parse_error;
} fetch_t;

static bool is_success(int status)
{
    return status >= 200 && status <= 299;
}

static bool take_piece(void *opaque, const rc_http_answer_t *answer, const char *bytes, size_t size_bytes)
{
    static const rc_kombo_sink_t nobody = {0};
    fetch_t *fetch = opaque;
    /* Whatever the body of an error holds, it is no record. */
    if (!fetch->started && !is_success(answer->status)) rc_kombo_parser_begin(fetch->kombo->parser, &nobody);
    fetch->started = true;
    fetch->result.bytes += size_bytes;
    if (fetch->deaf) return true;
    rc_code_t code = rc_kombo_parser_feed(fetch->kombo->parser, bytes, size_bytes, &fetch->parse_error);
    if (code == RC_OK) return true;
    if (is_success(answer->status)) {
        fetch->parse_code = code;
        return false;
    }
    fetch->deaf = true;
    return true;
}

static void add_argument(rc_buf_t *query, const char *name, const char *value)
{
    char *encoded = rc_url_encode(value);
    (void)rc_buf_add_format(query, "%s%s=%s", query->size_bytes ? "&" : "", name, encoded);
    free(encoded);
}

/* Every page repeats the filters (docs/kombo.md, "Reading"). */
static void write_query(const fetch_t *fetch, rc_buf_t *query)
{
    char text[RC_TIME_STR_SIZE];
    (void)rc_buf_add_format(query, "page_size=%d", fetch->kombo->page_size);
    if (fetch->query->include_deleted) add_argument(query, "include_deleted", "true");
    if (fetch->query->updated_after.ms)
        add_argument(query, "updated_after", rc_wall_str(fetch->query->updated_after, text));
    if (fetch->id_count) {
        rc_buf_t ids = RC_BUF_INIT(QUERY_CAP_BYTES);
        for (size_t i = 0; i < fetch->id_count; i++) (void)rc_buf_add_format(&ids, "%s%s", i ? "," : "", fetch->ids[i]);
        add_argument(query, "ids", ids.data);
        rc_buf_fini(&ids);
    }
    if (fetch->cursor) add_argument(query, "cursor", fetch->cursor);
}

/* Remembers the cursor of the next page; an answer that leads back to a page of this listing would never end. */
static rc_code_t turn_page(fetch_t *fetch, const char *next, rc_error_t *error)
{
    free(fetch->cursor);
    fetch->cursor = rc_strdup(next && *next ? next : NULL);
    if (!fetch->cursor) return RC_OK;
    if (fetch->empty_pages > EMPTY_PAGES_MAX)
        return rc_error_set(error, RC_MALFORMED, RC_REJECT,
                            "Kombo, %s: %zu pages in a row are empty, and there is always a next one", fetch->path,
                            fetch->empty_pages);
    uint64_t hash = rc_hash64(fetch->cursor, strlen(fetch->cursor));
    for (size_t i = 0; i < fetch->cursor_count; i++)
        if (fetch->cursors[i] == hash)
            return rc_error_set(error, RC_MALFORMED, RC_REJECT,
                                "Kombo, %s: the cursor of page %zu is that of an earlier page", fetch->path,
                                fetch->result.pages);
    if (fetch->cursor_count == fetch->cursor_capacity) {
        fetch->cursor_capacity = fetch->cursor_capacity ? fetch->cursor_capacity * 2 : 64;
        fetch->cursors = rc_realloc(fetch->cursors, fetch->cursor_capacity * sizeof *fetch->cursors);
    }
    fetch->cursors[fetch->cursor_count++] = hash;
    return RC_OK;
}

/* What an answer that came whole says. */
static rc_code_t judge_page(fetch_t *fetch, const rc_http_answer_t *answer, rc_kombo_page_t *page, rc_error_t *error)
{
    rc_code_t code = fetch->deaf ? RC_MALFORMED : rc_kombo_parser_end(fetch->kombo->parser, page, error);
    if (code != RC_OK) *page = (rc_kombo_page_t){0};
    if (!is_success(answer->status) || code == RC_OK) {
        if (rc_kombo_is_error(answer->status, page))
            code = rc_kombo_error_set(error, answer->status, page, answer->retry_after_ms, fetch->cursor != NULL);
        else if (!page->has_results || !page->status || strcmp(page->status, "success") != 0)
            code =
                rc_error_set(error, RC_MALFORMED, RC_REJECT,
                             "the answer has no status \"success\" with data.results; is kombo.base_url Kombo's API?");
    }
    return code == RC_OK ? RC_OK : rc_error_prefix(error, "Kombo, %s", fetch->path);
}

/* Kombo's clock when the request left: the Date of the answer, less the time that it took to come whole. A clock that
 * is days ahead is not believed: no change would be seen until then. One that is behind only has more read again. */
static void take_start(rc_kombo_result_t *result, const rc_http_answer_t *answer, rc_wall_t ours, rc_mono_t asked_at)
{
    rc_wall_t theirs = {answer->date.ms - answer->duration_us / 1000};
    result->started_at = answer->date.ms && theirs.ms - ours.ms < CLOCK_AHEAD_MAX_MS ? theirs : ours;
    result->asked_at = asked_at;
    result->said_at = answer->date.ms ? theirs : (rc_wall_t){0};
}

static rc_code_t fetch_page(fetch_t *fetch, rc_error_t *error)
{
    rc_kombo_t *kombo = fetch->kombo;
    rc_buf_t query = RC_BUF_INIT(QUERY_CAP_BYTES);
    rc_http_answer_t answer;
    rc_kombo_page_t page;
    rc_wall_t ours = rc_wall_now();
    rc_mono_t asked_at = rc_mono_now();
    write_query(fetch, &query);
    rc_kombo_parser_begin(kombo->parser, &fetch->sink);
    fetch->started = fetch->deaf = false;
    fetch->parse_code = RC_OK;
    fetch->parse_error = RC_ERROR_INIT;
    rc_code_t code = rc_kombo_get(kombo, fetch->path, query.data, take_piece, fetch, fetch->cancelled, &answer, error);
    if (fetch->parse_code != RC_OK) {
        if (error) *error = fetch->parse_error;
        code = fetch->parse_code == RC_MALFORMED || fetch->parse_code == RC_TOO_LARGE
                   ? rc_error_prefix(error, "Kombo, %s", fetch->path)
                   : fetch->parse_code;
    }
    if (code == RC_OK) code = judge_page(fetch, &answer, &page, error);
    if (code == RC_OK) {
        if (fetch->result.pages++ == 0) take_start(&fetch->result, &answer, ours, asked_at);
        fetch->result.records += page.records;
        fetch->result.ignored_values += page.ignored_values;
        fetch->empty_pages = page.records > 0 ? 0 : fetch->empty_pages + 1;
        code = turn_page(fetch, page.next, error);
    }
    rc_buf_fini(&query);
    return code;
}

/* All pages for one set of filters. */
static rc_code_t fetch_listing(fetch_t *fetch, rc_error_t *error)
{
    rc_code_t code;
    free(fetch->cursor);
    fetch->cursor = NULL;
    fetch->cursor_count = fetch->empty_pages = 0;
    do code = fetch_page(fetch, error);
    while (code == RC_OK && fetch->cursor);
    return code;
}

static rc_code_t fetch_list(rc_kombo_t *kombo, const char *path, const rc_kombo_query_t *query,
                            const rc_kombo_sink_t *sink, const atomic_bool *cancelled, rc_kombo_result_t *result,
                            rc_error_t *error)
{
    fetch_t fetch = {.kombo = kombo, .path = path, .query = query, .sink = *sink, .cancelled = cancelled};
    rc_code_t code = RC_OK;
    size_t done = 0;
    do {
        size_t left = query->id_count - done;
        fetch.ids = query->ids ? query->ids + done : NULL;
        fetch.id_count = left < IDS_OF_A_LIST ? left : IDS_OF_A_LIST;
        code = fetch_listing(&fetch, error);
        done += fetch.id_count;
    } while (code == RC_OK && done < query->id_count);
    if (code == RC_OK) *result = fetch.result;
    free(fetch.cursor);
    free(fetch.cursors);
    return code;
}

rc_code_t rc_kombo_fetch_employees(rc_kombo_t *kombo, const rc_kombo_query_t *query, rc_kombo_employee_fn *fn,
                                   void *opaque, const atomic_bool *cancelled, rc_kombo_result_t *result,
                                   rc_error_t *error)
{
    rc_kombo_sink_t sink = {.employee = fn, .opaque = opaque};
    return fetch_list(kombo, "/hris/employees", query, &sink, cancelled, result, error);
}

rc_code_t rc_kombo_fetch_groups(rc_kombo_t *kombo, const rc_kombo_query_t *query, rc_kombo_group_fn *fn, void *opaque,
                                const atomic_bool *cancelled, rc_kombo_result_t *result, rc_error_t *error)
{
    rc_kombo_sink_t sink = {.group = fn, .opaque = opaque};
    return fetch_list(kombo, "/hris/groups", query, &sink, cancelled, result, error);
}

rc_code_t rc_kombo_fetch_locations(rc_kombo_t *kombo, const rc_kombo_query_t *query, rc_kombo_location_fn *fn,
                                   void *opaque, const atomic_bool *cancelled, rc_kombo_result_t *result,
                                   rc_error_t *error)
{
    rc_kombo_sink_t sink = {.location = fn, .opaque = opaque};
    return fetch_list(kombo, "/hris/locations", query, &sink, cancelled, result, error);
}
