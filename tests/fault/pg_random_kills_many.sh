#!/usr/bin/env bash
# PostgreSQL: the program, sessions, servers and links killed at random; many times.
# label: soak
# timeout: 7200
set -u
. "$STOPOVER_SUPPORT/pg_random_kills.sh"
pg_random_kills 60
