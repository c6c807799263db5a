/* What is to be typed next, with --config as it was typed. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cli.h"
#include "common/mem.h"

const char *rc_cli_given_config(const rc_args_t *args)
{
    return args->given & RC_OPT(CONFIG) ? args->config : NULL;
}

/* The length of a command at the beginning of what stands behind a backtick; 0: it is none. */
static size_t command_length(const char *text)
{
    size_t length = strcspn(text, "`");
    return strncmp(text, "rollcall-", 9) == 0 && text[length] ? length : 0;
}

char *rc_cli_complete(const rc_args_t *args, const char *text)
{
    const char *config = rc_cli_given_config(args);
    rc_buf_t out = RC_BUF_INIT(SIZE_MAX / 4);
    for (const char *at = text; *at;) {
        size_t length = strcspn(at, "`");
        length += at[length] == '`';
        (void)rc_buf_add(&out, at, length);
        at += length;
        length = config && length && at[-1] == '`' ? command_length(at) : 0;
        if (!length) continue;
        (void)rc_buf_add(&out, at, length);
        if (!memmem(at, length, " --config ", 10)) (void)rc_buf_add_format(&out, " --config %s", config);
        (void)rc_buf_add(&out, at + length, 1);
        at += length + 1;
    }
    char *complete = rc_strdup(out.size_bytes ? out.data : "");
    rc_buf_fini(&out);
    return complete;
}

static char *make_line(const rc_args_t *args, const char *program, const char *format, va_list list)
    __attribute__((format(printf, 3, 0)));
static char *make_line(const rc_args_t *args, const char *program, const char *format, va_list list)
{
    char *command = NULL;
    if (vasprintf(&command, format, list) < 0) RC_DIE("out of memory, or a wrong format: %s", format);
    const char *config = rc_cli_given_config(args);
    char *line = rc_sprintf("%s %s%s%s", program ? program : args->program->name, command, config ? " --config " : "",
                            config ? config : "");
    free(command);
    return line;
}

char *rc_cli_line(const rc_args_t *args, const char *program, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    char *line = make_line(args, program, format, list);
    va_end(list);
    return line;
}

void rc_cli_next(const rc_args_t *args, const char *what, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    char *line = make_line(args, NULL, format, list);
    va_end(list);
    printf("  %s    # %s\n", line, what);
    free(line);
}
