/*
 * Help pages, made from the tables of commands and options.
 */
#pragma once

#include <stdio.h>

#include "engine/base/text.h"
#include "tools/options.h"

/* The page asked for: of the command, of all, or the version. */
void help_write(const Options *options, Text *ret);

/* A few lines for who typed nothing. */
void help_write_short(FILE *file);
