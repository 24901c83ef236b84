/*
 * Unpredictable bytes from the kernel (getrandom), for run identities and sample seeds.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *ret, size_t size); /* ends the process if the kernel has none */
uint64_t random_u64(void);
