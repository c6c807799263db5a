#include "common/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

rc_code_t rc_error_set(rc_error_t *error, rc_code_t code, rc_disposition_t disposition, const char *format, ...)
{
    if (!error) return code;
    char message[RC_ERROR_MESSAGE_SIZE]; /* the arguments may point into error->message */
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    *error = (rc_error_t){.code = code, .disposition = disposition, .retry_after_ms = -1};
    memcpy(error->message, message, sizeof message);
    return code;
}

rc_code_t rc_error_prefix(rc_error_t *error, const char *format, ...)
{
    if (!error) return RC_OK;
    char message[RC_ERROR_MESSAGE_SIZE];
    va_list args;
    va_start(args, format);
    int used = vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (used > 0 && (size_t)used < sizeof message)
        (void)snprintf(message + used, sizeof message - (size_t)used, ": %s", error->message);
    memcpy(error->message, message, sizeof message);
    return error->code;
}

const char *rc_code_str(rc_code_t code)
{
    static const char *const names[] = {
#define X(name, text) [RC_##name] = text,
        RC_ERRORS(X)
#undef X
    };
    return (size_t)code < sizeof names / sizeof *names ? names[code] : "unknown";
}

void rc_die(const char *file, int line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fprintf(stderr, "%s:%d: ", file, line);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    abort();
}
