/* Random: fills exactly what was asked for, differently each time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/base/random.h"

static void fills_exactly_the_bytes_asked_for(void **state)
{
    uint8_t bytes[34];
    uint8_t seen[32] = {0};
    (void)state;

    for (int round = 0; round < 20; round++) {
        memset(bytes, 0, sizeof(bytes));
        random_bytes(bytes + 1, 32);
        assert_int_equal(bytes[0], 0);
        assert_int_equal(bytes[33], 0);
        for (int i = 0; i < 32; i++)
            seen[i] = seen[i] | bytes[i + 1];
    }
    for (int i = 0; i < 32; i++) /* 20 zeros in one place: 1 in 2^160 */
        assert_int_not_equal(seen[i], 0);
}

static void large_requests_are_filled_to_the_end(void **state)
{
    static uint8_t bytes[1024 * 1024];
    static const uint8_t zeros[64] = {0};
    (void)state;

    random_bytes(bytes, sizeof(bytes));
    assert_memory_not_equal(bytes + sizeof(bytes) - 64, zeros, 64);
}

static void numbers_do_not_repeat(void **state)
{
    uint64_t first = random_u64();
    (void)state;

    assert_true(first != random_u64() || first != random_u64());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_exactly_the_bytes_asked_for),
        cmocka_unit_test(large_requests_are_filled_to_the_end),
        cmocka_unit_test(numbers_do_not_repeat),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
