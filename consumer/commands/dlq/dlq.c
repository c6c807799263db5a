#include "consumer/commands/dlq/dlq.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/map.h"
#include "common/report.h"
#include "common/signals.h"
#include "common/text.h"
#include "common/words.h"
#include "consumer/commands/words.h"

enum { LINES = 40 /* beyond so many, letters with the same reason stand in one */ };

/* --- reading --- */

static rc_exit_t judge_reason(rc_dlq_t *dlq)
{
    const rc_args_t *args = dlq->args;
    if (!args->reason) return RC_EXIT_DONE;
    dlq->filter.reason = rc_enum_parse(&RC_ENUM_PARK, args->reason);
    if (dlq->filter.reason == RC_PARK_REJECTED || dlq->filter.reason == RC_PARK_IDENTITY_CONFLICT ||
        dlq->filter.reason == RC_PARK_POISON)
        return RC_EXIT_DONE;
    return rc_cli_fail(args, RC_EXIT_USAGE,
                       "--reason: \"%s\" is no reason to dead-letter; write REJECTED, IDENTITY_CONFLICT or POISON",
                       args->reason);
}

static rc_exit_t judge(rc_dlq_t *dlq)
{
    const rc_args_t *args = dlq->args;
    const rc_config_t *config = dlq->config;
    dlq->filter = RC_DEAD_FILTER_INIT;
    dlq->filter.integration_id = args->integration;
    dlq->filter.employee_id = args->employee;
    if (args->employee && strchr(args->employee, '@')) {
        char *line = rc_cli_line(args, NULL, "trace --employee %s", args->employee);
        rc_exit_t exit = rc_cli_fail(args, RC_EXIT_USAGE, "--employee: write the HR system's id; `%s` finds it", line);
        free(line);
        return exit;
    }
    if (args->employee && !args->integration) {
        if (config->integrations_count != 1)
            return rc_cli_fail(args, RC_EXIT_USAGE,
                               "--employee needs --integration ID: %zu are configured, and an id may be known to each",
                               config->integrations_count);
        dlq->filter.integration_id = config->integrations[0].id;
    }
    dlq->filter.since = args->since;
    if (args->given & RC_OPT(OFFSET)) {
        if (args->partition >= config->kafka.partitions)
            return rc_cli_fail(args, RC_EXIT_USAGE, "--offset: there is no partition %d; there are 0 to %d",
                               (int)args->partition, (int)config->kafka.partitions - 1);
        dlq->filter.partition = args->partition;
        dlq->filter.offset = args->offset;
    }
    return judge_reason(dlq);
}

rc_exit_t rc_dlq_open(const rc_args_t *args, rc_dlq_t *dlq)
{
    rc_error_t error = RC_ERROR_INIT;
    *dlq = (rc_dlq_t){.args = args, .arena = rc_arena_new()};
    rc_exit_t exit = rc_cli_config(args, &dlq->config);
    if (exit == RC_EXIT_DONE) exit = judge(dlq);
    if (exit != RC_EXIT_DONE) return exit;
    if (dlq->config->log.level == RC_LEVEL_INFO) rc_log_set_level(RC_LEVEL_WARN); /* the result says it */
    rc_signals_open(&dlq->cancelled);
    if (rc_history_open(dlq->config, "rollcall-consumer-dlq", false, NULL, &dlq->history, &error) != RC_OK ||
        rc_dead_letters_read(dlq->history, &dlq->filter, &dlq->cancelled, dlq->arena, &dlq->letters, &dlq->count,
                             &error) != RC_OK)
        return rc_cli_fail(args, RC_EXIT_FAILED, "%s", error.message);
    for (size_t i = 0; i < dlq->count; i++) dlq->open += dlq->letters[i].state == RC_DEAD_OPEN;
    return RC_EXIT_DONE;
}

