#include "engine/base/memory.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void out_of_memory(void)
{
    static const char message[] = "error: out of memory\n"
                                  "hint: Free memory and run the same command again.\n";

    (void)!write(STDERR_FILENO, message, sizeof(message) - 1); /* nothing is left to try */
    _exit(1);
}

void *xmalloc(size_t size)
{
    void *memory = malloc(size > 0 ? size : 1);

    if (memory == NULL)
        out_of_memory();
    return memory;
}

void *xcalloc(size_t count, size_t size)
{
    size_t total = 0;
    void *memory = NULL;

    if (!__builtin_mul_overflow(count, size, &total))
        memory = calloc(1, total > 0 ? total : 1);
    if (memory == NULL)
        out_of_memory();
    return memory;
}

void *xrealloc(void *memory, size_t size)
{
    void *moved = realloc(memory, size > 0 ? size : 1);

    if (moved == NULL)
        out_of_memory();
    return moved;
}

char *xstrdup(const char *text)
{
    if (text == NULL)
        return NULL;
    return xmemdup(text, strlen(text) + 1);
}

char *xstrndup(const char *text, size_t size)
{
    size_t length = strnlen(text, size);
    char *copy = xmalloc(length + 1);

    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

void *xmemdup(const void *data, size_t size)
{
    void *copy = xmalloc(size);

    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

char *xasprintf(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    int length = 0;

    va_start(arguments, format);
    length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        out_of_memory();
    return text;
}

void *grow_array(void *items, size_t count, size_t *capacity, size_t item_size)
{
    size_t wanted = *capacity > 0 ? *capacity : 8;
    size_t size = 0;

    if (count < *capacity)
        return items;
    while (wanted <= count)
        if (__builtin_mul_overflow(wanted, 2, &wanted))
            out_of_memory();
    if (__builtin_mul_overflow(wanted, item_size, &size))
        out_of_memory();
    items = xrealloc(items, size);
    *capacity = wanted;
    return items;
}

void memory_configure(void)
{
    (void)mallopt(M_ARENA_MAX, 2); /* refused: then it takes more memory, that is all */
    (void)mallopt(M_MMAP_THRESHOLD, 256 * 1024);
    (void)mallopt(M_TRIM_THRESHOLD, 1024 * 1024);
}

void memory_trim(void)
{
    (void)malloc_trim(0); /* says only whether there was anything */
}
