/* rollcall-events: the employee events on Kafka, decoded, as a table or as JSON. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/log.h"
#include "common/report.h"
#include "tests/sandbox/events.h"
#include "tests/sandbox/story.h"

enum { EXIT_USAGE = 2, MAX_CONFIG_BYTES = 64 * 1024 };

static const char HELP[] =
    "rollcall-events: shows the employee events on Kafka, decoded\n\n"
    "Usage: rollcall-events --brokers HOST:PORT[,…] [options]\n"
    "       rollcall-events --config FILE [options]\n\n"
    "  --brokers LIST     where Kafka is\n"
    "  --prefix TEXT      what the topics begin with (default hris.)\n"
    "  --config FILE      Rollcall's configuration instead of these two\n"
    "  --since TIME       published since: 2026-11-22T16:00:00Z, or how long ago (2h)\n"
    "  --events LIST      types, separated by commas: created, profile-updated, team-changed, deactivated\n"
    "  --integration ID   of this integration only\n"
    "  --employee ID      of this employee only\n"
    "  --wait N           wait until there are N of them\n"
    "  --timeout DURATION how long (default 60s)\n"
    "  --first N          show no more than the first N, and say how many there are\n"
    "  --follow           go on with those that come, until interrupted\n"
    "  --json             one JSON document; with --follow one a line\n";

typedef struct {
    const char *brokers, *prefix, *config;
    sb_events_filter_t filter;
    size_t wait, first;
    int64_t timeout_ms;
    bool follow, json;
} options_t;

__attribute__((format(printf, 1, 2))) static int complain(const char *format, ...)
{
    va_list list;
    (void)fputs("rollcall-events: ", stderr);
    va_start(list, format);
    (void)vfprintf(stderr, format, list);
    va_end(list);
    (void)fputs("; rollcall-events --help says more\n", stderr);
    return EXIT_USAGE;
}

static bool parse_since(const char *text, rc_wall_t *since)
{
    int64_t ago_ms;
    if (rc_wall_parse(text, since, NULL) == RC_OK) return true;
    if (rc_duration_parse(text, &ago_ms, NULL) != RC_OK) return false;
    *since = (rc_wall_t){rc_wall_now().ms - ago_ms};
    return true;
}

static bool parse_types(const char *text, uint32_t *types)
{
    *types = 0;
    for (;;) {
        char name[32];
        size_t length = strcspn(text, ",");
        (void)snprintf(name, sizeof name, "%.*s", (int)length, text);
        int type = rc_enum_parse(&RC_ENUM_EVENT, name);
        if (type < 0) return false;
        *types |= 1u << type;
        if (!text[length]) return true;
        text += length + 1;
    }
}

static bool parse_count(const char *text, size_t *count)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    *count = (size_t)value;
    return *text >= '0' && *text <= '9' && !*end && !errno;
}

/* 0: go on; else the exit code plus one. */
static int parse(int argc, char **argv, options_t *options)
{
    enum {
        BROKERS = 1,
        PREFIX,
        CONFIG,
        SINCE,
        EVENTS,
        INTEGRATION,
        EMPLOYEE,
        WAIT,
        TIMEOUT,
        FIRST,
        FOLLOW,
        JSON,
        HELP_
    };
    static const struct option known[] = {{"brokers", required_argument, NULL, BROKERS},
                                          {"prefix", required_argument, NULL, PREFIX},
                                          {"config", required_argument, NULL, CONFIG},
                                          {"since", required_argument, NULL, SINCE},
                                          {"events", required_argument, NULL, EVENTS},
                                          {"integration", required_argument, NULL, INTEGRATION},
                                          {"employee", required_argument, NULL, EMPLOYEE},
                                          {"wait", required_argument, NULL, WAIT},
                                          {"timeout", required_argument, NULL, TIMEOUT},
                                          {"first", required_argument, NULL, FIRST},
                                          {"follow", no_argument, NULL, FOLLOW},
                                          {"json", no_argument, NULL, JSON},
                                          {"help", no_argument, NULL, HELP_},
                                          {NULL, 0, NULL, 0}};
    static const char *const wanted[] = {[SINCE] = "a time like 2026-11-22T16:00:00Z, or how long ago, like 2h",
                                         [EVENTS] = "created, profile-updated, team-changed or deactivated, "
                                                    "separated by commas",
                                         [WAIT] = "a number",
                                         [TIMEOUT] = "a duration, like 30s",
                                         [FIRST] = "a number"};
    int option, index = 0;
    bool fine = true;
    opterr = 0; /* its words would name the program by its path */
    while (fine && (option = getopt_long(argc, argv, ":", known, &index)) != -1) {
        switch (option) {
        case BROKERS:
            options->brokers = optarg;
            break;
        case PREFIX:
            options->prefix = optarg;
            break;
        case CONFIG:
            options->config = optarg;
            break;
        case SINCE:
            fine = parse_since(optarg, &options->filter.since);
            break;
        case EVENTS:
            fine = parse_types(optarg, &options->filter.types);
            break;
        case INTEGRATION:
            options->filter.integration_id = optarg;
            break;
        case EMPLOYEE:
            options->filter.employee_id = optarg;
            break;
        case WAIT:
            fine = parse_count(optarg, &options->wait);
            break;
        case TIMEOUT:
            fine = rc_duration_parse(optarg, &options->timeout_ms, NULL) == RC_OK;
            break;
        case FIRST:
            fine = parse_count(optarg, &options->first);
            break;
        case FOLLOW:
            options->follow = true;
            break;
        case JSON:
            options->json = true;
            break;
        case HELP_:
            (void)fputs(HELP, stdout);
            return EXIT_SUCCESS + 1;
        case ':':
            return complain("%s needs a value", argv[optind - 1]) + 1;
        default:
            return complain("%s is no option, or takes no value", argv[optind - 1]) + 1;
        }
    }
    if (!fine) return complain("--%s: \"%s\" is wrong; write %s", known[index].name, optarg, wanted[option]) + 1;
    if (optind < argc) return complain("%s: only options are taken", argv[optind]) + 1;
    if (!options->brokers && !options->config) return complain("give --brokers or --config") + 1;
    if (options->brokers && options->config) return complain("--brokers and --config: give one of them") + 1;
    return 0;
}

