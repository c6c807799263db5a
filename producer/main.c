/* rollcall-producer: the command line. */
#include <stdio.h>

int main(void)
{
    puts("rollcall-producer " RC_VERSION);
    return 0;
}
