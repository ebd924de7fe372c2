#!/bin/sh
# A raid: N joins at R per second, through telegram-sim and the release build of the daemon. Prints the simulator's
# summary; status 0 only if each photo arrived exactly once. Usage: tests/interop/raid.sh N R, from anywhere.
set -eu
cd "$(dirname "$0")/../.."
joins="$1"
rate="$2"
target="${CARGO_TARGET_DIR:-target}"
dir="$(mktemp -d)"
daemon=
trap 'kill $daemon 2>/dev/null || true; rm -rf "$dir"' EXIT
mkdir "$dir/data"
"$target/release/telegram-sim" --session "$dir/data/account.session" --raid "$joins" --rate "$rate" \
    >"$dir/said" 2>"$dir/events" &
sim=$!
while ! grep -q hide_channel_id "$dir/said" 2>/dev/null; do
    kill -0 "$sim"
    sleep 0.1
done
hide="$(head -n 1 "$dir/said" | sed 's/.*"hide_channel_id": *\(-[0-9]*\).*/\1/')"
cat >"$dir/config.toml" <<CONFIG
[telegram]
api_id = 1
api_hash = "0123456789abcdef0123456789abcdef"
[channels]
hide_channel_id = $hide
[encrypt]
password = "correct horse"
[delivery]
min_interval_ms = 0
CONFIG
chmod 600 "$dir/config.toml"
"$target/release/scp-079-avatar" run --config "$dir/config.toml" 2>"$dir/log" &
daemon=$!
if ! wait "$sim"; then
    tail -n 1 "$dir/said"
    tail -n 20 "$dir/log" >&2
    exit 1
fi
tail -n 1 "$dir/said"
echo "resident memory: $(awk '/VmHWM/ {print $2, $3}' "/proc/$daemon/status") at its peak"
sed -n 's/.* watching .*after_ms=\([0-9]*\).*/start to the online report: \1 ms/p' "$dir/log"
kill "$daemon"
wait "$daemon"
