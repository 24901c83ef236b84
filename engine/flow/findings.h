/*
 * What a check found: refusals, warnings and notes, each about one object, with the remedy. Filled
 * by connectors and stages, shown by tools.
 */
#pragma once

#include <stddef.h>

#include "engine/base/error.h"

typedef enum Severity {
    FINDING_REFUSAL, /* the migration must not go on: exit 5 */
    FINDING_WARNING,
    FINDING_NOTE,
} Severity;

typedef struct Finding {
    Severity severity;
    char *object;  /* "table orders", or NULL */
    char *message; /* one line, lower case, no full stop */
    char *remedy;  /* a whole sentence, or NULL */
} Finding;

typedef struct Findings {
    Finding *items;
    size_t count;
    size_t capacity;
} Findings;

void findings_add(Findings *findings, Severity severity, const char *object, const char *remedy,
                  const char *format, ...) __attribute__((format(printf, 5, 6)));
size_t findings_count(const Findings *findings, Severity severity);
const char *severity_name(Severity severity); /* "refused", "warning", "note" */
void findings_release(Findings *findings);
#define AUTO_FINDINGS __attribute__((cleanup(findings_release)))

/* STATUS_OK without refusals; else ERROR_REFUSED with the first one and how many more there are. */
Status findings_refuse(const Findings *findings, Error *err);
