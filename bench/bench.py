"""Ratios, each measured in one run on one machine: `.venv/bin/python bench/bench.py`.

Prints the table that stands in docs/benchmarks.md.
"""

from __future__ import annotations

import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from de_tasks.server import control  # noqa: E402
from tests.support.people import log_in  # noqa: E402

RUNS = 11


def timed(command: list[str], folder: Path) -> float:
    """Seconds of a command."""
    begin = time.perf_counter()
    subprocess.run(command, cwd=folder, capture_output=True, check=True)
    return time.perf_counter() - begin


def listing(base: Path) -> tuple[float, float]:
    """Medians of `inv --list` with an empty collection and with ours, interleaved."""
    inv = str(Path(sys.executable).with_name("inv"))
    empty, ours = base / "empty", base / "ours"
    one = "from invoke import task\n@task\ndef a(c):\n    'a'\n"
    for folder, text in ((empty, one), (ours, "from de_tasks import ns\n")):
        folder.mkdir()
        (folder / "tasks.py").write_text(text)
    seconds: dict[Path, list[float]] = {empty: [], ours: []}
    for number in range(4 * RUNS):
        # Whoever comes first in a pair may have it harder: the order changes.
        for folder in (empty, ours) if number % 2 else (ours, empty):
            seconds[folder].append(timed([inv, "--list"], folder))
    return statistics.median(seconds[empty]), statistics.median(seconds[ours])


def until(url: str, text: str) -> None:
    """Wait until the page at an address has a text."""
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                if text in answer.read().decode():
                    return
        except (urllib.error.URLError, OSError):
            pass
        # Rarely enough that asking does not slow down what is measured on two cores.
        time.sleep(0.02)


def by_hand(data: Path, app: Path) -> float:
    """Seconds from starting the app in its own environment until it answers."""
    (environment,) = (p.parent for p in (data / "environments").glob("*/.complete"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    variables = {"PATH": f"{environment}/bin:/usr/bin:/bin", "HOME": str(data)}
    variables["GUNICORN_CMD_ARGS"] = f"--bind=127.0.0.1:{port}"
    begin = time.perf_counter()
    command = ["gunicorn", "app:server", "--workers", "1", "--threads", "4"]
    binary = str(environment / "bin" / command[0])
    child = subprocess.Popen(
        [binary, *command[1:]], cwd=app, env=variables, stderr=subprocess.DEVNULL
    )
    until(f"http://127.0.0.1:{port}/", "<title>")
    seconds = time.perf_counter() - begin
    child.terminate()
    child.wait()
    return seconds


def redeploys(base: Path) -> tuple[float, float]:
    """Medians of the app's own start and of a one-line redeploy, interleaved."""
    running = control.start(base / "data", {"port": 0, "view_access": "unauthenticated"})
    try:
        dev = log_in(running, "dev", base)
        app = base / "energy"
        subprocess.run(["cp", "-r", str(ROOT / "templates" / "dash"), str(app)], check=True)
        assert dev.spawn("deploy", "-y", folder=app).code == 0
        url = json.loads(dev.spawn("status", "--json", folder=app).out)["url"]
        hand, ours = [], []
        for number in range(RUNS):
            hand.append(by_hand(running.data, app))
            file = app / "app.py"
            file.write_text(re.sub(r"(?m)^TITLE = .*$", f'TITLE = "v{number}"', file.read_text()))
            begin = time.perf_counter()
            deploy = threading.Thread(target=dev.spawn, args=("deploy",), kwargs={"folder": app})
            deploy.start()
            until(url, f"<title>v{number}</title>")
            ours.append(time.perf_counter() - begin)
            deploy.join()
        return statistics.median(hand), statistics.median(ours)
    finally:
        control.stop(running)


def push_memory(base: Path, size: int) -> tuple[int, int]:
    """Server memory in KiB, before and at its peak, while a push of `size` bytes arrives."""
    running = control.start(base / "push", {"port": 0})
    try:
        dev = log_in(running, "dev", base)
        app = base / "large"
        app.mkdir()
        (app / "Procfile").write_text("web: python -m http.server $PORT --bind 127.0.0.1\n")
        (app / "large.bin").write_bytes(os.urandom(size))
        memory = Path(f"/proc/{running.pid}/status")

        def resident() -> int:
            return int(memory.read_text().split("VmRSS:")[1].split()[0])

        before, peak, over = resident(), [0], threading.Event()

        def watch() -> None:
            while not over.wait(0.02):
                peak[0] = max(peak[0], resident())

        watcher = threading.Thread(target=watch)
        watcher.start()
        done = dev.spawn("deploy", "-y", folder=app)
        over.set()
        watcher.join()
        assert done.code == 0, done.err
        return before, peak[0]
    finally:
        control.stop(running)


def main() -> None:
    """Measure everything and print the table."""
    # Modules are compiled once, as on any machine.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        floor, own = listing(base)
        hand, ours = redeploys(base)
        before, peak = push_memory(base, 200 * 1024**2)
    print("| what | over what | ratio | at most |")
    print("|---|---|---|---|")
    print(f"| `inv --list` with our tasks | an empty collection | {own / floor:.2f} | 1.15 |")
    print(f"| one-line redeploy until it answers | the app's own start | {ours / hand:.2f} | 1.5 |")
    print(f"\nMedians: {floor:.3f} s, {own:.3f} s; {hand:.3f} s, {ours:.3f} s.")
    print(f"Server memory, push of 200 MB: {before / 1024:.0f} MB before, {peak / 1024:.0f} peak.")


if __name__ == "__main__":
    main()
