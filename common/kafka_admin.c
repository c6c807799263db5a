#include "common/kafka_admin.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/kafka_admin_handle.h"

enum { AGAIN_MS = 20 };

rc_code_t rc_kafka_admin_open(const rc_kafka_t *kafka, rc_kafka_admin_t **out, rc_error_t *error)
{
    rd_kafka_conf_t *conf;
    rc_code_t code = rc_kafka_conf(kafka, RC_ROLE_ADMIN, NULL, &conf, error);
    if (code) return code;
    rc_kafka_admin_t *admin = rc_zalloc(sizeof *admin);
    code = rc_kafka_handle_open(kafka, RD_KAFKA_CONSUMER, conf, &admin->handle, error);
    if (code)
        free(admin);
    else
        *out = admin;
    return code;
}

void rc_kafka_admin_close(rc_kafka_admin_t *admin)
{
    if (!admin) return;
    rc_kafka_handle_close(&admin->handle, rc_kafka_release);
}

/* Asks for the offsets that belong to `time` (milliseconds, or librdkafka's words for both ends). */
static rc_code_t offsets_for(rc_kafka_admin_t *admin, rc_kafka_offset_t *partitions, size_t count, int64_t time,
                             int64_t timeout_ms, rc_error_t *error)
{
    rc_kafka_offset_t *asked = rc_calloc(count, sizeof *asked);
    for (size_t i = 0; i < count; i++)
        asked[i] = (rc_kafka_offset_t){partitions[i].topic, partitions[i].partition, time};
    rc_code_t code = rc_kafka_ask_offsets(&admin->handle, asked, count, timeout_ms, error);
    for (size_t i = 0; code == RC_OK && i < count; i++) partitions[i].offset = asked[i].offset;
    free(asked);
    return code;
}

rc_code_t rc_kafka_admin_ends(rc_kafka_admin_t *admin, rc_kafka_offset_t *partitions, size_t count, int64_t timeout_ms,
                              rc_error_t *error)
{
    return offsets_for(admin, partitions, count, RD_KAFKA_OFFSET_END, timeout_ms, error);
}

rc_code_t rc_kafka_admin_beginnings(rc_kafka_admin_t *admin, rc_kafka_offset_t *partitions, size_t count,
                                    int64_t timeout_ms, rc_error_t *error)
{
    return offsets_for(admin, partitions, count, RD_KAFKA_OFFSET_BEGINNING, timeout_ms, error);
}

rc_code_t rc_kafka_admin_offsets_since(rc_kafka_admin_t *admin, rc_kafka_offset_t *partitions, size_t count,
                                       int64_t since_ms, int64_t timeout_ms, rc_error_t *error)
{
    rc_kafka_offset_t *ends = rc_calloc(count, sizeof *ends);
    memcpy(ends, partitions, count * sizeof *ends);
    /* the ends first: a record that arrives in between is then still in front of what is given */
    rc_code_t code = rc_kafka_admin_ends(admin, ends, count, timeout_ms, error);
    if (!code) code = offsets_for(admin, partitions, count, since_ms > 0 ? since_ms : 0, timeout_ms, error);
    for (size_t i = 0; !code && i < count; i++)
        if (partitions[i].offset < 0) partitions[i].offset = ends[i].offset;
    free(ends);
    return code;
}

rc_code_t rc_kafka_admin_cluster_id(rc_kafka_admin_t *admin, int64_t timeout_ms, char **id, rc_error_t *error)
{
    char *known = rd_kafka_clusterid(admin->handle.rk, (int)timeout_ms);
    if (!known) {
        const char *brokers = rc_config_property(rc_kafka_config(admin->handle.kafka), "bootstrap.servers");
        return rc_kafka_error(error, &admin->handle, RD_KAFKA_RESP_ERR__TIMED_OUT, NULL,
                              "no answer from the brokers at %s",
                              brokers ? brokers : "(kafka.bootstrap.servers is not set)");
    }
    *id = rc_strdup(known);
    rd_kafka_mem_free(admin->handle.rk, known);
    return RC_OK;
}

bool rc_kafka_is_mock(const char *cluster_id)
{
    static const char beginning[] = "mockCluster";
    return !strncmp(cluster_id, beginning, sizeof beginning - 1);
}

rc_code_t rc_kafka_admin_wait(rc_kafka_admin_t *admin, rd_kafka_queue_t *queue, rd_kafka_AdminOptions_t *options,
                              int64_t timeout_ms, const char *what, rd_kafka_event_t **answer, rc_error_t *error)
{
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, (int)timeout_ms + RC_KAFKA_ADMIN_GRACE_MS);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    if (!event) return rc_kafka_error(error, &admin->handle, RD_KAFKA_RESP_ERR__TIMED_OUT, NULL, "%s", what);
    rd_kafka_resp_err_t err = rd_kafka_event_error(event);
    if (!err) {
        *answer = event;
        return RC_OK;
    }
    rc_code_t code = rc_kafka_error(error, &admin->handle, err, rd_kafka_event_error_string(event), "%s", what);
    rd_kafka_event_destroy(event);
    return code;
}

rd_kafka_AdminOptions_t *rc_kafka_admin_options(rc_kafka_admin_t *admin, rd_kafka_admin_op_t op, int64_t timeout_ms)
{
    char text[128];
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(admin->handle.rk, op);
    rd_kafka_resp_err_t err = rd_kafka_AdminOptions_set_request_timeout(options, (int)timeout_ms, text, sizeof text);
    RC_INVARIANT(!err);
    return options;
}
