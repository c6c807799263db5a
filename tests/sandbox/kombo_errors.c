#include "tests/sandbox/kombo_errors.h"

#include <string.h>

/* The statuses are what such errors usually have; Kombo asks its clients to look at the code alone. */
static const struct {
    const char *code;
    int status;
    const char *title;
} ERRORS[] = {
    {"PLATFORM.RATE_LIMIT_EXCEEDED", 429, "You have exceeded the rate limit."},
    {"PLATFORM.CONCURRENCY_LIMIT_EXCEEDED", 429, "Too many requests are running at the same time."},
    {"PLATFORM.INTEGRATION_NOT_FOUND", 404, "The integration could not be found."},
    {"PLATFORM.INPUT_INVALID", 400, "The input is invalid."},
    {"PLATFORM.UNKNOWN_ERROR", 500, "An unknown error occurred."},
    {"PLATFORM.IP_NOT_WHITELISTED", 403, "This IP address is not on the allow list."},
    {"PLATFORM.AUTHENTICATION_INVALID", 401, "The API key is invalid."},
    {"PLATFORM.TASK_TIMED_OUT", 504, "The task timed out."},
    {"INTEGRATION.PERMISSION_MISSING", 403, "The integration lacks a permission."},
    {"INTEGRATION.AUTHENTICATION_INVALID", 401, "The credentials of the integration are invalid."},
    {"INTEGRATION.QA_FAILED", 400, "The integration did not pass the quality check."},
    {"INTEGRATION.SETUP_SYNC_PENDING", 400, "The first sync has not finished yet."},
    {"INTEGRATION.SETUP_INCOMPLETE", 400, "The setup of the integration is incomplete."},
    {"INTEGRATION.INACTIVE", 400, "The integration is inactive."},
    {"INTEGRATION.MODEL_NOT_AVAILABLE", 400, "This data model isn't supported for the selected integration."},
    {"INTEGRATION.MODEL_DISABLED", 400, "This data model is disabled in the scope."},
    {"INTEGRATION.ACTION_NOT_AVAILABLE", 400, "This action isn't supported for the selected integration."},
    {"INTEGRATION.ACTION_DISABLED", 400, "This action is disabled in the scope."},
    {"REMOTE.SERVICE_UNAVAILABLE", 503, "The connected tool is not available."},
    {"REMOTE.RATE_LIMIT_EXCEEDED", 503, "The connected tool limits our requests."},
    {"REMOTE.INPUT_INVALID", 400, "The connected tool refused the input."},
    {"REMOTE.UNKNOWN_HTTP_ERROR", 502, "The connected tool answered with an error."},
    {"HRIS.EMPLOYEE_ALREADY_EXISTS", 409, "The employee exists already."},
};

void sb_kombo_reply_error(rc_httpd_reply_t *reply, const char *code, int http_status, const char *message)
{
    size_t i = 0, count = sizeof ERRORS / sizeof *ERRORS;
    while (i < count && strcmp(ERRORS[i].code, code) != 0) i++;
    if (!http_status) http_status = i < count ? ERRORS[i].status : 500;
    rc_httpd_reply_json(reply, http_status,
                        json_pack("{s:s, s:{s:s, s:s?, s:s, s:s}}", "status", "error", "error", "code", code, "title",
                                  i < count ? ERRORS[i].title : NULL, "message", message, "log_url",
                                  "https://app.kombo.dev/sandbox/logs?interactionId=1"));
}
