#include "journal/phase.h"

#include <stddef.h>
#include <string.h>

enum {
    PHASE_COUNT = PHASE_VERIFICATION_FAILED + 1,
};

static const char *const names[PHASE_COUNT] = {
    [PHASE_INITIAL] = "initial",
    [PHASE_PREPARED] = "prepared",
    [PHASE_STAGED] = "staged",
    [PHASE_VERIFIED] = "verified",
    [PHASE_PROMOTED] = "promoted",
    [PHASE_ROLLED_BACK] = "rolled_back",
    [PHASE_VERIFICATION_FAILED] = "verification_failed",
};

#define TO(phase) (1U << (phase))

/* The edges of the diagram in journal.c, by the phase they leave. */
static const unsigned followers[PHASE_COUNT] = {
    [PHASE_INITIAL] = TO(PHASE_PREPARED) | TO(PHASE_ROLLED_BACK),
    [PHASE_PREPARED] = TO(PHASE_STAGED) | TO(PHASE_ROLLED_BACK),
    [PHASE_STAGED] = TO(PHASE_VERIFIED) | TO(PHASE_VERIFICATION_FAILED) | TO(PHASE_PREPARED) |
                     TO(PHASE_ROLLED_BACK),
    [PHASE_VERIFIED] = TO(PHASE_PROMOTED) | TO(PHASE_VERIFIED) | TO(PHASE_VERIFICATION_FAILED) |
                       TO(PHASE_PREPARED) | TO(PHASE_ROLLED_BACK),
    [PHASE_PROMOTED] = TO(PHASE_ROLLED_BACK),
    [PHASE_ROLLED_BACK] = TO(PHASE_INITIAL),
    [PHASE_VERIFICATION_FAILED] = TO(PHASE_STAGED) | TO(PHASE_PREPARED) | TO(PHASE_VERIFIED) |
                                  TO(PHASE_VERIFICATION_FAILED) | TO(PHASE_ROLLED_BACK),
};

const char *phase_name(Phase phase)
{
    return (size_t)phase < PHASE_COUNT ? names[phase] : "unknown";
}

bool phase_parse(const char *text, Phase *ret)
{
    for (size_t i = 0; i < PHASE_COUNT; i++) {
        if (strcmp(text, names[i]) == 0) {
            *ret = (Phase)i;
            return true;
        }
    }
    return false;
}

bool phase_may_follow(Phase from, Phase to)
{
    return (size_t)from < PHASE_COUNT && (size_t)to < PHASE_COUNT &&
           (followers[from] & TO(to)) != 0;
}
