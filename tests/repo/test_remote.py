"""Nothing of the surroundings gets into a deploy, and a deploy gets into nothing of them."""

from __future__ import annotations

import base64
import hashlib
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from de_tasks.repo import remote, user_settings
from de_tasks.repo.source import find_commit
from tests.support.desk import Desk
from tests.support.gitserver import git
from tests.support.serving import served

HOSTILE = """
[user]
    useConfigOnly = true
[core]
    excludesFile = {home}/ignored
    attributesFile = {home}/attributes
    hooksPath = {home}/hooks
    autocrlf = true
    safecrlf = true
    fsmonitor = {home}/hooks/pre-push
    editor = false
    quotePath = true
[filter "lfs"]
    clean = "echo pointer"
    process = "false"
    required = true
[commit]
    gpgSign = true
[gpg]
    program = false
[push]
    gpgSign = true
    followTags = true
[url "http://127.0.0.1:9/elsewhere/"]
    insteadOf = {server}
    pushInsteadOf = {server}
[http]
    extraHeader = "X-Evil: 1"
    sslVerify = false
[protocol]
    version = 0
[transfer]
    credentialsInUrl = die
[init]
    templateDir = {home}/template
[index]
    sparse = true
[alias]
    push = "!false"
[credential]
    helper = "!touch {home}/asked; echo"
"""
HOOKS = ("pre-push", "pre-commit", "post-index-change", "reference-transaction", "post-checkout")


@pytest.fixture
def hostile(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home whose git configuration would spoil every deploy."""
    home = tmp_path / "home"
    for folder in ("hooks", "template/hooks", ".config/git"):
        (home / folder).mkdir(parents=True)
    (home / ".gitconfig").write_text(HOSTILE.format(home=home, server=desk.server.url))
    for name in ("ignored", ".config/git/ignore"):
        (home / name).write_text("*.csv\n")
    for name in ("attributes", ".config/git/attributes"):
        (home / name).write_text("* text eol=lf filter=lfs ident\n")
    for hook in HOOKS:
        for folder in ("hooks", "template/hooks"):
            script = home / folder / hook
            script.write_text(f"#!/bin/sh\ntouch {home}/ran-{hook}\nexit 1\n")
            script.chmod(0o755)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    user_settings._all.cache_clear()
    yield home
    user_settings._all.cache_clear()


def test_users_configuration_changes_nothing(desk: Desk, hostile: Path) -> None:
    (desk.folder / "a.py").write_bytes(b"one\r\n$Id$\n")
    desk.write("data.csv")
    pushed = desk.deploy()
    assert desk.server.names() == ["a.py", "data.csv"] and desk.server.head() == pushed.sha
    sent = git(desk.server.repository, "rev-parse", "master:a.py")
    assert sent == git(desk.folder, "hash-object", "--no-filters", "a.py")
    assert git(desk.server.repository, "log", "-1", "--format=%an", "master") == "dev"
    desk.write("data.csv", "changed\n")
    assert desk.redeploy()
    assert not [p.name for p in hostile.iterdir() if p.name.startswith(("ran-", "asked"))]


LEAKED = {
    "GIT_DIR": "{other}/.git",
    "GIT_WORK_TREE": "{other}",
    "GIT_INDEX_FILE": "{other}/.git/index",
    "GIT_OBJECT_DIRECTORY": "{other}/.git/objects",
    "GIT_COMMON_DIR": "{other}/.git",
    "GIT_PREFIX": "sub/",
    "GIT_NAMESPACE": "evil",
    "GIT_CEILING_DIRECTORIES": "/",
    "GIT_CONFIG_PARAMETERS": "'core.bare=true' 'http.proxy=http://127.0.0.1:9'",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "http.proxy",
    "GIT_CONFIG_VALUE_0": "http://127.0.0.1:9",
    "GIT_AUTHOR_NAME": "Mallory",
    "GIT_COMMITTER_DATE": "not a date",
    "GIT_EDITOR": "false",
    "GIT_EXTERNAL_DIFF": "false",
    "GIT_PAGER": "false",
    "GIT_SSH_COMMAND": "false",
    "GIT_ASKPASS": "false",
    "GIT_TRACE": "{other}/trace",
    "GIT_TRACE_CURL": "{other}/trace-curl",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_QUARANTINE_PATH": "{other}",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES": "{other}/.git/objects",
    "GIT_REPLACE_REF_BASE": "refs/evil/",
    "GIT_DEFAULT_HASH": "sha256",
    "GIT_OPTIONAL_LOCKS": "1",
}


def developers(folder: Path) -> Path:
    """A repository with a commit, a change, a stash, a hook and settings of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet", "-b", "main")
    (folder / "app.py").write_text("committed\n")
    git(folder, "add", "--all")
    # No two of them have a commit in common that was made in the same second.
    git(folder, "commit", "--quiet", "-m", f"one of {folder}")
    (folder / "app.py").write_text("stashed\n")
    git(folder, "stash", "--quiet")
    (folder / "staged.py").write_text("staged\n")
    git(folder, "add", "staged.py")
    (folder / "app.py").write_text("changed\n")
    (folder / "untracked.py").write_text("untracked\n")
    git(folder, "config", "core.autocrlf", "input")
    return folder


def contents(folder: Path) -> dict[str, object]:
    """Every file below a folder: its bytes, mode and time of change."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        facts = path.lstat()
        data = b"" if path.is_dir() or path.is_symlink() else path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        found[str(path)] = (facts.st_mode, facts.st_mtime_ns, facts.st_ctime_ns, digest)
    return found


@pytest.mark.parametrize("ref", ["", "HEAD"])
def test_variables_of_a_hook_lead_nowhere(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ref: str
) -> None:
    other = developers(tmp_path / "other")
    developers(desk.folder)
    before = {**contents(other), **contents(desk.folder)}
    for name, value in LEAKED.items():
        # GitPython, which finds a commit, lets git tell its traces to whoever asks for them.
        if not (ref and "TRACE" in name):
            monkeypatch.setenv(name, value.format(other=other))
    source = find_commit(desk.folder, ref) if ref else desk.folder
    pushed = desk.deploy(source)
    for name in LEAKED:
        monkeypatch.delenv(name, raising=False)
    assert desk.server.head() == pushed.sha
    assert desk.server.content("app.py") == ("committed" if ref else "changed")
    assert {**contents(other), **contents(desk.folder)} == before


def test_developers_repository_stays_as_it_is(desk: Desk) -> None:
    developers(desk.folder)
    # What git would take for changed, and note in the index, if it were let.
    os.utime(desk.folder / "app.py", (1, 1))
    os.utime(desk.folder / "staged.py", (1, 1))
    before = contents(desk.folder)
    told = desk.using(lambda snapshot: (snapshot.origin(), snapshot.put(desk.push())))
    desk.deploy(find_commit(desk.folder, "HEAD"))
    desk.using(lambda snapshot: snapshot.compare(desk.remote, "--stat"))
    assert told[0].endswith("-dirty (main)") and contents(desk.folder) == before


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[str]]]:
    """A plain HTTP proxy on loopback: its address, and the requests that went through it."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.pass_on(None)

        def do_POST(self) -> None:
            self.pass_on(self.rfile.read(int(self.headers["Content-Length"])))

        def pass_on(self, body: bytes | None) -> None:
            known = self.headers.get("Proxy-Authorization")
            if not known:
                self.send_response(407)
                self.send_header("Proxy-Authenticate", 'Basic realm="corp"')
                self.send_header("Content-Length", "0")
                return self.end_headers()
            seen.append(f"{self.command} {self.path} {known}")
            headers = {n: v for n, v in self.headers.items() if not n.startswith("Proxy-")}
            there = self.path.replace("//git.corp", "//127.0.0.1")
            request = Request(there, body, headers, method=self.command)
            with build_opener(ProxyHandler({})).open(request, timeout=30) as answer:
                content = answer.read()
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.headers["Content-Type"])
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            return

    with served(Handler) as address:
        yield address.removeprefix("http://"), seen


