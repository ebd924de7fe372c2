#!/bin/sh
# Lets the release build back up N users (default 200,000) during a raid, by an order and by the command, in both kinds
# of files, restores each backup into an empty instance, and compares. Prints sizes and memory.
# Usage: tests/interop/backup.sh [N]
set -eu
cd "$(dirname "$0")/../.."
target="$(cd "${CARGO_TARGET_DIR:-target}" && pwd)"
AVATAR_BINARY="$target/release/scp-079-avatar" BACKUP_USERS="${1:-200000}" \
    cargo test --locked --test it fills_an_empty_instance -- --nocapture --test-threads=1
