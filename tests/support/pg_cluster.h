/*
 * A throw-away PostgreSQL server for one test binary: a data directory of its own below $TMPDIR,
 * one unix socket beside it, no TCP, no fsync, superuser "postgres" without a password. It dies
 * with the process that started it, however that ends. Nothing else on this machine is touched.
 *
 * The first server that is found is used: $STOPOVER_PG_BIN when it is set (a directory with initdb
 * and postgres in it), else the newest below /usr/lib/postgresql, else PATH. As root it runs as the
 * system's user postgres. All functions but the first fail the test when they cannot do their work.
 */
#pragma once

#include <stddef.h>

typedef struct PgCluster PgCluster;

/*
 * settings: "name=value", ends with NULL; may be NULL. Returns NULL when no server is installed,
 * which it says on stderr: tests then begin with PG_CLUSTER_OR_SKIP(cluster). From a thread that
 * lives as long as the process.
 */
PgCluster *pg_cluster_start(const char *const *settings);
#define PG_CLUSTER_OR_SKIP(cluster)                                                                \
    do {                                                                                           \
        if ((cluster) == NULL)                                                                     \
            skip();                                                                                \
    } while (0)

void pg_cluster_stop(PgCluster *cluster);    /* ends it and removes its files; NULL is fine */
void pg_cluster_crash(PgCluster *cluster);   /* as if the power had failed (immediate shutdown) */
void pg_cluster_restart(PgCluster *cluster); /* stops it when it runs; ready when this returns */

/* "postgresql:///DATABASE?host=DIRECTORY&user=postgres". Borrowed until pg_cluster_stop(). */
const char *pg_cluster_uri(PgCluster *cluster, const char *database);
const char *pg_cluster_socket_directory(const PgCluster *cluster);
const char *pg_cluster_data_directory(const PgCluster *cluster);
const char *pg_cluster_bin_directory(const PgCluster *cluster); /* psql and pg_dump are there too */

/* Statements, in one message. database NULL: "postgres". */
void pg_cluster_run(PgCluster *cluster, const char *database, const char *sql);
/* The first value of the first row as text, or NULL; the caller frees. */
char *pg_cluster_ask(PgCluster *cluster, const char *database, const char *sql);
