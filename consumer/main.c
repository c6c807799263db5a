/* rollcall-consumer: the command line. */
#include <stdio.h>

int main(void)
{
    puts("rollcall-consumer " RC_VERSION);
    return 0;
}
