#!/usr/bin/env python3
"""Opens the files that SCP-079-AVATAR seals: unseal.py FILE [OUT]

Without OUT, the content of the file goes to standard output. The script reads the password from the environment
variable SEAL_PASSWORD, or asks for it. For a bot: from unseal import unseal, UnsealError.
Needs: pip install pycryptodome argon2-cffi

Layout, integers little-endian: "SCP079" | version 1 | kdf 1 | memory KiB u32 | passes u32 | lanes u32 | salt 16 |
nonce prefix 19 | chunks of 65,536 plaintext bytes, each followed by its 16-byte tag. XChaCha20-Poly1305; the nonce
of a chunk is the prefix, its number (u32, big-endian) and a byte that is 1 for the last chunk; the 55 header
bytes are the associated data of every chunk.
"""
import functools
import getpass
import os
import struct
import sys

from argon2.exceptions import HashingError
from argon2.low_level import Type, hash_secret_raw
from Crypto.Cipher import ChaCha20_Poly1305

HEADER = struct.Struct("<6sBBIII16s19s")
CHUNK = 65_536
TAG = 16


class UnsealError(ValueError):
    """The reason why a file was not opened. No part of its content was returned."""


def unseal(data: bytes, password: str) -> bytes:
    """Opens a whole sealed file. Raises UnsealError."""
    head = data[: HEADER.size]
    if not head.startswith(b"SCP079"):
        raise UnsealError("not a sealed file")
    if len(head) < HEADER.size:
        raise UnsealError("the file is truncated")
    _, version, kdf, memory, passes, lanes, salt, prefix = HEADER.unpack(head)
    if (version, kdf) != (1, 1):
        raise UnsealError(f"version {version}, key derivation {kdf}: only 1 and 1 are known")
    if memory > 1 << 20 or passes > 16:
        raise UnsealError("its key would cost too much memory or time")
    key = derive(password, salt, passes, memory, lanes)

    body = data[HEADER.size :]
    starts = range(0, len(body), CHUNK + TAG) or [0]
    plain = bytearray()
    for number, start in enumerate(starts):
        chunk = body[start : start + CHUNK + TAG]
        if len(chunk) < TAG:
            raise UnsealError("the file is truncated")
        last = number == len(starts) - 1
        cipher = ChaCha20_Poly1305.new(key=key, nonce=prefix + struct.pack(">IB", number, last))
        cipher.update(head)
        try:
            plain += cipher.decrypt_and_verify(chunk[:-TAG], chunk[-TAG:])
        except ValueError:
            if number == 0:
                raise UnsealError("wrong password, or the file is damaged") from None
            raise UnsealError(f"the file is damaged (chunk {number + 1})") from None
    return bytes(plain)


# AVATAR uses one salt for all files of a process, so the slow derivation is cached.
@functools.lru_cache(maxsize=16)
def derive(password: str, salt: bytes, passes: int, memory: int, lanes: int) -> bytes:
    try:
        return hash_secret_raw(password.encode(), salt, passes, memory, lanes, 32, Type.ID)
    except HashingError as error:
        raise UnsealError(f"its key cannot be derived: {error}") from None


def main() -> None:
    if len(sys.argv) not in (2, 3) or sys.argv[1] in ("-h", "--help"):
        sys.exit(__doc__)
    password = os.environ.get("SEAL_PASSWORD")
    if password is None:
        password = getpass.getpass("Password: ")
    try:
        with open(sys.argv[1], "rb") as file:
            plain = unseal(file.read(), password)
        if len(sys.argv) == 3:
            with open(sys.argv[2], "wb") as file:
                file.write(plain)
        else:
            sys.stdout.buffer.write(plain)
    except (UnsealError, OSError) as error:
        sys.exit(f"{sys.argv[1]}: {error}")


if __name__ == "__main__":
    main()
