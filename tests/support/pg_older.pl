# Reads a fixture of tests/data, made for PostgreSQL 15, and writes what an older major knows of it:
# perl pg_older.pl MAJOR <FILE. From 15 on nothing changes.
use strict;
use warnings;
use utf8;
use open qw(:std :utf8);

my $major = shift;
local $/;
$_ = <STDIN>;
if ($major < 15) {
    s/ NULLS NOT DISTINCT//g;
    s/(ON DELETE SET NULL) \(order_id, line\)/$1/g;
    s/'padded    ', 'ä'/'padded    ', 'a'/g; # a "char" of one byte of two is no text
    s/^CREATE PUBLICATION pub_schema .*\n//mg;
    s/^(CREATE PUBLICATION pub FOR TABLE \S+) \([^)]*\) WHERE \([^)]*\)/$1/mg;
}
if ($major < 14) {
    s/^CREATE FUNCTION [^;]*?\n\s*BEGIN ATOMIC.*?\bEND;\n//msg;
    s/^.*factor_atomic.*\n//mg;
    s/, multirange_type_name = app\.price_ranges//g;
    s/app\.price_ranges\((app\.price_range\(1, 2\), app\.price_range\(n \+ 5, NULL\))\)/ARRAY[$1]/g;
    s/app\.price_ranges/app.price_range[]/g;
    s/nummultirange/numrange[]/g;
    s/'\{\[1,2\),\(3\.5,\]\}'/'{"[1,2)","(3.5,]"}'/g;
    s/'\{\(,\)\}'/'{"(,)"}'/g;
    s/^CREATE STATISTICS \S+ ON lower.*\n//mg;
    s/(, 9223372036854775807|\(3, 0, 0), '-?Infinity'/$1, 'NaN'/g; # numerics
    s/\{NaN,Infinity,-Infinity,1\.10\}/{NaN,1.10}/g;
    s/, ALTER COLUMN body SET COMPRESSION pglz//g;
}
if ($major < 13) {
    s/^ALTER STATISTICS \S+ SET STATISTICS.*\n//mg;
    s/\bpg_snapshot\b/txid_snapshot/g;
    s/\bgen_random_uuid\(\)/md5('random')::uuid/g;
}
print;
