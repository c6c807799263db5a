#include "common/kafka_handle.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/kafka_wait.h"
#include "common/log.h"

enum { LOG_WARNING_AND_WORSE = 4, LOG_EVERY_MS = 1000, LAST_ERROR_FRESH_MS = 30000, AGAIN_MS = 20 };

enum {
    PRODUCING = RC_ROLE_PRODUCER | RC_ROLE_TXN,
    CONSUMING = RC_ROLE_CONSUMER | RC_ROLE_READER,
    ASKING = CONSUMING | RC_ROLE_ADMIN,
    ALL = PRODUCING | ASKING,
    NEWER = 1 << 10 /* than the oldest librdkafka that we build with: left out where it is unknown */
};

typedef struct {
    int roles;
    const char *name;
    const char *value;
} setting_t;

/* What we think best, and the user may change. */
static const setting_t DEFAULTS[] = {
    {ALL, "socket.keepalive.enable", "true"},
    {ALL, "socket.nagle.disable", "true"},
    {ALL, "reconnect.backoff.max.ms", "2000"},
    {ALL, "log.connection.close", "false"},
    {RC_ROLE_PRODUCER, "message.timeout.ms", "10000"},
    {RC_ROLE_PRODUCER, "linger.ms", "0"},
    {PRODUCING, "queue.buffering.max.kbytes", "65536"},
    {RC_ROLE_READER, "queued.max.messages.kbytes", "16384"},
    {RC_ROLE_CONSUMER, "queued.max.messages.kbytes",
     "8192"},                                            /* four of them in a process, and each reads all retries */
    {CONSUMING | NEWER, "fetch.queue.backoff.ms", "10"}, /* a second by itself: a table would fill at 16 MiB a second */
    {RC_ROLE_ADMIN, "queued.max.messages.kbytes", "1024"},
};

/* What the guarantees rest on. */
static const setting_t OURS[] = {
    /* the range assignor is even only when every member knows all topics: 300 s is too long to find a new one */
    {ALL, "topic.metadata.refresh.interval.ms", "10000"},
    {PRODUCING, "enable.idempotence", "true"},
    {PRODUCING, "partitioner", "murmur2_random"},
    {RC_ROLE_TXN, "transaction.timeout.ms", "10000"},
    {RC_ROLE_TXN, "message.timeout.ms", "10000"}, /* neither may be above the transaction's own */
    {RC_ROLE_TXN, "socket.timeout.ms", "10000"},
    {RC_ROLE_TXN, "retry.backoff.ms", "5"}, /* each commit waits that long for its predecessor's markers */
    {CONSUMING, "isolation.level", "read_committed"},
    {RC_ROLE_ADMIN, "isolation.level", "read_uncommitted"}, /* a barrier's end lies behind open transactions */
    {ASKING, "allow.auto.create.topics", "false"},
    {ASKING, "enable.auto.commit", "false"},
    {ASKING, "enable.auto.offset.store", "false"},
    {CONSUMING, "enable.partition.eof", "true"},
    {RC_ROLE_CONSUMER, "auto.offset.reset", "earliest"},
    {RC_ROLE_CONSUMER, "partition.assignment.strategy", "range"},
    {RC_ROLE_READER, "auto.offset.reset", "error"},
    /* librdkafka tells the end behind a marker with the next answer only, which the broker holds back this long */
    {RC_ROLE_READER, "fetch.wait.max.ms", "20"},
};

static rc_code_t set_all(rd_kafka_conf_t *conf, rc_kafka_role_t role, const setting_t *settings, size_t count,
                         rc_error_t *error)
{
    char text[256];
    for (size_t i = 0; i < count; i++) {
        if (!(settings[i].roles & (int)role)) continue;
        rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, settings[i].name, settings[i].value, text, sizeof text);
        if (result != RD_KAFKA_CONF_OK && !(result == RD_KAFKA_CONF_UNKNOWN && (settings[i].roles & NEWER)))
            return rc_error_set(error, RC_CONFIG, RC_REJECT, "librdkafka %s refuses %s=%s: %s", rd_kafka_version_str(),
                                settings[i].name, settings[i].value, text);
    }
    return RC_OK;
}

/* "[thrd:a:1/2]: a:1/2: Connect to ipv4#10.0.0.1:1 failed: refused (after 0ms in state CONNECT)" without what only
 * librdkafka's authors need. */
