#!/bin/sh
# Lets members join groups of the release build that show no join messages; status 0 only if each photo arrived exactly
# once. Usage: tests/interop/unseen.sh large|raid|captcha|many|hidden SECONDS JOINS [KILLS] [SEED], from anywhere.
set -eu
cd "$(dirname "$0")/../.."
target="${CARGO_TARGET_DIR:-target}"
cargo build --release --locked --bin scp-079-avatar
cargo build --locked --example unseen
"$target/debug/examples/unseen" --binary "$target/release/scp-079-avatar" --scenario "$1" --seconds "$2" \
    --joins "$3" --kills "${4:-0}" ${5:+--seed "$5"}
