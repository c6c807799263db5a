/* A growing byte buffer with a cap: whatever is sized from outside goes through one. One thread at a time. */
#ifndef RC_COMMON_BUF_H
#define RC_COMMON_BUF_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    char *data; /* NUL-terminated after every append; NULL while nothing was appended */
    size_t size_bytes;
    size_t capacity_bytes;
    size_t cap_bytes;
    bool overflowed; /* an append was refused because of the cap; the content is what fitted whole */
} rc_buf_t;

#define RC_BUF_INIT(cap) ((rc_buf_t){.cap_bytes = (cap)})

void rc_buf_fini(rc_buf_t *buf);
void rc_buf_reset(rc_buf_t *buf); /* empties, keeps the memory */

/* Appends; false (and `overflowed`) when it would pass the cap, and then nothing is appended. */
bool rc_buf_add(rc_buf_t *buf, const void *bytes, size_t size_bytes);
bool rc_buf_add_str(rc_buf_t *buf, const char *text);
bool rc_buf_add_format(rc_buf_t *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Gives the bytes to the caller (free with free()) and empties the buffer. Never NULL. */
char *rc_buf_take(rc_buf_t *buf);

#endif
