"""Measures how the daemon grows with the users that it knows and with its groups.

Usage: growth.py BINARY SIMULATOR JOINS REPETITIONS

The program itself creates each state.db, in a short run against the simulator. The script then adds the rows that a
month of joins leaves: joins, users, photos, declarations and senders of the whole month, and the settled posts of its
last week. A measured run begins with a copy of such a database, and is compared with the smallest one.

Each run waits until the work of the start is done. The CPU time of a join is that of the process during the raid, less
that of as much time without a join, divided by the joins. The raid must deliver each photo once. The runs take turns,
so that a busy machine disturbs all of them; the best of the repetitions counts.

SIZES in the environment replaces the sizes, such as "1000x10 100000x10": users and groups.
"""
import collections
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

RATE = 100
# A start pulls five groups in a second.
QUIET_S = 10
PULLS_PER_SECOND = 4
IDLE_S = 5
DAY = 24 * 3600
MONTH = 30 * DAY
RATIO = 1.2
COMMAND_MS = 50
IDLE_MIB = 20
PEAK_MIB = 60
BACKUP_USERS = 200_000
BACKUP_MIB = {"sealed": 80, "python": 250}
CONFIG = """
[telegram]
api_id = 1
api_hash = "0123456789abcdef0123456789abcdef"
[channels]
hide_channel_id = {hide}
[encrypt]
password = "correct horse"
[exchange]
files = "{kind}"
[delivery]
pace = "steady"
min_interval_ms = 0
"""
# Four of five users had a photo. Half of the joins were declared by other bots, and half of the users wrote.
ROWS = """
CREATE TEMP TABLE n AS
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {users})
    -- The ids of users do not follow the order of their joins, and lie around those of the simulator's users.
    SELECT i, 6400000000 + i * 7919 % {users} * (200000000 / {users}) AS user,
        {now} - {month} + i * {month} / {users} AS at,
        (SELECT id FROM groups WHERE number = i % {groups}) AS group_id FROM n;
INSERT INTO joins (group_id, message_id, user_id, joined_at, added_by, outcome, seen_at, found_by)
    SELECT group_id, 1000 + i, user, at, NULL, iif(i % 5, 'forwarded', 'no_photo'), at + 1, 'push' FROM n;
INSERT INTO people SELECT user, i * 1000003, i * 1000033, group_id, 1000 + i, iif(i % 5, i * 1000037, NULL), 2 FROM n;
INSERT INTO forwarded SELECT user, i * 1000037, group_id, 1000 + i, at + 9, {hide} FROM n WHERE i % 5;
INSERT INTO declared SELECT group_id, 1000 + i, at + 20 FROM n WHERE i % 2;
INSERT INTO senders SELECT group_id, user, 2000 + i, at + 60, 'known' FROM n WHERE i % 2;
INSERT INTO outbox (kind, random_id, created_at, due_at, state, group_id, user_id, photo_id, photo_dc,
        join_message_id, is_recheck, channel_id, message_id, settled_at, document_id, document_hash, document_reference)
    SELECT 'avatar', i + 1, at + 1, at + 1, 'sent', group_id, user, i * 1000037, 2, 1000 + i, 0,
        {hide}, 1000 + i, at + 9, i * 1000039, i * 1000081, randomblob(25)
    FROM n WHERE i % 5 AND at > {now} - 7 * 86400;
-- Neither lists of members nor administrators are due.
INSERT OR REPLACE INTO member_scans (group_id, full_at, member_count, scanned_at)
    SELECT id, {now}, 1000, {now} FROM groups;
UPDATE ledger SET admins_at = {now};
"""


class Stage:
    """The simulator, and a data directory with its session."""

    def __init__(self, directory, groups, raid=()):
        (directory / "data").mkdir(exist_ok=True)
        command = [SIMULATOR, "--session", directory / "data/account.session", "--groups", str(groups)]
        command += ["--latest-push", "0", "--dialog-calls", "0", "--min-share", "0", "--other-dc-share", "0", *raid]
        self.directory = directory
        self.simulator = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.hide = json.loads(self.simulator.stdout.readline())["hide_channel_id"]
        self.process = None

    def start_daemon(self, kind="sealed"):
        """Starts the daemon, and waits until it watches the groups."""
        command = daemon(self.directory, "run", self.hide, kind)
        with open(self.directory / "log", "wb") as log:
            self.process = subprocess.Popen(command, stderr=log)
        while " watching " not in self.log():
            if self.process.poll() is not None:
                sys.exit(self.log())
            time.sleep(0.05)

    def log(self):
        return (self.directory / "log").read_text()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in filter(None, (self.process, self.simulator)):
            process.send_signal(signal.SIGTERM)
            process.wait()


def daemon(directory, command, hide, kind, *arguments):
    config = directory / "config.toml"
    config.write_text(CONFIG.format(hide=hide, kind=kind))
    config.chmod(0o600)
    return [DAEMON, command, "--config", config, *arguments]


def cpu_seconds(pid):
    """Returns the user and system time of a process, to a hundredth of a second."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid):
    """Returns the present and the highest resident memory."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return [int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM")]


def make_database(directory, users, groups):
    """Lets the program create state.db, and adds a month of users."""
    directory.mkdir()
    with Stage(directory, groups) as stage:
        stage.start_daemon()
    hide = stage.hide
    database = sqlite3.connect(directory / "data/state.db")
    database.executescript(
        "CREATE TEMP TABLE groups AS SELECT channel_id AS id, ROW_NUMBER() OVER (ORDER BY channel_id) - 1 AS number"
        " FROM ledger WHERE kind = 'group'; BEGIN;"
        + ROWS.format(users=users, groups=groups, now=int(time.time()), month=MONTH, hide=-1_000_000_000_000 - hide)
        + "COMMIT; PRAGMA wal_checkpoint(TRUNCATE);"
    )
    database.close()
    return hide


