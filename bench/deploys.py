"""Deploying against the reference's procedure and against a bare `git push`.

    .venv/bin/python bench/deploys.py            the trees S, M and L
    .venv/bin/python bench/deploys.py M XL one   these trees
    .venv/bin/python bench/deploys.py --rounds 21 M L

Each figure is a ratio of medians of interleaved runs, on one tree and one server in one run.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.trees import TREES, Tree, Used, change, make, run  # noqa: E402
from tests.support.desk import Desk  # noqa: E402
from tests.support.gitserver import GIT, GitServer, git, serve  # noqa: E402

REFERENCE = """
set -e
copy=$(mktemp -d)
cp -r "$1/." "$copy"
cd "$copy"
git init -q
git add .
git commit -q -m "Deploy"
git -c http.extraHeader="Authorization: $3" push -q -f "$2" HEAD:refs/heads/master
rm -rf "$copy"
"""
CLIENT = """
import sys
from pathlib import Path
from tests.support.desk import Desk
from tests.support.gitserver import GitServer
url, folder, cache = sys.argv[1:]
Desk(GitServer(Path("/nowhere"), url), Path(folder), Path(cache)).deploy()
"""


def _serve(folder: Path, pipe: Connection) -> None:
    """A server in a process of its own: what it takes is not the client's."""
    with serve(folder) as server:
        pipe.send(server.url)
        while pipe.recv() == "received":
            pipe.send(server.received)
            server.received = 0


class Floor:
    """A plain `git push` of one commit, from a repository that has it."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._head = ""
        git(bench.base, "init", "-q", "--bare", "floor.git")
        bench.create("floor.git")
        self._url = bench.server.url.replace("app.git", "floor.git")
        self._variables = {
            "GIT_DIR": str(bench.base / "floor.git"),
            "GIT_WORK_TREE": str(bench.folder),
        }

    def commit(self) -> None:
        """Make the commit that `push` sends."""
        self._git("-c", "core.bigFileThreshold=1", "-c", "core.compression=1", "add", "--all")
        parent = ["-p", self._head] if self._head else []
        self._head = self._git("commit-tree", self._git("write-tree"), *parent, "-m", "Deploy")

    def push(self) -> float:
        """Seconds of the push."""
        header = f"http.extraHeader=Authorization: {self._bench.server.header}"
        begin = time.perf_counter()
        self._git("-c", header, "push", "-q", self._url, f"{self._head}:refs/heads/master")
        return time.perf_counter() - begin

    def status(self) -> float:
        """Seconds of `git status`, with an index and a commit of these files."""
        self._git("update-ref", "HEAD", self._head)
        begin = time.perf_counter()
        self._git("status", "--porcelain")
        return time.perf_counter() - begin

    def _git(self, *arguments: str) -> str:
        return git(self._bench.folder, *arguments, **self._variables)


@dataclass
class Bench:
    """A tree, a server, and everybody who deploys the one to the other."""

    tree: Tree
    base: Path
    folder: Path
    file: Path
    server: GitServer
    pipe: Connection

    def create(self, name: str) -> None:
        """Make another repository on the server."""
        place = self.server.repository.parent
        git(place, "clone", "-q", "--bare", "app.git", name)
        for setting in ("http.receivepack=true", "receive.unpackLimit=1"):
            git(place / name, "config", *setting.split("="))

    def received(self) -> int:
        """Bytes of pushes since the last time."""
        self.pipe.send("received")
        number: int = self.pipe.recv()
        return number

    def desk(self, cache: str = "cache") -> Desk:
        """Our own way, in this process."""
        return Desk(self.server, self.folder, self.base / cache)

    def redeploy(self) -> float:
        """Seconds from the start of the snapshot to the confirmed head."""
        desk = self.desk()
        last = desk.repository.last()
        assert last
        begin = time.perf_counter()
        with desk.repository.snapshot(desk.folder, desk.told.append) as snapshot:
            snapshot.ask(desk.remote)
            assert snapshot.put_again(last, desk.push()), "another commit than ours is there"
            return time.perf_counter() - begin

    def client(self, cache: str, watch: bool = False) -> Used:
        """Our own way in a process of its own."""
        where = [self.server.url, str(self.folder), str(self.base / cache)]
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(self.base)}
        return run([sys.executable, "-c", CLIENT, *where], self.base, environment, watch)

    def reference(self, watch: bool = False) -> Used:
        """The reference's procedure."""
        arguments = ["reference", str(self.folder), self.server.url, self.server.header]
        environment = {**GIT, "HOME": str(self.base), "TMPDIR": str(self.base)}
        return run(["sh", "-c", REFERENCE, *arguments], self.base, environment, watch)

    def empty(self) -> None:
        """Take the deploy away from the server, so that the next one is a first one."""
        git(self.server.repository, "update-ref", "-d", "refs/heads/master")
        shutil.rmtree(self.base / "first", ignore_errors=True)


@contextmanager
def bench(tree: Tree, where: Path | None) -> Iterator[Bench]:
    """Make the tree and start the server."""
    with tempfile.TemporaryDirectory(dir=where) as folder:
        base = Path(folder)
        (base / "served").mkdir()
        file = make(tree, base / "tree")
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.Process(target=_serve, args=(base / "served", theirs))
        process.start()
        try:
            server = GitServer(base / "served" / "app.git", url=ours.recv())
            yield Bench(tree, base, base / "tree", file, server, ours)
        finally:
            ours.send("end")
            process.join()


