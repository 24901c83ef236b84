#!/usr/bin/env bash
# Passwords given in each way there is: after a run no file, log, journal, output or error contains them,
# and no command line does while it lasts.
set -u
. "$STOPOVER_SUPPORT/pg_e2e.sh"
printf 'local all postgres trust\nlocal all all scram-sha-256\n' >hba
pg_pair hba="$TMPDIR/hba" password_encryption=scram-sha-256
pg_fixture pg_shop.sql
secret='geh3im/Wört%er"'
encoded='geh3im%2FW%C3%B6rt%25er%22'
for cluster in source target; do
    pg_sql "$cluster" postgres -c "CREATE ROLE mover SUPERUSER LOGIN PASSWORD '$secret'"
done
printf "%s\n" "$secret" "$encoded" geh3im >patterns
pg_remember
plain=(--from "$(pg_uri source people mover)" --to "$(pg_uri target people mover)")
with_password() { # CLUSTER PASSWORD
    pg_uri "$1" people mover | sed "s|mover@|mover:$2@|"
}

# What every process is called with, as often as can be, until the file `stop` appears.
watch() {
    until [ -e stop ]; do
        cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' '\n' | grep -aF -f patterns
    done >seen
}

# the watch sees what it is for
watch &
sh -c "sleep 1; true" "$secret"
touch stop
wait $!
[ -s seen ] || die "nobody watches"

leaks() { # HOW
    local where=(home out err first.out first.err)
    sync
    if grep -raF -f patterns "${where[@]}" 2>/dev/null | cut -c1-200 | grep . ; then die "$1: the password stands in a file"; fi
    if pg_sql target people -c "SELECT run.*::text FROM stopover.run" 2>/dev/null | grep -F -f patterns; then die "$1: in the control schema"; fi
}

run_with() { # HOW WATCHED(yes|no) ENVIRONMENT... -- ARGUMENT...
    local how=$1 watched=$2 environment=() status variable
    shift 2
    while [ "$1" != -- ]; do
        environment+=("$1")
        shift
    done
    shift
    rm -rf home stop seen
    watch &
    for variable in "${environment[@]}"; do export "${variable?}"; done
    "$STOPOVER" run m "$@" --stop-after verified --verbose --jobs 2 >first.out 2>first.err </dev/null
    status=$?
    touch stop
    wait $!
    [ $status -eq 0 ] || { cat first.out first.err; die "$how: exit $status"; }
    if [ "$watched" = yes ] && [ -s seen ]; then cat seen; die "$how: the password stood in a command line"; fi
    leaks "$how"
    # what was in an argument is recorded nowhere: later commands need it from elsewhere
    [ "$watched" = yes ] || export PGPASSWORD=$secret
    "$STOPOVER" status m --json --verbose >out 2>err || die "$how: status"
    leaks "$how"
    "$STOPOVER" rollback m --yes >out 2>err || { cat out err; die "$how: rollback"; }
    "$STOPOVER" finish m --yes >out 2>err || { cat out err; die "$how: finish"; }
    leaks "$how"
    for variable in "${environment[@]}"; do unset "${variable%%=*}"; done
    [ "$watched" = yes ] || unset PGPASSWORD
    pg_untouched
    echo "no leak: $how"
}

run_with 'PGPASSWORD' yes "PGPASSWORD=$secret" -- "${plain[@]}"
printf '%s:*:*:mover:%s\n' "${pg_socket[source]}" "$secret" "${pg_socket[target]}" "$secret" >passfile
chmod 600 passfile
run_with 'PGPASSFILE' yes "PGPASSFILE=$TMPDIR/passfile" -- "${plain[@]}"
run_with 'env:' yes "FROM_URL=$(with_password source "$encoded")" "TO_URL=$(with_password target "$encoded")" -- --from env:FROM_URL --to env:TO_URL
for cluster in source target; do
    printf '[%s]\nhost=%s\nport=%s\ndbname=people\nuser=mover\npassword=%s\n' "$cluster" "${pg_socket[$cluster]}" "${pg_port[$cluster]}" "$secret"
done >services
run_with 'a service file' yes "PGSERVICEFILE=$TMPDIR/services" -- --from 'postgresql:///?service=source' --to 'postgresql:///?service=target'
# In an argument it stands there until the program has read it: it works, is hidden, and earns a warning.
run_with 'an argument' no -- --from "$(with_password source "$encoded")" --to "$(with_password target "$encoded")"
grep -qi 'password' first.err || die "no warning about a password in an argument"

# errors neither
for command in plan run; do
    for wrong in "$(with_password source "x$encoded")" "$(with_password source "$encoded" | sed 's|/people|/nowhere|')" "$(with_password source "$encoded")&nonsense=1"; do
        rm -rf home
        "$STOPOVER" $command m --from "$wrong" --to "$(with_password target "$encoded")" --verbose --retry-for 1s >out 2>err </dev/null && die "$command $wrong succeeded"
        leaks "$command with a wrong address"
        "$STOPOVER" $command m --from "$wrong" --to "$(with_password target "$encoded")" --json --log-format json --retry-for 1s >out 2>err </dev/null
        leaks "$command with a wrong address, JSON"
    done
done

# the wrong password is one clear error; a missing one, with nobody to ask, too
PGPASSWORD=wrong expect 5 run m "${plain[@]}"
one_error
says 'password'
rm -rf home
expect 5 run m "${plain[@]}"
one_error
says 'password'
echo "no secret leaks"

# What a row holds is told by nobody either, whatever functions of people say when it is loaded.
printf 'topf %s\n' "geheim" >patterns
rm -rf home
pg_sql target postgres -c "ALTER DATABASE people SET people.side = target"
for raise in "'no %', v" "'%', v USING ERRCODE = '42501', DETAIL = v, HINT = v" "SQLSTATE 'XX123' USING MESSAGE = v"; do
    pg_sql source people -c "SET client_min_messages = warning" -c "DROP SCHEMA IF EXISTS told CASCADE" -c "CREATE SCHEMA told" -c "CREATE FUNCTION told.checked(v text) RETURNS boolean
        LANGUAGE plpgsql AS \$\$ BEGIN IF current_setting('people.side', true) = 'target' THEN RAISE EXCEPTION $raise; END IF; RETURN true; END \$\$" \
        -c "CREATE TABLE told.secrets (v text CHECK (told.checked(v)))" -c "INSERT INTO told.secrets VALUES ('topf geheim')"
    PGPASSWORD=$secret "$STOPOVER" run m "${plain[@]}" --stop-after verified --verbose --retry-for 1s >out 2>err </dev/null && die "$raise: did not fail"
    one_error
    says 'table "told.secrets": function checked.text. raised an error'
    leaks "$raise"
    PGPASSWORD=$secret expect 0 rollback m --yes
    PGPASSWORD=$secret expect 0 finish m --yes
    rm -rf home
done
echo "no row is told"
