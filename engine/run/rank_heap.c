#include "engine/run/rank_heap.h"

#include "engine/base/memory.h"

void rank_heap_release(RankHeap *heap)
{
    free(heap->items);
    *heap = (RankHeap){0};
}

void rank_heap_push(RankHeap *heap, uint32_t rank)
{
    size_t at = heap->count;

    GROW(heap->items, heap->count, heap->capacity);
    heap->count++;
    for (; at > 0 && heap->items[(at - 1) / 2] > rank; at = (at - 1) / 2)
        heap->items[at] = heap->items[(at - 1) / 2];
    heap->items[at] = rank;
}

bool rank_heap_pop(RankHeap *heap, uint32_t *ret)
{
    size_t at = 0;
    uint32_t moved = 0;

    if (heap->count == 0)
        return false;
    *ret = heap->items[0];
    moved = heap->items[--heap->count];
    for (size_t child = 1; child < heap->count; child = 2 * at + 1) {
        if (child + 1 < heap->count && heap->items[child + 1] < heap->items[child])
            child++;
        if (heap->items[child] >= moved)
            break;
        heap->items[at] = heap->items[child];
        at = child;
    }
    heap->items[at] = moved; /* also when it is empty now: the room is there */
    return true;
}
