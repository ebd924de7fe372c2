#!/usr/bin/env python3
"""Opens a sealed file, written from the byte layout alone: open_sealed.py FILE OUT

The password is read from the environment variable SEAL_PASSWORD.
Needs: pip install pycryptodome argon2-cffi

Layout, integers little-endian: "SCP079" | version 1 | kdf 1 | memory KiB u32 | passes u32 | lanes u32 | salt 16 |
nonce prefix 19 | chunks of 65,536 plaintext bytes, each followed by its 16-byte tag. XChaCha20-Poly1305; the nonce
of a chunk is the prefix, its number (u32, big-endian) and a byte that is 1 for the last chunk; the 55 header
bytes are the associated data of every chunk.
"""
import os
import struct
import sys

from argon2.low_level import Type, hash_secret_raw
from Crypto.Cipher import ChaCha20_Poly1305

HEADER = struct.Struct("<6sBBIII16s19s")
CHUNK = 65_536
TAG = 16


def open_sealed(sealed, password):
    head = sealed[: HEADER.size]
    magic, version, kdf, memory, passes, lanes, salt, prefix = HEADER.unpack(head)
    if (magic, version, kdf) != (b"SCP079", 1, 1):
        raise ValueError("not a sealed file of version 1")
    if memory > 1 << 20 or passes > 16:
        raise ValueError("its key would cost too much")
    key = hash_secret_raw(password, salt, passes, memory, lanes, 32, Type.ID)

    body = sealed[HEADER.size :]
    pieces = [body[at : at + CHUNK + TAG] for at in range(0, len(body), CHUNK + TAG)] or [b""]
    plain = bytearray()
    for number, piece in enumerate(pieces):
        last = number == len(pieces) - 1
        cipher = ChaCha20_Poly1305.new(key=key, nonce=prefix + struct.pack(">IB", number, last))
        cipher.update(head)
        # raises ValueError where the tag does not fit
        plain += cipher.decrypt_and_verify(piece[:-TAG], piece[-TAG:])
    return bytes(plain)


if __name__ == "__main__":
    if len(sys.argv) != 3 or "SEAL_PASSWORD" not in os.environ:
        sys.exit(__doc__)
    with open(sys.argv[1], "rb") as file:
        opened = open_sealed(file.read(), os.environ["SEAL_PASSWORD"].encode())
    with open(sys.argv[2], "wb") as file:
        file.write(opened)
