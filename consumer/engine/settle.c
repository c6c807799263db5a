#include "consumer/engine/settle.h"

#include <string.h>

#include "common/log.h"
#include "common/mutant.h"
#include "consumer/engine/engine.h"

enum {
    BATCH_OUTCOMES = 5000, /* committed earlier than the interval */
    VALUE_MAX_BYTES = 1024 * 1024,
    COPY_MAX_BYTES = 900 * 1000, /* of a copy with key and headers: below what Kafka's clients and brokers take */
    COPY_KEY_MAX_BYTES = 32 * 1000
};

static void add_to_batch(rc_record_t *record, const char *topic, const void *key, size_t key_bytes, const void *value,
                         size_t value_bytes, rc_headers_t headers)
{
    const rc_kafka_record_t produced = {.topic = topic,
                                        .partition = record->partition,
                                        .key = key,
                                        .key_bytes = key_bytes,
                                        .value = value,
                                        .value_bytes = value_bytes,
                                        .headers = headers};
    rc_batch_add(record->engine->batch, record->lane->type, &produced);
}

/* What the lane finished goes into the ledger, in the transaction that commits the offset. */
static void add_ledger(rc_record_t *record, rc_outcome_t outcome, int64_t version, const char *reason)
{
    rc_engine_t *engine = record->engine;
    const rc_ledger_entry_t entry = {.type = record->lane->type,
                                     .integration_id = record->event.integration_id,
                                     .employee_id = record->event.employee_id,
                                     .version = version,
                                     .outcome = outcome,
                                     .reason = reason,
                                     .user_id = record->result.user_id,
                                     .attempts = record->parking.attempt,
                                     .at = rc_wall_now()};
    const char *employee = rc_employee_key(record->arena, entry.integration_id, entry.employee_id);
    const char *key = rc_ledger_key(record->arena, entry.type, employee, strlen(employee));
    rc_buf_t value = RC_BUF_INIT(VALUE_MAX_BYTES);
    rc_error_t error = RC_ERROR_INIT;
    if (rc_codec_encode_ledger(engine->codec, &entry, &value, &error) == RC_OK) {
        add_to_batch(record, engine->ledger_topic, key, strlen(key), value.data, value.size_bytes,
                     (rc_headers_t){NULL, 0});
        rc_fresh_set(engine->fresh, key, &entry);
    } else {
        rc_log(RC_LEVEL_ERROR, "a ledger entry could not be written; its record may be worked again",
               RC_LOG_STR(EMPLOYEE, entry.employee_id), RC_LOG_ERR(&error));
    }
    rc_buf_fini(&value);
}

/* The integration that the key of an unreadable record names; NULL: none of ours. */
static rc_site_t *site_of_key(rc_record_t *record)
{
    const char *integration_id, *employee_id;
    bool is_key = record->key &&
                  rc_employee_key_split(record->arena, record->key, record->key_bytes, &integration_id, &employee_id);
    return is_key ? rc_engine_site(record->engine, integration_id) : NULL;
}

/* For metrics and the log. "": none of ours. */
static const char *integration_of(rc_record_t *record)
{
    const rc_site_t *site = record->site ? record->site : site_of_key(record);
    return site ? site->integration->id : "";
}

static void count_outcome(rc_record_t *record, rc_outcome_t outcome)
{
    rc_engine_t *engine = record->engine;
    const char *integration = integration_of(record);
    rc_metrics_count(engine->metrics, RC_METRIC_EVENTS_FINISHED, integration,
                     rc_enum_str(&RC_ENUM_EVENT, (int)record->lane->type), rc_enum_str(&RC_ENUM_OUTCOME, (int)outcome));
    rc_log(RC_LEVEL_DEBUG, "record finished", RC_LOG_STR(INTEGRATION, integration),
           RC_LOG_STR(EMPLOYEE, record->event.employee_id),
           RC_LOG_STR(TYPE, rc_enum_str(&RC_ENUM_EVENT, (int)record->lane->type)),
           RC_LOG_INT(VERSION, record->event.version), RC_LOG_STR(OUTCOME, rc_enum_str(&RC_ENUM_OUTCOME, (int)outcome)),
           RC_LOG_INT(PARTITION, record->partition), RC_LOG_INT(OFFSET, record->offset));
    if (record->engine->batch->outcomes++ >= BATCH_OUTCOMES) rc_engine_commit_soon(engine);
}

