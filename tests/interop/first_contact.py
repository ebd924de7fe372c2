#!/usr/bin/env python3
"""Prepares a build with the simulator's RSA key: first_contact.py TELEGRAM_SIM PRIVATE_KEY DIRECTORY

Writes two directories below DIRECTORY: grammers-mtproto, a copy of the crate with the key in place of Telegram's, and
tree, a copy of the files of this repository. Files that would not change are left alone, so that cargo does not build
them again.
"""

import json
import os
import re
import subprocess
import sys
import tempfile


def public_key(simulator, private_key):
    """Returns the fingerprint and the modulus that the simulator computes."""
    with tempfile.TemporaryDirectory() as directory:
        command = [simulator, "--session", os.path.join(directory, "session"), "--rsa-key", private_key]
        command += ["--public-key", os.path.join(directory, "public.pem")]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            stage = json.loads(process.stdout.readline())
        finally:
            process.terminate()
            process.wait()
    return stage["rsa_fingerprint"], stage["rsa_modulus"]


def write(path, content, mode=0o644):
    """Writes a file unless it has this content."""
    try:
        with open(path, "rb") as file:
            if file.read() == content:
                return
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)
    os.chmod(path, mode)


def copy_crate(directory, fingerprint, modulus):
    """Copies grammers-mtproto and replaces Telegram's production key in it."""
    metadata = json.loads(subprocess.check_output(["cargo", "metadata", "--locked", "--format-version", "1"]))
    manifest = next(p["manifest_path"] for p in metadata["packages"] if p["name"] == "grammers-mtproto")
    source = os.path.dirname(manifest)
    for root, _, names in os.walk(source):
        for name in names:
            path = os.path.join(root, name)
            relative = os.path.relpath(path, source)
            with open(path, "rb") as file:
                content = file.read()
            if relative == os.path.join("src", "authentication.rs"):
                content, count = re.subn(
                    rb'-3414540481677951611 => rsa::Key::new\("[0-9]+"',
                    f'{fingerprint} => rsa::Key::new("{modulus}"'.encode("ascii"),
                    content,
                )
                if count != 1:
                    raise SystemExit(f"{path}: Telegram's key was found {count} times")
            write(os.path.join(directory, relative), content)


def copy_tree(directory):
    """Copies the files of the repository, and removes those that are gone."""
    listed = subprocess.check_output(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
    names = {name for name in listed.decode("utf-8").split("\0") if name and os.path.exists(name)}
    for name in sorted(names):
        with open(name, "rb") as file:
            # The patch on the command line changes the copy of Cargo.lock, and does so again.
            write(os.path.join(directory, name), file.read(), os.stat(name).st_mode & 0o777)
    for root, _, files in os.walk(directory):
        for name in files:
            path = os.path.join(root, name)
            if os.path.relpath(path, directory) not in names:
                os.remove(path)


def main():
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    fingerprint, modulus = public_key(sys.argv[1], sys.argv[2])
    copy_crate(os.path.join(sys.argv[3], "grammers-mtproto"), fingerprint, modulus)
    copy_tree(os.path.join(sys.argv[3], "tree"))


if __name__ == "__main__":
    main()
