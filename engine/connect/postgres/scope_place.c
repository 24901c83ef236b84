/* What the place of a qualified name asks for: tables of words, and the few that need more. */
#include <string.h>

#include "engine/connect/postgres/retarget.h"
#include "engine/connect/postgres/scope.h"

enum {
    /* What may stand anywhere; a routine stands behind words of its own, or is called. */
    SPACE_ANY = SPACE_RELATION | SPACE_TYPE | SPACE_OTHER,
};

/* ---- words before a name ---- */

typedef struct WordPlace {
    const char *word;
    unsigned spaces;
    bool has_arguments; /* parentheses behind the name hold types; never a column's name here */
} WordPlace;

static const WordPlace word_places[] = {
    {"aggregate", SPACE_ROUTINE, true},
    {"analyze", SPACE_RELATION, false},
    {"as", SPACE_TYPE, false}, /* CAST(x AS t), CREATE DOMAIN d AS t */
    {"class", SPACE_OTHER, false},
    {"cluster", SPACE_RELATION, false},
    {"collate", SPACE_OTHER, false},
    {"collation", SPACE_OTHER, false},
    {"column", SPACE_RELATION | SPACE_TYPE, false},
    {"concurrently", SPACE_RELATION, false},
    {"configuration", SPACE_OTHER, false},
    {"conversion", SPACE_OTHER, false},
    {"copy", SPACE_RELATION, false},
    {"dictionary", SPACE_OTHER, false},
    {"domain", SPACE_TYPE, false},
    {"family", SPACE_OTHER, false},
    {"function", SPACE_ROUTINE, true},
    {"handler", SPACE_ROUTINE, false},
    {"index", SPACE_RELATION, false},
    {"inherit", SPACE_RELATION, false},
    {"inline", SPACE_ROUTINE, false},
    {"lock", SPACE_RELATION, false},
    {"only", SPACE_RELATION, false},
    {"parser", SPACE_OTHER, false},
    {"partition", SPACE_RELATION, false}, /* ATTACH PARTITION p */
    {"procedure", SPACE_ROUTINE, true},
    {"references", SPACE_RELATION, false},
    {"returns", SPACE_TYPE, false},
    {"routine", SPACE_ROUTINE, true},
    {"sequence", SPACE_RELATION, false},
    {"setof", SPACE_TYPE, false},
    {"statistics", SPACE_OTHER, false},
    {"storage", SPACE_TYPE, false},
    {"support", SPACE_ROUTINE, false},
    {"table", SPACE_RELATION, false},
    {"template", SPACE_OTHER, false},
    {"truncate", SPACE_RELATION, false},
    {"type", SPACE_TYPE, false},
    {"update", SPACE_RELATION, false},
    {"vacuum", SPACE_RELATION, false},
    {"validator", SPACE_ROUTINE, false},
    {"view", SPACE_RELATION, false},
};

/* name = value in CREATE AGGREGATE, OPERATOR, TYPE and TEXT SEARCH. */
static const WordPlace property_places[] = {
    {"analyze", SPACE_ROUTINE, false},
    {"basetype", SPACE_TYPE, false},
    {"canonical", SPACE_ROUTINE, false},
    {"collation", SPACE_OTHER, false},
    {"combinefunc", SPACE_ROUTINE, false},
    {"deserialfunc", SPACE_ROUTINE, false},
    {"element", SPACE_TYPE, false},
    {"end", SPACE_ROUTINE, false},
    {"finalfunc", SPACE_ROUTINE, false},
    {"function", SPACE_ROUTINE, false},
    {"gettoken", SPACE_ROUTINE, false},
    {"headline", SPACE_ROUTINE, false},
    {"init", SPACE_ROUTINE, false},
    {"input", SPACE_ROUTINE, false},
    {"join", SPACE_ROUTINE, false},
    {"leftarg", SPACE_TYPE, false},
    {"lexize", SPACE_ROUTINE, false},
    {"lextypes", SPACE_ROUTINE, false},
    {"like", SPACE_TYPE, false},
    {"mfinalfunc", SPACE_ROUTINE, false},
    {"minvfunc", SPACE_ROUTINE, false},
    {"msfunc", SPACE_ROUTINE, false},
    {"mstype", SPACE_TYPE, false},
    {"multirange_type_name", SPACE_TYPE, false},
    {"output", SPACE_ROUTINE, false},
    {"procedure", SPACE_ROUTINE, false},
    {"receive", SPACE_ROUTINE, false},
    {"restrict", SPACE_ROUTINE, false},
    {"rightarg", SPACE_TYPE, false},
    {"send", SPACE_ROUTINE, false},
    {"serialfunc", SPACE_ROUTINE, false},
    {"sfunc", SPACE_ROUTINE, false},
    {"start", SPACE_ROUTINE, false},
    {"stype", SPACE_TYPE, false},
    {"subscript", SPACE_ROUTINE, false},
    {"subtype", SPACE_TYPE, false},
    {"subtype_diff", SPACE_ROUTINE, false},
    {"subtype_opclass", SPACE_OTHER, false},
    {"typmod_in", SPACE_ROUTINE, false},
    {"typmod_out", SPACE_ROUTINE, false},
};

