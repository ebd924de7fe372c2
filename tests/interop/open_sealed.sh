#!/bin/sh
# Opens sealed files with contrib/unseal.py.
# Usage: tests/interop/open_sealed.sh, from anywhere.
set -eu
cd "$(dirname "$0")/../.."
target="${CARGO_TARGET_DIR:-target}"
python="$target/sealed/bin/python"
if ! "$python" -c 'import Crypto, argon2' 2>/dev/null; then
    python3 -m venv "$target/sealed"
    "$python" -m pip install --quiet pycryptodome argon2-cffi
fi
exec "$python" tests/interop/open_sealed.py
