/*
 * An address is resolved once, by libpq itself: what was given, what the service file and the PG*
 * variables add. So a connection made an hour later goes where the first one went, and our own
 * keepalives and time limits stand in for those only that nobody has set.
 */
#include "engine/connect/postgres/address_use.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>

#include "engine/base/memory.h"

/* libpq checks this parameter last and connects only after that. */
#define CHECKED_LAST "target_session_attrs"

/* What threads share, behind a lock. */
typedef struct Shared {
    pthread_mutex_t lock;
    char *password; /* typed in on the terminal */
    bool was_asked;
    bool is_direct;
    char *host; /* that answered last */
    char *hostaddr;
    char *port;
} Shared;

struct PgAddress {
    char *display;
    TextList keywords;
    TextList values;
    Shared *shared;
};

/*
 * Ours, unless given otherwise: a peer that is silent is noticed after a minute. tcp_user_timeout
 * is longer, because Linux ends with it also a connection whose peer lives but reads nothing: a
 * target in a checkpoint, or our own reader while its target waits for a lock.
 */
static const char *const defaults[][2] = {
    {"connect_timeout", "15"},     {"keepalives", "1"},       {"keepalives_idle", "30"},
    {"keepalives_interval", "10"}, {"keepalives_count", "3"}, {"tcp_user_timeout", "120000"},
};

