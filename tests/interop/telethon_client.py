#!/usr/bin/env python3
"""Tests telegram-sim with Telethon, an independent client.

    python telethon_client.py PATH/TO/telegram-sim

Starts the simulator, logs in with the seeded key, lists the dialogs, sees a user join, downloads that user's
photo and compares it with the simulator's original, posts a document with a caption into HIDE and reads it back.
Exits with status 0 only if every step succeeded.
"""

import asyncio
import base64
import ipaddress
import json
import os
import struct
import subprocess
import sys
import tempfile

from telethon import TelegramClient, events
from telethon.sessions import StringSession
from telethon.tl.types import DocumentAttributeFilename, MessageEntityPre

TIMEOUT_S = 60


def string_session(dc, address, key):
    """Telethon's own form of a session: version, data centre, address, port and key."""
    host, port = address.rsplit(":", 1)
    packed = struct.pack(">B4sH256s", dc, ipaddress.IPv4Address(host).packed, int(port), key)
    return StringSession("1" + base64.urlsafe_b64encode(packed).decode("ascii"))


def check(holds, what):
    print(("ok    " if holds else "WRONG ") + what, flush=True)
    if not holds:
        raise SystemExit(1)


async def talk(stage, key, photos):
    session = string_session(stage["home_dc"], stage["home"], key)
    client = TelegramClient(session, api_id=1, api_hash="0" * 32, receive_updates=True)
    joined = asyncio.get_running_loop().create_future()

    @client.on(events.ChatAction)
    async def on_action(event):
        if (event.user_joined or event.user_added) and not joined.done():
            user = await event.get_user()
            # telethon_login.py downloads from the other data centre, for which a key is negotiated.
            if user is not None and user.photo is not None and user.photo.dc_id == stage["home_dc"] and not user.min:
                joined.set_result((event.chat_id, user, event.action_message.id))

    await client.connect()
    try:
        check(await client.is_user_authorized(), "logged in with the seeded key")
        me = await client.get_me()
        check(me.id == stage["user_id"], f"the account is {me.id}")

        dialogs = await client.get_dialogs()
        names = {dialog.id: dialog.name for dialog in dialogs}
        wanted = {stage["hide_channel_id"], *stage["group_ids"]}
        check(wanted == set(names), f"dialogs: {', '.join(sorted(names.values()))}")

        chat, user, message = await asyncio.wait_for(joined, TIMEOUT_S)
        check(chat in stage["group_ids"], f"{user.first_name} ({user.id}) joined {names[chat]}, message {message}")

        photo = await client.download_profile_photo(user, file=bytes, download_big=True)
        with open(os.path.join(photos, f"{user.id}.jpg"), "rb") as file:
            original = file.read()
        check(photo == original, f"their photo is the original, {len(original)} bytes")

        content = os.urandom(200_000)
        caption = json.dumps({"from": "TELETHON", "to": ["NOSPAM"]}, indent=4)
        sent = await client.send_file(
            stage["hide_channel_id"],
            content,
            caption=caption,
            formatting_entities=[MessageEntityPre(0, len(caption), "")],
            force_document=True,
            attributes=[DocumentAttributeFilename("abcd1234")],
        )
        check(sent.id > 0, f"a document of {len(content)} bytes was posted in HIDE as message {sent.id}")

        newest = (await client.get_messages(stage["hide_channel_id"], limit=1))[0]
        check(newest.id == sent.id and newest.raw_text == caption, "the newest message in HIDE is that one")
        check(isinstance(newest.entities[0], MessageEntityPre), "its caption is preformatted")
        check(newest.file.name == "abcd1234", f"its file is called {newest.file.name}")
        check(await client.download_media(newest, file=bytes) == content, "its file reads back byte for byte")
    finally:
        await client.disconnect()


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    with tempfile.TemporaryDirectory() as directory:
        key, photos = os.path.join(directory, "key"), os.path.join(directory, "photos")
        command = [sys.argv[1], "--session", os.path.join(directory, "account.session"), "--key", key]
        command += ["--photos", photos, "--join-every", "0.5", "--min-share", "0.5", "--other-dc-share", "0.5"]
        with open(os.path.join(directory, "log"), "w+") as log:
            simulator = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
            try:
                stage = json.loads(simulator.stdout.readline())
                with open(key, "rb") as file:
                    asyncio.run(asyncio.wait_for(talk(stage, file.read(), photos), 2 * TIMEOUT_S))
            finally:
                simulator.terminate()
                status = simulator.wait(TIMEOUT_S)
                log.seek(0)
                failures = [line for line in log if line.startswith("failure:")]
                print("".join(failures), end="")
        check(not failures and status == 0, "the simulator saw nothing that it does not know")


if __name__ == "__main__":
    main()