/* Words behind which an expression begins. Any other word before a name is a name itself (of a
 * column, an argument, a variable), and its type follows. */
static const char *const expression_words[] = {
    "all",     "and",     "any",       "array",    "assert",    "atomic",    "begin",   "between",
    "both",    "by",      "call",      "case",     "check",     "declare",   "default", "distinct",
    "do",      "else",    "elseif",    "elsif",    "end",       "escape",    "except",  "exception",
    "exists",  "exit",    "fetch",     "for",      "from",      "group",     "having",  "if",
    "ilike",   "in",      "intersect", "into",     "is",        "leading",   "like",    "limit",
    "loop",    "next",    "not",       "of",       "offset",    "on",        "or",      "order",
    "perform", "placing", "query",     "raise",    "return",    "returning", "row",     "select",
    "set",     "similar", "slice",     "some",     "symmetric", "then",      "to",      "trailing",
    "union",   "using",   "values",    "variadic", "when",      "where",     "while",   "with",
};

static const WordPlace *find_word(const WordPlace *words, size_t count, const SqlToken *token)
{
    for (size_t i = 0; token->kind == SQL_WORD && i < count; i++)
        if (sql_is_word(token, words[i].word))
            return &words[i];
    return NULL;
}

static bool begins_expression(const SqlToken *token)
{
    if (!token_is_identifier(token))
        return true;
    for (size_t i = 0; i < sizeof(expression_words) / sizeof(expression_words[0]); i++)
        if (sql_is_word(token, expression_words[i]))
            return true;
    return false;
}

/* ---- places ---- */

typedef struct Around { /* the tokens before the chain, nearest first, and the one behind */
    const SqlToken *first;
    const SqlToken *second;
    const SqlToken *third;
    const SqlToken *next;
} Around;

static NamePlace in_space(unsigned spaces)
{
    return (NamePlace){.spaces = spaces};
}

/* In an expression: a call, a column of a table given in full, or a column of something. */
static NamePlace in_expression(const Around *around, const Chain *chain)
{
    if (sql_is(around->next, "("))
        return (NamePlace){.spaces = SPACE_ROUTINE, .spaces_else = SPACE_TYPE};
    if (chain->parts > 2)
        return in_space(SPACE_RELATION);
    return (NamePlace){.spaces_else = SPACE_ANY, .needs_no_alias = true};
}

/* In these spaces; what they do not know may still be an expression. */
static NamePlace first_in(unsigned spaces, const Around *around, const Chain *chain)
{
    NamePlace place = in_expression(around, chain);

    place.spaces_else |= place.spaces;
    place.spaces = spaces;
    return place;
}

static NamePlace operator_place(const Around *around)
{
    bool is_operator =
        (sql_is(around->first, "(") && sql_is_word(around->second, "operator")) ||
        (around->first->kind == SQL_NUMBER && sql_is_word(around->second, "operator")) ||
        sql_is_word(around->first, "operator");

    return in_space(is_operator ? SPACE_OPERATOR : 0);
}