def test_proxy_of_the_users_configuration_is_used(
    desk: Desk, hostile: Path, proxy: tuple[str, list[str]]
) -> None:
    address, seen = proxy
    with (hostile / ".gitconfig").open("a") as config:
        config.write(f"[http]\n\tproxy = http://me:secret@{address}\n")
    desk.write("a.py")
    desk.server.url = desk.server.url.replace("127.0.0.1", "git.corp")
    assert desk.deploy().sha == desk.server.head()
    basic = base64.b64encode(b"me:secret").decode()
    assert seen and all(line.endswith(f"Basic {basic}") for line in seen)


@pytest.mark.parametrize("by", ["configuration", "variable"])
def test_no_proxy_stands_before_a_server_on_this_machine(
    desk: Desk,
    hostile: Path,
    proxy: tuple[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
    by: str,
) -> None:
    address = f"http://me:secret@{proxy[0]}"
    if by == "variable":
        monkeypatch.setenv("http_proxy", address)
    else:
        with (hostile / ".gitconfig").open("a") as config:
            config.write(f'[http]\n\tproxy = {address}\n[http "http://127.0.0.1"]')
            config.write(f"\n\tproxy = {address}\n")
    desk.write("a.py")
    assert desk.deploy().sha == desk.server.head()
    assert proxy[1] == []


def test_what_is_kept_of_the_users_configuration(desk: Desk, hostile: Path) -> None:
    with (hostile / ".gitconfig").open("a") as config:
        config.write(
            "[http]\n\tsslCAInfo = /corp/ca.pem\n\tsslCert = /me.pem\n"
            '[http "https://de.corp"]\n\tproxy = http://proxy:3128\n'
        )
    desk.server.url = desk.server.url.replace("127.0.0.1", "git.corp")
    kept = dict(remote.remote_settings(desk.remote))
    assert kept.pop("http.sslcainfo") == "/corp/ca.pem" and kept.pop("http.sslcert") == "/me.pem"
    assert kept.pop("http.https://de.corp.proxy") == "http://proxy:3128"
    assert list(kept) == [f"http.{desk.server.url}.extraHeader"], "nothing that weakens TLS"


def test_secret_stands_in_no_file_and_no_command_line(desk: Desk) -> None:
    desk.write("a.py")
    desk.server.hold = threading.Event()
    lines: list[bytes] = []

    def look() -> None:
        assert desk.server.arrived.wait(30) and desk.server.hold
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                lines.append(entry.read_bytes())
            except OSError:
                continue
        desk.server.hold.set()

    looking = threading.Thread(target=look)
    looking.start()
    desk.deploy()
    looking.join()
    assert any(b"send-pack" in line for line in lines)
    secret = desk.server.header.split()[1].encode()
    assert not [line for line in lines if secret in line]
    files = [path for path in desk.cache.rglob("*") if path.is_file()]
    assert files and not [path for path in files if secret in path.read_bytes()]
