/*
 * A whole migration between two SQLite files, by hand and in one thread: for unit tests of the target
 * side. Every call fails the test when it fails; what should fail is called on the parts.
 */
#pragma once

#include "engine/base/text.h"
#include "engine/flow/source.h"
#include "engine/flow/target.h"

typedef struct Trial {
    Source *source;
    Target *target;
    Reader *reader; /* open from trial_plan() on */
    Writer *writer; /* open from trial_claim() on */
    Plan plan;
    PromotionPlan promotion;
    RunIdentity identity;
    Findings findings;
    bool held;
} Trial;

/* Opens both sides; the identity is that of this attempt of the run "0123...". */
void trial_open(Trial *trial, const char *from, const char *to, uint32_t attempt);
void trial_close(Trial *trial);

void trial_plan(Trial *trial);  /* describe, preflight, tasks, chunks, promotion: no refusal */
void trial_claim(Trial *trial); /* and opens the writer */
void trial_task(Trial *trial, const Task *task);
void trial_copy(Trial *trial, const Chunk *chunk);
void trial_stage(Trial *trial);   /* all tasks and chunks, in order */
void trial_promote(Trial *trial); /* closes the writer, checks the schema, plans again, promotes */
void trial_run(Trial *trial, const char *from, const char *to, uint32_t attempt); /* all of it */
Outcome trial_outcome(Trial *trial);

void expect_status_ok(Status status, const Error *err);
void expect_refused(Status status, const Error *err, const char *words);
void expect_refusal(const Findings *findings, const char *object, const char *words);

/* Every schema row and every row of every table as text, sorted; nothing of ours left out. The caller
 * frees. */
char *dump_database(const char *path);
void expect_same_database(const char *a, const char *b);
void expect_dump(const char *path, const char *dump);
void expect_integrity(const char *path); /* integrity_check and foreign_key_check find nothing */
