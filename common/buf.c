#include "common/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"

void rc_buf_fini(rc_buf_t *buf)
{
    free(buf->data);
    *buf = RC_BUF_INIT(buf->cap_bytes);
}

void rc_buf_reset(rc_buf_t *buf)
{
    buf->size_bytes = 0;
    buf->overflowed = false;
    if (buf->data) buf->data[0] = '\0';
}

/* Room for `more` bytes and a NUL; false beyond the cap. */
static bool reserve(rc_buf_t *buf, size_t more)
{
    if (more > buf->cap_bytes || buf->size_bytes > buf->cap_bytes - more) {
        buf->overflowed = true;
        return false;
    }
    size_t needed = buf->size_bytes + more + 1;
    if (needed <= buf->capacity_bytes) return true;
    size_t capacity = buf->capacity_bytes ? buf->capacity_bytes : 256;
    while (capacity < needed) capacity *= 2;
    buf->data = rc_realloc(buf->data, capacity);
    buf->capacity_bytes = capacity;
    return true;
}

bool rc_buf_add(rc_buf_t *buf, const void *bytes, size_t size_bytes)
{
    if (!reserve(buf, size_bytes)) return false;
    if (size_bytes) memcpy(buf->data + buf->size_bytes, bytes, size_bytes);
    buf->size_bytes += size_bytes;
    buf->data[buf->size_bytes] = '\0';
    return true;
}

bool rc_buf_add_str(rc_buf_t *buf, const char *text)
{
    return rc_buf_add(buf, text, strlen(text));
}

bool rc_buf_add_format(rc_buf_t *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    RC_INVARIANT(length >= 0);
    if (!reserve(buf, (size_t)length)) return false;
    va_start(args, format);
    (void)vsnprintf(buf->data + buf->size_bytes, (size_t)length + 1, format, args);
    va_end(args);
    buf->size_bytes += (size_t)length;
    return true;
}

char *rc_buf_take(rc_buf_t *buf)
{
    char *data = buf->data ? buf->data : rc_strdup("");
    *buf = RC_BUF_INIT(buf->cap_bytes);
    return data;
}
