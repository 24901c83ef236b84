/*
 * What the files of the target side share: the target, how it is opened, and its parts.
 */
#pragma once

#include "engine/connect/sqlite/db.h"
#include "engine/flow/target.h"

typedef struct SqliteTarget SqliteTarget;

typedef struct SqliteStager {
    Stager base;
    SqliteTarget *target;
} SqliteStager;

struct SqliteTarget {
    Target base;
    SqliteStager stager;
    char *path;
    char *encoding;    /* what a new file gets: "UTF-16le"; NULL: as SQLite has it */
    int64_t page_size; /* likewise; 0: as SQLite has it */
};

/*
 * Opens to look only. *ret is NULL when there is no file. Where the file can be written it is
 * opened for writing even so: only then can SQLite roll back what a crash left behind.
 */
Status target_open_to_read(const SqliteTarget *target, Db **ret, Error *err);
Status target_open_to_write(const SqliteTarget *target, Db **ret, Error *err);

/* Remembers encoding and page size of the source's settings. */
void target_configure_new_file(SqliteTarget *target, const Catalog *catalog);

/* The value of a database setting of the source, or NULL; borrowed. */
const char *catalog_setting(const Catalog *catalog, const char *name);

Status sqlite_open_writer(SqliteTarget *target, const RunIdentity *identity, Writer **ret,
                          Error *err);

/* The operations of stager.c. */
extern const StagerOps sqlite_stager_ops;

static inline SqliteTarget *stager_target(Stager *stager)
{
    return ((SqliteStager *)stager)->target; /* base is its first member */
}
