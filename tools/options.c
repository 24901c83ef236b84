#include "tools/options.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/log.h"
#include "engine/base/uri.h"
#include "engine/flow/names.h"
#include "tools/suggest.h"

enum {
    MAX_ROWS = 64, /* bits of Options.given */
};

/* The words of the command line, and how far they are read. */
typedef struct Words {
    int count;
    char **items;
    int next;
    int operands; /* seen: the command, then what follows it */
} Words;

void options_release(Options *options)
{
    free(options->name);
    free(options->restore_name);
    free(options->home);
    free(options->from);
    free(options->to);
    free(options->when_file);
    text_list_release(&options->tables);
    text_list_release(&options->exclude_tables);
    text_list_release(&options->schemas);
    free(options->backup.wanted);
    free(options->backup.repo);
    free(options->backup.series);
    free(options->backup.reason);
    free(options->backup.pin);
}

static size_t row_index(const OptionRow *row)
{
    return (size_t)(row - option_rows);
}

/* A word of a row: "run", "backup-list" for "backup list", and "backup" for all of that group. */
static bool means_command(const char *word, size_t length, const char *name)
{
    for (size_t i = 0; i < length; i++, name++)
        if (*name != word[i] && !(*name == ' ' && word[i] == '-'))
            return false;
    return *name == '\0' || *name == ' ';
}

bool option_is_for(const OptionRow *row, const Command *command)
{
    const char *word = row->commands;

    if (word == NULL)
        return true;
    while (*word != '\0') {
        size_t length = strcspn(word, " ");

        if (means_command(word, length, command->name))
            return true;
        word += length + (word[length] == ' ');
    }
    return false;
}

bool option_given(const Options *options, const char *name)
{
    for (const OptionRow *row = option_rows; row->name != NULL; row++)
        if (strcmp(row->name, name) == 0)
            return (options->given >> row_index(row) & 1) != 0;
    return false;
}

/* value: what stood in the same word, or NULL: then the next word is it. */
static Status take_option(Words *words, const OptionRow *row, char *value, Options *options,
                          Error *err)
{
    uint64_t bit = UINT64_C(1) << row_index(row);

    if ((options->given & bit) != 0 && row->kind != OPTION_LIST)
        return error_kind(err, ERROR_USAGE, "--%s is given twice", row->name);
    options->given |= bit;
    if (row->argument == NULL && value != NULL)
        return error_kind(err, ERROR_USAGE, "--%s takes no value", row->name);
    if (row->argument != NULL && value == NULL && row->kind != OPTION_NOT_YET) {
        char *next = words->next < words->count ? words->items[words->next] : NULL;

        if (next == NULL || (next[0] == '-' && next[1] != '\0')) {
            (void)error_kind(err, ERROR_USAGE, "--%s needs a value", row->name);
            error_hint(err, "Write --%s=%s.", row->name, row->argument);
            return STATUS_INVALID;
        }
        words->next++;
        value = next;
    }
    return option_set(options, row, value, err);
}

/* ---- words ---- */

static Status refuse_unknown(const char *word, const Options *options, Error *err)
{
    const char *names[MAX_ROWS];
    size_t count = 0;
    const char *closest = NULL;
    AUTO_FREE_MEMORY char *name = xstrndup(word + 2, strcspn(word + 2, "="));

    for (const OptionRow *row = option_rows; row->name != NULL; row++) {
        bool fits = options->command == NULL || option_is_for(row, options->command);

        if (fits && row->kind != OPTION_NOT_YET)
            names[count++] = row->name;
    }
    (void)error_kind(err, ERROR_USAGE, "there is no option --%s", name);
    closest = suggest(name, names, count);
    if (closest != NULL)
        error_hint(err, "Did you mean --%s?", closest);
    return STATUS_INVALID;
}

static Status read_long(Words *words, char *word, Options *options, Error *err)
{
    size_t length = strcspn(word + 2, "=");

    for (const OptionRow *row = option_rows; row->name != NULL; row++) {
        if (strlen(row->name) == length && memcmp(row->name, word + 2, length) == 0) {
            char *value = word[2 + length] == '=' ? word + 3 + length : NULL;

            return take_option(words, row, value, options, err);
        }
    }
    return refuse_unknown(word, options, err);
}

static const OptionRow *find_short(char letter)
{
    for (const OptionRow *row = option_rows; row->name != NULL; row++)
        if (row->short_name == letter)
            return row;
    return NULL;
}

