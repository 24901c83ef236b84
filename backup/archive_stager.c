/*
 * What an archive can do of a Stager's work: nothing is staged in it, and its promotion is that it
 * becomes a backup. There is no way back from that but to delete it.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/statvfs.h>

#include "backup/archive_target.h"
#include "backup/label.h"
#include "backup/manifest.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"

static const ArchiveTarget *target_of(Stager *stager)
{
    return ((ArchiveStager *)stager)->target;
}

/* Rows hardly ever take more in an archive than in the database. */
static Status check_space(const ArchiveTarget *target, const Catalog *catalog, Findings *findings,
                          Error *err)
{
    AUTO_FREE_MEMORY char *folder = archive_folder(target);
    AUTO_FREE_MEMORY char *place = file_exists(folder) ? xstrdup(folder) : file_parent(folder);
    struct statvfs space;
    uint64_t needed = 0;
    char needed_text[32];
    char free_text[32];

    while (!file_exists(place) && strlen(place) > 1) {
        char *parent = file_parent(place);

        free(place);
        place = parent;
    }
    if (statvfs(place, &space) != 0)
        return file_error(err, errno, "look at the disk of", place);
    for (size_t i = 0; i < catalog->table_count; i++)
        needed += catalog->tables[i].byte_estimate;
    if (needed <= (uint64_t)space.f_bavail * space.f_frsize)
        return STATUS_OK;
    format_bytes(needed, needed_text, sizeof(needed_text));
    format_bytes((uint64_t)space.f_bavail * space.f_frsize, free_text, sizeof(free_text));
    findings_add(findings, FINDING_WARNING, NULL,
                 "Make room, or put the repository elsewhere with --repo, should it not suffice: "
                 "compression may well make up for it.",
                 "the tables take about %s, and %s are free where the backup goes", needed_text,
                 free_text);
    return STATUS_OK;
}

static Status preflight(Stager *stager, const RunIdentity *identity, const Catalog *catalog,
                        Findings *findings, Error *err)
{
    (void)identity;
    return check_space(target_of(stager), catalog, findings, err);
}

static Status plan(Stager *stager, const RunIdentity *identity, Plan *ret, Error *err)
{
    (void)stager;
    (void)identity;
    (void)err;
    for (size_t i = 0; i < ret->catalog.table_count; i++) {
        Table *table = &ret->catalog.tables[i];

        free(table->staged_name);
        table->staged_name = xstrdup(table->name);
    }
    return STATUS_OK;
}

static Status plan_promotion(Stager *stager, const RunIdentity *identity, const Plan *given,
                             PromotionPlan *ret, Findings *findings, Error *err)
{
    (void)stager;
    (void)identity;
    (void)given;
    (void)findings;
    (void)err;
    text_list_add(&ret->steps, "write the index, the catalog and the scripts of the structure");
    text_list_add(&ret->steps, "write the manifest, which makes the backup complete");
    ret->forward = xstrdup("");
    ret->inverse = xstrdup("");
    return STATUS_OK;
}

/* The structure is the catalog, which is written as a whole and proven by its fingerprint. */
static Status check_schema(Stager *stager, const RunIdentity *identity, const Plan *given,
                           Findings *findings, Error *err)
{
    (void)stager;
    (void)identity;
    (void)given;
    (void)findings;
    (void)err;
    return STATUS_OK;
}

static Status promote(Stager *stager, const RunIdentity *identity, const Plan *given,
                      const PromotionPlan *promotion, const LockPolicy *policy, Findings *notes,
                      Error *err)
{
    (void)promotion;
    (void)policy;
    (void)notes;
    if (archive_is_complete(target_of(stager)))
        return STATUS_OK;
    return archive_seal(((ArchiveStager *)stager)->target, identity, given, err);
}

/* The manifest is the marker: it has been written whole, or it is not there (R1). */
static Status outcome(Stager *stager, const RunIdentity *identity, Outcome *ret, Error *err)
{
    (void)identity;
    (void)err;
    *ret = archive_is_complete(target_of(stager)) ? OUTCOME_PROMOTED : OUTCOME_NONE;
    return STATUS_OK;
}

static Status refuse(Error *err)
{
    (void)error_kind(err, ERROR_REFUSED, "there is no way back from a backup");
    error_hint(err, "Remove it with `stopover backup delete`.");
    return STATUS_INVALID;
}

static Status swap_back(Stager *stager, const RunIdentity *identity, const LockPolicy *policy,
                        Findings *notes, Error *err)
{
    (void)stager;
    (void)identity;
    (void)policy;
    (void)notes;
    return refuse(err);
}

static Status drop_staging(Stager *stager, const RunIdentity *identity, DropWatch *watch,
                           Findings *notes, Error *err)
{
    (void)stager;
    (void)identity;
    (void)watch;
    (void)notes;
    return refuse(err);
}

static Status describe_kept(Stager *stager, const RunIdentity *identity, Findings *notes,
                            uint64_t *ret_tables, uint64_t *ret_bytes, Error *err)
{
    (void)stager;
    (void)identity;
    (void)notes;
    (void)err;
    *ret_tables = 0;
    *ret_bytes = 0;
    return STATUS_OK;
}

static Status finish(Stager *stager, const RunIdentity *identity, Findings *notes, Error *err)
{
    (void)stager;
    (void)identity;
    (void)notes;
    (void)err;
    return STATUS_OK; /* nothing is kept besides the backup */
}

static Status list_kept(Stager *stager, const RunIdentity *identity, TextList *ret, Error *err)
{
    (void)stager;
    (void)identity;
    (void)ret;
    (void)err;
    return STATUS_OK;
}

const StagerOps archive_stager_ops = {
    .preflight = preflight,
    .plan = plan,
    .plan_promotion = plan_promotion,
    .check_schema = check_schema,
    .promote = promote,
    .outcome = outcome,
    .swap_back = swap_back,
    .drop_staging = drop_staging,
    .describe_kept = describe_kept,
    .finish = finish,
    .list_kept = list_kept,
};
