/* Kombo's HRIS API as contract/kombo-hris.openapi.json describes it, over HTTP. Any thread. */
#ifndef RC_TESTS_SANDBOX_KOMBO_H
#define RC_TESTS_SANDBOX_KOMBO_H

#include "tests/sandbox/sandbox.h"

/* Serves everything below the Kombo base path; `sandbox` is an sb_sandbox_t. */
void sb_kombo_serve(const rc_httpd_request_t *request, rc_httpd_reply_t *reply, void *sandbox);

#endif
