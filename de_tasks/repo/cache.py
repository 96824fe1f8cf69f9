"""The deploy repository: one bare repository per (host, app) that keeps index and objects.

Only changed files are hashed and only new objects are sent. It is disposable: a damaged one
is thrown away and made again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock

from de_tasks.errors import NotFound, NotPermitted, Temporary, UsageError
from de_tasks.repo.git import SECONDS, Damaged, Git, Moved, Remote
from de_tasks.repo.source import Commit

ATTRIBUTES = "* -text -filter -ident -working-tree-encoding\n"


@dataclass(frozen=True)
class Pushed:
    """What is on the server now. `changed` is False when it was there before."""

    sha: str
    files: int
    changed: bool


@dataclass(frozen=True)
class LastDeploy:
    """The last deploy that was made from here."""

    sha: str
    url: str
    user: str


class DeployRepository:
    """The repository from which one app of one host is deployed."""

    def __init__(self, cache: Path, host: str, app: str) -> None:
        key = hashlib.sha256(host.encode()).hexdigest()[:12]
        self._folder = cache / "deploy" / f"{app}-{key}.git"
        self._git = Git(self._folder)

    @contextmanager
    def snapshot(self, source: Path | Commit, message: Callable[[], str]) -> Iterator[Snapshot]:
        """Begin to read the files of `source`; the repository is ours until the end.

        Files are read and `message` is called beside what the caller does meanwhile.
        """
        self._folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(f"{self._folder}.lock", timeout=SECONDS, mode=0o600):
            # Under our lock a lock file of git's is what a killed git left behind.
            (self._folder / "index.lock").unlink(missing_ok=True)
            with ThreadPoolExecutor(2) as beside:
                yield Snapshot(self._folder, source, beside, message)

    def last(self) -> LastDeploy | None:
        """The last deploy from here, as far as this machine remembers."""
        try:
            return LastDeploy(**json.loads((self._folder / "last-deploy.json").read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None


class Snapshot:
    """The files of a folder or of a commit as a tree, to be put on a server."""

    def __init__(
        self,
        folder: Path,
        source: Path | Commit,
        beside: ThreadPoolExecutor,
        message: Callable[[], str],
    ) -> None:
        self._folder = folder
        self._git = Git(folder)
        self._source = source
        self._beside = beside
        self._message = beside.submit(message)
        self._taken: Future[tuple[str, int]] = beside.submit(self._take)

    def wait(self) -> None:
        """Return when the files are read. Raises what `put` would, before anything is sent."""
        try:
            self._taken.result()
        except Damaged:
            return  # `put` makes the repository anew.

    def put_again(self, last: LastDeploy, remote: Remote, author: str) -> Pushed | None:
        """Push on top of our own last deploy, without asking the server what is there.

        The lease sees to it that nothing else is overwritten: None when something else is
        there, or when the push is not possible for another reason that asking would tell.
        """
        try:
            tree, files = self._taken.result()
            if self._tree_of(last.sha) in (None, tree):
                return None
            return self._push(tree, files, last.sha, remote, author)
        except (Damaged, Moved, NotPermitted, NotFound):
            return None

    def put(self, remote: Remote, author: str, again: bool = False) -> Pushed:
        """Push on top of what is there, with `again` even where nothing has changed.

        Raises `UsageError` for a folder with nothing in it, `NotPermitted` when the push is
        refused for its user, `DeTasksError` with git's words otherwise.
        """
        try:
            return self._put(remote, author, again)
        except Damaged:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._taken = self._beside.submit(self._take)
            return self._put(remote, author, again)

    def _put(self, remote: Remote, author: str, again: bool) -> Pushed:
        # Asking the server and reading the folder wait for different things.
        head = self._head(remote)
        tree, files = self._taken.result()
        if head and not self._tree_of(head):
            # The parent must be here: without it everything would be sent again.
            self._git("fetch", "--quiet", "--depth=1", remote.url, head, remote=remote)
        if head and self._tree_of(head) == tree and not again:
            self._remember(head, remote, author)
            return Pushed(head, files, changed=False)
        return self._push(tree, files, head, remote, author)

    def _push(
        self, tree: str, files: int, parent: str | None, remote: Remote, author: str
    ) -> Pushed:
        identity = {
            f"GIT_{role}_{part}": value
            for role in ("AUTHOR", "COMMITTER")
            for part, value in (("NAME", author), ("EMAIL", f"{author}@de-tasks.invalid"))
        }
        parents = ["-p", parent] if parent else []
        text = self._message.result()
        sha = self._git("commit-tree", tree, *parents, "-m", text, variables=identity).strip()
        lease = f"--force-with-lease={remote.branch}:{parent or ''}"
        window = {} if parent else {"pack.window": "0"}
        out = self._git(
            *("push", "--porcelain", lease, remote.url, f"{sha}:{remote.ref}"),
            remote=remote,
            config=window,
        )
        # A server that takes no chunked upload makes git end with status 0 and nothing sent:
        # what counts is the server's report on the branch, or else the branch itself.
        reported = any(line.split("\t")[1:2] == [f"{sha}:{remote.ref}"] for line in out.split("\n"))
        if not reported and self._head(remote) != sha:
            raise Temporary("The push was not confirmed by the server. Run the deploy again")
        self._remember(sha, remote, author)
        return Pushed(sha, files, changed=True)

    def _take(self) -> tuple[str, int]:
        first = self._prepare()
        if isinstance(self._source, Commit):
            tree = self._borrow(self._source)
            listing = self._git("ls-tree", "-r", "-z", tree)
        else:
            work = {"GIT_WORK_TREE": str(self._source.resolve())}
            # The first time, stream straight into one pack instead of a file per object.
            fast = {"core.bigFileThreshold": "1", "core.compression": "1"} if first else {}
            self._git("add", "--all", ".", variables=work, config=fast, cwd=self._source)
            listing = self._git("ls-files", "--stage", "-z")
            tree = ""
        entries = [entry for entry in listing.split("\0") if entry]
        nested = [entry.split("\t", 1)[1] for entry in entries if entry.startswith("160000")]
        if nested:
            raise UsageError(
                f"{nested[0]} is a git repository of its own, whose files would be left out. "
                "Remove its .git folder, or list it in .gitignore"
            )
        if not entries:
            raise UsageError(f"{self._source} has no files to deploy.")
        return tree or self._git("write-tree").strip(), len(entries)

    def _borrow(self, commit: Commit) -> str:
        """Let git find the commit's objects where they are; nothing is copied."""
        file = self._folder / "objects" / "info" / "alternates"
        file.parent.mkdir(exist_ok=True)
        known = file.read_text("utf-8").splitlines() if file.exists() else []
        lenders = [path for path in known if Path(path).is_dir()]
        if str(commit.objects) not in lenders:
            lenders.append(str(commit.objects))
        file.write_text("\n".join(lenders) + "\n", "utf-8")
        return commit.tree

    def _prepare(self) -> bool:
        if (self._folder / "HEAD").exists():
            return False
        shutil.rmtree(self._folder, ignore_errors=True)
        partial = self._folder.with_name(self._folder.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True, mode=0o700)
        Git(partial)("init", "--quiet", "--bare", "--template=")
        (partial / "info").mkdir(exist_ok=True)
        (partial / "info" / "attributes").write_text(ATTRIBUTES)
        partial.rename(self._folder)
        return True

    def _head(self, remote: Remote) -> str | None:
        out = self._git("ls-remote", remote.url, remote.ref, remote=remote)
        return out.split()[0] if out.strip() else None

    def _tree_of(self, sha: str) -> str | None:
        done = self._git.run("rev-parse", "--verify", "--quiet", f"{sha}^{{tree}}")
        return done.stdout.strip() if done.returncode == 0 else None

    def _remember(self, sha: str, remote: Remote, author: str) -> None:
        partial = self._folder / "last-deploy.partial"
        partial.write_text(json.dumps(asdict(LastDeploy(sha, remote.url, author))), "utf-8")
        partial.replace(self._folder / "last-deploy.json")