void rc_dlq_close(rc_dlq_t *dlq)
{
    rc_signals_end_within(RC_SIGNALS_END_MS);
    rc_history_close(dlq->history);
    rc_signals_close();
    rc_config_free(dlq->config);
    rc_arena_free(dlq->arena);
}

/* --- for people --- */

const char *rc_dlq_options(const rc_dlq_t *dlq)
{
    const rc_args_t *args = dlq->args;
    rc_arena_t *arena = dlq->arena;
    char since[RC_TIME_STR_SIZE];
    const char *text = "";
    if (args->integration) text = rc_arena_sprintf(arena, "%s --integration %s", text, args->integration);
    if (args->employee) text = rc_arena_sprintf(arena, "%s --employee %s", text, args->employee);
    if (args->reason) text = rc_arena_sprintf(arena, "%s --reason %s", text, args->reason);
    if (args->since.ms) text = rc_arena_sprintf(arena, "%s --since %s", text, rc_wall_str(args->since, since));
    if (args->given & RC_OPT(OFFSET))
        text = rc_arena_sprintf(arena, "%s --offset %d:%lld", text, (int)args->partition, (long long)args->offset);
    return text;
}

const char *rc_dlq_why(rc_arena_t *arena, const rc_dead_letter_t *letter)
{
    const char *means = rc_dead_reason_means(letter->reason);
    return rc_text_empty(letter->message) ? means : rc_arena_sprintf(arena, "%s: %s", means, letter->message);
}

/* In a table, where the same words would stand in every line. */
static const char *say_why_shortly(rc_arena_t *arena, const rc_dead_letter_t *letter)
{
    if (letter->reason != RC_PARK_REJECTED || rc_text_empty(letter->message)) return rc_dlq_why(arena, letter);
    return rc_arena_sprintf(arena, "refused: %s", letter->message);
}

static const char *say_who(rc_arena_t *arena, const rc_dead_letter_t *letter)
{
    if (!letter->employee_id) return "not known";
    return letter->person ? rc_arena_sprintf(arena, "%s %s", letter->person, letter->employee_id) : letter->employee_id;
}

static const char *say_place(rc_arena_t *arena, const rc_dead_letter_t *letter)
{
    return rc_arena_sprintf(arena, "%d:%lld", (int)letter->partition, (long long)letter->offset);
}

static bool names_several(const rc_dlq_t *dlq)
{
    const char *first = NULL;
    for (size_t i = 0; i < dlq->count; i++) {
        const rc_dead_letter_t *letter = &dlq->letters[i];
        if (letter->state != RC_DEAD_OPEN || !letter->integration_id) continue;
        if (first && strcmp(first, letter->integration_id) != 0) return true;
        first = letter->integration_id;
    }
    return false;
}

static rc_report_t *report_each(const rc_dlq_t *dlq)
{
    bool several = names_several(dlq);
    rc_report_t *report = rc_report_new(several ? "since (UTC)|integration|~employee|event|place|~why"
                                                : "since (UTC)|~employee|event|place|~why");
    for (size_t i = 0; i < dlq->count; i++) {
        const rc_dead_letter_t *letter = &dlq->letters[i];
        const char *cells[6];
        size_t count = 0;
        if (letter->state != RC_DEAD_OPEN) continue;
        cells[count++] = rc_words_moment(dlq->arena, letter->dead_lettered_at);
        if (several) cells[count++] = letter->integration_id ? letter->integration_id : "not known";
        cells[count++] = say_who(dlq->arena, letter);
        cells[count++] = rc_say_type(letter->lane);
        cells[count++] = say_place(dlq->arena, letter);
        cells[count++] = say_why_shortly(dlq->arena, letter);
        rc_report_add(report, cells);
    }
    return report;
}

typedef struct {
    const rc_dead_letter_t *first;
    size_t count;
} group_t;

static int by_count(const void *a, const void *b)
{
    const group_t *one = *(const group_t *const *)a, *other = *(const group_t *const *)b;
    return (one->count < other->count) - (one->count > other->count);
}