/* What the headers of a parked or dead-lettered record say. */
static rc_parking_t parking_of(rc_record_t *record, rc_event_type_t lane, const rc_parking_decision_t *decision,
                               const char *message)
{
    rc_wall_t now = rc_wall_now();
    rc_parking_t parking = record->parking;
    parking.type = record->event.integration_id ? (int)record->event.type : -1;
    parking.lane = (int)lane;
    parking.attempt = RC_MUTANT(ATTEMPTS_LOST) ? 0 : decision->attempts;
    parking.reason = decision->reason;
    parking.message = message;
    parking.unanswered = decision->unanswered;
    parking.not_before = (rc_wall_t){0};
    if (!parking.origin_topic) {
        parking.origin_topic = record->lane->topics[record->topic];
        parking.origin_partition = record->partition;
        parking.origin_offset = record->offset;
    }
    if (!parking.first_failed_at.ms) parking.first_failed_at = now;
    parking.failed_at = now;
    return parking;
}

/* Adds a copy of the record with the headers of its parking. One that Kafka would refuse, which no event of ours is,
 * would hold up everybody's batches: of that the place where it was first read must be enough. */
static void add_copy(rc_record_t *record, const char *topic, const rc_parking_t *parking)
{
    rc_headers_t headers = rc_headers_park(record->arena, record->headers, parking);
    if (RC_MUTANT(PARKED_BARE)) headers = record->headers;
    size_t size_bytes = record->key_bytes + record->value_bytes;
    for (size_t i = 0; i < headers.count; i++)
        size_bytes += strlen(headers.items[i].name) + headers.items[i].value_bytes;
    if (size_bytes <= COPY_MAX_BYTES) {
        add_to_batch(record, topic, record->key, record->key_bytes, record->value, record->value_bytes, headers);
        return;
    }
    bool has_key = record->key_bytes <= COPY_KEY_MAX_BYTES;
    add_to_batch(record, topic, has_key ? record->key : NULL, has_key ? record->key_bytes : 0, NULL, 0,
                 rc_headers_park(record->arena, (rc_headers_t){NULL, 0}, parking));
}

/* Puts a copy of the record into a retry topic. */
static void add_retry(rc_record_t *record, rc_event_type_t lane, const rc_parking_decision_t *decision,
                      const char *message)
{
    rc_engine_t *engine = record->engine;
    rc_parking_t parking = parking_of(record, lane, decision, message);
    int64_t delay_ms = engine->config->consumer.retry_delays_ms[decision->tier];
    /* Another process may have it by then, which knows of nothing to wait for. */
    bool is_soon = record->result.unanswered && delay_ms < engine->quiet.effect_ms;
    parking.not_before = (rc_wall_t){parking.failed_at.ms + (is_soon ? engine->quiet.effect_ms : delay_ms)};
    add_copy(record, engine->retry_topics[decision->tier], &parking);
    char tier[RC_TIME_STR_SIZE];
    rc_metrics_count(engine->metrics, RC_METRIC_PARKED, rc_duration_str(delay_ms, tier), NULL, NULL);
    /* What somebody has to mend does not pass by itself. */
    bool unknown = decision->reason == RC_PARK_UNKNOWN_SCHEMA || decision->reason == RC_PARK_UNKNOWN_INTEGRATION ||
                   decision->reason == RC_PARK_NO_SNAPSHOT;
    rc_log(unknown ? RC_LEVEL_WARN : RC_LEVEL_INFO, "record parked",
           RC_LOG_STR(INTEGRATION, record->event.integration_id), RC_LOG_STR(EMPLOYEE, record->event.employee_id),
           RC_LOG_STR(TYPE, rc_enum_str(&RC_ENUM_EVENT, (int)lane)), RC_LOG_INT(VERSION, record->event.version),
           RC_LOG_STR(TIER, tier), RC_LOG_STR(REASON, rc_enum_str(&RC_ENUM_PARK, (int)decision->reason)),
           RC_LOG_INT(ATTEMPT, decision->attempts), RC_LOG_STR(MESSAGE, message));
}

void rc_settle_parked(rc_record_t *record, rc_event_type_t lane, const rc_parking_decision_t *decision,
                      const char *message)
{
    rc_outcome_t outcome = decision->reason == RC_PARK_HANDED_OVER ? RC_OUTCOME_HANDED_OVER : RC_OUTCOME_PARKED;
    add_retry(record, lane, decision, message);
    if (record->event.integration_id) add_ledger(record, outcome, record->event.version, message);
    count_outcome(record, outcome);
    rc_engine_forget(record);
}

