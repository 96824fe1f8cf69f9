"""Marked secrets go through every command there is, and are then searched for everywhere."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import de_tasks
from de_tasks.server import control
from tests.conftest import INV, Cli, passwords, processes_of

VALUE = "canary-value-5d1f"
WRONG = "canary-wrong-8c2a"
LINES: dict[str, list[tuple[str, ...]]] = {
    "login": [("--username", "dev", "--password-stdin")],
    "whoami": [(), ("--json",)],
    "create": [("--name", "made")],
    "apps.create": [("--name", "other"), ("--name", "Bad_Name")],
    "deploy": [("-y",), ("--path", "nowhere"), ("--name", "made"), ("--ref", "HEAD")],
    "update": [
        ("--add-environment-variable", "SECRET"),
        ("--title", "New"),
        ("--add-viewer", "nobody"),
    ],
    "apps.update": [("--env-file", "secrets.env"), ("--add-environment-variable", "=x")],
    "services.create": [("--type", "redis"), ("--type", "postgres"), ("--type", "x")],
    "services.list": [(), ("--json",)],
    "services.exists": [("--type", "redis")],
    "status": [(), ("--json",)],
    "apps.status": [(), ("--json",)],
    "diff": [(), ("--stat",), ("--names", "--stat")],
    "history": [(), ("--json",), ("--count", "x")],
    "rollback": [("-y",), ("-y", "--to", "99999")],
    "logs": [(), ("--type", "build"), ("--json",)],
    "apps.logs": [("--process-name", "nobody")],
    "apps.list": [(), ("--json",)],
    "apps.exists": [(), ("--json",)],
    "restart": [()],
    "apps.restart": [("--name", "made")],
    "open": [()],
    "docs": [()],
    "doctor": [(), ("--json",)],
    "preview.deploy": [("-y", "--branch", "x", "--json"), ("-y",)],
    "preview.list": [(), ("--json",)],
    "preview.prune": [("-y",)],
    "preview.delete": [("-y", "--branch", "x"), ("-y", "--branch", "x")],
    "init": [("--dry-run",), ("--json", "-y"), ("--template", "dash")],
    "services.delete": [("--type", "redis", "-y")],
    "delete": [("--with-services", "-y")],
    "apps.delete": [("--name", "other")],
    "logout": [()],
    "sandbox.start": [("--port", "0")],
    "sandbox.status": [(), ("--json",)],
    "sandbox.reset": [("-y",)],
}
ELSEWHERE = {
    "run": "started below, and interrupted",
    "sandbox.stop": "ends the sandbox: run last",
    "sandbox.add-user": "prints a new password: that is what it is for",
    "sandbox.api-key": "prints a key: that is what it is for",
}


def test_every_task_is_in_the_list() -> None:
    assert set(LINES) | set(ELSEWHERE) == set(de_tasks.ns.task_names)


@pytest.fixture
def own(tmp_path: Path) -> Cli:
    home = tmp_path / "home"
    home.mkdir()
    cli = Cli(home, "", {"BROWSER": "true"})
    # The one place where passwords are shown; what it prints is not searched.
    cli.run("sandbox.start", "--port", "0", "--no-login", "--rate-limit-points", "100000")
    cli.host = json.loads(cli.run("sandbox.status", "--json").stdout)["url"]
    return cli


def secrets_of(cli: Cli, running: control.Running) -> list[str]:
    """Whatever must not be seen, as far as it exists at this moment."""
    kept = json.loads((cli.home / ".dash_enterprise" / "credentials.json").read_text())
    found = [VALUE, WRONG, *passwords(running).values()]
    for login in kept.get("hosts", {}).values():
        found += [login["access_token"], login["refresh_token"]]
    found.append(str(control.administer(running, "api-key", {"username": "dev"})["key"]))
    database = running.data / "databases"
    for file in database.rglob("*.secret") if database.exists() else ():
        found.append(file.read_text().strip())
    return found


def test_secrets_stay_secret(own: Cli, wsgi: Path, tmp_path: Path) -> None:
    running = control.find(own.home / ".local/share/de-tasks/sandbox")
    assert running
    word = passwords(running)["dev"] + "\n"
    (wsgi / ".gitignore").write_text("secrets.env\n")
    (wsgi / "secrets.env").write_text(f"FROM_FILE={VALUE}\n")
    (wsgi / "invoke.yaml").write_text("de: {preview: {variables: [SECRET]}}\n")
    over, command_lines, outputs = threading.Event(), set(), []
    canaries: set[str] = set()

    def sample() -> None:
        while not over.wait(0.01):
            command_lines.update(processes_of(Path("/")))

    def run(*line: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        done = own.run(*line, folder=wsgi, stdin=stdin)
        outputs.append(done.stdout + done.stderr)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        assert run("login", "--username", "dev", "--password-stdin", stdin=WRONG).returncode == 4
        for task, lines in LINES.items():
            for line in lines:
                run(task, *line, stdin=word if task == "login" else VALUE + "\n")
                canaries.update(secrets_of(own, running))
                if task == "services.create":
                    canaries.update(database_passwords(own, running))
            if task == "status":
                run("--debug", "status")
                outputs.append(run_here(own, wsgi))
        run("sandbox.stop")
    finally:
        over.set()
        sampler.join()
    assert len(canaries) > 8
    everything = "".join(outputs) + "".join(command_lines)
    assert any("http-backend" in line or "push" in line for line in command_lines)
    assert not [c for c in canaries if c in everything]
    files_are_clean(own, running, canaries)


def database_passwords(cli: Cli, running: control.Running) -> list[str]:
    """Passwords in the addresses of databases, as the app's variables have them."""
    import requests

    key = control.administer(running, "api-key", {"username": "dev"})["key"]
    query = "{ apps { apps { environmentVariables { name value } } } }"
    answer = requests.post(
        f"{running.url}/Manager/graphql", json={"query": query}, auth=("dev", key), timeout=30
    ).json()
    values = [v for a in answer["data"]["apps"]["apps"] for v in a["environmentVariables"]]
    urls = [v["value"] for v in values if v["name"] in ("REDIS_URL", "DATABASE_URL")]
    return [password for url in urls if (password := urlsplit(url).password)]