/* Rollcall's configuration, or one that holds no more than the addresses. */
static rc_config_t *load(const options_t *options)
{
    rc_config_t *config = NULL;
    rc_buf_t text = RC_BUF_INIT(MAX_CONFIG_BYTES), problems = RC_BUF_INIT(MAX_CONFIG_BYTES);
    rc_code_t code;
    if (options->config) {
        code = rc_config_load(options->config, &config, &problems);
    } else {
        (void)rc_buf_add_format(&text,
                                "kafka: {bootstrap.servers: \"%s\", topic_prefix: \"%s\"}\n"
                                "integrations: [{id: \"none:none\", kombo: {api_key: none},\n"
                                "                learnamp: {client_id: none, client_secret: none}}]\n",
                                options->brokers, options->prefix);
        code = rc_config_parse("the command line", text.data, text.size_bytes, &config, &problems);
    }
    if (code) (void)fwrite(problems.data, 1, problems.size_bytes, stderr);
    rc_buf_fini(&text);
    rc_buf_fini(&problems);
    return code ? NULL : config;
}

/* --- what is shown --- */

typedef struct {
    rc_wall_t at;
    int64_t version;
    rc_event_type_t type;
    const char *who, *what;
    json_t *json; /* owned */
} row_t;

typedef struct {
    const options_t *options;
    rc_arena_t *arena;
    row_t *rows;
    size_t count, capacity;
} view_t;

static json_t *to_json(const rc_event_t *event, const sb_published_t *published, const row_t *row)
{
    const rc_employee_t *employee = &event->employee;
    json_t *json = json_object();
    rc_json_put_str(json, "type", rc_enum_str(&RC_ENUM_EVENT, (int)event->type));
    rc_json_put_str(json, "event_id", event->event_id);
    rc_json_put_str(json, "integration_id", event->integration_id);
    rc_json_put_str(json, "employee_id", event->employee_id);
    (void)json_object_set_new(json, "version", json_integer(event->version));
    (void)json_object_set_new(json, "previous_version", json_integer(event->previous_version));
    rc_json_put_wall(json, "occurred_at", event->occurred_at);
    rc_json_put_str(json, "trigger", rc_enum_str(&RC_ENUM_TRIGGER, (int)event->trigger));
    rc_json_put_str(json, "what", row->what);
    rc_json_put_str(json, "first_name", employee->first_name);
    rc_json_put_str(json, "last_name", employee->last_name);
    rc_json_put_str(json, "email", employee->email);
    rc_json_put_str(json, "status", rc_enum_str(&RC_ENUM_STATUS, (int)employee->status));
    rc_json_put_str(json, "job_title", employee->job_title);
    rc_json_put_str(json, "team", employee->primary_team.name);
    rc_json_put_str(json, "topic", published->topic);
    (void)json_object_set_new(json, "partition", json_integer(published->partition));
    (void)json_object_set_new(json, "offset", json_integer(published->offset));
    rc_json_put_wall(json, "published_at", published->at);
    return json;
}