static void take_cause(const char *text, char *cause, size_t size)
{
    const char *thread = *text == '[' ? strstr(text, "]: ") : NULL;
    if (thread) text = thread + 3;
    size_t broker = strcspn(text, " ");
    if (broker && text[broker] && text[broker - 1] == ':' && memchr(text, '/', broker)) text += broker + 1;
    const char *state = strstr(text, " (after ");
    (void)snprintf(cause, size, "%.*s", state ? (int)(state - text) : (int)strlen(text), text);
    char *family = strstr(cause, " ipv");
    if (family && family[4] && family[5] == '#') memmove(family + 1, family + 6, strlen(family + 6) + 1);
}

/* librdkafka's threads call this. One warning a second in all: a cluster that is away would fill the log. */
static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    rc_kafka_handle_t *handle = rd_kafka_opaque(rk);
    /* a producer's property on a consumer, and the reverse; the mock cluster's way with unknown topics */
    bool expected = !strcmp(facility, "CONFWARN") || !strcmp(facility, "AUTOCREATE");
    bool trouble = level <= LOG_WARNING_AND_WORSE && !expected;
    bool is_cause = trouble && !strstr(text, "brokers are down"); /* what brought them down was said before */
    bool warn = trouble;
    if (handle) {
        pthread_mutex_lock(&handle->lock);
        bool abandoned = handle->abandoned;
        if (is_cause && !abandoned) {
            take_cause(text, handle->last_error, sizeof handle->last_error);
            handle->last_error_at = rc_mono_now();
        }
        warn = trouble && !abandoned && rc_kafka_may_warn(handle->kafka, LOG_EVERY_MS);
        pthread_mutex_unlock(&handle->lock);
        if (abandoned) return;
    }
    rc_log(warn ? RC_LEVEL_WARN : RC_LEVEL_DEBUG, "kafka client", RC_LOG_STR(TYPE, facility),
           RC_LOG_STR(MESSAGE, text));
}

rc_code_t rc_kafka_conf(const rc_kafka_t *kafka, rc_kafka_role_t role, const rc_kafka_setting_t *extra,
                        rd_kafka_conf_t **out, rc_error_t *error)
{
    const rc_config_t *config = rc_kafka_config(kafka);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char text[256];
    rc_code_t code = set_all(conf, role, DEFAULTS, sizeof DEFAULTS / sizeof *DEFAULTS, error);
    if (code) goto cleanup;
    (void)rd_kafka_conf_set(conf, "client.id", rc_kafka_client_id(kafka), text, sizeof text);
    for (size_t i = 0; i < config->kafka.properties_count; i++) {
        const rc_config_property_t *property = &config->kafka.properties[i];
        if (rd_kafka_conf_set(conf, property->name, property->value, text, sizeof text) != RD_KAFKA_CONF_OK) {
            code = rc_error_set(error, RC_CONFIG, RC_REJECT, "%s:%d: kafka.%s: %s", config->path, property->line,
                                property->name, text);
            goto cleanup;
        }
    }
    code = set_all(conf, role, OURS, sizeof OURS / sizeof *OURS, error);
    for (; !code && extra && extra->name; extra++)
        if (rd_kafka_conf_set(conf, extra->name, extra->value, text, sizeof text) != RD_KAFKA_CONF_OK)
            code = rc_error_set(error, RC_CONFIG, RC_REJECT, "kafka: %s", text);

cleanup:
    if (code)
        rd_kafka_conf_destroy(conf);
    else
        *out = conf;
    return code;
}

rc_code_t rc_kafka_handle_open(const rc_kafka_t *kafka, rd_kafka_type_t type, rd_kafka_conf_t *conf,
                               rc_kafka_handle_t *handle, rc_error_t *error)
{
    char text[256];
    if (!rc_kafka_wait_is_ours())
        rc_log(RC_LEVEL_WARN, "librdkafka stands still for as long as this machine's clock is set back, if it is");
    *handle = (rc_kafka_handle_t){.kafka = kafka};
    pthread_mutex_init(&handle->lock, NULL);
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_opaque(conf, handle);
    handle->rk = rd_kafka_new(type, conf, text, sizeof text);
    if (handle->rk) return RC_OK;
    rd_kafka_conf_destroy(conf);
    pthread_mutex_destroy(&handle->lock);
    return rc_error_set(error, RC_CONFIG, RC_REJECT, "%s: kafka: %s", rc_kafka_config(kafka)->path, text);
}

