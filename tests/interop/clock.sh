#!/usr/bin/env bash
# Runs the release build under libfaketime with a clock that jumps, and checks that each job runs once.
# Usage: tests/interop/clock.sh, from anywhere. Needs python3 with venv and a C compiler; it installs everything else.
set -euo pipefail
cd "$(dirname "$0")/../.."
target="${CARGO_TARGET_DIR:-target}"
venv="$target/interop/clock"
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
cargo build --quiet --locked --bin telegram-sim
"$venv/bin/pip" install --quiet --disable-pip-version-check libfaketime==3.0.1
exec "$venv/bin/python" tests/interop/clock.py "$target/release/scp-079-avatar" "$target/debug/telegram-sim"