@dataclass
class Row:
    """A line of the table; `limit` is what is asked for."""

    what: str
    tree: str
    figure: str
    limit: str = ""
    detail: str = ""

    def __str__(self) -> str:
        return f"| {self.what} | {self.tree} | {self.figure} | {self.limit} | {self.detail} |"


def redeploys(b: Bench, rounds: int) -> Iterator[Row]:
    """One file changed: against the floor, the reference, and `git status`."""
    floor = Floor(b)
    floor.commit()
    floor.push()
    b.desk().deploy()
    b.received()
    times: dict[str, list[float]] = {"floor": [], "ours": [], "status": []}
    sent: dict[str, list[int]] = {"floor": [], "ours": []}
    for number in range(rounds + 1):
        change(b.file)
        floor.commit()
        for who in ("floor", "ours") if number % 2 else ("ours", "floor"):
            seconds = floor.push() if who == "floor" else b.redeploy()
            if number:
                times[who].append(seconds)
                sent[who].append(b.received())
        times["status"].append(floor.status())
    name = b.tree.name
    ours, bare = median(times["ours"]), median(times["floor"])
    status = median(times["status"])
    detail = f"{ours * 1000:.0f} ms over {bare * 1000:.0f} ms; status {status * 1000:.0f} ms"
    yield Row("one file changed, over the floor", name, f"{ours / bare:.2f}", "1.5", detail)
    detail = f"{median(sent['ours']):.0f} bytes over {median(sent['floor']):.0f}"
    yield Row(
        "the same, bytes sent",
        name,
        f"{median(sent['ours']) / median(sent['floor']):.2f}",
        "",
        detail,
    )
    b.received()
    assert not b.desk().deploy().changed
    yield Row("nothing changed, bytes sent", name, f"{b.received()}", "0")
    change(b.file)
    b.desk("fresh").deploy()
    fresh = b.received()
    yield Row(
        "fresh runner, one file changed, bytes over the floor's",
        name,
        f"{fresh / median(sent['floor']):.2f}",
        "3",
        f"{fresh} bytes",
    )
    GROWTH[name] = (ours, status)


def firsts(b: Bench, rounds: int) -> Iterator[Row]:
    """First deploys, each on an empty server and with an empty cache."""
    name = b.tree.name
    used: dict[str, list[Used]] = {"ours": [], "reference": []}
    for number in range(rounds):
        for who in ("reference", "ours") if number % 2 else ("ours", "reference"):
            b.empty()
            watch = number == 0
            used[who].append(b.client("first", watch) if who == "ours" else b.reference(watch))
    for what, limit in (("cpu", "0.55"), ("wall", "")):
        one, other = (median(getattr(u, what) for u in used[w]) for w in ("ours", "reference"))
        detail = f"{one:.1f} s over {other:.1f} s"
        yield Row(
            f"first deploy over the reference, {what}", name, f"{one / other:.2f}", limit, detail
        )
    change(b.file)
    again = b.client("first", watch=True)
    peaks = [used["ours"][0].memory, again.memory, used["reference"][0].memory]
    yield Row(
        "peak memory: first deploy, redeploy, reference",
        name,
        ", ".join(f"{peak / 1e6:.0f} MB" for peak in peaks),
        "below the reference",
    )
    before = median(u.wall for u in used["reference"])
    b.desk("first").deploy()
    seconds = []
    for _ in range(5):
        change(b.file)
        begin = time.perf_counter()
        b.desk("first").redeploy()
        seconds.append(time.perf_counter() - begin)
    detail = f"{median(seconds) * 1000:.0f} ms over {before:.1f} s"
    yield Row(
        "one file changed, over the reference",
        name,
        f"{median(seconds) / before:.3f}",
        "0.02",
        detail,
    )


GROWTH: dict[str, tuple[float, float]] = {}


def growth() -> Iterator[Row]:
    """What a hundred times as many files add, over `git status`."""
    if {"M", "XL"} <= set(GROWTH):
        (small, _), (large, status) = GROWTH["M"], GROWTH["XL"]
        figure = f"{(large - small) / status:.2f}"
        yield Row("growth from M to XL over `git status` of XL", "XL", figure, "2")


def median(values: Iterable[float]) -> float:
    """The median."""
    return statistics.median(values)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trees", nargs="*", default=["S", "M", "L"], help=" ".join(TREES))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--firsts", type=int, default=3, help="rounds of first deploys; 0: none")
    parser.add_argument("--where", type=Path, help="folder for the trees (default: the system's)")
    chosen = parser.parse_args()
    print("| what | tree | figure | at most | detail |\n|---|---|---|---|---|")
    for name in chosen.trees:
        with bench(TREES[name], chosen.where) as b:
            for row in redeploys(b, chosen.rounds):
                print(row, flush=True)
            for row in firsts(b, chosen.firsts) if chosen.firsts else ():
                print(row, flush=True)
    for row in growth():
        print(row)


if __name__ == "__main__":
    main()
