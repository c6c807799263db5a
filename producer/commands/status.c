#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/signals.h"
#include "producer/commands/ask.h"
#include "producer/commands/commands.h"
#include "producer/commands/holds/held.h"
#include "producer/commands/holds/hold.h"
#include "producer/commands/overview.h"

/* --- all integrations --- */

/* Nobody polls while nobody runs. */
static void say_who_runs(const rc_reading_t *reading, const char *config)
{
    rc_producers_t producers;
    rc_error_t error = RC_ERROR_INIT;
    if (rc_ask_who_works(rc_reading_kafka(reading), RC_ASK_TIMEOUT_MS, &producers, &error) != RC_OK)
        printf("\nWhether a producer runs could not be found out: %s\n", error.message);
    else if (producers.known && !producers.services && !producers.own_ghost)
        printf("\nNo producer is running, so nothing is polled or decided. Start it as a service, or by hand:\n"
               "  rollcall-producer run%s%s\n",
               config ? " --config " : "", config ? config : "");
}

static void print_overviews(const rc_reading_t *reading, const rc_args_t *args, const rc_overview_t *overviews,
                            size_t count)
{
    const char *config = rc_cli_given_config(args);
    rc_wall_t now = rc_wall_now();
    rc_report_t *report = rc_overview_report(overviews, count, now);
    rc_buf_t text = RC_BUF_INIT(SIZE_MAX / 4);
    rc_report_print(report, stdout, "no integrations");
    rc_overview_troubles(overviews, count, now, config, &text);
    if (text.size_bytes) (void)fwrite(text.data, 1, text.size_bytes, stdout);
    say_who_runs(reading, config);
    rc_buf_fini(&text);
    rc_report_free(report);
}

static void print_overviews_json(const rc_overview_t *overviews, size_t count)
{
    json_t *integrations = json_array();
    for (size_t i = 0; i < count; i++) (void)json_array_append_new(integrations, rc_overview_json(&overviews[i]));
    rc_json_print(json_pack("{s:o}", "integrations", integrations));
}

/* --- one hold --- */

static void print_hold_json(const rc_open_hold_t *open)
{
    json_t *integration = json_object(), *hold = rc_overview_hold_json(open->hold);
    rc_json_put_str(integration, "id", open->overview->integration->id);
    rc_json_put_str(integration, "name", open->overview->integration->name);
    (void)json_object_set_new(hold, "people",
                              rc_held_json(open->overview->integration, open->held, open->count, rc_wall_now()));
    (void)json_object_set_new(integration, "holds", json_pack("[o]", hold));
    rc_json_print(json_pack("{s:[o]}", "integrations", integration));
}

static rc_exit_t show_hold(rc_reading_t *reading, const rc_args_t *args, rc_arena_t *arena)
{
    rc_open_hold_t open;
    rc_exit_t code = rc_hold_find(reading, args, arena, &open);
    if (code != RC_EXIT_DONE) return code;
    if (args->json) {
        print_hold_json(&open);
    } else {
        rc_hold_print(&open, args, stdout);
        rc_hold_print_next(&open, args, stdout);
    }
    return RC_EXIT_HELD;
}

rc_exit_t rc_producer_status(const rc_args_t *args)
{
    atomic_bool stop = false;
    rc_config_t *config = NULL;
    rc_reading_t *reading = NULL;
    rc_arena_t *arena = rc_arena_new();
    rc_overview_t *overviews = NULL;
    size_t count = 0;
    rc_error_t error = RC_ERROR_INIT;
    rc_exit_t code = rc_cli_config(args, &config);
    if (code != RC_EXIT_DONE) goto cleanup;
    rc_signals_open(&stop);
    if (rc_reading_new(config, &stop, &reading, &error) != RC_OK) {
        code = rc_cli_fail(args, RC_EXIT_FAILED, "%s", error.message);
    } else if (args->hold) {
        code = show_hold(reading, args, arena);
    } else if (rc_reading_overviews(reading, args->integration, arena, &overviews, &count, &error) != RC_OK) {
        code = rc_cli_fail(args, RC_EXIT_FAILED, "%s", error.message);
    } else {
        if (args->json)
            print_overviews_json(overviews, count);
        else
            print_overviews(reading, args, overviews, count);
        code = rc_overview_is_held(overviews, count) ? RC_EXIT_HELD : RC_EXIT_DONE;
    }
    rc_signals_end_within(RC_SIGNALS_END_MS);
    rc_reading_free(reading);
    rc_signals_close();
cleanup:
    rc_config_free(config);
    rc_arena_free(arena);
    return code;
}