/* t.c%TYPE is of a table on the path or of a variable. */
static NamePlace copied_type_place(const SqlTokens *tokens, const Chain *chain)
{
    bool is_row = sql_is_word(token_behind(tokens, chain->last, 2), "rowtype");

    return in_space(is_row || chain->parts > 2 ? SPACE_RELATION : 0);
}

static bool copies_type(const SqlTokens *tokens, const Chain *chain)
{
    const SqlToken *word = token_behind(tokens, chain->last, 2);

    return sql_is(token_behind(tokens, chain->last, 1), "%") &&
           (sql_is_word(word, "type") || sql_is_word(word, "rowtype"));
}

static NamePlace relation_place(const Around *around)
{
    return in_space(sql_is(around->next, "(") ? SPACE_ROUTINE : SPACE_RELATION);
}

/* Where more than one word tells it; nearest first. */
static const struct {
    const char *first;
    const char *second;
    const char *third; /* NULL: any */
    unsigned spaces;
} phrases[] = {
    {"into", "insert", NULL, SPACE_RELATION},
    {"into", "merge", NULL, SPACE_RELATION},
    {"by", "owned", NULL, SPACE_RELATION},
    {"by", "order", "for", SPACE_OTHER}, /* of an operator class */
    {"name", "sequence", NULL, SPACE_RELATION},
    {"of", "partition", NULL, SPACE_RELATION},
    {"for", "transform", NULL, SPACE_TYPE},
    {"to", "select", "on", SPACE_RELATION}, /* the event of a rule */
    {"to", "insert", "on", SPACE_RELATION},
    {"to", "update", "on", SPACE_RELATION},
    {"to", "delete", "on", SPACE_RELATION},
};

static unsigned phrase_spaces(const Around *around)
{
    for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
        if (sql_is_word(around->first, phrases[i].first) &&
            sql_is_word(around->second, phrases[i].second) &&
            (phrases[i].third == NULL || sql_is_word(around->third, phrases[i].third)))
            return phrases[i].spaces;
    return 0;
}

/* Words that mean something else in another statement or clause. */
static unsigned local_spaces(const Scope *scope, const Around *around, const Frame *frame)
{
    const SqlToken *word = around->first;

    if (sql_is_word(word, "on") && !frame->in_from)
        return scope->head == HEAD_STATISTICS && sql_is(around->next, "(") ? SPACE_ROUTINE
                                                                           : SPACE_RELATION;
    if (sql_is_word(word, "of") && scope->head == HEAD_TABLE)
        return SPACE_TYPE;
    if (sql_is_word(word, "like") && frame->kind == FRAME_COLUMNS)
        return SPACE_RELATION;
    if (sql_is_word(word, "from") && scope->head == HEAD_CONVERSION)
        return SPACE_ROUTINE;
    return 0;
}

/* True when the place is decided. */
static bool word_place(const Scope *scope, const Around *around, const Frame *frame, NamePlace *ret)
{
    unsigned spaces = phrase_spaces(around);

    *ret = in_space(spaces != 0 ? spaces : local_spaces(scope, around, frame));
    return ret->spaces != 0;
}

/* Where parentheses tell it. True when the place is decided. */
static bool frame_place(const Around *around, const Frame *frame, const Chain *chain,
                        NamePlace *ret)
{
    const SqlToken *first = around->first;
    bool is_first = sql_is(first, "(") || sql_is(first, ",");
    bool is_second = sql_is(around->second, "(") || sql_is(around->second, ",");

    if (frame->kind == FRAME_TYPES &&
        (is_first || (token_is_identifier(first) && !sql_is_word(first, "default")))) {
        *ret = first_in(SPACE_TYPE, around, chain);
        return true;
    }
    if (frame->kind == FRAME_COLUMNS && token_is_identifier(first) && is_second &&
        !sql_is_word(first, "like")) {
        *ret = in_space(SPACE_TYPE);
        return true;
    }
    if (frame->kind == FRAME_RELATIONS && is_first) {
        *ret = in_space(SPACE_RELATION);
        return true;
    }
    if (frame->kind == FRAME_INDEX && !is_first && !sql_is_word(first, "collate")) {
        *ret = first_in(SPACE_OTHER, around, chain);
        return true;
    }
    return false;
}

