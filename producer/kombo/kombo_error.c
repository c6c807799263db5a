#include "producer/kombo/kombo_error.h"

#include <string.h>

#include "common/retry.h"

/* In words: what is wrong; who mends it how. */
typedef struct {
    const char *error_code;
    rc_code_t code;
    const char *text;
} row_t;

static const row_t ROWS[] = {
    {"PLATFORM.RATE_LIMIT_EXCEEDED", RC_HTTP, "Kombo's rate limit is reached; it is tried again later"},
    {"PLATFORM.CONCURRENCY_LIMIT_EXCEEDED", RC_HTTP, "too many requests to Kombo at once; it is tried again later"},
    {"PLATFORM.TASK_TIMED_OUT", RC_HTTP, "Kombo did not finish in time; it is tried again later"},
    {"PLATFORM.UNKNOWN_ERROR", RC_HTTP, "Kombo has an error of its own; it is tried again later"},
    {"REMOTE.SERVICE_UNAVAILABLE", RC_HTTP, "Kombo does not reach the HR system; it is tried again later"},
    {"REMOTE.RATE_LIMIT_EXCEEDED", RC_HTTP, "the HR system limits Kombo's requests; it is tried again later"},
    {"INTEGRATION.AUTHENTICATION_INVALID", RC_NEEDS_CUSTOMER,
     "the HR system refuses the credentials that Kombo has; the customer reconnects the integration in Kombo"},
    {"INTEGRATION.PERMISSION_MISSING", RC_NEEDS_CUSTOMER,
     "the credentials that Kombo has may not read this; the customer grants the permission in the HR system"},
    {"INTEGRATION.INACTIVE", RC_NEEDS_CUSTOMER,
     "the integration was set inactive; it is enabled again on its page in Kombo"},
    {"INTEGRATION.SETUP_INCOMPLETE", RC_NEEDS_CUSTOMER,
     "the integration is not set up to its end; the customer completes the set-up in Kombo"},
    {"INTEGRATION.SETUP_SYNC_PENDING", RC_NEEDS_CUSTOMER,
     "Kombo's first sync of the integration has not ended; wait for it, or ask Kombo when it takes more than a day"},
    {"INTEGRATION.QA_FAILED", RC_NEEDS_CUSTOMER,
     "the integration did not pass Kombo's check of its set-up; see its page in Kombo"},
    {"INTEGRATION.MODEL_NOT_AVAILABLE", RC_NEEDS_CUSTOMER,
     "Kombo cannot read this from the customer's HR system; ask Kombo for it"},
    {"INTEGRATION.MODEL_DISABLED", RC_NEEDS_CUSTOMER,
     "this is switched off for the integration; enable it in Kombo's scope configuration, or the customer opts in "
     "again"},
    {"PLATFORM.AUTHENTICATION_INVALID", RC_MISCONFIGURED, "Kombo does not know the API key; correct kombo.api_key"},
    {"PLATFORM.INTEGRATION_NOT_FOUND", RC_MISCONFIGURED,
     "Kombo does not know the integration, or the API key is of another environment; correct id or kombo.api_key"},
    {"PLATFORM.IP_NOT_WHITELISTED", RC_MISCONFIGURED,
     "Kombo does not accept requests from this address; add it to the allow-list in Kombo"},
    {"PLATFORM.INPUT_INVALID", RC_MISCONFIGURED,
     "Kombo refuses the request as wrong; see kombo.base_url and kombo.page_size"},
};

/* Codes that came later than this table, by their first part. */
static const row_t CLASSES[] = {
    {"INTEGRATION.", RC_NEEDS_CUSTOMER, "the integration needs attention; see its page in Kombo"},
    {"REMOTE.", RC_HTTP, "the HR system answers Kombo with an error; it is tried again later"},
};

