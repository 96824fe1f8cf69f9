"""The deploy repository: one bare repository per (host, app) that keeps index and objects.

Only changed files are hashed and only new objects are sent. It is disposable: a damaged one
is thrown away and made again. Git gets an environment of our own making: nothing of a hook's
`GIT_*` variables, of the user's configuration, or of a secret in argv, URL or file.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from de_tasks.errors import DeTasksError, NotPermitted, Temporary, UsageError

GIT_SECONDS = 1800
CONFIG = {
    "gc.auto": "0",
    "maintenance.auto": "false",
    "core.hooksPath": os.devnull,
    "core.trustctime": "true",
    "core.autocrlf": "false",
    "credential.helper": "",
    "http.followRedirects": "false",
}
ATTRIBUTES = "* -text -filter -ident -working-tree-encoding\n"
KEPT_VARIABLES = (
    "PATH",
    "HOME",
    "TMPDIR",
    "SYSTEMROOT",
    "LANG",
    *(n for v in ("http_proxy", "https_proxy", "all_proxy", "no_proxy") for n in (v, v.upper())),
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)


@dataclass(frozen=True)
class Remote:
    """Where to push: `header` is the Authorization header's value."""

    url: str
    branch: str
    header: str
    ca_path: str = ""


@dataclass(frozen=True)
class Pushed:
    """What is on the server now. `changed` is False when it was there before."""

    sha: str
    files: int
    changed: bool


