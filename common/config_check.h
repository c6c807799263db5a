/* What the text of a setting must look like: each returns what is wrong and what to do, or NULL. Static storage; pure.
 * Private to common/config*.c. */
#ifndef RC_COMMON_CONFIG_CHECK_H
#define RC_COMMON_CONFIG_CHECK_H

const char *rc_check_topic_prefix(const char *text);
const char *rc_check_application(const char *text);
const char *rc_check_instance(const char *text);
const char *rc_check_integration_id(const char *text);
const char *rc_check_not_empty(const char *text);
const char *rc_check_folder(const char *text);
const char *rc_check_basic_auth(const char *text);
const char *rc_check_token(const char *text);
const char *rc_check_base_url(const char *text);
const char *rc_check_optional_base_url(const char *text);
const char *rc_check_notify_url(const char *text);
const char *rc_check_proxy(const char *text);
const char *rc_check_swap_address(const char *text);

#endif
