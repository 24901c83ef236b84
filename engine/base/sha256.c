#include "engine/base/sha256.h"

#include <openssl/evp.h>

#include "engine/base/memory.h"
#include "engine/base/text.h"

void sha256_hex(const void *data, size_t size, char ret[SHA256_HEX_SIZE])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_size = 0;

    if (EVP_Digest(data, size, digest, &digest_size, EVP_sha256(), NULL) != 1)
        out_of_memory(); /* the only way in which a digest of bytes in memory can fail */
    hex_encode(digest, digest_size, ret);
}
