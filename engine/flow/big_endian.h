/*
 * Numbers in network order, at any address. For the row framing, which is big-endian throughout.
 */
#pragma once

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t load_be16(const uint8_t *at)
{
    uint16_t raw;

    memcpy(&raw, at, sizeof(raw));
    return be16toh(raw);
}

static inline uint32_t load_be32(const uint8_t *at)
{
    uint32_t raw;

    memcpy(&raw, at, sizeof(raw));
    return be32toh(raw);
}

static inline uint64_t load_be64(const uint8_t *at)
{
    uint64_t raw;

    memcpy(&raw, at, sizeof(raw));
    return be64toh(raw);
}

static inline void store_be16(uint8_t *at, uint16_t value)
{
    uint16_t raw = htobe16(value);

    memcpy(at, &raw, sizeof(raw));
}

static inline void store_be32(uint8_t *at, uint32_t value)
{
    uint32_t raw = htobe32(value);

    memcpy(at, &raw, sizeof(raw));
}

static inline void store_be64(uint8_t *at, uint64_t value)
{
    uint64_t raw = htobe64(value);

    memcpy(at, &raw, sizeof(raw));
}
