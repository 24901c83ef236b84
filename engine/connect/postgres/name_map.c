#include "engine/connect/postgres/retarget_inside.h"

#include <stdint.h>
#include <string.h>

#include "engine/base/memory.h"

enum {
    SPACES = 5,
    FIRST_SLOTS = 64,
};

/* A slot of an open hash table over (schema, name). One without a name says what holds for its whole schema. */
typedef struct MapEntry {
    char *schema; /* NULL: a free slot */
    char *name;
    const char *to[SPACES]; /* NULL: not known there; all of keep_word() */
    bool ambiguous[SPACES];
    TextList others;    /* what to[] does not hold of ambiguous ones */
    const char *to_all; /* name_map_add_schema() */
    const char *path;   /* name_map_add_path() */
    TextList path_end;  /* name_map_add_path_end() */
} MapEntry;

struct NameMap {
    MapEntry *slots;
    size_t slot_count; /* a power of two */
    size_t entry_count;
};

NameMap *name_map_new(void)
{
    NameMap *map = xcalloc(1, sizeof(*map));

    map->slot_count = FIRST_SLOTS;
    map->slots = xcalloc(map->slot_count, sizeof(*map->slots));
    return map;
}

void name_map_free(NameMap *map)
{
    if (map == NULL)
        return;
    for (size_t i = 0; i < map->slot_count; i++) {
        free(map->slots[i].schema);
        free(map->slots[i].name);
        text_list_release(&map->slots[i].path_end);
        text_list_release(&map->slots[i].others);
    }
    free(map->slots);
    free(map);
}

/* FNV-1a */
static uint64_t hash_word(uint64_t hash, const char *word)
{
    for (; *word != '\0'; word++)
        hash = (hash ^ (unsigned char)*word) * UINT64_C(0x100000001b3);
    return (hash ^ 0x100) * UINT64_C(0x100000001b3);
}

static bool is_entry_of(const MapEntry *entry, const char *schema, const char *name)
{
    if (strcmp(entry->schema, schema) != 0)
        return false;
    if (name == NULL || entry->name == NULL)
        return name == entry->name;
    return strcmp(entry->name, name) == 0;
}

/* Its entry, or the free slot where it belongs. */
static MapEntry *find_slot(const NameMap *map, const char *schema, const char *name)
{
    uint64_t hash = hash_word(UINT64_C(0xcbf29ce484222325), schema);
    size_t at = 0;

    if (name != NULL)
        hash = hash_word(hash, name);
    at = (size_t)(hash ^ hash >> 32) & (map->slot_count - 1);
    while (map->slots[at].schema != NULL && !is_entry_of(&map->slots[at], schema, name))
        at = (at + 1) & (map->slot_count - 1);
    return &map->slots[at];
}

static void grow_slots(NameMap *map)
{
    MapEntry *old = map->slots;
    size_t old_count = map->slot_count;

    map->slot_count *= 2;
    map->slots = xcalloc(map->slot_count, sizeof(*map->slots));
    for (size_t i = 0; i < old_count; i++)
        if (old[i].schema != NULL)
            *find_slot(map, old[i].schema, old[i].name) = old[i];
    free(old);
}

static MapEntry *add_entry(NameMap *map, const char *schema, const char *name)
{
    MapEntry *entry = find_slot(map, schema, name);

    if (entry->schema != NULL)
        return entry;
    if (2 * (map->entry_count + 1) > map->slot_count) {
        grow_slots(map);
        entry = find_slot(map, schema, name);
    }
    map->entry_count++;
    entry->schema = xstrdup(schema);
    entry->name = xstrdup(name);
    return entry;
}

/* Each word once, so that two answers are compared by address. No name is empty. */
static const char *keep_word(NameMap *map, const char *word)
{
    return add_entry(map, word, "")->schema;
}

void name_map_add(NameMap *map, unsigned spaces, const char *schema, const char *name,
                  const char *to_schema)
{
    const char *to = keep_word(map, to_schema);
    MapEntry *entry = NULL;

    (void)add_entry(map, schema, NULL); /* so that a schema can be asked for, alone */
    entry = add_entry(map, schema, name);
    for (size_t i = 0; i < SPACES; i++) {
        if ((spaces & 1U << i) == 0)
            continue;
        if (entry->to[i] == NULL) {
            entry->to[i] = to;
        } else if (entry->to[i] != to) {
            entry->ambiguous[i] = true;
            if (!text_list_has(&entry->others, to))
                text_list_add(&entry->others, to);
        }
    }
}

void name_map_add_schema(NameMap *map, const char *schema, const char *to_schema)
{
    add_entry(map, schema, NULL)->to_all = keep_word(map, to_schema);
}

void name_map_add_path(NameMap *map, const char *schema, const char *to_schema)
{
    add_entry(map, schema, NULL)->path = keep_word(map, to_schema);
}

void name_map_add_path_end(NameMap *map, const char *schema, const char *to_schema)
{
    MapEntry *entry = add_entry(map, schema, NULL);

    if (!text_list_has(&entry->path_end, to_schema))
        text_list_add(&entry->path_end, to_schema);
}

bool name_map_has_schema(const NameMap *map, const char *schema)
{
    return find_slot(map, schema, NULL)->schema != NULL;
}

const char *name_map_path(const NameMap *map, const char *schema)
{
    return find_slot(map, schema, NULL)->path;
}

const TextList *name_map_path_end(const NameMap *map, const char *schema)
{
    return &find_slot(map, schema, NULL)->path_end;
}

Answer name_map_ask(const NameMap *map, unsigned spaces, const char *schema, const char *name,
                    const char **ret_to)
{
    const MapEntry *entry = find_slot(map, schema, name);
    const char *to = NULL;
    bool agrees = true;

    for (size_t i = 0; entry->schema != NULL && i < SPACES; i++) {
        if ((spaces & 1U << i) == 0 || entry->to[i] == NULL)
            continue;
        agrees = agrees && !entry->ambiguous[i] && (to == NULL || to == entry->to[i]);
        to = entry->to[i];
    }
    if (!agrees)
        return ANSWER_AMBIGUOUS;
    if (to == NULL)
        to = find_slot(map, schema, NULL)->to_all;
    if (to == NULL)
        return ANSWER_UNKNOWN;
    *ret_to = to;
    return ANSWER_KNOWN;
}

void name_map_answers(const NameMap *map, unsigned spaces, const char *schema, const char *name,
                      TextList *ret)
{
    const MapEntry *entry = find_slot(map, schema, name);

    for (size_t i = 0; entry->schema != NULL && i < SPACES; i++) {
        if ((spaces & 1U << i) != 0 && entry->to[i] != NULL && !text_list_has(ret, entry->to[i]))
            text_list_add(ret, entry->to[i]);
    }
    for (size_t i = 0; entry->schema != NULL && i < entry->others.count; i++) {
        if (!text_list_has(ret, entry->others.items[i]))
            text_list_add(ret, entry->others.items[i]);
    }
}

const char *name_map_find(const NameMap *map, unsigned spaces, const char *schema, const char *name)
{
    const char *to = NULL;

    if (name_map_ask(map, spaces, schema, name, &to) != ANSWER_KNOWN || strcmp(to, schema) == 0)
        return NULL;
    return to;
}
