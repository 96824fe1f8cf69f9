"""The files that are deployed, as a git tree, and their way to the server."""

from __future__ import annotations

import json
import platform
import re
import shutil
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from de_tasks.errors import NotPermitted, Temporary, UsageError
from de_tasks.points import WRITE
from de_tasks.repo.git import Git, Remote
from de_tasks.repo.refusal import Damaged, LengthRequired, Moved, Nested, Vanished
from de_tasks.repo.source import Commit
from de_tasks.retry import Policy

ATTRIBUTES = "* -text -filter -ident -working-tree-encoding\n"
LARGEST = 5
SIZE = re.compile(r"\n {2}size: (\d+)\t")
Progress = Callable[[str], None]
FAST_FIRST = {"core.bigFileThreshold": "1", "core.compression": "1"}
"""The first time, stream straight into one pack instead of a file per object."""


@dataclass(frozen=True)
class Files:
    """What is deployed: a tree, how many files it has, and their size in bytes.

    `changed` counts the files that differ from the last deploy from here, None at the first;
    `largest` are names and sizes of the largest ones, given when the size is big.
    """

    tree: str
    count: int
    size: int
    changed: int | None = None
    largest: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Pushed:
    """What is on the server now. `changed` is False when it was there before."""

    sha: str
    changed: bool


@dataclass(frozen=True)
class LastDeploy:
    """The last deploy that was made from here."""

    sha: str
    url: str
    user: str


@dataclass(frozen=True)
class Deployed:
    """A commit that was deployed earlier, and is to be fetched if it is not here."""

    sha: str
    remote: Remote


