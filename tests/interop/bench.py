"""Measures the daemon beside a Telethon program: CPU time for each photo of a raid, and memory.

Usage: bench.py BINARY SIMULATOR JOINS REPETITIONS

The Telethon program runs without and with cryptg, an optional package that makes Telethon's encryption fast.

Each program runs twice against a simulator of its own: without a join, which gives the CPU time of a start and the
memory at rest, and through the raid. The CPU time of a photo is the difference, divided by the joins. Only the process
of the program is counted, not the simulator. The raid must deliver each photo once. The programs take turns, so that a
busy machine disturbs both; the best of the repetitions counts.
"""
import functools
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

REST_S = 4
RATE = 100
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


def run_daemon(directory, stage, kind):
    config = directory / "config.toml"
    config.write_text(CONFIG.format(hide=stage["hide_channel_id"], kind=kind))
    config.chmod(0o600)
    return [BINARY, "run", "--config", config]


def run_telethon(directory, stage, kind, cipher="plain"):
    script = pathlib.Path(__file__).with_name("bench_telethon.py")
    return [sys.executable, script, kind, cipher, json.dumps(stage), directory / "key"]


PROGRAMS = {
    "daemon": run_daemon,
    "telethon": run_telethon,
    "with cryptg": functools.partial(run_telethon, cipher="cryptg"),
}


def resident_mib(pid):
    """Returns the present and the highest resident memory."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return [int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM")]


def run(program, kind, joins):
    """Returns the CPU seconds of a run, and the memory at its end and at its peak."""
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        (directory / "data").mkdir()
        command = [SIMULATOR, "--session", directory / "data/account.session", "--key", directory / "key"]
        command += ["--latest-push", "0", "--min-share", "0", "--other-dc-share", "0"]
        if joins:
            command += ["--raid", str(joins), "--rate", str(RATE), "--raid-delay", "2"]
        with open(directory / "log", "w+b") as log:
            simulator = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            stage = json.loads(simulator.stdout.readline())
            process = subprocess.Popen(PROGRAMS[program](directory, stage, kind), stderr=log)
            try:
                if joins:
                    summary = json.loads(simulator.stdout.readline())
                    log.seek(0)
                    if summary["delivered"] != joins or summary["duplicates"] or summary["wrong"]:
                        sys.exit(f"{program}: {summary}\n{log.read().decode()}")
                else:
                    time.sleep(REST_S)
                memory = resident_mib(process.pid)
            finally:
                process.send_signal(signal.SIGTERM)
                _, _, usage = os.wait4(process.pid, 0)
                process.returncode = 0
                simulator.terminate()
                simulator.communicate()
    return usage.ru_utime + usage.ru_stime, *memory


def best(runs):
    return [min(values) for values in zip(*runs)]


def main(joins, repetitions):
    print(f"{joins} joins; CPU time in ms, memory in MiB; the best of {repetitions}")
    print("files   program       start  each photo  at rest   peak")
    for kind in ("sealed", "python"):
        runs = {program: ([], []) for program in PROGRAMS}
        for _ in range(repetitions):
            for program, (rests, raids) in runs.items():
                rests.append(run(program, kind, 0))
                raids.append(run(program, kind, joins))
        photo = {}
        for program, (rests, raids) in runs.items():
            start, rest, _ = best(rests)
            total, _, peak = best(raids)
            photo[program] = (total - start) / joins * 1000
            figures = f"{start * 1000:7.0f} {photo[program]:11.2f} {rest:8.1f} {peak:6.1f}"
            print(f"{kind:7} {program:11} {figures}", flush=True)
        for program in list(PROGRAMS)[1:]:
            print(f"{kind:7} daemon / {program}: {photo['daemon'] / photo[program]:.3f}", flush=True)


BINARY, SIMULATOR = map(pathlib.Path, sys.argv[1:3])
main(int(sys.argv[3]), int(sys.argv[4]))
