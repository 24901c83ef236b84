#!/usr/bin/env bash
# Fails when a file includes a header that the architecture does not let it see:
#   - a room sees itself and the rooms below it, by paths from the repository root;
#   - foo.c includes its own foo.h first;
#   - each foreign library has one home;
#   - an embedded statement file (foo.sql.h) is seen by its own room alone.
set -u
. "$(dirname "$0")/../tests/lint/files.sh"

repository_files '*.c' '*.h' | xargs -r -d '\n' awk '
function allowed(file,    part) { # path prefixes that a file may include
    split(file, part, "/")
    if (file ~ /^engine\/base\//) return "engine/base"
    if (file ~ /^engine\/flow\//) return "engine/flow engine/base"
    if (file ~ /^engine\/run\//) return "engine/run engine/flow engine/base"
    if (file ~ /^engine\/connect\/[^\/]+\//)
        return "engine/connect/" part[3] " engine/flow engine/base"
    if (file ~ /^journal\//) return "journal engine/flow engine/base"
    if (file ~ /^(backup|verify)\//) return part[1] " journal engine/run engine/flow engine/base"
    if (file ~ /^stages\//)
        return "stages backup verify journal engine/run engine/flow engine/base"
    if (file ~ /^tools\//) return "tools stages backup verify journal engine"
    if (file ~ /^tests\//) return "tests tools stages backup verify journal engine"
    return ""
}
function home(header) { # where a foreign header may be included; "" = anywhere
    if (header ~ /^sqlite3(ext)?\.h$/) return "^(journal/|engine/connect/sqlite/|backup/archive_ledger|tests/)"
    if (header ~ /^(postgresql\/)?(libpq-fe|libpq-events|pg_config)\.h$/)
        return "^(engine/connect/postgres/|tests/)"
    if (header ~ /^(archive|archive_entry|zstd|zstd_errors)\.h$/)
        return "^(backup/|engine/connect/files/)"
    if (header ~ /^openssl\//) return "^engine/base/sha256\\.c$"
    if (header ~ /^(cjson\/)?cJSON/) return "^engine/base/json\\.c$"
    if (header ~ /^xx(hash|h3)\.h$/) return "^engine/flow/"
    if (header ~ /^(expat|zlib)\.h$/) return "^engine/connect/lightrag/"
    if (header == "cmocka.h") return "^tests/"
    return ""
}
function folder(path) { sub(/\/[^\/]*$/, "", path); return path }
function exists(path,    line, found) {
    found = (getline line < path) >= 0
    close(path)
    return found
}
function complain(what) { print FILENAME ":" FNR ": " what; failed = 1 }

FNR == 1 {
    first = 1
    own = FILENAME
    own = sub(/\.c$/, ".h", own) && exists(own) ? own : ""
}
/^[ \t]*#[ \t]*include[ \t]*"/ {
    header = $0
    sub(/^[^"]*"/, "", header)
    sub(/".*$/, "", header)
    if (first && own != "" && header != own) complain("must include its own \"" own "\" first")
    first = 0
    if (header ~ /\.sql\.h$/) {
        source = header
        sub(/\.h$/, "", source)
        if (folder(header) != folder(FILENAME)) complain("must not include \"" header "\" of another room")
        else if (!exists(source)) complain("there is no " source " to embed")
        next
    }
    seen = 0
    count = split(allowed(FILENAME), prefix, " ")
    for (i = 1; i <= count; i++)
        if (index(header, prefix[i] "/") == 1) seen = 1
    if (!seen || header ~ /\.\./) complain("must not include \"" header "\"")
}
/^[ \t]*#[ \t]*include[ \t]*</ {
    header = $0
    sub(/^[^<]*</, "", header)
    sub(/>.*$/, "", header)
    if (first && own != "") complain("must include its own \"" own "\" first")
    first = 0
    place = home(header)
    if (place != "" && FILENAME !~ place)
        complain("must not include <" header ">: its home is elsewhere")
}
END { exit failed }
'
