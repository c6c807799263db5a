/* What a poll of a large company costs on a real broker (RC_TEST_KAFKA): publishing everybody, and full scans in which
 * nothing changed (design section 12: 100,000 changes in 5 s; 150,000 employees a second of CPU). The stand-in of Kombo
 * serves on threads of its own, whose CPU does not count.
 *
 *     producer_bench [PEOPLE] */
#include <time.h>

#include "producer/poll_steps.h"
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
    double began = read_clock(CLOCK_MONOTONIC), cpu = read_clock(CLOCK_THREAD_CPUTIME_ID);
    rig_poll(rig, RC_POLL_FULL);
    cpu = read_clock(CLOCK_THREAD_CPUTIME_ID) - cpu;
    (void)printf("%-24s %8.2f s, of it publishing %6.2f s; %6.2f s of CPU, %9.0f employees/s of CPU; %ld MiB\n", what,
                 read_clock(CLOCK_MONOTONIC) - began, published_s, cpu, (double)people / cpu, anonymous_mib());
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
