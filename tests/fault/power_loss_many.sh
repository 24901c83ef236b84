#!/usr/bin/env bash
# The power fails at each fault point, and some of what had not been flushed is lost: other parts of
# it each time.
# label: soak
# timeout: 3600
set -u
. "$STOPOVER_SUPPORT/power_loss.sh"
for _ in 1 2 3; do
    power_loss $((RANDOM * 2 + 1)) # names stay
    power_loss $((RANDOM * 2 + 2)) # names go
done