/* Where the kind of the statement tells it. */
static bool head_place(const Scope *scope, const Around *around, const Chain *chain, NamePlace *ret)
{
    const WordPlace *property = NULL;

    if (scope->head == HEAD_TEXT_SEARCH) {
        *ret = first_in(SPACE_OTHER, around, chain);
        return true;
    }
    if (scope->head == HEAD_OPERATOR_CLASS && sql_is(around->next, "(")) {
        *ret = in_space(SPACE_ROUTINE);
        return true;
    }
    if (scope->head != HEAD_AGGREGATE && scope->head != HEAD_OPERATOR && scope->head != HEAD_TYPE &&
        scope->head != HEAD_TEXT_SEARCH_CODE)
        return false;
    if (scope->count != 2 || !sql_is(around->first, "="))
        return false;
    property = find_word(property_places, sizeof(property_places) / sizeof(property_places[0]),
                         around->second);
    if (property == NULL)
        return false;
    *ret = in_space(property->spaces);
    return true;
}

static void expect_frame(Scope *scope, const Chain *chain, FrameKind kind)
{
    scope->opener = chain->last;
    scope->opened = kind;
}

static void expect_columns(Scope *scope, const Chain *chain)
{
    if (scope->head == HEAD_TABLE && scope->is_create && scope->count == 1)
        expect_frame(scope, chain, FRAME_COLUMNS);
}

/* A type's name follows that of a column or argument, or a word of its own. */
static NamePlace named_place(Scope *scope, const Around *around, const Chain *chain)
{
    const WordPlace *word =
        find_word(word_places, sizeof(word_places) / sizeof(word_places[0]), around->first);

    if (word != NULL) {
        if (word->has_arguments)
            expect_frame(scope, chain, FRAME_TYPES);
        else
            expect_columns(scope, chain);
        /* Most of these words may be names of columns and variables, too. */
        return (NamePlace){.spaces = word->spaces,
                           .spaces_else = word->has_arguments ? 0 : SPACE_TYPE};
    }
    if (!begins_expression(around->first) || around->next->kind == SQL_STRING)
        return first_in(SPACE_TYPE, around, chain);
    if (sql_is_word(around->first, "exists") && scope->count == 1) { /* IF NOT EXISTS */
        expect_columns(scope, chain);
        return in_space(scope->head == HEAD_TABLE ? SPACE_RELATION : SPACE_ANY);
    }
    return in_expression(around, chain);
}

static bool expects_listed(const Scope *scope, const SqlTokens *tokens, const Chain *chain)
{
    return chain->first > 0 && scope_expects_relation(scope, tokens, chain->first - 1);
}

NamePlace scope_place(Scope *scope, const SqlTokens *tokens, const Chain *chain)
{
    const Frame *frame = &scope->frames[scope->count - 1];
    Around around = {.first = token_before(tokens, chain->first, 1),
                     .second = token_before(tokens, chain->first, 2),
                     .third = token_before(tokens, chain->first, 3),
                     .next = token_behind(tokens, chain->last, 1)};
    NamePlace place = {0};

    if (chain->is_operator) {
        expect_frame(scope, chain, FRAME_TYPES);
        return operator_place(&around);
    }
    if (copies_type(tokens, chain))
        return copied_type_place(tokens, chain);
    if (sql_is(around.first, "::"))
        return in_space(SPACE_TYPE);
    if (frame_place(&around, frame, chain, &place) || head_place(scope, &around, chain, &place))
        return place;
    if (word_place(scope, &around, frame, &place)) {
        if (scope->head == HEAD_INDEX && scope->count == 1)
            expect_frame(scope, chain, FRAME_INDEX);
        return place;
    }
    if (expects_listed(scope, tokens, chain))
        return relation_place(&around);
    return named_place(scope, &around, chain);
}
