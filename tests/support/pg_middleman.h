/*
 * A process between a client and a throw-away server, for tests of who is told from whom. Like
 * every proxy it announces a process number of its own.
 */
#pragma once

#include "tests/support/pg_cluster.h"

typedef enum MiddlemanKind {
    MIDDLEMAN_KEEPS,  /* each client has a server process of its own, as long as it is there */
    MIDDLEMAN_SHARES, /* all clients share one: what a transaction pooler comes to */
} MiddlemanKind;

typedef struct PgMiddleman PgMiddleman;

PgMiddleman *pg_middleman_start(const PgCluster *cluster, MiddlemanKind kind);
void pg_middleman_stop(PgMiddleman *middleman);
/* The folder of its socket, as host; borrowed. */
const char *pg_middleman_host(const PgMiddleman *middleman);

/* The first value of a statement that is run through it, as it is served; the caller frees. */
char *pg_middleman_ask(const PgMiddleman *middleman, const char *sql);
