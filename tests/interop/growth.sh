#!/bin/sh
# Measures how the release build grows with the users that it knows and with its groups: CPU time for each join, memory,
# `status`, `why` and `backup`. Status 1 if a figure is over its bound. Takes half an hour, and 2 GB of disk.
# Usage: tests/interop/growth.sh [N [REPETITIONS]], from anywhere: N joins (default 500), the best of the repetitions
# (default 3) counts. GROWTH_BINARY names another build of the daemon.
set -eu
cd "$(dirname "$0")/../.."
target="$(cd "${CARGO_TARGET_DIR:-target}" && pwd)"
cargo build --quiet --locked --bin telegram-sim
python3 tests/interop/growth.py "${GROWTH_BINARY:-$target/release/scp-079-avatar}" "$target/debug/telegram-sim" "${1:-500}" "${2:-3}"
