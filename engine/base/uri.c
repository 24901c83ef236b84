/*
 * Taking secrets out of an address. An address is read by the rules of libpq, which decide what is
 * the password and what is the host; where these rules leave room for another reading (a bare @ or
 * / in a password), nothing is shown and nothing is recorded.
 */
#include "engine/base/uri.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/base/memory.h"
#include "engine/base/text.h"

#define STARS "***"

typedef enum Secrets {
    SECRETS_STARRED,
    SECRETS_LEFT_OUT,
} Secrets;

typedef struct Rewrite {
    Text text;
    Secrets secrets;
    bool found; /* a secret */
} Rewrite;

typedef struct Span {
    const char *at;
    size_t size;
} Span;

static bool span_is(Span span, const char *word)
{
    return span.size == strlen(word) && strncasecmp(span.at, word, span.size) == 0;
}

static bool span_has(Span span, const char *bytes)
{
    return memmem(span.at, span.size, bytes, strlen(bytes)) != NULL;
}

static void append_span(Rewrite *out, Span span)
{
    text_append_bytes(&out->text, span.at, span.size);
}

/* The size of a scheme at the start of text, without the ':', or 0. */
static size_t measure_scheme(const char *text)
{
    size_t size = 0;

    while (isalnum((unsigned char)text[size]) ||
           (size > 0 && strchr("+-.", text[size]) != NULL && text[size] != '\0'))
        size++;
    return size > 0 && isalpha((unsigned char)text[0]) && text[size] == ':' ? size : 0;
}

static bool is_path_scheme(Span scheme)
{
    return span_is(scheme, "sqlite") || span_is(scheme, "lightrag") || span_is(scheme, "file");
}

static bool is_postgres_scheme(Span scheme)
{
    return span_is(scheme, "postgresql") || span_is(scheme, "postgres");
}

/* password, sslpassword, oauth_client_secret, scram_client_key ... */
static bool is_secret_name(const char *name)
{
    return strcasestr(name, "password") != NULL || strcasestr(name, "secret") != NULL ||
           strcasestr(name, "token") != NULL || strcasestr(name, "scram_") != NULL;
}

static int decode_digit(char digit)
{
    if (isdigit((unsigned char)digit))
        return digit - '0';
    return isxdigit((unsigned char)digit) ? tolower((unsigned char)digit) - 'a' + 10 : -1;
}

/* Decodes %XX in the name of a parameter, which must be a word then: libpq knows %70assword, too.
 */
static bool decode_name(Span span, Text *ret)
{
    for (size_t at = 0; at < span.size; at++) {
        char byte = span.at[at];

        if (byte == '%') {
            if (span.size - at < 3 || decode_digit(span.at[at + 1]) < 0 ||
                decode_digit(span.at[at + 2]) < 0)
                return false;
            byte = (char)(decode_digit(span.at[at + 1]) * 16 + decode_digit(span.at[at + 2]));
            at += 2;
        }
        if (!isalnum((unsigned char)byte) && byte != '_')
            return false;
        text_append_bytes(ret, &byte, 1);
    }
    return ret->size > 0;
}

static void append_password(Rewrite *out)
{
    out->found = true;
    if (out->secrets == SECRETS_STARRED)
        text_append(&out->text, ":" STARS);
}

/* USER[:PASSWORD]@, up to the first '@' before any '/'; nothing when there is none. */
static const char *rewrite_user(Rewrite *out, const char *at)
{
    size_t size = strcspn(at, "@/");
    size_t user_size = 0;

    if (at[size] != '@')
        return at;
    user_size = strcspn(at, ":@");
    append_span(out, (Span){at, user_size});
    if (at[user_size] == ':')
        append_password(out);
    text_append(&out->text, "@");
    return at + size + 1;
}

/* HOST[:PORT],...: NULL when it is not one. Sets *ret_has_port when it has a ':' outside [..]. */
static const char *skip_hosts(const char *at, bool *ret_has_port)
{
    do {
        if (*at == ',')
            at++;
        if (*at == '[') {
            at += strcspn(at, "]/?@");
            if (*at != ']')
                return NULL;
            at++;
        }
        at += strcspn(at, ":/?,@[]");
        if (*at == ':') {
            *ret_has_port = true;
            at++;
            at += strspn(at, "0123456789");
        }
    } while (*at == ',');
    return *at == '\0' || *at == '/' || *at == '?' ? at : NULL;
}

