/*
 * Partitions while staging. ATTACH scans the rows of what is attached, and those of the default
 * partition beside it, under an exclusive lock; a table's chunks begin when it is attached. So the
 * tree is put together from the top, default partitions after their siblings: whatever is scanned is
 * empty then.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/connect/postgres/sql_lexer.h"
#include "engine/connect/postgres/staging_work.h"

typedef struct Attached {
    char *schema; /* of the partition */
    char *name;
    char *parent_schema;
    char *parent_name;
    bool is_default;
    unsigned depth;
    uint32_t order;
    StagingItem item; /* moved, while they are put in order */
} Attached;

struct StagingPartitions {
    Attached *items; /* by schema and name of the partition */
    size_t count;
    size_t capacity;
};

void staging_partitions_free(StagingPartitions *partitions)
{
    if (partitions == NULL)
        return;
    for (size_t i = 0; i < partitions->count; i++) {
        free(partitions->items[i].schema);
        free(partitions->items[i].name);
        free(partitions->items[i].parent_schema);
        free(partitions->items[i].parent_name);
    }
    free(partitions->items);
    free(partitions);
}

/* ---- reading the entries ---- */

static bool next_solid(SqlLexer *lexer, SqlToken *ret)
{
    Error ignored = {0}; /* what cannot be read attaches nothing */

    do {
        if (sql_lexer_next(lexer, ret, &ignored) < 0)
            return false;
    } while (ret->kind == SQL_SPACE);
    return ret->kind != SQL_END;
}

static bool read_pair(SqlLexer *lexer, SqlToken first, char **ret_schema, char **ret_name)
{
    SqlToken token = {0};

    if (first.kind != SQL_WORD && first.kind != SQL_NAME)
        return false;
    if (!next_solid(lexer, &token) || !sql_is(&token, "."))
        return false;
    if (!next_solid(lexer, &token) || (token.kind != SQL_WORD && token.kind != SQL_NAME))
        return false;
    *ret_schema = sql_identifier(&first);
    *ret_name = sql_identifier(&token);
    return true;
}

static bool expect(SqlLexer *lexer, const char *word)
{
    SqlToken token = {0};

    return next_solid(lexer, &token) && sql_is_word(&token, word);
}

/* ALTER TABLE ONLY parent ATTACH PARTITION child FOR VALUES ... | DEFAULT; */
static bool read_attached(const char *statement, Attached *ret)
{
    SqlLexer lexer;
    SqlToken token = {0};

    sql_lexer_begin(&lexer, statement, strlen(statement));
    if (!expect(&lexer, "alter") || !expect(&lexer, "table") || !next_solid(&lexer, &token))
        return false;
    if (sql_is_word(&token, "only") && !next_solid(&lexer, &token))
        return false;
    if (!read_pair(&lexer, token, &ret->parent_schema, &ret->parent_name) ||
        !expect(&lexer, "attach") || !expect(&lexer, "partition") || !next_solid(&lexer, &token) ||
        !read_pair(&lexer, token, &ret->schema, &ret->name))
        return false;
    ret->is_default = next_solid(&lexer, &token) && sql_is_word(&token, "default");
    return true;
}

static bool is_attach(const StagingItem *item)
{
    return item->object != NULL && strcmp(item->notes.type, "TABLE ATTACH") == 0;
}

/* Takes them out of pre-data; the others move up. */
static void take_attaches(StagingWork *work, StagingPartitions *partitions)
{
    size_t kept = 0;

    for (size_t i = 0; i < work->post_data; i++) {
        Attached attached = {0};

        if (!is_attach(&work->items[i]) ||
            !read_attached(work->items[i].object->definition, &attached)) {
            free(attached.schema);
            free(attached.name);
            free(attached.parent_schema);
            free(attached.parent_name);
            work->items[kept++] = work->items[i];
            continue;
        }
        attached.order = work->items[i].order;
        attached.item = work->items[i];
        GROW(partitions->items, partitions->count, partitions->capacity);
        partitions->items[partitions->count++] = attached;
    }
}

/* ---- the tree ---- */

static int compare_names(const void *left, const void *right)
{
    const Attached *a = left;
    const Attached *b = right;
    int order = strcmp(a->schema, b->schema);

    return order != 0 ? order : strcmp(a->name, b->name);
}

static int compare_places(const void *left, const void *right)
{
    const Attached *a = left;
    const Attached *b = right;

    if (a->depth != b->depth)
        return a->depth < b->depth ? -1 : 1;
    if (a->is_default != b->is_default)
        return a->is_default ? 1 : -1;
    return (a->order > b->order) - (a->order < b->order);
}

static void sort(StagingPartitions *partitions, int (*compare)(const void *, const void *))
{
    if (partitions->count > 0)
        qsort(partitions->items, partitions->count, sizeof(*partitions->items), compare);
}

static Attached *find_attached(const StagingPartitions *partitions, char *schema, char *name)
{
    const Attached wanted = {.schema = schema, .name = name};

    if (partitions->count == 0)
        return NULL;
    return bsearch(&wanted, partitions->items, partitions->count, sizeof(wanted), compare_names);
}

static void measure_depths(const StagingPartitions *partitions)
{
    for (size_t i = 0; i < partitions->count; i++) {
        const Attached *at = &partitions->items[i];

        for (; at != NULL && partitions->items[i].depth <= partitions->count;
             at = find_attached(partitions, at->parent_schema, at->parent_name))
            partitions->items[i].depth++;
    }
}

void staging_order_partitions(StagingWork *work)
{
    StagingPartitions *partitions = xcalloc(1, sizeof(*partitions));
    size_t first = 0;

    take_attaches(work, partitions);
    sort(partitions, compare_names);
    measure_depths(partitions);
    sort(partitions, compare_places);
    first = work->post_data - partitions->count;
    for (size_t i = 0; i < partitions->count; i++)
        work->items[first + i] = partitions->items[i].item;
    sort(partitions, compare_names);
    work->partitions = partitions;
}

bool staging_is_attached(const StagingWork *work, const char *schema, const char *name)
{
    AUTO_FREE_MEMORY char *of_schema = xstrdup(schema);
    AUTO_FREE_MEMORY char *of_name = xstrdup(name);

    return find_attached(work->partitions, of_schema, of_name) != NULL;
}

/* The partitioned table above the relation that is itself a table of the plan, or 0. */
static uint32_t loading_table(const StagingWork *work, char *schema, char *name)
{
    const Attached *at = find_attached(work->partitions, schema, name);

    for (size_t i = 0; at != NULL && i <= work->partitions->count; i++) {
        const Table *parent =
            catalog_find_table(&work->plan->catalog, at->parent_schema, at->parent_name);

        if (parent != NULL)
            return parent->id;
        at = find_attached(work->partitions, at->parent_schema, at->parent_name);
    }
    return 0;
}

uint32_t staging_item_table(const StagingWork *work, const StagingItem *item)
{
    if (item->table != NULL)
        return item->table->id;
    if (item->object->table_id != 0 || item->notes.relation_name == NULL ||
        work->partitions->count == 0)
        return item->object->table_id;
    return loading_table(work, item->notes.relation_schema, item->notes.relation_name);
}
