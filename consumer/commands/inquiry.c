#include "consumer/commands/inquiry.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/report.h"
#include "common/signals.h"

enum { TELL_INTERVAL_MS = 250 };

rc_exit_t rc_inquiry_open(rc_inquiry_t *inquiry, const rc_args_t *args, const char *client, bool writes)
{
    rc_error_t error = RC_ERROR_INIT;
    *inquiry = (rc_inquiry_t){.args = args, .arena = rc_arena_new()};
    rc_exit_t code = rc_cli_config(args, &inquiry->config);
    if (code != RC_EXIT_DONE) return code;
    if (inquiry->config->log.level == RC_LEVEL_INFO) rc_log_set_level(RC_LEVEL_WARN); /* the result says it */
    rc_signals_open(&inquiry->cancelled);
    if (rc_history_open(inquiry->config, client, writes, &inquiry->cancelled, &inquiry->history, &error) == RC_OK)
        return RC_EXIT_DONE;
    return rc_cli_fail(args, error.code == RC_CONFIG ? RC_EXIT_USAGE : RC_EXIT_FAILED, "%s", error.message);
}

void rc_inquiry_close(rc_inquiry_t *inquiry)
{
    rc_inquiry_hush(inquiry);
    rc_signals_end_within(RC_SIGNALS_END_MS);
    rc_history_close(inquiry->history);
    rc_signals_close();
    rc_config_free(inquiry->config);
    rc_arena_free(inquiry->arena);
}

/* ---- How far it is ---- */

static void on_progress(void *opaque, const char *what, int64_t read, int64_t total)
{
    rc_inquiry_tell(opaque, what, read, total);
}

rc_readback_options_t rc_inquiry_readback(rc_inquiry_t *inquiry, const rc_integration_t *integration)
{
    return (rc_readback_options_t){.config = inquiry->config,
                                   .integration = integration,
                                   .patience_ms = inquiry->args->wait_ms,
                                   .cancelled = &inquiry->cancelled,
                                   .progress = on_progress,
                                   .opaque = inquiry};
}

void rc_inquiry_tell(rc_inquiry_t *inquiry, const char *what, int64_t done, int64_t total)
{
    rc_mono_t now = rc_mono_now();
    if (rc_report_style(stderr).width == 0 || now.ms - inquiry->told_at.ms < TELL_INTERVAL_MS) return;
    rc_arena_t *arena = rc_arena_new_sized(256);
    const char *of = total >= 0 ? rc_arena_sprintf(arena, " of %s", rc_report_number(arena, total)) : "";
    (void)fprintf(stderr, "\r\033[Kreading %s: %s%s", what, rc_report_number(arena, done), of);
    (void)fflush(stderr);
    rc_arena_free(arena);
    inquiry->told_at = now;
    inquiry->is_told = true;
}

void rc_inquiry_hush(rc_inquiry_t *inquiry)
{
    if (inquiry->is_told) (void)fprintf(stderr, "\r\033[K");
    inquiry->is_told = false;
}

/* ---- Words ---- */

const char *rc_inquiry_command(const rc_inquiry_t *inquiry, const char *program, const char *command)
{
    char *line = rc_cli_line(inquiry->args, program, "%s", command);
    const char *kept = rc_arena_strdup(inquiry->arena, line);
    free(line);
    return kept;
}