Run = collections.namedtuple("Run", "join_ms start_s idle_mib peak_mib")


def raid(template, groups, joins):
    with tempfile.TemporaryDirectory(dir=template.parent) as name:
        directory = pathlib.Path(name) / "run"
        shutil.copytree(template, directory)
        # The work of the start is done before the raid begins, except for the administrators: one group in two seconds.
        quiet = QUIET_S + groups / PULLS_PER_SECOND
        delay = quiet + 2 * IDLE_S
        arguments = ["--raid", str(joins), "--rate", str(RATE), "--raid-delay", str(delay)]
        with Stage(directory, groups, arguments) as stage:
            stage.start_daemon()
            pid = stage.process.pid
            time.sleep(quiet)
            begun = (cpu_seconds(pid), time.monotonic())
            start_s = begun[0]
            idle, _ = resident_mib(pid)
            time.sleep(IDLE_S)
            before = (cpu_seconds(pid), time.monotonic())
            summary = json.loads(stage.simulator.stdout.readline())
            after = (cpu_seconds(pid), time.monotonic())
            _, peak = resident_mib(pid)
            if summary["delivered"] != joins or summary["duplicates"] or summary["wrong"]:
                sys.exit(f"{summary}\n{stage.log()}")
    rest = (before[0] - begun[0]) / (before[1] - begun[1])
    spent = after[0] - before[0] - rest * (after[1] - before[1])
    return Run(spent / joins * 1000, start_s, idle, peak)


def command_figures(directory, hide, kind, *arguments):
    """Returns the CPU time and the time of a command in ms, and its memory in MiB."""
    command = daemon(directory, arguments[0], hide, kind, *arguments[1:])
    begun = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{arguments}: {process.returncode}")
    cpu = (usage.ru_utime + usage.ru_stime) * 1000
    return cpu, (time.monotonic() - begun) * 1000, usage.ru_maxrss / 1024


class Bounds:
    """Prints the figures that have a bound, and remembers those that are over it."""

    def __init__(self):
        self.are_kept = True

    def check(self, name, figure, bound, unit=""):
        is_kept = figure <= bound
        self.are_kept &= is_kept
        print(f"{name}: {figure:.2f}{unit}, at most {bound}{unit}{'' if is_kept else ': TOO MUCH'}", flush=True)


def check_growth(bounds, templates, joins, repetitions):
    runs = {size: [] for size in templates}
    for _ in range(repetitions):
        for size, (directory, _) in templates.items():
            runs[size].append(raid(directory, size[1], joins))
    best = {size: Run(*map(min, zip(*measured))) for size, measured in runs.items()}
    print(f"{joins} joins; the best of {repetitions}")
    print("    users groups  CPU per join  CPU of start  at rest    peak")
    for (users, groups), run in best.items():
        print(
            f"{users:9} {groups:6} {run.join_ms:10.2f} ms {run.start_s:11.2f} s {run.idle_mib:5.1f} MiB"
            f" {run.peak_mib:4.1f} MiB",
            flush=True,
        )
    smallest = min(best)
    for (users, groups), run in best.items():
        if (users, groups) != smallest:
            ratio = run.join_ms / best[smallest].join_ms
            bounds.check(f"CPU per join, {users} users and {groups} groups to the smallest", ratio, RATIO)
    bounds.check("memory at rest", best[smallest].idle_mib, IDLE_MIB, " MiB")
    largest = max(best)
    bounds.check(f"memory with {largest[0]} users", best[largest].peak_mib, PEAK_MIB, " MiB")


def check_commands(bounds, directory, hide, users):
    one_user = str(6_400_000_000 + 200_000_000 // users * 7919)
    for arguments in (["status"], ["status", "--json"], ["why", one_user]):
        figures = [command_figures(directory, hide, "sealed", *arguments) for _ in range(5)]
        name = " ".join(arguments)
        cpu, wall = min(figure[0] for figure in figures), statistics.median(figure[1] for figure in figures)
        bounds.check(f"{name} with {users} users: {wall:.0f} ms; CPU", cpu, COMMAND_MS, " ms")


def check_backups(bounds, directory, hide, users):
    for kind, bound in BACKUP_MIB.items():
        with tempfile.TemporaryDirectory(dir=directory.parent) as to:
            cpu, wall, memory = command_figures(directory, hide, kind, "backup", "--to", to)
        name = f"backup of {users} users, {kind}: {wall / 1000:.1f} s, {cpu / 1000:.1f} s of CPU; memory"
        bounds.check(name, memory, bound, " MiB")


def main(joins, repetitions):
    sizes = SIZES or [(1_000, 10), (100_000, 10), (1_000_000, 10), (1_000, 100), (1_000, 400)]
    bounds = Bounds()
    with tempfile.TemporaryDirectory() as name:
        templates = {}
        for users, groups in sizes:
            directory = pathlib.Path(name) / f"{users}-{groups}"
            templates[users, groups] = (directory, make_database(directory, users, groups))
        backup = pathlib.Path(name) / "backup"
        check_backups(bounds, backup, make_database(backup, BACKUP_USERS, 10), BACKUP_USERS)
        largest = max(templates)
        check_commands(bounds, *templates[largest], largest[0])
        check_growth(bounds, templates, joins, repetitions)
    sys.exit(not bounds.are_kept)


DAEMON, SIMULATOR = map(pathlib.Path, sys.argv[1:3])
SIZES = [tuple(map(int, size.split("x"))) for size in os.environ.get("SIZES", "").split()]
main(int(sys.argv[3]), int(sys.argv[4]))
