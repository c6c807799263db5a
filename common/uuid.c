#include "common/uuid.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

#include "common/mem.h"

/* The UUIDv5 of a name (taken). */
static char *derive(const char *namespace_text, char *name, char text[RC_UUID_STR_SIZE])
{
    uuid_t namespace, id;
    RC_INVARIANT(uuid_parse(namespace_text, namespace) == 0);
    uuid_generate_sha1(id, namespace, name, strlen(name));
    uuid_unparse_lower(id, text);
    free(name);
    return text;
}

char *rc_uuid_event(const char *integration_id, const char *employee_id, int64_t version, rc_event_type_t type,
                    char text[RC_UUID_STR_SIZE])
{
    char *name = rc_sprintf("%s/%s|%" PRId64 "|%s", integration_id, employee_id, version,
                            rc_enum_str(&RC_ENUM_EVENT, (int)type));
    return derive(RC_UUID_EVENT_NAMESPACE, name, text);
}

char *rc_uuid_webhook(const char *integration_id, const char *webhook_id, char text[RC_UUID_STR_SIZE])
{
    return derive(RC_UUID_WEBHOOK_NAMESPACE, rc_sprintf("%s|%s", integration_id, webhook_id), text);
}

char *rc_uuid_random(char text[RC_UUID_STR_SIZE])
{
    uuid_t id;
    uuid_generate_random(id);
    uuid_unparse_lower(id, text);
    return text;
}
