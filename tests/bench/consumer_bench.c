/* What an applied event costs the consumer in CPU, and how well it uses its slots: profile updates of different
 * employees, one write each, on a real broker, against a Learn Amp in a process of its own that answers after a while.
 *
 *     RC_TEST_KAFKA=127.0.0.1:PORT consumer_bench [EVENTS [LATENCY_MS SLOTS]]
 *
 * The budgets (design section 10): 30 µs of CPU for an event without TLS; 90 % of SLOTS / LATENCY_MS at 10 ms with 100
 * slots, and at 100 ms with 1,000. The CPU is that of the whole process: librdkafka's threads, committer and tail too;
 * "consumer_bench" is the loop's thread. */
#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/enroll.h"
#include "common/kafka_producer.h"
#include "common/log.h"
#include "common/topics.h"
#include "consumer/engine/engine.h"
#include "tests/bench/late_server.h"

enum { CHUNK = 2000, PATIENCE_MS = 60000, LOOK_MS = 5 };

static rc_error_t oops;
#define MUST(call) \
    if ((call) != RC_OK) RC_DIE("%s: %s", #call, oops.message)

/* ---- what is published ---- */

static int64_t latency_ms;
static rc_config_t *config;
static rc_kafka_t *kafka;
static rc_enrolment_t enrolment;

static rc_kafka_record_t record_of(rc_arena_t *arena, rc_topic_kind_t topic, const char *key, const rc_buf_t *value)
{
    return (rc_kafka_record_t){.topic = rc_topic_name(config, topic, arena),
                               .partition = -1,
                               .key = key,
                               .key_bytes = strlen(key),
                               .value = rc_arena_strndup(arena, value->data, value->size_bytes),
                               .value_bytes = value->size_bytes};
}

static void publish(rc_kafka_producer_t *producer, long from, long count)
{
    rc_arena_t *arena = rc_arena_new();
    rc_kafka_record_t *records = rc_arena_alloc(arena, 2 * (size_t)count * sizeof *records);
    const rc_change_t change = {"job_title", "Lead"};
    for (long i = 0; i < count; i++) {
        rc_event_t event = {.type = RC_EVENT_PROFILE_UPDATED,
                            .event_id = "00000000-0000-0000-0000-000000000000",
                            .integration_id = config->integrations[0].id,
                            .employee_id = rc_arena_sprintf(arena, "e%ld", from + i),
                            .version = 2,
                            .previous_version = 1,
                            .occurred_at = rc_wall_now(),
                            .trigger = RC_TRIGGER_POLL,
                            .profile = {&change, 1}};
        event.employee = (rc_employee_t){.email = rc_arena_sprintf(arena, "e%ld@acme.example", from + i),
                                         .first_name = "Ann",
                                         .last_name = "Oz",
                                         .job_title = "Head of everything",
                                         .hire_date = RC_DATE_NONE,
                                         .leave_date = RC_DATE_NONE};
        event.deactivated.effective_date = RC_DATE_NONE;
        const rc_snapshot_t snapshot = {.integration_id = event.integration_id,
                                        .employee_id = event.employee_id,
                                        .version = 2,
                                        .previous_version = 1,
                                        .presence = RC_PRESENCE_EMPLOYED,
                                        .occurred_at = event.occurred_at,
                                        .employee = event.employee,
                                        .effective_date = RC_DATE_NONE};
        const char *key = rc_employee_key(arena, event.integration_id, event.employee_id);
        rc_buf_t value = RC_BUF_INIT(65536);
        MUST(rc_codec_encode_snapshot(enrolment.codec, &snapshot, &value, &oops));
        records[i] = record_of(arena, RC_TOPIC_SNAPSHOT, key, &value);
        rc_buf_reset(&value);
        MUST(rc_codec_encode_event(enrolment.codec, &event, &value, &oops));
        records[count + i] = record_of(arena, RC_TOPIC_PROFILE_UPDATED, key, &value);
        records[count + i].headers = rc_headers_event(arena, &event);
        rc_buf_fini(&value);
    }
    MUST(rc_kafka_producer_send(producer, records, 2 * (size_t)count, PATIENCE_MS, NULL, &oops));
    rc_arena_free(arena);
}

/* ---- the run ---- */

/* CPU that the threads of one name have taken. */
typedef struct {
    char name[32];
    double seconds;
} thread_t;

enum { THREADS_MAX = 64 };

typedef struct {
    double at_s, user_s, system_s, count;
    thread_t threads[THREADS_MAX]; /* ends with one without a name */
} look_t;

typedef struct {
    rc_loop_t *loop;
    rc_engine_t *engine;
    rc_series_t *applied;
    long events;
    look_t began, ended; /* at the first and the last tenth */
    double in_flight_sum, ready_sum, held_sum;
    long looks;
} run_t;

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static bool read_line(const char *task, const char *file, char *line, int size)
{
    char path[320];
    (void)snprintf(path, sizeof path, "/proc/self/task/%s/%s", task, file);
    FILE *from = fopen(path, "re");
    bool fine = from && fgets(line, size, from);
    if (from) (void)fclose(from);
    return fine;
}

/* The number of a broker's thread is of no interest ("rdk:broker1", "rdk:broker-1"). */
static void add_thread(look_t *look, char *name, double seconds)
{
    name[strcspn(name, "\n-0123456789")] = '\0';
    thread_t *thread = look->threads;
    while (*thread->name && strcmp(thread->name, name) != 0) thread++;
    if (thread == look->threads + THREADS_MAX - 1) return;
    (void)snprintf(thread->name, sizeof thread->name, "%s", name);
    thread->seconds += seconds;
}

static void look_at_threads(look_t *look)
{
    DIR *tasks = opendir("/proc/self/task");
    const struct dirent *task;
    char name[32], times[128];
    while (tasks && (task = readdir(tasks)))
        if (*task->d_name != '.' && read_line(task->d_name, "comm", name, sizeof name) &&
            read_line(task->d_name, "schedstat", times, sizeof times))
            add_thread(look, name, strtod(times, NULL) / 1e9);
    if (tasks) (void)closedir(tasks);
}

static void take_look(look_t *look, double count)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    *look = (look_t){.at_s = (double)rc_mono_now().ms / 1000,
                     .user_s = seconds_of(usage.ru_utime),
                     .system_s = seconds_of(usage.ru_stime),
                     .count = count};
    look_at_threads(look);
}

