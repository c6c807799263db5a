/* Which integrations this process works: a member of the producers' group on `sync.commands`. Whoever is assigned a
 * partition owns the integrations whose id hashes to it, after the takeover of design section 4; each gets a worker. */
#ifndef RC_PRODUCER_OWNER_H
#define RC_PRODUCER_OWNER_H

#include "producer/service/worker.h"

typedef struct rc_owner rc_owner_t;

/* Starts the thread that joins the group. Borrows all. `once` goes to every worker (NULL: services). Returns new (free
 * with rc_owner_free). */
rc_owner_t *rc_owner_new(const rc_kafka_t *kafka, const rc_worker_context_t *context, const rc_once_t *once);
/* Stops the workers and leaves the partitions. NULL is fine. */
void rc_owner_free(rc_owner_t *owner);

/* Any thread: whether the group has given this process its partitions (perhaps none) and they were taken over. */
bool rc_owner_is_ready(const rc_owner_t *owner);

/* The producers' group, and the partition of an integration's commands. The name is new (free). */
char *rc_owner_group_id(const rc_config_t *config);
int32_t rc_owner_partition(const rc_config_t *config, const char *integration_id);

#endif
