#!/usr/bin/env bash
# Everything that can depend on what is replaced is bound to what takes the place, tried by using it;
# after the way back the target's catalogs say what they said before, and after finish nothing of ours.
# timeout: 600
set -u
. "$STOPOVER_SUPPORT/pg_e2e.sh"
pg_pair wal_level=logical
pg_fixture pg_people.sql
pg_sql target people -o /dev/null -f "$STOPOVER_DATA/pg_people_outside.sql" || die "the target"

q() { # SQL: in the target
    pg_sql target people -c "$1" || die "$1"
}

as() { # ROLE SQL
    pg_sql target people -o /dev/null -c "SET ROLE $1" -c "$2" 2>"$TMPDIR/as.err"
}

is() { # WANTED SQL
    local found
    found=$(q "$2")
    [ "$found" = "$1" ] || die "\"$found\", not \"$1\": $2"
}

rights() {
    pg_read target people -f "$STOPOVER_SUPPORT/pg_rights.sql"
}

# Before 18 VALIDATE CONSTRAINT leaves what a key has on the partitions that it refers to as it is: not
# validated. Nothing asks for that mark.
found_in_target() { # WHICH: writes live.WHICH and rights.WHICH
    pg_live target people | sed -E '/^constraint\|outside.of_events\|.*fkey[12]\|/s/ NOT VALID\|f\|/|t|/' >"live.$1"
    rights >"rights.$1"
}

as_before() {
    local what
    found_in_target after
    for what in live rights; do
        cmp -s $what.before $what.after && continue
        diff $what.before $what.after | cut -c1-300 | head -20
        die "not as before: $what"
    done
}

nothing_of_ours() {
    is '' "SELECT nspname FROM pg_namespace WHERE nspname = 'stopover' OR nspname ~ '_(staging|retired|undone)_[0-9a-f]{6}$'"
    is 0 "SELECT count(*) FROM pg_depend d WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid NOT IN (SELECT oid FROM pg_namespace)"
}

# What is live without what lies beside it is the source. A database can be copied while nobody is in it.
live_is_the_source() {
    pg_sql source third -c 'ALTER SUBSCRIPTION told DISABLE'
    until [ "$(pg_sql target postgres -c "SELECT count(*) FROM pg_stat_activity WHERE datname = 'people'")" = 0 ]; do sleep 0.05; done
    pg_sql target postgres -c 'DROP DATABASE IF EXISTS alone' -c 'CREATE DATABASE alone TEMPLATE people' || die "a copy of the target"
    pg_sql source third -c 'ALTER SUBSCRIPTION told ENABLE'
    pg_read target alone -c "SELECT format('DROP SCHEMA %I CASCADE;', nspname) FROM pg_namespace
        WHERE nspname IN ('stopover', 'outside', 'Out Side') OR nspname ~ '_(staging|retired|undone)_[0-9a-f]{6}$'" >"$TMPDIR/drop.sql"
    PGOPTIONS='-c client_min_messages=warning' pg_sql target alone -o /dev/null -f "$TMPDIR/drop.sql" \
        -c 'DROP FUNCTION app.beside; DROP TABLE public.beside' || die "a copy of the target without what lies beside"
    pg_equal target alone control_people || die "what is live is not the source"
    pg_sql target postgres -c 'DROP DATABASE alone'
}

# ---- a subscriber, with a slot that lives through all of it ----

pg_sql source postgres -c 'CREATE DATABASE third'
pg_sql source third -o /dev/null -c 'CREATE SCHEMA outside; CREATE SCHEMA app' \
    -c 'CREATE TABLE public.a_lookup (code text PRIMARY KEY, factor numeric)' \
    -c 'CREATE TABLE outside.uses (id integer PRIMARY KEY, code text, department integer, order_id bigint, line smallint, number bigint, label text, parent integer, tenant integer)' \
    -c 'CREATE TABLE app.departments (id integer PRIMARY KEY, name text, head integer)' \
    -c 'CREATE TABLE public.events (id bigint, at timestamptz, kind text, body jsonb, PRIMARY KEY (id, at, kind))' \
    -c 'SET client_min_messages = warning' -c "CREATE SUBSCRIPTION told CONNECTION 'host=${pg_socket[target]} port=${pg_port[target]} user=postgres dbname=people' PUBLICATION told, told_whole" ||
    die "the subscriber"

