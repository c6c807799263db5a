/* A folder for the files of one test. */
#ifndef RC_TESTS_SUPPORT_SCRATCH_H
#define RC_TESTS_SUPPORT_SCRATCH_H

/* Makes a folder of its own under the system's one for temporary files. Returns new (rc_scratch_remove). */
char *rc_scratch_new(void);
/* Deletes it with everything in it, and frees the name. NULL is fine. */
void rc_scratch_remove(char *path);

#endif
