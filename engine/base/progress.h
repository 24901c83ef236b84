/*
 * Progress on stderr: bytes, rows, rate and time left. On a terminal one line redrawn at most once
 * a second; elsewhere one line every 10 s; with LOG_FORMAT_JSON one object every 10 s. A NULL
 * Progress is quiet: every call accepts it. Used from the driver thread only.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct Progress Progress;

/* Totals may be 0 (unknown). done_* count what earlier runs have moved already: they show in the
 * percentage but not in the rate. */
Progress *progress_start(const char *title, uint64_t total_bytes, uint64_t total_rows,
                         uint64_t done_bytes, uint64_t done_rows);
void progress_add(Progress *progress, uint64_t bytes, uint64_t rows); /* 0, 0: only redraw */
/* A better total of bytes: where sizes are estimates, what is done says more about the rest. */
void progress_expect(Progress *progress, uint64_t total_bytes);
void progress_note(Progress *progress, const char *note); /* the table now; copied */
void progress_stop(Progress **progress);                  /* last state on its own line */

/*
 * The arithmetic, with the clock as an argument, so that it can be tested. The rate is the average
 * since the oldest of the last samples, taken at most once a second; it decays when nothing moves.
 */
#define PROGRESS_SAMPLES 8

typedef struct ProgressSample {
    uint64_t at_ns;
    uint64_t bytes;
    uint64_t rows;
} ProgressSample;

typedef struct ProgressMeter {
    uint64_t total_bytes; /* 0: unknown */
    uint64_t total_rows;
    uint64_t bytes; /* with those of earlier runs */
    uint64_t rows;
    ProgressSample samples[PROGRESS_SAMPLES]; /* a ring; the first is the start of this run */
    unsigned sample_count;                    /* ever taken */
} ProgressMeter;

ProgressMeter progress_meter(uint64_t total_bytes, uint64_t total_rows, uint64_t done_bytes,
                             uint64_t done_rows, uint64_t now_ns);
void progress_meter_add(ProgressMeter *meter, uint64_t bytes, uint64_t rows, uint64_t now_ns);

typedef struct ProgressPace {
    uint64_t bytes_per_second;
    uint64_t rows_per_second;
    unsigned percent;      /* rounded down: 100 is only for all of it; 0 when no total is known */
    uint64_t seconds_left; /* UINT64_MAX: unknown */
} ProgressPace;

ProgressPace progress_pace(const ProgressMeter *meter, uint64_t now_ns);

/*
 * "copy  43%  1.2 GiB of 2.8 GiB  12,345,678 rows  85.1 MiB/s  19s left  orders": what is unknown
 * is left out; without bytes the rows take their place. note may be NULL. Cut to size at a
 * character.
 */
void progress_format(const ProgressMeter *meter, const char *title, const char *note,
                     uint64_t now_ns, char *ret, size_t size);
