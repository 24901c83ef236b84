#!/usr/bin/env bash
# label: soak
# timeout: 1800
# Random kills between servers of other versions: from one that is cut by keys, into the newest.
set -u
. "$STOPOVER_SUPPORT/pg_random_kills.sh"
. "$STOPOVER_SUPPORT/pg_versions.sh"
pg_pair() {
    pg_major_start source 13
    pg_major_start target 18
}
pg_random_kills "${TRIALS:-4}"
