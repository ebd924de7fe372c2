"""Runs the daemon under clocks that jump, and looks at what it did in state.db.

libfaketime gives the daemon and the simulator one wall clock of their own, so that the daemon's clock agrees with
Telegram's; their monotonic clocks keep the real one.
"""

import datetime as dt
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

import libfaketime

TIMEOUT_S = 90
DAEMON, SIMULATOR = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
UTC = dt.timezone.utc


def moment(text):
    return dt.datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def words(seconds):
    return None if seconds is None else dt.datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


class Scene:
    def __init__(self, directory):
        self.directory = directory
        self.clock = directory / "clock"
        self.daemon = None
        (directory / "data").mkdir()
        self.clock.write_text("+0\n")
        library = next(pathlib.Path(libfaketime.__file__).parent.rglob("libfaketime.so.1"))
        self.environment = {
            "LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(self.clock), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "TZ": "UTC"}
        self.sim = subprocess.Popen(
            [SIMULATOR, "--session", directory / "data/account.session", "--join-every", "3"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=self.environment)
        hide = json.loads(self.sim.stdout.readline())["hide_channel_id"]
        config = directory / "config.toml"
        config.write_text(
            '[telegram]\napi_id = 1\napi_hash = "0123456789abcdef0123456789abcdef"\n'
            f'[channels]\nhide_channel_id = {hide}\n[encrypt]\npassword = "correct horse"\n'
            '[delivery]\npace = "steady"\nmin_interval_ms = 0\n')
        config.chmod(0o600)

    def set_clock(self, text):
        temporary = self.directory / "clock.new"
        temporary.write_text(f"{moment(text) - time.time():+.3f}\n")
        temporary.replace(self.clock)
        print(f"-- the clock shows {text}")

    def start(self):
        self.daemon = subprocess.Popen(
            [DAEMON, "run", "--config", self.directory / "config.toml"],
            stderr=open(self.directory / "log", "a", encoding="utf-8"),
            env=self.environment)

    def kill(self):
        self.daemon.send_signal(signal.SIGKILL)
        self.daemon.wait()
        print("-- killed")

    def ask(self, sql, *values):
        database = sqlite3.connect(self.directory / "data/state.db", timeout=30)
        try:
            return database.execute(sql, values).fetchall()
        except sqlite3.OperationalError:
            return []
        finally:
            database.close()

    def ran(self, job):
        return next(iter(self.ask("SELECT due_at, ran_at FROM runs WHERE job = ?", job)), (None, None))

    def backups(self):
        return len(self.ask("SELECT 1 FROM outbox WHERE list = 'user_ids' AND state = 'sent'"))

    def awake(self):
        return [row[0] for row in self.ask(
            "SELECT settled_at FROM outbox WHERE purpose = 'awake' AND state = 'sent' ORDER BY id")]

    def wait(self, what, holds):
        end = time.monotonic() + TIMEOUT_S
        while not holds():
            if time.monotonic() > end or self.daemon.poll() is not None:
                raise SystemExit(f"timed out waiting for {what}\n{(self.directory / 'log').read_text()[-4000:]}")
            time.sleep(0.2)
        print(f"ok: {what}")

    def stays(self, what, seconds, value):
        """Checks that a value stays the same, for longer than the interval of the daemon's own checks."""
        before = value()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if value() != before:
                raise SystemExit(f"{what}: {before} became {value()}")
            time.sleep(0.5)
        print(f"ok: {what}")

    def due(self, job, text):
        self.wait(f"{job} ran for {text}", lambda: self.ran(job)[0] == moment(text) and self.ran(job)[1] is not None)


def main(directory):
    scene = Scene(directory)
    try:
        # The 7th of June 2027 is a first Monday, the reset's day.
        scene.set_clock("2027-06-07T19:59:45")
        scene.start()
        scene.due("backup", "2027-06-07T20:00:00")
        scene.wait("the backup was posted", lambda: scene.backups() == 1)

        scene.set_clock("2027-06-07T22:40:00")
        scene.due("count", "2027-06-07T21:00:00")
        scene.due("reset", "2027-06-07T22:00:00")
        scene.due("admins", "2027-06-07T22:30:00")
        if scene.awake():
            raise SystemExit("a missed status report was posted")

        three = [lambda job=job: scene.ran(job)[1] for job in ("backup", "count", "reset")]
        everything = lambda: [ran() for ran in three] + [scene.backups()]
        scene.set_clock("2027-06-07T19:59:50")
        scene.stays("back before the backup: nothing comes twice", 30, everything)
        scene.set_clock("2027-06-07T20:59:50")
        scene.stays("back before the count: nothing comes twice", 30, everything)
        scene.set_clock("2027-06-07T21:59:50")
        scene.stays("back before the reset: nothing comes twice", 30, everything)

        scene.set_clock("2027-06-08T11:29:55")
        scene.wait("a status report", lambda: len(scene.awake()) == 1)
        scene.set_clock("2027-06-08T08:29:55")
        scene.wait("a status report, three hours back", lambda: len(scene.awake()) == 2)
        scene.set_clock("2027-06-08T15:05:00")
        scene.stays("six hours forward: no missed status report is posted", 30, lambda: len(scene.awake()))
        minutes = {int(at) // 60 % 60 for at in scene.awake()}
        if not minutes <= {30, 31, 32}:
            raise SystemExit(f"status reports in the minutes {minutes}")

        scene.set_clock("2027-06-08T19:59:50")
        scene.due("backup", "2027-06-08T20:00:00")
        scene.wait("the next day's backup was posted", lambda: scene.backups() == 2)

        # 40 days, over the first Monday of July; and dead again right after.
        scene.kill()
        scene.set_clock("2027-07-18T12:00:00")
        scene.start()
        scene.due("backup", "2027-07-17T20:00:00")
        scene.due("count", "2027-07-17T21:00:00")
        scene.due("reset", "2027-07-05T22:00:00")
        # The row of the backup 40 days ago is deleted.
        scene.wait("the backup was posted", lambda: scene.backups() == 1)
        scene.kill()
        scene.start()
        scene.stays("started again: nothing comes twice", 30, everything)
        print("\njob      times up to (UTC)    last run (the clock of then)")
        for job, due_at, ran_at in scene.ask("SELECT job, due_at, ran_at FROM runs"):
            print(f"{job:8} {words(due_at)}  {words(ran_at)}")
        scene.daemon.terminate()
        if scene.daemon.wait(30) != 0:
            raise SystemExit("it did not end well")
    finally:
        for process in (scene.daemon, scene.sim):
            if process is not None and process.poll() is None:
                process.kill()


with tempfile.TemporaryDirectory() as temporary:
    main(pathlib.Path(temporary))
