/*
 * What the files of the way back for some tables share; see swap_cut.c. Private to swap_cut*.c.
 */
#pragma once

#include "engine/connect/postgres/connection.h"
#include "engine/connect/postgres/swap.h"
#include "engine/flow/target.h"

enum {
    CUT_NAME_MAX_BYTES = 63,
};

typedef struct Cut {
    PgConnection *connection;
    const RunIdentity *identity;
    Text chosen;      /* oids: "{1,2" */
    char *relations;  /* those and their partitions: "{1,2,3}" */
    TextList schemas; /* live ones in which anything was promoted */
    char *pairs;
    Text moves; /* what is moved, as it was found */
    Swap swap;  /* of these tables */
    Swap rest;  /* of the others */
    size_t chosen_count;
    size_t left_count; /* tables that stay promoted */
} Cut;

/* Of cut_moves.sql. */
enum MoveColumn {
    MOVE_IS_PROMOTED,
    MOVE_KIND,
    MOVE_LIVE,
    MOVE_NAME,
    MOVE_SCHEMA,
    MOVE_OID,
};

/* Divides the stored way back into what moves these and what belongs to the others (C2), with their
 * locks. ERROR_REFUSED where a statement is missing, or does not belong to one side alone. */
Status swap_cut_divide(Cut *cut, const PgRows *moves, Error *err);
