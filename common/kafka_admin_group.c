/* Questions about consumer groups: who is in one, and how far it is. A coordinator that loads or moves, as all do when
 * a cluster is new, answers so at once: every question is asked again until the time is up. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/kafka_admin_handle.h"

/* One attempt gets a part of the time: on a new cluster librdkafka 2.0 may wait for a coordinator that it never asks.
 * It is left behind then, and not ended: a question that is over before its coordinator is found ends the process
 * (librdkafka 2.0.2 to 2.15, "eonce->refcnt > 0": its rd_kafka_admin_coord_request drops its reference, and the
 * failure that it reports drops it again). */
enum { AGAIN_MS = 20, ATTEMPT_MS = 2000, LIBRDKAFKAS_OWN_MS = 3600 * 1000 };

static const char *or_null(rc_arena_t *arena, const char *text)
{
    return text && *text ? rc_arena_strdup(arena, text) : NULL;
}

static rc_code_t ask_group(rc_kafka_admin_t *admin, const char *group_id, int64_t timeout_ms, rc_arena_t *arena,
                           const rc_kafka_member_t **members, size_t *count, rc_error_t *error)
{
    char what[160];
    (void)snprintf(what, sizeof what, "the consumer group %s", group_id);
    rd_kafka_AdminOptions_t *options =
        rc_kafka_admin_options(admin, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, LIBRDKAFKAS_OWN_MS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(admin->handle.rk);
    rd_kafka_event_t *answer = NULL;
    rd_kafka_DescribeConsumerGroups(admin->handle.rk, &group_id, 1, options, queue);
    rc_code_t code = rc_kafka_admin_wait(admin, queue, options, timeout_ms, what, &answer, error);
    if (code) return code;

    size_t groups;
    const rd_kafka_ConsumerGroupDescription_t **descriptions =
        rd_kafka_DescribeConsumerGroups_result_groups(rd_kafka_event_DescribeConsumerGroups_result(answer), &groups);
    RC_INVARIANT(groups == 1);
    const rd_kafka_error_t *reason = rd_kafka_ConsumerGroupDescription_error(descriptions[0]);
    rd_kafka_resp_err_t err = reason ? rd_kafka_error_code(reason) : RD_KAFKA_RESP_ERR_NO_ERROR;
    if (err && err != RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND) {
        code = rc_kafka_error(error, &admin->handle, err, rd_kafka_error_string(reason), "%s", what);
    } else {
        size_t all = err ? 0 : rd_kafka_ConsumerGroupDescription_member_count(descriptions[0]);
        rc_kafka_member_t *list = rc_arena_alloc(arena, all * sizeof *list);
        for (size_t i = 0; i < all; i++) {
            const rd_kafka_MemberDescription_t *member = rd_kafka_ConsumerGroupDescription_member(descriptions[0], i);
            list[i] = (rc_kafka_member_t){or_null(arena, rd_kafka_MemberDescription_client_id(member)),
                                          or_null(arena, rd_kafka_MemberDescription_group_instance_id(member)),
                                          or_null(arena, rd_kafka_MemberDescription_host(member))};
        }
        *members = list;
        *count = all;
    }
    rd_kafka_event_destroy(answer);
    return code;
}

static int64_t left_ms(rc_mono_t began, int64_t timeout_ms)
{
    int64_t left = timeout_ms - (rc_mono_now().ms - began.ms);
    return left < 1 ? 1 : left;
}

static int64_t attempt_ms(rc_mono_t began, int64_t timeout_ms)
{
    int64_t left = left_ms(began, timeout_ms);
    return left < ATTEMPT_MS ? left : ATTEMPT_MS;
}

rc_code_t rc_kafka_admin_group(rc_kafka_admin_t *admin, const char *group_id, int64_t timeout_ms, rc_arena_t *arena,
                               const rc_kafka_member_t **members, size_t *count, rc_error_t *error)
{
    for (rc_mono_t began = rc_mono_now();;) {
        rc_error_t failure = RC_ERROR_INIT;
        rc_code_t code = ask_group(admin, group_id, attempt_ms(began, timeout_ms), arena, members, count, &failure);
        if (!code) return RC_OK;
        if (failure.disposition != RC_RETRY || left_ms(began, timeout_ms) <= AGAIN_MS) {
            if (error) *error = failure;
            return code;
        }
        (void)usleep(AGAIN_MS * 1000);
    }
}

/* What the answer says of each partition asked about. */
static rc_code_t take_committed(rc_kafka_admin_t *admin, const rd_kafka_topic_partition_list_t *list,
                                rc_kafka_offset_t *partitions, size_t count, const char *what, rc_error_t *error)
{
    for (size_t i = 0; i < count; i++) {
        const rd_kafka_topic_partition_t *found = rd_kafka_topic_partition_list_find(
            (rd_kafka_topic_partition_list_t *)list, partitions[i].topic, partitions[i].partition);
        if (found && found->err)
            return rc_kafka_error(error, &admin->handle, found->err, NULL, "%s, %s, partition %d", what,
                                  partitions[i].topic, (int)partitions[i].partition);
    }
    for (size_t i = 0; i < count; i++) {
        const rd_kafka_topic_partition_t *found = rd_kafka_topic_partition_list_find(
            (rd_kafka_topic_partition_list_t *)list, partitions[i].topic, partitions[i].partition);
        partitions[i].offset = found && found->offset >= 0 ? found->offset : RC_OFFSET_NONE;
    }
    return RC_OK;
}

static rc_code_t ask_committed(rc_kafka_admin_t *admin, const char *group_id, rc_kafka_offset_t *partitions,
                               size_t count, int64_t timeout_ms, rc_error_t *error)
{
    char what[160];
    (void)snprintf(what, sizeof what, "what the consumer group %s has committed", group_id);
    rd_kafka_AdminOptions_t *options =
        rc_kafka_admin_options(admin, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, LIBRDKAFKAS_OWN_MS);
    /* an offset in a transaction that is not over may be that of a moment ago in a moment */
    rd_kafka_error_t *refused = rd_kafka_AdminOptions_set_require_stable_offsets(options, 1);
    RC_INVARIANT(!refused);
    rd_kafka_topic_partition_list_t *list = rc_kafka_list(partitions, count);
    rd_kafka_ListConsumerGroupOffsets_t *request = rd_kafka_ListConsumerGroupOffsets_new(group_id, list);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(admin->handle.rk);
    rd_kafka_event_t *answer = NULL;
    rd_kafka_ListConsumerGroupOffsets(admin->handle.rk, &request, 1, options, queue);
    rc_code_t code = rc_kafka_admin_wait(admin, queue, options, timeout_ms, what, &answer, error);
    rd_kafka_ListConsumerGroupOffsets_destroy(request);
    if (code) return code;

    size_t groups;
    const rd_kafka_group_result_t **results = rd_kafka_ListConsumerGroupOffsets_result_groups(
        rd_kafka_event_ListConsumerGroupOffsets_result(answer), &groups);
    RC_INVARIANT(groups == 1);
    const rd_kafka_error_t *reason = rd_kafka_group_result_error(results[0]);
    if (reason)
        code = rc_kafka_error(error, &admin->handle, rd_kafka_error_code(reason), rd_kafka_error_string(reason), "%s",
                              what);
    else
        code = take_committed(admin, rd_kafka_group_result_partitions(results[0]), partitions, count, what, error);
    rd_kafka_event_destroy(answer);
    return code;
}

rc_code_t rc_kafka_admin_committed(rc_kafka_admin_t *admin, const char *group_id, rc_kafka_offset_t *partitions,
                                   size_t count, int64_t timeout_ms, rc_error_t *error)
{
    if (count == 0) return RC_OK;
    for (rc_mono_t began = rc_mono_now();;) {
        rc_error_t failure = RC_ERROR_INIT;
        rc_code_t code = ask_committed(admin, group_id, partitions, count, attempt_ms(began, timeout_ms), &failure);
        if (!code) return RC_OK;
        if (failure.disposition != RC_RETRY || left_ms(began, timeout_ms) <= AGAIN_MS) {
            if (error) *error = failure;
            return code;
        }
        (void)usleep(AGAIN_MS * 1000);
    }
}
