/*
 * Stager: what a target does besides taking rows: staging tables, promotion by rename, the way
 * back, and the end. Everything it makes carries our name AND a row in the ledger; it drops nothing
 * that has not both (invariant I3). Used by the driver thread only, with no writer at work.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/notice.h"
#include "engine/flow/findings.h"
#include "engine/flow/plan.h"

typedef struct RunIdentity RunIdentity;
typedef struct Stager Stager;

/* Where the target says that an attempt stands: from its marker rows, never from a journal. */
typedef enum Outcome {
    OUTCOME_NONE = 0,    /* not promoted: staging, or nothing at all */
    OUTCOME_PROMOTED,    /* staging is live, what was live is kept as retired */
    OUTCOME_ROLLED_BACK, /* swapped back: what was promoted is kept as undone */
    OUTCOME_DROPPED,     /* rolled back before promotion: our staging is gone */
    OUTCOME_FINISHED,    /* what was kept is dropped */
} Outcome;

const char *outcome_name(Outcome outcome);

/* How locks on live tables are taken, where a target has such. */
typedef struct LockPolicy {
    uint64_t lock_timeout_ms; /* so long may one try keep others waiting; 0: the target's own */
    uint64_t deadline_ms;     /* of all tries together; 0: likewise */
    Notice *notice;           /* tells why it waits; borrowed, or NULL */
} LockPolicy;

/*
 * Of who drops: before_first is called when the first transaction that drops something is about to
 * commit, with all its locks held and nothing in doubt but the commit; when it fails, nothing is
 * dropped. May be called again after a commit that failed. has_begun: something was or may have been
 * dropped.
 */
typedef struct DropWatch {
    Status (*before_first)(void *context, Error *err);
    void *context;
    bool has_begun;
} DropWatch;

static inline Status drop_watch_commit(DropWatch *watch, Error *err)
{
    return watch == NULL || watch->has_begun ? STATUS_OK : watch->before_first(watch->context, err);
}

typedef struct StagerOps {
    /*
     * Optional. Read-only. Makes a source's catalog, described as data_only, one whose structure is
     * that of the target's live tables of the same names: what is staged is built like these, from
     * the source's rows, and sealed again. What reading needs stays the source's, as do values of
     * sequences. Tables that do not fit are refusals in findings; then the catalog stays as it was.
     */
    Status (*adopt_schema)(Stager *stager, Catalog *catalog, Findings *findings, Error *err);

    /*
     * Read-only. Looks at source catalog and live target together: names that clash with what
     * stays, dependents that cannot be carried, missing rights or space, and says so in findings. A
     * target that does not exist yet is fine.
     */
    Status (*preflight)(Stager *stager, const RunIdentity *identity, const Catalog *catalog,
                        Findings *findings, Error *err);

    /*
     * Read-only. Sets the tables' staged names and appends the tasks that build the staging tables.
     * The same catalog gives the same tasks with the same ids; only statements of data-like tasks
     * (sequences, statistics) may differ.
     */
    Status (*plan)(Stager *stager, const RunIdentity *identity, Plan *plan, Error *err);

    /* Read-only. The promotion and its inverse, for the target as it is now. */
    Status (*plan_promotion)(Stager *stager, const RunIdentity *identity, const Plan *plan,
                             PromotionPlan *ret, Findings *findings, Error *err);

    /* Read-only. Compares staged structure with the plan: tables, columns, indexes, sequences. Each
     * difference is a refusal in findings whose object is the table's display name, or what else
     * differs ("view public.v"). */
    Status (*check_schema)(Stager *stager, const RunIdentity *identity, const Plan *plan,
                           Findings *findings, Error *err);

    /*
     * One transaction (I6): marker first, epoch and ledger checked, the live objects' fingerprint
     * asserted (ERROR_REFUSED when it changed since plan_promotion), then the swap. The inverse is
     * stored with the marker. STATUS_RETRY when the outcome is unknown: ask outcome() before trying
     * again. Locks that are not to be had before the deadline are ERROR_WAITING. Notes tell for how
     * long others had to wait. STATUS_OK when it has happened already.
     */
    Status (*promote)(Stager *stager, const RunIdentity *identity, const Plan *plan,
                      const PromotionPlan *promotion, const LockPolicy *policy, Findings *notes,
                      Error *err);

    /* Optional. After promote() or swap_back(): what is left to be done in transactions of its own
     * (keys of other tables are validated). Repeating continues; nothing is done twice. */
    Status (*complete)(Stager *stager, const RunIdentity *identity, Findings *notes, Error *err);

    /* Read-only. */
    Status (*outcome)(Stager *stager, const RunIdentity *identity, Outcome *ret, Error *err);

    /* After promotion, one transaction: promoted tables become undone, retired ones live again.
     * Notes say what is set aside, with row counts then and now. */
    Status (*swap_back)(Stager *stager, const RunIdentity *identity, const LockPolicy *policy,
                        Findings *notes, Error *err);

    /*
     * Optional, both or none. After promotion, one transaction: of the promoted tables those that the
     * patterns name become undone, and what they replaced live again; the others stay promoted, and
     * outcome() is what it was. A set that hangs together with what stays is ERROR_REFUSED, with
     * each reason as a refusal in notes. STATUS_OK when all of them are undone already.
     */
    Status (*swap_back_tables)(Stager *stager, const RunIdentity *identity,
                               const TextList *patterns, const LockPolicy *policy, Findings *notes,
                               Error *err);

    /* Read-only. The tables of a promoted attempt that were taken back so, by their live names. */
    Status (*list_taken_back)(Stager *stager, const RunIdentity *identity, TextList *ret,
                              Error *err);

    /* Before promotion: drops this attempt's staging and its ledger rows. May take several
     * transactions; repeating continues. Fine when nothing is there. Notes name what we made that
     * stays (extensions). watch may be NULL. */
    Status (*drop_staging)(Stager *stager, const RunIdentity *identity, DropWatch *watch,
                           Findings *notes, Error *err);

    /* Read-only. What finish() would drop, as notes: of each schema, or whatever holds it together,
     * its role, tables, and how much lies in them as far as that is known without reading it all.
     * ret_bytes: of all of it; 0 when that is not known. */
    Status (*describe_kept)(Stager *stager, const RunIdentity *identity, Findings *notes,
                            uint64_t *ret_tables, uint64_t *ret_bytes, Error *err);

    /* Drops what all attempts of this run keep (retired, undone) and our control rows, and the
     * control tables when no other run has rows in them. Repeating continues. Notes tell it. */
    Status (*finish)(Stager *stager, const RunIdentity *identity, Findings *notes, Error *err);

    /* Read-only. Appends the names of what this run keeps in the target (staging, retired, undone),
     * each as "ROLE NAME". */
    Status (*list_kept)(Stager *stager, const RunIdentity *identity, TextList *ret, Error *err);

    /* writer_reset_table() empties a table and keeps its structure: what check_schema() finds is not
     * mended by it. */
    bool keeps_structure;
} StagerOps;

