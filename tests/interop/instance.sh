# Starts telegram-sim and the release build of the daemon against it. Sourced by the other scripts.
#
#   start_simulator ARGUMENTS...   sets $sim; its standard output goes to $dir/summary
#   start_daemon LINES             sets $daemon; its log goes to $dir/log; LINES end the configuration
#
# Both are stopped, and $dir is removed, when the script ends.
cd "$(dirname "$0")/../.."
target="${CARGO_TARGET_DIR:-target}"
cargo build --quiet --locked --bin telegram-sim
dir="$(mktemp -d)"
daemon=
sim=

stop_all() {
    kill $daemon 2>/dev/null || true
    kill -CONT $sim 2>/dev/null || true
    kill $sim 2>/dev/null || true
    rm -rf "$dir"
}
trap stop_all EXIT

start_simulator() {
    mkdir "$dir/data"
    "$target/debug/telegram-sim" --session "$dir/data/account.session" "$@" >"$dir/summary" 2>"$dir/events" &
    sim=$!
    while ! grep -q hide_channel_id "$dir/summary" 2>/dev/null; do
        kill -0 "$sim"
        sleep 0.1
    done
}

start_daemon() {
    hide="$(head -n 1 "$dir/summary" | sed 's/.*"hide_channel_id": *\(-[0-9]*\).*/\1/')"
    cat >"$dir/config.toml" <<CONFIG
[telegram]
api_id = 1
api_hash = "0123456789abcdef0123456789abcdef"
[channels]
hide_channel_id = $hide
[encrypt]
password = "correct horse"
$1
CONFIG
    chmod 600 "$dir/config.toml"
    "$target/release/scp-079-avatar" run --config "$dir/config.toml" 2>"$dir/log" &
    daemon=$!
}
