/*
 * The commands: one file and one row each. A command does its work through stages/ and leaves what
 * it found out in the reply; main prints it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "tools/reply.h"

typedef struct Options Options;

/* The word that follows the command. */
typedef enum Operand {
    OPERAND_NONE,
    OPERAND_NAME,          /* a migration's name */
    OPERAND_NAME_OPTIONAL, /* or nothing */
    OPERAND_COMMAND,       /* a command's name, or nothing */
    OPERAND_BACKUP,        /* a backup: its name, its label, "latest" or "latest-failed" */
    OPERAND_BACKUP_OPTIONAL,
} Operand;

typedef struct Command Command;

struct Command {
    const char *name;    /* a member of a group has two words: "backup list" */
    const char *usage;   /* what follows "stopover NAME" */
    const char *purpose; /* one line, for the list of commands */
    const char *help;    /* what it does and an example, for its page */
    const char *not_yet; /* for a command to come: what to do instead; it has no run */
    Operand operand;
    bool concludes;                /* the reply ends with where the migration stands then */
    const Command *const *members; /* of a group of commands, which itself has no run; or NULL */
    Status (*run)(const Options *options, Reply *reply, Error *err);
};

extern const Command command_backup;
extern const Command command_backup_create;
extern const Command command_backup_delete;
extern const Command command_backup_list;
extern const Command command_backup_pin;
extern const Command command_backup_prune;
extern const Command command_backup_restore;
extern const Command command_backup_show;
extern const Command command_backup_undelete;
extern const Command command_backup_unpin;
extern const Command command_backup_verify;
extern const Command command_check;
extern const Command command_finish;
extern const Command command_forget;
extern const Command command_help;
extern const Command command_plan;
extern const Command command_prepare;
extern const Command command_promote;
extern const Command command_report;
extern const Command command_rollback;
extern const Command command_run;
extern const Command command_stage;
extern const Command command_status;
extern const Command command_stop;
extern const Command command_verify;

/* All of them, in the order of the help page; ends with NULL. */
extern const Command *const commands[];

/* Of a group, or of all when that is NULL; word is its name, of a member the second one of it.
 * ERROR_USAGE with the closest one when there is no such command. */
Status command_find(const Command *group, const char *word, const Command **ret, Error *err);

/* Runs what the options say: the command, or its help page, or the version. */
Status command_dispatch(const Options *options, Reply *reply, Error *err);
