# shellcheck shell=bash
# The oracle for PostgreSQL: says by psql and pg_dump alone whether a staged copy equals its source,
# never by code under test. Sourced after postgres.sh.
#
#   pg_control SOURCE DATABASE TARGET CONTROL   makes the control copy: database CONTROL in cluster
#                                     TARGET, by pg_dump | psql from SOURCE
#   pg_live TARGET DATABASE           what the target holds besides our schemas
#   pg_staged_equal TARGET DATABASE CONTROL [FILTER]  fails, after showing the difference, unless the
#                                     staging schemas of DATABASE, with their names mapped back, equal
#                                     the database CONTROL of the same cluster
#   pg_equal TARGET DATABASE CONTROL  the same for a database without staging
#
# What a staged copy leaves for the promotion is not looked for: enabled and forced row security,
# grants, comments on schemas, publications. Extensions are shared with what is live. A function that
# has no search_path of its own may have, while it is staged, the one that a session usually has.
# FILTER is a command that both sides' descriptions go through, for differences that a test wants.

pg_read() { # NAME DATABASE PSQL-OPTION...: with pinned settings and every name qualified
    local name=$1 database=$2
    shift 2
    PGOPTIONS="-c search_path= -c timezone=UTC -c datestyle=ISO -c intervalstyle=postgres -c extra_float_digits=3 \
-c bytea_output=hex -c row_security=off -c default_transaction_read_only=on -c jit=off" pg_sql "$name" "$database" "$@"
}

pg_control() { # SOURCE DATABASE TARGET CONTROL
    pg_sql "$3" postgres -c "CREATE DATABASE \"$4\" TEMPLATE template0" || return 1
    pg_dump_of "$1" "$2" --no-owner --no-acl --load-via-partition-root --no-publications \
        --no-subscriptions >"$TMPDIR/control.sql" || return 1
    sed -i '/^SET transaction_timeout = 0;$/d' "$TMPDIR/control.sql" # what a target before 17 does not know
    pg_sql "$3" "$4" -o /dev/null -f "$TMPDIR/control.sql"
}

pg_schemas() { # NAME DATABASE: all schemas of people's
    pg_read "$1" "$2" -c "SELECT nspname FROM pg_namespace
        WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'stopover') ORDER BY 1"
}

pg_array() { # lines of stdin as an array literal
    awk '{ gsub(/[\\"]/, "\\\\&"); printf "%s\"%s\"", NR == 1 ? "{" : ",", $0 } END { print NR == 0 ? "{}" : "}" }'
}

