#!/bin/sh
# Runs the load of a month in an hour, or a part of it in SECONDS (120 or more), through the release build: joins,
# raids, rate limits, lost connections, restarts, kills, backups, resets and orders. Prints the measurements; status 0
# only if each photo arrived exactly once, each order and question has its answer, and memory and files stayed flat.
# Usage: tests/interop/soak.sh SECONDS [SEED], from anywhere. SOAK_BINARY names another build of the daemon.
set -eu
cd "$(dirname "$0")/../.."
target="${CARGO_TARGET_DIR:-target}"
[ -n "${SOAK_BINARY:-}" ] || cargo build --release --locked --bin scp-079-avatar
cargo build --locked --example soak
"$target/debug/examples/soak" --binary "${SOAK_BINARY:-$target/release/scp-079-avatar}" --seconds "$1" ${2:+--seed "$2"}
