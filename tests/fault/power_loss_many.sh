#!/usr/bin/env bash
# The power fails at each fault point, and some of what had not been flushed is lost: other parts of
# it each time.
# label: soak
# timeout: 3600
set -u
. "$STOPOVER_SUPPORT/power_loss.sh"
power_loss_restore 0
for _ in 1 2 3; do
    for seed in $((RANDOM * 2 + 1)) $((RANDOM * 2 + 2)); do # odd: names stay; even: they go
        power_loss $seed
        power_loss_restore $seed
    done
done
