"""What the hooks cost, as ratios: `.venv/bin/python bench/hooks.py`.

Prints the rows that stand in docs/benchmarks.md. The hooks run from an environment of their own,
as pre-commit installs them: an editable install has no compiled modules where none are written.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.repositories import Repository  # noqa: E402

RUNS = 25
FILES = 1000
HOOK = """repos:
  - repo: local
    hooks:
      - {{id: x, name: x, language: system, entry: {entry}, stages: [pre-push],
         always_run: true, pass_filenames: false}}
"""


def installed(base: Path) -> Path:
    """The folder of programs of an environment with this package."""
    programs = base / "venv" / "bin"
    venv.create(base / "venv", with_pip=True)
    command = [str(programs / "pip"), "install", "--quiet", f"{ROOT}[secrets]"]
    subprocess.run(command, check=True)
    return programs


def pushes(base: Path, program: Path) -> tuple[float, float]:
    """Medians of `git push` of a branch that maps to nothing: with an empty hook, and ours."""
    seconds: dict[str, list[float]] = {}
    repositories = {}
    for name, entry in (("empty", "'true'"), ("ours", str(program))):
        folder = base / name
        folder.mkdir()
        (folder / ".pre-commit-config.yaml").write_text(HOOK.format(entry=entry))
        (folder / "invoke.yaml").write_text("de:\n  branches: {main: my-app}\n")
        made = Repository.make(folder, {"PRE_COMMIT_HOME": str(base / f"{name}.cache")})
        made.git("checkout", "-q", "-b", "feature")
        made.git("push", "-q", "origin", "feature")
        made.pre_commit("install", "--hook-type", "pre-push")
        repositories[name], seconds[name] = made, []
    for number in range(RUNS):
        for name in sorted(repositories, reverse=bool(number % 2)):
            repositories[name].commit("more")
            begin = time.perf_counter()
            repositories[name].git("push", "-q", "origin", "feature")
            seconds[name].append(time.perf_counter() - begin)
    return statistics.median(seconds["empty"]), statistics.median(seconds["ours"])


def checks(base: Path, program: Path) -> tuple[float, float]:
    """Medians of `git ls-files` and of de-check on the same tree of 1,000 files."""
    folder = base / "thousand"
    (folder / "data").mkdir(parents=True)
    (folder / "Procfile").write_text("web: gunicorn app:server\n")
    (folder / "requirements.txt").write_text("dash\ngunicorn\n")
    (folder / "app.py").write_text("from dash import Dash\napp = Dash()\nserver = app.server\n")
    for number in range(FILES - 3):
        (folder / "data" / f"{number}.py").write_text(f"VALUE = {number}\n" * 200)
    Repository.make(folder)
    listing, ours = ["git", "ls-files"], [str(program), "--no-secrets"]
    seconds: dict[str, list[float]] = {listing[0]: [], ours[0]: []}
    for number in range(RUNS):
        for command in (listing, ours) if number % 2 else (ours, listing):
            begin = time.perf_counter()
            subprocess.run(command, cwd=folder, check=True, capture_output=True)
            seconds[command[0]].append(time.perf_counter() - begin)
    return statistics.median(seconds[listing[0]]), statistics.median(seconds[ours[0]])


def main() -> None:
    """Measure both and print the rows."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        programs = installed(base)
        empty, push = pushes(base, programs / "de-deploy")
        listing, check = checks(base, programs / "de-check")
    print("| what | over what | ratio | aim |\n|---|---|---|---|")
    print(f"| `git push` that maps to nothing | an empty hook | {push / empty:.2f} | 1.2 |")
    print(f"| `de-check` on {FILES} files | `git ls-files` | {check / listing:.0f} | - |")
    print(f"\nMedians: {empty:.3f} s, {push:.3f} s; {listing:.4f} s, {check:.3f} s.")


if __name__ == "__main__":
    main()
