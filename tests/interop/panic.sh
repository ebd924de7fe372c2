#!/bin/sh
# Lets the release build receive answers on which the client library panics, or which it takes for the end of the
# connection: the program has to live on and forward the next joins. Usage: tests/interop/panic.sh, from anywhere.
set -eu
cd "$(dirname "$0")/../.."
target="$(cd "${CARGO_TARGET_DIR:-target}" && pwd)"
AVATAR_BINARY="$target/release/scp-079-avatar" \
    cargo test --locked --test it an_answer_that_the_client_library_cannot_read -- --nocapture
