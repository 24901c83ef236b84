/*
 * What an SQLSTATE means for the caller (Status) and for people (words and remedy), and what of
 * the server's words may be shown: never a value of a row.
 */
#include <stdio.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/connection_inside.h"

typedef struct Meaning {
    const char *sqlstate; /* or its beginning: the first that fits counts */
    Status status;
    ErrorKind kind;
    const char *hint;
} Meaning;

#define HINT_CREDENTIALS                                                                           \
    "Check user and password, and that the server lets this user in from here (pg_hba.conf, an "   \
    "allow-list of addresses, sslmode=require)."
#define HINT_RIGHTS "Grant the missing right to this user, or connect as the owner."
#define HINT_RAISED                                                                                \
    "Its words stand in the server's log. Correct the row or the function in the source, then "    \
    "run "                                                                                         \
    "the same command again."
#define HINT_READ_ONLY                                                                             \
    "Give the address of the primary server; or, if the server was made read-only, let it be "     \
    "written to again."

static const Meaning meanings[] = {
    {"08", STATUS_RETRY, ERROR_WAITING, NULL},
    {"25006", STATUS_INVALID, ERROR_REFUSED, HINT_READ_ONLY},
    {"25P03", STATUS_RETRY, ERROR_WAITING, NULL}, /* idle in transaction for too long */
    {"25P04", STATUS_RETRY, ERROR_WAITING, NULL}, /* transaction for too long */
    {"28", STATUS_INVALID, ERROR_REFUSED, HINT_CREDENTIALS},
    {"3D000", STATUS_INVALID, ERROR_REFUSED, "Create the database, or correct the address."},
    {"40001", STATUS_RETRY, ERROR_WAITING, NULL},
    {"40P01", STATUS_RETRY, ERROR_WAITING, NULL},
    {"42501", STATUS_INVALID, ERROR_REFUSED, HINT_RIGHTS},
    {"53100", STATUS_RETRY, ERROR_WAITING,
     "Free space on the disk of the server, then run the same command again: it goes on."},
    {"53300", STATUS_RETRY, ERROR_WAITING,
     "Fewer workers need fewer connections: lower --jobs, or raise max_connections."},
    {"55P03", STATUS_RETRY, ERROR_WAITING, NULL},
    {"57P01", STATUS_RETRY, ERROR_WAITING, NULL},
    {"57P02", STATUS_RETRY, ERROR_WAITING, NULL},
    {"57P03", STATUS_RETRY, ERROR_WAITING, NULL},
    {"57P04", STATUS_RETRY, ERROR_WAITING, NULL},
    {"57P05", STATUS_RETRY, ERROR_WAITING, NULL},
    {"", STATUS_FAILED, ERROR_FAILED, NULL},
};

static const Meaning *find_meaning(const char *sqlstate)
{
    const Meaning *meaning = meanings;

    while (strncmp(sqlstate, meaning->sqlstate, strlen(meaning->sqlstate)) != 0)
        meaning++;
    return meaning;
}

/* ---- words without values ---- */

static bool is_of_class(const char *sqlstate, const char *const *classes)
{
    for (; *classes != NULL; classes++)
        if (strncmp(sqlstate, *classes, strlen(*classes)) == 0)
            return true;
    return false;
}

static bool is_in_a_function(const PgFailure *failure)
{
    return failure->context != NULL && strncmp(failure->context, "COPY ", strlen("COPY ")) != 0;
}

/*
 * Words of people: RAISE and ASSERT in a function of theirs, whatever SQLSTATE they gave it, and what
 * other languages raise. A row may be told in them in any form.
 */
static bool is_raised_by_people(const PgFailure *failure)
{
    static const char *const raisers[] = {"exec_stmt_raise", "exec_stmt_assert", "PLy_", "plperl_",
                                          "do_util_elog",    "pltcl_",           NULL};
    static const char *const own[] = {"P0001", "P0004", "38", NULL};
    static const char *const in_functions[] = {"39", "45", "F0", "HV", "XX", NULL};

    if (failure->raiser != NULL && is_of_class(failure->raiser, raisers))
        return true;
    return is_of_class(failure->sqlstate, own) ||
           (is_in_a_function(failure) && is_of_class(failure->sqlstate, in_functions));
}

/* Raised for the sake of a row: by its input, a constraint, something that a function does. */
static bool may_quote_values(const PgFailure *failure)
{
    static const char *const classes[] = {"20", "21", "22", "23", "2200", "44", "P0", NULL};

    return is_of_class(failure->sqlstate, classes) || is_in_a_function(failure);
}

