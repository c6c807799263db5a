#include "common/report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"

enum { COLUMNS_MAX = 16, GAP = 2, NARROWEST = 24, CELL_BYTES = 4096 };

struct rc_report {
    rc_arena_t *arena;
    size_t columns;
    const char *headings[COLUMNS_MAX];
    bool right[COLUMNS_MAX];
    bool wrapped[COLUMNS_MAX];
    const char **cells; /* rows times columns */
    size_t rows;
    size_t capacity;
};

/* Unicode ranges that take no column, or two (East Asian wide and emoji): the blocks, not every character. */
static const struct {
    uint32_t from, to;
    size_t width;
} WIDTHS[] = {
    {0x0300, 0x036F, 0},   {0x0483, 0x0489, 0},   {0x0591, 0x05BD, 0},   {0x0610, 0x061A, 0},   {0x064B, 0x065F, 0},
    {0x1100, 0x115F, 2},   {0x1AB0, 0x1AFF, 0},   {0x1DC0, 0x1DFF, 0},   {0x200B, 0x200F, 0},   {0x202A, 0x202E, 0},
    {0x20D0, 0x20FF, 0},   {0x2E80, 0x303E, 2},   {0x3041, 0xA4CF, 2},   {0xAC00, 0xD7A3, 2},   {0xF900, 0xFAFF, 2},
    {0xFE00, 0xFE0F, 0},   {0xFE20, 0xFE2F, 0},   {0xFE30, 0xFE6F, 2},   {0xFF00, 0xFF60, 2},   {0xFFE0, 0xFFE6, 2},
    {0x1F300, 0x1F64F, 2}, {0x1F680, 0x1F6FF, 2}, {0x1F900, 0x1F9FF, 2}, {0x20000, 0x3FFFD, 2},
};

static size_t width_of(uint32_t character)
{
    if (character < 0x0300) return 1;
    for (size_t i = 0; i < sizeof WIDTHS / sizeof *WIDTHS; i++)
        if (character >= WIDTHS[i].from && character <= WIDTHS[i].to) return WIDTHS[i].width;
    return 1;
}

/* Decodes the character at *at of valid UTF-8 and moves on. */
static uint32_t next_character(const char **at)
{
    const unsigned char *c = (const unsigned char *)*at;
    size_t length = c[0] < 0x80 ? 1 : c[0] < 0xE0 ? 2 : c[0] < 0xF0 ? 3 : 4;
    uint32_t character = length == 1 ? c[0] : c[0] & (0xFFu >> (length + 1));
    for (size_t i = 1; i < length; i++) character = character << 6 | (c[i] & 0x3F);
    *at += length;
    return character;
}

/* The longest beginning of `text` that takes at most `columns`, in bytes; what it takes goes to *taken. */
static size_t fit(const char *text, size_t columns, size_t *taken)
{
    const char *at = text;
    *taken = 0;
    while (*at) {
        const char *before = at;
        size_t width = width_of(next_character(&at));
        if (*taken + width > columns) return (size_t)(before - text);
        *taken += width;
    }
    return (size_t)(at - text);
}

/* In the arena: valid UTF-8 on one line, without what a terminal would obey. */
static char *clean(rc_arena_t *arena, const char *text, size_t length)
{
    length = rc_utf8_cut(text, length, CELL_BYTES);
    char *copy = rc_arena_strndup(arena, text, length);
    bool utf8 = rc_utf8_valid(copy, length);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)copy[i];
        if (c < ' ' || c == 0x7F) copy[i] = ' ';
        if (c >= 0x80 && !utf8) copy[i] = '?';
        if (utf8 && c == 0xC2 && (unsigned char)copy[i + 1] < 0xA0) copy[i] = copy[i + 1] = ' ';
    }
    return copy;
}

size_t rc_text_width(const char *text)
{
    size_t width;
    if (!rc_utf8_valid(text, strlen(text))) return strlen(text);
    (void)fit(text, SIZE_MAX, &width);
    return width;
}

