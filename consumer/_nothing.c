/* placeholder until the first module lands */ typedef int rc_consumer_nothing_t;
