/*
 * The swap: the statements that make a staging live, and those that take it back (I6). Planned
 * before anything is copied, for the target as it is then; planned again, and stored with its
 * inverse, before it runs. A step is one or a few statements that belong together; the inverse of
 * the whole is the inverses of the steps from the last to the first.
 *
 *   live    <schema>.x                 -> <schema>_retired_<id>.x
 *   staging <schema>_staging_<id>.x    -> <schema>.x
 *   back:   <schema>.x -> <schema>_undone_<id>.x, <schema>_retired_<id>.x -> <schema>.x
 *
 * by SET SCHEMA, which waits for every user of a table, never by ALTER SCHEMA RENAME, which does
 * not. Source wins for structure and policies, target for owner and grants (trap 11).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "engine/base/text.h"
#include "engine/connect/postgres/connection.h"
#include "engine/flow/findings.h"
#include "engine/flow/plan.h"
#include "engine/flow/target.h"

typedef struct SwapStep {
    char *words;   /* for people: "table public.orders is replaced"; NULL: part of another step */
    char *forward; /* statements; never NULL, but "" when the step is for the way back only */
    char *inverse; /* or NULL: nothing to take back */
    char *of;      /* whose it is alone: as of swap_of(); NULL: it belongs to the whole */
} SwapStep;

typedef struct Swap {
    SwapStep *steps;
    size_t count;
    size_t capacity;
    TextList staged_locks;   /* "staging"."x": locked first, with patience */
    TextList live_locks;     /* live tables, outside ones with foreign keys too: in short tries */
    TextList validate;       /* statements that run after the commit, one by one, repeatable */
    TextList validate_back;  /* likewise after the way back, besides those of validate */
    TextList staged_checks;  /* queries that must give "t" under staged_locks, else ERROR_REFUSED */
    TextList checks;         /* the same under all locks */
    TextList retired_locks;  /* as staged_locks, for the way back: "retired"."x" */
    TextList promoted_locks; /* as live_locks, for the way back */
    TextList watched; /* what is no table, and is locked by a step: who uses it is looked for */
    TextList watched_back; /* the same for the way back */
    TextList bound;        /* names of what is bound anew, there and back: swap_bound.sql */
} Swap;

void pg_swap_release(Swap *swap);
#define AUTO_SWAP __attribute__((cleanup(pg_swap_release)))

SwapStep *swap_add(Swap *swap); /* zeroed; borrowed until the next add */

/* How a step says whose it is: the kind and the live name, in one spelling whatever the quotes of
 * qualified. The caller frees. */
char *swap_of(const char *kind, const char *qualified);

/* The way back as a swap of its own: the steps' inverses in the order in which they run, its
 * staged_locks and live_locks those of the way back, without checks. */
void swap_reverse(const Swap *swap, Swap *ret);

/* As text on one line, and back: PromotionPlan.forward; .inverse holds that of swap_reverse(). */
char *swap_write(const Swap *swap);
Status swap_read(const char *text, Swap *ret, Error *err);

/*
 * Read-only. Builds the swap for the target as it is. What cannot be carried over (dependents,
 * clashes of names, rights) becomes a refusal by name with its remedy, what is decided a note.
 * The fingerprint is of all live objects that take part, with what depends on them. Before staging exists
 * it is built from the catalog alone; then staged_exists is false.
 */
Status swap_plan(PgConnection *connection, const RunIdentity *identity, const Plan *plan,
                 bool staged_exists, Swap *ret, char ret_fingerprint[65], Findings *findings,
                 Error *err);
