/* A request's parameters as one JSON object, whether they came as JSON, as a form or in the query, with the brackets
 * that Learn Amp's framework understands: a[]=1, a[b]=2, a[][b]=3. Pure; any thread. */
#ifndef RC_TESTS_SANDBOX_LEARNAMP_PARAMS_H
#define RC_TESTS_SANDBOX_LEARNAMP_PARAMS_H

#include "common/httpd.h"

/* Returns new in *params (json_decref): the query's members, and over them the body's. RC_MALFORMED for a body that is
 * neither. */
rc_code_t sb_params_parse(const rc_httpd_request_t *request, json_t **params, rc_error_t *error);

#endif
