#!/usr/bin/env python3
"""Lets the fleet's own libraries open what this program writes: pyAesCrypt, pickle, and the installed Pillow.

The files under tests/fixtures/python/ours are frozen, and `cargo test` proves that this program writes them, byte for
byte. The lists are compared with those that Python wrote, which stand under the same names above them.
Needs: pip install pyAesCrypt Pillow
"""
import io
import pathlib
import pickle
import sys
import tempfile

import PIL
import pyAesCrypt
from PIL import Image

FILES = pathlib.Path(__file__).resolve().parents[2] / "tests/fixtures/python"
PASSWORD = "correct horse 電池"


def load(path):
    plain = io.BytesIO()
    with open(path, "rb") as file:
        pyAesCrypt.decryptStream(file, plain, PASSWORD, 64 * 1024)
    return pickle.loads(plain.getvalue())


def typed(value):
    """The value in a form in which 1, 1.0 and True differ, and the order of a set does not matter."""
    if isinstance(value, dict):
        return "dict", [(typed(key), typed(member)) for key, member in value.items()]
    if isinstance(value, (set, frozenset)):
        return type(value).__name__, sorted(repr(typed(member)) for member in value)
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [typed(member) for member in value]
    return type(value).__name__, repr(value)


def check(holds, what):
    if not holds:
        sys.exit(f"Pillow {PIL.__version__}: {what}")


lists = sorted(path.name for path in (FILES / "ours").glob("*.aes") if not path.name.startswith("photo_"))
for name in lists:
    check(typed(load(FILES / "ours" / name)) == typed(load(FILES / name)), f"{name} is not what Python wrote")

small = [(10 * x, 20 * y, 255 - x - y) for y in range(2) for x in range(3)]
large = [((x * 3) % 256, (y * 5) % 256, (x * y) % 256) for y in range(160) for x in range(160)]
photos = {"photo_small": ((3, 2), small), "photo_large": ((160, 160), large)}
for name, (size, pixels) in photos.items():
    expected = bytes(value for pixel in pixels for value in pixel)
    image = load(FILES / "ours" / f"{name}.pickle.aes")
    check(type(image) is Image.Image, f"{name} is a {type(image)}")
    check((image.mode, image.size) == ("RGB", size), f"{name} is {image.mode}, {image.size}")
    check(image.tobytes() == expected, f"{name} has other pixels")
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory, "photo.png")
        image.save(path, "PNG")
        with Image.open(path) as saved:
            check((saved.format, saved.mode, saved.size) == ("PNG", "RGB", size), f"{name} was saved as {saved}")
            check(saved.tobytes() == expected, f"{name} has other pixels once it is saved")

print(f"ok: pickle and pyAesCrypt, with Pillow {PIL.__version__}, open {len(lists)} lists and {len(photos)} photos")