void pg_wipe(char *secret)
{
    if (secret != NULL)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

static void wipe_list(TextList *list)
{
    for (size_t i = 0; i < list->count; i++)
        explicit_bzero(list->items[i], strlen(list->items[i]));
    text_list_release(list);
}

void pg_parameters_release(PgParameters *parameters)
{
    text_list_release(&parameters->keywords);
    wipe_list(&parameters->values);
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

static bool is_secret(const char *keyword)
{
    return strcasestr(keyword, "password") != NULL || strcasestr(keyword, "secret") != NULL ||
           strcasestr(keyword, "token") != NULL || strcasestr(keyword, "scram_") != NULL;
}

static void add(TextList *keywords, TextList *values, const char *keyword, const char *value)
{
    text_list_add(keywords, keyword);
    text_list_add(values, value);
}

static const char *find(const TextList *keywords, const TextList *values, const char *keyword)
{
    for (size_t i = 0; i < keywords->count; i++)
        if (strcmp(keywords->items[i], keyword) == 0)
            return values->items[i];
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
            add(&ret->keywords, &ret->values, option->keyword, option->val);
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
        const char *written = find(&given->keywords, &given->values, option->keyword);
        bool is_usual = option->compiled != NULL && option->val != NULL &&
                        strcmp(option->val, option->compiled) == 0;

        if (strcmp(option->keyword, CHECKED_LAST) == 0) {
            if (written != NULL && *written != '\0')
                add(&address->keywords, &address->values, option->keyword, written);
        } else if (option->val != NULL && *option->val != '\0' && (written != NULL || !is_usual)) {
            add(&address->keywords, &address->values, option->keyword, option->val);
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
    text_list_release(&address->keywords);
    wipe_list(&address->values);
    free(address);
}

const char *pg_address_display(const PgAddress *address)
{
    return address->display;
}

const char *pg_address_get(const PgAddress *address, const char *keyword)
{
    return find(&address->keywords, &address->values, keyword);
}

unsigned pg_address_connect_timeout(const PgAddress *address)
{
    const char *given = pg_address_get(address, "connect_timeout");
    uint64_t seconds = 0;

    if (!parse_unsigned(given == NULL ? defaults[0][1] : given, 86400, &seconds))
        return 0;
    return (unsigned)seconds;
}

/* ---- for a connection ---- */

/* More than one host: not spread by chance, because a snapshot lives on one server; and a target
 * is the primary ("read-write" would refuse a role whose sessions begin read-only). */
static void add_for_several_hosts(const PgAddress *address, PgUse use, PgParameters *ret)
{
    const char *host = pg_address_get(address, "host");

    if (host == NULL || strchr(host, ',') == NULL)
        return;
    if (pg_address_get(address, "load_balance_hosts") != NULL)
        add(&ret->keywords, &ret->values, "load_balance_hosts", "disable");
    if (use == PG_TARGET && pg_address_get(address, CHECKED_LAST) == NULL)
        add(&ret->keywords, &ret->values, CHECKED_LAST, "primary");
}

static void add_defaults(const PgAddress *address, PgParameters *ret)
{
    for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
        if (pg_address_get(address, defaults[i][0]) == NULL)
            add(&ret->keywords, &ret->values, defaults[i][0], defaults[i][1]);
}

static void add_asked_password(const PgAddress *address, PgParameters *ret)
{
    (void)pthread_mutex_lock(&address->shared->lock);
    if (address->shared->password != NULL) {
        add(&ret->keywords, &ret->values, "password", address->shared->password);
        ret->has_asked_password = true;
    }
    (void)pthread_mutex_unlock(&address->shared->lock);
}

void pg_address_parameters(const PgAddress *address, PgUse use, const char *application_name,
                           PgParameters *ret)
{
    for (size_t i = 0; i < address->keywords.count; i++)
        add(&ret->keywords, &ret->values, address->keywords.items[i], address->values.items[i]);
    add_defaults(address, ret);
    add_for_several_hosts(address, use, ret);
    add_asked_password(address, ret);
    add(&ret->keywords, &ret->values, "client_encoding", "UTF8");
    if (application_name != NULL)
        add(&ret->keywords, &ret->values, "application_name", application_name);
}

static Status ask(PgAddress *address, Error *err)
{
    const char *user = pg_address_get(address, "user");
    AUTO_FREE_MEMORY char *question =
        xasprintf("Password of user \"%s\" for %s: ", user == NULL ? "" : user, address->display);
    char *password = NULL;

    TRY(pg_prompt_password(question, &password, err));
    address->shared->password = password;
    return STATUS_OK;
}

Status pg_address_ask_password(PgAddress *address, Error *err)
{
    Status status = STATUS_OK;

    /* Others wait here for the one who types. */
    (void)pthread_mutex_lock(&address->shared->lock);
    if (address->shared->was_asked && address->shared->password == NULL) {
        status =
            error_kind(err, ERROR_REFUSED, "no password was given for \"%s\"", address->display);
        error_hint(err, "Run the same command again and type the password.");
    } else if (address->shared->password == NULL) {
        status = ask(address, err);
        address->shared->was_asked = true;
    }
    (void)pthread_mutex_unlock(&address->shared->lock);
    return status;
}

void pg_address_forget_password(PgAddress *address)
{
    (void)pthread_mutex_lock(&address->shared->lock);
    pg_wipe(address->shared->password);
    address->shared->password = NULL;
    (void)pthread_mutex_unlock(&address->shared->lock);
}

static void replace(char **field, const char *value)
{
    free(*field);
    *field = value == NULL || *value == '\0' ? NULL : xstrdup(value);
}

void pg_address_note_answer(PgAddress *address, const char *host, const char *hostaddr,
                            const char *port)
{
    bool has_hostaddr = pg_address_get(address, "hostaddr") != NULL;

    (void)pthread_mutex_lock(&address->shared->lock);
    replace(&address->shared->host, host);
    replace(&address->shared->hostaddr, has_hostaddr ? hostaddr : NULL);
    replace(&address->shared->port, port);
    (void)pthread_mutex_unlock(&address->shared->lock);
}

bool pg_address_is_direct(const PgAddress *address)
{
    bool is_direct = false;

    (void)pthread_mutex_lock(&address->shared->lock);
    is_direct = address->shared->is_direct;
    (void)pthread_mutex_unlock(&address->shared->lock);
    return is_direct;
}

void pg_address_note_direct(PgAddress *address)
{
    (void)pthread_mutex_lock(&address->shared->lock);
    address->shared->is_direct = true;
    (void)pthread_mutex_unlock(&address->shared->lock);
}

/* ---- for a child ---- */

/* What is ours, or stands in the environment instead. */
static bool is_left_out(const char *keyword)
{
    static const char *const words[] = {"host",
                                        "hostaddr",
                                        "port",
                                        "replication",
                                        "client_encoding",
                                        "application_name",
                                        "fallback_application_name"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(words[i], keyword) == 0)
            return true;
    return is_secret(keyword);
}

static void append_parameter(Text *text, const char *keyword, const char *value)
{
    if (value == NULL)
        return;
    text_append_format(text, "%s%s='", text->size > 0 ? " " : "", keyword);
    for (; *value != '\0'; value++) {
        if (*value == '\'' || *value == '\\')
            text_append(text, "\\");
        text_append_bytes(text, value, 1);
    }
    text_append(text, "'");
}

static void append_place(Text *text, const PgAddress *address)
{
    const Shared *shared = address->shared;
    bool has_answered = shared->host != NULL || shared->hostaddr != NULL;

    append_parameter(text, "host", has_answered ? shared->host : pg_address_get(address, "host"));
    append_parameter(text, "hostaddr",
                     has_answered ? shared->hostaddr : pg_address_get(address, "hostaddr"));
    append_parameter(text, "port", has_answered ? shared->port : pg_address_get(address, "port"));
}

Status pg_address_for_child(const PgAddress *address, char **ret_conninfo,
                            TextList *ret_environment, Error *err)
{
    const char *password = pg_address_get(address, "password");
    AUTO_PARAMETERS PgParameters ours = {0};
    AUTO_TEXT Text text = {0};

    if (pg_address_get(address, "sslpassword") != NULL) {
        (void)error_kind(err, ERROR_REFUSED,
                         "the passphrase of the key for \"%s\" cannot be handed to pg_dump",
                         address->display);
        error_hint(err, "Use a key without a passphrase, in a file that only you can read.");
        return STATUS_INVALID;
    }
    for (size_t i = 0; i < address->keywords.count; i++)
        if (!is_left_out(address->keywords.items[i]))
            append_parameter(&text, address->keywords.items[i], address->values.items[i]);
    add_defaults(address, &ours);
    for (size_t i = 0; i < ours.keywords.count; i++)
        append_parameter(&text, ours.keywords.items[i], ours.values.items[i]);
    wipe_list(ret_environment);
    *ret_environment = (TextList){0};
    (void)pthread_mutex_lock(&address->shared->lock);
    append_place(&text, address);
    if (address->shared->password != NULL)
        password = address->shared->password;
    if (password != NULL) {
        char *entry = xasprintf("PGPASSWORD=%s", password);

        text_list_add(ret_environment, entry);
        pg_wipe(entry);
    }
    (void)pthread_mutex_unlock(&address->shared->lock);
    *ret_conninfo = text_take(&text);
    return STATUS_OK;
}
