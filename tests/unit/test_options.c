#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/log.h"
#include "engine/base/text.h"
#include "tools/options.h"
#include "tools/suggest.h"

enum {
    MAX_WORDS = 16,
};

typedef struct Line {
    char *words[MAX_WORDS];
    int count;
    Options options;
    Error err;
    Status status;
} Line;

/* Words parted by blanks, as a shell would hand them over. */
static void set_line(Line *line, const char *text)
{
    *line = (Line){0};
    while (*text != '\0') {
        size_t length = strcspn(text, " ");

        line->words[line->count++] = strndup(text, length);
        text += length + (text[length] == ' ');
    }
    line->status = options_parse(line->count, line->words, &line->options, &line->err);
}

static void line_release(Line *line)
{
    for (int i = 0; i < line->count; i++)
        free(line->words[i]);
    options_release(&line->options);
}
#define AUTO_LINE __attribute__((cleanup(line_release)))

static void expect_usage_error(const char *text, const char *message, const char *hint)
{
    AUTO_LINE Line line;

    set_line(&line, text);
    assert_int_equal(line.status, STATUS_INVALID);
    assert_int_equal(line.err.kind, ERROR_USAGE);
    assert_non_null(strstr(line.err.message, message));
    assert_non_null(strstr(line.err.hint, hint));
}

static void reads_a_whole_command_line(void **state)
{
    AUTO_LINE Line line;
    MigrationOptions given;

    (void)state;
    set_line(&line, "stopover run shop --from sqlite:/a.db --to=sqlite:/b.db -t ord* --table=x "
                    "--exclude-table tmp* -j 3 --chunk-size 64KiB");
    assert_int_equal(line.status, STATUS_OK);
    assert_ptr_equal(line.options.command, &command_run);
    given = options_for_migration(&line.options);
    assert_string_equal(line.options.name, "shop");
    assert_string_equal(given.from, "sqlite:/a.db");
    assert_string_equal(given.to, "sqlite:/b.db");
    assert_int_equal(given.selection.include.count, 2);
    assert_string_equal(given.selection.include.items[0], "ord*");
    assert_string_equal(given.selection.exclude.items[0], "tmp*");
    assert_int_equal(given.jobs, 3);
    assert_int_equal(given.chunk_bytes, 65536);
    assert_false(given.max_rate_given);
    assert_false(given.retry_for_given);
    assert_false(given.level_given);
}

static void reads_what_goes_along(void **state)
{
    AUTO_LINE Line line;
    MigrationOptions given;

    (void)state;
    set_line(&line, "stopover run shop --schema app --schema=audit* --with-owner --with-acl "
                    "--schema-only");
    assert_int_equal(line.status, STATUS_OK);
    given = options_for_migration(&line.options);
    assert_int_equal(given.selection.schemas.count, 2);
    assert_string_equal(given.selection.schemas.items[1], "audit*");
    assert_true(given.selection.with_owner);
    assert_true(given.selection.with_acl);
    assert_true(given.schema_only);
    assert_false(given.selection.data_only);
    line_release(&line);
    set_line(&line, "stopover plan --data-only");
    assert_int_equal(line.status, STATUS_OK);
    assert_true(options_for_migration(&line.options).selection.data_only);
    expect_usage_error("stopover stage shop --schema app", "does not take --schema", "");
}

static void options_may_stand_before_the_command(void **state)
{
    AUTO_LINE Line line;

    (void)state;
    set_line(&line, "stopover --home /h -q status -- shop");
    assert_int_equal(line.status, STATUS_OK);
    assert_ptr_equal(line.options.command, &command_status);
    assert_string_equal(line.options.home, "/h");
    assert_string_equal(line.options.name, "shop");
    assert_true(line.options.quiet);
}

static void short_flags_combine_and_short_options_take_their_value(void **state)
{
    AUTO_LINE Line line;

    (void)state;
    set_line(&line, "stopover run shop -vyj8");
    assert_int_equal(line.status, STATUS_OK);
    assert_true(line.options.verbose);
    assert_true(line.options.yes);
    assert_int_equal(line.options.jobs, 8);
}

static void zero_can_be_told_from_not_given(void **state)
{
    AUTO_LINE Line line;
    MigrationOptions given;

    (void)state;
    set_line(&line, "stopover run shop --max-rate 0 --retry-for 2m --verify none");
    given = options_for_migration(&line.options);
    assert_true(given.max_rate_given);
    assert_int_equal(given.max_rate, 0);
    assert_int_equal(given.retry_for_ms, 120000);
    assert_true(given.level_given);
    assert_int_equal(given.level, VERIFY_NONE);
}

