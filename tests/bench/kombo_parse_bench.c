/* What it costs to read an employee from Kombo's pages. Usage: kombo_parse_bench [FILE with a page] (else a page of 250
 * like the example of Kombo's API description). The budget for parsing, projecting and comparing together is 150,000
 * employees a second of CPU: 6.7 µs each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/mem.h"
#include "producer/kombo/kombo_parse.h"
#include "tests/support/cpu.h"

enum { RECORDS = 250, PIECE_BYTES = 16384, ROUNDS = 400, CAP_BYTES = 64 << 20 };

static const char EMPLOYMENT[] =
    "{\"id\":\"12vpXR7BeqYNWDShXRgsonnm\",\"remote_id\":\"859\",\"employee_id\":\"26vafvWSRmbhNcxJYqjCzuJg\","
    "\"job_title\":\"Social Media "
    "Marketer\",\"pay_rate\":85000,\"pay_period\":\"YEAR\",\"pay_frequency\":\"SEMIMONTHLY\","
    "\"employment_type\":\"FULL_TIME\",\"pay_currency\":\"EUR\",\"effective_date\":\"2021-01-30T00:00:00.000Z\","
    "\"changed_at\":\"2022-08-07T14:01:29.196Z\",\"remote_deleted_at\":null,\"remote_data\":null,\"custom_fields\":{},"
    "\"integration_fields\":[]}";
static const char ADDRESS[] =
    "{\"city\":\"Berlin\",\"country\":\"DE\",\"raw\":\"Sonnenallee 63\\n12045 Berlin\\nGermany\",\"state\":\"Berlin\","
    "\"street_1\":\"Sonnenallee 63\",\"street_2\":null,\"zip_code\":\"12045\"}";

static void add_record(rc_buf_t *out, int number)
{
    (void)rc_buf_add_format(
        out,
        "{\"id\":\"26vafvWSRmbhNcxJYqjC%04d\",\"remote_id\":\"%d\",\"employee_number\":\"3243422\",\"first_name\":"
        "\"John\","
        "\"last_name\":\"Doe\",\"nationality\":\"French\",\"display_full_name\":\"John Doe\","
        "\"job_title\":\"Integrations Team Lead\",\"work_email\":\"john.doe%d@acme.com\","
        "\"personal_email\":\"john@doe.me\",\"mobile_phone_number\":\"801-555-4687\",\"ssn\":\"555-32-6395\","
        "\"tax_id\":\"12 345 678 901\",\"gender\":\"MALE\",\"ethnicity\":null,\"marital_status\":\"MARRIED\","
        "\"employment_status\":\"ACTIVE\",\"employment_type\":\"FULL_TIME\",\"weekly_hours\":40,"
        "\"avatar\":\"https://resources.example.com/images/photo_person_150x150.png\","
        "\"work_location_id\":\"7E2gyuv6TmvtByzBxW9Sxt53\",\"legal_entity_id\":\"xB32bied320csBSsl3XWdlw33\","
        "\"manager_id\":\"9pf2pxBB8VX8EQMC9aipW2Bo\",\"home_address\":%s,",
        number, number, number, ADDRESS);
    (void)rc_buf_add_str(
        out,
        "\"bank_accounts\":[{\"account_number\":\"1234567890\",\"bank_name\":\"Commerzbank\",\"bic\":\"COBADEFFXXX\","
        "\"domestic_bank_routing\":{\"number\":\"34567890\",\"type\":\"DE_BANKLEITZAHL\"},\"holder_name\":\"John Doe\","
        "\"iban\":\"DE12345678901234567890\"}],\"date_of_birth\":\"1986-01-01T00:00:00.000Z\","
        "\"start_date\":\"2020-04-07T00:00:00.000Z\",\"termination_date\":null,"
        "\"remote_created_at\":\"2020-04-07T12:32:01.000Z\",\"changed_at\":\"2022-08-07T14:01:29.196Z\","
        "\"remote_deleted_at\":null,\"custom_fields\":{\"cost_center\":4711,\"shoe_size\":\"43\"},"
        "\"integration_fields\":[{\"id\":\"a1\",\"key\":\"preferred_language\",\"type\":\"CUSTOM\",\"value\":\"de\","
        "\"label\":\"Language\"},{\"id\":\"a2\",\"key\":\"parking\",\"type\":\"CUSTOM\",\"value\":true,\"label\":null}]"
        ","
        "\"remote_data\":null,");
    (void)rc_buf_add_format(
        out,
        "\"employments\":[%s],\"time_off_balances\":[{\"id\":\"FuyRuk5NqP3qTcThED3ymTuE\",\"remote_id\":\"124123\","
        "\"employee_id\":\"2Up4ZCvq1bFVzmzXG6EWzV3j\",\"type_id\":\"BQJaBxRCiqN46G27VTegvkEr\",\"balance\":14,"
        "\"balance_unit\":\"DAYS\",\"changed_at\":\"2022-08-07T14:01:29.196Z\",\"remote_deleted_at\":null,\"used\":3,"
        "\"used_unit\":\"DAYS\",\"remote_data\":null}],\"manager\":{\"first_name\":\"Jane\",\"last_name\":\"Roe\","
        "\"display_full_name\":\"Jane Roe\",\"id\":\"26vafvWSRmbhNcxJYqjCzuJg\",\"employee_number\":\"3243422\","
        "\"work_email\":\"jane.roe@acme.com\",\"remote_id\":\"32\",\"employment_status\":\"ACTIVE\","
        "\"termination_date\":null},\"groups\":[{\"id\":\"4B9bKBpX5tnwjiG93TAqF7ci\",\"remote_id\":\"49\","
        "\"name\":\"Customer Success\",\"type\":\"TEAM\"},{\"id\":\"5B9bKBpX5tnwjiG93TAqF7ci\",\"remote_id\":\"50\","
        "\"name\":\"Sales\",\"type\":\"DEPARTMENT\"}],\"legal_entity\":{\"id\":\"4B9bKBpX5tnwjiG93TAqF7ci\","
        "\"remote_id\":\"49\",\"name\":\"ACME Inc.\",\"address\":%s},\"teams\":[{\"id\":\"4B9bKBpX5tnwjiG93TAqF7ci\","
        "\"remote_id\":\"49\",\"name\":\"Customer Success\",\"type\":\"TEAM\"}],"
        "\"work_location\":{\"id\":\"22st2Ji8XpncEYEak8mvQgQF\",\"remote_id\":\"1348\",\"name\":\"Kombo "
        "HQ\",\"address\":%s,"
        "\"type\":\"OFFICE\",\"changed_at\":\"2022-08-07T14:01:29.196Z\",\"remote_deleted_at\":null,\"remote_data\":"
        "null}}",
        EMPLOYMENT, ADDRESS, ADDRESS);
}

static void make_page(rc_buf_t *out)
{
    (void)rc_buf_add_str(out, "{\"status\":\"success\",\"data\":{\"next\":\"cursor\",\"results\":[");
    for (int i = 0; i < RECORDS; i++) {
        if (i) (void)rc_buf_add_str(out, ",");
        add_record(out, i);
    }
    (void)rc_buf_add_str(out, "]}}");
}

static bool read_page(rc_buf_t *out, const char *path)
{
    char piece[PIECE_BYTES];
    size_t got;
    FILE *file = fopen(path, "rb");
    if (!file) return false;
    while ((got = fread(piece, 1, sizeof piece, file)) > 0 && rc_buf_add(out, piece, got)) continue;
    return fclose(file) == 0;
}

static rc_code_t take(void *opaque, const rc_kombo_employee_t *employee, rc_error_t *error)
{
    (void)error;
    *(size_t *)opaque += employee->group_count;
    return RC_OK;
}

int main(int argc, char **argv)
{
    static const char *const paths[] = {"first_name",
                                        "last_name",
                                        "work_email",
                                        "job_title",
                                        "avatar",
                                        "work_location.name",
                                        "start_date",
                                        "termination_date",
                                        "manager.work_email",
                                        "custom_fields.cost_center",
                                        "integration_fields.preferred_language"};
    rc_error_t error = RC_ERROR_INIT;
    rc_kombo_fields_t *fields;
    rc_kombo_page_t page = {0};
    size_t groups = 0, records = 0;
    rc_buf_t text = RC_BUF_INIT(CAP_BYTES);
    if (argc > 1 && !read_page(&text, argv[1])) {
        perror(argv[1]);
        return EXIT_FAILURE;
    }
    if (argc == 1) make_page(&text);
    RC_INVARIANT(rc_kombo_fields_new(paths, sizeof paths / sizeof *paths, &fields, &error) == RC_OK);
    rc_kombo_parser_t *parser = rc_kombo_parser_new(fields);
    rc_kombo_sink_t sink = {.employee = take, .opaque = &groups};
    double start = rc_cpu_seconds();
    rc_code_t code = RC_OK;
    for (int round = 0; round < ROUNDS && code == RC_OK; round++) {
        rc_kombo_parser_begin(parser, &sink);
        for (size_t at = 0; at < text.size_bytes && code == RC_OK; at += PIECE_BYTES) {
            size_t left = text.size_bytes - at;
            code = rc_kombo_parser_feed(parser, text.data + at, left < PIECE_BYTES ? left : PIECE_BYTES, &error);
        }
        if (code == RC_OK) code = rc_kombo_parser_end(parser, &page, &error);
        records += page.records;
    }
    double seconds = rc_cpu_seconds() - start, bytes = (double)text.size_bytes * ROUNDS;
    if (code != RC_OK)
        fprintf(stderr, "%s\n", error.message);
    else
        printf("%zu employees of %.0f bytes: %.3f µs each, %.0f a second, %.0f MB/s\n", records,
               bytes / (double)records, seconds / (double)records * 1e6, (double)records / seconds,
               bytes / seconds / 1e6);
    rc_kombo_parser_free(parser);
    rc_kombo_fields_free(fields);
    rc_buf_fini(&text);
    return code == RC_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