# A sed script that brings the names of the staging schemas back: one line for each, from the name of
# the schema that it stands for, of which the end may have been cut off.
pg_mapping() { # STAGING-NAMES SOURCE-NAMES
    local staged bare name found
    while read -r staged; do
        bare=${staged%_staging_??????}
        found=
        while read -r name; do
            if [ "$name" = "$bare" ]; then
                found=$name
                break
            elif [ ${#staged} -gt 40 ] && [ "${name#"$bare"}" != "$name" ]; then
                found=$name
            fi
        done <"$2"
        [ -n "$found" ] || { echo "no schema for $staged" >&2; return 1; }
        printf 's/%s/%s/g\n' "$(sed 's/[]\/$*.^[]/\\&/g' <<<"${staged//\"/\"\"}")" "$(sed 's/[\/&\\]/\\&/g' <<<"${found//\"/\"\"}")"
    done <"$1"
}

# A dump as a sorted list of its entries. Left out are headers and \restrict (random), session settings,
# what stands for schemas and extensions themselves, and what waits for the promotion. A search_path
# that was pinned got one entry more.
pg_dump_entries() {
    perl -CSD -0777 -e '
        my @kept;
        for (split /^--\n-- Name: /m, <STDIN>) {
            next unless s/^(.*); Type: ([A-Z ]+); Schema: (.*); Owner: .*\n--\n//;
            my ($name, $type, $schema, $text) = ($1, $2, $3, $_);
            next if $type =~ /^(SCHEMA|EXTENSION|ROW SECURITY|PUBLICATION|PUBLICATION TABLE|CAST)$/;
            next if $type eq "COMMENT" && $name =~ /^(SCHEMA|EXTENSION|CAST) /;
            $text =~ s/^\\(un)?restrict .*\n//mg;
            $text =~ s/^--\n-- PostgreSQL database dump complete\n--\n//m;
            $text =~ s/^SET default_\w+ = .*\n//mg;
            $text =~ s/^ALTER TABLE (ONLY )?.* FORCE ROW LEVEL SECURITY;\n//mg;
            $text =~ s/^(\s*SET search_path TO )(.*)$/my ($a, %seen) = ($1); $a . join(", ", grep { !$seen{$_}++ } split m{, }, $2)/mge;
            $text =~ s/\n+\z/\n/; $text =~ s/\A\n+//;
            push @kept, "== $type $schema $name\n$text";
        }
        print sort @kept;'
}

pg_dumped() { # NAME DATABASE SCHEMAS-FILE SED-SCRIPT
    local -a schemas=()
    mapfile -t schemas < <(sed 's/"/""/g; s/.*/--schema="&"/' "$3")
    pg_dump_of "$1" "$2" --schema-only --no-owner --no-acl --no-publications --no-subscriptions \
        "${schemas[@]}" | sed -f "$4" | pg_dump_entries
}

pg_structure() { # NAME DATABASE SCHEMAS-FILE SED-SCRIPT
    pg_read "$1" "$2" -v schemas="$(pg_array <"$3")" -f "$STOPOVER_SUPPORT/pg_structure.sql" | sed -f "$4" |
        perl -CSD -pe 's/(SET search_path TO )(.*?)(?=\\n|$)/my ($a, %seen) = ($1); $a . join(", ", grep { !$seen{$_}++ } split m{, }, $2)/eg' |
        LC_ALL=C sort
}

# Rows of every table and materialized view, independent of their order; values of sequences. Where a row
# of hash partitions lies may depend on OIDs of enum values: these are read through their parent.
pg_contents() { # NAME DATABASE SCHEMAS-FILE SED-SCRIPT
    pg_read "$1" "$2" -v schemas="$(pg_array <"$3")" <<'SQL' | sed -f "$4" | LC_ALL=C sort
SELECT CASE
    WHEN c.relkind = 'S' THEN format('SELECT %L, last_value, is_called FROM %s', 'sequence ' || c.oid::regclass, c.oid::regclass)
    WHEN NOT c.relispopulated THEN format('SELECT %L', c.oid::regclass || ' is not populated')
    ELSE format('SELECT %L, count(*), coalesce(sum(hashtextextended("row of the oracle"::text COLLATE "C", 0)::numeric), 0),
        coalesce(sum(hashtextextended("row of the oracle"::text COLLATE "C", 4711)::numeric), 0) FROM %s %s AS "row of the oracle"',
        c.oid::regclass, CASE c.relkind WHEN 'p' THEN '' ELSE 'ONLY' END, c.oid::regclass) END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (:'schemas'::name[]) AND (c.relkind IN ('r', 'm', 'S') OR EXISTS (SELECT FROM pg_partitioned_table p WHERE p.partrelid = c.oid AND p.partstrat = 'h'))
    AND NOT EXISTS (SELECT FROM pg_partition_ancestors(c.oid) a JOIN pg_partitioned_table p ON p.partrelid = a.relid WHERE p.partstrat = 'h' AND a.relid <> c.oid)
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.oid::regclass::text
\gexec
SQL
}

# Every entry of every B-tree is held against its table, with expressions and predicates computed anew:
# an index that was built with other functions than now does not pass. Leaves nothing behind.
pg_indexes_fit() { # NAME DATABASE SCHEMAS-FILE
    [ -n "$(pg_read "$1" "$2" -c "SELECT 1 FROM pg_available_extensions WHERE name = 'amcheck'")" ] || return 0
    pg_sql "$1" "$2" -o /dev/null -v schemas="$(pg_array <"$3")" <<'SQL'
BEGIN;
CREATE SCHEMA oracle_amcheck;
CREATE EXTENSION amcheck SCHEMA oracle_amcheck;
SELECT oracle_amcheck.bt_index_check(i.indexrelid, true) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
    JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE a.amname = 'btree' AND c.relkind = 'i' AND n.nspname = ANY (:'schemas'::name[]) AND i.indisvalid;
ROLLBACK;
SQL
}

pg_same() { # WHAT: compares the files $TMPDIR/staged.WHAT and $TMPDIR/control.WHAT
    [ -s "$TMPDIR/control.$1" ] || { echo "FAILED: the control copy has no $1"; return 1; }
    cmp -s "$TMPDIR/staged.$1" "$TMPDIR/control.$1" && return 0
    echo "FAILED: $1: staged copy (<) and control copy (>) differ:"
    diff "$TMPDIR/staged.$1" "$TMPDIR/control.$1" | cut -c1-400 | head -40
    return 1
}

# A body may say "app" or app: what needs no quotes has none on both sides.
pg_unquote() { # makes $TMPDIR/control.sed, adds to map.sed
    sed -nE "s/^([a-z_][a-z0-9_]*)\$/s\\/\"\\1\"\\/\\1\\/g/p" "$TMPDIR/control.schemas" >"$TMPDIR/control.sed"
    cat "$TMPDIR/control.sed" >>"$TMPDIR/map.sed"
}

# Takes the usual search_path from routines of staged.WHAT that have none in control.WHAT, and from the
# end of any path the schemas of extensions; another path stays, to be found different.
pg_without_usual_path() { # TARGET DATABASE CONTROL WHAT
    local usual extensions
    usual=$(pg_sql "$1" "$3" -c "SELECT string_agg(quote_literal(s), ', ' ORDER BY n) FROM unnest(current_schemas(false)) WITH ORDINALITY u(s, n)") || return 1
    extensions=$(pg_sql "$1" "$2" -c "SELECT string_agg(quote_literal(extnamespace::regnamespace), '|') FROM pg_extension") || return 1
    USUAL=$usual EXTENSIONS=$extensions perl -CSD -e '
        sub read_all { open my $f, "<", $_[0] or die "$_[0]: $!"; local $/; return scalar <$f> }
        my ($staged, $control) = map { read_all($_) } @ARGV;
        my $record = qr/^(?:routine\|[^|]*\|.*\n|== (?:FUNCTION|PROCEDURE|AGGREGATE) .*\n(?:(?!== ).*\n)*)/m;
        my $key = qr/\A(routine\|[^|]*\||== .*)/;
        my $path = qr/(?:\\n|\n)\s*SET search_path TO (.*?)(?=;?(?:\\n|\n))/;
        my %pinned;
        while ($control =~ /$record/g) { my $r = $&; my ($k) = $r =~ $key; $pinned{$k} = $r =~ $path ? $1 : "" }
        $staged =~ s{$record}{
            my $r = $&; my ($k) = $r =~ $key;
            if (exists $pinned{$k} && $r =~ $path) {
                my ($clause, $value, $own) = ($&, $1, $pinned{$k});
                (my $bare = $value) =~ s/(?:, (?:$ENV{EXTENSIONS}))+$//;
                if ($own ne "" && $value ne $own && $bare eq $own) {
                    (my $replaced = $clause) =~ s/\Q$value\E$/$own/;
                    $r =~ s/\Q$clause\E/$replaced/;
                } elsif ($own eq "" && ($value eq $ENV{USUAL} || $bare =~ /^\Q$ENV{USUAL}\E(?:, \S+)?$/)) {
                    $r =~ s/\Q$clause\E//;
                }
            }
            $r }gme;
        print $staged;' "$TMPDIR/staged.$4" "$TMPDIR/control.$4" >"$TMPDIR/staged.own" && mv "$TMPDIR/staged.own" "$TMPDIR/staged.$4"
}

# For the same comparison again and again: pg_control_stays=yes says that the control copy does not
# change, and that its dump, slow to take, need not be compared.
pg_control_is_read() {
    [ -n "${pg_control_stays:-}" ] && [ -s "$TMPDIR/control.contents" ]
}

pg_compare() { # TARGET DATABASE CONTROL FILTER [is-staged], with $TMPDIR/{staged,control}.schemas and map.sed
    local filter=$4
    pg_unquote
    pg_structure "$1" "$2" "$TMPDIR/staged.schemas" "$TMPDIR/map.sed" | $filter | LC_ALL=C sort >"$TMPDIR/staged.structure"
    pg_control_is_read || pg_structure "$1" "$3" "$TMPDIR/control.schemas" "$TMPDIR/control.sed" | $filter | LC_ALL=C sort >"$TMPDIR/control.structure"
    [ -z "${5:-}" ] || pg_without_usual_path "$1" "$2" "$3" structure || return 1
    pg_same structure || return 1
    pg_contents "$1" "$2" "$TMPDIR/staged.schemas" "$TMPDIR/map.sed" >"$TMPDIR/staged.contents"
    pg_control_is_read || pg_contents "$1" "$3" "$TMPDIR/control.schemas" "$TMPDIR/control.sed" >"$TMPDIR/control.contents"
    pg_same contents || return 1
    # without a pg_dump of its own, the installed one may be too old for this server
    if [ -z "${pg_control_stays:-}" ] && [ -x "${pg_bin[$1]}/pg_dump" ]; then
        pg_dumped "$1" "$2" "$TMPDIR/staged.schemas" "$TMPDIR/map.sed" | $filter >"$TMPDIR/staged.dump"
        pg_dumped "$1" "$3" "$TMPDIR/control.schemas" "$TMPDIR/control.sed" | $filter >"$TMPDIR/control.dump"
        [ -z "${5:-}" ] || pg_without_usual_path "$1" "$2" "$3" dump || return 1
        pg_same dump || return 1
    fi
    pg_indexes_fit "$1" "$2" "$TMPDIR/staged.schemas" || { echo "FAILED: an index does not fit its table"; return 1; }
}

pg_staged_equal() { # TARGET DATABASE CONTROL [FILTER]
    local outside
    pg_schemas "$1" "$3" >"$TMPDIR/control.schemas"
    pg_schemas "$1" "$2" | grep -E '_staging_[0-9a-f]{6}$' >"$TMPDIR/staged.schemas" || { echo "FAILED: nothing is staged"; return 1; }
    [ "$(sed 's/.*_staging_//' "$TMPDIR/staged.schemas" | sort -u | wc -l)" -eq 1 ] || { echo "FAILED: two attempts are staged"; return 1; }
    pg_mapping "$TMPDIR/staged.schemas" "$TMPDIR/control.schemas" >"$TMPDIR/map.sed" || return 1
    outside=$(pg_read "$1" "$2" -v schemas="$(pg_array <"$TMPDIR/staged.schemas")" -f "$STOPOVER_SUPPORT/pg_closed.sql")
    [ -z "$outside" ] || { echo "FAILED: staged and live objects depend on each other:"; echo "$outside" | head -20; return 1; }
    pg_live_bodies "$1" "$2" || return 1
    pg_compare "$1" "$2" "$3" "${4:-cat}" is-staged
}

# Bodies of staged functions that name a live schema: text that no dependency knows of. Schemas that
# are staged themselves are looked for; a line of comment or a text that a test wants may stay, by
# the regular expression pg_bodies_may_say.
pg_live_bodies() { # TARGET DATABASE, with $TMPDIR/{staged,control}.schemas
    local found
    found=$(pg_read "$1" "$2" -v staged="$(pg_array <"$TMPDIR/staged.schemas")" -v names="$(pg_array <"$TMPDIR/control.schemas")" \
        -v allowed="${pg_bodies_may_say:-^$}" <<'SQL'
SELECT p.oid::regprocedure || ': ' || line
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace, regexp_split_to_table(p.prosrc, E'\n') line, unnest(:'names'::name[]) s
WHERE n.nspname = ANY (:'staged'::name[]) AND line !~ :'allowed' AND line !~ '^\s*(/\*|--)'
    AND regexp_replace(line, '--.*$', '') ~ ('(^|[^[:alnum:]_$".])"?' || regexp_replace(s, '([][\\.^$*+?(){}|])', '\\\1', 'g') || '"?[.]');
SELECT p.oid::regprocedure || ': ' || c FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace, unnest(p.proconfig) c
WHERE n.nspname = ANY (:'staged'::name[]) AND c ~ '^search_path=' AND c !~ '_staging_[0-9a-f]{6}' AND c ~ '[[:alpha:]]'
    AND c !~ '^search_path=(pg_catalog|"")';
SQL
    ) || return 1
    [ -z "$found" ] && return 0
    echo "FAILED: bodies and search paths of staged functions name what is live:"
    echo "$found" | head -20
    return 1
}

pg_equal() { # TARGET DATABASE CONTROL
    pg_schemas "$1" "$3" >"$TMPDIR/control.schemas"
    cp "$TMPDIR/control.schemas" "$TMPDIR/staged.schemas"
    : >"$TMPDIR/map.sed"
    pg_compare "$1" "$2" "$3" cat
}

# Besides our schemas, extensions may have come.
pg_live() { # TARGET DATABASE
    pg_schemas "$1" "$2" | grep -vE '_(staging|retired|undone)_[0-9a-f]{6}$' >"$TMPDIR/live.schemas"
    : >"$TMPDIR/none.sed"
    pg_structure "$1" "$2" "$TMPDIR/live.schemas" "$TMPDIR/none.sed"
    pg_contents "$1" "$2" "$TMPDIR/live.schemas" "$TMPDIR/none.sed"
    pg_read "$1" "$2" -c "SELECT 'rights', nspname, nspacl, nspowner::regrole FROM pg_namespace
        WHERE nspname !~ '^pg_toast|^pg_temp|_(staging|retired|undone)_[0-9a-f]{6}$' AND nspname <> 'stopover' ORDER BY 2" \
        -c "SELECT 'rights', c.oid::regclass, c.relacl, c.relowner::regrole, c.relrowsecurity, c.relforcerowsecurity FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid >= 16384 AND nspname !~ '^pg_toast|^pg_temp|_(staging|retired|undone)_[0-9a-f]{6}$'
        AND nspname <> 'stopover' AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e') ORDER BY 2"
}
