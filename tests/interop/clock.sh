#!/usr/bin/env bash
# Lets the release build live through clocks that jump, by libfaketime: what falls due happens once, whatever the clock
# does. Usage: tests/interop/clock.sh, from anywhere. Needs python3 with venv and a C compiler; the rest it installs.
set -euo pipefail
cd "$(dirname "$0")/../.."
target="${CARGO_TARGET_DIR:-target}"
venv="$target/interop/clock"
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check libfaketime==3.0.1
exec "$venv/bin/python" tests/interop/clock.py "$target/release"
