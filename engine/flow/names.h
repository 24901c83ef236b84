/*
 * Names (invariant I10): the one function that quotes identifiers, and the names of what we make:
 * <name>_staging_<id>, <name>_retired_<id>, <name>_undone_<id>, where id is 6 hex digits of run and
 * attempt. The base name is cut at a character so that the whole fits max_bytes (0: no limit); the
 * suffix is never cut, so a name can neither equal its base nor that of another migration.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/text.h"

typedef enum NameRole {
    NAME_STAGING,
    NAME_RETIRED,
    NAME_UNDONE,
} NameRole;

const char *name_role_word(NameRole role); /* "staging", "retired", "undone" */

/* Appends name in double quotes, inner quotes doubled. */
void quote_identifier(Text *text, const char *name);

/* The caller frees. Two long names that differ only behind the cut become one: who cuts (max_bytes)
 * checks that what it makes is distinct. */
char *name_for_role(const char *name, NameRole role, const char *id, size_t max_bytes);

/* Is name one that some migration of ours would make: <anything>_<role>_<6 hex digits>? Used to
 * leave our own things out of a source; never sufficient to drop anything (I3). */
bool name_is_ours(const char *name);

/* Refuses empty names and control characters (ERROR_REFUSED); what = "table", "column"... */
Status name_check(const char *what, const char *name, Error *err);

enum {
    NAME_ID_SIZE = 7,
};

/* 6 lower-case hex digits of run and attempt. */
void name_id(const char *run, uint32_t attempt, char ret[NAME_ID_SIZE]);

/* A migration's name: 1 to 64 of letters, digits, '.', '_', '-', beginning with a letter or digit.
 * ERROR_USAGE else. */
Status migration_name_check(const char *name, Error *err);
