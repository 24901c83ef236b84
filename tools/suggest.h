/*
 * "Did you mean": the known word that is closest to one that was mistyped.
 */
#pragma once

#include <stddef.h>

/* Letters to insert, drop, replace or swap to get from one word to the other. */
size_t edit_distance(const char *a, const char *b);

/* The closest of the candidates, or NULL when none is close; borrowed from them. */
const char *suggest(const char *word, const char *const *candidates, size_t count);
