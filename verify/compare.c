#include "verify/compare.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/memory.h"

static const double confidence = 0.99;

uint64_t sample_modulus(uint64_t row_count)
{
    uint64_t modulus = row_count / SAMPLE_ROWS;

    return modulus < 2 ? 1 : modulus;
}

double sample_bound(uint64_t sampled)
{
    if (sampled == 0)
        return 1.0;
    return -expm1(log1p(-confidence) / (double)sampled);
}

uint64_t *risk_hashes(const ProbeResult *source, size_t *ret_count)
{
    uint64_t *hashes = xcalloc(source->entry_count + 1, sizeof(*hashes));
    size_t count = 0;

    for (size_t i = 0; i < source->entry_count; i++) { /* sorted by key hash: so is the result */
        const ProbeEntry *entry = &source->entries[i];

        if ((entry->reasons & ~(uint32_t)CHOSEN_RANDOM) == 0)
            continue;
        if (count == 0 || hashes[count - 1] != entry->key_hash)
            hashes[count++] = entry->key_hash;
    }
    *ret_count = count;
    return hashes;
}

/* One group: the entries of a side with the same key hash. */
typedef struct Group {
    const ProbeEntry *entries;
    size_t count;
} Group;

static Group take_group(const ProbeResult *result, size_t *at, uint64_t hash)
{
    Group group = {.entries = result->entries + *at};

    while (*at < result->entry_count && result->entries[*at].key_hash == hash) {
        (*at)++;
        group.count++;
    }
    return group;
}

static int compare_rows(const ProbeEntry *a, const ProbeEntry *b)
{
    if (a->row_low != b->row_low)
        return a->row_low < b->row_low ? -1 : 1;
    if (a->row_high != b->row_high)
        return a->row_high < b->row_high ? -1 : 1;
    return 0;
}

/*
 * Rows of one key hash. Where the random rule chose it, both sides have looked at all their rows
 * with that hash, so each row needs its equal on the other side. Where only a risk rule chose it,
 * the source shows some of its rows and the target all: those shown must be there. Rows that find
 * no equal on either side are the same row with other content as far as they pair up.
 */
static void compare_group(const Group *source, const Group *target, bool all, Verdict *verdict)
{
    uint64_t only_source = 0;
    uint64_t only_target = 0;
    size_t s = 0;
    size_t t = 0;

    while (s < source->count || t < target->count) {
        int order = s >= source->count   ? 1
                    : t >= target->count ? -1
                                         : compare_rows(&source->entries[s], &target->entries[t]);

        only_source += order < 0;
        only_target += order > 0;
        s += order <= 0;
        t += order >= 0;
    }

    uint64_t paired = only_source < only_target ? only_source : only_target;

    verdict->different += paired;
    verdict->missing += only_source - paired;
    if (all)
        verdict->extra += only_target - paired;
}

static bool group_is_random(const Group *group)
{
    for (size_t i = 0; i < group->count; i++) {
        if ((group->entries[i].reasons & CHOSEN_RANDOM) != 0)
            return true;
    }
    return false;
}

static void compare_entries(const ProbeRequest *request, const ProbeResult *source,
                            const ProbeResult *target, Verdict *verdict)
{
    size_t s = 0;
    size_t t = 0;

    for (size_t i = 0; i < source->entry_count; i++) {
        if ((source->entries[i].reasons & CHOSEN_RANDOM) != 0)
            verdict->sampled++;
        if ((source->entries[i].reasons & ~(uint32_t)CHOSEN_RANDOM) != 0)
            verdict->risk_rows++;
    }
    verdict->sample_is_all = request->modulus == 1;
    while (s < source->entry_count || t < target->entry_count) {
        uint64_t hash = s >= source->entry_count   ? target->entries[t].key_hash
                        : t >= target->entry_count ? source->entries[s].key_hash
                        : source->entries[s].key_hash < target->entries[t].key_hash
                            ? source->entries[s].key_hash
                            : target->entries[t].key_hash;
        Group left = take_group(source, &s, hash);
        Group right = take_group(target, &t, hash);

        compare_group(&left, &right, group_is_random(&left) || group_is_random(&right), verdict);
    }
}

static void say(Text *text, const char *what)
{
    if (text->size > 0)
        text_append(text, "; ");
    text_append(text, what);
}

static char *describe(const Verdict *verdict)
{
    AUTO_TEXT Text text = {0};
    char line[160];

    if (verdict->source_rows != verdict->target_rows) {
        (void)snprintf(line, sizeof(line), "the source has %llu rows, staging %llu",
                       (unsigned long long)verdict->source_rows,
                       (unsigned long long)verdict->target_rows);
        say(&text, line);
    }
    if (verdict->ledger_rows != verdict->source_rows) {
        (void)snprintf(line, sizeof(line), "the ledger counts %llu rows, the source %llu",
                       (unsigned long long)verdict->ledger_rows,
                       (unsigned long long)verdict->source_rows);
        say(&text, line);
    }
    if (verdict->keys_compared && !verdict->keys_equal)
        say(&text, "the keys differ");
    if (verdict->missing + verdict->extra + verdict->different > 0) {
        (void)snprintf(line, sizeof(line),
                       "of the rows looked at %llu differ, %llu are missing, %llu are extra",
                       (unsigned long long)verdict->different, (unsigned long long)verdict->missing,
                       (unsigned long long)verdict->extra);
        say(&text, line);
    }
    return text_take(&text);
}

void compare_table(VerifyLevel level, const ProbeRequest *request, const ProbeResult *source,
                   const Digest *ledger, const ProbeResult *target, Verdict *ret)
{
    ret->level = level;
    if (level == VERIFY_NONE) {
        ret->equal = true; /* nothing was compared: the level says so */
        return;
    }
    ret->source_rows = source->rows;
    ret->ledger_rows = ledger->rows;
    ret->target_rows = target->rows;
    ret->equal = source->rows == ledger->rows && source->rows == target->rows;
    if (level >= VERIFY_SAMPLE) {
        ret->keys_compared = true;
        ret->keys_equal = digest_equal(&source->keys, &target->keys);
        compare_entries(request, source, target, ret);
        ret->equal = ret->equal && ret->keys_equal && ret->missing == 0 && ret->extra == 0 &&
                     ret->different == 0;
    }
    if (level >= VERIFY_FULL)
        ret->equal = ret->equal && digest_equal(&source->all, &target->all);
    if (!ret->equal) {
        free(ret->detail);
        ret->detail = describe(ret);
    }
}
