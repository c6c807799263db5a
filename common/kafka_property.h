/* Whether librdkafka takes a property under `kafka:`. Pure; any thread. */
#ifndef RC_COMMON_KAFKA_PROPERTY_H
#define RC_COMMON_KAFKA_PROPERTY_H

#include <stdbool.h>
#include <stddef.h>

/* False: `why` gets what is wrong and what to do, "unknown property; see …", cut to its size. */
bool rc_kafka_property_check(const char *name, const char *value, char *why, size_t why_bytes);

#endif