static void unknown_words_suggest_the_closest_known_one(void **state)
{
    (void)state;
    expect_usage_error("stopover rnu shop", "no command \"rnu\"", "`stopover run`");
    expect_usage_error("stopover run shop --chunksize 1M", "no option --chunksize", "--chunk-size");
    expect_usage_error("stopover help stauts", "no command \"stauts\"", "`stopover status`");
    expect_usage_error("stopover status shop --wacth", "no option --wacth", "--watch");
    expect_usage_error("stopover run shop --zzzzzzzz", "no option --zzzzzzzz",
                       "`stopover run --help`");
    expect_usage_error("stopover run shop -x", "no option \"-x\"", "help");
}

static void every_wrong_use_of_an_option_is_refused(void **state)
{
    (void)state;
    expect_usage_error("stopover run shop --jobs 2 --jobs 3", "--jobs is given twice", "");
    expect_usage_error("stopover run shop --jobs", "--jobs needs a value", "--jobs=N");
    expect_usage_error("stopover run shop --jobs --json", "--jobs needs a value", "");
    expect_usage_error("stopover run shop --jobs=0", "cannot be \"0\"", "from 1 to 256");
    expect_usage_error("stopover run shop --jobs=257", "cannot be \"257\"", "from 1 to 256");
    expect_usage_error("stopover run shop --jobs=two", "cannot be \"two\"", "number");
    expect_usage_error("stopover run shop --chunk-size=10", "cannot be \"10\"", "size");
    expect_usage_error("stopover run shop --retry-for=soon", "cannot be \"soon\"", "time");
    expect_usage_error("stopover run shop --verify=some", "cannot be \"some\"",
                       "none, count, sample.");
    expect_usage_error("stopover run shop --json=yes", "--json takes no value", "");
    expect_usage_error("stopover run shop --table=", "--table is empty", "");
    expect_usage_error("stopover run shop --table=a\nb", "control character", "");
    expect_usage_error("stopover run shop -q -v", "exclude each other", "");
    expect_usage_error("stopover run shop --from nowhere", "--from", "");
}

static void an_option_of_another_command_is_refused(void **state)
{
    (void)state;
    expect_usage_error("stopover status shop --jobs 2", "`stopover status` does not take --jobs",
                       "status --help");
    expect_usage_error("stopover stage shop --table x", "--table needs --again", "");
}

static void operands_are_checked(void **state)
{
    (void)state;
    expect_usage_error("stopover --json", "no command", "help");
    expect_usage_error("stopover run", "name is missing", "run NAME");
    expect_usage_error("stopover run ../x", "", "");
    expect_usage_error("stopover run shop more", "\"more\" is one word too many", "run NAME");
}

static void what_is_to_come_says_so(void **state)
{
    (void)state;
    expect_usage_error("stopover run shop --verify full", "--verify full is not supported yet",
                       "none, count, sample");
}

static void commands_to_come_take_any_words(void **state)
{
    AUTO_LINE Line line;

    (void)state;
    set_line(&line, "stopover report list x --keep 3");
    assert_int_equal(line.status, STATUS_OK);
    assert_ptr_equal(line.options.command, &command_report);
}

static void a_group_and_its_member_are_one_command(void **state)
{
    AUTO_LINE Line line;
    AUTO_LINE Line help;

    (void)state;
    set_line(&line, "stopover backup show latest --repo /backups");
    assert_int_equal(line.status, STATUS_OK);
    assert_ptr_equal(line.options.command, &command_backup_show);
    assert_string_equal(line.options.backup.wanted, "latest");
    assert_string_equal(line.options.backup.repo, "/backups");
    assert_null(line.options.name);
    set_line(&help, "stopover help backup prune");
    assert_int_equal(help.status, STATUS_OK);
    assert_ptr_equal(help.options.topic, &command_backup_prune);
    expect_usage_error("stopover backup", "missing after `backup`", "stopover help backup");
    expect_usage_error("stopover backup lst", "\"backup lst\"", "stopover backup list");
    expect_usage_error("stopover backup nonsense", "\"backup nonsense\"", "stopover help backup");
    expect_usage_error("stopover backup show", "the backup's name is missing", "BACKUP");
    expect_usage_error("stopover backup show a b", "one word too many", "backup show");
    expect_usage_error("stopover help backup prune x", "one word too many", "help");
    expect_usage_error("stopover list", "no command \"list\"", "");
}

