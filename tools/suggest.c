#include "tools/suggest.h"

#include <stdint.h>
#include <string.h>

enum {
    MAX_WORD = 32, /* longer words are no options of ours: they match nothing */
};

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

size_t edit_distance(const char *a, const char *b)
{
    size_t distance[MAX_WORD + 1][MAX_WORD + 1];
    size_t a_size = strlen(a);
    size_t b_size = strlen(b);

    if (a_size > MAX_WORD || b_size > MAX_WORD)
        return SIZE_MAX;
    for (size_t i = 0; i <= a_size; i++)
        distance[i][0] = i;
    for (size_t j = 0; j <= b_size; j++)
        distance[0][j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        for (size_t j = 1; j <= b_size; j++) {
            size_t replaced = distance[i - 1][j - 1] + (a[i - 1] != b[j - 1] ? 1 : 0);

            distance[i][j] = smallest(distance[i - 1][j] + 1, distance[i][j - 1] + 1, replaced);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                distance[i][j] = smallest(distance[i][j], distance[i - 2][j - 2] + 1, SIZE_MAX);
        }
    }
    return distance[a_size][b_size];
}

const char *suggest(const char *word, const char *const *candidates, size_t count)
{
    const char *best = NULL;
    size_t bound = strlen(word) / 3 + 2; /* beyond it a suggestion would be a guess */

    for (size_t i = 0; i < count; i++) {
        size_t distance = edit_distance(word, candidates[i]);

        if (distance < bound && distance < strlen(candidates[i])) {
            best = candidates[i];
            bound = distance;
        }
    }
    return best;
}
