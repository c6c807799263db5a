/* rollcall-consumer undo: puts back what the sync did to users since a moment, as far as Learn Amp lets it. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/log.h"
#include "common/signals.h"
#include "consumer/commands/commands.h"
#include "consumer/commands/undo/undo_state.h"

enum { LOOK_AGAIN_US = 200 * 1000 };

/* ---- What is done with each ---- */

static bool may_be_restored(const rc_undo_person_t *person)
{
    return person->past.kind == RC_PAST_EMPLOYED && person->state != NULL;
}

static void judge(rc_undo_run_t *run)
{
    for (size_t i = 0; i < run->count; i++) {
        rc_undo_person_t *person = run->people[i];
        bool created = person->applied & 1u << RC_EVENT_CREATED;
        if (may_be_restored(person)) rc_undo_compare(run, person);
        const rc_undo_case_t about = {.past = person->past.kind,
                                      .is_gone = person->state != NULL && person->state->presence == RC_PRESENCE_GONE,
                                      .is_forgotten = person->state == NULL,
                                      .has_user = person->user_id != 0 || created,
                                      .differs = person->difference_count > 0,
                                      .may_differ = person->unseen != NULL};
        person->judged = rc_undo_judge(&about);
        run->counts[person->judged]++;
    }
}

/* ---- Nothing else may be sent meanwhile ---- */

static rc_code_t check_pause(rc_undo_run_t *run, rc_error_t *error)
{
    const char *id = run->integration->id;
    rc_code_t code = rc_undo_read_pause(run, error);
    if (code != RC_OK || (run->paused & RC_UNDO_ALL_EVENTS) == RC_UNDO_ALL_EVENTS) return code;
    char *line = rc_cli_line(run->args, "rollcall-producer", "pause --integration %s", id);
    code = rc_error_set(error, RC_CONFLICT, RC_REJECT,
                        "%s is not paused%s, and the sync would do again what is undone; stop it first, then type the "
                        "same again: %s",
                        id, run->paused ? " for all events" : "", line);
    free(line);
    return code;
}

/* A consumer may have begun a request just before the pause reached it, and it may take effect late. */
static rc_code_t wait_for_effects(rc_undo_run_t *run, rc_error_t *error)
{
    int64_t until_ms = run->paused_at.ms + 2 * run->config->consumer.http_timeout_ms;
    int64_t left_ms = until_ms - rc_wall_now().ms;
    char text[RC_TIME_STR_SIZE];
    if (left_ms > 2 * run->config->consumer.http_timeout_ms) left_ms = 2 * run->config->consumer.http_timeout_ms;
    if (left_ms <= 0) return RC_OK;
    (void)fprintf(stderr, "It was paused just now: for %s what consumers had sent before may still take effect.\n",
                  rc_duration_str((left_ms + 999) / 1000 * 1000, text));
    for (int64_t deadline_ms = rc_mono_now().ms + left_ms; rc_mono_now().ms < deadline_ms;) {
        if (atomic_load(&run->cancelled))
            return rc_error_set(error, RC_CANCELLED, RC_STOPPED, "stopped; nothing was changed");
        (void)usleep(LOOK_AGAIN_US);
    }
    return RC_OK;
}

/* ---- The command ---- */

static rc_code_t look(rc_undo_run_t *run, rc_error_t *error)
{
    const rc_readback_options_t options = {.config = run->config,
                                           .integration = run->integration,
                                           .patience_ms = run->args->wait_ms,
                                           .cancelled = &run->cancelled};
    rc_code_t code =
        rc_history_open(run->config, "rollcall-consumer-undo", false, &run->cancelled, &run->history, error);
    if (code == RC_OK) code = run->args->apply ? check_pause(run, error) : rc_undo_read_pause(run, error);
    if (code == RC_OK && run->args->apply) code = wait_for_effects(run, error);
    if (code == RC_OK) code = rc_undo_read_people(run, error);
    run->readback = rc_readback_new(&options);
    if (code == RC_OK) code = rc_undo_read_users(run, may_be_restored, error);
    if (code == RC_OK) judge(run);
    return code;
}

static rc_code_t undo(rc_undo_run_t *run, rc_error_t *error)
{
    rc_code_t code = look(run, error);
    if (code != RC_OK) return code;
    if (!run->args->json) rc_undo_print_plan(run);
    if (!run->args->apply) return RC_OK;
    code = rc_undo_write(run, error);
    if (!run->args->json) rc_undo_print_result(run);
    return code;
}

static bool has_failed(const rc_undo_run_t *run)
{
    for (size_t i = 0; i < run->count; i++)
        if (run->people[i]->result == RC_UNDO_FAILED) return true;
    return false;
}

rc_exit_t rc_consumer_undo(const rc_args_t *args)
{
    rc_undo_run_t run = {.args = args, .arena = rc_arena_new(), .by_key = rc_map_new(NULL)};
    rc_error_t error = RC_ERROR_INIT;
    rc_exit_t exit = rc_cli_config(args, &run.config);
    if (exit != RC_EXIT_DONE) goto cleanup;
    if (run.config->log.level == RC_LEVEL_INFO) rc_log_set_level(RC_LEVEL_WARN); /* the result says it */
    run.integration = rc_config_find(run.config, args->integration);
    rc_signals_open(&run.cancelled);
    rc_code_t code = undo(&run, &error);
    if (args->json && (code == RC_OK || run.count > 0)) rc_undo_print_json(&run);
    if (code != RC_OK)
        exit = rc_cli_fail(args, code == RC_CONFIG ? RC_EXIT_USAGE : RC_EXIT_FAILED, "%s", error.message);
    else
        exit = has_failed(&run) ? RC_EXIT_FAILED : RC_EXIT_DONE;
    rc_signals_end_within(RC_SIGNALS_END_MS);
cleanup:
    rc_readback_free(run.readback);
    rc_history_close(run.history);
    rc_signals_close();
    rc_map_free(run.by_key);
    rc_config_free(run.config);
    rc_arena_free(run.arena);
    free(run.people);
    return exit;
}
