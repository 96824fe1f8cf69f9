"""A fleet of 60 small apps within the rate limit: `.venv/bin/python bench/fleet.py`.

Prints the table that stands in docs/benchmarks.md. The minimum is what no program can be faster
than: with P points to spend and W points in a window, all windows but the last must pass.
"""

from __future__ import annotations

import argparse
import math
import shutil
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from de_tasks.server import control  # noqa: E402
from tests.scenarios.soak.api import Api  # noqa: E402
from tests.support.people import log_in  # noqa: E402

RATIO = 3.5
"""Points of the whole work over those of a window."""
PLENTY = 10**6
OPEN = """mutation ($name: String) {
updateApp(appname: $name, metadata: {permissionLevel: unauthenticated}) { error } }"""
SERVE = """
import http.server, os
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"VERSION")
    def log_message(self, *arguments):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Page).serve_forever()
"""


@dataclass(frozen=True)
class Measured:
    """One way to deploy all apps: seconds, apps that did not come up, points, refusals."""

    seconds: float
    failures: int
    points: int
    refused: int


class Fleet:
    """A sandbox with small apps, and their repository."""

    def __init__(self, base: Path, count: int, window: int) -> None:
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
        self._api = Api(self.running)
        self.change()
        done = self._cli.spawn("fleet.deploy", "--all", "-y", folder=self._root)
        assert done.code == 0, done.out + done.err
        for name in self.names:
            assert self._api.change("updateApp", OPEN, name=name) is None

    def _start(self, points: int) -> control.Running:
        options: dict[str, int | str] = {"port": self._port, "rate_limit_points": points}
        options["rate_limit_seconds"] = self._window
        return control.start(self._base / "data", options)

    def limit(self, points: int) -> None:
        """Start the sandbox anew with so many points in a window."""
        control.stop(self.running)
        self._forget_budget()
        self.running = self._start(points)
        self._api = Api(self.running)

    def _forget_budget(self) -> None:
        shutil.rmtree(self._base / ".cache" / "de-tasks" / "budget", ignore_errors=True)

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
        with urllib.request.urlopen(address, timeout=10) as answer:
            return bool(answer.read() == f"version {self._version}".encode())

    def one_process(self) -> None:
        """`inv fleet.deploy --all`."""
        child = self._cli.begin("fleet.deploy", "--all", "-y", folder=self._root)
        (self._base / "one.log").write_text("".join(child.communicate(timeout=900)))

    def ten_processes(self) -> None:
        """Ten of them at once, each with a tenth of the apps, for one account."""
        parts = [",".join(self.names[i::10]) for i in range(10)]
        words = ("fleet.deploy", "-y", "--only")
        children = [self._cli.begin(*words, part, folder=self._root) for part in parts]
        logs = ["".join(child.communicate(timeout=900)) for child in children]
        (self._base / "ten.log").write_text("\n\n".join(logs))

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


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--apps", type=int, default=60)
    parser.add_argument("--window", type=int, default=30)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fleet-") as folder:
        fleet = Fleet(Path(folder), given.apps, given.window)
        try:
            cost = fleet.cost()
            points = given.apps * cost
            limit = round(points / RATIO)
            minimum = (math.ceil(points / limit) - 1) * given.window
            fleet.limit(limit)
            print(
                f"{given.apps} apps, {cost} points for one scripted deploy: P = {points}, "
                f"W = {limit} in {given.window} s, minimum {minimum} s\n"
            )
            print("| way | seconds | over the minimum | failures | points | refused |")
            print("|---|---|---|---|---|---|", flush=True)
            for title, way in (
                ("`inv fleet.deploy --all`", fleet.one_process),
                ("ten `inv fleet.deploy` at once", fleet.ten_processes),
                ("a loop that sleeps for a window when refused", fleet.loop),
            ):
                found = fleet.measure(way)
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
