#include "engine/flow/stager.h"

const char *outcome_name(Outcome outcome)
{
    switch (outcome) {
    case OUTCOME_NONE:
        return "none";
    case OUTCOME_PROMOTED:
        return "promoted";
    case OUTCOME_ROLLED_BACK:
        return "rolled back";
    case OUTCOME_DROPPED:
        return "dropped";
    case OUTCOME_FINISHED:
        return "finished";
    }
    return "unknown";
}
