/* JSON written straight into a buffer, for answers too large and too many to be built as documents. Pure; any thread.
 */
#ifndef RC_TESTS_SANDBOX_OUT_H
#define RC_TESTS_SANDBOX_OUT_H

#include "common/buf.h"
#include "common/time.h"

/* A literal, such as "\"id\":". */
#define SB_OUT(buf, literal) (void)rc_buf_add((buf), (literal), sizeof(literal) - 1)

void sb_out_text(rc_buf_t *buf, const char *text); /* quoted and escaped; NULL: null */
void sb_out_number(rc_buf_t *buf, uint64_t number);
void sb_out_wall(rc_buf_t *buf, rc_wall_t wall); /* 0: null */
void sb_out_date(rc_buf_t *buf, rc_date_t date); /* as Kombo's dates: midnight UTC; RC_DATE_NONE: null */
/* Takes the last character away where it is a comma: after a loop. */
void sb_out_drop_comma(rc_buf_t *buf);

#endif
