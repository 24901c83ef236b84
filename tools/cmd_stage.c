/*
 * One stage at a time: prepare, stage, verify, promote.
 */
#include "stages/stages.h"
#include "tools/command.h"
#include "tools/options.h"
#include "tools/session.h"

typedef Status (*Stage)(Migration *migration, Error *err);

static Status run_stage(const Options *options, Stage stage, Error *err)
{
    AUTO_FREE(migration_free) Migration *migration = NULL;

    TRY(session_open(options, &migration, err));
    if (options->again)
        TRY(stage_reset(migration, &options->tables, err));
    return stage(migration, err);
}

static Status run_prepare(const Options *options, Reply *reply, Error *err)
{
    (void)reply;
    return run_stage(options, stage_prepare, err);
}

static Status run_stage_stage(const Options *options, Reply *reply, Error *err)
{
    (void)reply;
    return run_stage(options, stage_stage, err);
}

static Status run_verify(const Options *options, Reply *reply, Error *err)
{
    (void)reply;
    return run_stage(options, stage_verify, err);
}

static Status run_promote(const Options *options, Reply *reply, Error *err)
{
    (void)reply;
    return run_stage(options, stage_promote, err);
}

const Command command_prepare = {
    .name = "prepare",
    .usage = "NAME [--from SOURCE --to TARGET] [OPTION...]",
    .purpose = "stage 1: look at both sides, refuse what cannot work, record the plan's options",
    .help =
        "Makes the migration when it does not exist, checks source and target together, and\n"
        "names the backup of what promotion will replace. Changes nothing but our own record.\n\n"
        "Example:\n"
        "  stopover prepare shop --from sqlite:/data/old.db --to sqlite:/data/new.db",
    .operand = OPERAND_NAME,
    .concludes = true,
    .run = run_prepare,
};

const Command command_stage = {
    .name = "stage",
    .usage = "NAME [--again [--table PATTERN]...] [OPTION...]",
    .purpose = "stage 2: copy into staging tables, with indexes, views and triggers",
    .help =
        "Takes a snapshot of the source, copies its rows into staging tables of the target in\n"
        "chunks, and takes the evidence that verify compares. Interrupted, it goes on with the\n"
        "chunk that comes next. With --again the tables are copied again under a new snapshot:\n"
        "the way back after a verification that found differences.\n\n"
        "Example:\n"
        "  stopover stage shop\n"
        "  stopover stage shop --again --table 'order*'",
    .operand = OPERAND_NAME,
    .concludes = true,
    .run = run_stage_stage,
};

const Command command_verify = {
    .name = "verify",
    .usage = "NAME [OPTION...]",
    .purpose = "stage 3: compare the staging tables with the evidence of the source",
    .help = "Compares counts, a digest over all keys, and sampled rows, and states how strong the\n"
            "finding is. The exit code is 4 when something differs; the migration is then not\n"
            "promoted until tables were staged again and compared again.\n\n"
            "Example:\n"
            "  stopover verify shop",
    .operand = OPERAND_NAME,
    .concludes = true,
    .run = run_verify,
};

const Command command_promote = {
    .name = "promote",
    .usage = "NAME [--accept-stale-source] [--when-file PATH] [OPTION...]",
    .purpose = "stage 4: staging tables become live in one transaction",
    .help =
        "Renames live tables to retired ones and staging tables to live ones, in one\n"
        "transaction. Refuses when the source was written to since its snapshot, unless told\n"
        "otherwise. `stopover rollback` swaps back until `stopover finish`.\n\n"
        "With --when-file PATH it gets everything ready, then waits until PATH exists, looking\n"
        "now and then whether the source was written to: then it refuses at once, while there is\n"
        "time to copy again. The file is remembered until the promotion; --now waits for none.\n\n"
        "Example:\n"
        "  stopover promote shop\n"
        "  stopover promote shop --when-file /run/shop.go",
    .operand = OPERAND_NAME,
    .concludes = true,
    .run = run_promote,
};
