/* rollcall-consumer replay: with the consumers stopped, moves lanes back to a moment and marks in the ledger whom they
 * are to bring to their newest state once more. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/json.h"
#include "common/log.h"
#include "common/report.h"
#include "common/signals.h"
#include "consumer/commands/commands.h"
#include "consumer/commands/replay/replay_state.h"

enum {
    SESSION_DEFAULT_MS = 45000, /* librdkafka's session.timeout.ms */
    SESSION_MARGIN_MS = 2000,
    LOOK_AGAIN_US = 300 * 1000
};

/* ---- Nobody may read meanwhile ---- */

/* A static member that was stopped is counted until its session is over. */
static int64_t session_ms(const rc_config_t *config)
{
    const char *set = rc_config_property(config, "session.timeout.ms");
    int64_t session = set != NULL ? strtoll(set, NULL, 10) : 0;
    return session > 0 ? session : SESSION_DEFAULT_MS;
}

/* All members of the concerned groups; in `report`, when there is one. */
static rc_code_t count_members(rc_replay_run_t *run, rc_report_t *report, size_t *all, rc_error_t *error)
{
    *all = 0;
    for (size_t i = 0; i < run->lane_count; i++) {
        size_t count;
        const rc_kafka_member_t *members;
        rc_code_t code = rc_replay_members(run, &run->lanes[i], &members, &count, error);
        if (code != RC_OK) return code;
        for (size_t m = 0; report != NULL && m < count; m++) {
            const char *host = members[m].host != NULL ? members[m].host : "";
            const char *cells[] = {run->lanes[i].group_id, members[m].client_id, *host == '/' ? host + 1 : host};
            rc_report_add(report, cells);
        }
        *all += count;
    }
    return RC_OK;
}

static rc_code_t say_members(rc_replay_run_t *run, int64_t wait_ms, size_t *count, rc_error_t *error)
{
    char text[RC_TIME_STR_SIZE];
    rc_report_t *report = rc_report_new("consumer group|read by|at");
    rc_code_t code = count_members(run, report, count, error);
    if (code == RC_OK && *count > 0) {
        (void)fprintf(stderr, "These read while their place is to be moved:\n\n");
        rc_report_print(report, stderr, "");
        (void)fprintf(
            stderr,
            "\nStop them (`systemctl stop rollcall-consumer`), or scale them to 0. One that was stopped just now "
            "counts until its session is over:\nwaiting for that up to %s; nothing is changed before.\n",
            rc_duration_str(wait_ms, text));
    }
    rc_report_free(report);
    return code;
}

static rc_code_t wait_until_empty(rc_replay_run_t *run, rc_error_t *error)
{
    bool is_told = run->args->given & RC_OPT(WAIT);
    int64_t wait_ms = is_told ? run->args->wait_ms : session_ms(run->config) + SESSION_MARGIN_MS;
    int64_t deadline_ms = rc_mono_now().ms + wait_ms;
    size_t count;
    rc_code_t code = say_members(run, wait_ms, &count, error);
    while (code == RC_OK && count > 0) {
        if (atomic_load(&run->cancelled)) return rc_error_set(error, RC_CANCELLED, RC_STOPPED, "stopped");
        if (rc_mono_now().ms > deadline_ms)
            return rc_error_set(error, RC_OWNERSHIP, RC_REJECT,
                                "%zu member%s of these groups still read%s, so nothing was changed; stop every "
                                "rollcall-consumer of these lanes, or scale them to 0, and type the same again",
                                count, count == 1 ? "" : "s", count == 1 ? "s" : "");
        (void)usleep(LOOK_AGAIN_US);
        code = count_members(run, NULL, &count, error);
    }
    return code;
}

/* ---- What people read ---- */

static void add_row(rc_report_t *report, const rc_replay_run_t *run, const rc_replay_lane_t *lane)
{
    long long again = lane->people[RC_REPLAY_RESET], left = lane->people[RC_REPLAY_WAITS];
    again += lane->people[RC_REPLAY_IS_RESET];
    left += lane->people[RC_REPLAY_INVITES];
    rc_report_add_format(report, "%s\t%lld\t%lld\t%lld\t%lld\t%zu of %zu", rc_enum_str(&RC_ENUM_EVENT, (int)lane->type),
                         (long long)lane->events, again + left, again, left, rc_replay_moves(run, lane),
                         run->partitions);
}

