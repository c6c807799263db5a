#include "producer/commands/plan/picture.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/later.h"
#include "common/topics.h"

enum { ASK_TIMEOUT_MS = 10000 };

static const char FOLDER_PREFIX[] = "plan.";

/* ---- The folder ---- */

static void remove_folder(const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    while (folder && (entry = readdir(folder)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            (void)unlinkat(dirfd(folder), entry->d_name, 0);
    if (folder) (void)closedir(folder);
    (void)rmdir(path);
}

/* Of those who were killed: people's data is in them. */
static void remove_leftovers(const char *instance)
{
    DIR *folder = opendir(instance);
    const struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        if (strncmp(entry->d_name, FOLDER_PREFIX, sizeof FOLDER_PREFIX - 1) != 0) continue;
        long pid = strtol(entry->d_name + sizeof FOLDER_PREFIX - 1, NULL, 10);
        bool alive = pid != (long)getpid() && (kill((pid_t)pid, 0) == 0 || errno != ESRCH);
        if (pid <= 0 || alive) continue;
        char *path = rc_sprintf("%s/%s", instance, entry->d_name);
        remove_folder(path);
        free(path);
    }
    if (folder) (void)closedir(folder);
}

static bool is_missing(const char *path)
{
    struct stat there;
    return stat(path, &there) != 0 && errno == ENOENT;
}

static void choose_folder(rc_picture_t *picture, const rc_config_t *config)
{
    picture->instance = rc_sprintf("%s/%s", config->state_dir, config->instance);
    picture->folder = rc_sprintf("%s/%s%ld", picture->instance, FOLDER_PREFIX, (long)getpid());
    picture->made_state_dir = is_missing(config->state_dir);
    picture->made_instance = is_missing(picture->instance);
    remove_leftovers(picture->instance);
}

/* ---- What Kafka has ---- */

/* Nothing is created: a cluster without topics is one before the first import. */
static rc_code_t look_for_topics(rc_picture_t *picture, const rc_config_t *config, int64_t timeout_ms,
                                 rc_error_t *error)
{
    static const rc_topic_kind_t kinds[] = {RC_TOPIC_SNAPSHOT, RC_TOPIC_STATE, RC_TOPIC_PENDING, RC_TOPIC_SCHEMAS};
    enum { COUNT = sizeof kinds / sizeof *kinds };
    rc_kafka_admin_t *admin = NULL;
    rc_kafka_topic_info_t infos[COUNT] = {{.name = NULL}};
    rc_arena_t *arena = rc_arena_new_sized(512);
    size_t there = 0;
    for (size_t i = 0; i < COUNT; i++) infos[i].name = rc_topic_name(config, kinds[i], arena);
    rc_code_t code = rc_kafka_admin_open(picture->kafka, &admin, error);
    if (code == RC_OK) code = rc_kafka_admin_topics(admin, infos, COUNT, false, timeout_ms, error);
    for (size_t i = 0; code == RC_OK && i < COUNT; i++) {
        there += infos[i].partitions > 0;
        if (infos[i].partitions > 0 && infos[i].partitions != config->kafka.partitions)
            code = rc_error_set(error, RC_CONFIG, RC_REJECT,
                                "the topic %s has %d partitions, and kafka.partitions is %d; see `rollcall-producer "
                                "topics`",
                                infos[i].name, (int)infos[i].partitions, config->kafka.partitions);
    }
    for (size_t i = 0; code == RC_OK && there > 0 && i < COUNT; i++)
        if (infos[i].partitions == 0)
            code =
                rc_error_set(error, RC_CONFIG, RC_REJECT,
                             "the topic %s is missing, while others are there; make it with `rollcall-producer topics`",
                             infos[i].name);
    picture->topics = there > 0;
    rc_kafka_admin_close(admin);
    rc_arena_free(arena);
    return code;
}

static rc_code_t take(rc_picture_t *picture, const rc_config_t *config, int64_t wait_ms, const atomic_bool *stop,
                      rc_error_t *error)
{
    rc_code_t code = rc_kafka_new(config, "rollcall-producer-plan", &picture->kafka, error);
    if (code == RC_OK)
        code = look_for_topics(picture, config, wait_ms < ASK_TIMEOUT_MS ? wait_ms : ASK_TIMEOUT_MS, error);
    if (code != RC_OK && error->disposition == RC_RETRY)
        return rc_error_prefix(error, "Kafka does not answer; see `rollcall-producer check`");
    if (code != RC_OK) return code;
    rc_enrol_reader(config, &picture->enrolment);
    picture->codec = rc_codec_new(picture->enrolment.store, RC_WIRE_SINGLE_OBJECT);
    return rc_views_picture(picture->kafka, &picture->enrolment, picture->folder, picture->topics, stop,
                            &picture->views, error);
}

typedef struct {
    atomic_bool *stop;
    atomic_bool late;
} patience_t;

static void give_up(void *opaque)
{
    patience_t *patience = opaque;
    atomic_store(&patience->late, true);
    atomic_store(patience->stop, true);
}

/* A tail waits for Kafka as long as it takes; who asks wants an end. */
rc_code_t rc_picture_init(rc_picture_t *picture, const rc_config_t *config, int64_t wait_ms, atomic_bool *stop,
                          rc_error_t *error)
{
    patience_t patience = {.stop = stop};
    char waited[RC_TIME_STR_SIZE];
    *picture = (rc_picture_t){.kafka = NULL};
    choose_folder(picture, config);
    rc_later_t *later = rc_later_new();
    rc_later_add(later, wait_ms, give_up, NULL, &patience);
    rc_code_t code = take(picture, config, wait_ms, stop, error);
    rc_later_free(later);
    if (code != RC_CANCELLED || !atomic_load(&patience.late)) return code;
    return rc_error_set(error, RC_TIMEOUT, RC_RETRY,
                        "Kafka was not read to its end within %s; see `rollcall-producer check`, or wait longer "
                        "(--wait)",
                        rc_duration_str(wait_ms, waited));
}

void rc_picture_fini(rc_picture_t *picture)
{
    rc_views_free(picture->views);
    rc_codec_free(picture->codec);
    rc_enrolment_fini(&picture->enrolment);
    rc_kafka_free(picture->kafka);
    if (picture->folder) remove_folder(picture->folder);
    if (picture->made_instance) (void)rmdir(picture->instance);
    char *slash = picture->made_state_dir ? strrchr(picture->instance, '/') : NULL;
    if (slash) {
        *slash = '\0';
        (void)rmdir(picture->instance);
    }
    free(picture->instance);
    free(picture->folder);
}