class DeployRepository:
    """The repository from which one app of one host is deployed."""

    def __init__(self, cache: Path, host: str, app: str) -> None:
        key = hashlib.sha256(host.encode()).hexdigest()[:12]
        self._folder = cache / "deploy" / f"{app}-{key}.git"

    def push(self, source: Path, remote: Remote, message: Callable[[], str], author: str) -> Pushed:
        """Put the files of `source` on the remote branch as a commit on top of what is there.

        `message` is called beside git's work, so that it may take its time.

        Raises `UsageError` for a folder with nothing in it, `NotPermitted` when the push is
        refused for its user, `DeTasksError` with git's words otherwise.
        """
        self._folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(f"{self._folder}.lock", timeout=GIT_SECONDS, mode=0o600):
            (self._folder / "index.lock").unlink(missing_ok=True)
            try:
                return self._push(source, remote, message, author)
            except _Damaged:
                shutil.rmtree(self._folder, ignore_errors=True)
                return self._push(source, remote, message, author)

    def _push(
        self, source: Path, remote: Remote, message: Callable[[], str], author: str
    ) -> Pushed:
        first = self._prepare()
        # Asking the server, reading the folder and describing its origin wait for different
        # things: a small deploy spends most of its time here.
        with ThreadPoolExecutor(2) as beside:
            asked = beside.submit(self._remote_head, remote)
            snapshot = beside.submit(self._snapshot, source, first)
            text = message()
            parent, (tree, files) = asked.result(), snapshot.result()
        if parent and self._has(parent) and self._tree_of(parent) == tree:
            return Pushed(parent, files, changed=False)
        if parent and not self._has(parent):
            self._git("fetch", "--quiet", "--depth=1", remote.url, parent, remote=remote)
        parents = ["-p", parent] if parent else []
        identity = {
            f"GIT_{role}_{part}": value
            for role in ("AUTHOR", "COMMITTER")
            for part, value in (("NAME", author), ("EMAIL", f"{author}@de-tasks.invalid"))
        }
        sha = self._git("commit-tree", tree, *parents, "-m", text, extra=identity).strip()
        lease = f"--force-with-lease={remote.branch}:{parent or ''}"
        refspec = f"{sha}:refs/heads/{remote.branch}"
        window = {"pack.window": "0"} if first else {}
        self._git("push", "--quiet", lease, remote.url, refspec, remote=remote, config=window)
        if self._remote_head(remote) != sha:
            raise Temporary("The push was not confirmed by the server. Run the deploy again")
        return Pushed(sha, files, changed=True)

    def _prepare(self) -> bool:
        if (self._folder / "HEAD").exists():
            return False
        shutil.rmtree(self._folder, ignore_errors=True)
        partial = self._folder.with_name(self._folder.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True, mode=0o700)
        self._run(["init", "--quiet", "--bare", "--template="], {"GIT_DIR": str(partial)})
        (partial / "info").mkdir(exist_ok=True)
        (partial / "info" / "attributes").write_text(ATTRIBUTES)
        partial.rename(self._folder)
        return True

    def _snapshot(self, source: Path, first: bool) -> tuple[str, int]:
        work = {"GIT_WORK_TREE": str(source.resolve())}
        # The first time, stream straight into one pack instead of a file per object.
        fast = {"core.bigFileThreshold": "1", "core.compression": "1"} if first else {}
        self._git("add", "--all", ".", extra=work, config=fast, folder=source)
        listing = self._git("ls-files", "--stage", "-z")
        entries = [entry for entry in listing.split("\0") if entry]
        nested = [entry.split("\t", 1)[1] for entry in entries if entry.startswith("160000")]
        if nested:
            raise UsageError(
                f"{nested[0]} is a git repository of its own, whose files would be left out. "
                "Remove its .git folder, or list it in .gitignore"
            )
        if not entries:
            raise UsageError(f"{source} has no files to deploy.")
        return self._git("write-tree").strip(), len(entries)

    def _remote_head(self, remote: Remote) -> str | None:
        ref = f"refs/heads/{remote.branch}"
        out = self._git("ls-remote", remote.url, ref, remote=remote)
        return out.split()[0] if out.strip() else None

    def _has(self, sha: str) -> bool:
        return self._ok("cat-file", "-e", f"{sha}^{{tree}}")

    def _tree_of(self, sha: str) -> str:
        return self._git("rev-parse", f"{sha}^{{tree}}").strip()

    def _ok(self, *arguments: str) -> bool:
        return self._run(list(arguments), {"GIT_DIR": str(self._folder)}).returncode == 0

    def _git(
        self,
        *arguments: str,
        extra: Mapping[str, str] | None = None,
        config: Mapping[str, str] | None = None,
        remote: Remote | None = None,
        folder: Path | None = None,
    ) -> str:
        environment = {"GIT_DIR": str(self._folder), **(extra or {})}
        headers: list[tuple[str, str]] = []
        if remote:
            # RFC 7240: we follow the build through the API; the push need not wait for it.
            key = f"http.{remote.url}.extraHeader"
            headers = [(key, f"Authorization: {remote.header}"), (key, "Prefer: respond-async")]
            if remote.ca_path:
                environment["GIT_SSL_CAINFO"] = remote.ca_path
        done = self._run(list(arguments), environment, [*(config or {}).items(), *headers], folder)
        if done.returncode == 0:
            return done.stdout
        raise _error(arguments[0], done.stderr)

    def _run(
        self,
        arguments: list[str],
        extra: Mapping[str, str],
        config: Sequence[tuple[str, str]] = (),
        folder: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        environment = {n: os.environ[n] for n in KEPT_VARIABLES if n in os.environ}
        environment |= {
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C.UTF-8",
            **extra,
        }
        pairs = [*CONFIG.items(), *config]
        environment["GIT_CONFIG_COUNT"] = str(len(pairs))
        for number, (key, value) in enumerate(pairs):
            environment[f"GIT_CONFIG_KEY_{number}"] = key
            environment[f"GIT_CONFIG_VALUE_{number}"] = value
        try:
            return subprocess.run(
                ["git", *arguments],
                env=environment,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="surrogateescape",
                timeout=GIT_SECONDS,
                check=False,
            )
        except FileNotFoundError:
            raise UsageError("git is not installed, and deploying needs it.") from None
        except subprocess.TimeoutExpired:
            raise Temporary(f"git {arguments[0]} did not finish in {GIT_SECONDS} s.") from None


class _Damaged(Exception):
    """The deploy repository is not in order: make it again."""


def _error(command: str, stderr: str) -> Exception:
    text = stderr.strip()
    words = next((x[8:].strip() for x in text.splitlines() if x.startswith("remote: ")), "")
    if "403" in text or "Authentication failed" in text or "401" in text:
        return NotPermitted(words or "The server refuses the push for this user.")
    if (
        "Could not resolve host" in text
        or "Failed to connect" in text
        or "Couldn't connect" in text
    ):
        return Temporary("The git server does not answer. Run the deploy again")
    if "stale info" in text:
        return DeTasksError("Somebody else deployed at the same moment. Run the deploy again")
    if any(sign in text for sign in ("bad object", "missing", "corrupt", "index file")):
        return _Damaged(text)
    return DeTasksError(f"git {command} failed: {words or text}")
