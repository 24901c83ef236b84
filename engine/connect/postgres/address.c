/*
 * An address is resolved once, by libpq itself: what was given, what the service file and the PG*
 * variables add. So a connection made an hour later goes where the first one went, and our own
 * keepalives and time limits stand in for those only that nobody has set.
 */
#include "engine/connect/postgres/address.h"

#include <libpq-fe.h>
#include <string.h>
#include <strings.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/address_use.h"

/* libpq checks this parameter last and connects only after that. */
#define CHECKED_LAST "target_session_attrs"

void pg_wipe(char *secret)
{
    if (secret != NULL)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

void pg_wipe_list(TextList *list)
{
    for (size_t i = 0; i < list->count; i++)
        explicit_bzero(list->items[i], strlen(list->items[i]));
    text_list_release(list);
}

void pg_parameters_release(PgParameters *parameters)
{
    text_list_release(&parameters->keywords);
    pg_wipe_list(&parameters->values);
}

void pg_parameters_add(PgParameters *parameters, const char *keyword, const char *value)
{
    text_list_add(&parameters->keywords, keyword);
    text_list_add(&parameters->values, value);
}

static void wipe_options(PQconninfoOption *options)
{
    for (PQconninfoOption *option = options; option != NULL && option->keyword != NULL; option++)
        if (option->val != NULL)
            explicit_bzero(option->val, strlen(option->val));
    PQconninfoFree(options);
}

/* ---- what is said about an address that cannot be used ---- */

/* Of these reasons what is quoted is a word that was meant to be one. */
static bool quotes_a_word(const char *reason)
{
    static const char *const marks[] = {"invalid URI query parameter: ",
                                        "invalid connection option ",
                                        "definition of service ",
                                        "service file ",
                                        "mode value: ",
                                        "channel_binding value: "};

    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
        if (strstr(reason, marks[i]) != NULL)
            return true;
    return false;
}

/*
 * libpq's reason on one line. It quotes what it could not read, which may be a part of a password:
 * nothing from the first quote to the last is kept, unless that is a plain word.
 */
static char *reason_without_secrets(const char *reason)
{
    AUTO_FREE_MEMORY char *line = xstrndup(reason, strcspn(reason, "\n"));
    char *quote = strchr(line, '"');
    const char *last = strrchr(line, '"');
    Text text = {0};

    if (quote == NULL || last == quote ||
        (quotes_a_word(line) && strcspn(quote + 1, "@:&=% ") >= (size_t)(last - quote)))
        return TAKE(line);
    text_append_bytes(&text, line, (size_t)(quote - line));
    text_append_format(&text, "\"...%s", last);
    return text_take(&text);
}

static Status refuse_words(const char *display, const char *reason, Error *err)
{
    AUTO_FREE_MEMORY char *words = reason_without_secrets(reason == NULL ? "" : reason);

    (void)error_kind(err, ERROR_USAGE, "could not use the address \"%s\": %s", display, words);
    error_hint(err, "Write postgresql://USER@HOST:PORT/DATABASE, with special characters as "
                    "percent codes; see the PostgreSQL manual, Connection URIs.");
    return STATUS_INVALID;
}

/* ---- resolving ---- */

bool pg_is_secret(const char *keyword)
{
    return strcasestr(keyword, "password") != NULL || strcasestr(keyword, "secret") != NULL ||
           strcasestr(keyword, "token") != NULL || strcasestr(keyword, "scram_") != NULL;
}

static const char *find(const PgParameters *parameters, const char *keyword)
{
    for (size_t i = 0; i < parameters->keywords.count; i++)
        if (strcmp(parameters->keywords.items[i], keyword) == 0)
            return parameters->values.items[i];
    return NULL;
}

static Status parse_given(const Uri *uri, PgParameters *ret, Error *err)
{
    AUTO_TEXT Text conninfo = {0};
    PQconninfoOption *options = NULL;
    char *reason = NULL;
    Status status = STATUS_OK;

    if (strncmp(uri->rest, "//", 2) == 0)
        text_append(&conninfo, "postgresql:");
    else if (strchr(uri->rest, '=') == NULL)
        return refuse_words(uri->display, "neither //HOST/DATABASE nor NAME=VALUE follows", err);
    text_append(&conninfo, uri->rest);
    options = PQconninfoParse(text_string(&conninfo), &reason);
    if (options == NULL)
        status = refuse_words(uri->display, reason, err);
    for (PQconninfoOption *option = options; option != NULL && option->keyword != NULL; option++)
        if (option->val != NULL)
            pg_parameters_add(ret, option->keyword, option->val);
    wipe_options(options);
    if (reason != NULL)
        explicit_bzero(reason, strlen(reason));
    PQfreemem(reason);
    explicit_bzero(conninfo.data, conninfo.size);
    return status;
}

/* Keeps what differs from what libpq does anyway, and what was written down. */
static void keep_options(PgAddress *address, const PgParameters *given, PGconn *handle)
{
    PQconninfoOption *options = PQconninfo(handle);

    if (options == NULL)
        out_of_memory();
    for (PQconninfoOption *option = options; option->keyword != NULL; option++) {
        const char *written = find(given, option->keyword);
        bool is_usual = option->compiled != NULL && option->val != NULL &&
                        strcmp(option->val, option->compiled) == 0;

        if (strcmp(option->keyword, CHECKED_LAST) == 0) {
            if (written != NULL && *written != '\0')
                pg_parameters_add(&address->resolved, option->keyword, written);
        } else if (option->val != NULL && *option->val != '\0' && (written != NULL || !is_usual)) {
            pg_parameters_add(&address->resolved, option->keyword, option->val);
        }
    }
    wipe_options(options);
}

/*
 * libpq has no call that only resolves: it is given one parameter that it will refuse, as the last
 * of its checks, before it goes to any server.
 */
static Status resolve(PgAddress *address, PgParameters *given, Error *err)
{
    const char *keywords[64] = {0};
    const char *values[64] = {0};
    size_t count = 0;
    PGconn *handle = NULL;
    Status status = STATUS_OK;

    for (; count < given->keywords.count && count < 62; count++) {
        keywords[count] = given->keywords.items[count];
        values[count] = given->values.items[count];
    }
    keywords[count] = CHECKED_LAST;
    values[count] = "?"; /* of two equal keywords the last one counts */
    handle = PQconnectStartParams(keywords, values, 0);
    if (handle == NULL)
        out_of_memory();
    if (strstr(PQerrorMessage(handle), CHECKED_LAST) == NULL)
        status = refuse_words(address->display, PQerrorMessage(handle), err);
    else
        keep_options(address, given, handle);
    PQfinish(handle);
    return status;
}

Status pg_address_new(const Uri *uri, PgAddress **ret, Error *err)
{
    AUTO_FREE(pg_address_free) PgAddress *address = xcalloc(1, sizeof(*address));
    AUTO_PARAMETERS PgParameters given = {0};

    address->display = xstrdup(uri->display);
    address->shared = xcalloc(1, sizeof(*address->shared));
    (void)pthread_mutex_init(&address->shared->lock, NULL); /* cannot fail on Linux */
    TRY(parse_given(uri, &given, err));
    TRY(resolve(address, &given, err));
    *ret = TAKE(address);
    return STATUS_OK;
}

LargeRows *pg_address_large_rows(PgAddress *address)
{
    return &address->large_rows;
}

void pg_address_free(PgAddress *address)
{
    if (address == NULL)
        return;
    (void)pthread_mutex_destroy(&address->shared->lock);
    pg_wipe(address->shared->password);
    free(address->shared->host);
    free(address->shared->hostaddr);
    free(address->shared->port);
    free(address->shared);
    free(address->display);
    pg_parameters_release(&address->resolved);
    free(address);
}

const char *pg_address_display(const PgAddress *address)
{
    return address->display;
}

const char *pg_address_get(const PgAddress *address, const char *keyword)
{
    return find(&address->resolved, keyword);
}
