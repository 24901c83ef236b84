/*
 * The command line: stopover COMMAND [NAME] [OPTION...]. Options are a table (option_table.c):
 * name, value, help, and the commands that take it; this reads words by it.
 *
 * Passwords in a SOURCE or TARGET are copied, then overwritten in argv, so that they stand in no
 * process list for longer than it takes to start.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/memory.h"
#include "stages/migration.h"
#include "tools/command.h"

/* What only `stopover backup ...` takes. */
typedef struct BackupOptions {
    char *wanted; /* name, label or alias of a backup, or NULL */
    char *repo;   /* as given, or NULL; likewise below */
    char *series;
    char *reason;
    char *pin; /* a token */
    uint64_t pinned_for_s;
    uint64_t lock_wait_s;
    uint64_t latest;
    uint64_t keep_last;
    uint64_t keep_daily;
    uint64_t keep_weekly;
    uint64_t keep_monthly;
    uint64_t keep_within_s;
    unsigned level; /* CheckLevel */
    bool all;
    bool apply;
    bool purge;
    bool trash;
} BackupOptions;

struct Options {
    const Command *command; /* NULL only after a failure, or with help or version */
    char *name;             /* the migration, or NULL */
    char *restore_name;     /* of the migration that restores a backup, or NULL */
    const Command *topic;   /* of `help COMMAND`, or NULL */

    bool help;
    bool version;
    bool json;
    bool quiet;
    bool verbose;
    bool yes;
    char *home;          /* as given, or NULL */
    unsigned log_format; /* LogFormat */

    char *from;
    char *to;
    bool password_in_argument;
    TextList tables;
    TextList exclude_tables;
    TextList schemas;
    bool with_owner;
    bool with_acl;
    bool schema_only;
    bool data_only;
    uint64_t jobs;
    uint64_t chunk_bytes;
    uint64_t max_rate;
    uint64_t retry_for_s;
    uint64_t lock_timeout_ms;
    uint64_t promote_deadline_s;
    char *when_file;
    bool now;
    bool no_archive;
    unsigned level;      /* VerifyLevel */
    unsigned stop_after; /* Phase */
    bool accept_stale_source;
    bool dry_run;
    bool again;
    bool watch;

    BackupOptions backup;

    uint64_t given; /* bit i: row i of the option table was used */
};

typedef enum OptionKind {
    OPTION_FLAG,   /* bool */
    OPTION_TEXT,   /* char * */
    OPTION_URI,    /* char *, checked, and hidden in argv */
    OPTION_LIST,   /* TextList, may be repeated */
    OPTION_NUMBER, /* uint64_t from minimum to maximum, as all below */
    OPTION_BYTES,
    OPTION_DURATION, /* in seconds */
    OPTION_CHOICE,   /* unsigned: the value of one of choices */
    OPTION_NOT_YET,  /* refused: help says why, or what to do instead */
} OptionKind;

typedef struct OptionChoice {
    const char *word; /* the list ends with NULL */
    unsigned value;
    bool not_yet;
} OptionChoice;

typedef struct OptionRow {
    const char *name;
    const char *argument; /* "N"; NULL for a flag */
    const char *help;     /* one line; NULL: not on help pages */
    const char *commands; /* words; NULL: all. "backup-list" is a member, "backup" all of them */
    OptionKind kind;
    char short_name; /* 0: none */
    size_t field;    /* offset in Options */
    uint64_t minimum;
    uint64_t maximum;
    const OptionChoice *choices;
} OptionRow;

extern const OptionRow option_rows[]; /* ends with name NULL */

/* Checks value (NULL for a flag) and puts it into the row's field; a URI is hidden in place. */
Status option_set(Options *options, const OptionRow *row, char *value, Error *err);

bool option_is_for(const OptionRow *row, const Command *command);
bool option_given(const Options *options, const char *name);

/*
 * Reads argv. ERROR_USAGE names the word that is wrong and what was meant. On failure too, options
 * holds what was read before it, and --json and --log-format wherever they stand.
 */
Status options_parse(int argc, char **argv, Options *options, Error *err);
void options_release(Options *options);
#define AUTO_OPTIONS __attribute__((cleanup(options_release)))

/* What stages are told; borrowed from options. */
MigrationOptions options_for_migration(const Options *options);

/* "stopover VERB NAME REST" with --home when it was given: what to type next. The caller frees. */
char *command_line(const Options *options, const char *verb, const char *rest);

/* Overwrites the password in a SOURCE or TARGET with '*', in place. */
void hide_password(char *argument);
