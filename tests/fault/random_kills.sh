#!/usr/bin/env bash
# kill -9 at random moments with several workers, until the migration is promoted; 20 times.
# timeout: 600
set -u
. "$STOPOVER_SUPPORT/random_kills.sh"
random_kills 20
