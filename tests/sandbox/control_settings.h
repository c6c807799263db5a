/* The settings of an integration that the control interface reads and writes, as one table. Any thread. */
#ifndef RC_TESTS_SANDBOX_CONTROL_SETTINGS_H
#define RC_TESTS_SANDBOX_CONTROL_SETTINGS_H

#include "tests/sandbox/sandbox.h"

/* What a new integration is made from: {"id", "tool", "name", "seed", "people", "epoch", "quirks"}. Texts borrow. */
rc_code_t sb_settings_parse_integration(const json_t *from, sb_integration_options_t *options, rc_error_t *error);

/* Applies the members "kombo", "learnamp" and "requests" of `from`; others are left alone. Takes the locks. RC_USAGE
 * for what is unknown or of a wrong type; then some may have been applied. */
rc_code_t sb_settings_apply(sb_integration_t *integration, const json_t *from, rc_error_t *error);
/* The same, as they stand. Returns new; the locks are the caller's. */
json_t *sb_settings_json(sb_integration_t *integration);

#endif
