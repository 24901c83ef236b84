/*
 * A small backup, whole and right, for tests to read, list and damage: two parts (1 and 3), and
 * tables in each row format, one of them empty.
 */
#pragma once

#include "backup/index.h"
#include "backup/manifest.h"
#include "engine/flow/catalog.h"

enum {
    ARCHIVE_TABLES = 4, /* public.people, public.vectors, notes, public.nothing */
    ARCHIVE_SEGMENTS = 9,
};

typedef struct ArchiveFiles {
    char *folder;
    Catalog catalog;
    Manifest manifest;                  /* as it was written */
    Segment segments[ARCHIVE_SEGMENTS]; /* in the order of the index */
} ArchiveFiles;

/* Fills the folder (which exists); asserts that all goes well. Label and name are free. */
void archive_files_make(ArchiveFiles *files, const char *folder, const char *label,
                        const char *name);
void archive_files_release(ArchiveFiles *files);

/* Writes the manifest again from files->manifest, after a test changed it. */
void archive_files_write_manifest(ArchiveFiles *files);

/* The name of the segment's entry; the caller frees. */
char *archive_files_entry(const ArchiveFiles *files, const Segment *segment);

/* "FOLDER/data/0001.tar.zst"; the caller frees. */
char *archive_files_part(const ArchiveFiles *files, uint32_t number);
