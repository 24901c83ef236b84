/*
 * SQLite's SQL as tokens, for the few safe rewrites that staging needs. Statements come from
 * sqlite_schema, where SQLite has stored them as "CREATE TABLE name...", "CREATE [UNIQUE] INDEX
 * name ON table...", "CREATE VIEW name...", "CREATE TRIGGER name...": well-formed by construction.
 * Rewriting is by token: comments, strings, blobs and quoted names are never looked into by text.
 */
#pragma once

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/base/text.h"

/*
 * The CREATE TABLE statement of `table` with another name: its own name after CREATE TABLE, its own
 * name before a '.' (CHECK and generated columns may say table.column), and every REFERENCES
 * parent replaced by rename(context, parent), which returns the new parent name (the caller of
 * rename frees) or NULL to keep it. All other bytes stay as they are.
 */
typedef char *(*SqlRename)(void *context, const char *name);
Status sql_rename_table(const char *statement, const char *table, const char *new_name,
                        SqlRename rename_parent, void *context, char **ret, Error *err);

/* The CREATE INDEX statement with another index and table name (and table.column in expressions).
 */
Status sql_rename_index(const char *statement, const char *table, const char *new_index,
                        const char *new_table, char **ret, Error *err);

/* Names of the parents that a CREATE TABLE statement references, each once (case-insensitive). */
Status sql_parents(const char *statement, TextList *ret, Error *err);

/* The table or view that a CREATE TRIGGER statement is on, as written there; the caller frees. */
Status sql_trigger_table(const char *statement, char **ret, Error *err);

/* Does the statement contain this keyword outside comments, strings and quoted names? */
bool sql_has_keyword(const char *statement, const char *keyword);

/* Is this name, quoted or not, or a string of that content, in the statement? */
bool sql_mentions(const char *statement, const char *name);

/* Appends text as an SQL string literal. */
void sql_append_literal(Text *text, const char *string);

/* Are two CREATE statements the same but for the spelling of the words before the object's name,
 * which SQLite stores in its own way? */
bool sql_same_statement(const char *a, const char *b);
