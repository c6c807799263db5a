/* Kombo's error answers: every code of the description with its HTTP status and title. Any thread. */
#ifndef RC_TESTS_SANDBOX_KOMBO_ERRORS_H
#define RC_TESTS_SANDBOX_KOMBO_ERRORS_H

#include "common/httpd.h"

#define SB_KOMBO_CURSOR_MESSAGE "The provided cursor is invalid or has expired. Please start again without a cursor."

/* Answers with the error `code`; http_status 0 takes the one that belongs to it. A code that is not Kombo's is sent all
 * the same, with 500. */
void sb_kombo_reply_error(rc_httpd_reply_t *reply, const char *code, int http_status, const char *message);

#endif
