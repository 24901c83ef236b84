#!/usr/bin/env bash
# As people have it at a provider: over TLS with the certificate verified, as an owner who is no
# superuser, with few connections, and with timeouts and other settings hanging on the role.
set -u
. "$STOPOVER_SUPPORT/pg_e2e.sh"

# a CA of our own, a certificate for 127.0.0.1, and a CA that nobody should believe
certificates() {
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=our authority' -keyout ca.key -out ca.pem &&
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=another' -keyout other.key -out other.pem &&
        openssl req -newkey rsa:2048 -nodes -subj '/CN=127.0.0.1' -keyout server.key -out server.csr &&
        printf 'subjectAltName=IP:127.0.0.1\n' >extension &&
        openssl x509 -req -days 2 -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile extension -out server.pem
}
certificates >openssl.log 2>&1 || { cat openssl.log; die "no certificates"; }
pg_folder tls
cp server.pem server.key tls
chmod 600 tls/server.key
[ "$(id -u)" -ne 0 ] || chown "$pg_user" tls/*
printf 'local all postgres trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n' >hba
pg_pair tcp=on hba="$TMPDIR/hba" ssl=on ssl_cert_file="$TMPDIR/tls/server.pem" ssl_key_file="$TMPDIR/tls/server.key" max_connections=9

for cluster in source target; do
    pg_sql "$cluster" postgres -c "CREATE ROLE owner LOGIN PASSWORD 'secret'" -c 'CREATE DATABASE people OWNER owner'
    for setting in "statement_timeout = '300ms'" "idle_in_transaction_session_timeout = '300ms'" "lock_timeout = '5ms'" \
        "default_transaction_read_only = on" "search_path = 'nowhere'" "DateStyle = 'German'" "IntervalStyle = 'sql_standard'" \
        "TimeZone = 'Asia/Kolkata'" "bytea_output = 'escape'" "extra_float_digits = '-3'" "row_security = on"; do
        pg_sql "$cluster" postgres -c "ALTER ROLE owner SET $setting"
    done
done
address() { # CLUSTER [PARAMETERS]
    echo "postgresql://owner@127.0.0.1:${pg_port[$1]}/people?sslmode=verify-full&sslrootcert=$TMPDIR/${2:-ca.pem}"
}
export PGPASSWORD=secret
# the owner's own settings would not let the owner make it
PGOPTIONS='-c statement_timeout=0 -c default_transaction_read_only=off -c lock_timeout=0 -c search_path=public -c datestyle=ISO' \
    psql -XqAt -v ON_ERROR_STOP=1 -d "$(address source)" -f "$STOPOVER_DATA/pg_shop.sql" -o shop.out || die "the source"
pg_control source people target control_people || die "the control copy"
pg_remember

ends=(--from "$(address source other.pem)" --to "$(address target)")
expect 5 run m "${ends[@]}" --stop-after verified
one_error
says 'certificate'
ends=(--from "$(address source)" --to "$(address target)")
expect 0 run m "${ends[@]}" --stop-after verified --jobs 2 --chunk-size 64KiB
pg_verified m
expect 0 rollback m
expect 0 finish m --yes
pg_nothing_left

# more workers than the servers let in: fewer, or a clear refusal; never half a run
"$STOPOVER" run wide "${ends[@]}" --stop-after verified --jobs 16 --retry-for 3s >out 2>err </dev/null
status=$?
case $status in
    0) pg_verified wide ;;
    3 | 5)
        one_error
        says 'connections|max_connections|jobs'
        expect 0 run wide --stop-after verified --jobs 2
        pg_verified wide
        ;;
    *) die "exit $status with more workers than connections" ;;
esac
expect 0 rollback wide
expect 0 finish wide --yes

# no right to create in the target, none to read in the source
pg_sql target postgres -c "CREATE ROLE guest LOGIN PASSWORD 'secret'"
pg_sql source postgres -c "CREATE ROLE guest LOGIN PASSWORD 'secret'"
expect 5 run guest --from "$(address source)" --to "$(address target | sed s/owner@/guest@/)"
one_error
says 'CREATE|create'
expect 5 run guest2 --from "$(address source | sed s/owner@/guest@/)" --to "$(address target)"
one_error
says 'customers|permission|SELECT|sales'
pg_nothing_left
echo "an owner without privileges can move"
