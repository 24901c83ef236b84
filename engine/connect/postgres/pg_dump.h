/*
 * The schema of a source, as pg_dump writes it: run as a child under our snapshot, its archive made
 * a script by pg_restore --verbose (a plain dump leaves most dependencies out), taken apart into
 * entries (trap 8). An entry's text is run as a whole, so that no statement needs to be split. Source
 * of the format: comments of the plain output,
 *
 *   -- TOC entry 214 (class 1259 OID 16390)
 *   -- Name: orders; Type: TABLE; Schema: public; Owner: app
 *   -- Dependencies: 210 5
 *
 * which count only outside of literals and bodies. Session settings between entries, \restrict and
 * the like are left out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/text.h"
#include "engine/connect/postgres/address.h"

typedef struct DumpEntry {
    uint32_t id;        /* of pg_dump; only good inside this dump */
    uint32_t class_oid; /* 0 for none */
    uint32_t oid;
    char *type;   /* "TABLE", "FK CONSTRAINT" */
    char *name;   /* as in the header: for constraints "table name", for functions with arguments */
    char *schema; /* NULL for "-" */
    char *text;   /* its statements, without the header; "" for none, and for what may hold
                     passwords; with the table access method, where that is not heap */
    uint32_t *after;
    size_t after_count;
    bool is_post_data; /* from the first entry on that only post-data has */
} DumpEntry;

typedef struct Dump {
    DumpEntry *entries;
    size_t count;
    size_t capacity;
} Dump;

void dump_release(Dump *dump);
#define AUTO_DUMP __attribute__((cleanup(dump_release)))

/* Takes a plain dump apart. STATUS_FAILED when it is not what pg_dump --verbose writes. */
Status dump_parse(const char *text, size_t size, Dump *ret, Error *err);

/*
 * The newest pg_dump to be found whose major version is at least server_major: $STOPOVER_PG_DUMP
 * alone when it is set, else the version directories of Debian, then PATH. ERROR_REFUSED with what was found
 * and what to install.
 */
Status pg_dump_find(int server_major, char **ret_path, int *ret_major, Error *err);

typedef struct DumpOptions {
    const char *snapshot; /* exported id, or NULL for pg_dump's own */
    bool with_owner;      /* ALTER ... OWNER TO in the entries */
    TextList excluded;    /* "schema"."name" of tables that are not to be looked at */
    TextList schemas;     /* --schema patterns already resolved to names; empty: all */
    bool only_tables;     /* no use of --table of pg_dump is made: the caller selects entries */
} DumpOptions;

/*
 * Runs it (sections pre-data and post-data; with privileges, no tablespaces, no publications' or
 * subscriptions' secrets) and parses what it writes. What it says on stderr becomes the error. A
 * wish to stop ends the child: STATUS_STOPPED.
 */
Status pg_dump_run(const PgAddress *address, int server_major, const DumpOptions *options,
                   Dump *ret, Error *err);