typedef struct {
    rd_kafka_resp_err_t err;
    rc_code_t code;
    rc_disposition_t disposition;
    const char *mend;
    const char *words; /* for an operator; NULL: librdkafka's own tell enough */
} mapping_t;

#define ERR(name) RD_KAFKA_RESP_ERR_##name
#define ALLOW     "allow it for this program's Kafka user"
#define NO_TOPIC  "create it: `rollcall-producer topics`"
#define AWAY      "is a broker running there, and is kafka.bootstrap.servers its address?"
static const char UNREACHED[] = "Kafka cannot be reached";
static const mapping_t MAPPINGS[] = {
    {ERR(_FENCED), RC_FENCED, RC_FATAL, "another process uses this id, or the transaction outlived its time-out", NULL},
    {ERR(PRODUCER_FENCED), RC_FENCED, RC_FATAL, "another process uses this transactional id", NULL},
    {ERR(INVALID_PRODUCER_EPOCH), RC_FENCED, RC_FATAL, "another process uses this transactional id", NULL},
    {ERR(UNKNOWN_MEMBER_ID), RC_OWNERSHIP, RC_REJECT, NULL, NULL},
    {ERR(ILLEGAL_GENERATION), RC_OWNERSHIP, RC_REJECT, NULL, NULL},
    {ERR(FENCED_INSTANCE_ID), RC_OWNERSHIP, RC_REJECT, "it rejoined since, or another process uses its instance name",
     NULL},
    {ERR(_TIMED_OUT), RC_TIMEOUT, RC_RETRY, NULL, "no answer in time"},
    {ERR(_TIMED_OUT_QUEUE), RC_TIMEOUT, RC_RETRY, NULL, NULL},
    {ERR(_MSG_TIMED_OUT), RC_TIMEOUT, RC_RETRY, NULL, NULL},
    {ERR(REQUEST_TIMED_OUT), RC_TIMEOUT, RC_RETRY, NULL, NULL},
    {ERR(_TRANSPORT), RC_KAFKA, RC_RETRY, AWAY, UNREACHED},
    {ERR(_ALL_BROKERS_DOWN), RC_KAFKA, RC_RETRY, AWAY, UNREACHED},
    {ERR(TOPIC_AUTHORIZATION_FAILED), RC_KAFKA, RC_REJECT, ALLOW, NULL},
    {ERR(GROUP_AUTHORIZATION_FAILED), RC_KAFKA, RC_REJECT, ALLOW, NULL},
    {ERR(CLUSTER_AUTHORIZATION_FAILED), RC_KAFKA, RC_REJECT, ALLOW, NULL},
    {ERR(TRANSACTIONAL_ID_AUTHORIZATION_FAILED), RC_KAFKA, RC_REJECT, ALLOW, NULL},
    {ERR(UNKNOWN_TOPIC_OR_PART), RC_KAFKA, RC_REJECT, NO_TOPIC, "it is not there"},
    {ERR(_UNKNOWN_TOPIC), RC_KAFKA, RC_REJECT, NO_TOPIC, "it is not there"},
    {ERR(_UNKNOWN_PARTITION), RC_KAFKA, RC_REJECT,
     "is it there, with kafka.partitions partitions? `rollcall-producer topics` says", "no such topic or partition"},
    {ERR(MSG_SIZE_TOO_LARGE), RC_KAFKA, RC_REJECT, "raise max.message.bytes of the topic and kafka.message.max.bytes",
     NULL},
    {ERR(RECORD_LIST_TOO_LARGE), RC_KAFKA, RC_REJECT, "raise max.message.bytes of the topic", NULL},
    {ERR(POLICY_VIOLATION), RC_KAFKA, RC_REJECT, NULL, NULL},
    {ERR(INVALID_CONFIG), RC_KAFKA, RC_REJECT, NULL, NULL},
    {ERR(INVALID_PARTITIONS), RC_KAFKA, RC_REJECT, NULL, NULL},
    {ERR(INVALID_REPLICATION_FACTOR), RC_KAFKA, RC_REJECT,
     "set kafka.replication_factor to at most the brokers there are", NULL},
    {ERR(INVALID_TRANSACTION_TIMEOUT), RC_KAFKA, RC_FATAL, "raise transaction.max.timeout.ms of the brokers to 10000",
     NULL},
    {ERR(UNSUPPORTED_VERSION), RC_KAFKA, RC_REJECT, NULL, NULL},
    {ERR(_UNSUPPORTED_FEATURE), RC_KAFKA, RC_REJECT, NULL, NULL},
    {ERR(_INVALID_ARG), RC_KAFKA, RC_REJECT, NULL, NULL},
    {ERR(_AUTHENTICATION), RC_KAFKA, RC_RETRY, "see kafka.sasl.* in the configuration", NULL},
    {ERR(_SSL), RC_KAFKA, RC_RETRY, "see kafka.ssl.* in the configuration", NULL},
};