arrives() { # WANTED SQL
    local tries found
    for ((tries = 0; tries < 300; tries++)); do
        found=$(pg_sql source third -c "$2")
        [ "$found" != "$1" ] || return 0
        sleep 0.1
    done
    die "the subscriber has \"$found\", not \"$1\": $2"
}
arrives 19 'SELECT count(*) FROM a_lookup'
arrives 300 'SELECT count(*) FROM app.departments'

# ---- the plan says it, before anything is copied ----

found_in_target before
expect 0 plan "${ends[@]}"
for words in 'view outside.codes is bound' 'view outside.purple is bound' 'view outside.grouped is bound' \
    'constraint to_code on table outside.uses is bound' 'function outside.atomic\(text\) is bound' \
    'function outside.atomic_procedure\(integer\) is bound' 'trigger noted on table outside.uses is bound' \
    'rule copied on table outside.uses is bound' 'policy known on table outside.closed is bound' \
    'publication told publishes the new' 'table public.events_2022' 'publication told_all'; do
    says "$words"
done
as_before

# ---- what cannot follow is refused by name, before anything is copied ----

q "SET client_min_messages = error; CREATE VIEW outside.by_name_of AS SELECT name FROM public.customers;
    CREATE VIEW outside.purple_ones AS SELECT id FROM public.customers WHERE favourite = 'purple';
    CREATE MATERIALIZED VIEW outside.kept_codes AS SELECT code FROM public.a_lookup;
    CREATE TABLE outside.colors (shade public.color, row_of public.text_key);
    CREATE FUNCTION outside.whole(public.\"Orders\") RETURNS integer LANGUAGE sql AS 'SELECT 1';
    CREATE TABLE outside.codes_of (code text REFERENCES public.a_lookup, n integer) PARTITION BY RANGE (n);
    CREATE INDEX by_factor ON outside.closed (public.factor_of(code));
    CREATE TABLE outside.emails (email public.citext, FOREIGN KEY (email) REFERENCES public.customers (email));
    CREATE INDEX by_label ON public.beside (note)"
for command in plan 'run refused'; do
    # shellcheck disable=SC2086
    expect 5 $command "${ends[@]}"
    one_error
    for words in 'refused: view outside.by_name_of: .*of another collation' "refused: view outside.purple_ones: .*value 'purple'" \
        'refused: materialized view outside.kept_codes' 'refused: column shade of table outside.colors' 'refused: column row_of of table outside.colors' \
        'refused: function outside.whole' 'refused: .*codes_of.*partitioned' 'refused: index outside.by_factor' 'refused: index public.by_label'; do
        says "$words"
    done
    says_not 'refused: .*outside.emails' # the key that it needs comes
done
is 0 "SELECT count(*) FROM pg_namespace WHERE nspname ~ '_staging_'"
q 'DROP VIEW outside.by_name_of, outside.purple_ones; DROP MATERIALIZED VIEW outside.kept_codes;
    DROP TABLE outside.colors, outside.codes_of, outside.emails; DROP FUNCTION outside.whole(public."Orders");
    DROP INDEX outside.by_factor, public.by_label'
as_before

# ---- promoted ----

expect 0 run full "${ends[@]}" --jobs 3
says 'routine app.secret\(\): everybody has privileges on it in the target'
phase_is full promoted
live_is_the_source

# views, by whom they belong to and whom they are granted to
is t 'SELECT bool_and(factor > 0) FROM outside.codes'
is 'label 1' "SELECT label FROM \"Out Side\".\"View of \"\"views\"\"\" WHERE code = 'c1'"
is t "SELECT count(*) > 100 AND bool_or(is_red) FROM outside.purple"
is t "SELECT count(*) > 1000 FROM outside.grouped WHERE orders > 0"
is t "SELECT count(*) > 3000 FROM outside.of_partitions"
q "INSERT INTO outside.checked (id) VALUES (5000)"
is unnamed "SELECT name FROM app.departments WHERE id = 5000"
! pg_sql target people -c "INSERT INTO outside.checked VALUES (-1, 'x')" 2>/dev/null || die "a check option is gone"
q "DELETE FROM app.departments WHERE id = 5000"
is '{security_barrier=true}' "SELECT reloptions FROM pg_class WHERE oid = 'outside.codes'::regclass"
as people_reader 'SELECT * FROM outside.codes' || die "the grant on a view: $(cat as.err)"
as people_reader 'SELECT code FROM outside.many_codes' || die "the grant on a column of a view: $(cat as.err)"
! as people_writer 'SELECT * FROM outside.codes' || die "a view is open to others"

# keys
q "INSERT INTO outside.uses (id, code, department) VALUES (100, 'c20', 10)"
is 'label 1' 'SELECT label FROM outside.uses WHERE id = 100'
is t 'SELECT number >= 100 FROM outside.uses WHERE id = 100'
! pg_sql target people -c "INSERT INTO outside.uses (id, code) VALUES (101, 'no such code')" 2>/dev/null || die "a key does not hold"
! pg_sql target people -c "INSERT INTO outside.uses (id, department) VALUES (101, 299)" 2>/dev/null || die "a key finds what was"
! pg_sql target people -c "INSERT INTO outside.uses (id, order_id, line) VALUES (101, 1, 99)" 2>/dev/null || die "a key of two columns does not hold"
q "INSERT INTO outside.uses (id, order_id, line) SELECT 101, order_id, line FROM public.order_lines LIMIT 1"
q "BEGIN; UPDATE public.a_lookup SET code = 'c20x' WHERE code = 'c20'; SELECT 1 / count(*) FROM outside.uses WHERE id = 100 AND code = 'c20x'; ROLLBACK" >/dev/null
q "INSERT INTO outside.of_events SELECT id, at, kind FROM public.events LIMIT 1"
! pg_sql target people -c "INSERT INTO outside.of_events VALUES (1, '2022-01-01', 'none')" 2>/dev/null || die "a key to partitions does not hold"
q 'DELETE FROM outside.of_events'
is 'f,t,t,t' "SELECT string_agg(convalidated::text::\"char\"::text, ',' ORDER BY conname <> 'to_line', conname) FROM pg_constraint
    WHERE conrelid = 'outside.uses'::regclass AND contype = 'f'"
is 'a code that is known' "SELECT obj_description(oid, 'pg_constraint') FROM pg_constraint WHERE conname = 'to_code'"

# functions, defaults, triggers, rules, policies
is 3.0 'SELECT outside.atomic()'
q 'CALL outside.atomic_procedure(4000)'
is 'changed by a procedure' 'SELECT name FROM app.departments WHERE id = 4000'
q 'DELETE FROM app.departments WHERE id = 4000'
is 't' "SELECT outside.is_red('red')"
is t 'SELECT outside.by_name() >= 1000'
is t 'SELECT outside.number_after() >= 100'
as people_reader 'SELECT outside.atomic()' || die "the grant on a function: $(cat as.err)"
! as people_writer 'SELECT outside.atomic()' || die "a function is open to others"
q 'INSERT INTO outside.uses (id) VALUES (3000)'
is 1 "SELECT count(*) FROM app.audit WHERE what = 'INSERT outsideoutside'"
q 'DELETE FROM outside.uses WHERE id = 3000'
is 1 "SELECT count(*) FROM app.audit WHERE what = 'gone' AND id = 3000"
is 'D' "SELECT tgenabled FROM pg_trigger WHERE tgname = 'unused'"
is 'D' "SELECT ev_enabled FROM pg_rewrite WHERE rulename = 'off'"
is 'large ones' "SELECT obj_description(oid, 'pg_trigger') FROM pg_trigger WHERE tgname = 'noted'"
is audited "SELECT obj_description(oid, 'pg_rewrite') FROM pg_rewrite WHERE rulename = 'copied'"
q 'GRANT USAGE ON SCHEMA users TO people_reader; GRANT SELECT ON users.accounts TO people_reader' # new, and closed so far
is 19 "SET ROLE people_reader; SELECT count(*) FROM outside.closed" # all that are known, but the tenant's own

# grants and owners are the target's, policies the source's
is people_owner "SELECT DISTINCT relowner::regrole FROM pg_class WHERE oid IN ('customers'::regclass, 'customers_id_seq'::regclass,
    'app.departments'::regclass, 'open_orders'::regclass, 'factors'::regclass, 'shared_numbers'::regclass)"
