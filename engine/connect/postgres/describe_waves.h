/*
 * Which table reads which while it is loaded, and Table.load_late, which follows from that. Private
 * to describe*.c.
 */
#pragma once

#include "engine/connect/postgres/describer.h"

/* By ids of tables; a table that reads itself is not told. */
typedef struct TableRead {
    uint32_t reader;
    uint32_t read;
} TableRead;

typedef struct TableReads {
    TableRead *items;
    size_t count;
    size_t capacity;
} TableReads;

void table_reads_release(TableReads *reads);
#define AUTO_TABLE_READS __attribute__((cleanup(table_reads_release)))

/* Loading the table runs the code that `runs` leads to: it is late, and reads what that reads. */
void table_reads_add(Describer *describer, TableReads *reads, uint32_t table_id, Thing runs);

/* Once all are added: the number of each late table is higher than those of the tables it reads. */
void describe_waves(Catalog *catalog, TableReads *reads);
