"""Listing many apps against listing few, and what an update with many options costs.

    .venv/bin/python bench/lists.py

Prints the tables that stand in docs/benchmarks.md.
"""

from __future__ import annotations

import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from de_tasks.net.http import Transport  # noqa: E402
from de_tasks.server import control  # noqa: E402
from tests.support.people import Person, log_in  # noqa: E402
from tests.support.published import Caller, caller  # noqa: E402

RUNS = 5
SIZES = (10, 1000, 10_000)
OPTIONS = """
--title Sales --description Numbers --view-access authenticated --visible-on-portal --portal-rank 3
--maintainer-email me@example.com --tag one --add-viewer viewer --add-co-owner admin
--add-environment-variable KEY=value
""".split()


def fill(data: Path, number: int) -> None:
    """Bring the apps of dev to a number, in the database of the running sandbox."""
    with sqlite3.connect(data / "sandbox.sqlite3", timeout=30) as database:
        database.execute("DELETE FROM apps")
        database.executemany(
            "INSERT INTO apps (name, owner, title, created, updated) VALUES (?, 'dev', '', ?, ?)",
            [(f"app-{i:05}", "2026-01-01T00:00:00.000000", "") for i in range(number)],
        )


def listed(dev: Person, *options: str) -> tuple[float, int, float]:
    """Seconds, peak memory of the client in MB and seconds to the first line of `apps list`."""
    program = str(Path(sys.executable).with_name("de-tasks"))
    begin = time.perf_counter()
    with subprocess.Popen(
        [program, "apps", "list", *options],
        env=dev.variables(),
        cwd=dev.home,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout
        child.stdout.readline()
        first = time.perf_counter() - begin
        while child.stdout.read(1 << 16):
            pass
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    return time.perf_counter() - begin, usage.ru_maxrss // 1024, first


def lists(base: Path) -> None:
    """The table of lists."""
    data = base / "data"
    options: dict[str, int | str] = {"port": 0, "rate_limit_points": 10**6}
    running = control.start(data, options)
    dev = log_in(running, "dev", base)
    print("| apps | sandbox start | `apps list` | to the first line | memory | with `--json` |")
    print("|---|---|---|---|---|---|")
    try:
        for size in SIZES:
            fill(data, size)
            begins = []
            for _ in range(RUNS):
                control.stop(running)
                begin = time.perf_counter()
                running = control.start(data, options)
                begins.append(time.perf_counter() - begin)
            listed(dev)
            tables = [listed(dev) for _ in range(RUNS)]
            seconds, memory, first = map(statistics.median, zip(*tables, strict=True))
            as_json = statistics.median(listed(dev, "--json")[1] for _ in range(RUNS))
            times = f"{statistics.median(begins):.2f} s | {seconds:.2f} s | {first:.2f} s"
            print(f"| {size:,} | {times} | {memory:.0f} MB | {as_json:.0f} MB |", flush=True)
    finally:
        control.stop(running)


def updates(base: Path) -> None:
    """The table of updates: ten options in one call, and in ten."""
    options: dict[str, int | str] = {"port": 0, "rate_limit_points": 900}
    running = control.start(base / "update", options)
    try:
        person = log_in(running, "dev", base / "home")
        program = caller(running, "dev")
        starts = [i for i, word in enumerate(OPTIONS) if word.startswith("--")]
        single = [OPTIONS[a:b] for a, b in zip(starts, [*starts[1:], None], strict=True)]
        print("\n| `apps update` | requests | points |\n|---|---|---|")
        for words, calls in {"ten options": [OPTIONS], "ten times one": single}.items():
            name = words.replace(" ", "-")
            person.run(f"apps create -n {name}")
            before = left(program)
            with mock.patch.object(
                Transport, "request", autospec=True, side_effect=Transport.request
            ) as sent:
                for given in calls:
                    done = person.run(["apps", "update", "-n", name, *given])
                    assert done.code == 0, done.err
            requests = sum(call.args[2].endswith("/graphql") for call in sent.mock_calls)
            print(f"| {words} | {requests} | {before - left(program)} |")
    finally:
        control.stop(running)


def left(program: Caller) -> int:
    """Points that are left."""
    points: int = program.ask("{ rateLimit { remaining } }")["rateLimit"]["remaining"]
    return points


def main() -> None:
    """Measure, and print."""
    with tempfile.TemporaryDirectory() as folder:
        lists(Path(folder))
        updates(Path(folder))


if __name__ == "__main__":
    main()