static void say_notes(const rc_replay_run_t *run)
{
    char text[RC_TIME_STR_SIZE];
    for (size_t i = 0; i < run->lane_count; i++) {
        const rc_replay_lane_t *lane = &run->lanes[i];
        const char *name = rc_enum_str(&RC_ENUM_EVENT, (int)lane->type);
        if (lane->kept_since.ms > 0)
            printf("%s: Kafka has nothing from before %s any more (kafka.retention.events). To bring over people whose "
                   "last event is older: rollcall-producer resync --integration ID\n",
                   name, rc_wall_str(lane->kept_since, text));
        if (lane->people[RC_REPLAY_WAITS] > 0)
            printf("%s: as they are: %lld with an event that waits already and brings them over as it would have.\n",
                   name, (long long)lane->people[RC_REPLAY_WAITS]);
        if (lane->people[RC_REPLAY_INVITES] > 0)
            printf(
                "%s: as they are: %lld who were never created; their record in a retry topic or among the dead letters "
                "(rollcall-consumer dlq list) does it, with their invitation.\n",
                name, (long long)lane->people[RC_REPLAY_INVITES]);
        if (lane->unreadable > 0)
            printf("%s: %lld records cannot be read; they will be dead-lettered or parked once more.\n", name,
                   (long long)lane->unreadable);
    }
}

static void say_plan(const rc_replay_run_t *run)
{
    char text[RC_TIME_STR_SIZE];
    rc_report_t *report = rc_report_new("lane|>events|>employees|>once more|>as they are|partitions moved back");
    printf("Since %s, %s:\n\n", rc_wall_str(run->args->since, text),
           run->args->integration ? run->args->integration : "of all integrations");
    for (size_t i = 0; i < run->lane_count; i++) add_row(report, run, &run->lanes[i]);
    rc_report_print(report, stdout, "nothing");
    rc_report_free(report);
    printf("\n");
    say_notes(run);
    (void)fflush(stdout); /* before it is done */
}

static bool is_nothing(const rc_replay_run_t *run)
{
    for (size_t i = 0; i < run->lane_count; i++)
        if (run->lanes[i].people[RC_REPLAY_RESET] > 0 || rc_replay_moves(run, &run->lanes[i]) > 0) return false;
    return true;
}

static void say_end(const rc_replay_run_t *run)
{
    if (is_nothing(run))
        printf("\nThere is nothing to move: the groups are not past that time, or this was typed before.\n");
    else
        printf("\nDone. Each of them is brought to the newest published state once, and nobody is invited.\n");
    printf("\nNext:\n"
           "  systemctl start rollcall-consumer    # or scale them up again; the metric rollcall_consumer_lag falls to "
           "0\n");
    if (run->args->integration)
        rc_cli_next(run->args, "then compares", "audit --integration %s", run->args->integration);
    else
        rc_cli_next(run->args, "then compares", "audit");
}

/* ---- What programs read ---- */

static json_t *lane_json(const rc_replay_run_t *run, const rc_replay_lane_t *lane)
{
    const int64_t *people = lane->people;
    json_t *json = json_object();
    rc_json_put_str(json, "type", rc_enum_str(&RC_ENUM_EVENT, (int)lane->type));
    rc_json_put_str(json, "group", lane->group_id);
    (void)json_object_set_new(json, "events", json_integer(lane->events));
    (void)json_object_set_new(json, "reset", json_integer(people[RC_REPLAY_RESET] + people[RC_REPLAY_IS_RESET]));
    (void)json_object_set_new(json, "waiting", json_integer(people[RC_REPLAY_WAITS]));
    (void)json_object_set_new(json, "set_aside", json_integer(people[RC_REPLAY_INVITES]));
    (void)json_object_set_new(json, "partitions_moved", json_integer((json_int_t)rc_replay_moves(run, lane)));
    rc_json_put_wall(json, "kept_since", lane->kept_since);
    return json;
}

