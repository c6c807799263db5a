/* What is wrong with a configuration: collected, then said all at once. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/config_settings.h"

enum { PROBLEMS_MAX = 200 };

/* A key or a value of the file may hold what a terminal would obey. */
static void make_printable(char *text)
{
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7F) *c = ' ';
}

void rc_problems_add(rc_problems_t *problems, int line, const char *key, const char *format, ...)
{
    if (problems->count == PROBLEMS_MAX) {
        problems->left_out++;
        return;
    }
    if (problems->count == problems->capacity) {
        problems->capacity = problems->capacity ? problems->capacity * 2 : 16;
        problems->items = rc_realloc(problems->items, problems->capacity * sizeof *problems->items);
    }
    char message[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    rc_problem_t *problem = &problems->items[problems->count];
    *problem = (rc_problem_t){line, problems->count, rc_sprintf("%s: %s", key, message)};
    make_printable(problem->text);
    problems->count++;
}

void rc_problems_fini(rc_problems_t *problems)
{
    for (size_t i = 0; i < problems->count; i++) free(problems->items[i].text);
    free(problems->items);
    *problems = (rc_problems_t){.file = problems->file};
}

static int by_line(const void *a, const void *b)
{
    const rc_problem_t *left = a, *right = b;
    if (left->line != right->line) return left->line < right->line ? -1 : 1;
    return left->order < right->order ? -1 : left->order > right->order;
}

void rc_problems_print(rc_problems_t *problems, rc_buf_t *text)
{
    if (!problems->count) return;
    qsort(problems->items, problems->count, sizeof *problems->items, by_line);
    for (size_t i = 0; i < problems->count; i++)
        rc_buf_add_format(text, "%s:%d: %s\n", problems->file, problems->items[i].line, problems->items[i].text);
    if (problems->left_out)
        rc_buf_add_format(text, "%s:%d: YAML: %zu more problems are left out; mend these first\n", problems->file,
                          problems->items[problems->count - 1].line, problems->left_out);
}
