/* Log: what is written, where, and what happens when nobody reads it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "engine/base/log.h"
#include "engine/base/stop.h"
#include "tests/support/capture.h"

static int start_fresh(void **state)
{
    (void)state;
    log_configure(LOG_INFO, LOG_FORMAT_TEXT);
    log_context(NULL, NULL);
    log_to_file(NULL);
    return unsetenv("NO_COLOR") != 0 || setenv("TERM", "xterm", 1) != 0;
}

static void each_level_has_its_word(void **state)
{
    Error err = {.message = "could not open \"x\"", .hint = "Make it first."};
    Capture capture = capture_begin();
    AUTO_FREE_MEMORY char *written = NULL;
    (void)state;

    log_configure(LOG_DEBUG, LOG_FORMAT_TEXT);
    log_info("copied %d tables", 3);
    log_warn("slow");
    log_debug("chunk %d", 7);
    log_error(&err);
    err.hint[0] = '\0';
    log_error(&err);
    written = capture_end(&capture);
    assert_string_equal(written, "copied 3 tables\nwarning: slow\ndebug: chunk 7\n"
                                 "error: could not open \"x\"\nhint: Make it first.\n"
                                 "error: could not open \"x\"\n");
}

static void the_level_keeps_the_rest_quiet(void **state)
{
    Error err = {.message = "lost"};
    Capture capture = capture_begin();
    AUTO_FREE_MEMORY char *written = NULL;
    (void)state;

    log_debug("hidden");
    log_configure(LOG_WARN, LOG_FORMAT_TEXT);
    log_info("hidden");
    log_warn("shown");
    log_configure(LOG_ERROR, LOG_FORMAT_TEXT);
    log_warn("hidden");
    log_error(&err);
    written = capture_end(&capture);
    assert_string_equal(written, "warning: shown\nerror: lost\n");
    assert_int_equal(log_level(), LOG_ERROR);
}

static void a_message_is_one_line_and_cannot_steer_the_terminal(void **state)
{
    Capture capture = capture_begin();
    AUTO_FREE_MEMORY char *written = NULL;
    (void)state;

    log_info("%s", "one\ntwo\033[2Jthree");
    written = capture_end(&capture);
    assert_string_equal(written, "one two [2Jthree\n");
}

static void json_has_stable_keys(void **state)
{
    Error err = {.message = "lost \"x\"", .hint = "Wait."};
    Capture capture = capture_begin();
    AUTO_FREE_MEMORY char *written = NULL;
    AUTO_FREE(json_free) Json *first = NULL;
    AUTO_FREE(json_free) Json *second = NULL;
    char *line_end = NULL;
    (void)state;

    log_configure(LOG_INFO, LOG_FORMAT_JSON);
    log_info("ready");
    log_context("copy", "public.orders");
    log_error(&err);
    written = capture_end(&capture);
    assert_int_equal(log_format(), LOG_FORMAT_JSON);
    line_end = strchr(written, '\n');
    assert_non_null(line_end);
    *line_end = '\0';
    assert_int_equal(json_parse(written, &first, &err), STATUS_OK);
    assert_int_equal(json_parse(line_end + 1, &second, &err), STATUS_OK);
    assert_int_equal(json_count(first), 5);
    assert_int_equal(strlen(json_get_string(first, "time")), 20);
    assert_string_equal(json_get_string(first, "level"), "info");
    assert_non_null(json_get(first, "stage"));
    assert_null(json_get_string(first, "stage"));
    assert_string_equal(json_get_string(first, "message"), "ready");
    assert_string_equal(json_get_string(second, "level"), "error");
    assert_string_equal(json_get_string(second, "stage"), "copy");
    assert_string_equal(json_get_string(second, "object"), "public.orders");
    assert_string_equal(json_get_string(second, "message"), "lost \"x\"");
    assert_string_equal(json_get_string(second, "hint"), "Wait.");
}

static void the_file_has_the_time_and_what_quiet_hides(void **state)
{
    static const char *const expected[] = {"copied", "error: lost", "hint: Wait."};
    char *folder = make_folder();
    AUTO_FREE_MEMORY char *path = path_in(folder, "log");
    AUTO_TEXT Text text = {0};
    Error err = {.message = "lost", .hint = "Wait."};
    Capture capture = capture_begin();
    AUTO_FREE_MEMORY char *written = NULL;
    const char *line = NULL;
    (void)state;

    log_configure(LOG_ERROR, LOG_FORMAT_TEXT);
    log_to_file(path);
    log_info("copied");
    log_debug("never");
    log_error(&err);
    log_to_file(NULL);
    log_info("later");
    written = capture_end(&capture);
    assert_string_equal(written, "error: lost\nhint: Wait.\n");
    assert_int_equal(file_read(path, 4096, &text, &err), STATUS_OK);
    line = text_string(&text);
    for (int i = 0; i < 3; i++) {
        assert_memory_equal(line, "20", 2);
        assert_memory_equal(line + 19, "Z ", 2);
        assert_memory_equal(line + 21, expected[i], strlen(expected[i]));
        line = strchr(line, '\n') + 1;
    }
    assert_string_equal(line, "");
    remove_folder(folder);
}

static void a_file_that_cannot_be_written_is_ignored(void **state)
{
    Capture capture = capture_begin();
    AUTO_FREE_MEMORY char *written = NULL;
    (void)state;

    log_to_file("/nonexistent/log");
    log_info("one");
    log_to_file("/dev/full");
    log_info("two");
    written = capture_end(&capture);
    assert_string_equal(written, "one\ntwo\n");
}

static void log_to_nobody(void)
{
    int ends[2];

    stop_install();
    if (pipe(ends) != 0 || close(ends[0]) != 0 || dup2(ends[1], STDERR_FILENO) < 0)
        _exit(1);
    log_info("nobody reads this");
    _exit(7);
}

static void a_reader_that_is_gone_does_not_end_the_process(void **state)
{
    (void)state;
    assert_int_equal(exit_code_of(log_to_nobody), 7);
}

#define THREADS 4
#define LINES   200

static void *log_lines(void *letter)
{
    const char *text = letter;

    for (int i = 0; i < LINES; i++) {
        log_context("copy", text);
        log_info("%s%s%s%s", text, text, text, text);
    }
    return NULL;
}

static void lines_of_threads_do_not_mix(void **state)
{
    static char letters[THREADS][2] = {"a", "b", "c", "d"};
    pthread_t threads[THREADS];
    Capture capture = capture_begin();
    AUTO_FREE_MEMORY char *written = NULL;
    int count = 0;
    (void)state;

    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, log_lines, letters[i]), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    written = capture_end(&capture);
    for (const char *line = written; *line != '\0'; line += 5, count++) {
        assert_true(line[0] >= 'a' && line[0] <= 'd');
        for (int i = 1; i < 4; i++)
            assert_int_equal(line[i], line[0]);
        assert_int_equal(line[4], '\n');
    }
    assert_int_equal(count, THREADS * LINES);
}

/* A terminal of our own in place of stderr: what is written there comes back from its other side.
 */