/* "-qy", "-j4", "-j 4" */
static Status read_short(Words *words, char *word, Options *options, Error *err)
{
    for (char *letter = word + 1; *letter != '\0'; letter++) {
        const OptionRow *row = find_short(*letter);

        if (row == NULL) {
            (void)error_kind(err, ERROR_USAGE, "there is no option \"%s\"", word);
            error_hint(err, "Long options begin with two dashes; see `stopover help`.");
            return STATUS_INVALID;
        }
        if (row->argument != NULL)
            return take_option(words, row, letter[1] != '\0' ? letter + 1 : NULL, options, err);
        TRY(take_option(words, row, NULL, options, err));
    }
    return STATUS_OK;
}

static Status refuse_operand(char *word, const Options *options, Error *err)
{
    AUTO_FREE_MEMORY char *shown = uri_redact(word); /* perhaps a SOURCE without its --from */

    (void)error_kind(err, ERROR_USAGE, "\"%s\" is one word too many", shown);
    hide_password(word);
    error_hint(err, "It is used as: stopover %s %s", options->command->name,
               options->command->usage);
    return STATUS_INVALID;
}

/* It is looked up as it is: what cannot be the name of a backup names none. */
static Status read_backup(const char *word, Options *options, Error *err)
{
    if (*word == '\0' || has_control_characters(word))
        return error_kind(err, ERROR_USAGE, "the name of the backup is empty or not printable");
    options->backup.wanted = xstrdup(word);
    return STATUS_OK;
}

/* A group and a member of it are one command. */
static Status read_command(Words *words, const char *word, const Command **ret, Error *err)
{
    if (*ret == NULL || (*ret)->members == NULL)
        return command_find(NULL, word, ret, err);
    words->operands--;
    return command_find(*ret, word, ret, err);
}

static Status read_operand(Words *words, char *word, Options *options, Error *err)
{
    const Command *command = options->command;
    const Command *topic = options->topic;

    words->operands++;
    if (words->operands == 1 || command->members != NULL)
        return read_command(words, word, &options->command, err);
    if (command->operand == OPERAND_COMMAND &&
        (words->operands == 2 || (topic != NULL && topic->members != NULL)))
        return read_command(words, word, &options->topic, err);
    if (words->operands > 2 || command->operand == OPERAND_NONE)
        return refuse_operand(word, options, err);
    if (command->operand == OPERAND_BACKUP || command->operand == OPERAND_BACKUP_OPTIONAL)
        return read_backup(word, options, err);
    TRY(migration_name_check(word, err));
    options->name = xstrdup(word);
    return STATUS_OK;
}

/* Whatever a command to come will take: it only says that it is to come. */
static bool is_to_come(const Options *options)
{
    return options->command != NULL && options->command->not_yet != NULL;
}

static Status read_words(Words *words, Options *options, Error *err)
{
    bool only_operands = false;

    while (words->next < words->count && !options->help && !options->version) {
        char *word = words->items[words->next++];

        if (is_to_come(options))
            options->help = strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
        else if (!only_operands && strcmp(word, "--") == 0)
            only_operands = true;
        else if (!only_operands && word[0] == '-' && word[1] == '-')
            TRY(read_long(words, word, options, err));
        else if (!only_operands && word[0] == '-' && word[1] != '\0')
            TRY(read_short(words, word, options, err));
        else
            TRY(read_operand(words, word, options, err));
    }
    return STATUS_OK;
}

/* ---- all together ---- */

static Status check_belonging(const Options *options, Error *err)
{
    for (const OptionRow *row = option_rows; row->name != NULL; row++) {
        if ((options->given >> row_index(row) & 1) == 0 || option_is_for(row, options->command))
            continue;
        (void)error_kind(err, ERROR_USAGE, "`stopover %s` does not take --%s",
                         options->command->name, row->name);
        error_hint(err, "See `stopover %s --help` for what it takes.", options->command->name);
        return STATUS_INVALID;
    }
    return STATUS_OK;
}

static Status check_operand(const Options *options, Error *err)
{
    const Command *command = options->command;
    bool lacks_name = command->operand == OPERAND_NAME && options->name == NULL;
    bool lacks_backup = command->operand == OPERAND_BACKUP && options->backup.wanted == NULL;

    if (!lacks_name && !lacks_backup)
        return STATUS_OK;
    (void)error_kind(err, ERROR_USAGE, "the %s's name is missing",
                     lacks_name ? "migration" : "backup");
    error_hint(err, "It is used as: stopover %s %s", command->name, command->usage);
    return STATUS_INVALID;
}

