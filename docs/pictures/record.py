"""Runs the demo and `status` on a pseudo terminal, and draws what they print as SVG.

Usage: record.py DIRECTORY_OF_THE_PROGRAMS
"""
import json
import os
import pathlib
import pty
import subprocess
import sys
import tempfile
import xml.sax.saxutils

import pyte

COLUMNS, ROWS = 100, 200
CHARACTER_WIDTH, LINE_HEIGHT, MARGIN = 8.4, 18, 16
BACKGROUND, FOREGROUND = "#1e1e1e", "#d4d4d4"
COLOURS = {"red": "#f14c4c", "green": "#23d18b", "brown": "#e5c07b", "blue": "#8a8a8a", "cyan": "#29b8db"}
FAINT = "\x1b[2m"
CONFIG = """
[telegram]
api_id = 1
api_hash = "0123456789abcdef0123456789abcdef"
[channels]
hide_channel_id = {hide}
[encrypt]
password = "correct horse"
[delivery]
pace = "steady"
min_interval_ms = 0
"""


def output_of(command, directory):
    """Returns what the command writes to a terminal."""
    primary, secondary = pty.openpty()
    environment = os.environ | {"COLUMNS": str(COLUMNS), "LINES": str(ROWS), "TERM": "xterm-256color"}
    process = subprocess.Popen(
        command, cwd=directory, env=environment, stdin=secondary, stdout=secondary, stderr=secondary
    )
    os.close(secondary)
    chunks = []
    while True:
        try:
            chunk = os.read(primary, 65536)
        except OSError:
            break
        if not chunk:
            break
        chunks.append(chunk)
    os.close(primary)
    if process.wait() != 0:
        sys.exit(f"{command}: status {process.returncode}\n{b''.join(chunks).decode()}")
    return b"".join(chunks).decode()


def lines_on_screen(text):
    """Returns the lines that a terminal shows, each as runs of equal style."""
    screen = pyte.Screen(COLUMNS, ROWS)
    # pyte has no faint text: the colour stands for it.
    pyte.Stream(screen).feed(text.replace(FAINT, "\x1b[34m"))
    lines = []
    for row in screen.display:
        characters = screen.buffer[len(lines)]
        runs = []
        for column in range(len(row.rstrip())):
            character = characters[column]
            style = (character.fg, character.bold)
            if runs and runs[-1][1] == style:
                runs[-1][2] += character.data
            else:
                runs.append([column, style, character.data])
        lines.append(runs)
    while lines and not lines[-1]:
        lines.pop()
    return lines


def draw(path, command, text):
    lines = [[[0, ("default", True), f"$ {command}"]], *lines_on_screen(text)]
    width = round(COLUMNS * CHARACTER_WIDTH) + 2 * MARGIN
    height = len(lines) * LINE_HEIGHT + 2 * MARGIN
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        f"<title>The output of {xml.sax.saxutils.escape(command)}</title>",
        f'<rect width="{width}" height="{height}" rx="8" fill="{BACKGROUND}"/>',
        f'<g font-family="monospace" font-size="14" fill="{FOREGROUND}" xml:space="preserve">',
    ]
    for number, runs in enumerate(lines):
        y = MARGIN + number * LINE_HEIGHT + 13
        for column, (colour, bold), data in runs:
            if not data.strip():
                continue
            x = round(MARGIN + column * CHARACTER_WIDTH, 1)
            length = round(len(data) * CHARACTER_WIDTH, 1)
            style = ' font-weight="bold"' if bold else ""
            if colour in COLOURS:
                style += f' fill="{COLOURS[colour]}"'
            content = xml.sax.saxutils.escape(data)
            out.append(f'<text x="{x}" y="{y}" textLength="{length}"{style}>{content}</text>')
    out += ["</g>", "</svg>", ""]
    path.write_text("\n".join(out))
    print(f"{path}: {len(lines)} lines")


def status_of_a_raid(programs):
    """Returns what `status` prints after a raid on two groups."""
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        (directory / "data").mkdir()
        raid = ["--raid", "120", "--rate", "60", "--groups", "2", "--raid-delay", "2"]
        simulator = subprocess.Popen(
            [programs / "telegram-sim", "--session", directory / "data/account.session", *raid],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        stage = json.loads(simulator.stdout.readline())
        config = directory / "config.toml"
        config.write_text(CONFIG.format(hide=stage["hide_channel_id"]))
        config.chmod(0o600)
        program = programs / "scp-079-avatar"
        with open(directory / "log", "wb") as log:
            daemon = subprocess.Popen([program, "run", "--config", config], stderr=log)
        try:
            simulator.stdout.readline()
            return output_of([program, "status", "--config", "config.toml"], directory)
        finally:
            daemon.terminate()
            daemon.wait()
            simulator.terminate()
            simulator.communicate()


def main():
    programs = pathlib.Path(sys.argv[1])
    here = pathlib.Path(__file__).parent
    draw(here / "demo.svg", "cargo run --example demo", output_of([programs / "examples/demo"], here))
    draw(here / "status.svg", "scp-079-avatar status", status_of_a_raid(programs))


main()
