"""A fleet of small apps within the rate limit: `.venv/bin/python bench/fleet.py`; what ten machines
do with 500 of them: `... --apps 500 --limit 600 --window 60 --new --way shards`.

Prints the table that stands in docs/benchmarks.md. The minimum is what no program can be faster
than: with P points to spend and W points in a window, all windows but the last must pass.
"""

from __future__ import annotations

import argparse
import functools
import math
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from de_tasks.server import control  # noqa: E402
from tests.support.people import PROGRAMS, Person, log_in  # noqa: E402

RATIO = 3.5
"""Points of the whole work over those of a window."""
PLENTY = 10**6
SERVE = """
import os, socket
server = socket.create_server(("127.0.0.1", int(os.environ["PORT"])), backlog=50)
while True:
    connection = server.accept()[0]
    connection.recv(65536)
    connection.sendall(b"HTTP/1.0 200 OK\\r\\nContent-Type: text/plain\\r\\n\\r\\nVERSION")
    connection.close()
"""
"""Small and quick to start: hundreds of them run at once."""
MACHINES = 10
BOUND = 3600
"""Seconds that a way may take."""


@dataclass(frozen=True)
class Measured:
    """One way to deploy all apps: seconds, apps that did not come up, points, refusals."""

    seconds: float
    failures: int
    points: int
    refused: int


class Fleet:
    """A sandbox with small apps, and their repository."""

    def __init__(self, base: Path, count: int, window: int, deployed: bool = True) -> None:
        self._base, self._window = base, window
        self.names = [f"app-{number}" for number in range(count)]
        self._root = base / "mono"
        self._version = 0
        for name in self.names:
            (self._root / name).mkdir(parents=True)
            (self._root / name / "Procfile").write_text("web: exec python serve.py\n")
        (self._root / "tasks.py").write_text("from de_tasks import ns\n")
        listed = "".join(f"    - {name}\n" for name in self.names)
        (self._root / "invoke.yaml").write_text(f"de:\n  apps:\n{listed}")
        self._port = 0
        self.running = self._start(PLENTY)
        self._port = self.running.port
        self._cli = log_in(self.running, "dev", base)
        self._machines = [
            log_in(self.running, "dev", base / f"machine-{number}") for number in range(MACHINES)
        ]
        if deployed:
            self.change()
            done = self._cli.spawn("fleet.deploy", "--all", "-y", folder=self._root)
            assert done.code == 0, done.out + done.err

    def _start(self, points: int) -> control.Running:
        options: dict[str, int | str] = {"port": self._port, "rate_limit_points": points}
        options["rate_limit_seconds"] = self._window
        options["view_access"] = "unauthenticated"
        return control.start(self._base / "data", options)

    def limit(self, points: int) -> None:
        """Start the sandbox anew with so many points in a window."""
        control.stop(self.running)
        self._forget_budget()
        self.running = self._start(points)

    def _forget_budget(self) -> None:
        for person in (self._cli, *self._machines):
            shutil.rmtree(person.home / ".cache" / "de-tasks" / "budget", ignore_errors=True)

    def change(self) -> None:
        """Give every app a new version to deploy."""
        self._version += 1
        for name in self.names:
            text = SERVE.replace("VERSION", f"version {self._version}")
            (self._root / name / "serve.py").write_text(text)

    def counted(self) -> tuple[int, int]:
        """Points that were spent and requests that were refused so far."""
        found = control.administer(self.running, "points", {})["dev"]
        return found["spent"], found["refused"]

    def cost(self) -> int:
        """Points that one scripted deploy of one app costs."""
        self.change()
        before = self.counted()[0]
        done = self._cli.spawn("deploy", "-y", "--name", self.names[0], folder=self._root / "app-0")
        assert done.code == 0, done.err
        return self.counted()[0] - before

    def measure(self, way: Callable[[], None]) -> Measured:
        """Deploy a new version of all apps in one way, from a fresh window on."""
        self.change()
        self._forget_budget()
        time.sleep(self._window + 1)
        before, begin = self.counted(), time.monotonic()
        way()
        seconds = time.monotonic() - begin
        after = self.counted()
        failures = sum(not self._serves(name) for name in self.names)
        return Measured(seconds, failures, after[0] - before[0], after[1] - before[1])

    def _serves(self, name: str) -> bool:
        address = f"http://localhost:{self._port}/{name}/"
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                return bool(answer.read() == f"version {self._version}".encode())
        except OSError:
            return False

    def one_process(self) -> None:
        """`inv fleet.deploy --all`."""
        self._at_once([(self._cli, ["--all"])])

    def ten_processes(self) -> None:
        """Ten of them at once, each with a tenth of the apps, for one account."""
        self._at_once([(self._cli, ["--only", part]) for part in self._parts()])

    def machines(self) -> None:
        """The same on ten machines, which share no file and know nothing of each other."""
        parts = zip(self._machines, self._parts(), strict=True)
        self._at_once([(person, ["--only", part]) for person, part in parts])

    def shards(self) -> None:
        """Ten machines that know which of the ten each is."""
        numbered = enumerate(self._machines, 1)
        self._at_once([(one, ["--all", "--shard", f"{i}/{MACHINES}"]) for i, one in numbered])

    def _parts(self) -> list[str]:
        return [",".join(self.names[i::MACHINES]) for i in range(MACHINES)]

    def _at_once(self, commands: Sequence[tuple[Person, Sequence[str]]]) -> None:
        children = []
        for number, (person, words) in enumerate(commands):
            with (self._base / f"{number}.log").open("w") as log:
                command = [str(PROGRAMS / "inv"), "fleet.deploy", "-y", *words]
                children.append(
                    subprocess.Popen(
                        command, cwd=self._root, env=person.variables(), stdout=log, stderr=log
                    )
                )
        for child in children:
            child.wait(timeout=BOUND)

    def loop(self) -> None:
        """The rival: one plain deploy after the other; who is refused sleeps for a window.

        It knows nothing of a budget, since a file stands in the place of its folder: each deploy
        sends what it has to send until the server refuses it.
        """
        self._cli.environment["INVOKE_DE_RETRY_DEADLINE"] = "1"
        in_the_way = self._base / ".cache" / "de-tasks" / "budget"
        in_the_way.write_text("")
        for name in self.names:
            for _ in range(20):
                done = self._cli.spawn("deploy", "-y", "--name", name, folder=self._root / name)
                if done.code != 75:
                    break
                time.sleep(self._window)
        in_the_way.unlink()
        del self._cli.environment["INVOKE_DE_RETRY_DEADLINE"]

    def close(self) -> None:
        """End the sandbox."""
        control.stop(self.running)


