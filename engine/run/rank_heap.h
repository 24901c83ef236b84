/*
 * A heap of ranks: whatever waits is known by a number, and the least number comes out first.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct RankHeap {
    uint32_t *items;
    size_t count;
    size_t capacity;
} RankHeap;

void rank_heap_release(RankHeap *heap);
void rank_heap_push(RankHeap *heap, uint32_t rank);
bool rank_heap_pop(RankHeap *heap, uint32_t *ret); /* false when it is empty */