void rc_settle_dead(rc_record_t *record, const rc_parking_decision_t *decision, const char *message)
{
    rc_engine_t *engine = record->engine;
    const char *integration = integration_of(record);
    rc_parking_t parking = parking_of(record, record->lane->type, decision, message);
    add_copy(record, engine->dlq_topic, &parking);
    rc_metrics_count(engine->metrics, RC_METRIC_DEAD_LETTERS, integration,
                     rc_enum_str(&RC_ENUM_PARK, (int)decision->reason), NULL);
    rc_batch_note_dead(engine->batch, record->lane->type, integration,
                       rc_enum_str(&RC_ENUM_PARK, (int)decision->reason));
    rc_log(RC_LEVEL_ERROR, "record dead-lettered", RC_LOG_STR(INTEGRATION, *integration ? integration : NULL),
           RC_LOG_STR(EMPLOYEE, record->event.employee_id),
           RC_LOG_STR(TYPE, rc_enum_str(&RC_ENUM_EVENT, (int)record->lane->type)),
           RC_LOG_INT(VERSION, record->event.version),
           RC_LOG_STR(REASON, rc_enum_str(&RC_ENUM_PARK, (int)decision->reason)),
           RC_LOG_STR(TOPIC, parking.origin_topic), RC_LOG_INT(PARTITION, parking.origin_partition),
           RC_LOG_INT(OFFSET, parking.origin_offset), RC_LOG_STR(MESSAGE, message));
    if (record->event.integration_id) add_ledger(record, RC_OUTCOME_DEAD, record->event.version, message);
    count_outcome(record, RC_OUTCOME_DEAD);
    rc_engine_forget(record);
}

void rc_settle_unknown(rc_record_t *record, rc_park_reason_t reason, const char *message)
{
    rc_parking_decision_t decision =
        rc_parking_unknown(reason, (int)record->parking.attempt, record->engine->config->consumer.retry_delays_count);
    decision.unanswered = record->parking.unanswered;
    rc_settle_parked(record, record->lane->type, &decision, message);
}

void rc_settle_poison(rc_record_t *record, const char *message)
{
    rc_engine_t *engine = record->engine;
    rc_site_t *site = site_of_key(record);
    record->event.integration_id = NULL; /* nothing of it can be trusted */
    rc_parking_decision_t decision = rc_parking_poison((int)record->parking.attempt);
    if (!site || rc_budget_take(&site->budget, rc_loop_now(engine->loop))) {
        rc_settle_dead(record, &decision, message);
        return;
    }
    /* The budget is spent: looked at again later. */
    decision.kind = RC_PARKING_TIER;
    decision.tier = rc_engine_held_tier(engine);
    decision.attempts = (int)record->parking.attempt;
    rc_settle_parked(record, record->lane->type, &decision, message);
}

void rc_settle_held(rc_record_t *record, const char *why)
{
    const rc_parking_decision_t decision = {.kind = RC_PARKING_TIER,
                                            .tier = rc_engine_held_tier(record->engine),
                                            .attempts = (int)record->parking.attempt,
                                            .reason = RC_PARK_HELD,
                                            .unanswered = record->parking.unanswered};
    rc_settle_parked(record, record->lane->type, &decision, why);
}

static void observe_age(rc_record_t *record)
{
    if (!rc_record_is_from_event_topic(record)) return;
    rc_series_observe(rc_metrics_series(record->engine->metrics, RC_METRIC_EVENT_AGE, NULL, NULL, NULL),
                      (double)(rc_wall_now().ms - record->event.occurred_at.ms) / 1000.0);
}

/* Done, perhaps without the manager: then a retry sets them later. */
void rc_settle_applied(rc_record_t *record)
{
    rc_outcome_t outcome = record->result.outcome;
    if (record->result.manager_missing) {
        const rc_parking_input_t input = {.class = RC_CLASS_UNKNOWN_MANAGER,
                                          .attempts = (int)record->parking.attempt,
                                          .before = rc_record_parked_before(record),
                                          .tiers = record->engine->config->consumer.retry_delays_count};
        const rc_parking_decision_t decision = rc_parking_decide(&input);
        if (decision.kind == RC_PARKING_TIER) {
            add_retry(record, record->lane->type, &decision, "the manager is no active user of Learn Amp yet");
        } else {
            outcome = RC_OUTCOME_WITHOUT_MANAGER;
            rc_metrics_count(record->engine->metrics, RC_METRIC_WITHOUT_MANAGER, record->site->integration->id, NULL,
                             NULL);
        }
    }
    observe_age(record);
    add_ledger(record, outcome, record->result.version, record->result.reason);
    count_outcome(record, outcome);
    rc_site_moved(record->site, record->lane->type);
    rc_budget_finished(&record->site->budget, rc_loop_now(record->engine->loop));
    rc_engine_forget(record);
}

void rc_settle_skipped(rc_record_t *record)
{
    count_outcome(record, RC_OUTCOME_SKIPPED);
    rc_budget_finished(&record->site->budget, rc_loop_now(record->engine->loop));
}
