#include "tests/sandbox/server.h"

#include <stdio.h>

#include "tests/sandbox/control.h"
#include "tests/sandbox/kombo.h"
#include "tests/sandbox/learnamp.h"

enum { MAX_BODY_BYTES = 16 << 20, MAX_CONNECTIONS = 20000 };

rc_code_t sb_server_start(sb_sandbox_t *sandbox, const char *listen_at, unsigned threads, rc_error_t *error)
{
    (void)snprintf(sandbox->kombo_route, sizeof sandbox->kombo_route, "%s/*", sandbox->kombo_base);
    const rc_httpd_route_t routes[] = {
        {NULL, sandbox->kombo_route, sb_kombo_serve, sandbox},
        {NULL, "/learnamp/*", sb_learnamp_serve, sandbox},
        {NULL, "/control", sb_control_serve, sandbox},
        {NULL, "/control/*", sb_control_serve, sandbox},
    };
    const rc_httpd_options_t httpd = {.listen = listen_at,
                                      .routes = routes,
                                      .route_count = sizeof routes / sizeof *routes,
                                      .max_body_bytes = MAX_BODY_BYTES,
                                      .threads = threads,
                                      .max_connections = MAX_CONNECTIONS};
    return rc_httpd_new(&httpd, &sandbox->httpd, error);
}
