/* common/uuid: the same change always has the same id, in every release. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/uuid.h"
#include "tests/support/unit.h"

/* Made with Python's uuid.uuid5(UUID(RC_UUID_EVENT_NAMESPACE), "<key>|<version>|<type>"). */
START_TEST(event_ids_never_change)
{
    const char *integration = "personio:CBNMt7dSNCzBdnRTx87dev4E", *employee = "8Xi6iZrwusZqYmDGXs49GBmJ";
    char text[RC_UUID_STR_SIZE];
    ck_assert_str_eq(rc_uuid_event(integration, employee, 1763827732123, RC_EVENT_CREATED, text),
                     "d4215f8a-564d-5641-a092-f6109b67aecf");
    ck_assert_str_eq(rc_uuid_event(integration, employee, 1763827732123, RC_EVENT_PROFILE_UPDATED, text),
                     "8c83ada4-4606-549d-a3e9-bab7308dbb2e");
}
END_TEST

/* Likewise, "<integration id>|<webhook id>". */
START_TEST(webhook_ids_never_change)
{
    char text[RC_UUID_STR_SIZE];
    ck_assert_str_eq(rc_uuid_webhook("personio:CBNMt7dSNCzBdnRTx87dev4E", "Cbfk5sHtDxrSrJBRjsDtbaN9", text),
                     "079e25a5-6ae1-57f7-90a5-964d85a351d1");
}
END_TEST

START_TEST(random_ids_differ_and_are_version_4)
{
    char a[RC_UUID_STR_SIZE], b[RC_UUID_STR_SIZE];
    ck_assert_str_ne(rc_uuid_random(a), rc_uuid_random(b));
    ck_assert_uint_eq(strlen(a), 36);
    ck_assert_int_eq(a[14], '4');
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("uuid");
    TCase *all = tcase_create("all");
    tcase_add_test(all, event_ids_never_change);
    tcase_add_test(all, webhook_ids_never_change);
    tcase_add_test(all, random_ids_differ_and_are_version_4);
    suite_add_tcase(suite, all);
    return rc_unit_run(suite);
}
