/* Identifiers: the same event always has the same one, so that whoever sees it twice can tell. The one place with
 * libuuid. Any thread. */
#ifndef RC_COMMON_UUID_H
#define RC_COMMON_UUID_H

#include <stdint.h>

#include "common/domain.h"

enum { RC_UUID_STR_SIZE = 37 };

/* The namespace of event ids. It never changes: every id ever published was made in it. */
#define RC_UUID_EVENT_NAMESPACE "6a33d476-1718-4da9-a8d8-7b5b62d281be"

/* The UUIDv5 (RFC 9562) in that namespace of "<integration id>/<employee id>|<version>|<event type>", for example
 * "personio:CBNM/42|1763827732123|created"; lower case. Returns text. */
char *rc_uuid_event(const char *integration_id, const char *employee_id, int64_t version, rc_event_type_t type,
                    char text[RC_UUID_STR_SIZE]);
/* The namespace of the ids of commands that webhooks make. */
#define RC_UUID_WEBHOOK_NAMESPACE "62014f6a-80c3-4328-8180-c9500ad4ff38"

/* The UUIDv5 in that namespace of "<integration id>|<webhook id>", lower case: the same delivery makes the same
 * command, however often and wherever it comes. Returns text. */
char *rc_uuid_webhook(const char *integration_id, const char *webhook_id, char text[RC_UUID_STR_SIZE]);
/* A random UUIDv4, lower case: ids of commands. Returns text. */
char *rc_uuid_random(char text[RC_UUID_STR_SIZE]);

#endif
