/* The control interface: how tests, demonstrations and people move the sandbox. tests/sandbox/README.md describes it.
 * Any thread. */
#ifndef RC_TESTS_SANDBOX_CONTROL_H
#define RC_TESTS_SANDBOX_CONTROL_H

#include "tests/sandbox/sandbox.h"

/* Serves everything below /control; `sandbox` is an sb_sandbox_t. */
void sb_control_serve(const rc_httpd_request_t *request, rc_httpd_reply_t *reply, void *sandbox);

#endif
