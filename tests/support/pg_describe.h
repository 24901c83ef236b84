/*
 * A PostgreSQL database of a test's own, and what pg_describe() says of it. Whatever goes wrong fails
 * the test.
 */
#pragma once

#include <stdbool.h>

#include "engine/connect/postgres/describe.h"
#include "engine/connect/postgres/notes.h"
#include "tests/support/pg_cluster.h"

typedef struct Described {
    PgCluster *cluster;
    char database[32];
    PgAddress *address;
    PgConnection *connection;
    Selection selection;
    Catalog catalog;
    Findings findings;
} Described;

void described_release(Described *described);
#define AUTO_DESCRIBED __attribute__((cleanup(described_release)))

void described_expect_ok(Status status, const Error *err);

/* Makes a database with this in it. */
void described_set_up(Described *described, PgCluster *cluster, const char *sql);
void described_connect(Described *described, const char *user);
/* Describes it, by the selection; connects first when that was not done. */
void described_read(Described *described); /* as postgres */
void described_read_as(Described *described, const char *user);

const Table *described_table(const Described *described, const char *schema, const char *name);
bool described_has_table(const Described *described, const char *name); /* in public */

/* The first object of that type in pg_dump's words, or NULL. */
const Object *described_object(const Described *described, const char *type, const char *name);
PgObjectNotes described_notes(const Described *described, const char *type, const char *name);
bool described_is_after_data(const Described *described, const char *type, const char *name);
/* Does the one come after the other, as its notes say? */
bool described_comes_after(const Described *described, const char *type, const char *name,
                           const char *other_type, const char *other);

/* A finding about the object (NULL: any) whose message holds the words; NULL for none. */
const Finding *described_finding(const Described *described, Severity severity, const char *object,
                                 const char *words);
void described_expect_finding(const Described *described, Severity severity, const char *object,
                              const char *words);
void described_expect_no_refusal(const Described *described);
size_t described_refusals(const Described *described);
