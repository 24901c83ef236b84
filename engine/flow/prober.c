#include "engine/flow/prober.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"

const char *verify_level_name(VerifyLevel level)
{
    switch (level) {
    case VERIFY_NONE:
        return "none";
    case VERIFY_COUNT:
        return "count";
    case VERIFY_SAMPLE:
        return "sample";
    case VERIFY_FULL:
        return "full";
    }
    return "unknown";
}

bool verify_level_parse(const char *text, VerifyLevel *ret)
{
    static const VerifyLevel levels[] = {VERIFY_NONE, VERIFY_COUNT, VERIFY_SAMPLE, VERIFY_FULL};

    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (strcmp(text, verify_level_name(levels[i])) == 0) {
            *ret = levels[i];
            return true;
        }
    }
    return false;
}

void probe_result_release(ProbeResult *result)
{
    free(result->entries);
    *result = (ProbeResult){0};
}

ProbeEntry *probe_result_add(ProbeResult *result)
{
    ProbeEntry *entry;

    GROW(result->entries, result->entry_count, result->entry_capacity);
    entry = &result->entries[result->entry_count++];
    *entry = (ProbeEntry){0};
    return entry;
}

static int compare_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_entries(const void *left, const void *right)
{
    const ProbeEntry *a = left;
    const ProbeEntry *b = right;
    int order = compare_u64(a->key_hash, b->key_hash);

    if (order == 0)
        order = compare_u64(a->row_low, b->row_low);
    return order == 0 ? compare_u64(a->row_high, b->row_high) : order;
}

/*
 * Merges count equal entries into as many as there are rows, in place; returns how many. Whether a
 * row is chosen by hash depends on its key alone, so that of equal rows all are chosen or none, and
 * the entries that carry such a reason count the rows. The other reasons are seen at single rows
 * and count nothing; they go to the first entry, so that the order of adding leaves no trace.
 */
static size_t merge_equal(ProbeEntry *entries, size_t count)
{
    size_t random_count = 0;
    size_t requested_count = 0;
    uint32_t reasons = 0;
    size_t rows;

    for (size_t i = 0; i < count; i++) {
        random_count += (entries[i].reasons & CHOSEN_RANDOM) != 0;
        requested_count += (entries[i].reasons & CHOSEN_REQUESTED) != 0;
        reasons |= entries[i].reasons;
    }
    rows = random_count > requested_count ? random_count : requested_count;
    if (rows == 0)
        rows = 1;
    for (size_t i = 0; i < rows; i++)
        entries[i].reasons = reasons & (CHOSEN_RANDOM | CHOSEN_REQUESTED);
    entries[0].reasons = reasons;
    return rows;
}

void probe_result_sort(ProbeResult *result)
{
    ProbeEntry *entries = result->entries;
    size_t kept = 0;
    size_t end;

    if (result->entry_count == 0)
        return;
    qsort(entries, result->entry_count, sizeof(*entries), compare_entries);
    for (size_t start = 0; start < result->entry_count; start = end) {
        size_t rows;

        for (end = start + 1; end < result->entry_count; end++) {
            if (compare_entries(&entries[start], &entries[end]) != 0)
                break;
        }
        rows = merge_equal(&entries[start], end - start);
        memmove(&entries[kept], &entries[start], rows * sizeof(*entries));
        kept += rows;
    }
    result->entry_count = kept;
}

void prober_free(Prober *prober)
{
    if (prober != NULL)
        prober->ops->free(prober);
}
