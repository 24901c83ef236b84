/*
 * A connection: the one way in which this connector speaks to a server. pg_connect() is the only
 * place that connects and the only place that knows the settings of a session (traps 17 and 18):
 *
 *  - keepalives on both ends, so that a dead peer is noticed in a minute, and tcp_user_timeout of
 *    two, because that ends living peers too which do not read for so long;
 *  - no timeout of a role or database holds (statement, lock, idle in transaction, idle session,
 *    transaction), search_path is empty, text formats are pinned (ISO, UTC, postgres intervals,
 *    shortest exact floats, hex bytea), row_security off, synchronize_seqscans off, jit off,
 *    client_encoding UTF8; a source is default_transaction_read_only, a target is not;
 *  - known answers: values of such types are asked for as text and must be as expected, else a
 *    middleman has ignored the settings: ERROR_REFUSED;
 *  - a pooler in between that shares the server's processes: ERROR_REFUSED that names the direct
 *    endpoint where the host's name shows it ("-pooler"). A proxy that announces another process
 *    but keeps one per connection is fine (middleman.c);
 *  - a password that the server wants and nobody has given is asked for on the terminal, masked; once.
 *
 * Errors: 40001, 40P01, 55P03, 57P01-57P05, 25P03, 53300, class 08 and a lost connection are
 * STATUS_RETRY; 53100 (disk full) too, with a hint of its own; 53200 for lack of lock slots is
 * STATUS_INVALID/ERROR_REFUSED naming max_locks_per_transaction; 42501, 28xxx, 3D000 are ERROR_REFUSED
 * with the remedy; everything else STATUS_FAILED. err->sqlstate is always set. The server's message
 * is quoted without its DETAIL where that could show a row's values (class 23, 22).
 * All names of functions begin with pg_.
 *
 * One thread at a time. Nothing is retried here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/error.h"
#include "engine/connect/postgres/address.h"

typedef struct PgConnection PgConnection;
typedef struct PgRows PgRows;

typedef enum PgUse {
    PG_SOURCE,
    PG_TARGET,
} PgUse;

/* application_name is cut at 63 bytes by the server. */
Status pg_connect(PgAddress *address, PgUse use, const char *application_name, PgConnection **ret,
                  Error *err);
void pg_close(PgConnection *connection); /* NULL is fine */
DEFINE_AUTO_FREE(PgConnection, pg_close);

int pg_server_version(const PgConnection *connection);          /* 150020 */
int pg_server_major(const PgConnection *connection);            /* 15 */
const char *pg_server_encoding(const PgConnection *connection); /* "UTF8"; borrowed */
bool pg_is_usable(const PgConnection *connection); /* false once it is lost: connect anew */
int pg_backend(const PgConnection *connection);    /* pid of the server's process */

/* With true, a wish to stop cancels the statement under way: STATUS_STOPPED. False at first. */
void pg_set_interruptible(PgConnection *connection, bool is_interruptible);

/* One or several statements without results that matter, in one message (one transaction when no
 * transaction is open). NOTICEs are dropped. */
Status pg_run(PgConnection *connection, const char *sql, Error *err);
Status pg_run_format(PgConnection *connection, Error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* One statement with rows, values as text. Of several statements the last one's rows. */
Status pg_query(PgConnection *connection, const char *sql, PgRows **ret, Error *err);
/* $1.. bound to parameters; a NULL pointer is SQL null. */
Status pg_query_bound(PgConnection *connection, const char *sql, const char *const *parameters,
                      size_t count, PgRows **ret, Error *err);
Status pg_run_bound(PgConnection *connection, const char *sql, const char *const *parameters,
                    size_t count, Error *err);
/* The first column of the first row; the caller frees. STATUS_DONE without a row; NULL text for null. */
Status pg_query_text(PgConnection *connection, const char *sql, char **ret, Error *err);

void pg_rows_free(PgRows *rows);
DEFINE_AUTO_FREE(PgRows, pg_rows_free);
size_t pg_row_count(const PgRows *rows);
const char *pg_value(const PgRows *rows, size_t row, unsigned column); /* "" for null; borrowed */
bool pg_is_null(const PgRows *rows, size_t row, unsigned column);
bool pg_is_true(const PgRows *rows, size_t row, unsigned column);
uint64_t pg_unsigned(const PgRows *rows, size_t row, unsigned column); /* 0 when it is none */
int64_t pg_integer(const PgRows *rows, size_t row, unsigned column);

/* 'text' with quotes doubled, as E'' where it has a backslash. */
void pg_quote_literal(Text *text, const char *value);
/* "schema"."name"; schema may be NULL. */
void pg_quote_name(Text *text, const char *schema, const char *name);
char *pg_qualified(const char *schema, const char *name); /* the same; the caller frees */

/* ---- COPY ---- */

/* Begins COPY ... TO STDOUT. Then pg_copy_read() until STATUS_DONE. */
Status pg_copy_out(PgConnection *connection, const char *sql, Error *err);
/* One message: in text format one line, in binary format usually one row (with the file's header
 * before the first, and its trailer in one of its own). The bytes are valid until the next call. */
Status pg_copy_read(PgConnection *connection, const uint8_t **ret_data, size_t *ret_size,
                    Error *err);

/* Begins COPY ... FROM STDIN; pg_copy_write() any cuts of the stream, in pieces that keep libpq's
 * buffer small; pg_copy_finish() returns after the server has taken it, with the number of rows. */
Status pg_copy_in(PgConnection *connection, const char *sql, Error *err);
Status pg_copy_write(PgConnection *connection, const void *data, size_t size, Error *err);
Status pg_copy_finish(PgConnection *connection, uint64_t *ret_rows, Error *err);

/* Gives up whatever is under way (COPY in either direction, an open transaction) so that the
 * connection can be used again, or closes it inside when that cannot be had at once. */
void pg_reset(PgConnection *connection);
