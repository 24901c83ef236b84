#!/usr/bin/env bash
# PostgreSQL: promotion and the way back under random kills, many times.
# label: soak
# timeout: 7200
set -u
. "$STOPOVER_SUPPORT/pg_promotion_kills.sh"
pg_promotion_kills "${TRIALS:-60}"
