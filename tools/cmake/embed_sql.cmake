# cmake -DSQL=foo.sql -DHEADER=foo.sql.h -P embed_sql.cmake
# Writes the text of SQL as `static const char foo_sql[]`, one string literal per line of SQL.
get_filename_component(name ${SQL} NAME)
string(MAKE_C_IDENTIFIER ${name} identifier)

file(READ ${SQL} text)
string(REPLACE "\\" "\\\\" text "${text}")
string(REPLACE "\"" "\\\"" text "${text}")
string(REPLACE "?" "\\?" text "${text}")
string(REPLACE "\n" "\\n\"\n    \"" text "${text}")

file(WRITE ${HEADER}
    "/* Generated from ${name}; edit that file instead. */\n"
    "#pragma once\n\n"
    "static const char ${identifier}[] =\n    \"${text}\";\n")
