/* Which librdkafka properties a configuration may set. Whether a name exists at all, librdkafka says itself
 * (common/kafka_property.h). */
#include <string.h>

#include "common/config_settings.h"

const rc_refused_property_t RC_REFUSED_PROPERTIES[] = {
    {"group.id", "each lane and the producers have their own group"},
    {"group.instance.id", "it is made from `instance`; set that"},
    {"group.protocol", "ownership rests on the classic protocol with static members"},
    {"group.protocol.type", "ownership rests on the classic protocol with static members"},
    {"group.remote.assignor", "partition n of all topics must go to one process"},
    {"partition.assignment.strategy", "partition n of all topics must go to one process"},
    {"isolation.level", "aborted transactions must not be seen"},
    {"auto.offset.reset", "a lost offset must not skip records"},
    {"enable.auto.commit", "offsets are committed with the records' outcome, in one transaction"},
    {"auto.commit.enable", "offsets are committed with the records' outcome, in one transaction"},
    {"auto.commit.interval.ms", "offsets are committed with the records' outcome, in one transaction"},
    {"enable.auto.offset.store", "offsets are committed with the records' outcome, in one transaction"},
    {"offset.store.method", "offsets are committed with the records' outcome, in one transaction"},
    {"offset.store.path", "offsets are committed with the records' outcome, in one transaction"},
    {"offset.store.sync.interval.ms", "offsets are committed with the records' outcome, in one transaction"},
    {"enable.partition.eof", "catching up is measured by watermarks"},
    {"partitioner", "all topics place an employee by murmur2 of the key, as Java clients do"},
    {"transactional.id", "it is made from the prefix, the program and `instance`, and fences predecessors"},
    {"transaction.timeout.ms", "it bounds how long a takeover waits"},
    {"enable.idempotence", "exactly-once publishing rests on it"},
    {"enable.gapless.guarantee", "exactly-once publishing rests on idempotence"},
    {"acks", "exactly-once publishing needs all replicas' word"},
    {"request.required.acks", "exactly-once publishing needs all replicas' word"},
    {"max.in.flight", "idempotence bounds it"},
    {"max.in.flight.requests.per.connection", "idempotence bounds it"},
    {"message.timeout.ms", "it follows from the transaction's time-out"},
    {"delivery.timeout.ms", "it follows from the transaction's time-out"},
    {"allow.auto.create.topics", "topics are created explicitly, with the right settings"},
    {"metadata.broker.list", "it is another name of bootstrap.servers; write that"},
    {"test.mock.num.brokers", "it would replace the cluster by one of librdkafka's own"},
    {NULL, NULL},
};

const char *rc_property_refused(const char *name)
{
    for (const rc_refused_property_t *refused = RC_REFUSED_PROPERTIES; refused->name; refused++)
        if (strcmp(refused->name, name) == 0) return refused->reason;
    return NULL;
}

bool rc_property_is_plausible(const char *name)
{
    static const char *const undotted[] = {"debug", "log_level", "retries"};
    for (size_t i = 0; i < sizeof undotted / sizeof *undotted; i++)
        if (strcmp(name, undotted[i]) == 0) return true;
    return strchr(name, '.') != NULL;
}

bool rc_property_is_secret(const char *name)
{
    static const char *const parts[] = {"password",           "secret",    "key.pem", "keystore.pem",
                                        "oauthbearer.config", "passphrase"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strstr(name, parts[i])) return true;
    return false;
}
