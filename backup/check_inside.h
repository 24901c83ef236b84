/*
 * Shared by the check's files only.
 */
#pragma once

#include <pthread.h>

#include "backup/check.h"
#include "backup/index.h"
#include "backup/part_reader.h"

/* What was counted anew of one table. */
typedef struct TableCount {
    Digest digest;
    uint64_t raw_bytes;
    uint64_t segments;
    uint32_t heads;
    uint32_t tails;
    char *folder;    /* its entries are named after; from the index */
    bool is_damaged; /* said already: that its numbers differ, too, is no news */
} TableCount;

/* One check. What threads share is guarded by the mutex. */
typedef struct Check {
    const char *folder;
    const CheckOptions *options;
    Manifest manifest;
    CheckReport *report;
    pthread_mutex_t mutex;

    IndexReader *index; /* NULL when it is done, or cannot be used */
    bool is_index_good; /* it was read to its end, or nothing is wrong with it so far */
    Segment ahead;      /* read and not given to a part yet, when has_ahead */
    char *ahead_name;
    bool has_ahead;
    size_t next_part; /* in the manifest: the first that nobody has taken */

    TableCount *tables; /* as many as the manifest has objects; [0] is id 1 */
    bool *bad_parts;    /* as many as it has parts: known to be missing or no file */
    uint64_t bytes_done;
    uint64_t bytes_total;
} Check;

/* A set of tables, to name what a damage hits. Starts as {0}. */
typedef struct TableSet {
    bool *has; /* per object of the manifest */
} TableSet;

void table_set_add(TableSet *set, const Check *check, uint32_t table_id);
void table_set_release(TableSet *set);

/* Notes a damage; marks the tables of hits (may be NULL) as damaged. Takes the mutex. */
void check_note(Check *check, const char *path, const TableSet *hits, const char *what);

/* As check_note(), for what a reader says in err; the folder of the backup is left out of it. */
void check_note_error(Check *check, const char *path, const TableSet *hits, const Error *err);

/* Adds to what was read, and shows it. Takes the mutex. */
void check_progress(Check *check, uint64_t bytes);

/* What one thread does at a time: a part, with all that the index says of it. */
typedef struct PartJob {
    size_t position; /* in the manifest */
    Text path;       /* in the backup's folder */
    Segment *items;
    size_t count;
    size_t capacity;
    bool is_indexed; /* the index has told all of it */
    TableSet hits;   /* tables with rows in it */
    bool is_damaged;
    Text content; /* of one segment; its room is used again */
} PartJob;

/* Counts the content of a segment in ret. STATUS_INVALID (ERROR_DIFFERENT) when it is not the rows,
 * or the head or tail, that it must be. */
Status check_count(const Check *check, const Segment *segment, const Text *content, TableCount *ret,
                   Error *err);

/* Adds what was counted to its table. Takes the mutex. */
void check_add_count(Check *check, const Segment *segment, const TableCount *count);

/* Notes what a reader says of a segment of the job's part. */
void check_note_segment(Check *check, PartJob *job, const Segment *segment, const Error *err);

/* Reads a part of which the index tells nothing, or not all: by the names of its entries. */
Status check_walk(Check *check, PartReader *reader, PartJob *job, Error *err);

/* Levels. STATUS_OK also when damage was found and noted. */
Status check_presence(Check *check, Error *err);
Status check_contents(Check *check, Error *err);

/* The parts of check_contents(). */
Status check_files(Check *check, Error *err);
void check_catalog(Check *check);
Status check_parts(Check *check, Error *err);
void check_tables(Check *check);
