#!/bin/sh
# Opens the Python files of this program with pyAesCrypt, pickle and two releases of Pillow, 9.5 and the newest.
# Usage: tests/interop/python_files.sh, from anywhere.
set -eu
cd "$(dirname "$0")/../.."
target="${CARGO_TARGET_DIR:-target}"

# Pillow 9.5 has no builds for Python 3.12 and later, so the script looks for an older Python.
old=
for python in python3 python3.11 python3.10 python3.9 python3.8; do
    if "$python" -c 'import sys, venv; sys.exit(sys.version_info >= (3, 12))' 2>/dev/null; then
        old="$python"
        break
    fi
done
if [ -z "$old" ]; then
    echo 'Pillow 9.5 needs a Python from 3.8 to 3.11, and none is installed' >&2
    exit 1
fi

check() { # NAME PYTHON PACKAGE
    python="$target/$1/bin/python"
    if ! "$python" -c 'import PIL, pyAesCrypt' 2>/dev/null; then
        "$2" -m venv "$target/$1"
        "$python" -m pip install --quiet pyAesCrypt "$3"
    fi
    "$python" tests/interop/python_files.py
}
check pillow-9.5 "$old" 'Pillow==9.5.*'
check pillow-newest python3 Pillow
