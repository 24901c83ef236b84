/*
 * Source: where rows come from. Lifecycle:
 *
 *   describe()                         - preflight: no snapshot needed, nothing held
 *   hold(selection, readers) -> Snapshot          - pins one consistent snapshot until release()
 *     describe()                       - now as of the snapshot
 *     open_reader() up to `readers` times, one per worker thread; each reads that snapshot
 *       plan(table), begin/read/end(chunk), probe
 *   release()                          - after the last chunk is read and evidence is complete
 *   changed(token)                     - at any time: did it change since that snapshot?
 *
 * A source is never written to. Source itself is used by the driver thread only; each Reader by one
 * thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/cleanup.h"
#include "engine/base/error.h"
#include "engine/flow/catalog.h"
#include "engine/flow/findings.h"
#include "engine/flow/plan.h"
#include "engine/flow/prober.h"

typedef struct Source Source;
typedef struct Reader Reader;

typedef struct Snapshot {
    char *token;      /* connector's own words for this state of the source, comparable later */
    int64_t taken_us; /* wall clock, when it was pinned */
} Snapshot;

void snapshot_release(Snapshot *snapshot); /* the strings only */

typedef struct RunIdentity RunIdentity;

/* The structure of a catalog as scripts that people can run by themselves, with the program of the
 * database alone: `before` is to run before rows are loaded, `after` then. */
typedef struct SchemaScripts {
    Text before;
    Text after;
    char *version;  /* of the server or library, for people; or NULL */
    char *encoding; /* of the database; or NULL */
} SchemaScripts;

void schema_scripts_release(SchemaScripts *scripts);
#define AUTO_SCRIPTS __attribute__((cleanup(schema_scripts_release)))

typedef struct SourceOps {
    const char *name; /* "sqlite" */
    /* Optional. Who reads, for the names of connections; told each time a process begins to work,
     * and again when the epoch is known. */
    void (*introduce)(Source *source, const RunIdentity *identity);
    /* What it holds of the selection, sealed, ordered so that ids are stable while the schema is.
     * What cannot be carried becomes a refusal or a note in findings, never a silent omission. */
    Status (*describe)(Source *source, const Selection *selection, Catalog *ret, Findings *findings,
                       Error *err);
    /* The selection (NULL: everything) says what has to be locked, where a source locks. */
    Status (*hold)(Source *source, const Selection *selection, unsigned readers, Snapshot *ret,
                   Error *err);
    void (*release)(Source *source); /* also when nothing is held */
    /* Optional: NULL where what is held cannot be lost. Does the snapshot of the last hold() still
     * live, with its locks? Asked by the driver after the copy, and after a failure of anything
     * that reads what is held: false means that nothing read since then can be trusted, and that
     * holding again is the way on. While it is false, describe() and readers fail with
     * STATUS_FAILED, not STATUS_RETRY: to repeat them alone is no use. */
    bool (*is_held)(Source *source);
    /* Optional: NULL where describing costs next to nothing. The state as it is now, like the token
     * of a snapshot: with a hold() of the same token afterwards, nothing was written in between.
     * NULL text when that cannot be told. */
    Status (*state)(Source *source, char **ret, Error *err);
    /* ret_changed is true unless it is proven that nothing was written since the token's state. */
    Status (*changed)(Source *source, const char *token, bool *ret_changed, Error *err);
    Status (*open_reader)(Source *source, Reader **ret, Error *err);
    /* Optional. From a catalog that it described earlier; the source itself need not be there. */
    Status (*write_scripts)(Source *source, const Catalog *catalog, SchemaScripts *ret, Error *err);
    /* Stable identity of the data store ("dev:inode", "system:database"): source = target check. */
    Status (*identity)(Source *source, char **ret, Error *err);
    void (*free)(Source *source);
} SourceOps;

struct Source {
    const SourceOps *ops;
};

typedef struct ReaderOps {
    /* Appends the chunks of a table to the plan: at least one, none empty of meaning, about
     * chunk_bytes each. May set table->row_estimate and byte_estimate to better values. */
    Status (*plan)(Reader *reader, Table *table, uint64_t chunk_bytes, Plan *plan, Error *err);
    Status (*begin)(Reader *reader, const Table *table, const Chunk *chunk, Error *err);
    /* STATUS_OK with a block of at least one row, STATUS_DONE at the end of the chunk. */
    Status (*read)(Reader *reader, Block *ret, Error *err);
    void (*end)(Reader *reader); /* after DONE, after a failure, or to give up; repeatable */
    void (*free)(Reader *reader);
} ReaderOps;

struct Reader {
    const ReaderOps *ops;
    Prober *prober; /* over the same snapshot and connection; lives as long as the reader */
};

static inline Status source_describe(Source *source, const Selection *selection, Catalog *ret,
                                     Findings *findings, Error *err)
{
    return source->ops->describe(source, selection, ret, findings, err);
}

static inline void source_introduce(Source *source, const RunIdentity *identity)
{
    if (source->ops->introduce != NULL)
        source->ops->introduce(source, identity);
}

static inline Status source_hold(Source *source, const Selection *selection, unsigned readers,
                                 Snapshot *ret, Error *err)
{
    return source->ops->hold(source, selection, readers, ret, err);
}

static inline void source_release(Source *source)
{
    source->ops->release(source);
}

static inline bool source_is_held(Source *source)
{
    return source->ops->is_held == NULL || source->ops->is_held(source);
}

static inline Status source_state(Source *source, char **ret, Error *err)
{
    if (source->ops->state != NULL)
        return source->ops->state(source, ret, err);
    *ret = NULL;
    return STATUS_OK;
}

static inline Status source_changed(Source *source, const char *token, bool *ret_changed,
                                    Error *err)
{
    return source->ops->changed(source, token, ret_changed, err);
}

static inline Status source_open_reader(Source *source, Reader **ret, Error *err)
{
    return source->ops->open_reader(source, ret, err);
}

static inline Status source_identity(Source *source, char **ret, Error *err)
{
    return source->ops->identity(source, ret, err);
}

void source_free(Source *source); /* NULL is fine; readers must be gone */
DEFINE_AUTO_FREE(Source, source_free);

static inline Status reader_plan(Reader *reader, Table *table, uint64_t chunk_bytes, Plan *plan,
                                 Error *err)
{
    return reader->ops->plan(reader, table, chunk_bytes, plan, err);
}

static inline Status reader_begin(Reader *reader, const Table *table, const Chunk *chunk,
                                  Error *err)
{
    return reader->ops->begin(reader, table, chunk, err);
}

static inline Status reader_read(Reader *reader, Block *ret, Error *err)
{
    return reader->ops->read(reader, ret, err);
}

static inline void reader_end(Reader *reader)
{
    reader->ops->end(reader);
}

void reader_free(Reader *reader); /* NULL is fine */
DEFINE_AUTO_FREE(Reader, reader_free);
