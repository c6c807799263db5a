#include "common/registry.h"

#include <stdlib.h>
#include <string.h>

#include "common/hmac.h"
#include "common/http.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"

enum { DEFAULT_TIMEOUT_MS = 10 * 1000, ANSWER_MAX_BYTES = 1024 * 1024, ID_NOT_FOUND = 40403 };

#define CONTENT_TYPE "application/vnd.schemaregistry.v1+json"

struct rc_registry {
    rc_http_blocking_t *http;
    char *url;           /* without a slash at its end */
    char *authorization; /* NULL: none */
    int64_t timeout_ms;
};

/* "Basic …" of RFC 7617: base64 with padding. */
static char *basic_authorization(const char *user_password)
{
    char *encoded = rc_base64url_encode(user_password, strlen(user_password));
    for (char *c = encoded; *c; c++) *c = *c == '-' ? '+' : *c == '_' ? '/' : *c;
    char *header = rc_sprintf("Basic %s%.*s", encoded, (int)((4 - strlen(encoded) % 4) % 4), "===");
    free(encoded);
    return header;
}

rc_registry_t *rc_registry_new(const rc_registry_options_t *options)
{
    rc_registry_t *registry = rc_zalloc(sizeof *registry);
    registry->http = rc_http_blocking_new(&(rc_http_options_t){.proxy = options->proxy, .ca_file = options->ca_file});
    registry->url = rc_strdup(options->url ? options->url : "");
    for (size_t end = strlen(registry->url); end && registry->url[end - 1] == '/'; end--) registry->url[end - 1] = '\0';
    if (!rc_text_empty(options->basic_auth)) registry->authorization = basic_authorization(options->basic_auth);
    registry->timeout_ms = options->timeout_ms ? options->timeout_ms : DEFAULT_TIMEOUT_MS;
    return registry;
}

void rc_registry_free(rc_registry_t *registry)
{
    if (!registry) return;
    rc_http_blocking_free(registry->http);
    free(registry->authorization);
    free(registry->url);
    free(registry);
}

/* ---- One request ---- */

typedef struct {
    int status;
    json_t *json; /* NULL: the body is no JSON */
} reply_t;

/* Any status is RC_OK. Takes the path; `body` may be NULL. Returns new in reply->json. */
static rc_code_t ask(rc_registry_t *registry, const char *method, char *path, const char *body,
                     const atomic_bool *cancelled, reply_t *reply, rc_error_t *error)
{
    const rc_http_header_t headers[] = {
        {"Accept", CONTENT_TYPE}, {"Content-Type", CONTENT_TYPE}, {"Authorization", registry->authorization}};
    char *url = rc_sprintf("%s%s", registry->url, path);
    rc_http_request_t request = {.method = method,
                                 .url = url,
                                 .headers = headers,
                                 .header_count = registry->authorization ? 3 : 2,
                                 .body = body,
                                 .body_bytes = body ? strlen(body) : 0,
                                 .timeout_ms = registry->timeout_ms,
                                 .max_body_bytes = ANSWER_MAX_BYTES};
    rc_http_answer_t answer;
    rc_code_t code = rc_http_perform(registry->http, &request, NULL, NULL, cancelled, &answer, error);
    if (code == RC_OK) {
        reply->status = answer.status;
        reply->json = NULL;
        (void)rc_json_parse(answer.body, answer.body_bytes, &reply->json, NULL);
    } else {
        rc_error_prefix(error, "the schema registry");
    }
    free(url);
    free(path);
    return code;
}

/* What a status that is no success means, when nothing more is known about the request. */
static rc_code_t fail(const rc_registry_t *registry, const reply_t *reply, const char *what, rc_error_t *error)
{
    const char *said = rc_json_str(reply->json, "message");
    const int status = reply->status;
    rc_code_t code;
    if (status == 401 || status == 403)
        code = rc_error_set(error, RC_MISCONFIGURED, RC_REJECT,
                            "the schema registry %s refuses %s (%d): check schema_registry.basic_auth and what this "
                            "user may do",
                            registry->url, what, status);
    else if (status == 404 || (status >= 300 && status < 400))
        code = rc_error_set(error, RC_MISCONFIGURED, RC_REJECT,
                            "%s does not answer as a schema registry (%d for %s): check the path in "
                            "schema_registry.url",
                            registry->url, status, what);
    else if (status >= 500 || status == 408 || status == 429)
        code = rc_error_set(error, RC_HTTP, RC_RETRY, "the schema registry %s does not work: %d for %s%s%s",
                            registry->url, status, what, said ? ": " : "", said ? said : "");
    else
        code = rc_error_set(error, RC_MISCONFIGURED, RC_REJECT, "the schema registry %s answers %d to %s%s%s",
                            registry->url, status, what, said ? ": " : "", said ? said : "");
    if (error) error->http_status = status;
    return code;
}

/* The id in an answer to a look-up or a registration. */
static rc_code_t take_id(const rc_registry_t *registry, const reply_t *reply, const char *what, uint32_t *id,
                         rc_error_t *error)
{
    if (reply->status != 200 && reply->status != 201) return fail(registry, reply, what, error);
    long long value = rc_json_int(reply->json, "id", -1);
    if (value < 0 || value > INT32_MAX)
        return rc_error_set(error, RC_MISCONFIGURED, RC_REJECT,
                            "%s answers %s without an id: check that schema_registry.url is a schema registry",
                            registry->url, what);
    *id = (uint32_t)value;
    return RC_OK;
}

/* ---- Enrolling ---- */

