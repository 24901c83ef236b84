/* SHA-256: the published examples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/base/memory.h"
#include "engine/base/sha256.h"

static void gives_the_published_digests(void **state)
{
    AUTO_FREE_MEMORY char *million = xmalloc(1000000);
    char hex[SHA256_HEX_SIZE];
    (void)state;

    sha256_hex("", 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha256_hex("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    memset(million, 'a', 1000000);
    sha256_hex(million, 1000000, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void a_nul_is_a_byte_like_any_other(void **state)
{
    char one[SHA256_HEX_SIZE];
    char two[SHA256_HEX_SIZE];
    (void)state;

    sha256_hex("a\0b", 3, one);
    sha256_hex("a\0c", 3, two);
    assert_string_not_equal(one, two);
}

static void pieces_give_the_digest_of_the_whole(void **state)
{
    AUTO_FREE(sha256_free) Sha256 *hash = sha256_new();
    AUTO_FREE(sha256_free) Sha256 *other = sha256_new();
    char hex[SHA256_HEX_SIZE];
    char expected[SHA256_HEX_SIZE];
    (void)state;

    sha256_hex("abcdef", 6, expected);
    sha256_update(hash, "ab", 2);
    sha256_update(hash, "", 0);
    sha256_copy(other, hash);
    sha256_update(hash, "xyz", 3);
    sha256_update(other, "cdef", 4);
    sha256_finish_hex(other, hex);
    assert_string_equal(hex, expected);
    sha256_finish_hex(hash, hex);
    assert_string_not_equal(hex, expected);

    sha256_update(hash, "abcdef", 6); /* it began anew */
    sha256_finish_hex(hash, hex);
    assert_string_equal(hex, expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_published_digests),
        cmocka_unit_test(a_nul_is_a_byte_like_any_other),
        cmocka_unit_test(pieces_give_the_digest_of_the_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