static rc_report_t *report_groups(const rc_dlq_t *dlq)
{
    rc_map_t *by_reason = rc_map_new(NULL);
    group_t **groups = rc_arena_alloc(dlq->arena, dlq->open * sizeof(group_t *));
    size_t count = 0;
    for (size_t i = 0; i < dlq->count; i++) {
        const rc_dead_letter_t *letter = &dlq->letters[i];
        if (letter->state != RC_DEAD_OPEN) continue;
        const char *key =
            rc_arena_sprintf(dlq->arena, "%s/%d/%d/%s", letter->integration_id ? letter->integration_id : "",
                             letter->lane, (int)letter->reason, letter->message ? letter->message : "");
        group_t *group = rc_map_get(by_reason, key, strlen(key));
        if (!group) {
            groups[count++] = group = rc_arena_alloc(dlq->arena, sizeof *group);
            group->first = letter;
            (void)rc_map_set(by_reason, key, strlen(key), group);
        }
        group->count++;
    }
    qsort(groups, count, sizeof *groups, by_count);
    rc_report_t *report = rc_report_new(">letters|integration|event|~why|~for example|place");
    for (size_t i = 0; i < count; i++) {
        const rc_dead_letter_t *letter = groups[i]->first;
        const char *cells[] = {rc_arena_sprintf(dlq->arena, "%zu", groups[i]->count),
                               letter->integration_id ? letter->integration_id : "not known",
                               rc_say_type(letter->lane),
                               say_why_shortly(dlq->arena, letter),
                               say_who(dlq->arena, letter),
                               say_place(dlq->arena, letter)};
        rc_report_add(report, cells);
    }
    rc_map_free(by_reason);
    return report;
}

void rc_dlq_print_open(const rc_dlq_t *dlq)
{
    rc_report_t *report = dlq->open > LINES ? report_groups(dlq) : report_each(dlq);
    rc_report_print(report, stdout, "No dead letter waits for a person.");
    rc_report_free(report);
}

/* --- for programs --- */

json_t *rc_dlq_json(const rc_dead_letter_t *letter)
{
    static const char *const states[] = {
        [RC_DEAD_OPEN] = "open", [RC_DEAD_TRYING] = "trying", [RC_DEAD_SETTLED] = "settled"};
    int type = letter->type >= 0 ? letter->type : letter->lane;
    json_t *json = json_object();
    rc_json_put_str(json, "topic", letter->topic);
    (void)json_object_set_new(json, "partition", json_integer(letter->partition));
    (void)json_object_set_new(json, "offset", json_integer(letter->offset));
    rc_json_put_str(json, "integration_id", letter->integration_id);
    rc_json_put_str(json, "employee_id", letter->employee_id);
    if (type >= 0) rc_json_put_str(json, "type", rc_enum_str(&RC_ENUM_EVENT, type));
    if (letter->lane >= 0) rc_json_put_str(json, "lane", rc_enum_str(&RC_ENUM_EVENT, letter->lane));
    if (letter->version > 0) (void)json_object_set_new(json, "version", json_integer(letter->version));
    rc_json_put_str(json, "reason", rc_enum_str(&RC_ENUM_PARK, (int)letter->reason));
    rc_json_put_str(json, "message", letter->message);
    (void)json_object_set_new(json, "attempts", json_integer(letter->attempts));
    rc_json_put_wall(json, "first_failed_at", letter->first_failed_at);
    rc_json_put_wall(json, "dead_lettered_at", letter->dead_lettered_at);
    rc_json_put_str(json, "state", states[letter->state]);
    rc_json_put_str(json, "unreadable", letter->fault);
    return json;
}

json_t *rc_dlq_open_json(const rc_dlq_t *dlq)
{
    json_t *list = json_array();
    for (size_t i = 0; i < dlq->count; i++)
        if (dlq->letters[i].state == RC_DEAD_OPEN) (void)json_array_append_new(list, rc_dlq_json(&dlq->letters[i]));
    return list;
}