static mapping_t mapping_of(rd_kafka_resp_err_t err)
{
    for (size_t i = 0; i < sizeof MAPPINGS / sizeof *MAPPINGS; i++)
        if (MAPPINGS[i].err == err) return MAPPINGS[i];
    return (mapping_t){err, RC_KAFKA, RC_RETRY, NULL, NULL};
}

rc_code_t rc_kafka_error(rc_error_t *error, rc_kafka_handle_t *handle, rd_kafka_resp_err_t err, const char *detail,
                         const char *format, ...)
{
    char what[256], fatal[256], last[256] = "";
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    rd_kafka_resp_err_t death = handle ? rd_kafka_fatal_error(handle->rk, fatal, sizeof fatal) : ERR(NO_ERROR);
    mapping_t mapping = mapping_of(death ? death : err);
    if (death) {
        detail = fatal;
        mapping.disposition = RC_FATAL;
        if (mapping.code == RC_OWNERSHIP) mapping.code = RC_FENCED;
    }
    /* What was seen is the cause of these. */
    if (handle && !death && (mapping.code == RC_TIMEOUT || mapping.words == UNREACHED)) {
        pthread_mutex_lock(&handle->lock);
        if (*handle->last_error && rc_mono_now().ms - handle->last_error_at.ms < LAST_ERROR_FRESH_MS)
            memcpy(last, handle->last_error, sizeof last);
        pthread_mutex_unlock(&handle->lock);
    }
    if (*last) detail = last;
    if (!detail) detail = mapping.words ? mapping.words : rd_kafka_err2str(err);
    return rc_error_set(error, mapping.code, mapping.disposition, "%s: %s%s%s", what, detail, mapping.mend ? "; " : "",
                        mapping.mend ? mapping.mend : "");
}

rd_kafka_topic_partition_list_t *rc_kafka_list(const rc_kafka_offset_t *offsets, size_t count)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(list, offsets[i].topic, offsets[i].partition)->offset = offsets[i].offset;
    return list;
}

static rc_code_t ask_offsets_once(rc_kafka_handle_t *handle, rc_kafka_offset_t *partitions, size_t count,
                                  int64_t timeout_ms, rc_error_t *error)
{
    rc_code_t code = RC_OK;
    rd_kafka_topic_partition_list_t *list = rc_kafka_list(partitions, count);
    rd_kafka_resp_err_t err = rd_kafka_offsets_for_times(handle->rk, list, (int)timeout_ms);
    if (err) code = rc_kafka_error(error, handle, err, NULL, "asking for the ends of partitions");
    for (int i = 0; !code && i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *answer = &list->elems[i];
        RC_INVARIANT(answer->partition == partitions[i].partition);
        if (answer->err)
            code = rc_kafka_error(error, handle, answer->err, NULL, "the end of %s, partition %d", answer->topic,
                                  (int)answer->partition);
    }
    for (int i = 0; !code && i < list->cnt; i++) partitions[i].offset = list->elems[i].offset;
    rd_kafka_topic_partition_list_destroy(list);
    return code;
}

rc_code_t rc_kafka_ask_offsets(rc_kafka_handle_t *handle, rc_kafka_offset_t *partitions, size_t count,
                               int64_t timeout_ms, rc_error_t *error)
{
    if (count == 0) return RC_OK;
    int64_t deadline_ms = rc_mono_now().ms + timeout_ms;
    for (;;) {
        rc_error_t failure = RC_ERROR_INIT;
        int64_t left_ms = deadline_ms - rc_mono_now().ms;
        rc_code_t code = ask_offsets_once(handle, partitions, count, left_ms > 1 ? left_ms : 1, &failure);
        if (!code) return RC_OK;
        bool again = failure.disposition == RC_RETRY && code != RC_TIMEOUT;
        if (!again || rc_mono_now().ms + AGAIN_MS >= deadline_ms) {
            if (error) *error = failure;
            return code;
        }
        (void)usleep(AGAIN_MS * 1000);
    }
}
