#include "tests/sandbox/out.h"

#include <string.h>

void sb_out_text(rc_buf_t *buf, const char *text)
{
    if (!text) {
        SB_OUT(buf, "null");
        return;
    }
    SB_OUT(buf, "\"");
    for (;;) {
        size_t plain = 0;
        while ((unsigned char)text[plain] >= ' ' && text[plain] != '"' && text[plain] != '\\') plain++;
        (void)rc_buf_add(buf, text, plain);
        text += plain;
        if (!*text) break;
        if ((unsigned char)*text < ' ')
            (void)rc_buf_add_format(buf, "\\u%04x", (unsigned)*text);
        else
            (void)rc_buf_add(buf, (char[]){'\\', *text}, 2);
        text++;
    }
    SB_OUT(buf, "\"");
}

void sb_out_number(rc_buf_t *buf, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do digits[--at] = (char)('0' + number % 10);
    while (number /= 10);
    (void)rc_buf_add(buf, digits + at, sizeof digits - at);
}

void sb_out_wall(rc_buf_t *buf, rc_wall_t wall)
{
    char text[RC_TIME_STR_SIZE];
    sb_out_text(buf, wall.ms ? rc_wall_str(wall, text) : NULL);
}

void sb_out_date(rc_buf_t *buf, rc_date_t date)
{
    sb_out_wall(buf, (rc_wall_t){rc_date_is_set(date) ? (int64_t)date.days * 86400000 : 0});
}

void sb_out_drop_comma(rc_buf_t *buf)
{
    if (buf->size_bytes && buf->data[buf->size_bytes - 1] == ',') buf->data[--buf->size_bytes] = '\0';
}
