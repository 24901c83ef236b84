/*
 * SHA-256 (FIPS 180-4), by libcrypto; the only place that includes it.
 */
#pragma once

#include <stddef.h>

#define SHA256_HEX_SIZE 65

/* Lower-case hex of the digest of data. */
void sha256_hex(const void *data, size_t size, char ret[SHA256_HEX_SIZE]);
