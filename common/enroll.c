#include "common/enroll.h"

#include <string.h>

#include "common/kafka_producer.h"
#include "common/log.h"
#include "common/retry.h"
#include "common/topics.h"

enum { SEND_TIMEOUT_MS = 10000, FIRST_DELAY_MS = 200, LAST_DELAY_MS = 5000 };

/* Which topic a kind of record is written to, for the registry's subject. */
static const rc_topic_kind_t TOPIC_OF[RC_RECORD_COUNT] = {
    [RC_RECORD_CREATED] = RC_TOPIC_CREATED,
    [RC_RECORD_PROFILE_UPDATED] = RC_TOPIC_PROFILE_UPDATED,
    [RC_RECORD_TEAM_CHANGED] = RC_TOPIC_TEAM_CHANGED,
    [RC_RECORD_DEACTIVATED] = RC_TOPIC_DEACTIVATED,
    [RC_RECORD_SNAPSHOT] = RC_TOPIC_SNAPSHOT,
    [RC_RECORD_PENDING] = RC_TOPIC_PENDING,
    [RC_RECORD_STATE] = RC_TOPIC_STATE,
    [RC_RECORD_COMMAND] = RC_TOPIC_COMMANDS,
    [RC_RECORD_LEDGER] = RC_TOPIC_LEDGER,
};

void rc_enrol_reader(const rc_config_t *config, rc_enrolment_t *enrolment)
{
    bool confluent = *config->schema_registry.url != '\0';
    *enrolment = (rc_enrolment_t){.store = rc_schema_store_new()};
    enrolment->codec = rc_codec_new(enrolment->store, confluent ? RC_WIRE_CONFLUENT : RC_WIRE_SINGLE_OBJECT);
    if (!confluent) return;
    const rc_registry_options_t options = {.url = config->schema_registry.url,
                                           .basic_auth = config->schema_registry.basic_auth,
                                           .ca_file = *config->schema_registry.ca_file ? config->schema_registry.ca_file
                                                                                       : config->ca_file,
                                           .proxy = config->http_proxy};
    enrolment->registry = rc_registry_new(&options);
}

void rc_enrolment_fini(rc_enrolment_t *enrolment)
{
    rc_registry_free(enrolment->registry);
    rc_codec_free(enrolment->codec);
    rc_schema_store_free(enrolment->store);
    *enrolment = (rc_enrolment_t){NULL, NULL, NULL};
}

static rc_code_t enrol_kind(const rc_config_t *config, rc_enrolment_t *enrolment, rc_record_kind_t kind,
                            const atomic_bool *cancelled, rc_error_t *error)
{
    rc_arena_t *arena = rc_arena_new_sized(256);
    const char *topic = rc_topic_name(config, TOPIC_OF[kind], arena);
    int64_t delay_ms = FIRST_DELAY_MS;
    rc_code_t code;
    while ((code = rc_registry_enroll(enrolment->registry, enrolment->codec, kind, topic, cancelled, error)) != RC_OK &&
           error->disposition == RC_RETRY) {
        rc_log(RC_LEVEL_WARN, "waiting for the schema registry", RC_LOG_ERR(error));
        if (!rc_retry_pause(delay_ms, cancelled)) {
            code = rc_error_set(error, RC_CANCELLED, RC_STOPPED, "stopped while waiting for the schema registry");
            break;
        }
        delay_ms = rc_retry_doubled(delay_ms, LAST_DELAY_MS);
    }
    rc_arena_free(arena);
    return code;
}

/* Our schemas as records of the `schemas` topic. */
static rc_code_t publish_once(const rc_kafka_t *kafka, const rc_enrolment_t *enrolment, rc_error_t *error)
{
    rc_arena_t *arena = rc_arena_new_sized(256);
    const char *topic = rc_topic_name(rc_kafka_config(kafka), RC_TOPIC_SCHEMAS, arena);
    rc_kafka_record_t records[RC_RECORD_COUNT];
    for (int kind = 0; kind < RC_RECORD_COUNT; kind++) {
        const rc_schema_t *schema = rc_schema_store_current(enrolment->store, (rc_record_kind_t)kind);
        records[kind] = (rc_kafka_record_t){.topic = topic,
                                            .partition = -1,
                                            .key = schema->fingerprint_text,
                                            .key_bytes = strlen(schema->fingerprint_text),
                                            .value = schema->json,
                                            .value_bytes = schema->json_bytes};
    }
    rc_kafka_producer_t *producer = NULL;
    rc_code_t code = rc_kafka_producer_open(kafka, &producer, error);
    if (code == RC_OK) code = rc_kafka_producer_send(producer, records, RC_RECORD_COUNT, SEND_TIMEOUT_MS, NULL, error);
    rc_kafka_producer_close(producer);
    rc_arena_free(arena);
    return code;
}

static rc_code_t publish(const rc_kafka_t *kafka, const rc_enrolment_t *enrolment, const atomic_bool *cancelled,
                         rc_error_t *error)
{
    for (int64_t delay_ms = FIRST_DELAY_MS;; delay_ms = rc_retry_doubled(delay_ms, LAST_DELAY_MS)) {
        rc_code_t code = publish_once(kafka, enrolment, error);
        if (code == RC_OK || error->disposition == RC_REJECT) return code;
        rc_log(RC_LEVEL_WARN, "our schemas could not be written yet", RC_LOG_ERR(error));
        if (!rc_retry_pause(delay_ms, cancelled))
            return rc_error_set(error, RC_CANCELLED, RC_STOPPED, "stopped while waiting for Kafka");
    }
}

rc_code_t rc_enrol_writer(const rc_kafka_t *kafka, const atomic_bool *cancelled, rc_enrolment_t *enrolment,
                          rc_error_t *error)
{
    const rc_config_t *config = rc_kafka_config(kafka);
    rc_enrol_reader(config, enrolment);
    rc_code_t code = RC_OK;
    for (int kind = 0; code == RC_OK && enrolment->registry && kind < RC_RECORD_COUNT; kind++)
        code = enrol_kind(config, enrolment, (rc_record_kind_t)kind, cancelled, error);
    if (code == RC_OK) code = publish(kafka, enrolment, cancelled, error);
    if (code != RC_OK) rc_enrolment_fini(enrolment);
    return code;
}
