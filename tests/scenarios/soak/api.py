"""The sandbox as its clients see it, without the client under test: plain HTTP and git."""

from __future__ import annotations

import base64
import http.client
import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from de_tasks.server import control

PATIENCE = 60
FAULTS = (OSError, ValueError, http.client.HTTPException)


class Gone(Exception):
    """The server was killed before it answered: what was asked may or may not be done."""


class Wrong(Exception):
    """The server answered what it must not answer."""


class Api:
    """Requests as the user `dev`."""

    def __init__(self, running: control.Running) -> None:
        self.running = running
        key = control.administer(running, "api-key", {"username": "dev"})["key"]
        passwords = json.loads((running.data / "passwords.json").read_text())
        self.password: str = passwords["dev"]
        self.basic = "Basic " + base64.b64encode(f"dev:{key}".encode()).decode()

    def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """The `data` of an answer. Raises `Gone`, or `Wrong` for an error of the server's own."""
        body = json.dumps({"query": document, "variables": variables}).encode()
        headers = {"Content-Type": "application/json", "Authorization": self.basic}
        answer = _json(urllib.request.Request(self.running.url + "/Manager/graphql", body, headers))
        if "errors" in answer or "data" not in answer:
            raise Wrong(f"{document[:60]} {variables}: {answer}")
        data: dict[str, Any] = answer["data"]
        return data

    def change(self, field: str, document: str, **variables: Any) -> str | None:
        """The `error` sentence of a mutation, None when it is done."""
        error: str | None = self.ask(document, **variables)[field]["error"]
        return error

    def token(self, **form: str) -> dict[str, Any] | None:
        """An answer of the token endpoint, None when it refuses."""
        address = f"{self.running.url}/auth/realms/dash/protocol/openid-connect/token"
        body = "&".join(f"{n}={v}" for n, v in {"client_id": "dash", **form}.items()).encode()
        answer = _json(urllib.request.Request(address, body))
        return None if "error" in answer else answer

    def page(self, name: str) -> dict[str, Any] | None:
        """What the app `name` says of itself, None while it does not answer."""
        address = f"http://localhost:{self.running.port}/{name}/"
        try:
            with urllib.request.urlopen(address, timeout=PATIENCE) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except FAULTS:
            return None

    def push(self, folder: Path, name: str, wait: bool) -> None:
        """Push the folder's HEAD to the app. With `wait` git shows the build and ends with it.
        Raises `Gone` where the server did not take it, `Wrong` where it refused to."""
        url = f"{self.running.url}/GIT/{name}"
        headers = [f"Authorization: {self.basic}", *([] if wait else ["Prefer: respond-async"])]
        # Random data is like nothing before it: looking for it would take the time of the test.
        settings = [("pack.window", "0"), *(("http.extraHeader", text) for text in headers)]
        words = ("push", "--porcelain", "--force", url, "HEAD:master")
        done = git(folder, *words, settings=settings)
        if "rejected" in done.stdout + done.stderr:
            raise Wrong(f"push to {name}: {done.stdout}{done.stderr}")
        if done.returncode:
            raise Gone(f"push to {name}: {done.stderr[-300:]}")


def git(
    folder: Path, *words: str, settings: Sequence[tuple[str, str]] = ()
) -> subprocess.CompletedProcess[str]:
    """A git command that sees nothing of this machine's settings, and shows nobody its own."""
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        **{f"GIT_{r}_{p}": "soak" for r in ("AUTHOR", "COMMITTER") for p in ("NAME", "EMAIL")},
        "GIT_CONFIG_COUNT": str(len(settings)),
    }
    for number, (name, value) in enumerate(settings):
        environment |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    child = subprocess.Popen(
        ["git", *words],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = child.communicate(timeout=PATIENCE)
    finally:
        # When the server dies, git may go before its helper, which then connects anew and
        # pushes once more: to the next server.
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    return subprocess.CompletedProcess(words, child.returncode, out, err)


def _json(request: urllib.request.Request) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            found: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            try:
                found = json.load(error)
            except FAULTS as fault:
                raise Gone(f"{request.full_url}: {fault!r}") from None
        if error.code >= 500:
            raise Wrong(f"{request.full_url}: {error.code} {found}") from None
    except FAULTS as fault:
        raise Gone(f"{request.full_url}: {fault!r}") from None
    return found
