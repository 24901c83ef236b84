/*
 * NOTES ON STAGING IN A POSTGRESQL DATABASE
 *
 *   nothing --plan, tasks--> schema_staging_ID: what the source's schema holds, under its own names
 *                                 |
 *                            drop_staging --> nothing, but extensions
 *
 *  S1  Each schema of the source is staged as one of our own. Names inside are the source's, so what is
 *      built is built once: promotion moves it by SET SCHEMA.
 *  S2  It is made by the entries of pg_dump, with every migrated name mapped to staging (retarget.h). What
 *      is computed while staging (indexes, checks, matviews) reads staged tables only (trap 5), and the
 *      check proves it from pg_depend.
 *  S3  Pre-data is one chain of tasks. A table's rows begin when its own are done; partitions are put
 *      together from the top, before their rows. Post-data goes by class, table and need.
 *  S4  Row security is neither enabled nor forced on staged tables (trap 14). Privileges come last.
 *  S5  Extensions are created where missing, in the source's schema, and stay. Those of the target stay
 *      where they are: names of their members are mapped there.
 *  S6  The records of stopover.object say what is ours, the schemas where it is. Dropping needs both.
 *
 *  S7  With --data-only the catalog is the target's own description of its live tables (adopt*.c), with
 *      what reading needs of the source's. From there on it is staged like any other.
 *
 * Where things are: preflight*.c before anything is written; staging_map.c which name goes where;
 * staging_*.c the tasks; check_schema.c what they made; promote.c and swap_back.c the exchange (swap.h);
 * drop.c giving up; finish.c the end.
 */
#include "engine/connect/postgres/adopt.h"
#include "engine/connect/postgres/check_schema.h"
#include "engine/connect/postgres/drop.h"
#include "engine/connect/postgres/finish.h"
#include "engine/connect/postgres/outcome.h"
#include "engine/connect/postgres/preflight.h"
#include "engine/connect/postgres/promote.h"
#include "engine/connect/postgres/staging_plan.h"
#include "engine/connect/postgres/swap_back.h"
#include "engine/connect/postgres/swap_cut.h"
#include "engine/connect/postgres/target.h"

const StagerOps pg_stager_ops = {
    .adopt_schema = pg_adopt_schema,
    .preflight = pg_preflight,
    .plan = pg_plan_staging,
    .check_schema = pg_check_schema,
    .plan_promotion = pg_plan_promotion,
    .promote = pg_promote,
    .complete = pg_complete,
    .swap_back = pg_swap_back,
    .swap_back_tables = pg_swap_back_tables,
    .list_taken_back = pg_list_taken_back,
    .outcome = pg_outcome,
    .drop_staging = pg_drop_staging,
    .describe_kept = pg_describe_kept,
    .keeps_structure = true,
    .finish = pg_finish,
    .list_kept = pg_list_kept,
};
