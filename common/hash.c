#include "common/hash.h"

#include <xxhash.h>

uint64_t rc_hash64(const void *bytes, size_t size_bytes)
{
    return XXH3_64bits(bytes, size_bytes);
}
