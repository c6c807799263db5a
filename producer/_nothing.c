/* placeholder until the first module lands */ typedef int rc_producer_nothing_t;
