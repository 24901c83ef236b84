/*
 * Memory that cannot fail: out of memory ends the process with a message and exit code 1. The
 * journal makes that as safe as any other crash.
 */
#pragma once

#include <stddef.h>
#include <stdlib.h>

#include "engine/base/cleanup.h"

_Noreturn void out_of_memory(void); /* also for what a library could not allocate */

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *memory, size_t size);
char *xstrdup(const char *text); /* NULL gives NULL */
char *xstrndup(const char *text, size_t size);
void *xmemdup(const void *data, size_t size);
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* AUTO_FREE_MEMORY char *name = NULL; */
static inline void free_memory_at(void *pointer)
{
    free(*(void **)pointer);
    *(void **)pointer = NULL;
}
#define AUTO_FREE_MEMORY __attribute__((cleanup(free_memory_at)))

/* Once, before any thread: few arenas, and large blocks that go back to the system when freed. */
void memory_configure(void);

/* Gives freed memory back to the system: after a step that needed much more than the next ones. */
void memory_trim(void);

/*
 * Makes room for one more element: GROW(list->items, list->count, list->capacity). Capacity doubles
 * from 8; the new room is not initialised.
 */
void *grow_array(void *items, size_t count, size_t *capacity, size_t item_size);
#define GROW(items, count, capacity)                                                               \
    ((items) = grow_array((items), (count), &(capacity), sizeof(*(items))))
