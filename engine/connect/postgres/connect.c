/*
 * Making a connection: the one place that does.
 */
#include <ctype.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/fault.h"
#include "engine/base/memory.h"
#include "engine/base/stop.h"
#include "engine/connect/postgres/address_use.h"
#include "engine/connect/postgres/connection_inside.h"

#define MAX_PARAMETERS   64
#define LOOK_FOR_STOP_MS 200

static void drop_notice(void *context, const PGresult *result)
{
    (void)context;
    (void)result;
}

typedef PGconn *(*ConnectFunction)(const char *const *, const char *const *, int);

static PGconn *call_with(ConnectFunction connect, const PgParameters *parameters)
{
    const char *keywords[MAX_PARAMETERS + 1] = {0};
    const char *values[MAX_PARAMETERS + 1] = {0};
    PGconn *handle = NULL;

    for (size_t i = 0; i < parameters->keywords.count && i < MAX_PARAMETERS; i++) {
        keywords[i] = parameters->keywords.items[i];
        values[i] = parameters->values.items[i];
    }
    handle = connect(keywords, values, 0);
    if (handle == NULL)
        out_of_memory();
    (void)PQsetNoticeReceiver(handle, drop_notice, NULL);
    return handle;
}

/* ---- waiting for a connection ---- */

static Status fail_silent(const PgAddress *address, Error *err)
{
    Status status = error_set(err, STATUS_RETRY, "could not connect to \"%s\": no answer in %u s",
                              pg_address_display(address), pg_address_connect_timeout(address));

    (void)snprintf(err->sqlstate, sizeof(err->sqlstate), "08001");
    return status;
}

/* Up to connected or failed: *ret_silent when the time was over first. */
static Status poll_until(PGconn *handle, uint64_t until_ns, bool *ret_silent, Error *err)
{
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;

    *ret_silent = false;
    while (next == PGRES_POLLING_READING || next == PGRES_POLLING_WRITING) {
        struct pollfd wait = {.fd = PQsocket(handle),
                              .events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT};

        TRY(stop_check(err));
        if (until_ns != 0 && clock_monotonic_ns() > until_ns) {
            *ret_silent = true;
            return STATUS_OK;
        }
        if (wait.fd < 0 || poll(&wait, 1, LOOK_FOR_STOP_MS) > 0)
            next = PQconnectPoll(handle);
    }
    return STATUS_OK;
}

/*
 * Connects without blocking, so that a stop is heard, and with verbose errors, because only so a
 * failure shows its SQLSTATE. Only libpq itself can go on with another host when one is silent:
 * with several of them it tries once more in its own way.
 */
static Status try_parameters(const PgAddress *address, const PgParameters *parameters, PGconn **ret,
                             Error *err)
{
    unsigned timeout = pg_address_connect_timeout(address);
    uint64_t until_ns = timeout == 0 ? 0 : clock_monotonic_ns() + timeout * UINT64_C(1000000000);
    const char *hosts = pg_address_get(address, "host");
    PGconn *handle = call_with(PQconnectStartParams, parameters);
    bool is_silent = false;
    Status status = STATUS_OK;

    (void)PQsetErrorVerbosity(handle, PQERRORS_VERBOSE);
    if (PQstatus(handle) != CONNECTION_BAD)
        status = poll_until(handle, until_ns, &is_silent, err);
    if (status == STATUS_OK && is_silent && hosts != NULL && strchr(hosts, ',') != NULL) {
        PQfinish(handle);
        handle = call_with(PQconnectdbParams, parameters);
        is_silent = false;
    }
    if (status == STATUS_OK && is_silent)
        status = fail_silent(address, err);
    if (status != STATUS_OK)
        PQfinish(handle);
    else
        *ret = handle;
    return status;
}

/* ---- failures ---- */

/* "FATAL:  28P01: password authentication failed": the words behind the code, which is copied. */
static const char *find_sqlstate(const char *line, char ret[6])
{
    for (const char *at = strstr(line, ":  "); at != NULL; at = strstr(at + 1, ":  ")) {
        size_t size = 0;

        while (size < 5 &&
               (isupper((unsigned char)at[3 + size]) || isdigit((unsigned char)at[3 + size])))
            size++;
        if (size == 5 && strncmp(at + 8, ": ", 2) == 0) {
            (void)snprintf(ret, 6, "%.5s", at + 3);
            return at + 10;
        }
    }
    return NULL;
}

static bool has_one_of(const char *words, const char *const *marks)
{
    for (; *marks != NULL; marks++)
        if (strstr(words, *marks) != NULL)
            return true;
    return false;
}

