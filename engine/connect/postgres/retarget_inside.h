/*
 * What the files of retargeting share. One text is read into its solid tokens (a Walk) and gone
 * through once: retarget.c finds the pairs and writes, scope.c knows from the words around what a
 * place asks for, retarget_literal.c reads reg* literals, retarget_routine.c bodies and search_path.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "engine/connect/postgres/retarget.h"
#include "engine/connect/postgres/scope.h"
#include "engine/connect/postgres/sql_lexer.h"

/* ---- the map ---- */

typedef enum Answer {
    ANSWER_UNKNOWN,
    ANSWER_KNOWN,     /* perhaps where it is already */
    ANSWER_AMBIGUOUS, /* within one of the spaces, or between them */
} Answer;

/* ret_to, written for ANSWER_KNOWN only, is valid as long as the map. */
Answer name_map_ask(const NameMap *map, unsigned spaces, const char *schema, const char *name,
                    const char **ret_to);
/* All of them, the first that was added first; added to a list that may have some. */
void name_map_answers(const NameMap *map, unsigned spaces, const char *schema, const char *name,
                      TextList *ret);
bool name_map_has_schema(const NameMap *map, const char *schema);  /* is anything known of it? */
const char *name_map_path(const NameMap *map, const char *schema); /* or NULL */
const TextList *name_map_path_end(const NameMap *map, const char *schema);

/* ---- a text ---- */

typedef struct Walk {
    const NameMap *map;
    struct Walk *outer; /* of a body: the statement it stands in, whose arguments are names */
    SqlTokens tokens;
    Scope scope;
    size_t body; /* the token that is the body of the routine which is being read; or SIZE_MAX */
    bool has_aliases;
    TextList aliases; /* schemas whose name stands there without a dot behind, too; made on need */
    TextList *path;   /* of retarget_on_path(); NULL: a name with two answers is refused */
    const char *copied; /* everything before it is in `out` */
    Text *out;
    bool changed;
} Walk;

/* Puts new_text in place of a token, or before it. */
void walk_replace(Walk *walk, const SqlToken *token, const char *new_text);
void walk_insert(Walk *walk, const SqlToken *token, const char *new_text);

Status retarget_inner(const NameMap *map, Walk *outer, const char *sql, Text *ret,
                      bool *ret_changed, Error *err);

/* The new schema of a name, NULL when it stays; ERROR_REFUSED when the map has two answers. */
Status walk_ask(const NameMap *map, unsigned spaces, const char *schema, const char *name,
                const char **ret_to, Answer *ret_answer, Error *err);

/* A string or dollar quote: rewritten when it is a reference. */
Status walk_literal(Walk *walk, size_t at, Error *err);

/* ARRAY[...]::reg*[], at on the ']': refused when it names something that moves. */
Status walk_array(const Walk *walk, size_t at, Error *err);

/* At the first token of a statement: finds the body when it makes a routine whose body is text. */
void walk_find_body(Walk *walk, size_t at);
Status walk_body(Walk *walk, Error *err);
void walk_search_path(Walk *walk, size_t at); /* at the word search_path */
