#!/usr/bin/env bash
# kill -9 at random moments with several workers, until the migration is promoted; 200 times.
# label: soak
# timeout: 3600
set -u
. "$STOPOVER_SUPPORT/random_kills.sh"
random_kills 200
