#!/bin/sh
# Draws docs/pictures/demo.svg and docs/pictures/status.svg from what the demo and `status` print on a terminal.
# Usage: docs/pictures/record.sh, from anywhere. Needs python3 with venv; the script installs everything else.
set -eu
cd "$(dirname "$0")/../.."
target="$(cd "${CARGO_TARGET_DIR:-target}" && pwd)"
cargo build --quiet --locked --bins --example demo
. tests/interop/venv.sh
make_venv pictures python3 pyte 'pyte==0.8.*'
"$python" docs/pictures/record.py "$target/debug"
