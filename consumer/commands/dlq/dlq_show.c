/* dlq show: one dead letter, as it is. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/report.h"
#include "common/words.h"
#include "consumer/commands/commands.h"
#include "consumer/commands/dlq/dlq.h"
#include "consumer/commands/words.h"

enum { DUMP_BYTES = 256, DUMP_LINE = 16, HEADER_BYTES = 1024 };

typedef struct {
    const rc_dlq_t *dlq;
    const rc_dead_letter_t *letter;
    rc_history_record_t record; /* its strings, headers and value in the arena */
    bool found;
} showing_t;

static bool keep(void *opaque, const rc_history_record_t *record)
{
    showing_t *showing = opaque;
    rc_arena_t *arena = showing->dlq->arena;
    showing->record = *record;
    showing->record.headers = rc_headers_copy(arena, record->headers);
    showing->record.message.value = rc_arena_memdup(arena, record->message.value, record->message.value_bytes);
    showing->found = true;
    return false;
}

static rc_code_t read_record(showing_t *showing, rc_error_t *error)
{
    const rc_dlq_t *dlq = showing->dlq;
    const rc_history_part_t part = {RC_TOPIC_DLQ, .partition = showing->letter->partition,
                                    .offset = showing->letter->offset};
    return rc_history_read(dlq->history, &part, 1, NULL, dlq->arena, keep, showing, &dlq->cancelled, error);
}

/* --- for people --- */

static void say_field(void *opaque, const char *field, const char *value)
{
    const char *cells[] = {field, value};
    rc_report_add(opaque, cells);
}

static const char *say_state(const showing_t *showing)
{
    const rc_dead_letter_t *letter = showing->letter;
    if (letter->state == RC_DEAD_OPEN)
        return rc_arena_sprintf(showing->dlq->arena, "waits for a person: %s", rc_dead_reason_mend(letter->reason));
    return rc_arena_sprintf(showing->dlq->arena, "%s: %s", letter->state == RC_DEAD_TRYING ? "being tried" : "settled",
                            letter->became);
}

static const char *say_origin(const showing_t *showing)
{
    const rc_dead_letter_t *letter = showing->letter;
    if (!letter->origin_topic) return NULL;
    return rc_arena_sprintf(showing->dlq->arena, "%s, partition %d, offset %lld", letter->origin_topic,
                            (int)letter->origin_partition, (long long)letter->origin_offset);
}

static const char *or_unknown(const char *text)
{
    return text ? text : "not known";
}

static void print_letter(const showing_t *showing)
{
    rc_arena_t *arena = showing->dlq->arena;
    const rc_dead_letter_t *letter = showing->letter;
    rc_report_t *report = rc_report_new("dead letter|~");
    say_field(report, "employee",
              letter->person ? rc_arena_sprintf(arena, "%s (%s)", letter->person, letter->employee_id)
                             : or_unknown(letter->employee_id));
    say_field(report, "integration", or_unknown(letter->integration_id));
    say_field(report, "event", rc_say_type(letter->type));
    if (letter->lane >= 0 && letter->lane != letter->type) say_field(report, "lane", rc_say_type(letter->lane));
    if (letter->version) say_field(report, "version", rc_arena_sprintf(arena, "%lld", (long long)letter->version));
    say_field(report, "why", rc_dlq_why(arena, letter));
    say_field(report, "state", say_state(showing));
    say_field(report, "attempts", rc_arena_sprintf(arena, "%lld", (long long)letter->attempts));
    if (letter->first_failed_at.ms)
        say_field(report, "first failed (UTC)", rc_words_moment(arena, letter->first_failed_at));
    say_field(report, "dead-lettered (UTC)", rc_words_moment(arena, letter->dead_lettered_at));
    say_field(report, "lies at",
              rc_arena_sprintf(arena, "%s, partition %d, offset %lld", letter->topic, (int)letter->partition,
                               (long long)letter->offset));
    if (say_origin(showing)) say_field(report, "came from", say_origin(showing));
    if (letter->fault) say_field(report, "cannot be read", letter->fault);
    rc_report_print(report, stdout, NULL);
    rc_report_free(report);
}

static void print_event(const showing_t *showing)
{
    rc_report_t *report = rc_report_new("what was to be written|~");
    rc_say_employee(showing->dlq->arena, &showing->record.event.employee, say_field, report);
    printf("\n");
    rc_report_print(report, stdout, NULL);
    rc_report_free(report);
}

