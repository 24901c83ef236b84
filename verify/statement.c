#include "verify/statement.h"

#include <stdio.h>

#include "verify/compare.h"

enum {
    NAMED_TABLES = 3, /* tables that differ and are named; the rest is counted */
};

typedef struct Sums {
    uint64_t rows;
    uint64_t sampled; /* in tables of which only a part was looked at */
    uint64_t in_full; /* tables of which every row was looked at */
    uint64_t partly;
    uint64_t risk_rows;
    uint64_t different;
    double bound; /* of the weakest table */
} Sums;

static Sums add_up(const Verdicts *verdicts)
{
    Sums sums = {0};

    for (size_t i = 0; i < verdicts->count; i++) {
        const Verdict *verdict = &verdicts->items[i];

        sums.rows += verdict->source_rows;
        sums.different += !verdict->equal;
        sums.risk_rows += verdict->risk_rows;
        if (verdict->level < VERIFY_SAMPLE)
            continue;
        if (verdict->sample_is_all) {
            sums.in_full++;
            continue;
        }
        sums.partly++;
        sums.sampled += verdict->sampled;
        if (sample_bound(verdict->sampled) > sums.bound)
            sums.bound = sample_bound(verdict->sampled);
    }
    return sums;
}

static void append_differences(const Verdicts *verdicts, uint64_t different, Text *ret)
{
    unsigned named = 0;
    size_t others = verdicts->count; /* differences of what is no table stand last, without an id */

    while (others > 0 && verdicts->items[others - 1].table_id == 0)
        others--;
    if (others == 0 || others == verdicts->count)
        text_append_format(ret, "%llu of %zu tables differ:", (unsigned long long)different,
                           verdicts->count);
    else
        text_append_format(ret,
                           "%llu tables and other objects differ:", (unsigned long long)different);
    for (size_t i = 0; i < verdicts->count && named < NAMED_TABLES; i++) {
        const Verdict *verdict = &verdicts->items[i];

        if (verdict->equal)
            continue;
        text_append_format(ret, "%s %s (%s)", named++ == 0 ? "" : ",", verdict->table,
                           verdict->detail != NULL ? verdict->detail : "differs");
    }
    if (different > named)
        text_append_format(ret, " and %llu more", (unsigned long long)(different - named));
}

static void append_sample(const Sums *sums, Text *ret)
{
    char count[32];

    text_append(ret, ", all keys equal; ");
    if (sums->partly > 0) {
        format_count(sums->sampled, count, sizeof(count));
        text_append_format(
            ret, "0 of %s sampled rows differ: at most %.4g %% of rows can be bad, at 99 %%", count,
            sums->bound * 100);
        if (sums->in_full > 0)
            text_append_format(ret, " (%llu %s compared in full)",
                               (unsigned long long)sums->in_full,
                               sums->in_full == 1 ? "table was" : "tables were");
    } else {
        text_append(ret, "every row was compared and none differs");
    }
}

void verification_statement(const Verdicts *verdicts, VerifyLevel level, bool structure_only,
                            Text *ret)
{
    Sums sums = add_up(verdicts);
    char tables[40];
    char rows[40];

    if (sums.different > 0) { /* structure is compared at every level */
        append_differences(verdicts, sums.different, ret);
        return;
    }
    format_things(verdicts->count, "table", tables, sizeof(tables));
    if (structure_only) { /* which is compared whatever the level */
        text_append_format(ret, "%s: structure only, no rows", tables);
        return;
    }
    if (level == VERIFY_NONE) {
        text_append(ret, "not verified: the level was none");
        return;
    }
    if (verdicts->count == 0) {
        text_append(ret, "no tables to compare");
        return;
    }
    format_things(sums.rows, "row", rows, sizeof(rows));
    text_append_format(ret, "%s, %s: counts equal", tables, rows);
    if (level >= VERIFY_SAMPLE)
        append_sample(&sums, ret);
    else
        text_append(ret, "; the content of rows was not compared");
}
