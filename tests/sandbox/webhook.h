/* Kombo's webhooks, sent on demand. Any thread; blocks until the receiver answered. */
#ifndef RC_TESTS_SANDBOX_WEBHOOK_H
#define RC_TESTS_SANDBOX_WEBHOOK_H

#include "tests/sandbox/sandbox.h"

/* Sends what `order` describes: {"url", "type" (data-changed), "models" (["hris_employees"]), "state" (for
 * integration-state-changed), "secret" (another one than the integration's), "signature" (another header)}. *status is
 * what the receiver answered. An error when it did not, or when the order is none. */
rc_code_t sb_webhook_send(const sb_sandbox_t *sandbox, const sb_integration_t *integration, const json_t *order,
                          int *status, rc_error_t *error);

#endif
