#!/bin/sh
# Builds the simulator, installs Telethon into a virtual environment under the build directory, and lets Telethon
# use it: with a seeded key, and from nothing. Usage: tests/interop/telethon.sh, from anywhere.
set -eu
cd "$(dirname "$0")/../.."
target="${CARGO_TARGET_DIR:-target}"
cargo build --quiet --bin telegram-sim
python="$target/telethon/bin/python"
if ! "$python" -c 'import telethon; assert telethon.__version__.startswith("1.45")' 2>/dev/null; then
    python3 -m venv "$target/telethon"
    "$python" -m pip install --quiet 'telethon==1.45.*'
fi
"$python" tests/interop/telethon_client.py "$target/debug/telegram-sim"
"$python" tests/interop/telethon_login.py "$target/debug/telegram-sim"
