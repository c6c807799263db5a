#include "producer/commands/confirm.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

bool rc_confirm(const rc_args_t *args, const char *question)
{
    char line[16] = "";
    if (args->yes || !isatty(STDIN_FILENO)) return true;
    (void)fprintf(stderr, "\n%s [y/N] ", question);
    if (!fgets(line, sizeof line, stdin)) line[0] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    return strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0;
}