static void print_headers(const showing_t *showing)
{
    rc_arena_t *arena = showing->dlq->arena;
    rc_headers_t headers = showing->record.headers;
    rc_report_t *report = rc_report_new("header|~");
    for (size_t i = 0; i < headers.count; i++) {
        const rc_header_t *header = &headers.items[i];
        size_t length = header->value_bytes < HEADER_BYTES ? header->value_bytes : HEADER_BYTES;
        say_field(report, header->name, header->value ? rc_arena_strndup(arena, header->value, length) : "");
    }
    printf("\n");
    rc_report_print(report, stdout, "no headers");
    rc_report_free(report);
}

static void print_bytes(const showing_t *showing)
{
    const unsigned char *bytes = showing->record.message.value;
    size_t size = showing->record.message.value_bytes, shown = size < DUMP_BYTES ? size : DUMP_BYTES;
    printf("\n%zu bytes%s:\n", size, shown < size ? ", of which the first are" : "");
    for (size_t at = 0; at < shown; at += DUMP_LINE) {
        printf("  %04zx  ", at);
        for (size_t i = at; i < at + DUMP_LINE; i++) {
            if (i < shown)
                printf("%02x ", bytes[i]);
            else
                printf("   ");
            if (i == at + DUMP_LINE / 2 - 1) printf(" ");
        }
        printf(" ");
        for (size_t i = at; i < at + DUMP_LINE && i < shown; i++)
            (void)putchar(bytes[i] < 0x80 && isprint(bytes[i]) ? bytes[i] : '.');
        printf("\n");
    }
}

static void print_next(const showing_t *showing)
{
    const rc_dead_letter_t *letter = showing->letter;
    const rc_args_t *args = showing->dlq->args;
    printf("\n");
    if (letter->employee_id)
        rc_cli_next(args, "the employee's whole story", "trace --integration %s --employee %s", letter->integration_id,
                    letter->employee_id);
    if (letter->state == RC_DEAD_OPEN && letter->is_sendable)
        rc_cli_next(args, "when it is mended: sends it once more", "dlq replay --offset %d:%lld --apply",
                    (int)letter->partition, (long long)letter->offset);
}

static void print_all(const showing_t *showing)
{
    print_letter(showing);
    if (showing->found && !showing->record.tombstone && showing->record.fault.code == RC_OK) print_event(showing);
    if (showing->found) print_headers(showing);
    if (showing->found && showing->record.fault.code != RC_OK) print_bytes(showing);
    print_next(showing);
}

/* --- for programs --- */

static void put_field(void *opaque, const char *field, const char *value)
{
    rc_json_put_str(opaque, field, value);
}

static void print_json(const showing_t *showing)
{
    rc_arena_t *arena = showing->dlq->arena;
    const rc_kafka_message_t *message = &showing->record.message;
    json_t *json = rc_dlq_json(showing->letter);
    rc_json_put_str(json, "origin", say_origin(showing));
    rc_json_put_str(json, "became", showing->letter->became);
    if (showing->found && !showing->record.tombstone && showing->record.fault.code == RC_OK) {
        json_t *employee = json_object();
        rc_say_employee(arena, &showing->record.event.employee, put_field, employee);
        (void)json_object_set_new(json, "employee", employee);
    } else if (showing->found && message->value) {
        size_t shown = message->value_bytes < DUMP_BYTES ? message->value_bytes : DUMP_BYTES;
        char *hex = rc_arena_alloc(arena, 2 * shown + 1);
        for (size_t i = 0; i < shown; i++)
            (void)snprintf(hex + 2 * i, 3, "%02x", ((const unsigned char *)message->value)[i]);
        rc_json_put_str(json, "value_hex", hex);
        (void)json_object_set_new(json, "value_bytes", json_integer((json_int_t)message->value_bytes));
    }
    rc_json_print(json_pack("{s:[o]}", "dead_letters", json));
}

rc_exit_t rc_consumer_dlq_show(const rc_args_t *args)
{
    rc_dlq_t dlq;
    rc_error_t error = RC_ERROR_INIT;
    rc_exit_t exit = rc_dlq_open(args, &dlq);
    if (exit != RC_EXIT_DONE) goto cleanup;
    if (dlq.count == 0) {
        char *line = rc_cli_line(args, NULL, "dlq list");
        exit = rc_cli_fail(args, RC_EXIT_FAILED, "there is no dead letter at %d:%lld; `%s` lists them",
                           (int)args->partition, (long long)args->offset, line);
        free(line);
        goto cleanup;
    }
    showing_t showing = {.dlq = &dlq, .letter = &dlq.letters[0]};
    if (read_record(&showing, &error) != RC_OK)
        exit = rc_cli_fail(args, RC_EXIT_FAILED, "%s", error.message);
    else if (args->json)
        print_json(&showing);
    else
        print_all(&showing);
cleanup:
    rc_dlq_close(&dlq);
    return exit;
}
