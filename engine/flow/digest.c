#include "engine/flow/digest.h"

#include <inttypes.h>
#include <stdio.h>

#define XXH_INLINE_ALL /* most rows are short: the calls would cost as much as the hash */
#include <xxhash.h>

#include "engine/base/text.h"
#include "engine/flow/big_endian.h"
#include "engine/flow/row_walk.h"

static inline void add_sum(Digest *digest, uint64_t low, uint64_t high)
{
    digest->low += low;
    digest->high += high + (digest->low < low); /* wrapped: carry */
}

static inline void add_row(Digest *digest, const void *row, size_t size)
{
    XXH128_hash_t hash = XXH3_128bits(row, size);

    add_sum(digest, hash.low64, hash.high64);
    digest->rows++;
}

void digest_add(Digest *digest, const void *row, size_t size)
{
    add_row(digest, row, size);
}

void digest_merge(Digest *digest, const Digest *part)
{
    add_sum(digest, part->low, part->high);
    digest->rows += part->rows;
}

bool digest_equal(const Digest *a, const Digest *b)
{
    return a->rows == b->rows && a->low == b->low && a->high == b->high;
}

/* Both walks end at the block's size, or before it at the first malformed row. */
static size_t add_binary_rows(Digest *digest, const Block *block)
{
    size_t at = 0;

    while (at < block->size) {
        size_t size = walk_binary_row(block->data + at, block->size - at);

        if (size == 0)
            break;
        add_row(digest, block->data + at, size);
        at += size;
    }
    return at;
}

static size_t add_text_rows(Digest *digest, const Block *block)
{
    size_t at = 0;

    while (at < block->size) {
        size_t size = walk_text_row(block->data + at, block->size - at);

        if (size == 0)
            break;
        add_row(digest, block->data + at, size);
        at += size;
    }
    return at;
}

Status digest_add_block(Digest *digest, RowFormat format, const Block *block, Error *err)
{
    Digest part = {0};
    size_t end =
        format == ROW_PG_TEXT ? add_text_rows(&part, block) : add_binary_rows(&part, block);

    if (end != block->size)
        return error_set(err, STATUS_FAILED,
                         "malformed block: no whole row in %s format at byte %zu of %zu",
                         row_format_name(format), end, block->size);
    if (part.rows != block->rows)
        return error_set(err, STATUS_FAILED,
                         "malformed block: it holds %" PRIu64 " rows, not %" PRIu64, part.rows,
                         block->rows);
    digest_merge(digest, &part);
    return STATUS_OK;
}

void digest_format(const Digest *digest, char ret[33])
{
    (void)snprintf(ret, 33, "%016" PRIx64 "%016" PRIx64, digest->high, digest->low);
}

bool digest_parse(const char *hex, uint64_t rows, Digest *ret)
{
    uint8_t raw[16];

    if (!hex_decode(hex, raw, sizeof(raw)))
        return false;
    *ret = (Digest){.rows = rows, .high = load_be64(raw), .low = load_be64(raw + 8)};
    return true;
}

uint64_t key_hash(const void *key, size_t size, uint64_t seed)
{
    return XXH3_64bits_withSeed(key, size, seed);
}
