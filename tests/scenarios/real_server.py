"""One scenario against a real Dash Enterprise: creates, deploys, updates and deletes an app.

Needs two variables, `DE_HOST` and `DE_APP` (the name of an app that does not exist yet), and a
login: `inv login`, or the variables that `de` documents. Does nothing without them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.support.places import ROOT

sys.path.insert(0, str(ROOT))

from de_tasks.project.scaffold import plan

INV = str(Path(sys.executable).with_name("inv"))


def scenario(host: str, name: str, app: Path, inv: Callable[..., str]) -> None:
    """Every step with the app of a folder; `inv` runs a command in it and returns what it prints,
    or raises when it fails."""
    inv("doctor")
    inv("whoami")
    missing = f"App [{name}] does not exist on [{host}].\n"
    if inv("apps.exists", "--name", name) != missing:
        raise SystemExit(f"{name} is there already: give a name that is free with DE_APP")
    inv("apps.create", "--name", name)
    try:
        inv("deploy", "-y")
        inv("apps.status")
        inv("logs", "--type", "build", "--count", "20")
        inv(
            "apps.update", "--title", 'A title with "quotes"', "--add-environment-variable", "A=b c"
        )
        inv("restart")
        inv("logs", "--count", "20")
        (app / "note.txt").write_text("a change\n")
        inv("deploy", "-y", "--message", "the second deploy")
    finally:
        inv("apps.delete", "--name", name)
    if inv("apps.exists", "--name", name) != missing:
        raise SystemExit(f"{name} is still there.")


def typed(host: str, app: Path, *words: str) -> str:
    """Run `inv` in the folder of an app; raises `CalledProcessError` when it fails."""
    print(f"$ inv {' '.join(words)}", flush=True)
    environment = {**os.environ, "DASH_ENTERPRISE_HOST": host}
    done = subprocess.run(
        [INV, *words], cwd=app, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    print(done.stdout, flush=True)
    return done.stdout


def main() -> int:
    """Run the scenario, or say what is missing."""
    host, name = os.environ.get("DE_HOST", ""), os.environ.get("DE_APP", "")
    if not host or not name:
        print("Skipped: set DE_HOST and DE_APP, the name of an app that does not exist yet.")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        app = Path(folder) / name
        shutil.copytree(plan.templates() / "dash", app)
        scenario(host, name, app, partial(typed, host, app))
    print("All of it works.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
