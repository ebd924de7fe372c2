#!/bin/sh
# Opens sealed files with contrib/unseal.py.
# Usage: tests/interop/open_sealed.sh, from anywhere.
set -eu
cd "$(dirname "$0")/../.."
target="${CARGO_TARGET_DIR:-target}"
. tests/interop/venv.sh
make_venv sealed python3 'Crypto, argon2' 'pycryptodome argon2-cffi'
exec "$python" tests/interop/open_sealed.py
