/* The sandbox's HTTP port: Kombo, Learn Amp and the control interface behind one address. The owner of the sandbox. */
#ifndef RC_TESTS_SANDBOX_SERVER_H
#define RC_TESTS_SANDBOX_SERVER_H

#include "tests/sandbox/sandbox.h"

/* Starts serving; the server is sandbox->httpd (free it with rc_httpd_free before sb_sandbox_fini). */
rc_code_t sb_server_start(sb_sandbox_t *sandbox, const char *listen_at, unsigned threads, rc_error_t *error);

#endif
