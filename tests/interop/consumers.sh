#!/bin/sh
# Lets the release build post photos, lists and reports of both kinds, and opens each of them with foreign code only:
# contrib/unseal.py, and pyAesCrypt, pickle and two releases of Pillow. Prints a line for each file.
# Usage: tests/interop/consumers.sh [BINARY], from anywhere. Needs python3 with venv; it installs everything else.
set -eu
cd "$(dirname "$0")/../.."
target="$(cd "${CARGO_TARGET_DIR:-target}" && pwd)"
binary="$(realpath "${1:-$target/release/scp-079-avatar}")"
. tests/interop/venv.sh
posts="$(mktemp -d)"
trap 'rm -rf "$posts"' EXIT

AVATAR_BINARY="$binary" POSTED_FILES="$posts" cargo test --locked --test it posted_files::
make_venv sealed python3 'Crypto, argon2' 'pycryptodome argon2-cffi'
"$python" tests/interop/consumers.py sealed "$posts/sealed"
old="$(old_python)"
make_venv pillow-9.5 "$old" 'PIL, pyAesCrypt' 'pyAesCrypt Pillow==9.5.*'
"$python" tests/interop/consumers.py python "$posts/python"
make_venv pillow-newest python3 'PIL, pyAesCrypt' 'pyAesCrypt Pillow'
"$python" tests/interop/consumers.py python "$posts/python"