is people_owner "SELECT DISTINCT o::regrole FROM (SELECT proowner FROM pg_proc WHERE oid = 'factor_of(text)'::regprocedure
    UNION ALL SELECT typowner FROM pg_type WHERE oid IN ('color'::regtype, 'percent'::regtype)) x(o)"
as people_writer "INSERT INTO public.a_lookup VALUES ('by a writer', 1)" || die "a grant was lost: $(cat as.err)"
q "DELETE FROM public.a_lookup WHERE code = 'by a writer'"
as people_tenant 'SELECT id FROM public.customers' || die "a grant on a column was lost: $(cat as.err)"
! as people_tenant 'SELECT email FROM public.customers' || die "a column is open"
! as people_reader "SELECT public.factor_of('c1')" || die "a function is open"
as people_reader 'GRANT SELECT ON public.customers TO people_tenant; REVOKE SELECT ON public.customers FROM people_tenant' || die "a grant option was lost"
as people_owner 'ALTER TABLE public.customers ALTER COLUMN name SET STATISTICS 500' || die "the owner is none: $(cat as.err)"
! as people_owner 'DELETE FROM app.departments' || die "what was revoked from the owner is back"
as people_writer 'INSERT INTO app.selfish VALUES (1, 2)' || die "the schema's default privileges: $(cat as.err)"
q 'DELETE FROM app.selfish WHERE ctid = (SELECT max(ctid) FROM app.selfish)'
as people_writer "SELECT public.add_tax(1)" || die "the schema's default privileges for functions: $(cat as.err)"
is 'f f' "SELECT relrowsecurity::text::\"char\"::text || ' ' || relforcerowsecurity::text::\"char\"::text FROM pg_class WHERE oid = 'text_key'::regclass"
is 'mine,tenants' "SELECT string_agg(polname, ',' ORDER BY polname) FROM pg_policy WHERE polrelid = 'app.accounts_rls'::regclass"