/* NAME=VALUE&...: may_have_at says whether a bare '@' in it can be only what it seems. */
static bool rewrite_query(Rewrite *out, const char *at, bool has_user, bool has_colon)
{
    char separator[] = "?";

    while (*at != '\0') {
        AUTO_TEXT Text name = {0};
        Span key = {at, strcspn(at, "=&")};
        Span value = {at + key.size + 1, 0};
        bool is_secret = false;

        if (at[key.size] != '=' || !decode_name(key, &name))
            return false;
        value.size = strcspn(value.at, "&");
        is_secret = is_secret_name(text_string(&name));
        if (span_has(value, "=") ||
            (has_colon && span_has(value, "@") &&
             (has_user || strcasecmp(text_string(&name), "user") != 0)) ||
            (strcasecmp(text_string(&name), "dbname") == 0 && span_has(value, "%")))
            return false;
        out->found = out->found || is_secret;
        if (!is_secret || out->secrets == SECRETS_STARRED) {
            text_append(&out->text, separator);
            append_span(out, key);
            text_append(&out->text, "=");
            append_span(out, is_secret ? (Span){STARS, strlen(STARS)} : value);
            separator[0] = '&';
        }
        at = value.at + value.size;
        if (*at == '&')
            at++;
    }
    return true;
}

/* //[USER[:PASSWORD]@][HOSTS][/DATABASE][?QUERY] */
static bool rewrite_authority(Rewrite *out, const char *rest)
{
    const char *hosts = NULL;
    const char *end = NULL;
    bool has_user = false;
    bool has_colon = false;
    Span database = {0};

    text_append(&out->text, "//");
    hosts = rewrite_user(out, rest + 2);
    has_user = hosts > rest + 2;
    has_colon = has_user && memchr(rest, ':', (size_t)(hosts - rest)) != NULL;
    end = skip_hosts(hosts, &has_colon);
    if (end == NULL)
        return false;
    append_span(out, (Span){hosts, (size_t)(end - hosts)});
    database = (Span){end, strcspn(end, "?")};
    if (has_colon && span_has(database, "@"))
        return false;
    append_span(out, database);
    end += database.size;
    return *end == '\0' || rewrite_query(out, end + 1, has_user, has_colon);
}

/* The value of a keyword: 'quoted' or up to a blank, with backslashes; false when not closed. */
static bool take_value(const char **at, Span *ret)
{
    const char *look = *at;
    bool quoted = *look == '\'';

    if (quoted)
        look++;
    while (*look != '\0' && (quoted ? *look != '\'' : !isspace((unsigned char)*look)))
        look += *look == '\\' && look[1] != '\0' ? 2 : 1;
    if (quoted && *look++ != '\'')
        return false;
    *ret = (Span){*at, (size_t)(look - *at)};
    *at = look;
    return true;
}

static const char *skip_blanks(const char *at)
{
    while (isspace((unsigned char)*at))
        at++;
    return at;
}

/* keyword = value ... as in "host=h user=u password='p q'" */
static bool rewrite_keywords(Rewrite *out, const char *at)
{
    const char *separator = "";

    for (at = skip_blanks(at); *at != '\0'; at = skip_blanks(at)) {
        AUTO_TEXT Text name = {0};
        Span key = {at, 0};
        Span value = {0};
        bool is_secret = false;

        while (isalnum((unsigned char)*at) || *at == '_')
            at++;
        key.size = (size_t)(at - key.at);
        at = skip_blanks(at);
        if (*at != '=' || !decode_name(key, &name))
            return false;
        at = skip_blanks(at + 1);
        if (!take_value(&at, &value))
            return false;
        if (span_is(key, "dbname") && (span_has(value, "=") || span_has(value, "://")))
            return false; /* an address in an address */
        is_secret = is_secret_name(text_string(&name));
        out->found = out->found || is_secret;
        if (is_secret && out->secrets == SECRETS_LEFT_OUT)
            continue;
        text_append(&out->text, separator);
        append_span(out, key);
        text_append(&out->text, "=");
        append_span(out, is_secret ? (Span){STARS, strlen(STARS)} : value);
        separator = " ";
    }
    return *separator != '\0';
}

/* An address of a kind not known here: fine when nothing in it looks like a secret. */
static bool looks_harmless(const char *text)
{
    return strchr(text, '@') == NULL && !is_secret_name(text);
}

/* False when the text is no address that can be read: out->text is of no use then. */
static bool rewrite(Rewrite *out, const char *text)
{
    Span scheme = {text, measure_scheme(text)};
    const char *rest = scheme.size > 0 ? text + scheme.size + 1 : text;

    if (is_path_scheme(scheme) || span_is(scheme, "env") || strchr("/.~", *text) != NULL) {
        text_append(&out->text, text);
        return true;
    }
    append_span(out, (Span){text, (size_t)(rest - text)});
    if (scheme.size > 0 && strncmp(rest, "//", 2) == 0)
        return rewrite_authority(out, rest);
    if (is_postgres_scheme(scheme) || (scheme.size == 0 && strchr(text, '=') != NULL))
        return rewrite_keywords(out, rest);
    text_append(&out->text, rest);
    return looks_harmless(rest);
}

