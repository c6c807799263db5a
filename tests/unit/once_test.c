/* The command `once` where Kafka is not there. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/mem.h"
#include "producer/commands/commands.h"
#include "tests/support/scratch.h"
#include "tests/support/unit.h"

START_TEST(once_does_not_wait_for_kafka_longer_than_it_was_told)
{
    static const rc_cli_program_t program = {.name = "once_test"};
    char *folder = rc_scratch_new(), *path = rc_sprintf("%s/rollcall.yaml", folder);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    (void)fprintf(file,
                  "kafka: { bootstrap.servers: \"127.0.0.1:1\" }\nstate_dir: %s\nintegrations:\n"
                  "  - { id: \"t:1\", kombo: { api_key: k }, learnamp: { client_id: c, client_secret: s } }\n",
                  folder);
    (void)fclose(file);
    const rc_args_t args = {.config = path, .json = true, .wait_ms = 300, .program = &program};
    rc_mono_t before = rc_mono_now();
    ck_assert_int_eq(rc_producer_once(&args), RC_EXIT_FAILED);
    ck_assert_int_lt(rc_mono_now().ms - before.ms, rc_unit_patience_ms(20000));
    free(path);
    rc_scratch_remove(folder);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("once");
    TCase *tests = tcase_create("once");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, once_does_not_wait_for_kafka_longer_than_it_was_told);
    suite_add_tcase(all, tests);
    return all;
}

int main(void)
{
    return rc_unit_run(suite());
}