struct Stager {
    const StagerOps *ops;
};

static inline Status stager_adopt_schema(Stager *stager, Catalog *catalog, Findings *findings,
                                         Error *err)
{
    return stager->ops->adopt_schema(stager, catalog, findings, err);
}

static inline Status stager_preflight(Stager *stager, const RunIdentity *identity,
                                      const Catalog *catalog, Findings *findings, Error *err)
{
    return stager->ops->preflight(stager, identity, catalog, findings, err);
}

static inline Status stager_plan(Stager *stager, const RunIdentity *identity, Plan *plan,
                                 Error *err)
{
    return stager->ops->plan(stager, identity, plan, err);
}

static inline Status stager_plan_promotion(Stager *stager, const RunIdentity *identity,
                                           const Plan *plan, PromotionPlan *ret, Findings *findings,
                                           Error *err)
{
    return stager->ops->plan_promotion(stager, identity, plan, ret, findings, err);
}

static inline Status stager_check_schema(Stager *stager, const RunIdentity *identity,
                                         const Plan *plan, Findings *findings, Error *err)
{
    return stager->ops->check_schema(stager, identity, plan, findings, err);
}

static inline Status stager_promote(Stager *stager, const RunIdentity *identity, const Plan *plan,
                                    const PromotionPlan *promotion, const LockPolicy *policy,
                                    Findings *notes, Error *err)
{
    return stager->ops->promote(stager, identity, plan, promotion, policy, notes, err);
}

static inline Status stager_complete(Stager *stager, const RunIdentity *identity, Findings *notes,
                                     Error *err)
{
    return stager->ops->complete == NULL ? STATUS_OK
                                         : stager->ops->complete(stager, identity, notes, err);
}

static inline Status stager_outcome(Stager *stager, const RunIdentity *identity, Outcome *ret,
                                    Error *err)
{
    return stager->ops->outcome(stager, identity, ret, err);
}

static inline Status stager_swap_back(Stager *stager, const RunIdentity *identity,
                                      const LockPolicy *policy, Findings *notes, Error *err)
{
    return stager->ops->swap_back(stager, identity, policy, notes, err);
}

static inline Status stager_swap_back_tables(Stager *stager, const RunIdentity *identity,
                                             const TextList *patterns, const LockPolicy *policy,
                                             Findings *notes, Error *err)
{
    return stager->ops->swap_back_tables(stager, identity, patterns, policy, notes, err);
}

static inline Status stager_list_taken_back(Stager *stager, const RunIdentity *identity,
                                            TextList *ret, Error *err)
{
    return stager->ops->list_taken_back == NULL
               ? STATUS_OK
               : stager->ops->list_taken_back(stager, identity, ret, err);
}

static inline Status stager_drop_staging(Stager *stager, const RunIdentity *identity,
                                         DropWatch *watch, Findings *notes, Error *err)
{
    return stager->ops->drop_staging(stager, identity, watch, notes, err);
}

static inline Status stager_describe_kept(Stager *stager, const RunIdentity *identity,
                                          Findings *notes, uint64_t *ret_tables,
                                          uint64_t *ret_bytes, Error *err)
{
    return stager->ops->describe_kept(stager, identity, notes, ret_tables, ret_bytes, err);
}

static inline Status stager_finish(Stager *stager, const RunIdentity *identity, Findings *notes,
                                   Error *err)
{
    return stager->ops->finish(stager, identity, notes, err);
}

static inline Status stager_list_kept(Stager *stager, const RunIdentity *identity, TextList *ret,
                                      Error *err)
{
    return stager->ops->list_kept(stager, identity, ret, err);
}