WAYS: dict[str, tuple[str, Callable[[Fleet], None]]] = {
    "one": ("`inv fleet.deploy --all`", Fleet.one_process),
    "ten": ("ten `inv fleet.deploy` at once", Fleet.ten_processes),
    "machines": ("ten machines that know nothing of each other", Fleet.machines),
    "shards": ("ten machines, `--shard 1/10` to `10/10`", Fleet.shards),
    "loop": ("a loop that sleeps for a window when refused", Fleet.loop),
}


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--apps", type=int, default=60)
    parser.add_argument("--window", type=int, default=30)
    parser.add_argument("--limit", type=int, help="points of a window")
    parser.add_argument("--way", action="append", choices=[*WAYS], help="only this; repeatable")
    parser.add_argument("--new", action="store_true", help="the first deploy of all, in one way")
    given = parser.parse_args()
    if given.new and len(given.way or WAYS) > 1:
        parser.error("--new is for one --way: after it the apps are there")
    with tempfile.TemporaryDirectory(prefix="fleet-") as folder:
        fleet = Fleet(Path(folder), given.apps, given.window, not given.new)
        try:
            cost = fleet.cost()
            points = given.apps * cost
            limit = given.limit or round(points / RATIO)
            minimum = (math.ceil(points / limit) - 1) * given.window
            fleet.limit(limit)
            print(
                f"{given.apps} apps, {cost} points for one scripted deploy: P = {points}, "
                f"W = {limit} in {given.window} s, minimum {minimum} s\n"
            )
            print("| way | seconds | over the minimum | failures | points | refused |")
            print("|---|---|---|---|---|---|", flush=True)
            for title, way in (WAYS[name] for name in given.way or WAYS):
                found = fleet.measure(functools.partial(way, fleet))
                print(
                    f"| {title} | {found.seconds:.0f} | {found.seconds / minimum:.2f} "
                    f"| {found.failures} | {found.points} | {found.refused} |",
                    flush=True,
                )
                if found.failures:
                    for log in Path(folder).glob("*.log"):
                        print(log.read_text(), file=sys.stderr)
        finally:
            fleet.close()


if __name__ == "__main__":
    main()