rc_report_t *rc_report_new(const char *columns)
{
    rc_report_t *report = rc_zalloc(sizeof *report);
    report->arena = rc_arena_new();
    while (columns) {
        RC_INVARIANT(report->columns < COLUMNS_MAX);
        const char *end = strchrnul(columns, '|');
        bool right = *columns == '>', wrapped = *columns == '~';
        columns += right || wrapped;
        report->right[report->columns] = right;
        report->wrapped[report->columns] = wrapped;
        report->headings[report->columns++] = clean(report->arena, columns, (size_t)(end - columns));
        columns = *end ? end + 1 : NULL;
    }
    return report;
}

void rc_report_free(rc_report_t *report)
{
    if (!report) return;
    rc_arena_free(report->arena);
    free(report->cells);
    free(report);
}

static const char **new_row(rc_report_t *report)
{
    if (report->rows == report->capacity) {
        report->capacity = report->capacity ? report->capacity * 2 : 32;
        report->cells = rc_realloc(report->cells, report->capacity * report->columns * sizeof *report->cells);
    }
    const char **row = report->cells + report->rows++ * report->columns;
    for (size_t i = 0; i < report->columns; i++) row[i] = "";
    return row;
}

void rc_report_add(rc_report_t *report, const char *const *cells)
{
    const char **row = new_row(report);
    for (size_t i = 0; i < report->columns; i++)
        if (cells[i]) row[i] = clean(report->arena, cells[i], strlen(cells[i]));
}

void rc_report_add_format(rc_report_t *report, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0) RC_DIE("out of memory, or a wrong format: %s", format);
    va_end(args);
    const char **row = new_row(report);
    const char *at = text;
    for (size_t i = 0; i < report->columns && at; i++) {
        const char *end = strchrnul(at, '\t');
        row[i] = clean(report->arena, at, (size_t)(end - at));
        at = *end ? end + 1 : NULL;
    }
    free(text);
}

size_t rc_report_rows(const rc_report_t *report)
{
    return report->rows;
}

static size_t line_width(const rc_report_t *report, const size_t *widths)
{
    size_t total = (report->columns - 1) * GAP;
    for (size_t i = 0; i < report->columns; i++) total += widths[i];
    return total;
}

/* Takes columns away from the widest that wraps until the line fits, or none can give more. */
static void squeeze(const rc_report_t *report, size_t *widths, size_t room)
{
    while (line_width(report, widths) > room) {
        size_t widest = COLUMNS_MAX;
        for (size_t i = 0; i < report->columns; i++)
            if (report->wrapped[i] && (widest == COLUMNS_MAX || widths[i] > widths[widest])) widest = i;
        if (widest == COLUMNS_MAX || widths[widest] <= NARROWEST) return;
        widths[widest]--;
    }
}

static void add_spaces(rc_buf_t *text, size_t count)
{
    while (count--) rc_buf_add(text, " ", 1);
}

static void render_cell(rc_buf_t *text, const char *cell, size_t width, bool right, bool last)
{
    size_t space = width - rc_text_width(cell);
    if (right) add_spaces(text, space);
    rc_buf_add_str(text, cell);
    if (!right && !last) add_spaces(text, space);
}

static void render_line(const rc_report_t *report, const char *const *cells, const size_t *widths, rc_buf_t *text)
{
    size_t last = report->columns - 1;
    while (last > 0 && !*cells[last]) last--;
    for (size_t i = 0; i <= last; i++) {
        render_cell(text, cells[i], widths[i], report->right[i], i == last);
        if (i < last) add_spaces(text, GAP);
    }
}

/* How much of a sentence stands in a line of that width: whole words where there are any. */
static size_t line_length(const char *sentence, size_t width)
{
    size_t taken, length = fit(sentence, width, &taken), words = length;
    if (!sentence[length]) return length;
    while (words > 0 && sentence[words] != ' ') words--;
    return words > 0 ? words : length;
}

static void render_row(const rc_report_t *report, const char *const *cells, const size_t *widths, rc_buf_t *text)
{
    const char *rest[COLUMNS_MAX], *line[COLUMNS_MAX];
    rc_arena_t *arena = rc_arena_new();
    bool more = true;
    memcpy(rest, cells, report->columns * sizeof *rest);
    while (more) {
        more = false;
        for (size_t i = 0; i < report->columns; i++) {
            line[i] = rest[i];
            rest[i] = "";
            if (!report->wrapped[i]) continue;
            size_t length = line_length(line[i], widths[i]);
            rest[i] = line[i] + length + strspn(line[i] + length, " ");
            line[i] = rc_arena_strndup(arena, line[i], length);
            more = more || *rest[i];
        }
        render_line(report, line, widths, text);
        rc_buf_add_str(text, "\n");
    }
    rc_arena_free(arena);
}

