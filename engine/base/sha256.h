/*
 * SHA-256 (FIPS 180-4), by libcrypto; the only place that includes it.
 */
#pragma once

#include <stddef.h>

#include "engine/base/cleanup.h"

#define SHA256_HEX_SIZE 65

enum {
    SHA256_SIZE = 32,
};

/* Lower-case hex of the digest of data. */
void sha256_hex(const void *data, size_t size, char ret[SHA256_HEX_SIZE]);

/* A digest of bytes that come piece by piece. Used by one thread at a time. */
typedef struct Sha256 Sha256;

Sha256 *sha256_new(void);
void sha256_free(Sha256 *hash); /* NULL is fine */
DEFINE_AUTO_FREE(Sha256, sha256_free);

void sha256_update(Sha256 *hash, const void *data, size_t size);
void sha256_finish(Sha256 *hash, unsigned char ret[SHA256_SIZE]); /* and begins anew */
void sha256_finish_hex(Sha256 *hash, char ret[SHA256_HEX_SIZE]);  /* likewise */
void sha256_copy(Sha256 *to, const Sha256 *from); /* to goes on from where from stands */
