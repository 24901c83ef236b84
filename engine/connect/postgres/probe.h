/*
 * One probe at work: what prober.c (the story), prober_scan.c (the scan), prober_choice.c (which
 * rows are looked at), prober_fetch.c (rows looked up by place) and prober_edges.c (by key) share.
 *
 * A wide scan reads every column of every row. A narrow one reads the key, the row's place and two
 * measures, so that long values stay where they are; the few chosen rows are fetched afterwards.
 */
#pragma once

#include "engine/connect/postgres/connection.h"
#include "engine/connect/postgres/copy_rows.h"
#include "engine/connect/postgres/relation.h"
#include "engine/connect/postgres/row_values.h"
#include "engine/flow/prober.h"

enum {
    RISK_ROWS = 3, /* of each kind */
    STOP_CHECK_ROWS = 4096,
};

/* Where a row lies: leaf is the OID of the table that holds it, 0 when there is only one. */
typedef struct RowAddress {
    uint32_t leaf;
    uint32_t block;
    uint16_t offset;
} RowAddress;

/* A row that may be looked at; its hash is known at once in a wide scan. */
typedef struct Candidate {
    RowAddress at;
    ProbeEntry entry;
} Candidate;

/* The rows that are highest by some measure, so far. */
typedef struct Highest {
    uint32_t reason;
    size_t count;
    uint64_t measures[RISK_ROWS];
    Candidate rows[RISK_ROWS];
} Highest;

/* First and last row of a chunk, so far. */
typedef struct Edge {
    PgPlace lower;
    bool is_found;
    Candidate first;
    Candidate last;
} Edge;

/* A row to be fetched. */
typedef struct Wanted {
    RowAddress at;
    uint32_t reasons;
    uint64_t key_hash;
} Wanted;

typedef struct Probe {
    PgConnection *connection;
    const ProbeRequest *request;
    PgRelation relation;
    size_t *key; /* places of the key's parts among the carried columns, in order of the key */
    size_t key_count;
    bool is_wide;
    bool picks_risk;
    bool has_place; /* the scan sends each row's place */
    CopyRows rows;
    RowParts parts;
    Text key_bytes;
    Text row_bytes;
    uint32_t *leaf_oids; /* of relation.leaves, where the chunks' edges are looked for */
    uint32_t last_leaf;  /* index of the one that the last row was in */
    Edge *edges;         /* one per chunk of the request */
    size_t edge_count;
    Highest longest;
    Highest nulls;
    Wanted *wanted;
    size_t wanted_count;
    size_t wanted_capacity;
    size_t largest_row;
    ProbeResult result;
} Probe;

/* prober_scan.c: all rows once; fills the result, and wanted in a narrow scan. */
Status probe_scan(Probe *probe, Error *err);

/* prober_fetch.c: reads the wanted rows and adds their entries. */
Status probe_fetch(Probe *probe, Error *err);

/* prober_edges.c: adds the first and last row of each chunk of a table that is cut by its key. */
Status probe_edges(Probe *probe, Error *err);

/* Gives each row of a COPY to take(). */
typedef Status (*TakeRow)(Probe *probe, const uint8_t *row, size_t size, void *context, Error *err);
Status probe_copy(Probe *probe, const char *sql, TakeRow take, void *context, Error *err);

/* prober_choice.c */
Status choice_begin(Probe *probe, Error *err);
uint32_t choice_by_hash(const ProbeRequest *request, uint64_t hash);
void choice_add(Probe *probe, const Candidate *candidate, uint32_t reasons);
void choice_offer_measure(Highest *highest, uint64_t measure, const Candidate *candidate);
void choice_offer_edge(Probe *probe, const Candidate *candidate);
void choice_add_risk(Probe *probe); /* after the last row */