/* Where the terminal is too narrow for a table: a line for each cell, so that nothing is cut and an id can be copied.
 */
static void render_stacked(const rc_report_t *report, size_t room, rc_buf_t *text)
{
    size_t indent = 0;
    for (size_t i = 0; i < report->columns; i++) {
        size_t width = rc_text_width(report->headings[i]) + GAP;
        if (width > indent) indent = width;
    }
    size_t width = room > indent + NARROWEST ? room - indent : NARROWEST;
    for (size_t row = 0; row < report->rows; row++) {
        if (row > 0) rc_buf_add_str(text, "\n");
        for (size_t i = 0; i < report->columns; i++) {
            const char *heading = report->headings[i], *cell = report->cells[row * report->columns + i];
            while (*cell) {
                size_t length = strchr(cell, ' ') ? line_length(cell, width) : strlen(cell);
                render_cell(text, heading, indent, false, false);
                rc_buf_add(text, cell, length);
                rc_buf_add_str(text, "\n");
                cell += length + strspn(cell + length, " ");
                heading = "";
            }
        }
    }
}

void rc_report_render(const rc_report_t *report, rc_report_style_t style, rc_buf_t *text)
{
    size_t widths[COLUMNS_MAX];
    for (size_t i = 0; i < report->columns; i++) {
        widths[i] = rc_text_width(report->headings[i]);
        for (size_t row = 0; row < report->rows; row++) {
            size_t width = rc_text_width(report->cells[row * report->columns + i]);
            if (width > widths[i]) widths[i] = width;
        }
    }
    if (style.width) {
        squeeze(report, widths, style.width);
        if (line_width(report, widths) > style.width) {
            render_stacked(report, style.width, text);
            return;
        }
    }
    if (style.bold) rc_buf_add_str(text, "\033[1m");
    render_line(report, report->headings, widths, text);
    rc_buf_add_str(text, style.bold ? "\033[0m\n" : "\n");
    for (size_t row = 0; row < report->rows; row++)
        render_row(report, report->cells + row * report->columns, widths, text);
}

rc_report_style_t rc_report_style(FILE *stream)
{
    int fd = fileno(stream);
    if (fd < 0 || !isatty(fd)) return (rc_report_style_t){0};
    const char *columns = getenv("COLUMNS"), *plain = getenv("NO_COLOR"), *terminal = getenv("TERM");
    struct winsize size;
    long width = columns ? strtol(columns, NULL, 10) : 0;
    if (width <= 0 && ioctl(fd, TIOCGWINSZ, &size) == 0) width = size.ws_col;
    bool dumb = terminal && strcmp(terminal, "dumb") == 0;
    return (rc_report_style_t){.width = width > 0 ? (size_t)width : 80, .bold = !dumb && rc_text_empty(plain)};
}

void rc_report_print(const rc_report_t *report, FILE *stream, const char *nothing)
{
    if (!report->rows && nothing) {
        (void)fprintf(stream, "%s\n", nothing);
        return;
    }
    rc_buf_t text = RC_BUF_INIT(SIZE_MAX / 4);
    rc_report_render(report, rc_report_style(stream), &text);
    (void)fwrite(text.data, 1, text.size_bytes, stream);
    rc_buf_fini(&text);
}

const char *rc_report_number(rc_arena_t *arena, int64_t number)
{
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%" PRId64, number);
    size_t length = strlen(digits), at = 0;
    char *text = rc_arena_alloc(arena, length + length / 3 + 1);
    for (size_t i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0 && digits[i - 1] != '-') text[at++] = ',';
        text[at++] = digits[i];
    }
    return text;
}

const char *rc_report_people(rc_arena_t *arena, int64_t number)
{
    return rc_arena_sprintf(arena, "%s %s", rc_report_number(arena, number), number == 1 ? "person" : "people");
}