def last_deploy(folder: Path) -> LastDeploy | None:
    """The last deploy from a deploy repository, as far as this machine remembers."""
    try:
        return LastDeploy(**json.loads((folder / "last-deploy.json").read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


class Snapshot:
    """The files of a folder or of a commit, read in a thread of their own."""

    def __init__(
        self,
        folder: Path,
        source: Path | Commit | Deployed,
        beside: ThreadPoolExecutor,
        big: int,
    ) -> None:
        self._folder = folder
        self._git = Git(folder)
        self._source = source
        self._beside = beside
        self._big = big
        self._taken: Future[Files] = beside.submit(self._take)

    def files(self) -> Files:
        """What is deployed, when it is read.

        Raises `UsageError` for a folder that has nothing to deploy.
        """
        try:
            return self._taken.result()
        except Damaged:
            self._rebuild()
            return self._taken.result()

    def end(self) -> None:
        """End every git command that still runs."""
        self._git.end()

    def put_again(
        self, last: LastDeploy, remote: Remote, author: str, message: str, progress: Progress
    ) -> Pushed | None:
        """Push on top of our own last deploy, without asking the server what is there.

        The lease sees to it that nothing else is overwritten: None when something else is
        there, or when the push is not possible for another reason that asking would tell.
        """
        try:
            files = self.files()
            if self._tree_of(last.sha) in (None, files.tree):
                return None
            return self._push(files.tree, last.sha, remote, author, message, progress)
        except (Damaged, Moved, NotPermitted):
            return None

    def put(
        self,
        remote: Remote,
        author: str,
        message: str,
        progress: Progress,
        again: bool = False,
    ) -> Pushed:
        """Push on top of what is there, with `again` even where nothing has changed.

        Raises `NotPermitted` when the push is refused for its user, `DeTasksError` with git's
        words otherwise.
        """
        try:
            return self._put(remote, author, message, progress, again)
        except Damaged:
            self._rebuild()
            return self._put(remote, author, message, progress, again)

    def compare(self, remote: Remote, *options: str) -> str:
        """What `git diff` says between what is deployed and these files; empty when the same."""
        files = self.files()
        head = self._head(remote)
        if head:
            self._need(head, remote)
        before = f"{head}^{{tree}}" if head else self._git("mktree", stdin="").strip()
        return self._git("diff", *options, before, files.tree)

    def export(self, folder: Path) -> None:
        """Write the files to a folder, which is made; the snapshot's own index stays as it is."""
        tree = self.files().tree
        folder.mkdir(parents=True)
        index = folder.with_name(folder.name + ".index")
        places = {"GIT_WORK_TREE": str(folder), "GIT_INDEX_FILE": str(index)}
        self._git("read-tree", "--reset", "-u", tree, variables=places)
        index.unlink(missing_ok=True)

    def _put(
        self, remote: Remote, author: str, message: str, progress: Progress, again: bool
    ) -> Pushed:
        head = self._head(remote)
        tree = self.files().tree
        if head:
            # The parent must be here: without it everything would be sent again.
            self._need(head, remote)
        if head and self._tree_of(head) == tree and not again:
            self._remember(head, remote, author)
            return Pushed(head, changed=False)
        return self._push(tree, head, remote, author, message, progress)

    def _push(
        self,
        tree: str,
        parent: str | None,
        remote: Remote,
        author: str,
        message: str,
        progress: Progress,
    ) -> Pushed:
        identity = {
            f"GIT_{role}_{part}": value
            for role in ("AUTHOR", "COMMITTER")
            for part, value in (("NAME", author), ("EMAIL", f"{author}@de-tasks.invalid"))
        }
        parents = ["-p", parent] if parent else []
        sha = self._git("commit-tree", tree, *parents, "-m", message, variables=identity).strip()
        config = {} if parent else {"pack.window": "0"}
        try:
            reported = self._send(sha, parent, remote, config, progress)
        except LengthRequired:
            reported = False
        if not reported and self._head(remote) != sha:
            # RFC 9110, section 15.5.12: such a server wants to know the length, which git
            # tells for what fits into its buffer.
            config["http.postBuffer"] = str(self._pack_limit())
            reported = self._send(sha, parent, remote, config, progress)
            if not reported and self._head(remote) != sha:
                raise Temporary("The push was not confirmed by the server. Run the deploy again")
        self._remember(sha, remote, author)
        return Pushed(sha, changed=True)

    def _send(
        self,
        sha: str,
        parent: str | None,
        remote: Remote,
        config: dict[str, str],
        progress: Progress,
    ) -> bool:
        """Push; whether the server reported that its branch is at `sha` now.

        Git's own status does not tell: after a refused upload it may say "Everything
        up-to-date" and end with 0.
        """
        lease = f"--force-with-lease={remote.branch}:{parent or ''}"
        out = self._git.reach(
            remote,
            *("push", "--porcelain", "--progress", lease, remote.url, f"{sha}:{remote.ref}"),
            points=WRITE,
            config=config,
            progress=progress,
        )
        return any(line.split("\t")[1:2] == [f"{sha}:{remote.ref}"] for line in out.split("\n"))

    def _take(self) -> Files:
        if isinstance(self._source, Commit):
            self._prepare()
            return self._count(self._borrow(self._source))
        if isinstance(self._source, Deployed):
            self._prepare()
            self._need(self._source.sha, self._source.remote)
            return self._count(self._git("rev-parse", f"{self._source.sha}^{{tree}}").strip())
        nested: set[str] = set()

        def add() -> None:
            first = self._prepare()
            try:
                self._add(first, nested)
            except Nested as error:
                # Git cannot even leave it out by itself.
                nested.add(error.path)
                self._add(first, nested)

        Policy().call(lambda _: add(), kinds=(Vanished,))
        listing = self._git("ls-files", "--stage", "-z")
        for entry in listing.split("\0"):
            if entry.startswith("160000"):
                nested.add(entry.split("\t", 1)[1])
        for path in sorted(nested):
            self._add_nested(path)
        return self._count(self._git("write-tree").strip())

    def _add(self, first: bool, without: set[str]) -> None:
        assert isinstance(self._source, Path)
        paths = [".", *(f":(exclude,literal){path}" for path in sorted(without))]
        self._git(
            *("add", "--all", "--", *paths),
            variables={"GIT_WORK_TREE": str(self._source.resolve())},
            config=FAST_FIRST if first else {},
            cwd=self._source,
        )

    def _add_nested(self, path: str) -> None:
        """Put the files of a repository inside the folder (a submodule, a clone) in its place.

        Git would record a link to its commit, and the files would be missing on the server.
        """
        assert isinstance(self._source, Path)
        waiting, names = [path], []
        while waiting:
            inner = waiting.pop()
            folder = self._source / inner
            listing = Git(None)(
                *("ls-files", "-z", "--cached", "--others", "--exclude-standard"), cwd=folder
            )
            for name in dict.fromkeys(filter(None, listing.split("\0"))):
                full = folder / name.rstrip("/")
                if full.is_dir() and not full.is_symlink():
                    waiting.append(f"{inner}/{name.rstrip('/')}")
                elif full.exists() or full.is_symlink():
                    names.append(f"{inner}/{name}")
        work = {"GIT_WORK_TREE": str(self._source.resolve())}
        self._git(
            *("rm", "-r", "--cached", "--quiet", "--ignore-unmatch", "--", f":(literal){path}"),
            variables=work,
            cwd=self._source,
        )
        self._git(
            *("update-index", "--add", "-z", "--stdin"),
            variables=work,
            cwd=self._source,
            stdin="".join(f"{name}\0" for name in names),
        )

    def _count(self, tree: str) -> Files:
        if not isinstance(self._source, Path):
            listing = self._git("ls-tree", "-r", "-l", "-z", tree)
            entries = [entry.partition("\t") for entry in listing.split("\0") if entry]
            links = [name for facts, _, name in entries if facts.startswith("160000")]
            if links:
                raise UsageError(
                    f"{links[0]} is a submodule, whose files are not in the commit. "
                    "Check it out and deploy the folder, without --ref"
                )
            sizes = [(name, int(facts.split()[3])) for facts, _, name in entries]
            total = sum(size for _, size in sizes)
        else:
            # Sizes as the index has them: asking for the objects would take much longer.
            listing = self._git("ls-files", "--debug", "-z")
            sizes = []
            found = SIZE.findall(listing)
            total = sum(map(int, found))
            if total > self._big:
                names = [part.rpartition("\n")[2] for part in listing.split("\0")[:-1]]
                sizes = list(zip(names, map(int, found), strict=True))
            entries = found
        if not entries:
            raise UsageError(f"{self._source} has no files to deploy.")
        largest = sorted(sizes, key=lambda item: -item[1])[:LARGEST] if total > self._big else []
        files = Files(tree, len(entries), total, largest=tuple(largest))
        last = last_deploy(self._folder)
        before = self._tree_of(last.sha) if last else None
        if before is None:
            return files
        changed = self._git("diff-tree", "-r", "--name-only", "-z", before, tree)
        return replace(files, changed=changed.count("\0"))

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

    def _rebuild(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._taken = self._beside.submit(self._take)

    def _head(self, remote: Remote) -> str | None:
        out = self._git.reach(remote, "ls-remote", remote.url, remote.ref)
        return out.split()[0] if out.strip() else None

    def _need(self, sha: str, remote: Remote) -> None:
        """Fetch a commit that is not here, its files included: the next push builds on them."""
        if not self._tree_of(sha):
            self._git.reach(remote, "fetch", "--quiet", "--depth=1", remote.url, sha)

    def _tree_of(self, sha: str) -> str | None:
        done = self._git.run("rev-parse", "--verify", "--quiet", f"{sha}^{{tree}}")
        return done.stdout.strip() if done.returncode == 0 else None

    def _pack_limit(self) -> int:
        """More bytes than any pack from here can have."""
        found = dict(
            line.split(": ") for line in self._git("count-objects", "-v").strip().split("\n")
        )
        kibibytes = int(found["size"]) + int(found["size-pack"])
        return 2 * kibibytes * 1024 + 16 * 1024**2

    def _remember(self, sha: str, remote: Remote, author: str) -> None:
        partial = self._folder / "last-deploy.partial"
        partial.write_text(json.dumps(asdict(LastDeploy(sha, remote.url, author))), "utf-8")
        partial.replace(self._folder / "last-deploy.json")


def origin_trailers(origin: str) -> str:
    """Trailers of a deploy's commit that say where it came from."""
    lines = [f"De-Source: {origin}"] if origin else []
    return "\n".join([*lines, f"De-From: {platform.node() or 'unknown'}"])
