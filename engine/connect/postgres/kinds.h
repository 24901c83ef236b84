/*
 * The one table of what a PostgreSQL database consists of, by pg_dump's words, and what becomes of
 * each kind (trap 24): README, "What is carried", says the same to people.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "engine/flow/catalog.h"
#include "engine/flow/plan.h"

typedef enum KindFate {
    KIND_CARRIED,      /* built while staging */
    KIND_AT_PROMOTION, /* kept with the plan, run by the promotion (row security, schemas' comments) */
    KIND_SKIPPED,      /* left behind, and said so */
    KIND_REFUSED,      /* cannot be left behind in silence nor carried */
    KIND_IGNORED,      /* not an object: settings of the dump itself */
} KindFate;

typedef struct EntryKind {
    const char *type;
    KindFate fate;
    bool is_post_data; /* stands in post-data only: the first such entry begins it */
    ObjectKind object_kind;
    TaskClass task_class; /* of its task, when carried */
    const char *words;    /* skipped, refused: what is said; plural, "publications" */
    const char *remedy;
} EntryKind;

const EntryKind *entry_kind(const char *type); /* NULL for one we do not know: refused by name */
extern const EntryKind entry_kinds[];          /* ends with type NULL */
