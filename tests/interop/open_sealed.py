#!/usr/bin/env python3
"""Lets contrib/unseal.py, which was written from the byte layout alone, open the frozen sealed files.

Needs: pip install pycryptodome argon2-cffi
"""
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "contrib"))
from unseal import UnsealError, unseal  # noqa: E402

FILES = ROOT / "tests/fixtures/sealed"
PASSWORD = "correct horse 電池"
WHOLE = {
    "avatar": (ROOT / "tests/fixtures/avatar.jpg").read_bytes(),
    "empty": b"",
    "foreign": "Hello, 電池!\n".encode(),
    "foreign_two_chunks": bytes(range(256)) * 256 + b"second",
    "hello": "Hello, 電池!\n".encode(),
}


def sealed(name):
    return (FILES / f"{name}.sealed").read_bytes()


def refused(name, password=PASSWORD):
    try:
        unseal(sealed(name), password)
    except UnsealError:
        return
    sys.exit(f"{name} was opened")


for name, content in WHOLE.items():
    if unseal(sealed(name), PASSWORD) != content:
        sys.exit(f"{name} was opened to something else")
    refused(name, "correct horse")
broken = sorted(path.stem for path in FILES.glob("*.sealed") if path.stem not in WHOLE)
for name in broken:
    refused(name)

run = subprocess.run(
    [sys.executable, ROOT / "contrib/unseal.py", FILES / "hello.sealed"],
    env=dict(os.environ, SEAL_PASSWORD=PASSWORD),
    stdout=subprocess.PIPE,
    check=True,
)
if run.stdout != WHOLE["hello"]:
    sys.exit("the command printed something else")
print(f"ok: Python opens the {len(WHOLE)} whole files, and refuses the {len(broken)} broken ones")
