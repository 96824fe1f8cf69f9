"""A build costs what changed: `.venv/bin/python bench/builds.py [M L]`.

`inv deploy` of one changed line to a sandbox, from the start of the command until the new version
answers, over the reference's procedure (copy, commit all, push by force) to the same sandbox, until
its version answers. Medians of runs beside each other; prints rows of docs/benchmarks.md.
"""

from __future__ import annotations

import base64
import os
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.bench import until  # noqa: E402
from bench.deploys import REFERENCE  # noqa: E402
from bench.trees import TREES, change, make, run  # noqa: E402
from de_tasks.server import control  # noqa: E402
from tests.support.backstage import backstage  # noqa: E402
from tests.support.gitserver import GIT  # noqa: E402
from tests.support.people import Person, log_in  # noqa: E402

ROUNDS = 8
PROCFILE = "web: exec python -m http.server $PORT --bind 127.0.0.1\n"


class Ways:
    """Two apps with the same files, each deployed in one way."""

    def __init__(self, base: Path, running: control.Running, dev: Person) -> None:
        self._base, self._running, self._dev = base, running, dev
        self.tree = base / "tree"
        word = base64.b64encode(f"dev:{backstage(running).password('dev')}".encode()).decode()
        self._header = f"Basic {word}"
        self._version = 0

    def change(self, file: Path) -> None:
        """Change one line, and the page that tells that the version is there."""
        self._version += 1
        change(file)
        (self.tree / "index.html").write_text(f"<title>v{self._version}</title>")

    def seconds(self, who: str) -> float:
        """From the start of a deploy until its version answers."""
        url = f"http://localhost:{self._running.port}/{who}/"
        deploy = threading.Thread(target=getattr(self, f"_{who}"))
        begin = time.perf_counter()
        deploy.start()
        until(url, f"<title>v{self._version}</title>")
        seconds = time.perf_counter() - begin
        deploy.join()
        return seconds

    def _ours(self) -> None:
        done = self._dev.spawn("deploy", "-y", "--name", "ours", folder=self.tree)
        assert done.code == 0, done.err

    def _reference(self) -> None:
        url = f"{self._running.url}/GIT/reference"
        environment = {**GIT, "HOME": str(self._base), "TMPDIR": str(self._base)}
        words = ["sh", "-c", REFERENCE, "reference", str(self.tree), url, self._header]
        run(words, self._base, environment)


def measure(name: str) -> str:
    """A row of the table."""
    seconds: dict[str, list[float]] = {"ours": [], "reference": []}
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        file = make(TREES[name], base / "tree")
        (base / "tree" / "tasks.py").write_text("from de_tasks import ns\n")
        (base / "tree" / "Procfile").write_text(PROCFILE)
        (base / "home").mkdir()
        options: dict[str, int | str] = {"port": 0, "rate_limit_points": 100_000}
        options["view_access"] = "unauthenticated"
        running = control.start(base / "data", options)
        try:
            dev = log_in(running, "dev", base / "home")
            both = Ways(base, running, dev)
            for app in seconds:
                assert dev.spawn("create", "--name", app).code == 0
            for number in range(ROUNDS):
                for who in seconds:
                    # The reference takes as long each time, and much longer.
                    if who == "ours" or number % 3 == 1:
                        both.change(file)
                        seconds[who].append(both.seconds(who))
        finally:
            control.stop(running)
    first, *again = seconds["ours"]
    ours, reference = statistics.median(again), statistics.median(seconds["reference"])
    each = ", ".join(f"{one:.2f}" for one in again)
    parts = f"{ours:.2f} s over {reference:.2f} s; first {first:.2f} s, then {each} s"
    figure = f"{ours / reference:.3f}"
    return f"| one line changed, until it answers | {name} | {figure} | 0.05 | {parts} |"


if __name__ == "__main__":
    # Modules are compiled once, as on any machine.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    print("| what | tree | over the reference | at most | detail |\n|---|---|---|---|---|")
    for tree_name in sys.argv[1:] or ("M", "L"):
        print(measure(tree_name), flush=True)
