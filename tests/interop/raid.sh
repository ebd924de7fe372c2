#!/bin/sh
# Runs a raid of N joins at R per second through telegram-sim and the release build of the daemon. Prints the
# simulator's summary; status 0 only if each photo arrived exactly once. Usage: tests/interop/raid.sh N R, from anywhere.
set -eu
joins="$1"
rate="$2"
. "$(dirname "$0")/instance.sh"

# Pushes come at once, so that the delays are those of the program.
start_simulator --raid "$joins" --rate "$rate" --latest-push 0
start_daemon '[delivery]
pace = "steady"
min_interval_ms = 0'
if ! wait "$sim"; then
    tail -n 1 "$dir/summary"
    tail -n 20 "$dir/log" >&2
    exit 1
fi
tail -n 1 "$dir/summary"
echo "resident memory: $(awk '/VmHWM/ {print $2, $3}' "/proc/$daemon/status") at its peak"
sed -n 's/.* watching .*after_ms=\([0-9]*\).*/start to the online report: \1 ms/p' "$dir/log"
kill "$daemon"
wait "$daemon"
