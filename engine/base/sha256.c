#include "engine/base/sha256.h"

#include <assert.h>

#include <openssl/evp.h>

#include "engine/base/memory.h"
#include "engine/base/text.h"

struct Sha256 {
    EVP_MD_CTX *context;
};

/* Digests of bytes in memory fail only for want of memory. */
static void need(int result)
{
    if (result != 1)
        out_of_memory();
}

void sha256_hex(const void *data, size_t size, char ret[SHA256_HEX_SIZE])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_size = 0;

    need(EVP_Digest(data, size, digest, &digest_size, EVP_sha256(), NULL));
    hex_encode(digest, digest_size, ret);
}

Sha256 *sha256_new(void)
{
    Sha256 *hash = xcalloc(1, sizeof(*hash));

    hash->context = EVP_MD_CTX_new();
    if (hash->context == NULL)
        out_of_memory();
    need(EVP_DigestInit_ex(hash->context, EVP_sha256(), NULL));
    return hash;
}

void sha256_free(Sha256 *hash)
{
    if (hash == NULL)
        return;
    EVP_MD_CTX_free(hash->context);
    free(hash);
}

void sha256_update(Sha256 *hash, const void *data, size_t size)
{
    need(EVP_DigestUpdate(hash->context, data, size));
}

void sha256_finish(Sha256 *hash, unsigned char ret[SHA256_SIZE])
{
    unsigned size = 0;

    need(EVP_DigestFinal_ex(hash->context, ret, &size));
    assert(size == SHA256_SIZE);
    need(EVP_DigestInit_ex(hash->context, EVP_sha256(), NULL));
}

void sha256_finish_hex(Sha256 *hash, char ret[SHA256_HEX_SIZE])
{
    unsigned char digest[SHA256_SIZE];

    sha256_finish(hash, digest);
    hex_encode(digest, sizeof(digest), ret);
}

void sha256_copy(Sha256 *to, const Sha256 *from)
{
    need(EVP_MD_CTX_copy_ex(to->context, from->context));
}