def run_here(cli: Cli, wsgi: Path) -> str:
    """`run --with-env`, interrupted; what it printed."""
    (wsgi / "Procfile").rename(wsgi / "Procfile.kept")
    (wsgi / "Procfile").write_text("web: echo ready; sleep 60\n")
    child = subprocess.Popen(
        [INV, "run", "--with-env"],
        cwd=wsgi,
        env={"PATH": os.environ["PATH"], "HOME": str(cli.home), "DASH_ENTERPRISE_HOST": cli.host},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert child.stdout
    seen = ""
    for line in child.stdout:
        seen += line
        if line.startswith("ready"):
            break
    child.send_signal(signal.SIGINT)
    seen += child.stdout.read()
    assert child.wait(15) == 130, seen
    (wsgi / "Procfile.kept").replace(wsgi / "Procfile")
    return seen


def files_are_clean(cli: Cli, running: control.Running, canaries: set[str]) -> None:
    """No file has a secret but those that are for it, and these nobody else can read."""
    meant = {"credentials.json", "passwords.json", "sandbox.sqlite3"}
    for path in cli.home.rglob("*"):
        if not path.is_file() or "environments" in path.parts:
            continue
        private = path.stat().st_mode & 0o077 == 0
        if private and (path.name in meant or "databases" in path.parts):
            continue
        data = path.read_bytes()
        assert not [c for c in canaries if c.encode() in data], path
    credentials = cli.home / ".dash_enterprise" / "credentials.json"
    assert credentials.stat().st_mode & 0o777 == 0o600
    assert credentials.parent.stat().st_mode & 0o777 == 0o700
    assert running.data.stat().st_mode & 0o777 == 0o700
