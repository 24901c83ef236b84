/*
 * What an address is used for: the parameters of a connection, what a child gets, and the password
 * that somebody types in, which threads share.
 */
#include "engine/connect/postgres/address_use.h"

#include <string.h>

#include "engine/base/memory.h"

#define CHOICE_OF_SERVER "target_session_attrs"

/*
 * Ours, unless given otherwise: a peer that is silent is noticed after a minute. tcp_user_timeout
 * is longer, because Linux ends with it also a connection whose peer lives but reads nothing: a
 * target in a checkpoint, or our own reader while its target waits for a lock.
 */
static const char *const defaults[][2] = {
    {"connect_timeout", "15"},     {"keepalives", "1"},       {"keepalives_idle", "30"},
    {"keepalives_interval", "10"}, {"keepalives_count", "3"}, {"tcp_user_timeout", "120000"},
};

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
        pg_parameters_add(ret, "load_balance_hosts", "disable");
    if (use == PG_TARGET && pg_address_get(address, CHOICE_OF_SERVER) == NULL)
        pg_parameters_add(ret, CHOICE_OF_SERVER, "primary");
}

static void add_defaults(const PgAddress *address, PgParameters *ret)
{
    for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
        if (pg_address_get(address, defaults[i][0]) == NULL)
            pg_parameters_add(ret, defaults[i][0], defaults[i][1]);
}

static void add_asked_password(const PgAddress *address, PgParameters *ret)
{
    (void)pthread_mutex_lock(&address->shared->lock);
    if (address->shared->password != NULL) {
        pg_parameters_add(ret, "password", address->shared->password);
        ret->has_asked_password = true;
    }
    (void)pthread_mutex_unlock(&address->shared->lock);
}

void pg_address_parameters(const PgAddress *address, PgUse use, const char *application_name,
                           PgParameters *ret)
{
    for (size_t i = 0; i < address->resolved.keywords.count; i++)
        pg_parameters_add(ret, address->resolved.keywords.items[i],
                          address->resolved.values.items[i]);
    add_defaults(address, ret);
    add_for_several_hosts(address, use, ret);
    add_asked_password(address, ret);
    pg_parameters_add(ret, "client_encoding", "UTF8");
    if (application_name != NULL)
        pg_parameters_add(ret, "application_name", application_name);
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
    return pg_is_secret(keyword);
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
    const PgShared *shared = address->shared;
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
    for (size_t i = 0; i < address->resolved.keywords.count; i++)
        if (!is_left_out(address->resolved.keywords.items[i]))
            append_parameter(&text, address->resolved.keywords.items[i],
                             address->resolved.values.items[i]);
    add_defaults(address, &ours);
    for (size_t i = 0; i < ours.keywords.count; i++)
        append_parameter(&text, ours.keywords.items[i], ours.values.items[i]);
    pg_wipe_list(ret_environment);
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
