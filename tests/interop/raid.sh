#!/bin/sh
# Runs a raid of N joins at R per second in G groups (default 3) through telegram-sim and the release build of the
# daemon, which waits at least INTERVAL ms (default 0) between two posts and is asked for its version every ten seconds.
# Prints the simulator's summary, memory and CPU time; status 0 only if each photo arrived exactly once, and each question
# was answered. Usage: tests/interop/raid.sh N R [G [INTERVAL]], from anywhere.
set -eu
joins="$1"
rate="$2"
groups="${3:-3}"
interval="${4:-0}"
. "$(dirname "$0")/instance.sh"

# Pushes come at once, so that the delays are those of the program.
start_simulator --raid "$joins" --rate "$rate" --groups "$groups" --ask-every 10 --latest-push 0
start_daemon '[delivery]
pace = "steady"
min_interval_ms = '"$interval"
if ! wait "$sim"; then
    tail -n 1 "$dir/summary"
    tail -n 20 "$dir/log" >&2
    exit 1
fi
tail -n 1 "$dir/summary"
echo "resident memory: $(awk '/VmHWM/ {print $2, $3}' "/proc/$daemon/status") at its peak"
awk '{print "CPU time:", ($14 + $15) * 10, "ms"}' "/proc/$daemon/stat"
sed -n 's/.* watching .*after_ms=\([0-9]*\).*/start to the online report: \1 ms/p' "$dir/log"
kill "$daemon"
wait "$daemon"