static void look(void *opaque)
{
    run_t *run = opaque;
    double count = rc_series_value(run->applied), tenth = (double)run->events / 10;
    if (run->began.at_s <= 0 && count >= tenth) take_look(&run->began, count);
    if (run->began.at_s > 0 && run->ended.at_s <= 0) {
        const rc_site_t *site = rc_engine_site(run->engine, config->integrations[0].id);
        run->in_flight_sum += site->in_flight;
        run->ready_sum += (double)site->ready_count;
        run->held_sum += (double)site->records;
        run->looks++;
    }
    if (run->ended.at_s <= 0 && count >= 9 * tenth) {
        take_look(&run->ended, count);
        rc_engine_stop(run->engine);
    }
}

static double seconds_before(const look_t *look, const char *name)
{
    for (const thread_t *thread = look->threads; *thread->name; thread++)
        if (strcmp(thread->name, name) == 0) return thread->seconds;
    return 0;
}

static void print(const run_t *run, long slots)
{
    const look_t *from = &run->began, *to = &run->ended;
    double count = to->count - from->count, rate = count / (to->at_s - from->at_s);
    double user_us = 1e6 * (to->user_s - from->user_s) / count;
    double system_us = 1e6 * (to->system_s - from->system_s) / count;
    (void)printf("%5lld ms, %4ld slots: %8.0f events/s, %5.1f %% of what is possible; %5.1f us of CPU an event (%.1f "
                 "user, %.1f system); on average %.0f slots in use, %.0f records ready, %.0f in memory\n ",
                 (long long)latency_ms, slots, rate, 100 * rate * (double)latency_ms / (1000 * (double)slots),
                 user_us + system_us, user_us, system_us, run->in_flight_sum / (double)run->looks,
                 run->ready_sum / (double)run->looks, run->held_sum / (double)run->looks);
    for (const thread_t *thread = to->threads; *thread->name; thread++)
        (void)printf(" %s %.1f,", thread->name, 1e6 * (thread->seconds - seconds_before(from, thread->name)) / count);
    (void)printf(" us by thread\n");
    (void)fflush(stdout);
}

static void stopped(void *opaque, bool failed)
{
    run_t *run = opaque;
    if (failed) RC_DIE("the engine failed");
    rc_loop_stop(run->loop);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info, (void)type, (void)walk;
    return remove(path);
}