static void print_json(const rc_replay_run_t *run)
{
    json_t *lanes = json_array();
    for (size_t i = 0; i < run->lane_count; i++) (void)json_array_append_new(lanes, lane_json(run, &run->lanes[i]));
    json_t *document = json_object();
    rc_json_put_wall(document, "since", run->args->since);
    (void)json_object_set_new(document, "lanes", lanes);
    rc_json_print(document);
}

/* ---- The command ---- */

static void choose_lanes(rc_replay_run_t *run)
{
    run->partitions = (size_t)run->config->kafka.partitions;
    for (int type = 0; type < RC_EVENT_COUNT; type++) {
        if (!(run->args->events & 1u << type)) continue;
        rc_replay_lane_t *lane = &run->lanes[run->lane_count++];
        lane->type = (rc_event_type_t)type;
        lane->topic = rc_topic_name(run->config, rc_topic_of_event(lane->type), run->arena);
        lane->group_id =
            rc_arena_sprintf(run->arena, "%s.%s", run->config->consumer.application, rc_enum_str(&RC_ENUM_EVENT, type));
    }
}

static rc_code_t refuse_mock(const rc_replay_run_t *run, rc_error_t *error)
{
    char *id;
    rc_code_t code = rc_kafka_admin_cluster_id(run->admin, RC_REPLAY_ANSWER_MS, &id, error);
    if (code != RC_OK) return code;
    if (rc_kafka_is_mock(id))
        code = rc_error_set(error, RC_CONFIG, RC_REJECT,
                            "this is the sandbox's embedded broker, which neither keeps the places of consumer groups "
                            "nor says who is in them; replay needs a real Kafka (deploy/kafka.sh start). To bring "
                            "everybody over again here: rollcall-producer resync --integration ID");
    free(id);
    return code;
}

static rc_code_t replay(rc_replay_run_t *run, rc_error_t *error)
{
    rc_code_t code = rc_kafka_new(run->config, "rollcall-consumer-replay", &run->kafka, error);
    if (code == RC_OK) code = rc_kafka_admin_open(run->kafka, &run->admin, error);
    if (code == RC_OK) code = refuse_mock(run, error);
    if (code == RC_OK) code = wait_until_empty(run, error);
    if (code == RC_OK)
        code = rc_history_open(run->config, "rollcall-consumer-replay", true, &run->cancelled, &run->history, error);
    if (code == RC_OK) code = rc_replay_open(run, error);
    if (code == RC_OK) code = rc_replay_find_places(run, error);
    if (code == RC_OK) code = rc_replay_find_people(run, error);
    if (code != RC_OK) return code;
    if (!run->args->json) say_plan(run);
    return rc_replay_write(run, error);
}

rc_exit_t rc_consumer_replay(const rc_args_t *args)
{
    rc_replay_run_t run = {.args = args, .arena = rc_arena_new(), .people = rc_map_new(free)};
    rc_error_t error = RC_ERROR_INIT;
    rc_exit_t exit = rc_cli_config(args, &run.config);
    if (exit != RC_EXIT_DONE) goto cleanup;
    if (run.config->log.level == RC_LEVEL_INFO) rc_log_set_level(RC_LEVEL_WARN); /* the result says it */
    rc_signals_open(&run.cancelled);
    choose_lanes(&run);
    if (replay(&run, &error) != RC_OK)
        exit = rc_cli_fail(args, error.code == RC_CONFIG ? RC_EXIT_USAGE : RC_EXIT_FAILED, "%s", error.message);
    else if (args->json)
        print_json(&run);
    else
        say_end(&run);
    rc_signals_end_within(RC_SIGNALS_END_MS);
cleanup:
    rc_kafka_txn_close(run.txn);
    rc_history_close(run.history);
    rc_kafka_admin_close(run.admin);
    rc_kafka_free(run.kafka);
    rc_signals_close();
    rc_map_free(run.people);
    rc_config_free(run.config);
    rc_arena_free(run.arena);
    return exit;
}
