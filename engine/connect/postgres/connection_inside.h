/*
 * The inside of a connection, for the files connection*.c, connect.c and session.c only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "engine/connect/postgres/connection.h"

struct pg_conn;
struct pg_result;

struct PgConnection {
    struct pg_conn *handle;
    PgUse use;
    char *display; /* of the address */
    char *encoding;
    int version;
    int backend;
    bool is_interruptible;
    bool is_lost;       /* nothing more can be had from it */
    bool is_copying_in; /* COPY FROM STDIN has begun and its end was not sent */
    size_t unflushed;   /* bytes of it that libpq may still hold */
    char *row;          /* the last of COPY OUT, of libpq */
};

struct PgRows {
    struct pg_result *result;
};

typedef enum PgWait {
    PG_READABLE,
    PG_WRITABLE, /* or readable: who only writes must read, too, or both sides may wait for ever */
} PgWait;

/* Waits without end, or until_ns (clock_monotonic_ns(); 0: none) is over: false. Looks up now and then when
 * interruptible, and cancels the statement once stop is wanted. */
bool pg_wait(PgConnection *connection, PgWait what, uint64_t until_ns);

/* Sends what libpq still holds; false when the connection is lost or until_ns is over. */
bool pg_flush(PgConnection *connection, uint64_t until_ns);

/* The outcome of what was sent: the last result with rows (NULL without), or the first error. A
 * COPY that begins ends the reading too: *ret is that result. */
Status pg_take_result(PgConnection *connection, struct pg_result **ret, Error *err);

/* Fails a call on a connection that is lost. */
Status pg_check_usable(PgConnection *connection, Error *err);

/* What a result says, or (NULL) the connection itself. Notes whether it is lost. */
Status pg_result_error(PgConnection *connection, const struct pg_result *result, Error *err);

/* session.c: the settings, who serves us, known answers. */
Status pg_session_begin(PgConnection *connection, PgAddress *address, Error *err);

/* connect.c: a connection without its settings yet; the caller closes. */
Status pg_open_handle(PgAddress *address, PgUse use, const char *application_name,
                      struct pg_conn **ret, Error *err);

/* middleman.c: for a connection whose process is not the announced one: refuses a pooler that gives
 * each transaction another process, else remembers that sessions hold at this address. */
Status pg_check_direct(PgConnection *connection, PgAddress *address, Error *err);

typedef struct PgFailure {
    const char *sqlstate; /* "" when the client found it: then the connection is lost */
    const char *message;
    const char *detail; /* may be NULL, like all that follow */
    const char *hint;
    const char *context; /* where: lines, the innermost first */
    const char *raiser;  /* the server's own function that raised it, of its C sources */
} PgFailure;

/* connection_error.c: the one mapping of SQLSTATEs. */
Status pg_map_failure(const PgFailure *failure, Error *err);

/* The message as it may be shown: without values of rows. The caller frees. */
char *pg_safe_message(const PgFailure *failure);
