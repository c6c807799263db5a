/* The command `check` of both programs: reaches every service once, all side by side, and says in words what is wrong
 * and how to mend it. Kafka, its topics and the schema registry are here; each program brings the API that it calls.
 * The main thread calls rc_check_run; the rest is for the threads that it starts, each with a check of its own. */
#ifndef RC_COMMON_CHECK_H
#define RC_COMMON_CHECK_H

#include "common/cli.h"
#include "common/config.h"
#include "common/error.h"

/* No single question takes longer than this, whatever time-outs are configured: somebody is waiting. */
enum { RC_CHECK_TIMEOUT_MS = 5000 };

typedef struct rc_check rc_check_t; /* what was found out about one service */

/* Each adds one finding. A text is "what is; what to do": a table shows what stands behind the first "; " in a column
 * of its own. */
void rc_check_ok(rc_check_t *check, const char *format, ...) __attribute__((format(printf, 2, 3)));
void rc_check_wrong(rc_check_t *check, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* An error whose message may lack the mend. */
void rc_check_error(rc_check_t *check, const rc_error_t *error, const char *mend);

/* The API of the integrations. */
typedef struct {
    const char *service; /* "Kombo" */
    void (*reach)(const rc_config_t *config, const rc_integration_t *integration, rc_check_t *check);
} rc_check_api_t;

rc_exit_t rc_check_run(const rc_args_t *args, const rc_check_api_t *api);

#endif
