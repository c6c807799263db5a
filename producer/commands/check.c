/* rollcall-producer check: what common/check reaches, and Kombo for each integration. */
#include "common/check.h"

#include "producer/commands/commands.h"
#include "producer/kombo/kombo.h"

static void reach_kombo(const rc_config_t *config, const rc_integration_t *integration, rc_check_t *check)
{
    int64_t timeout_ms = config->producer.http_timeout_ms;
    if (timeout_ms > RC_CHECK_TIMEOUT_MS) timeout_ms = RC_CHECK_TIMEOUT_MS;
    rc_kombo_fields_t *fields;
    rc_kombo_t *kombo = rc_kombo_open(config, integration, timeout_ms, NULL, &fields);
    rc_kombo_health_t health;
    rc_error_t error = RC_ERROR_INIT;
    if (rc_kombo_check(kombo, NULL, &health, &error) == RC_OK)
        rc_check_ok(check, "%s", health.text);
    else if (error.code == RC_CONNECT || error.code == RC_TIMEOUT || error.code == RC_INTERRUPTED)
        rc_check_error(check, &error, "is kombo.base_url right, and can this machine reach it (http_proxy, ca_file)?");
    else
        rc_check_error(check, &error, "try again later");
    rc_kombo_free(kombo);
    rc_kombo_fields_free(fields);
}

rc_exit_t rc_producer_check(const rc_args_t *args)
{
    return rc_check_run(args, &(rc_check_api_t){.service = "Kombo", .reach = reach_kombo});
}