# published: what is live, by the same slot
q "INSERT INTO public.a_lookup VALUES ('published', 77), ('c3', 4) ON CONFLICT DO NOTHING"
q "UPDATE public.a_lookup SET factor = 78 WHERE code = 'published'"
q "INSERT INTO app.departments VALUES (6000, 'published')"
arrives 78 "SELECT factor FROM a_lookup WHERE code = 'published'"
arrives published 'SELECT name FROM app.departments WHERE id = 6000'
pg_sql source third -c 'ALTER SUBSCRIPTION told REFRESH PUBLICATION' 2>/dev/null || die "the subscriber cannot refresh"
q "DELETE FROM public.a_lookup WHERE code = 'published'"
q 'DELETE FROM app.departments WHERE id = 6000'
arrives 0 "SELECT count(*) FROM a_lookup WHERE code = 'published'"
is '{1,2}|(code <> '"'c3'"'::text)' "SELECT '{' || array_to_string(prattrs::int2[], ',') || '}', pg_get_expr(prqual, prrelid) FROM pg_publication_rel WHERE prrelid = 'a_lookup'::regclass"

# an index and a scan give the same
for column in 'factor_of(code)' 'label_of(code)' 'factor_atomic(code)'; do
    is "$(q "SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off; SELECT count(*) FROM indexed_by_function WHERE $column = (SELECT $column FROM indexed_by_function LIMIT 1)")" \
        "SET enable_seqscan = off; SELECT count(*) FROM indexed_by_function WHERE $column = (SELECT $column FROM indexed_by_function LIMIT 1)"
done

# ---- taken back: as before, whatever was written outside meanwhile ----

q 'DELETE FROM outside.uses WHERE id >= 100'
expect 0 rollback full --yes
phase_is full rolled_back
as_before
is t 'SELECT bool_and(factor < 0) FROM outside.codes'
q "INSERT INTO public.a_lookup VALUES ('published again', 5)"
arrives 5 "SELECT factor FROM a_lookup WHERE code = 'published again'"
q "DELETE FROM public.a_lookup WHERE code = 'published again'"

# ---- once more, and the end ----

expect 0 run full
phase_is full promoted
live_is_the_source
is t 'SELECT bool_and(factor > 0) FROM outside.codes'
rights >"$TMPDIR/rights.promoted"
expect 0 finish full --yes
nothing_of_ours
live_is_the_source
rights | diff "$TMPDIR/rights.promoted" - || die "finish changed rights, publications or dependencies"
is t 'SELECT bool_and(factor > 0) FROM outside.codes'
pg_sql source third -c 'ALTER SUBSCRIPTION told DISABLE' -c "ALTER SUBSCRIPTION told SET (slot_name = NONE)" -c 'DROP SUBSCRIPTION told'
echo "what is outside follows, there and back"
