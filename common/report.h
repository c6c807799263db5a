/* What commands print for people: aligned tables. Widths count characters as a terminal shows them. On a terminal
 * sentences are wrapped to its width, and a table that is still too wide is printed with a line for each cell; nothing
 * is ever cut. Nothing but text is written unless there is a terminal. Any thread, one report at a time. */
#ifndef RC_COMMON_REPORT_H
#define RC_COMMON_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/buf.h"
#include "common/mem.h"

typedef struct rc_report rc_report_t;

typedef struct {
    size_t width; /* columns; 0: not a terminal, nothing is wrapped */
    bool bold;    /* headings stand out */
} rc_report_style_t;

/* `columns` are headings separated by '|'; one that begins with '>' is aligned to the right, one that begins with '~'
 * holds sentences, which may go on in the next line: "integration|>holds|~what to do". Returns new (free with
 * rc_report_free). */
rc_report_t *rc_report_new(const char *columns);
void rc_report_free(rc_report_t *report); /* NULL is fine */

/* Adds one row of as many cells as there are columns; copied. NULL is an empty cell. Control characters and line breaks
 * become spaces. */
void rc_report_add(rc_report_t *report, const char *const *cells);
/* The same from one formatted text whose cells are separated by '\t'. */
void rc_report_add_format(rc_report_t *report, const char *format, ...) __attribute__((format(printf, 2, 3)));

size_t rc_report_rows(const rc_report_t *report);

/* Appends headings and rows. */
void rc_report_render(const rc_report_t *report, rc_report_style_t style, rc_buf_t *text);
/* Writes it to `stream` in the style that fits it; `nothing` instead when there are no rows ("nothing waits"). */
void rc_report_print(const rc_report_t *report, FILE *stream, const char *nothing);

/* Of a stream: the terminal's width (COLUMNS, else asked, else 80), or none; bold unless NO_COLOR is set. */
rc_report_style_t rc_report_style(FILE *stream);

/* Columns that the text takes on a terminal: wide characters two, combining ones none. */
size_t rc_text_width(const char *text);

/* "1,140". In the arena. */
const char *rc_report_number(rc_arena_t *arena, int64_t number);
/* "1,140 people", "1 person". In the arena. */
const char *rc_report_people(rc_arena_t *arena, int64_t number);

#endif
