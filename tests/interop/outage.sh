#!/bin/sh
# Measures the CPU time that the release build uses while Telegram is silent. telegram-sim is stopped for three minutes,
# so that its connections stay open and nothing answers. Prints the share of one core in the last of the three minutes;
# status 1 if it is above 5 %, which only a loop that does not sleep reaches. Usage: tests/interop/outage.sh, from
# anywhere.
set -eu
. "$(dirname "$0")/instance.sh"

# Prints the ticks of user and system time: fields 14 and 15 of /proc/PID/stat.
ticks() { awk '{print $14 + $15}' "/proc/$daemon/stat"; }

start_simulator --join-every 1
start_daemon ''
while ! grep -q forwarded "$dir/log"; do
    kill -0 "$daemon"
    sleep 0.1
done
kill -STOP "$sim"
sleep 120
before="$(ticks)"
sleep 60
after="$(ticks)"
kill -CONT "$sim"
kill "$daemon"
wait "$daemon"
awk -v used="$((after - before))" -v hz="$(getconf CLK_TCK)" 'BEGIN {
    share = 100 * used / hz / 60
    printf "CPU in the last of three silent minutes: %.2f %% of a core\n", share
    exit share > 5
}'
