/* A fast 64-bit hash (XXH3) for digests and tables; not for secrets. The values are the same on every machine and in
 * every release. The one place that includes xxhash. Pure; any thread. */
#ifndef RC_COMMON_HASH_H
#define RC_COMMON_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t rc_hash64(const void *bytes, size_t size_bytes);

#endif
