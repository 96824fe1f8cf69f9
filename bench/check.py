"""The check before a deploy against a push: `.venv/bin/python bench/check.py`.

A plain `git push` of one changed file to a bare repository on the same disk, beside the check of
the same folder as a deploy makes it, in a process that has its modules.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from de_tasks.deployment.checked import Check
from de_tasks.repo.cache import DeployRepository
from tests.support.repositories import Repository

RUNS = 7
SIZES = (1_000, 20_000)
APP = "from dash import Dash\napp = Dash()\nserver = app.server\n"


def measure(folder: Path, files: int) -> tuple[float, float]:
    """Medians in seconds of the check and of the push of one changed file among so many."""
    for number in range(files - 3):
        path = folder / f"data{number % 200}" / f"{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"VALUE = {number}\n" * 50)
    (folder / "Procfile").write_text("web: gunicorn app:server\n")
    (folder / "requirements.txt").write_text("dash\ngunicorn\n")
    (folder / "app.py").write_text(APP)
    made = Repository.make(folder)
    made.git("push", "-q", "origin", "main")
    checks, pushes = [], []
    repository = DeployRepository(folder.parent / "cache", "bench.example.org", "board")
    for number in range(RUNS):
        (folder / "app.py").write_text(f"{APP}VERSION = {number}\n")
        with repository.snapshot(folder, print) as snapshot:
            snapshot.files()
            begin = time.perf_counter()
            Check().run(snapshot.listing(), "board", lambda event: None)
            checks.append(time.perf_counter() - begin)
        made.commit("Change")
        begin = time.perf_counter()
        made.git("push", "-q", "origin", "main")
        pushes.append(time.perf_counter() - begin)
    return statistics.median(checks), statistics.median(pushes)


def main() -> None:
    """Measure, and print the rows."""
    print("| what | over what | ratio | aim |\n|---|---|---|---|")
    for files in SIZES:
        with tempfile.TemporaryDirectory() as base:
            folder = Path(base) / "board"
            folder.mkdir()
            check, push = measure(folder, files)
        row = f"| check before a deploy, {files:,} files | `git push` of one file | "
        print(f"{row}{check / push:.2f} | 1 | ({check:.3f} s, {push:.3f} s)")


if __name__ == "__main__":
    main()
