"""One changed file of many, to version 5: by git beside `de`, against `de deploy`.

    .venv/bin/python bench/direct.py             20,000 files
    .venv/bin/python bench/direct.py 2000 --rounds 3

Both through the stand-in for `de`, from the command's start until the server has the deploy. The
bytes are those of the requests to git.
"""

from __future__ import annotations

import argparse
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from de_tasks.server import control  # noqa: E402
from tests.support.backstage import PASSWORD  # noqa: E402
from tests.support.git_gate import gate  # noqa: E402
from tests.support.people import PROGRAMS, People, Person  # noqa: E402
from tests.support.vendor import FAKE, through  # noqa: E402
from tests.support.waiting import until  # noqa: E402

BYTES = 1500
"""Of each file, half of them as random as code is not: what git can compress is the smaller."""


def tree(folder: Path, count: int) -> None:
    """An app with this many files."""
    folder.mkdir()
    (folder / "Procfile").write_text("web: python -m http.server $PORT --bind 127.0.0.1\n")
    for number in range(count):
        place = folder / "data" / f"{number // 200}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.txt").write_text(secrets.token_hex(BYTES // 2))


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("files", type=int, nargs="?", default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as base:
        folder = Path(base) / "app"
        tree(folder, given.files)
        running = control.start(Path(base) / "data", {"port": 0})
        try:
            measure(Path(base), folder, running, given.rounds)
        finally:
            control.stop(running)


def measure(base: Path, folder: Path, running: control.Running, rounds: int) -> None:
    """Deploy in turn both ways, each to an app of its own."""
    dev = People(running, base)["dev"]
    one = through(dev, FAKE)
    took: dict[str, list[float]] = {"de": [], "direct": []}
    sent: dict[str, list[int]] = {"de": [], "direct": []}
    with gate(dev.host, takes="pair", password=PASSWORD) as git:
        one.environment |= {"INVOKE_DE_GIT": git.url, "FAKE_DE_GIT": git.url}
        for number in range(rounds + 1):
            (folder / "data" / "0" / "0.txt").write_text(f"{number}\n")
            for way in took:
                environment = {**one.variables(), "INVOKE_DE_GIT_TRANSPORT": way}
                before, begin = git.sent, time.perf_counter()
                deploy(folder, f"bench-{way}", environment)
                if number:  # The first one sends everything.
                    took[way].append(time.perf_counter() - begin)
                    sent[way].append(git.sent - before)
                words = ("apps.status", "--name", f"bench-{way}")
                until(partial(is_built, dev, words), "the build")
    seconds = {way: statistics.median(found) for way, found in took.items()}
    size = {way: statistics.median(found) for way, found in sent.items()}
    for way in took:
        print(f"{way:8} {seconds[way]:8.2f} s {size[way]:12.0f} bytes")
    print(f"time {seconds['direct'] / seconds['de']:.4f}, bytes {size['direct'] / size['de']:.6f}")


def is_built(dev: Person, words: tuple[str, ...]) -> bool:
    """Whether the last build has ended well."""
    return "built" in dev.inv(*words).out


def deploy(folder: Path, name: str, environment: dict[str, str]) -> None:
    """One deploy, until the server has it."""
    command = [
        str(PROGRAMS / "de-tasks"),
        "deploy",
        "-y",
        "--no-wait",
        "--no-check",
        "--name",
        name,
    ]
    done = subprocess.run(
        [*command, str(folder)],
        env={**os.environ, **environment},
        cwd=folder.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)


if __name__ == "__main__":
    main()
