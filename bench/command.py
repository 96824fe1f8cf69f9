"""The whole command against its parts: `.venv/bin/python bench/command.py [M L]`.

`inv deploy --no-wait` of one changed file to a sandbox, over a plain `git push` of such a commit to
the same sandbox plus `inv --list`. A plain push goes on to show the build: what counts is the time
until the server has the commit. Medians of interleaved runs; prints rows of docs/benchmarks.md.
"""

from __future__ import annotations

import base64
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.trees import TREES, change, make  # noqa: E402
from de_tasks.server import control  # noqa: E402
from tests.support.backstage import backstage  # noqa: E402
from tests.support.gitserver import GIT, git  # noqa: E402
from tests.support.people import Person, log_in  # noqa: E402

ROUNDS = 11
BUILD_SECONDS = 300


def idle(dev: Person, app: str) -> None:
    """Wait for the end of an app's build: it would take time from what is measured next."""
    end = time.monotonic() + BUILD_SECONDS
    while True:
        found = json.loads(dev.spawn("status", "--json", "--name", app).out)
        if found["build"] in (None, "built", "failed"):
            return
        assert time.monotonic() < end, f"{app} is still being built"
        time.sleep(0.5)


class Plain:
    """An app that is deployed by a plain `git push`, from a repository that has the commit."""

    def __init__(self, base: Path, tree: Path, running: control.Running) -> None:
        self._tree = tree
        self._url = f"{running.url}/GIT/plain"
        word = base64.b64encode(f"dev:{backstage(running).password('dev')}".encode()).decode()
        self._variables = {
            "GIT_DIR": str(base / "plain.git"),
            "GIT_WORK_TREE": str(tree),
            # Not among the arguments, which everybody on the machine can read.
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "http.environmentHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {word}",
        }
        git(base, "init", "-q", "--bare", "plain.git")
        self._server = running.data / "git"

    def commit(self) -> None:
        """Make the commit that `push` sends."""
        git(self._tree, "add", "--all", **self._variables)
        git(self._tree, "commit", "-q", "-m", "Deploy", **self._variables)

    def push(self) -> float:
        """Seconds until the server has the commit."""
        sha = git(self._tree, "rev-parse", "HEAD", **self._variables)
        command = ["git", "push", "-q", self._url, "HEAD:refs/heads/master"]
        begin = time.perf_counter()
        child = subprocess.Popen(
            command, cwd=self._tree, env={**GIT, **self._variables}, stderr=subprocess.DEVNULL
        )
        while sha not in self._heads():
            assert time.perf_counter() - begin < BUILD_SECONDS
            time.sleep(0.002)
        seconds = time.perf_counter() - begin
        assert child.wait(BUILD_SECONDS) == 0
        return seconds

    def _heads(self) -> list[str]:
        return [p.read_text().strip() for p in self._server.glob("*/refs/heads/master")]


def measure(name: str) -> str:
    """A row of the table."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        tree, home = base / "tree", base / "home"
        home.mkdir()
        file = make(TREES[name], tree)
        (tree / "tasks.py").write_text("from de_tasks import ns\n")
        (tree / "Procfile").write_text("web: python -m http.server $PORT --bind 127.0.0.1\n")
        options: dict[str, int | str] = {"port": 0, "rate_limit_points": 100_000}
        running = control.start(base / "data", options)
        try:
            dev = log_in(running, "dev", home)
            plain = Plain(base, tree, running)
            for app in ("ours", "plain"):
                assert dev.spawn("create", "--name", app).code == 0
            deploy = ("deploy", "--no-wait", "--name", "ours")
            seconds: dict[str, list[float]] = {"ours": [], "push": [], "list": []}
            for number in range(ROUNDS + 1):
                change(file)
                plain.commit()
                for who in ("ours", "push") if number % 2 else ("push", "ours"):
                    begin = time.perf_counter()
                    if who == "push":
                        took = plain.push()
                    else:
                        done = dev.spawn(*deploy, "-y", folder=tree)
                        assert done.code == 0, done.err
                        took = time.perf_counter() - begin
                    seconds[who] += [took] if number else []
                    idle(dev, "plain" if who == "push" else "ours")
                begin = time.perf_counter()
                assert dev.spawn("--list", folder=tree).code == 0
                seconds["list"] += [time.perf_counter() - begin] if number else []
        finally:
            control.stop(running)
    ours, push, listed = (statistics.median(seconds[who]) for who in ("ours", "push", "list"))
    parts = f"{ours:.2f} s over {push:.2f} s + {listed:.2f} s"
    return f"| `inv deploy --no-wait` | {name} | {ours / (push + listed):.2f} | 1.5 | {parts} |"


if __name__ == "__main__":
    # Modules are compiled once, as on any machine.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    print("| what | tree | ratio | at most | detail |\n|---|---|---|---|---|")
    for tree_name in sys.argv[1:] or ("M", "L"):
        print(measure(tree_name), flush=True)