/* Puts the rule of schemas/README.md on the subject, so that nobody breaks it past us either. A registry that does not
 * let us is no fault: our own schemas are held to the rule by a test. */
static void set_compatibility(rc_registry_t *registry, const char *subject, const atomic_bool *cancelled)
{
    reply_t reply = {0};
    rc_error_t ignored = RC_ERROR_INIT;
    if (ask(registry, "PUT", rc_sprintf("/config/%s", subject), "{\"compatibility\":\"BACKWARD_TRANSITIVE\"}",
            cancelled, &reply, &ignored) == RC_OK)
        json_decref(reply.json);
}

static rc_code_t post_schema(rc_registry_t *registry, const char *subject, const char *body,
                             const atomic_bool *cancelled, reply_t *reply, rc_error_t *error)
{
    return ask(registry, "POST", rc_sprintf("/subjects/%s/versions", subject), body, cancelled, reply, error);
}

static rc_code_t enroll(rc_registry_t *registry, const char *subject, const char *body, const atomic_bool *cancelled,
                        uint32_t *id, rc_error_t *error)
{
    reply_t reply;
    rc_code_t code = ask(registry, "POST", rc_sprintf("/subjects/%s", subject), body, cancelled, &reply, error);
    if (code != RC_OK) return code;
    /* An error code beginning with 404: neither the subject nor the schema, which a registration mends. */
    bool unknown = reply.status == 404 && rc_json_int(reply.json, "error_code", 0) / 100 == 404;
    if (!unknown) code = take_id(registry, &reply, "the look-up of a schema", id, error);
    json_decref(reply.json);
    if (!unknown) return code;

    code = post_schema(registry, subject, body, cancelled, &reply, error);
    if (code == RC_OK && reply.status == 409) {
        /* Apicurio says this, too, when another program registers the same at the same time: then it is there now. */
        json_decref(reply.json);
        code = post_schema(registry, subject, body, cancelled, &reply, error);
    }
    if (code != RC_OK) return code;
    if (reply.status == 409) {
        const char *said = rc_json_str(reply.json, "message");
        code = rc_error_set(error, RC_CONFLICT, RC_REJECT,
                            "the schema registry calls our schema incompatible with what is there: give this "
                            "deployment a kafka.topic_prefix of its own, or delete the subject if nobody reads its "
                            "topic (%s)",
                            said ? said : "409");
    } else {
        code = take_id(registry, &reply, "the registration of a schema", id, error);
    }
    json_decref(reply.json);
    if (code == RC_OK) set_compatibility(registry, subject, cancelled);
    return code;
}

rc_code_t rc_registry_enroll(rc_registry_t *registry, rc_codec_t *codec, rc_record_kind_t kind, const char *topic,
                             const atomic_bool *cancelled, rc_error_t *error)
{
    const rc_schema_t *schema = rc_schema_store_current(rc_codec_store(codec), kind);
    char *name = rc_sprintf("%s-value", topic), *subject = rc_url_encode(name);
    json_t *request = json_object();
    rc_json_put_str(request, "schema", schema->json);
    char *body = rc_json_text(request, false);
    uint32_t id = 0;
    rc_code_t code = enroll(registry, subject, body, cancelled, &id, error);
    if (code == RC_OK)
        code = rc_schema_store_add_registered(rc_codec_store(codec), id, schema->json, schema->json_bytes, error);
    if (code == RC_OK)
        rc_codec_set_registry_id(codec, kind, id);
    else
        rc_error_prefix(error, "subject %s", name);
    free(body);
    json_decref(request);
    free(subject);
    free(name);
    return code;
}

/* ---- Fetching ---- */

rc_code_t rc_registry_fetch(rc_registry_t *registry, uint32_t registry_id, rc_schema_store_t *store,
                            const atomic_bool *cancelled, rc_error_t *error)
{
    reply_t reply;
    rc_code_t code =
        ask(registry, "GET", rc_sprintf("/schemas/ids/%u", (unsigned)registry_id), NULL, cancelled, &reply, error);
    if (code != RC_OK) return code;
    const char *json = rc_json_str(reply.json, "schema");
    const char *type = rc_json_str(reply.json, "schemaType");
    if (reply.status == 404 && rc_json_int(reply.json, "error_code", 0) == ID_NOT_FOUND)
        code = rc_error_set(error, RC_NOT_FOUND, RC_REJECT, "the schema registry %s has no id %u", registry->url,
                            (unsigned)registry_id);
    else if (reply.status != 200)
        code = fail(registry, &reply, "the request for a schema", error);
    else if (!json || (type && strcmp(type, "AVRO") != 0))
        code = rc_error_set(error, RC_MALFORMED, RC_REJECT, "the schema registry's id %u is no Avro schema but %s",
                            (unsigned)registry_id, type ? type : "nothing at all");
    else
        code = rc_schema_store_add_registered(store, registry_id, json, strlen(json), error);
    json_decref(reply.json);
    return code;
}

rc_code_t rc_registry_ping(rc_registry_t *registry, const atomic_bool *cancelled, rc_error_t *error)
{
    reply_t reply;
    rc_code_t code = ask(registry, "GET", rc_strdup("/subjects"), NULL, cancelled, &reply, error);
    if (code != RC_OK) return code;
    if (reply.status != 200)
        code = fail(registry, &reply, "the list of subjects", error);
    else if (!json_is_array(reply.json))
        code = rc_error_set(error, RC_MISCONFIGURED, RC_REJECT,
                            "%s does not answer as a schema registry: check schema_registry.url", registry->url);
    json_decref(reply.json);
    return code;
}
