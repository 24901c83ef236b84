/*
 * The two halves of a decision: what the policy keeps (prune_rules.c), and what is held although it
 * does not (prune_guards.c). Both add their reasons to the items of one series.
 */
#pragma once

#include "backup/prune.h"

/* PR2: it counts, and could be gone back to. */
bool prune_is_good(const Backup *backup, int64_t now_us);

void prune_apply_rules(const PrunePolicy *policy, int64_t now_us, PruneSeries *series);
void prune_apply_guards(const NeededList *needed, int64_t now_us, PruneSeries *series);
