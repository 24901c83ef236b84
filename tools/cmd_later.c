/*
 * Commands that are designed and still to come: each says so, and what to do instead.
 */
#include "tools/command.h"

const Command command_check = {
    .name = "check",
    .purpose = "preflight of a source and a target",
    .not_yet = "Use `stopover plan --from SOURCE --to TARGET`: it checks both and changes nothing.",
};

const Command command_report = {
    .name = "report",
    .purpose = "a report of a migration with its evidence",
    .not_yet = "Use `stopover status NAME --verbose`, also with --json.",
};
