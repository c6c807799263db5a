#include "common/uuid.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

#include "common/mem.h"

char *rc_uuid_event(const char *integration_id, const char *employee_id, int64_t version, rc_event_type_t type,
                    char text[RC_UUID_STR_SIZE])
{
    uuid_t namespace, id;
    RC_INVARIANT(uuid_parse(RC_UUID_EVENT_NAMESPACE, namespace) == 0);
    char *name = rc_sprintf("%s/%s|%" PRId64 "|%s", integration_id, employee_id, version,
                            rc_enum_str(&RC_ENUM_EVENT, (int)type));
    uuid_generate_sha1(id, namespace, name, strlen(name));
    uuid_unparse_lower(id, text);
    free(name);
    return text;
}

char *rc_uuid_random(char text[RC_UUID_STR_SIZE])
{
    uuid_t id;
    uuid_generate_random(id);
    uuid_unparse_lower(id, text);
    return text;
}