static void options_of_a_member_are_its_own(void **state)
{
    AUTO_LINE Line line;

    (void)state;
    set_line(&line, "stopover backup prune --keep-last 3 --keep-within 7d --apply --lock-wait 0");
    assert_int_equal(line.status, STATUS_OK);
    assert_int_equal(line.options.backup.keep_last, 3);
    assert_int_equal(line.options.backup.keep_within_s, 7 * 86400);
    assert_true(line.options.backup.apply);
    expect_usage_error("stopover backup list --keep-last 3", "`stopover backup list` does not take",
                       "backup list --help");
    expect_usage_error("stopover verify shop --repo /backups", "does not take --repo", "");
    expect_usage_error("stopover verify shop --level data", "does not take --level", "");
    expect_usage_error("stopover backup prune --keep-last 0", "--keep-last cannot be", "");
    expect_usage_error("stopover backup verify x --level restore", "not supported yet",
                       "quick, data");
}

static void tables_of_stage_again_are_no_selection(void **state)
{
    AUTO_LINE Line line;

    (void)state;
    set_line(&line, "stopover stage shop --again --table orders");
    assert_int_equal(line.status, STATUS_OK);
    assert_int_equal(options_for_migration(&line.options).selection.include.count, 0);
    assert_int_equal(line.options.tables.count, 1);
}

static void tables_of_a_rollback_are_no_selection(void **state)
{
    AUTO_LINE Line line;

    (void)state;
    set_line(&line, "stopover rollback shop --table audit --table=a.b* -y");
    assert_int_equal(line.status, STATUS_OK);
    assert_int_equal(line.options.tables.count, 2);
    assert_int_equal(options_for_migration(&line.options).selection.include.count, 0);
}

static void a_promotion_waits_for_a_file_or_for_nothing(void **state)
{
    AUTO_LINE Line line;
    AUTO_LINE Line other;

    (void)state;
    set_line(&line, "stopover promote shop --when-file=/run/go");
    assert_int_equal(line.status, STATUS_OK);
    assert_string_equal(options_for_migration(&line.options).when_file, "/run/go");
    assert_false(options_for_migration(&line.options).now);
    set_line(&other, "stopover run shop --now");
    assert_int_equal(other.status, STATUS_OK);
    assert_true(options_for_migration(&other.options).now);
    expect_usage_error("stopover run shop --now --when-file go", "exclude each other", "");
    expect_usage_error("stopover promote shop --when-file=", "--when-file is empty", "");
    expect_usage_error("stopover verify shop --when-file go", "does not take --when-file", "");
}

static void json_is_known_although_a_word_before_it_is_wrong(void **state)
{
    AUTO_LINE Line line;

    (void)state;
    set_line(&line, "stopover run shop --nonsense --log-format json --json");
    assert_int_equal(line.status, STATUS_INVALID);
    assert_true(line.options.json);
    assert_int_equal(line.options.log_format, LOG_FORMAT_JSON);
}

static void a_password_is_kept_but_hidden_in_argv(void **state)
{
    AUTO_LINE Line line;

    (void)state;
    set_line(&line, "stopover run shop --from postgresql://anna:secret@host/db "
                    "--to=postgresql://host/db?password=hidden");
    assert_int_equal(line.status, STATUS_OK);
    assert_true(line.options.password_in_argument);
    assert_non_null(strstr(line.options.from, "secret"));
    assert_string_equal(line.words[4], "postgresql://anna:******@host/db");
    assert_null(strstr(line.words[5], "hidden"));
}

static void a_password_in_the_wrong_place_is_in_no_message(void **state)
{
    AUTO_LINE Line line;

    (void)state;
    set_line(&line, "stopover run shop postgresql://anna:secret@host/db");
    assert_int_equal(line.status, STATUS_INVALID);
    assert_null(strstr(line.err.message, "secret"));
    assert_null(strstr(line.words[3], "secret"));
}

static void a_relative_path_is_made_absolute_for_the_journal(void **state)
{
    AUTO_LINE Line line;
    char *here = getcwd(NULL, 0);
    char *whole = NULL;

    (void)state;
    set_line(&line, "stopover run shop --from sqlite:a.db --to sqlite:../b.db");
    assert_int_equal(line.status, STATUS_OK);
    assert_true(asprintf(&whole, "sqlite:%s/a.db", here) > 0);
    assert_string_equal(line.options.from, whole);
    free(whole);
    assert_true(asprintf(&whole, "sqlite:%s/../b.db", here) > 0);
    assert_string_equal(line.options.to, whole);
    free(whole);
    free(here);
}

static void a_path_with_a_dot_is_the_same_path(void **state)
{
    AUTO_LINE Line line;
    AUTO_FREE_MEMORY char *here = getcwd(NULL, 0);
    AUTO_FREE_MEMORY char *whole = NULL;

    (void)state;
    set_line(&line, "stopover run shop --from sqlite:.//./a.db --to sqlite:/d/b.db");
    assert_int_equal(line.status, STATUS_OK);
    assert_true(asprintf(&whole, "sqlite:%s/a.db", here) > 0);
    assert_string_equal(line.options.from, whole);
}