static bool is_about_tls(const char *words)
{
    static const char *const marks[] = {"certificate",
                                        "private key",
                                        "SSL alert",
                                        "does not support SSL",
                                        "unsupported protocol",
                                        "wrong version number",
                                        "tlsv1",
                                        "sslv3",
                                        NULL};

    return has_one_of(words, marks);
}

/* Not the network, but what the two sides demand of each other. */
static bool is_disagreement(const char *words)
{
    static const char *const marks[] = {"does not support",      "GSSAPI",   "channel binding",
                                        "authentication method", "invalid ", NULL};

    return is_about_tls(words) || has_one_of(words, marks);
}

static void hint_at_connect(const char *sqlstate, const char *words, Error *err)
{
    if (is_about_tls(words))
        error_hint(err, "Check sslmode and sslrootcert in the address, and the certificate of the "
                        "server.");
    else if (strcmp(sqlstate, "42501") == 0)
        error_hint(err, "Grant this user the right to connect to the database.");
    else if (strcmp(sqlstate, "08001") == 0)
        error_hint(err, "Check host and port, and that the server runs and can be reached from "
                        "here.");
}

/* "\tIs the server running there ...?" */
static bool is_advice(const char *line)
{
    return *line == '\t' || strncmp(line, "LOCATION:", strlen("LOCATION:")) == 0 ||
           strncmp(line, "Either provide", strlen("Either provide")) == 0;
}

/* The last line that tells something: libpq reports one line per address that it tried. */
static Status fail_connect(const PgAddress *address, const PGconn *handle, Error *err)
{
    AUTO_FREE_MEMORY char *text = xstrdup(PQerrorMessage(handle));
    char *rest = NULL;
    const char *words = "no reason was given";
    char sqlstate[6] = "";
    PgFailure failure = {.sqlstate = sqlstate};
    Status status = STATUS_OK;

    for (char *line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        char code[6] = "";
        const char *found = find_sqlstate(line, code);

        if (found != NULL) {
            words = found;
            memcpy(sqlstate, code, sizeof(sqlstate));
        } else if (*sqlstate == '\0' && !is_advice(line)) {
            words = line;
        }
    }
    failure.message = words;
    if (*sqlstate == '\0')
        memcpy(sqlstate, is_disagreement(words) ? "28000" : "08001", sizeof(sqlstate));
    else if (strcmp(sqlstate, "08P01") == 0)
        memcpy(sqlstate, "28000", sizeof(sqlstate)); /* a proxy that refuses us: not the network */
    status = pg_map_failure(&failure, err);
    hint_at_connect(sqlstate, words, err);
    error_prefix(err, "could not connect to \"%s\"", pg_address_display(address));
    return status;
}

/* ---- passwords ---- */

/* STATUS_DONE: with the password that is known now, it is worth another try. */
static Status consider_password(PgAddress *address, const PgParameters *parameters, PGconn *handle,
                                Error *err)
{
    if (PQconnectionNeedsPassword(handle) && !parameters->has_asked_password) {
        TRY(pg_address_ask_password(address, err));
        return STATUS_DONE;
    }
    if (parameters->has_asked_password && PQconnectionUsedPassword(handle) &&
        strstr(PQerrorMessage(handle), ":  28P01: ") != NULL)
        pg_address_forget_password(address);
    return fail_connect(address, handle, err);
}

Status pg_open_handle(PgAddress *address, PgUse use, const char *application_name, PGconn **ret,
                      Error *err)
{
    Status status = STATUS_DONE;

    while (status == STATUS_DONE) {
        AUTO_PARAMETERS PgParameters parameters = {0};
        PGconn *handle = NULL;

        pg_address_parameters(address, use, application_name, &parameters);
        TRY(try_parameters(address, &parameters, &handle, err));
        if (PQstatus(handle) == CONNECTION_OK) {
            (void)PQsetErrorVerbosity(handle, PQERRORS_DEFAULT);
            /* Waiting is ours: see pg_wait(). It fails only when there is no connection. */
            (void)PQsetnonblocking(handle, 1);
            *ret = handle;
            return STATUS_OK;
        }
        status = consider_password(address, &parameters, handle, err);
        PQfinish(handle);
    }
    return status;
}

Status pg_connect(PgAddress *address, PgUse use, const char *application_name, PgConnection **ret,
                  Error *err)
{
    AUTO_FREE(pg_close) PgConnection *connection = xcalloc(1, sizeof(*connection));

    TRY(fault_before("postgres.connect", err));
    connection->use = use;
    connection->display = xstrdup(pg_address_display(address));
    TRY(pg_open_handle(address, use, application_name, &connection->handle, err));
    TRY(pg_session_begin(connection, address, err));
    pg_address_note_answer(address, PQhost(connection->handle), PQhostaddr(connection->handle),
                           PQport(connection->handle));
    *ret = TAKE(connection);
    return STATUS_OK;
}