/* Of these classes DETAIL and HINT speak of objects, sessions and settings only. */
static bool has_harmless_detail(const PgFailure *failure)
{
    static const char *const classes[] = {"0A", "2B", "3D", "3F", "42", "53",
                                          "54", "55", "57", "58", NULL};

    return is_of_class(failure->sqlstate, classes) && !is_in_a_function(failure) &&
           !is_raised_by_people(failure);
}

/* Does the quote at `at` begin the name of something, as in: column "a"? */
static bool quotes_a_name(const char *message, const char *at)
{
    static const char *const words[] = {"column",   "relation",  "constraint", "table",
                                        "type",     "domain",    "encoding",   "parameter",
                                        "function", "extension", "schema",     "index",
                                        "sequence", "role",      "database",   "collation"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t size = strlen(words[i]);

        if ((size_t)(at - message) > size && at[-1] == ' ' &&
            memcmp(at - 1 - size, words[i], size) == 0)
            return true;
    }
    return false;
}

static bool is_ascii(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text > 127)
            return false;
    return true;
}

/*
 * A value may hold quotes itself: so from the first quoted thing that is no name up to the last
 * quote nothing is shown. Messages in other languages quote in other ways: they are not shown.
 */
static void append_without_values(Text *text, const char *message)
{
    const char *quote = strchr(message, '"');
    const char *last = strrchr(message, '"');

    while (quote != NULL && quotes_a_name(message, quote)) {
        const char *closing = strchr(quote + 1, '"');

        quote = closing == NULL ? quote : strchr(closing + 1, '"');
        if (closing == NULL)
            break;
    }
    if (quote == NULL) {
        text_append(text, message);
    } else {
        text_append_bytes(text, message, (size_t)(quote - message));
        text_append(text, "\"...\"");
        text_append(text, last > quote ? last + 1 : "");
    }
}

/* Which function it was, from "PL/pgSQL function app.check_it(text) line 3 at RAISE". */
static void append_raised(Text *text, const PgFailure *failure)
{
    static const char head[] = "PL/pgSQL function ";
    static const char tail[] = " line ";
    const char *end = NULL;

    if (failure->context != NULL && strncmp(failure->context, head, strlen(head)) == 0)
        end = strstr(failure->context, tail);
    if (end == NULL || memchr(failure->context, '\n', (size_t)(end - failure->context)) != NULL) {
        text_append(text, "a function raised an error");
    } else {
        const char *name = failure->context + strlen(head);

        text_append(text, "function ");
        text_append_bytes(text, name, (size_t)(end - name));
        text_append(text, " raised an error");
    }
    text_append(text, ", and what it says is not shown: it may hold values of a row");
}

char *pg_safe_message(const PgFailure *failure)
{
    AUTO_TEXT Text text = {0};

    if (is_raised_by_people(failure)) {
        append_raised(&text, failure);
    } else if (!may_quote_values(failure)) {
        text_append(&text, failure->message);
    } else {
        append_without_values(&text, failure->message);
        if (!is_ascii(text_string(&text))) {
            text_clear(&text);
            text_append(&text, "the server refused a value");
        }
    }
    return text_take(&text);
}

/* ---- the mapping ---- */

static bool lacks_lock_slots(const PgFailure *failure)
{
    return strcmp(failure->sqlstate, "53200") == 0 && failure->hint != NULL &&
           strstr(failure->hint, "max_") != NULL;
}

static Status refuse_for_locks(const char *message, Error *err)
{
    (void)error_kind(err, ERROR_REFUSED, "%s: the server has no room for more locks", message);
    error_hint(err, "Raise max_locks_per_transaction on the server and restart it: there are too "
                    "many tables for its lock table.");
    return STATUS_INVALID;
}

static void append_detail(const PgFailure *failure, Error *err)
{
    if (!has_harmless_detail(failure))
        return;
    if (failure->detail != NULL)
        error_remark(err, "%.200s", failure->detail);
    if (failure->hint != NULL && *err->hint == '\0')
        error_hint(err, "%s", failure->hint);
}

Status pg_map_failure(const PgFailure *failure, Error *err)
{
    const Meaning *meaning = find_meaning(failure->sqlstate);
    AUTO_FREE_MEMORY char *message = pg_safe_message(failure);

    if (lacks_lock_slots(failure)) {
        (void)refuse_for_locks(message, err);
        meaning = find_meaning("42501");
    } else {
        (void)error_set(err, meaning->status, "%s", message);
        err->kind = meaning->kind;
        if (meaning->hint != NULL)
            error_hint(err, "%s", meaning->hint);
        append_detail(failure, err);
        if (is_raised_by_people(failure) && *err->hint == '\0')
            error_hint(err, HINT_RAISED);
    }
    (void)snprintf(err->sqlstate, sizeof(err->sqlstate), "%s", failure->sqlstate);
    return meaning->status;
}