/* Answers without a code. */
static const struct {
    int first, last;
    rc_code_t code;
    const char *text;
} STATUSES[] = {
    {200, 299, RC_HTTP, "Kombo answers an error without a code; it is tried again later"},
    {300, 399, RC_MISCONFIGURED, "this is not Kombo's API, it redirects; correct kombo.base_url"},
    {401, 401, RC_MISCONFIGURED, "the API key is not accepted; correct kombo.api_key"},
    {403, 403, RC_MISCONFIGURED, "access is denied; correct kombo.api_key, or allow this address in Kombo"},
    {404, 404, RC_MISCONFIGURED, "there is no such endpoint; correct kombo.base_url"},
    {408, 408, RC_HTTP, "Kombo waited too long for the request; it is tried again later"},
    {425, 425, RC_HTTP, "Kombo is not ready; it is tried again later"},
    {429, 429, RC_HTTP, "too many requests; it is tried again later"},
    {400, 499, RC_MISCONFIGURED, "Kombo refuses the request; correct kombo.base_url, or look for a newer Rollcall"},
    {0, 999, RC_HTTP, "Kombo, or a proxy before it, is out of order; it is tried again later"},
};

bool rc_kombo_is_error(int status, const rc_kombo_page_t *page)
{
    return status < 200 || status > 299 || page->error_code || (page->status && strcmp(page->status, "error") == 0);
}

static const row_t *find_row(const char *error_code)
{
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++)
        if (strcmp(ROWS[i].error_code, error_code) == 0) return &ROWS[i];
    for (size_t i = 0; i < sizeof CLASSES / sizeof *CLASSES; i++)
        if (strncmp(CLASSES[i].error_code, error_code, strlen(CLASSES[i].error_code)) == 0) return &CLASSES[i];
    return NULL;
}

static void judge(int status, const char *error_code, rc_code_t *code, const char **text)
{
    const row_t *row = error_code ? find_row(error_code) : NULL;
    if (row) {
        *code = row->code;
        *text = row->text;
        return;
    }
    size_t i = 0;
    while (status < STATUSES[i].first || status > STATUSES[i].last) i++;
    *code = STATUSES[i].code;
    *text = STATUSES[i].text;
}

rc_code_t rc_kombo_error_set(rc_error_t *error, int status, const rc_kombo_page_t *page, int64_t retry_after_ms,
                             bool with_cursor)
{
    const char *error_code = page->error_code, *text;
    rc_code_t code;
    bool says_wrong = error_code ? strcmp(error_code, "PLATFORM.INPUT_INVALID") == 0 : status == 400;
    if (with_cursor && says_wrong) {
        code = RC_CURSOR_EXPIRED;
        text = "the cursor is no longer valid; the listing starts again";
    } else {
        judge(status < 0 || status > 999 ? 999 : status, error_code, &code, &text);
    }
    rc_disposition_t disposition = code == RC_HTTP || code == RC_CURSOR_EXPIRED ? RC_RETRY : RC_REJECT;
    const char *words = page->error_message ? page->error_message : page->error_title;
    (void)rc_error_set(error, code, disposition, "%s (status %d%s%.60s%s%.160s)", text, status, error_code ? ", " : "",
                       error_code ? error_code : "", words ? ": " : "", words ? words : "");
    if (error) {
        error->http_status = status;
        error->retry_after_ms = retry_after_ms;
    }
    return code;
}

enum {
    RETRY_BASE_MS = 2000,
    RETRY_CAP_LEAST_MS = 30000, /* a service that is down is asked less often than one that is up */
    RETRY_CAP_MS = 300000,
    CUSTOMER_RETRY_MS = 900000, /* Kombo says when the customer has mended it; nobody tells us */
    MISCONFIGURED_RETRY_MS = 3600000,
    CLOCK_RETRY_MS = 60000 /* whoever sets a clock wants to see */
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t rc_kombo_error_delay_ms(const rc_error_t *error, int failures, int64_t poll_interval_ms, uint64_t random)
{
    if (error->code == RC_NEEDS_CUSTOMER) return least(poll_interval_ms, CUSTOMER_RETRY_MS);
    if (error->code == RC_CLOCK && error->disposition == RC_REJECT) return least(poll_interval_ms, CLOCK_RETRY_MS);
    if (error->code == RC_MISCONFIGURED) return least(poll_interval_ms, MISCONFIGURED_RETRY_MS);
    int64_t cap_ms = poll_interval_ms < RETRY_CAP_LEAST_MS ? RETRY_CAP_LEAST_MS : least(poll_interval_ms, RETRY_CAP_MS);
    const rc_retry_t policy = {RETRY_BASE_MS, cap_ms};
    return rc_retry_delay_ms(&policy, failures, error->retry_after_ms, random);
}
