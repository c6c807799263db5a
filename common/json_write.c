#include "common/json_write.h"

#include <stdio.h>
#include <string.h>

/* How many bytes at `text` need no escape. */
static size_t plain_length(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    while (*at >= 0x20 && *at != '"' && *at != '\\') at++;
    return (size_t)(at - (const unsigned char *)text);
}

static void add_escape(rc_buf_t *out, unsigned char byte)
{
    static const char short_forms[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    char text[8];
    for (const char *form = short_forms; *form; form += 2)
        if ((unsigned char)*form == byte) {
            rc_buf_add(out, "\\", 1);
            rc_buf_add(out, form + 1, 1);
            return;
        }
    (void)snprintf(text, sizeof text, "\\u%04X", byte);
    rc_buf_add_str(out, text);
}

static void add_quoted(rc_buf_t *out, const char *text)
{
    rc_buf_add(out, "\"", 1);
    for (;;) {
        size_t length = plain_length(text);
        rc_buf_add(out, text, length);
        text += length;
        if (!*text) break;
        add_escape(out, (unsigned char)*text++);
    }
    rc_buf_add(out, "\"", 1);
}

static void begin(rc_json_writer_t *writer, const char *name)
{
    if (writer->has_value) rc_buf_add(writer->out, ",", 1);
    writer->has_value = true;
    if (!name) return;
    add_quoted(writer->out, name);
    rc_buf_add(writer->out, ":", 1);
}

void rc_json_write_str(rc_json_writer_t *writer, const char *name, const char *value)
{
    if (!value) return;
    begin(writer, name);
    add_quoted(writer->out, value);
}

void rc_json_write_bool(rc_json_writer_t *writer, const char *name, bool value)
{
    begin(writer, name);
    rc_buf_add_str(writer->out, value ? "true" : "false");
}

void rc_json_write_open(rc_json_writer_t *writer, const char *name, char bracket)
{
    begin(writer, name);
    rc_buf_add(writer->out, &bracket, 1);
    writer->has_value = false;
}

void rc_json_write_close(rc_json_writer_t *writer, char bracket)
{
    rc_buf_add(writer->out, &bracket, 1);
    writer->has_value = true;
}
