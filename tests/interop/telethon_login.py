#!/usr/bin/env python3
"""Logs Telethon in to telegram-sim from nothing: no session, no seeded key.

    python telethon_login.py PATH/TO/telegram-sim

Telethon negotiates a key with the home data centre, logs in by phone, code and two-step password, and downloads the
photo of a member that is in the other data centre, for which it negotiates a second key. Exits with status 0 only if
every step succeeded.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile

from telethon import TelegramClient
from telethon.crypto import rsa
from telethon.sessions import MemorySession

TIMEOUT_S = 60
PHONE = "+86 138 0013 8000"
CODE = "27182"
PASSWORD = "staple battery"


def check(holds, what):
    print(("ok    " if holds else "WRONG ") + what, flush=True)
    if not holds:
        raise SystemExit(1)


async def talk(stage, public_key, photos):
    with open(public_key, encoding="ascii") as file:
        rsa.add_key(file.read(), old=False)
    check(stage["rsa_fingerprint"] in rsa._server_keys, f"Telethon computes the fingerprint {stage['rsa_fingerprint']}")
    session = MemorySession()
    host, port = stage["home"].rsplit(":", 1)
    session.set_dc(stage["home_dc"], host, int(port))
    client = TelegramClient(session, api_id=1, api_hash="0" * 32)
    await client.connect()
    try:
        check(session.auth_key is not None, "a key was negotiated with the home data centre")
        check(not await client.is_user_authorized(), "nobody is logged in")
        await client.start(phone=lambda: PHONE, code_callback=lambda: CODE, password=lambda: PASSWORD)
        me = await client.get_me()
        check(me.id == stage["user_id"], f"logged in by phone, code and password as {me.id}")

        await client.get_dialogs()
        far = None
        while far is None:
            for group in stage["group_ids"]:
                async for user in client.iter_participants(group):
                    if user.photo is not None and user.photo.dc_id == stage["other_dc"]:
                        far = user
            # Lists of members are flood-limited.
            await asyncio.sleep(2)
        photo = await client.download_profile_photo(far, file=bytes, download_big=True)
        with open(os.path.join(photos, f"{far.id}.jpg"), "rb") as file:
            original = file.read()
        check(photo == original, f"the photo of {far.id} came from the other data centre, {len(original)} bytes")
    finally:
        await client.disconnect()


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    with tempfile.TemporaryDirectory() as directory:
        photos, public_key = os.path.join(directory, "photos"), os.path.join(directory, "server.pem")
        command = [sys.argv[1], "--session", os.path.join(directory, "account.session"), "--public-key", public_key]
        command += ["--login", PHONE, CODE, PASSWORD, "--photos", photos]
        command += ["--join-every", "0.5", "--other-dc-share", "0.5"]
        with open(os.path.join(directory, "log"), "w+", encoding="utf-8") as log:
            simulator = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
            try:
                stage = json.loads(simulator.stdout.readline())
                asyncio.run(asyncio.wait_for(talk(stage, public_key, photos), 2 * TIMEOUT_S))
            finally:
                simulator.terminate()
                status = simulator.wait(TIMEOUT_S)
                log.seek(0)
                failures = [line for line in log if line.startswith("failure:")]
                print("".join(failures), end="")
        check(not failures and status == 0, "the simulator saw nothing that it does not know")


if __name__ == "__main__":
    main()
