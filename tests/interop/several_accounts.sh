#!/bin/sh
# Lets one, two and three accounts post the same raid with the release build, and kills one of three in the middle of
# further raids. Takes nine minutes and hardly any CPU time. Usage: tests/interop/several_accounts.sh, from anywhere.
set -eu
cd "$(dirname "$0")/../.."
target="${CARGO_TARGET_DIR:-target}"
cargo build --release --locked --bin scp-079-avatar
cargo build --locked --example several_accounts
"$target/debug/examples/several_accounts" --binary "$target/release/scp-079-avatar"
