/*
 * Digest of a set of rows: a count and the sum modulo 2^128 of a 128-bit hash of each row. Sums,
 * never XOR: a doubled row must show. Independent of order; digests of parts add up to the digest
 * of the whole. The hash is XXH3 (libxxhash), strong against accidents, not against an adversary.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/flow/rows.h"

typedef struct Digest {
    uint64_t rows;
    uint64_t low;
    uint64_t high;
} Digest;

void digest_add(Digest *digest, const void *row, size_t size);
void digest_merge(Digest *digest, const Digest *part);
bool digest_equal(const Digest *a, const Digest *b);

/* Adds every row of a block; STATUS_FAILED when the block is not whole rows of that format or
 * does not hold block->rows of them. */
Status digest_add_block(Digest *digest, RowFormat format, const Block *block, Error *err);

/* 32 hex digits of the sum, and back; false when malformed. ret has room for 33 bytes. */
void digest_format(const Digest *digest, char ret[33]);
bool digest_parse(const char *hex, uint64_t rows, Digest *ret);

/* 64-bit hash of a key under a per-run seed, by which rows are chosen for a sample. */
uint64_t key_hash(const void *key, size_t size, uint64_t seed);
