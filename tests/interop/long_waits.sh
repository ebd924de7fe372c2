#!/bin/sh
# Lets the home data centre not know the key of the release build for ten minutes, and at the same time, for another
# process, the file of an order not come for five. Takes eleven minutes and hardly any CPU time. Usage:
# tests/interop/long_waits.sh, from anywhere.
set -eu
cd "$(dirname "$0")/../.."
target="${CARGO_TARGET_DIR:-target}"
cargo build --release --locked --bin scp-079-avatar
cargo build --locked --example long_waits
"$target/debug/examples/long_waits" --binary "$target/release/scp-079-avatar"
