/* References in values: ${NAME} and ${file:PATH}. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/config_settings.h"
#include "common/text.h"

enum { FILE_MAX = 64 * 1024, VALUE_MAX = 256 * 1024 };

#define PROBLEM(place, ...) rc_problems_add((place)->problems, (place)->line, (place)->key, __VA_ARGS__)

/* A secret's file, without the line end that editors put there. */
static bool add_file(const rc_place_t *place, const char *path, rc_buf_t *out)
{
    char *content = rc_alloc(FILE_MAX + 1);
    struct stat about;
    size_t size = 0;
    /* O_NONBLOCK: a pipe without a writer must not hold the start. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const char *why = fd < 0 || fstat(fd, &about) != 0 ? strerror(errno) : S_ISREG(about.st_mode) ? NULL : "no file";
    while (!why && size <= FILE_MAX) {
        ssize_t got = read(fd, content + size, FILE_MAX + 1 - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) why = strerror(errno);
        if (got <= 0) break;
        size += (size_t)got;
    }
    if (!why && size > FILE_MAX) why = "longer than 64 KiB";
    if (!why && size && content[size - 1] == '\n') size--;
    if (!why && size && content[size - 1] == '\r') size--;
    if (!why && !rc_utf8_valid(content, size)) why = "not UTF-8 text";
    if (why)
        PROBLEM(place, "the file %s cannot be read (%s); put the value there or name another file", path, why);
    else
        rc_buf_add(out, content, size);
    if (fd >= 0) (void)close(fd);
    explicit_bzero(content, FILE_MAX + 1);
    free(content);
    return !why;
}

static bool is_name(const char *text)
{
    if (!*text || (*text >= '0' && *text <= '9')) return false;
    return text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

static bool add_reference(const rc_place_t *place, const char *reference, rc_buf_t *out)
{
    if (strncmp(reference, "file:", 5) == 0 && reference[5]) return add_file(place, reference + 5, out);
    if (!is_name(reference)) {
        PROBLEM(place, "${%.64s} is no reference; write ${NAME}, ${file:/PATH}, or $${ for the characters ${",
                reference);
        return false;
    }
    const char *value = getenv(reference);
    if (!value) {
        PROBLEM(place, "the environment variable %.64s is not set; set it, or write the value", reference);
        return false;
    }
    if (!rc_utf8_valid(value, strlen(value))) {
        PROBLEM(place, "the environment variable %.64s is not UTF-8; set it to text", reference);
        return false;
    }
    rc_buf_add_str(out, value);
    return true;
}

const char *rc_config_expand(const rc_place_t *place, const char *text)
{
    if (!strstr(text, "${")) return text;
    rc_buf_t out = RC_BUF_INIT(VALUE_MAX);
    bool fine = true;
    for (const char *at = text; *at && fine;) {
        if (strncmp(at, "$${", 3) == 0) {
            rc_buf_add_str(&out, "${");
            at += 3;
        } else if (strncmp(at, "${", 2) == 0) {
            const char *end = strchr(at, '}');
            char *reference = rc_strndup(at + 2, end ? (size_t)(end - at - 2) : 0);
            fine = end && add_reference(place, reference, &out);
            if (!end) PROBLEM(place, "\"${\" is not closed; write ${NAME}, or $${ for the characters ${");
            free(reference);
            at = end ? end + 1 : at;
        } else {
            rc_buf_add(&out, at++, 1);
        }
    }
    if (fine && out.overflowed) {
        PROBLEM(place, "longer than 256 KiB; a value is shorter");
        fine = false;
    }
    const char *expanded = fine ? rc_arena_strndup(place->arena, out.data ? out.data : "", out.size_bytes) : NULL;
    if (out.data) explicit_bzero(out.data, out.size_bytes);
    rc_buf_fini(&out);
    return expanded;
}
