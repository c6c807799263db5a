#include "producer/page/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/log.h"
#include "producer/page/page_state.h"

/* Nothing from elsewhere, nothing inline, no frames, and no text that becomes markup. */
static const char POLICY[] = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
                             "connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'; "
                             "require-trusted-types-for 'script'; trusted-types 'none'";

void rc_page_safe_headers(rc_httpd_reply_t *reply)
{
    rc_httpd_reply_header(reply, "Content-Security-Policy", POLICY);
    rc_httpd_reply_header(reply, "X-Content-Type-Options", "nosniff");
    rc_httpd_reply_header(reply, "X-Frame-Options", "DENY");
    rc_httpd_reply_header(reply, "Referrer-Policy", "no-referrer");
    rc_httpd_reply_header(reply, "Cross-Origin-Opener-Policy", "same-origin");
    rc_httpd_reply_header(reply, "Cross-Origin-Resource-Policy", "same-origin");
}

rc_guard_request_t rc_page_asked(const rc_httpd_request_t *request, bool needs_login)
{
    return (rc_guard_request_t){
        .writes = strcmp(request->method, "GET") != 0,
        .needs_login = needs_login,
        .host = rc_httpd_header(request, "Host"),
        .origin = rc_httpd_header(request, "Origin"),
        .fetch_site = rc_httpd_header(request, "Sec-Fetch-Site"),
        .cookie = rc_httpd_header(request, "Cookie"),
        .authorization = rc_httpd_header(request, "Authorization"),
        .csrf = rc_httpd_header(request, RC_GUARD_CSRF),
        .through_proxy = rc_httpd_header(request, "Forwarded") || rc_httpd_header(request, "X-Forwarded-For") ||
                         rc_httpd_header(request, "X-Forwarded-Host") || rc_httpd_header(request, "Via")};
}

/* The files are public, but where nobody may see the page they are not there either. */
static void file(const rc_httpd_request_t *request, rc_httpd_reply_t *reply, void *arg)
{
    rc_page_t *page = arg;
    const rc_guard_request_t asked = rc_page_asked(request, false);
    const char *why, *known = rc_httpd_header(request, "If-None-Match");
    char tag[24];
    rc_page_safe_headers(reply);
    if (rc_guard_look(&page->guard, &asked, rc_wall_now(), &why) != RC_GUARD_PASSED) {
        char *text = rc_sprintf("%s\n", why);
        rc_httpd_reply_text(reply, 403, text);
        free(text);
        return;
    }
    size_t i = 0;
    while (i < RC_PAGE_FILE_COUNT && strcmp(RC_PAGE_FILES[i].path, request->path) != 0) i++;
    const rc_page_file_t *found = &RC_PAGE_FILES[i];
    RC_INVARIANT(i < RC_PAGE_FILE_COUNT); /* the routes are made of the files */
    (void)snprintf(tag, sizeof tag, "\"%016llx\"", (unsigned long long)rc_hash64(found->bytes, found->size_bytes));
    rc_httpd_reply_header(reply, "ETag", tag);
    rc_httpd_reply_header(reply, "Cache-Control", "no-cache");
    if (known && strcmp(known, tag) == 0) {
        reply->status = 304;
        return;
    }
    reply->content_type = found->content_type;
    (void)rc_buf_add(&reply->body, found->bytes, found->size_bytes);
}

rc_page_t *rc_page_new(const rc_config_t *config)
{
    rc_page_t *page = rc_zalloc(sizeof *page);
    page->config = config;
    rc_guard_init(&page->guard, config->api_token, rc_listen_is_loopback(&config->producer.listen));
    if (!*config->api_token && !page->guard.loopback)
        rc_log(RC_LEVEL_INFO, "the status page is closed: it needs api_token, or a listener on 127.0.0.1",
               RC_LOG_STR(ADDRESS, config->producer.listen.host));
    RC_INVARIANT(pthread_mutex_init(&page->mutex, NULL) == 0);
    page->routes = rc_calloc(RC_PAGE_FILE_COUNT + 1, sizeof *page->routes);
    for (size_t i = 0; i < RC_PAGE_FILE_COUNT; i++)
        page->routes[i] = (rc_httpd_route_t){"GET", RC_PAGE_FILES[i].path, file, page};
    page->routes[RC_PAGE_FILE_COUNT] = (rc_httpd_route_t){NULL, "/api/*", rc_page_api, page};
    return page;
}

const rc_httpd_route_t *rc_page_routes(const rc_page_t *page, size_t *count)
{
    *count = RC_PAGE_FILE_COUNT + 1;
    return page->routes;
}

rc_code_t rc_page_open(rc_page_t *page, const rc_kafka_t *kafka, const rc_codec_t *codec, rc_views_t *views,
                       rc_error_t *error)
{
    rc_code_t code = rc_chronicle_new(kafka, codec, &page->chronicle, error);
    if (code != RC_OK) return code;
    page->views = views;
    page->rosters = rc_rosters_new(page->config, views);
    page->orders = rc_orders_new(kafka, codec);
    page->letters = rc_letters_new(page->config);
    atomic_store(&page->is_open, true);
    return RC_OK;
}

void rc_page_free(rc_page_t *page)
{
    if (!page) return;
    rc_letters_free(page->letters);
    rc_orders_free(page->orders);
    rc_rosters_free(page->rosters);
    rc_chronicle_free(page->chronicle);
    pthread_mutex_destroy(&page->mutex);
    free(page->routes);
    free(page);
}