typedef struct Terminal {
    int saved;
    int other_side;
} Terminal;

static Terminal terminal_begin(unsigned short columns)
{
    Terminal terminal = {.saved = dup(STDERR_FILENO),
                         .other_side = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};
    struct winsize window = {.ws_row = 25, .ws_col = columns};
    struct termios raw;
    char name[64];
    int side = -1;

    assert_true(terminal.saved >= 0 && terminal.other_side >= 0);
    assert_int_equal(grantpt(terminal.other_side), 0);
    assert_int_equal(unlockpt(terminal.other_side), 0);
    assert_int_equal(ptsname_r(terminal.other_side, name, sizeof(name)), 0);
    side = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(side >= 0);
    assert_int_equal(tcgetattr(side, &raw), 0);
    cfmakeraw(&raw);
    assert_int_equal(tcsetattr(side, TCSANOW, &raw), 0);
    assert_int_equal(ioctl(side, TIOCSWINSZ, &window), 0);
    assert_true(dup2(side, STDERR_FILENO) >= 0);
    assert_int_equal(close(side), 0);
    return terminal;
}

static char *terminal_end(Terminal *terminal)
{
    char *text = xcalloc(1, 4096);
    size_t size = 0;
    ssize_t got = 0;

    assert_true(dup2(terminal->saved, STDERR_FILENO) >= 0); /* closes our side of the terminal */
    assert_int_equal(close(terminal->saved), 0);
    while (size < 4095 && (got = read(terminal->other_side, text + size, 4095 - size)) > 0)
        size += (size_t)got;
    assert_int_equal(close(terminal->other_side), 0);
    return text;
}

