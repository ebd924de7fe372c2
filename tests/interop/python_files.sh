#!/bin/sh
# Opens the Python files of this program with pyAesCrypt, pickle and two releases of Pillow, 9.5 and the newest.
# Usage: tests/interop/python_files.sh, from anywhere.
set -eu
cd "$(dirname "$0")/../.."
target="${CARGO_TARGET_DIR:-target}"
. tests/interop/venv.sh
old="$(old_python)"
make_venv pillow-9.5 "$old" 'PIL, pyAesCrypt' 'pyAesCrypt Pillow==9.5.*'
"$python" tests/interop/python_files.py
make_venv pillow-newest python3 'PIL, pyAesCrypt' 'pyAesCrypt Pillow'
"$python" tests/interop/python_files.py
