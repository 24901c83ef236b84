/*
 * NOTES ON STAGING AND PROMOTION IN A SQLITE FILE
 *
 *   nothing --plan, tasks--> t_staging_ID --promote--> t, and what was t is t_retired_ID
 *                                 |                       |
 *                            drop_staging             swap_back --> t again, and t_undone_ID
 *                                 |                       |
 *                              nothing                 finish --> only t
 *
 *  S1  Staging tables live in the target file, so a chunk and its ledger row are one transaction, and
 *      promotion moves no row.
 *  S2  They are made by the source's own statements, rewritten by token (sql_text.c). At promotion each
 *      gets the source's statement byte for byte: the dump of the target is that of the source.
 *  S3  No table of ours references a live one: parents are named in the table's own role (roles.c).
 *      Else an application's DELETE of a live parent would cascade into what we keep.
 *  S4  Promotion is an edit of the schema table in one transaction (swap.c): ALTER TABLE RENAME would
 *      rewrite the views, triggers and foreign keys of others. What refers to a table by name goes on
 *      to do so, and means the new one.
 *  S5  Views and triggers have no content: at promotion the source's are added by their text, and live
 *      ones that are replaced, and triggers of retired tables, go; the inverse has their text.
 *  S6  The plan is tried on a schema in memory (works.c), the promotion itself is proven before commit.
 *  S7  Sequences and statistics are carried under the staging name and follow each change of name; the
 *      tables SQLite keeps them in go at the end if they are empty and we caused them.
 *
 * Where things are: preflight.c before anything is written; staging_plan.c tasks, and the check of what
 * they made; promotion_plan.c the swap, its inverse, what stands against it; promote.c both directions;
 * finish.c dropping; ledger.c what all of them rely on.
 */
#include "engine/connect/sqlite/finish.h"
#include "engine/connect/sqlite/kept.h"
#include "engine/connect/sqlite/preflight.h"
#include "engine/connect/sqlite/promote.h"
#include "engine/connect/sqlite/promotion_plan.h"
#include "engine/connect/sqlite/staging_plan.h"

const StagerOps sqlite_stager_ops = {
    .preflight = sqlite_preflight,
    .plan = sqlite_plan_staging,
    .plan_promotion = sqlite_plan_promotion,
    .check_schema = sqlite_check_schema,
    .promote = sqlite_promote,
    .outcome = sqlite_outcome,
    .swap_back = sqlite_swap_back,
    .drop_staging = sqlite_drop_staging,
    .describe_kept = sqlite_describe_kept,
    .finish = sqlite_finish,
    .list_kept = sqlite_list_kept,
};
