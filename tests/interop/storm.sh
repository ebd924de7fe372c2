#!/bin/sh
# Lets members join the groups of the release build while the simulator raises faults at random; status 0 only if each
# photo arrived exactly once. Usage: tests/interop/storm.sh SECONDS JOINS [SEED], from anywhere.
set -eu
cd "$(dirname "$0")/../.."
target="${CARGO_TARGET_DIR:-target}"
cargo build --release --locked --bin scp-079-avatar
cargo build --locked --example storm
"$target/debug/examples/storm" --binary "$target/release/scp-079-avatar" --seconds "$1" --joins "$2" \
    ${3:+--seed "$3"}
