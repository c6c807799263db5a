#include "common/text.h"

#include <string.h>
#include <strings.h>

#include "common/mem.h"

bool rc_text_equal(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static char ascii_lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool rc_email_equal(const char *a, const char *b)
{
    if (!a || !b) return a == b;
    while (*a && ascii_lower(*a) == ascii_lower(*b)) a++, b++;
    return ascii_lower(*a) == ascii_lower(*b);
}

bool rc_text_empty(const char *text)
{
    return !text || !*text;
}

/* Bytes of white space at `text`: 0, 1 or 2 (U+00A0 is C2 A0). */
static size_t space_at(const char *text, size_t length)
{
    if (length && (*text == ' ' || (*text >= '\t' && *text <= '\r'))) return 1;
    return length >= 2 && text[0] == '\xC2' && text[1] == '\xA0' ? 2 : 0;
}

void rc_text_trim(const char **text, size_t *length)
{
    size_t space;
    while ((space = space_at(*text, *length)) > 0) {
        *text += space;
        *length -= space;
    }
    for (;;) {
        if (*length && space_at(*text + *length - 1, 1))
            *length -= 1;
        else if (*length >= 2 && space_at(*text + *length - 2, 2) == 2)
            *length -= 2;
        else
            return;
    }
}

/* Length of the well-formed UTF-8 character at `text`, 0 when there is none (Unicode table 3-7). */
static size_t utf8_char(const unsigned char *text, size_t length)
{
    unsigned char lead = text[0], low = 0x80, high = 0xBF;
    size_t need;
    if (lead == 0) return 0;
    if (lead < 0x80) return 1;
    if (lead >= 0xC2 && lead <= 0xDF) {
        need = 2;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        need = 3;
        if (lead == 0xE0) low = 0xA0;
        if (lead == 0xED) high = 0x9F;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        need = 4;
        if (lead == 0xF0) low = 0x90;
        if (lead == 0xF4) high = 0x8F;
    } else {
        return 0;
    }
    if (length < need || text[1] < low || text[1] > high) return 0;
    for (size_t i = 2; i < need; i++)
        if ((text[i] & 0xC0) != 0x80) return 0;
    return need;
}

bool rc_utf8_valid(const char *text, size_t length)
{
    while (length) {
        size_t step = utf8_char((const unsigned char *)text, length);
        if (!step) return false;
        text += step;
        length -= step;
    }
    return true;
}

size_t rc_utf8_cut(const char *text, size_t length, size_t cap)
{
    if (length <= cap) return length;
    while (cap > 0 && ((unsigned char)text[cap] & 0xC0) == 0x80) cap--;
    return cap;
}

char *rc_url_encode(const char *text)
{
    static const char hex[] = "0123456789ABCDEF";
    char *encoded = rc_alloc(strlen(text) * 3 + 1), *out = encoded;
    for (const unsigned char *in = (const unsigned char *)text; *in; in++) {
        bool unreserved = (*in >= 'a' && *in <= 'z') || (*in >= 'A' && *in <= 'Z') || (*in >= '0' && *in <= '9') ||
                          strchr("-._~", *in);
        if (unreserved) {
            *out++ = (char)*in;
        } else {
            *out++ = '%';
            *out++ = hex[*in >> 4];
            *out++ = hex[*in & 15];
        }
    }
    *out = '\0';
    return encoded;
}

static bool is_local_part(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 0x80 ||
           (c && strchr("!#$%&'*+-/=?^_`{|}~.", c));
}

static bool is_domain(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 0x80 || c == '.' ||
           c == '-';
}

size_t rc_text_strike_addresses(const char *text, char *out, size_t out_bytes)
{
    static const char struck[] = "<address>";
    size_t length = rc_utf8_cut(text, strlen(text), out_bytes - sizeof struck), size = 0;
    for (size_t i = 0; i < length; i++) {
        bool address = text[i] == '@' && size && is_local_part((unsigned char)out[size - 1]) && i + 1 < length &&
                       is_domain((unsigned char)text[i + 1]);
        if (!address) {
            if (size == out_bytes - 1) { /* what stands for an address can be longer than it */
                for (; size && ((unsigned char)text[i] & 0xC0) == 0x80; i--) size--;
                break;
            }
            out[size++] = text[i];
            continue;
        }
        while (size && is_local_part((unsigned char)out[size - 1])) size--;
        while (i + 1 < length && is_domain((unsigned char)text[i + 1])) i++;
        if (size > out_bytes - sizeof struck) break;
        memcpy(out + size, struck, sizeof struck - 1);
        size += sizeof struck - 1;
    }
    out[size] = '\0';
    return size;
}
