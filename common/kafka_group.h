/* The inside of rc_kafka_group_t. Private to common/kafka*.c. */
#ifndef RC_COMMON_KAFKA_GROUP_H
#define RC_COMMON_KAFKA_GROUP_H

#include "common/kafka_handle.h"
#include "common/kafka_txn.h"

/* Takes `raw`. */
rc_kafka_group_t *rc_kafka_group_from(rd_kafka_consumer_group_metadata_t *raw);
const rd_kafka_consumer_group_metadata_t *rc_kafka_group_raw(const rc_kafka_group_t *group);

extern rd_kafka_t *_Atomic rc_kafka_group_member; /* a mutant's: of rc_kafka_group_taken_late */

#endif
