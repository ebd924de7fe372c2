#!/bin/sh
# A backup of N users (200,000 if not said), taken by the release build during a raid, by order and by hand, restored
# into an empty instance and compared; both kinds of files. Prints sizes and memory. Usage: tests/interop/backup.sh [N]
set -eu
cd "$(dirname "$0")/../.."
target="$(cd "${CARGO_TARGET_DIR:-target}" && pwd)"
AVATAR_BINARY="$target/release/scp-079-avatar" BACKUP_USERS="${1:-200000}" \
    cargo test --locked --test it fills_an_empty_instance -- --nocapture --test-threads=1
