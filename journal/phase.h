/*
 * The phases of a migration and which may follow which. The diagram is in journal.c.
 */
#pragma once

#include <stdbool.h>

typedef enum Phase {
    PHASE_INITIAL = 0,
    PHASE_PREPARED,
    PHASE_STAGED,
    PHASE_VERIFIED,
    PHASE_PROMOTED,
    PHASE_ROLLED_BACK,
    PHASE_VERIFICATION_FAILED,
} Phase;

const char *phase_name(Phase phase); /* "initial", "verification_failed": as recorded and shown */
bool phase_parse(const char *text, Phase *ret);
bool phase_may_follow(Phase from, Phase to);
