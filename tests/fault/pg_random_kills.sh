#!/usr/bin/env bash
# PostgreSQL: the program, sessions, servers and links killed at random, with a writer at work.
# timeout: 900
set -u
. "$STOPOVER_SUPPORT/pg_random_kills.sh"
pg_random_kills 4
