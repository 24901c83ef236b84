#include "engine/base/progress.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/json.h"
#include "engine/base/log.h"
#include "engine/base/memory.h"
#include "engine/base/text.h"

#define SECOND_NS             UINT64_C(1000000000)
#define REDRAW_NS             SECOND_NS
#define LINE_NS               (10 * SECOND_NS)
#define LONGEST_GUESS_SECONDS (100 * UINT64_C(86400))

struct Progress {
    ProgressMeter meter;
    char *title;
    char *note;
    uint64_t shown_ns; /* when the last line was shown */
};

static void take_sample(ProgressMeter *meter, uint64_t now_ns)
{
    meter->samples[meter->sample_count++ % PROGRESS_SAMPLES] =
        (ProgressSample){.at_ns = now_ns, .bytes = meter->bytes, .rows = meter->rows};
}

ProgressMeter progress_meter(uint64_t total_bytes, uint64_t total_rows, uint64_t done_bytes,
                             uint64_t done_rows, uint64_t now_ns)
{
    ProgressMeter meter = {.total_bytes = total_bytes,
                           .total_rows = total_rows,
                           .bytes = done_bytes,
                           .rows = done_rows};

    take_sample(&meter, now_ns);
    return meter;
}

void progress_meter_add(ProgressMeter *meter, uint64_t bytes, uint64_t rows, uint64_t now_ns)
{
    const ProgressSample *newest = &meter->samples[(meter->sample_count - 1) % PROGRESS_SAMPLES];

    meter->bytes += bytes;
    meter->rows += rows;
    if (now_ns - newest->at_ns >= SECOND_NS)
        take_sample(meter, now_ns);
}

static const ProgressSample *oldest_sample(const ProgressMeter *meter)
{
    unsigned first = meter->sample_count > PROGRESS_SAMPLES ? meter->sample_count : 0;

    return &meter->samples[first % PROGRESS_SAMPLES];
}

static double pace_of(uint64_t moved, uint64_t elapsed_ns)
{
    return elapsed_ns > 0 ? (double)moved * (double)SECOND_NS / (double)elapsed_ns : 0.0;
}

static uint64_t round_pace(double per_second)
{
    return per_second < 0x1p63 ? (uint64_t)(per_second + 0.5) : UINT64_MAX;
}

static unsigned percent_of(uint64_t done, uint64_t total)
{
    unsigned percent = 0;

    if (done == total)
        return 100;
    if (done > total)
        return 99; /* the total was an estimate, and too low: who knows */
    percent = (unsigned)((double)done / (double)total * 100.0);
    return percent < 99 ? percent : 99;
}

static uint64_t time_left(uint64_t done, uint64_t total, double per_second)
{
    uint64_t left = done < total ? total - done : 0;
    double seconds = 0.0;

    if (done > total)
        return UINT64_MAX;
    if (left == 0)
        return 0;
    if (per_second <= 0.0)
        return UINT64_MAX;
    seconds = (double)left / per_second;
    if (seconds >= (double)LONGEST_GUESS_SECONDS)
        return UINT64_MAX;
    return (uint64_t)seconds + ((double)(uint64_t)seconds < seconds ? 1 : 0); /* rounded up */
}

ProgressPace progress_pace(const ProgressMeter *meter, uint64_t now_ns)
{
    const ProgressSample *since = oldest_sample(meter);
    double bytes_pace = pace_of(meter->bytes - since->bytes, now_ns - since->at_ns);
    double rows_pace = pace_of(meter->rows - since->rows, now_ns - since->at_ns);
    ProgressPace pace = {.bytes_per_second = round_pace(bytes_pace),
                         .rows_per_second = round_pace(rows_pace),
                         .seconds_left = UINT64_MAX};

    if (meter->total_bytes > 0) {
        pace.percent = percent_of(meter->bytes, meter->total_bytes);
        pace.seconds_left = time_left(meter->bytes, meter->total_bytes, bytes_pace);
    } else if (meter->total_rows > 0) {
        pace.percent = percent_of(meter->rows, meter->total_rows);
        pace.seconds_left = time_left(meter->rows, meter->total_rows, rows_pace);
    }
    return pace;
}

static void append_bytes_part(Text *line, const ProgressMeter *meter)
{
    char done[32];
    char total[32];

    format_bytes(meter->bytes, done, sizeof(done));
    format_bytes(meter->total_bytes, total, sizeof(total));
    if (meter->total_bytes >= meter->bytes && meter->total_bytes > 0)
        text_append_format(line, "  %s of %s", done, total);
    else if (meter->bytes > 0)
        text_append_format(line, "  %s", done);
}

