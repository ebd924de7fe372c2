#!/bin/sh
# Measures the CPU time that the release build uses while Telegram is silent. telegram-sim is stopped for three minutes,
# so that its connections stay open and nothing answers. Prints the share of one core in the last of the three minutes;
# status 1 if it is above 5 %, which only a loop that does not sleep reaches.
set -eu
cd "$(dirname "$0")/../.."
target="${CARGO_TARGET_DIR:-target}"
dir="$(mktemp -d)"
daemon=
sim=
trap 'kill $daemon 2>/dev/null || true; kill -CONT $sim 2>/dev/null || true; kill $sim 2>/dev/null || true; rm -rf "$dir"' EXIT
mkdir "$dir/data"
"$target/release/telegram-sim" --session "$dir/data/account.session" --join-every 1 >"$dir/summary" 2>"$dir/events" &
sim=$!
while ! grep -q hide_channel_id "$dir/summary" 2>/dev/null; do
    kill -0 "$sim"
    sleep 0.1
done
hide="$(head -n 1 "$dir/summary" | sed 's/.*"hide_channel_id": *\(-[0-9]*\).*/\1/')"
cat >"$dir/config.toml" <<CONFIG
[telegram]
api_id = 1
api_hash = "0123456789abcdef0123456789abcdef"
[channels]
hide_channel_id = $hide
[encrypt]
password = "correct horse"
CONFIG
chmod 600 "$dir/config.toml"
"$target/release/scp-079-avatar" run --config "$dir/config.toml" 2>"$dir/log" &
daemon=$!
while ! grep -q 'forwarded' "$dir/log"; do
    kill -0 "$daemon"
    sleep 0.1
done

# Ticks of user and system time, fields 14 and 15 of /proc/PID/stat.
ticks() { awk '{print $14 + $15}' "/proc/$daemon/stat"; }
kill -STOP "$sim"
sleep 120
before="$(ticks)"
sleep 60
after="$(ticks)"
kill -CONT "$sim"
kill "$daemon"
wait "$daemon"
per_second="$(getconf CLK_TCK)"
awk -v used="$((after - before))" -v hz="$per_second" 'BEGIN {
    share = 100 * used / hz / 60
    printf "CPU in the last of three silent minutes: %.2f %% of a core\n", share
    exit share > 5
}'
