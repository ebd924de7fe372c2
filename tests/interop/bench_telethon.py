"""Does the daemon's work on joins with Telethon, in the shortest way: no ledger, no spool, no retries.

Usage: bench_telethon.py sealed|python plain|cryptg STAGE KEY, with the first line of telegram-sim and the file of its
--key. Telethon encrypts with OpenSSL, block by block, unless the optional package cryptg is there.
"""
import asyncio
import base64
import io
import ipaddress
import json
import os
import pickle
import secrets
import string
import struct
import sys

if sys.argv[2] == "plain":
    # An import of it fails.
    sys.modules["cryptg"] = None

from telethon import TelegramClient, events
from telethon.sessions import StringSession
from telethon.tl.types import DocumentAttributeFilename, MessageEntityPre, MessageService, UpdateNewChannelMessage
from telethon.utils import get_peer_id

PASSWORD = "correct horse"


def sealed():
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    cipher = ChaCha20Poly1305(ChaCha20Poly1305.generate_key())

    def seal(photo):
        nonce = os.urandom(12)
        return nonce + cipher.encrypt(nonce, photo, None)

    return seal


def python():
    import pyAesCrypt
    from PIL import Image

    def seal(photo):
        plain = io.BytesIO(pickle.dumps(Image.open(io.BytesIO(photo)).convert("RGB"), protocol=4))
        file = io.BytesIO()
        pyAesCrypt.encryptStream(plain, file, PASSWORD, 64 * 1024)
        return file.getvalue()

    return seal


async def work(seal, stage, key):
    host, port = stage["home"].rsplit(":", 1)
    packed = struct.pack(">B4sH256s", stage["home_dc"], ipaddress.IPv4Address(host).packed, int(port), key)
    session = StringSession("1" + base64.urlsafe_b64encode(packed).decode("ascii"))
    client = TelegramClient(session, api_id=1, api_hash="0" * 32)
    joins = asyncio.Queue()

    @client.on(events.Raw(UpdateNewChannelMessage))
    async def on_message(update):
        if isinstance(update.message, MessageService):
            # The users that came with the update.
            joins.put_nowait((update.message, update._entities))

    await client.connect()
    await client.get_dialogs()
    while True:
        message, users = await joins.get()
        user = users[message.from_id.user_id]
        photo = await client.download_profile_photo(user, file=bytes, download_big=True)
        data = {"group_id": get_peer_id(message.peer_id), "user_id": user.id, "message_id": message.id}
        envelope = {"from": "AVATAR", "to": ["NOSPAM"], "action": "update", "type": "avatar", "data": data}
        caption = json.dumps(envelope, indent=4)
        name = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(8))
        await client.send_file(
            stage["hide_channel_id"],
            seal(photo),
            caption=caption,
            formatting_entities=[MessageEntityPre(0, len(caption), "")],
            force_document=True,
            attributes=[DocumentAttributeFilename(name)],
        )


_, kind, _, stage, key = sys.argv
with open(key, "rb") as file:
    asyncio.run(work({"sealed": sealed, "python": python}[kind](), json.loads(stage), file.read()))