static void append_rows_part(Text *line, const ProgressMeter *meter)
{
    char done[32];
    char total[32];

    format_count(meter->rows, done, sizeof(done));
    format_count(meter->total_rows, total, sizeof(total));
    if (meter->total_bytes == 0 && meter->total_rows >= meter->rows && meter->total_rows > 0)
        text_append_format(line, "  %s of %s rows", done, total);
    else if (meter->rows > 0)
        text_append_format(line, "  %s rows", done);
}

static void append_rate_part(Text *line, const ProgressMeter *meter, const ProgressPace *pace)
{
    char rate[32];

    if (pace->bytes_per_second > 0) {
        format_bytes(pace->bytes_per_second, rate, sizeof(rate));
        text_append_format(line, "  %s/s", rate);
    } else if (pace->rows_per_second > 0 && meter->bytes == 0) {
        format_count(pace->rows_per_second, rate, sizeof(rate));
        text_append_format(line, "  %s rows/s", rate);
    }
    if (pace->seconds_left > 0 && pace->seconds_left < UINT64_MAX) {
        format_duration(pace->seconds_left, rate, sizeof(rate));
        text_append_format(line, "  %s left", rate);
    }
}

void progress_format(const ProgressMeter *meter, const char *title, const char *note,
                     uint64_t now_ns, char *ret, size_t size)
{
    ProgressPace pace = progress_pace(meter, now_ns);
    AUTO_TEXT Text line = {0};
    size_t kept = 0;

    text_append(&line, title);
    if (meter->total_bytes > 0 || meter->total_rows > 0)
        text_append_format(&line, " %3u%%", pace.percent);
    append_bytes_part(&line, meter);
    append_rows_part(&line, meter);
    append_rate_part(&line, meter, &pace);
    if (note != NULL && *note != '\0')
        text_append_format(&line, "  %s", note);
    kept = utf8_cut(line.data, line.size, size - 1);
    memcpy(ret, line.data, kept);
    ret[kept] = '\0';
}

static Json *describe(const Progress *progress, uint64_t now_ns)
{
    ProgressPace pace = progress_pace(&progress->meter, now_ns);
    Json *numbers = json_object();

    json_set_string(numbers, "title", progress->title);
    json_set_unsigned(numbers, "bytes", progress->meter.bytes);
    json_set_unsigned(numbers, "total_bytes", progress->meter.total_bytes);
    json_set_unsigned(numbers, "rows", progress->meter.rows);
    json_set_unsigned(numbers, "total_rows", progress->meter.total_rows);
    json_set_unsigned(numbers, "percent", pace.percent);
    json_set_unsigned(numbers, "bytes_per_second", pace.bytes_per_second);
    json_set_unsigned(numbers, "rows_per_second", pace.rows_per_second);
    if (pace.seconds_left < UINT64_MAX)
        json_set_unsigned(numbers, "seconds_left", pace.seconds_left);
    else
        json_set_string(numbers, "seconds_left", NULL);
    json_set_string(numbers, "note", progress->note);
    return numbers;
}

static void show(Progress *progress, uint64_t now_ns, bool is_last)
{
    char line[512];

    progress_format(&progress->meter, progress->title, progress->note, now_ns, line, sizeof(line));
    if (is_last || !log_can_redraw())
        log_progress(line, describe(progress, now_ns));
    else
        log_redraw(line);
    progress->shown_ns = now_ns;
}

Progress *progress_start(const char *title, uint64_t total_bytes, uint64_t total_rows,
                         uint64_t done_bytes, uint64_t done_rows)
{
    Progress *progress = xcalloc(1, sizeof(*progress));
    uint64_t now_ns = clock_monotonic_ns();

    progress->meter = progress_meter(total_bytes, total_rows, done_bytes, done_rows, now_ns);
    progress->title = xstrdup(title);
    progress->shown_ns = now_ns;
    return progress;
}

void progress_add(Progress *progress, uint64_t bytes, uint64_t rows)
{
    uint64_t now_ns = clock_monotonic_ns();
    uint64_t since_ns = 0;

    if (progress == NULL)
        return;
    progress_meter_add(&progress->meter, bytes, rows, now_ns);
    since_ns = now_ns - progress->shown_ns;
    if (since_ns >= LINE_NS || (since_ns >= REDRAW_NS && log_can_redraw()))
        show(progress, now_ns, false);
}

void progress_expect(Progress *progress, uint64_t total_bytes)
{
    if (progress != NULL)
        progress->meter.total_bytes = total_bytes;
}

void progress_note(Progress *progress, const char *note)
{
    if (progress == NULL)
        return;
    free(progress->note);
    progress->note = xstrdup(note);
}

void progress_stop(Progress **progress)
{
    Progress *ended = TAKE(*progress);

    if (ended == NULL)
        return;
    show(ended, clock_monotonic_ns(), true);
    free(ended->title);
    free(ended->note);
    free(ended);
}