static void colours_only_the_words_for_trouble(void **state)
{
    Error err = {.message = "lost", .hint = "Wait."};
    Terminal terminal = terminal_begin(80);
    AUTO_FREE_MEMORY char *written = NULL;
    (void)state;

    log_info("plain");
    log_warn("slow");
    log_error(&err);
    written = terminal_end(&terminal);
    assert_string_equal(written, "plain\n\033[33mwarning\033[0m: slow\n"
                                 "\033[31merror\033[0m: lost\nhint: Wait.\n");
}

static void no_color_and_dumb_terminals_are_respected(void **state)
{
    Terminal terminal = terminal_begin(80);
    bool can_redraw = true;
    AUTO_FREE_MEMORY char *written = NULL;
    (void)state;

    assert_int_equal(setenv("NO_COLOR", "1", 1), 0);
    log_warn("slow");
    assert_int_equal(setenv("NO_COLOR", "", 1), 0);
    assert_int_equal(setenv("TERM", "dumb", 1), 0);
    log_warn("slow");
    can_redraw = log_can_redraw();
    written = terminal_end(&terminal);
    assert_false(can_redraw);
    assert_string_equal(written, "warning: slow\nwarning: slow\n");
}

static void a_message_clears_the_drawn_line_first(void **state)
{
    Terminal terminal = terminal_begin(12);
    bool can_in_text = log_can_redraw();
    bool can_in_json = true;
    AUTO_FREE_MEMORY char *written = NULL;
    (void)state;

    log_redraw("copy 1%");
    log_redraw("copy 2% is longer than the terminal");
    log_info("note");
    log_info("more");
    log_redraw("gr\xC3\xBC\xC3\x9F gr\xC3\xBC\xC3\x9F");
    log_progress("copy 100%", NULL);
    log_configure(LOG_ERROR, LOG_FORMAT_TEXT);
    log_redraw("quiet");
    log_configure(LOG_INFO, LOG_FORMAT_JSON);
    can_in_json = log_can_redraw();
    written = terminal_end(&terminal);
    assert_true(can_in_text);
    assert_false(can_in_json);
    assert_string_equal(written, "\r\033[Kcopy 1%\r\033[Kcopy 2% is \r\033[Knote\nmore\n"
                                 "\r\033[Kgr\xC3\xBC\xC3\x9F gr\xC3\xBC\r\033[Kcopy 100%\n");
}

static void progress_carries_its_numbers_in_json(void **state)
{
    Capture capture = capture_begin();
    Json *numbers = json_object();
    bool can_redraw = log_can_redraw();
    AUTO_FREE_MEMORY char *written = NULL;
    AUTO_FREE(json_free) Json *line = NULL;
    Error err = {0};
    (void)state;

    json_set_integer(numbers, "rows", 5);
    log_configure(LOG_INFO, LOG_FORMAT_JSON);
    log_progress("copy 5 rows", numbers);
    written = capture_end(&capture);
    assert_false(can_redraw);
    assert_int_equal(json_parse(written, &line, &err), STATUS_OK);
    assert_string_equal(json_get_string(line, "message"), "copy 5 rows");
    assert_int_equal(json_get_integer(json_get(line, "progress"), "rows", 0), 5);
}

static void progress_is_plain_words_in_text(void **state)
{
    Capture capture = capture_begin();
    AUTO_FREE_MEMORY char *written = NULL;
    (void)state;

    log_progress("copy 5 rows", json_object());
    written = capture_end(&capture);
    assert_string_equal(written, "copy 5 rows\n");
}

#define LOG_TEST(test) cmocka_unit_test_setup_teardown(test, start_fresh, start_fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(each_level_has_its_word),
        LOG_TEST(the_level_keeps_the_rest_quiet),
        LOG_TEST(a_message_is_one_line_and_cannot_steer_the_terminal),
        LOG_TEST(json_has_stable_keys),
        LOG_TEST(the_file_has_the_time_and_what_quiet_hides),
        LOG_TEST(a_file_that_cannot_be_written_is_ignored),
        LOG_TEST(a_reader_that_is_gone_does_not_end_the_process),
        LOG_TEST(lines_of_threads_do_not_mix),
        LOG_TEST(colours_only_the_words_for_trouble),
        LOG_TEST(no_color_and_dumb_terminals_are_respected),
        LOG_TEST(a_message_clears_the_drawn_line_first),
        LOG_TEST(progress_carries_its_numbers_in_json),
        LOG_TEST(progress_is_plain_words_in_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