static Status check_together(const Options *options, Error *err)
{
    const Command *command = options->command;
    bool is_stage = command == &command_stage;

    if (command == NULL) {
        (void)error_kind(err, ERROR_USAGE, "no command is given");
        error_hint(err, "See `stopover help` for the commands there are.");
        return STATUS_INVALID;
    }
    if (command->not_yet != NULL)
        return STATUS_OK;
    if (command->members != NULL) {
        (void)error_kind(err, ERROR_USAGE, "what to do is missing after `%s`", command->name);
        error_hint(err, "See `stopover help %s` for what there is.", command->name);
        return STATUS_INVALID;
    }
    TRY(check_belonging(options, err));
    TRY(check_operand(options, err));
    if (options->quiet && options->verbose)
        return error_kind(err, ERROR_USAGE, "--quiet and --verbose exclude each other");
    if (is_stage && options->tables.count > 0 && !options->again) {
        (void)error_kind(err, ERROR_USAGE, "--table needs --again here");
        error_hint(err, "The tables of a migration are chosen with `stopover run` or `prepare`.");
        return STATUS_INVALID;
    }
    if (options->now && options->when_file != NULL)
        return error_kind(err, ERROR_USAGE, "--now and --when-file exclude each other");
    if (options->dry_run && option_given(options, "stop-after"))
        return error_kind(err, ERROR_USAGE, "--dry-run and --stop-after exclude each other");
    return STATUS_OK;
}

/* How to answer must be known even when a word before --json is wrong. */
static void look_ahead(int argc, char **argv, Options *options)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0)
            options->json = true;
        if (strcmp(argv[i], "--log-format=json") == 0 ||
            (strcmp(argv[i], "--log-format") == 0 && i + 1 < argc &&
             strcmp(argv[i + 1], "json") == 0))
            options->log_format = LOG_FORMAT_JSON;
    }
}

Status options_parse(int argc, char **argv, Options *options, Error *err)
{
    Words words = {.count = argc, .items = argv, .next = 1};

    Status status = STATUS_OK;

    look_ahead(argc, argv, options);
    status = read_words(&words, options, err);
    if (status >= 0 && !options->help && !options->version)
        status = check_together(options, err);
    if (status < 0 && err->hint[0] == '\0')
        error_hint(err, "See `stopover%s%s --help`.", options->command != NULL ? " " : "",
                   options->command != NULL ? options->command->name : "");
    return status;
}

MigrationOptions options_for_migration(const Options *options)
{
    MigrationOptions given = {
        .from = options->from,
        .to = options->to,
        .jobs = (unsigned)options->jobs,
        .chunk_bytes = options->chunk_bytes,
        .max_rate = options->max_rate,
        .max_rate_given = option_given(options, "max-rate"),
        .retry_for_ms = options->retry_for_s * 1000,
        .retry_for_given = option_given(options, "retry-for"),
        .level_given = option_given(options, "verify"),
        .level = (VerifyLevel)options->level,
        .schema_only = options->schema_only,
        .accept_stale_source = options->accept_stale_source,
        .lock_timeout_ms = options->lock_timeout_ms,
        .promote_deadline_ms = options->promote_deadline_s * 1000,
        .when_file = options->when_file,
        .now = options->now,
        .no_archive = options->no_archive,
        .quiet = options->quiet,
    };

    /* There --table says which tables, not which migration. */
    if (options->command != &command_stage && options->command != &command_rollback) {
        given.selection.include = options->tables;
        given.selection.exclude = options->exclude_tables;
        given.selection.schemas = options->schemas;
        given.selection.with_owner = options->with_owner;
        given.selection.with_acl = options->with_acl;
        given.selection.data_only = options->data_only;
    }
    return given;
}

char *command_line(const Options *options, const char *verb, const char *rest)
{
    AUTO_TEXT Text line = {0};

    text_append_format(&line, "stopover %s", verb);
    if (options->name != NULL)
        text_append_format(&line, " %s", options->name);
    text_append(&line, rest);
    if (options->home != NULL) {
        text_append(&line, " --home ");
        for (const char *c = options->home; *c != '\0'; c++) {
            if (strchr(" \t'\"\\$`*?[]()<>|&;~#!{}", *c) != NULL)
                text_append(&line, "\\");
            text_append_bytes(&line, c, 1);
        }
    }
    return text_take(&line);
}