static void a_variable_stays_a_variable_and_holds_an_absolute_path(void **state)
{
    AUTO_LINE Line line;

    (void)state;
    assert_int_equal(setenv("TEST_SOURCE", "sqlite:/a.db", 1), 0);
    set_line(&line, "stopover run shop --from env:TEST_SOURCE");
    assert_int_equal(line.status, STATUS_OK);
    assert_string_equal(line.options.from, "env:TEST_SOURCE");
    assert_int_equal(setenv("TEST_SOURCE", "sqlite:a.db", 1), 0);
    expect_usage_error("stopover run shop --from env:TEST_SOURCE", "relative path", "absolute");
}

static void hiding_leaves_what_holds_no_password(void **state)
{
    char path[] = "sqlite:/data/a:b@c.db";
    char host[] = "postgresql://anna@host/db";

    (void)state;
    hide_password(path);
    hide_password(host);
    assert_string_equal(path, "sqlite:/data/a:b@c.db");
    assert_string_equal(host, "postgresql://anna@host/db");
}

static void the_next_command_repeats_the_home_that_was_given(void **state)
{
    AUTO_LINE Line line;
    char *next = NULL;

    (void)state;
    set_line(&line, "stopover run shop --home=/my$home");
    next = command_line(&line.options, "stage", " --again");
    assert_string_equal(next, "stopover stage shop --again --home /my\\$home");
    free(next);
}

static void every_row_of_the_option_table_is_sound(void **state)
{
    size_t count = 0;

    (void)state;
    for (const OptionRow *row = option_rows; row->name != NULL; row++, count++) {
        bool is_flag = row->kind == OPTION_FLAG;

        if (row->kind != OPTION_NOT_YET) {
            assert_non_null(row->help);
            assert_int_equal(row->argument == NULL, is_flag);
        }
        for (const OptionRow *other = row + 1; other->name != NULL; other++) {
            assert_string_not_equal(row->name, other->name);
            assert_false(row->short_name != 0 && row->short_name == other->short_name);
        }
    }
    assert_true(count < 64);
}

static void edit_distance_counts_slips(void **state)
{
    (void)state;
    assert_int_equal(edit_distance("run", "run"), 0);
    assert_int_equal(edit_distance("rnu", "run"), 1);
    assert_int_equal(edit_distance("statu", "status"), 1);
    assert_int_equal(edit_distance("", "plan"), 4);
    assert_int_equal(edit_distance("plan", "prepare"), 5);
    assert_true(edit_distance("a-word-that-is-longer-than-any-option", "run") == SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_whole_command_line),
        cmocka_unit_test(reads_what_goes_along),
        cmocka_unit_test(options_may_stand_before_the_command),
        cmocka_unit_test(short_flags_combine_and_short_options_take_their_value),
        cmocka_unit_test(zero_can_be_told_from_not_given),
        cmocka_unit_test(unknown_words_suggest_the_closest_known_one),
        cmocka_unit_test(every_wrong_use_of_an_option_is_refused),
        cmocka_unit_test(an_option_of_another_command_is_refused),
        cmocka_unit_test(operands_are_checked),
        cmocka_unit_test(what_is_to_come_says_so),
        cmocka_unit_test(commands_to_come_take_any_words),
        cmocka_unit_test(a_group_and_its_member_are_one_command),
        cmocka_unit_test(options_of_a_member_are_its_own),
        cmocka_unit_test(tables_of_stage_again_are_no_selection),
        cmocka_unit_test(tables_of_a_rollback_are_no_selection),
        cmocka_unit_test(a_promotion_waits_for_a_file_or_for_nothing),
        cmocka_unit_test(json_is_known_although_a_word_before_it_is_wrong),
        cmocka_unit_test(a_password_is_kept_but_hidden_in_argv),
        cmocka_unit_test(a_password_in_the_wrong_place_is_in_no_message),
        cmocka_unit_test(a_relative_path_is_made_absolute_for_the_journal),
        cmocka_unit_test(a_path_with_a_dot_is_the_same_path),
        cmocka_unit_test(a_variable_stays_a_variable_and_holds_an_absolute_path),
        cmocka_unit_test(hiding_leaves_what_holds_no_password),
        cmocka_unit_test(the_next_command_repeats_the_home_that_was_given),
        cmocka_unit_test(every_row_of_the_option_table_is_sound),
        cmocka_unit_test(edit_distance_counts_slips),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
