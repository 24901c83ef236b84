/*
 * SQLite files for unit tests, in the test's own folder.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* Removes the file with all that SQLite keeps beside it, then makes it with these statements. */
void set_database(const char *path, const char *sql);

/* Runs statements on a connection of its own; the test fails when they do. */
void set_sql(const char *path, const char *sql);

/* The first column of the first row, or 0. */
int64_t ask_integer(const char *path, const char *sql);

/* A process that runs these statements over and over, until stopped. */
pid_t start_writer(const char *path, const char *sql);
void stop_writer(pid_t writer);
