#include "common/kafka_consumer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/kafka_group.h"
#include "common/kafka_handle.h"
#include "common/log.h"
#include "common/mutant.h"

enum { SLICE_MS = 500, AGAIN_MS = 50 };

struct rc_kafka_consumer {
    rc_kafka_handle_t handle;
    rd_kafka_queue_t *queue;
    int fd; /* an eventfd: never full, one read empties it */
};

rc_code_t rc_kafka_consumer_open(const rc_kafka_t *kafka, const char *group_id, const char *group_instance_id,
                                 rc_kafka_consumer_t **out, rc_error_t *error)
{
    const rc_kafka_setting_t extra[] = {{"group.id", group_id}, {"group.instance.id", group_instance_id}, {NULL, NULL}};
    static const uint64_t one = 1;
    rd_kafka_conf_t *conf;
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0) return rc_error_set(error, RC_IO, RC_RETRY, "eventfd: %s", strerror(errno));
    rc_kafka_consumer_t *consumer = rc_zalloc(sizeof *consumer);
    rc_code_t code = rc_kafka_conf(kafka, RC_ROLE_CONSUMER, extra, &conf, error);
    if (code) goto cleanup;
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_ERROR);
    code = rc_kafka_handle_open(kafka, RD_KAFKA_CONSUMER, conf, &consumer->handle, error);
    if (code) goto cleanup;
    (void)rd_kafka_poll_set_consumer(consumer->handle.rk);
    consumer->queue = rd_kafka_queue_get_consumer(consumer->handle.rk);
    consumer->fd = fd;
    rd_kafka_queue_io_event_enable(consumer->queue, fd, &one, sizeof one);
    *out = consumer;

cleanup:
    if (code) {
        free(consumer);
        (void)close(fd);
    }
    return code;
}

void rc_kafka_consumer_close(rc_kafka_consumer_t *consumer)
{
    if (!consumer) return;
    rd_kafka_queue_io_event_enable(consumer->queue, -1, NULL, 0);
    rd_kafka_queue_destroy(consumer->queue);
    (void)rd_kafka_consumer_close(consumer->handle.rk);
    (void)close(consumer->fd);
    rc_kafka_handle_close(&consumer->handle, rc_kafka_release);
}

static rc_code_t check(rc_kafka_consumer_t *consumer, rd_kafka_resp_err_t err, const char *what, rc_error_t *error)
{
    return err ? rc_kafka_error(error, &consumer->handle, err, NULL, "%s", what) : RC_OK;
}

/* The first error among the partitions of a list. */
static rc_code_t check_list(rc_kafka_consumer_t *consumer, const rd_kafka_topic_partition_list_t *list,
                            const char *what, rc_error_t *error)
{
    for (int i = 0; i < list->cnt; i++)
        if (list->elems[i].err)
            return rc_kafka_error(error, &consumer->handle, list->elems[i].err, NULL, "%s of %s, partition %d", what,
                                  list->elems[i].topic, (int)list->elems[i].partition);
    return RC_OK;
}

rc_code_t rc_kafka_consumer_subscribe(rc_kafka_consumer_t *consumer, const char *const *topics, size_t count,
                                      rc_error_t *error)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++) (void)rd_kafka_topic_partition_list_add(list, topics[i], RD_KAFKA_PARTITION_UA);
    rc_code_t code = check(consumer, rd_kafka_subscribe(consumer->handle.rk, list), "subscribing", error);
    rd_kafka_topic_partition_list_destroy(list);
    return code;
}

int rc_kafka_consumer_fd(rc_kafka_consumer_t *consumer)
{
    return consumer->fd;
}

rc_code_t rc_kafka_consumer_poll(rc_kafka_consumer_t *consumer, int64_t timeout_ms, rc_kafka_event_t *event,
                                 rc_error_t *error)
{
    uint64_t signalled;
    event->kind = RC_KAFKA_NONE;
    event->handle = NULL;
    rd_kafka_event_t *polled = rd_kafka_queue_poll(consumer->queue, 0);
    if (!polled) { /* emptied before the last look, so that what comes behind that look speaks again */
        (void)!read(consumer->fd, &signalled, sizeof signalled);
        polled = rd_kafka_queue_poll(consumer->queue, (int)timeout_ms);
    }
    return polled ? rc_kafka_event_from(&consumer->handle, polled, event, error) : RC_OK;
}

