#include "engine/run/expectation.h"

/* So large a part of the plan counts as estimated before anything is known: one chunk is no rule. */
#define CAUTION (1 / 128.0)

Expectation expectation_of(const Plan *plan)
{
    Expectation expectation = {0};

    for (size_t i = 0; i < plan->chunk_count; i++) {
        expectation.planned += plan->chunks[i].byte_estimate;
        if (plan->chunks[i].done)
            expectation_learn(&expectation, &plan->chunks[i]);
    }
    return expectation;
}

void expectation_learn(Expectation *expectation, const Chunk *done)
{
    expectation->planned_done += done->byte_estimate;
    expectation->moved += done->bytes;
}

uint64_t expectation_bytes(const Expectation *expectation)
{
    double caution = (double)expectation->planned * CAUTION;
    double left = (double)(expectation->planned - expectation->planned_done);
    double share = 1;

    if (expectation->planned == 0)
        return 0;
    share = ((double)expectation->moved + caution) / ((double)expectation->planned_done + caution);
    return expectation->moved + (uint64_t)(left * share);
}