static void parse_config(unsigned port, long slots, const char *directory)
{
    char text[4096];
    rc_buf_t problems = RC_BUF_INIT(65536);
    long long mark = (long long)rc_wall_now().ms;
    int length =
        snprintf(text, sizeof text,
                 "kafka: {bootstrap.servers: \"%s\", topic_prefix: \"bench%lld.\", partitions: 12, replication_factor: "
                 "1}\ninstance: bench\nstate_dir: \"%s\"\nconsumer: {application: bench%lld}\nintegrations:\n"
                 "- {id: \"personio:bench\", kombo: {api_key: k}, learnamp: {base_url: \"http://127.0.0.1:%u\", "
                 "client_id: c, client_secret: s, requests_per_second: 0, max_in_flight: %ld}, policy: {primary_team: "
                 "[]}}\n",
                 getenv("RC_TEST_KAFKA"), mark, directory, mark, port, slots);
    if (rc_config_parse("bench.yaml", text, (size_t)length, &config, &problems) != RC_OK) RC_DIE("%s", problems.data);
    rc_buf_fini(&problems);
}

static void measure(long events, long slots)
{
    char directory[] = "/tmp/rollcall-bench.XXXXXX";
    unsigned port;
    pid_t learnamp = rc_late_server_start(latency_ms * 1000, &port);
    if (!mkdtemp(directory)) RC_DIE("no folder");
    parse_config(port, slots, directory);
    rc_kafka_admin_t *admin;
    rc_kafka_producer_t *producer;
    rc_topics_result_t topics;
    rc_arena_t *arena = rc_arena_new();
    MUST(rc_kafka_new(config, "rollcall-consumer", &kafka, &oops));
    MUST(rc_kafka_admin_open(kafka, &admin, &oops));
    MUST(rc_topics_setup(admin, config, true, PATIENCE_MS, NULL, arena, &topics, &oops));
    MUST(rc_enrol_writer(kafka, NULL, &enrolment, &oops));
    MUST(rc_kafka_producer_open(kafka, &producer, &oops));
    for (long at = 0; at < events; at += CHUNK) publish(producer, at, events - at < CHUNK ? events - at : CHUNK);
    rc_kafka_producer_close(producer);

    run_t run = {.events = events, .loop = rc_loop_new()};
    rc_metrics_t *metrics = rc_metrics_new(RC_METRICS_CONSUMER);
    run.applied =
        rc_metrics_series(metrics, RC_METRIC_EVENTS_FINISHED, config->integrations[0].id, "profile-updated", "APPLIED");
    const rc_engine_options_t options = {.kafka = kafka,
                                         .codec = enrolment.codec,
                                         .metrics = metrics,
                                         .loop = run.loop,
                                         .events = 1u << RC_EVENT_PROFILE_UPDATED,
                                         .stopped = stopped,
                                         .opaque = &run};
    MUST(rc_engine_new(&options, &run.engine, &oops));
    rc_loop_timer_t *timer = rc_loop_timer_new(run.loop, look, &run);
    rc_loop_timer_start(timer, LOOK_MS, LOOK_MS);
    rc_loop_run(run.loop);
    rc_loop_timer_free(timer);
    rc_engine_close(run.engine);
    rc_loop_free(run.loop);
    rc_engine_free(run.engine);

    print(&run, slots);
    rc_metrics_free(metrics);
    rc_enrolment_fini(&enrolment);
    rc_kafka_admin_close(admin);
    rc_kafka_free(kafka);
    rc_config_free(config);
    rc_arena_free(arena);
    (void)nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    rc_late_server_stop(learnamp);
}

int main(int argc, char **argv)
{
    if (!getenv("RC_TEST_KAFKA")) {
        (void)fprintf(stderr, "RC_TEST_KAFKA names no broker; start one with deploy/kafka.sh start\n");
        return 77;
    }
    long events = argc > 1 ? strtol(argv[1], NULL, 10) : 40000;
    rc_log_open(&(rc_log_options_t){.level = RC_LEVEL_WARN, .format = RC_FORMAT_TEXT, .program = "consumer_bench"});
    if (argc > 3) {
        latency_ms = strtol(argv[2], NULL, 10);
        measure(events, strtol(argv[3], NULL, 10));
        return EXIT_SUCCESS;
    }
    latency_ms = 10;
    measure(events, 100);
    /* A process of its own: what the first run left behind is not the second one's. */
    char count[24];
    (void)snprintf(count, sizeof count, "%ld", events);
    (void)execl("/proc/self/exe", argv[0], count, "100", "1000", (char *)NULL);
    return EXIT_FAILURE;
}
