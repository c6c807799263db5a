/* What a poll of a large company costs on a real broker (RC_TEST_KAFKA): publishing everybody, and full scans in which
 * nothing changed (design section 10: 100,000 changes in 5 s; 150,000 employees a second of CPU). A poll is one
 * thread's work, with all that the kernel does for it; beside its CPU stands that of all threads of the producer
 * together. The stand-in of Kombo serves on threads of its own, which do not count.
 *
 *     producer_bench [PEOPLE] */
#include <dirent.h>
#include <time.h>

#include "producer/poll/poll_steps.h"
#include "tests/integration/producer_rig.h"

enum { SCANS = 3, STATUS_LINE = 256 };

static uint32_t people = 100000;
static double published_s;

rc_code_t __real_rc_run_publish(rc_run_t *run, rc_arena_t *arena, rc_error_t *error);
rc_code_t __wrap_rc_run_publish(rc_run_t *run, rc_arena_t *arena, rc_error_t *error);

static double read_clock(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

rc_code_t __wrap_rc_run_publish(rc_run_t *run, rc_arena_t *arena, rc_error_t *error)
{
    double began = read_clock(CLOCK_MONOTONIC);
    rc_code_t result = __real_rc_run_publish(run, arena, error);
    published_s = read_clock(CLOCK_MONOTONIC) - began;
    return result;
}

/* CPU of one thread by the scheduler's books; 0: of the stand-in (libmicrohttpd names its threads), or it has ended. */
static double thread_cpu_s(const char *id)
{
    char path[STATUS_LINE], line[STATUS_LINE] = "";
    bool counts = false;
    (void)snprintf(path, sizeof path, "/proc/self/task/%s/comm", id);
    FILE *file = fopen(path, "r");
    if (file) {
        counts = fgets(line, sizeof line, file) && strncmp(line, "MHD-", 4) != 0;
        (void)fclose(file);
    }
    (void)snprintf(path, sizeof path, "/proc/self/task/%s/schedstat", id);
    file = counts ? fopen(path, "r") : NULL;
    counts = file && fgets(line, sizeof line, file);
    if (file) (void)fclose(file);
    return counts ? strtod(line, NULL) / 1e9 : 0;
}

static double producer_cpu_s(void)
{
    double sum = 0;
    struct dirent *entry;
    DIR *folder = opendir("/proc/self/task");
    while (folder && (entry = readdir(folder)) != NULL)
        if (entry->d_name[0] != '.') sum += thread_cpu_s(entry->d_name);
    if (folder) (void)closedir(folder);
    return sum;
}

/* Memory that is not a mapped file: the stand-in's too. */
static long anonymous_mib(void)
{
    char line[STATUS_LINE];
    long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "RssAnon:", 8) == 0) kib = strtol(line + 8, NULL, 10);
    if (file) (void)fclose(file);
    return kib / 1024;
}

static void measure(rig_t *rig, const char *what)
{
    double began = read_clock(CLOCK_MONOTONIC), cpu = read_clock(CLOCK_THREAD_CPUTIME_ID), all_cpu = producer_cpu_s();
    rig_poll(rig, RC_POLL_FULL);
    cpu = read_clock(CLOCK_THREAD_CPUTIME_ID) - cpu;
    all_cpu = producer_cpu_s() - all_cpu;
    (void)printf(
        "%-24s %6.2f s, of it publishing %5.2f s; CPU %5.2f s, %7.0f employees/s, all threads %5.2f s; %ld MiB\n", what,
        read_clock(CLOCK_MONOTONIC) - began, published_s, cpu, (double)people / cpu, all_cpu, anonymous_mib());
    (void)fflush(stdout);
}

START_TEST(polls_of_a_large_company)
{
    rig_t rig;
    char prefix[48], directory[48], text[RIG_TEXT_SIZE];
    rig_page_size = 250;
    rig_places(prefix, directory);
    sandbox_start(people, false);
    rig_open(&rig, rig_text(text, prefix, "bench", directory, ""));
    measure(&rig, "first import");
    for (int i = 0; i < SCANS; i++) measure(&rig, i ? "full scan" : "full scan, nothing known");
    rig_close(&rig);
    sandbox_stop();
    rig_remove(directory);
}
END_TEST

int main(int argc, char **argv)
{
    if (!rc_cluster_is_there()) return RC_CLUSTER_ABSENT;
    if (argc > 1) people = (uint32_t)strtoul(argv[1], NULL, 10);
    Suite *suite = suite_create("producer bench");
    TCase *tcase = tcase_create("polls");
    SRunner *runner = srunner_create(suite);
    tcase_set_timeout(tcase, 0);
    tcase_add_test(tcase, polls_of_a_large_company);
    suite_add_tcase(suite, tcase);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
