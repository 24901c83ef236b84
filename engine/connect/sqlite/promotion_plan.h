/*
 * The promotion as a swap and its inverse, and what stands against it. Computed from the live
 * schema and the source's catalog alone: the staging tables need not exist yet.
 */
#pragma once

#include "engine/connect/sqlite/swap.h"
#include "engine/connect/sqlite/target_state.h"

typedef struct SwapPair {
    Swap forward;
    Swap inverse;
    TextList steps;
    Schema result; /* the schema as it will be */
} SwapPair;

void swap_pair_release(SwapPair *pair);
#define AUTO_SWAP_PAIR __attribute__((cleanup(swap_pair_release)))

/* live: with our own rows marked. db: the target, NULL when it does not exist. What refuses the
 * promotion, by object, goes to findings. */
Status swap_pair_plan(Db *db, const Schema *live, const Catalog *catalog, const char *id,
                      SwapPair *ret, Findings *findings, Error *err);

/* Tries the result in memory: what works today and would not afterwards is refused. */
Status swap_pair_try(const Schema *live, const Catalog *catalog, const SwapPair *pair,
                     Findings *findings, Error *err);

/* Does it stay, live, in the target when these tables are exchanged, and can it depend on them: a
 * view, or a table with triggers or foreign keys? */
bool is_outside_dependent(const Schema *live, const Swap *swap, const SchemaRow *row);

Status sqlite_plan_promotion(Stager *stager, const RunIdentity *identity, const Plan *plan,
                             PromotionPlan *ret, Findings *findings, Error *err);

/* Adds a finding unless the same is there already. */
void finding_once(Findings *findings, Severity severity, const char *object, const char *remedy,
                  const char *format, ...) __attribute__((format(printf, 5, 6)));