char *uri_redact(const char *text)
{
    Rewrite out = {.secrets = SECRETS_STARRED};

    if (!rewrite(&out, text)) {
        text_clear(&out.text);
        text_append_bytes(&out.text, text, measure_scheme(text));
        text_append(&out.text, measure_scheme(text) > 0 ? ":" STARS : STARS);
    }
    return text_take(&out.text);
}

bool uri_same_place(const char *display, const char *other)
{
    Rewrite both[] = {{.secrets = SECRETS_LEFT_OUT}, {.secrets = SECRETS_LEFT_OUT}};
    const char *const texts[] = {display, other};
    size_t skip[2] = {0};
    bool is_same = true;

    for (size_t i = 0; i < 2; i++) {
        Span scheme = {texts[i], measure_scheme(texts[i])};

        if (is_postgres_scheme(scheme))
            skip[i] = scheme.size;
        is_same = rewrite(&both[i], texts[i]) && is_same;
    }
    is_same =
        is_same && (skip[0] > 0) == (skip[1] > 0) &&
        strcmp(text_string(&both[0].text) + skip[0], text_string(&both[1].text) + skip[1]) == 0;
    text_release(&both[0].text);
    text_release(&both[1].text);
    return is_same;
}

/* Sets *ret to the value behind env:VARIABLE, borrowed from the environment; leaves it for others.
 */
static Status resolve_environment(const char *text, const char **ret, Error *err)
{
    const char *variable = text + strlen("env:");
    const char *value = NULL;

    if (!span_is((Span){text, measure_scheme(text)}, "env"))
        return STATUS_OK;
    value = getenv(variable);
    if (value == NULL || *value == '\0') {
        (void)error_kind(err, ERROR_USAGE, "the environment variable \"%s\" is not set", variable);
        error_hint(err, "Set it to an address, for example sqlite:PATH, and export it.");
        return STATUS_INVALID;
    }
    if (has_control_characters(value))
        return error_kind(err, ERROR_USAGE,
                          "the environment variable \"%s\" has a control character in it",
                          variable);
    if (span_is((Span){value, measure_scheme(value)}, "env"))
        return error_kind(err, ERROR_USAGE,
                          "the environment variable \"%s\" names another variable", variable);
    *ret = value;
    return STATUS_OK;
}

static Status refuse_unreadable(const char *display, Error *err)
{
    (void)error_kind(err, ERROR_USAGE, "could not read the address \"%s\"", display);
    error_hint(err, "Write special characters in user, password and database as percent codes, for "
                    "example %%40 for @ and %%2F for /.");
    return STATUS_INVALID;
}

static Status refuse_incomplete(const char *display, Error *err)
{
    (void)error_kind(err, ERROR_USAGE, "\"%s\" does not say where the data is", display);
    error_hint(err, "Write SCHEME:REST, for example sqlite:PATH or postgresql://HOST/DATABASE.");
    return STATUS_INVALID;
}

static char *copy_lower(const char *text, size_t size)
{
    char *copy = xstrndup(text, size);

    for (char *at = copy; *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
    return copy;
}

Status uri_parse(const char *text, Uri **ret, Error *err)
{
    AUTO_FREE(uri_free) Uri *uri = xcalloc(1, sizeof(*uri));
    Rewrite given = {.secrets = SECRETS_LEFT_OUT};
    const char *value = text;
    size_t scheme_size = 0;
    bool readable = false;

    if (has_control_characters(text))
        return error_kind(err, ERROR_USAGE, "an address must not have control characters in it");
    TRY(resolve_environment(text, &value, err));
    scheme_size = measure_scheme(value);
    uri->display = uri_redact(value);
    if (scheme_size == 0 || value[scheme_size + 1] == '\0')
        return refuse_incomplete(uri->display, err);
    uri->scheme = is_postgres_scheme((Span){value, scheme_size}) ? xstrdup("postgresql")
                                                                 : copy_lower(value, scheme_size);
    uri->rest = xstrdup(value + scheme_size + 1);
    readable = rewrite(&given, value);
    uri->given = text_take(&given.text);
    if (!readable)
        return refuse_unreadable(uri->display, err);
    uri->password_in_argument = given.found && value == text;
    if (value != text) {
        free(uri->given);
        uri->given = xstrdup(text);
    }
    *ret = TAKE(uri);
    return STATUS_OK;
}

/* Memory that held a secret is overwritten: it may end up in a core dump or in the swap. */
static void wipe(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
}

void uri_free(Uri *uri)
{
    if (uri == NULL)
        return;
    free(uri->scheme);
    wipe(uri->rest);
    wipe(uri->given);
    free(uri->display);
    free(uri);
}
