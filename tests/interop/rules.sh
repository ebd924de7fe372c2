#!/bin/sh
# Asks the installed Python whether it still says of the rules' patterns what the tests hold to be Python's word.
# Usage: tests/interop/rules.sh, from anywhere. Needs python3 of 3.11 or later, nothing else.
set -eu
cd "$(dirname "$0")/../.."
exec python3 tests/interop/rules.py tests/fixtures/rules/python.json
