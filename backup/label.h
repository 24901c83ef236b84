/*
 * Names in a repository. A backup has a name that people choose, and a label, which is its directory
 * below backups/ and never changes:
 *   <UTC start: YYYYMMDDTHHMMSSZ>-<sequence: 4 or more digits>-<slug>
 * with ".partial" behind it until it is complete. The slug is for people; nothing is decided by it,
 * and nothing is put in order by label or name, but by recorded times and sequence.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"

#define LABEL_PARTIAL ".partial"

/* Directories of these names may stand for a backup, so none is called so. */
#define NAME_LATEST        "latest"
#define NAME_LATEST_FAILED "latest-failed"

typedef struct Label {
    int64_t started_us; /* whole seconds */
    uint64_t sequence;  /* 1, 2, 3... */
    bool is_partial;
} Label;

/* Of the name of a directory; false when it is no label of ours. */
bool label_parse(const char *directory_name, Label *ret);

/* Without ".partial". slug as backup_slug() makes it. The caller frees. */
char *label_make(int64_t started_us, uint64_t sequence, const char *slug);

/* 1 to 64 letters, digits, '.', '_' and '-', the first a letter or digit: like a migration's name.
 * Not an alias, not a label, and not ending in ".partial". ERROR_USAGE else. */
Status backup_name_check(const char *name, Error *err);

/* What of any text can stand in a name: every other byte becomes '_', at most 40 bytes of it. The
 * caller frees. */
char *backup_slug(const char *text);

/* "<slug of what>_<UTC time>": the name of a backup that was given none. The caller frees. */
char *backup_made_name(const char *what, int64_t started_us);