enum { WHO_COLUMNS = 24 };

static void show_now(const row_t *row)
{
    char at[RC_TIME_STR_SIZE];
    if (row->json) {
        char *text = rc_json_text(row->json, false);
        (void)puts(text);
        free(text);
    } else {
        size_t width = rc_text_width(row->who);
        int gap = width < WHO_COLUMNS ? (int)(WHO_COLUMNS - width) : 0;
        (void)printf("%s  %-15s  %s%*s  %s\n", rc_wall_str(row->at, at), rc_enum_str(&RC_ENUM_EVENT, (int)row->type),
                     row->who, gap, "", row->what);
    }
    (void)fflush(stdout);
}

static void take(void *opaque, const rc_event_t *event, const sb_published_t *published)
{
    view_t *view = opaque;
    row_t row = {.at = published->at,
                 .version = event->version,
                 .type = event->type,
                 .who = sb_story_who(event, view->arena),
                 .what = sb_story_what(event, view->arena)};
    row.who = rc_arena_strdup(view->arena, row.who); /* it may be the event's own */
    if (view->options->json) row.json = to_json(event, published, &row);
    if (view->options->follow) {
        show_now(&row);
        json_decref(row.json);
        rc_arena_reset(view->arena);
        return;
    }
    if (view->count == view->capacity) {
        view->capacity = view->capacity ? view->capacity * 2 : 256;
        view->rows = rc_realloc(view->rows, view->capacity * sizeof *view->rows);
    }
    view->rows[view->count++] = row;
}

/* In the order of their versions: partitions have none among each other. */
static int compare(const void *a, const void *b)
{
    const row_t *one = a, *two = b;
    if (one->version != two->version) return one->version < two->version ? -1 : 1;
    int who = strcmp(one->who, two->who);
    return who ? who : (int)one->type - (int)two->type;
}

static void show_table(const view_t *view, size_t shown)
{
    rc_report_t *report = rc_report_new("event|who|version|~what changed");
    for (size_t i = 0; i < shown; i++)
        rc_report_add_format(report, "%s\t%s\t%lld\t%s", rc_enum_str(&RC_ENUM_EVENT, (int)view->rows[i].type),
                             view->rows[i].who, (long long)view->rows[i].version, view->rows[i].what);
    rc_report_print(report, stdout, "no events");
    if (shown < view->count) (void)printf("… and %zu more\n", view->count - shown);
    rc_report_free(report);
}

static void show_json(const view_t *view, size_t shown)
{
    json_t *list = json_array();
    for (size_t i = 0; i < shown; i++) (void)json_array_append(list, view->rows[i].json);
    json_t *document = json_pack("{s:I, s:o}", "count", (json_int_t)view->count, "events", list);
    char *text = rc_json_text(document, true);
    (void)puts(text);
    free(text);
    json_decref(document);
}

static void show(view_t *view)
{
    size_t shown = view->options->first && view->options->first < view->count ? view->options->first : view->count;
    if (view->count) qsort(view->rows, view->count, sizeof *view->rows, compare);
    if (view->options->json)
        show_json(view, shown);
    else
        show_table(view, shown);
}

int main(int argc, char **argv)
{
    options_t options = {.prefix = "hris.", .timeout_ms = 60000, .filter = {.types = (1u << RC_EVENT_COUNT) - 1}};
    int end = parse(argc, argv, &options);
    if (end) return end - 1;
    rc_log_open(&(rc_log_options_t){.level = RC_LEVEL_ERROR, .program = "rollcall-events"});
    rc_config_t *config = load(&options);
    if (!config) return EXIT_USAGE;

    rc_error_t error = RC_ERROR_INIT;
    view_t view = {.options = &options, .arena = rc_arena_new()};
    size_t enough = options.follow ? SIZE_MAX : options.wait;
    rc_code_t code =
        sb_events_read(config, &options.filter, enough, options.follow ? 0 : options.timeout_ms, take, &view, &error);
    if (!options.follow && (code == RC_OK || code == RC_TIMEOUT)) show(&view);
    if (code) (void)fprintf(stderr, "rollcall-events: %s\n", error.message);
    for (size_t i = 0; i < view.count; i++) json_decref(view.rows[i].json);
    free(view.rows);
    rc_arena_free(view.arena);
    rc_config_free(config);
    return code == RC_OK ? EXIT_SUCCESS : code == RC_CONFIG ? EXIT_USAGE : EXIT_FAILURE;
}
