#!/bin/sh
# Runs the release build and a Telethon program of a page through the same raid of N joins (default 500), with sealed
# and with Python's files, and prints the CPU time for each photo, the memory, and the ratios. A repetition takes three
# minutes; the best one counts (default: one).
# Usage: tests/interop/bench.sh [N [REPETITIONS]], from anywhere; BENCH_BINARY names another build of the daemon.
# Needs python3 with venv; it installs everything else.
set -eu
cd "$(dirname "$0")/../.."
target="$(cd "${CARGO_TARGET_DIR:-target}" && pwd)"
cargo build --quiet --locked --bin telegram-sim
. tests/interop/venv.sh
make_venv bench python3 'telethon, cryptg, cryptography, PIL, pyAesCrypt' \
    'telethon==1.45.* cryptg cryptography Pillow pyAesCrypt'
"$python" tests/interop/bench.py "${BENCH_BINARY:-$target/release/scp-079-avatar}" "$target/debug/telegram-sim" \
    "${1:-500}" "${2:-1}"
