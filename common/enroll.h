/* Makes a program able to read and write records: the schemas built in, a registry if one is configured, and our own
 * schemas written to the `schemas` topic, so that readers who have no registry find them. Start-up, one thread; it
 * waits for Kafka and the registry as long as it takes. */
#ifndef RC_COMMON_ENROLL_H
#define RC_COMMON_ENROLL_H

#include <stdatomic.h>

#include "common/codec.h"
#include "common/kafka.h"
#include "common/registry.h"

typedef struct {
    rc_schema_store_t *store;
    rc_registry_t *registry; /* NULL: none is configured */
    rc_codec_t *codec;
} rc_enrolment_t;

/* For commands that only read: nothing is asked and nothing written. */
void rc_enrol_reader(const rc_config_t *config, rc_enrolment_t *enrolment);
/* For services and commands that write. The topics exist. RC_CANCELLED; RC_MISCONFIGURED and RC_CONFLICT as
 * common/registry says; an unreachable registry or broker is logged and waited for. */
rc_code_t rc_enrol_writer(const rc_kafka_t *kafka, const atomic_bool *cancelled, rc_enrolment_t *enrolment,
                          rc_error_t *error);
void rc_enrolment_fini(rc_enrolment_t *enrolment);

#endif
