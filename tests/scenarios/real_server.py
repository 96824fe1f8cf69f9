"""One scenario against a real Dash Enterprise: creates, deploys, updates and deletes an app.

Needs two variables, `DE_HOST` and `DE_APP` (the name of an app that does not exist yet), and a
login: `inv login`, or the variables that `de` documents. Does nothing without them. Where deploys
go by git, history, diff and rollback are tried too. What was seen is written to `real-server.txt`,
without the host's name, the app's, the user's and any secret.
"""

from __future__ import annotations

import os
import platform
import re
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
REPORT = Path("real-server.txt")


def scenario(host: str, name: str, app: Path, inv: Callable[..., str]) -> None:
    """Every step with the app of a folder; `inv` runs a command in it and returns what it prints,
    or raises when it fails."""
    by_git = "deploys: by git" in inv("doctor")
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
        # The app was not there when the host's git was asked for the first time.
        if by_git or "deploys: by git" in inv("doctor"):
            inv("deploy", "-y", "--message", "the third deploy")
            inv("history")
            inv("diff", "--stat")
            inv("rollback", "-y")
    finally:
        inv("apps.delete", "--name", name)
    if inv("apps.exists", "--name", name) != missing:
        raise SystemExit(f"{name} is still there.")


def typed(host: str, app: Path, *words: str, seen: list[str]) -> str:
    """Run `inv` in the folder of an app; raises `CalledProcessError` when it fails. What it
    prints is `seen`."""
    print(f"$ inv {' '.join(words)}", flush=True)
    environment = {**os.environ, "DASH_ENTERPRISE_HOST": host, "INVOKE_DE_APP": app.name}
    done = subprocess.run(
        [INV, *words], cwd=app, env=environment, capture_output=True, text=True, check=False
    )
    print(done.stdout, done.stderr, sep="", flush=True)
    seen += [f"$ inv {' '.join(words)}", done.stdout, done.stderr, f"code {done.returncode}"]
    done.check_returncode()
    return done.stdout


def anonymous(text: str, host: str, name: str) -> str:
    """A text without names and secrets, so that it can be shown to anybody."""
    user = next(iter(re.findall(r"Logged in as \[([^\]]+)\]", text)), "")
    secrets = [os.environ.get(f"DASH_ENTERPRISE_{part}", "") for part in ("PASSWORD", "API_KEY")]
    mine = {Path.home(): "HOME", Path.cwd(): "FOLDER", platform.node(): "MACHINE"}
    hidden = {host: "HOST", name: "NAME", user: "USER", **dict.fromkeys(secrets, "****")}
    hidden |= {str(text): word for text, word in mine.items()}
    # The longest first: a name may be part of another.
    for found in sorted(filter(None, hidden), key=len, reverse=True):
        text = text.replace(found, hidden[found])
    return text


def main() -> int:
    """Run the scenario, or say what is missing."""
    host, name = os.environ.get("DE_HOST", ""), os.environ.get("DE_APP", "")
    if not host or not name:
        print("Skipped: set DE_HOST and DE_APP, the name of an app that does not exist yet.")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        app = Path(folder) / name
        shutil.copytree(plan.templates() / "dash", app)
        seen: list[str] = []
        try:
            scenario(host, name, app, partial(typed, host, app, seen=seen))
        finally:
            REPORT.write_text(anonymous("\n".join(seen).replace(folder, "FOLDER"), host, name))
            print(f"What was seen is in {REPORT}, without names and secrets: you may send it.")
    print("All of it works.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
