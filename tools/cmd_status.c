#include <stdio.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/stop.h"
#include "journal/home.h"
#include "tools/command.h"
#include "tools/options.h"
#include "tools/print.h"
#include "tools/standing.h"

enum {
    REDRAW_MS = 1000,
    LINE_EVERY = 10, /* looks, when the output is no terminal */
};

/* ---- all migrations ---- */

static const char *const list_keys[] = {"name",   "phase",   "progress", "source",
                                        "target", "running", "problem",  NULL};

/* One that cannot be read is listed with its problem: the others can. */
static void add_problem(Grid *list, const char *name, const Error *problem)
{
    grid_add(list, cell_text(name));
    for (int i = 0; i < 5; i++)
        grid_add(list, cell_null());
    grid_add(list, cell_toned(cell_text(problem->message), TONE_BAD));
}

static void add_migration(Grid *list, const Standing *standing)
{
    const JournalRecord *record = standing->record;

    grid_add(list, cell_text(standing->name));
    grid_add(list, cell_text(phase_name(record->phase)));
    grid_add(list, standing->has_plan ? cell_percent(standing->percent) : cell_null());
    grid_add(list, cell_text(record->source_display));
    grid_add(list, cell_text(record->target_display));
    grid_add(list, cell_bool(standing->driver != 0));
    grid_add(list, cell_null());
}

/* lines gets one line per migration instead of the table. */
static Status show_all(const char *home, Reply *reply, Text *lines, bool *ret_running, Error *err)
{
    AUTO_TEXT_LIST TextList names = {0};
    AUTO_GRID Grid list = grid(list_keys);

    TRY(home_list(home, &names, err));
    *ret_running = false;
    for (size_t i = 0; i < names.count; i++) {
        AUTO_FREE(standing_free) Standing *standing = NULL;
        Error problem = {0};

        if (standing_read(home, names.items[i], &standing, &problem) < 0) {
            add_problem(&list, names.items[i], &problem);
            continue;
        }
        add_migration(&list, standing);
        standing_line(standing, lines);
        *ret_running |= standing->driver != 0;
    }
    json_set(reply->document, "migrations", grid_json(&list));
    if (names.count > 0)
        grid_print(&list, wants_colour(), &reply->text);
    else
        text_append_format(&reply->text, "there are no migrations in %s\n", home);
    return STATUS_OK;
}

static Status show_one(const Options *options, const char *home, Reply *reply, Text *lines,
                       bool *ret_running, Error *err)
{
    AUTO_FREE(standing_free) Standing *standing = NULL;

    TRY(standing_read(home, options->name, &standing, err));
    TRY(standing_show(options, standing, reply, err));
    standing_line(standing, lines);
    *ret_running = standing->driver != 0;
    return STATUS_OK;
}

static Status look(const Options *options, const char *home, Reply *reply, Text *lines,
                   bool *ret_running, Error *err)
{
    text_clear(&reply->text);
    text_clear(lines);
    if (options->name == NULL)
        return show_all(home, reply, lines, ret_running, err);
    return show_one(options, home, reply, lines, ret_running, err);
}

/* ---- watching ---- */

/* The page on a terminal, a document for programs, one line now and then elsewhere. */
static Status show_now(const Options *options, bool is_terminal, Reply *reply, const Text *lines,
                       Error *err)
{
    if (!options->json && !is_terminal) {
        text_clear(&reply->text);
        text_append(&reply->text, text_string(lines));
    } else if (!options->json) {
        (void)fputs("\033[H\033[2J", stdout); /* reply_flush() notices */
    }
    return reply_flush(options, reply, err);
}

/* The last look stays in the reply, and is printed at the end like any other. */
static Status watch(const Options *options, const char *home, Reply *reply, Error *err)
{
    AUTO_TEXT Text lines = {0};
    bool is_terminal = !options->json && isatty(STDOUT_FILENO) == 1;
    bool is_running = true;

    for (unsigned looks = 0; !stop_requested(); looks++) {
        TRY(look(options, home, reply, &lines, &is_running, err));
        if (!is_running)
            break;
        if (options->json || is_terminal || looks % LINE_EVERY == 0)
            TRY(show_now(options, is_terminal, reply, &lines, err));
        clock_sleep_ms(REDRAW_MS);
    }
    if (is_terminal && !stop_requested())
        (void)fputs("\033[H\033[2J", stdout); /* reply_finish() notices */
    return STATUS_OK;
}

static Status run(const Options *options, Reply *reply, Error *err)
{
    AUTO_FREE_MEMORY char *home = NULL;
    AUTO_TEXT Text lines = {0};
    bool is_running = false;

    TRY(home_resolve(options->home, &home, err));
    if (options->watch)
        return watch(options, home, reply, err);
    return look(options, home, reply, &lines, &is_running, err);
}

const Command command_status = {
    .name = "status",
    .usage = "[NAME] [--watch] [--verbose]",
    .purpose = "where a migration stands, or all of them; also while one runs",
    .help =
        "Shows phase, progress, the strength of the verification, what is kept, and the command\n"
        "that comes next. --verbose adds every table and its evidence. --watch shows it every\n"
        "second until nothing drives it any more (a line every 10 s where there is no terminal,\n"
        "a document a second with --json).\n\n"
        "Example:\n"
        "  stopover status\n"
        "  stopover status shop --watch",
    .operand = OPERAND_NAME_OPTIONAL,
    .run = run,
};