rc_code_t rc_kafka_consumer_assign(rc_kafka_consumer_t *consumer, const rc_kafka_offset_t *partitions, size_t count,
                                   rc_error_t *error)
{
    rd_kafka_topic_partition_list_t *list = rc_kafka_list(partitions, count);
    rc_code_t code = check(consumer, rd_kafka_assign(consumer->handle.rk, list), "taking the assignment", error);
    rd_kafka_topic_partition_list_destroy(list);
    return code;
}

rc_code_t rc_kafka_consumer_unassign(rc_kafka_consumer_t *consumer, rc_error_t *error)
{
    /* librdkafka keeps a pause with the partition: without this, one that comes back would never be read again. */
    rd_kafka_topic_partition_list_t *list = NULL;
    if (!rd_kafka_assignment(consumer->handle.rk, &list)) {
        (void)rd_kafka_resume_partitions(consumer->handle.rk, list);
        rd_kafka_topic_partition_list_destroy(list);
    }
    return check(consumer, rd_kafka_assign(consumer->handle.rk, NULL), "giving up the assignment", error);
}

rc_code_t rc_kafka_consumer_pause(rc_kafka_consumer_t *consumer, const rc_kafka_offset_t *partitions, size_t count,
                                  rc_error_t *error)
{
    rd_kafka_topic_partition_list_t *list = rc_kafka_list(partitions, count);
    rc_code_t code = check(consumer, rd_kafka_pause_partitions(consumer->handle.rk, list), "pausing", error);
    if (!code) code = check_list(consumer, list, "pausing", error);
    rd_kafka_topic_partition_list_destroy(list);
    return code;
}

rc_code_t rc_kafka_consumer_resume(rc_kafka_consumer_t *consumer, const rc_kafka_offset_t *partitions, size_t count,
                                   rc_error_t *error)
{
    rd_kafka_topic_partition_list_t *list = rc_kafka_list(partitions, count);
    rc_code_t code = check(consumer, rd_kafka_resume_partitions(consumer->handle.rk, list), "resuming", error);
    if (!code) code = check_list(consumer, list, "resuming", error);
    rd_kafka_topic_partition_list_destroy(list);
    return code;
}

static void copy_offsets(const rd_kafka_topic_partition_list_t *list, rc_kafka_offset_t *partitions)
{
    for (int i = 0; i < list->cnt; i++)
        partitions[i].offset = list->elems[i].offset >= 0 ? list->elems[i].offset : RC_OFFSET_NONE;
}

rc_code_t rc_kafka_consumer_committed(rc_kafka_consumer_t *consumer, rc_kafka_offset_t *partitions, size_t count,
                                      int64_t timeout_ms, const atomic_bool *cancelled, rc_error_t *error)
{
    int64_t deadline_ms = timeout_ms < 0 ? INT64_MAX : rc_mono_now().ms + timeout_ms;
    for (;;) {
        rc_error_t failure = RC_ERROR_INIT;
        rd_kafka_topic_partition_list_t *list = rc_kafka_list(partitions, count);
        (void)check(consumer, rd_kafka_committed(consumer->handle.rk, list, SLICE_MS),
                    "asking for the committed offsets", &failure);
        if (failure.code == RC_OK) (void)check_list(consumer, list, "the committed offset", &failure);
        if (failure.code == RC_OK) copy_offsets(list, partitions);
        rd_kafka_topic_partition_list_destroy(list);
        if (failure.code == RC_OK) return RC_OK;
        bool ended = rc_kafka_is_cancelled(cancelled);
        if (ended) (void)rc_error_set(&failure, RC_CANCELLED, RC_STOPPED, "ended while asking for committed offsets");
        if (ended || failure.disposition != RC_RETRY || rc_mono_now().ms >= deadline_ms) {
            if (error) *error = failure;
            return failure.code;
        }
        if (failure.code != RC_TIMEOUT) (void)usleep(AGAIN_MS * 1000); /* the answer was no: not in a tight loop */
    }
}

rc_kafka_group_t *rc_kafka_consumer_group(rc_kafka_consumer_t *consumer)
{
    if (RC_MUTANT(METADATA_LATE)) rc_kafka_group_member = consumer->handle.rk;
    return rc_kafka_group_from(rd_kafka_consumer_group_metadata(consumer->handle.rk));
}
