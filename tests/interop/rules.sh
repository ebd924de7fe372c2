#!/bin/sh
# Checks that the installed Python still gives the answers that the tests of crates/python-re compare with.
# Usage: tests/interop/rules.sh, from any directory. Needs python3 3.11 or later.
set -eu
cd "$(dirname "$0")/../.."
exec python3 tests/interop/rules.py tests/fixtures/rules/python.json
