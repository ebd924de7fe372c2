#!/bin/sh
# Lets Python open what this program sealed, with a reader that was written from the byte layout alone.
# Usage: tests/interop/open_sealed.sh, from anywhere.
set -eu
cd "$(dirname "$0")/../.."
target="${CARGO_TARGET_DIR:-target}"
python="$target/sealed/bin/python"
if ! "$python" -c 'import Crypto, argon2' 2>/dev/null; then
    python3 -m venv "$target/sealed"
    "$python" -m pip install --quiet pycryptodome argon2-cffi
fi
SEAL_PASSWORD='correct horse 電池'
export SEAL_PASSWORD
out="$(mktemp)"
trap 'rm -f "$out"' EXIT
"$python" tests/interop/open_sealed.py tests/fixtures/sealed/avatar.sealed "$out"
cmp "$out" tests/fixtures/avatar.jpg
"$python" tests/interop/open_sealed.py tests/fixtures/sealed/empty.sealed "$out"
cmp "$out" /dev/null
if "$python" tests/interop/open_sealed.py tests/fixtures/sealed/chunk_flipped.sealed "$out" 2>/dev/null; then
    echo 'a damaged file was opened' >&2
    exit 1
fi
echo 'ok: Python opens what is whole, and refuses what is not'
