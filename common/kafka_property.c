#include "common/kafka_property.h"

#include <stdio.h>

#include "common/kafka_handle.h"

bool rc_kafka_property_check(const char *name, const char *value, char *why, size_t why_bytes)
{
    char words[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, name, value, words, sizeof words);
    rd_kafka_conf_destroy(conf);
    if (result == RD_KAFKA_CONF_UNKNOWN)
        (void)snprintf(why, why_bytes,
                       "unknown property; see the settings under `kafka:` and librdkafka's CONFIGURATION.md");
    else if (result != RD_KAFKA_CONF_OK)
        (void)snprintf(why, why_bytes, "%s; see librdkafka's CONFIGURATION.md", words);
    return result == RD_KAFKA_CONF_OK;
}
