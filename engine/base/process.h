/*
 * Running another program and collecting what it writes. No shell is involved: arguments are what
 * they are. Its stdin is /dev/null, it has a process group of its own (an interrupt from the
 * terminal is ours to pass on), SIGPIPE as usual, and no descriptor of ours but the two pipes.
 *
 * A wish to stop ends it: SIGTERM, a few seconds later SIGKILL. When this process dies, its pipes
 * break, and a program that goes on writing ends by that.
 */
#pragma once

#include <stddef.h>

#include "engine/base/error.h"
#include "engine/base/text.h"

#define PROCESS_ERRORS_MAX 16384

typedef struct Process {
    const char *const *arguments; /* ends with NULL; the first is a path, or looked up in PATH */
    const TextList *environment;  /* "NAME=value", added or in place of ours; NULL: none */
    size_t output_max;            /* more on stdout ends it: STATUS_FAILED; 0: without bound */
} Process;

typedef struct ProcessOutcome {
    Text output;   /* stdout */
    Text errors;   /* the end of stderr: whole lines, at most PROCESS_ERRORS_MAX bytes */
    int exit_code; /* 128 + signal when one ended it */
} ProcessOutcome;

void process_outcome_release(ProcessOutcome *outcome);
#define AUTO_PROCESS_OUTCOME __attribute__((cleanup(process_outcome_release)))

/* STATUS_OK whatever its exit code; ERROR_NOT_FOUND when there is no such program; STATUS_STOPPED.
 * ret starts as {0} and is to be released in any case. */
Status process_run(const Process *process, ProcessOutcome *ret, Error *err);
