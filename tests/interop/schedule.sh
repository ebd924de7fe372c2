#!/usr/bin/env bash
# Checks that two Python libraries, dateutil and croniter, still give the times that the tests of the schedule compare
# with. Usage: tests/interop/schedule.sh [--write], from anywhere. Needs python3 with venv; it installs everything else.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv="${CARGO_TARGET_DIR:-target}/interop/schedule"
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check python-dateutil==2.9.0.post0 croniter==6.0.0
exec "$venv/bin/python" tests/interop/schedule.py tests/fixtures/schedule/oracle.json "$@"
