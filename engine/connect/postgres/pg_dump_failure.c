#include <string.h>

#include "engine/base/memory.h"
#include "engine/base/text.h"
#include "engine/connect/postgres/pg_dump_inside.h"

/* Words of the server or of libpq, in the order in which they are looked for. */
typedef struct Complaint {
    const char *words;
    Status status; /* RETRY, or INVALID: refused */
    const char *hint;
} Complaint;

static const Complaint complaints[] = {
    {"permission denied", STATUS_INVALID,
     "Grant SELECT on everything that is migrated to the role that connects: from PostgreSQL 14 on "
     "membership in pg_read_all_data will do."},
    {"must be superuser", STATUS_INVALID, "Connect as a role that may do this, or leave it out."},
    {"server version mismatch", STATUS_INVALID,
     "Install the client programs of the server's version, or set STOPOVER_PG_DUMP to its "
     "pg_dump."},
    {"password authentication failed", STATUS_INVALID, "Check the user and the password."},
    {"no password supplied", STATUS_INVALID, "Give the password by PGPASSWORD or PGPASSFILE."},
    {"no pg_hba.conf entry", STATUS_INVALID, "Let the server accept connections from this host."},
    {"lock timeout", STATUS_RETRY,
     "Somebody holds or waits for an exclusive lock on a table of the source: let that end."},
    {"statement timeout", STATUS_RETRY,
     "Somebody holds or waits for an exclusive lock on a table of the source: let that end."},
    {"snapshot", STATUS_RETRY, ""},
    {"connection to server", STATUS_RETRY, ""},
    {"server closed the connection", STATUS_RETRY, ""},
    {"connection to client lost", STATUS_RETRY, ""},
    {"no connection to the server", STATUS_RETRY, ""},
    {"could not connect", STATUS_RETRY, ""},
    {"could not receive data", STATUS_RETRY, ""},
    {"could not send data", STATUS_RETRY, ""},
    {"SSL SYSCALL error", STATUS_RETRY, ""},
    {"SSL connection has been closed", STATUS_RETRY, ""},
    {"terminating connection", STATUS_RETRY, ""},
    {"out of shared memory", STATUS_INVALID,
     "Raise max_locks_per_transaction on the server and restart it: there are too many tables for "
     "its lock table."},
    {"too many clients", STATUS_RETRY, ""},
    {"remaining connection slots", STATUS_RETRY, ""},
    {"the database system is", STATUS_RETRY, ""}, /* starting up, shutting down */
    {"deadlock detected", STATUS_RETRY, ""},
    {"could not serialize", STATUS_RETRY, ""},
};

/* "pg_dump: error: query failed: ERROR:  permission denied..." without the first words. */
static const char *behind_words(const char *line)
{
    static const char *const words[] = {": error: ", ": fatal: ", ": FATAL: "};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        const char *found = strstr(line, words[i]);

        if (found != NULL && strncmp(line, "pg_", 3) == 0)
            return found + strlen(words[i]);
    }
    return NULL;
}

/* The first line that tells an error, else the last one: --verbose is chatty. The server's DETAIL and
 * the query stay away. */
static char *find_complaint(const char *errors)
{
    AUTO_FREE_MEMORY char *copy = xstrdup(errors);
    const char *last = "";
    char *rest = NULL;

    for (char *line = strtok_r(copy, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        const char *told = behind_words(line);

        if (told != NULL)
            return xstrdup(told);
        last = line;
    }
    return xstrdup(last);
}

Status pg_dump_failure(const char *program, int exit_code, const char *errors, Error *err)
{
    AUTO_FREE_MEMORY char *complaint = find_complaint(errors);

    for (size_t i = 0; i < sizeof(complaints) / sizeof(complaints[0]); i++) {
        if (strstr(complaint, complaints[i].words) == NULL)
            continue;
        if (complaints[i].status == STATUS_RETRY)
            (void)error_set(err, STATUS_RETRY, "could not read the schema: %s: %s", program,
                            complaint);
        else
            (void)error_kind(err, ERROR_REFUSED, "could not read the schema: %s: %s", program,
                             complaint);
        if (*complaints[i].hint != '\0')
            error_hint(err, "%s", complaints[i].hint);
        return complaints[i].status;
    }
    if (*complaint == '\0')
        return error_set(err, STATUS_FAILED, "could not read the schema: %s ended with code %d",
                         program, exit_code);
    return error_set(err, STATUS_FAILED, "could not read the schema: %s: %s", program, complaint);
}
