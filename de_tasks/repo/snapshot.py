"""The files that are deployed, read in a thread of their own, and their way to the server."""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from de_tasks.errors import DeTasksError, NotPermitted, Temporary
from de_tasks.net.limit_reports import WRITE
from de_tasks.repo import files, listing
from de_tasks.repo.bare import Bare, LastDeploy, writing
from de_tasks.repo.connection import Conversation, Progress
from de_tasks.repo.errors import Damaged, Failed, LengthRequired, Moved, not_git
from de_tasks.repo.files import Files
from de_tasks.repo.history import Past
from de_tasks.repo.remote import Remote
from de_tasks.repo.sent import Sent, of_read, of_tree
from de_tasks.repo.source import Commit, Deployed, Origin
from de_tasks.repo.worktree import Worktree

if TYPE_CHECKING:
    from de_tasks.net.budget import Spending
    from de_tasks.net.retry import Attempt

Made = Callable[[Sent], tuple[Mapping[str, bytes], tuple[str, ...]]]
"""Makes files from those that are read, in the place of any that are there; and trailers."""
MOMENT = 3.0
"""Seconds that somebody who has interrupted a push waits for what became of it."""
ANSWER_SECONDS = 60.0
"""How long a server may be silent when it is asked beside the reading of the files."""


@dataclass(frozen=True)
class Pushed:
    """What is on the server now. `changed` is False when it was there before; `files` counts
    those that differ from what was there, None where there was nothing."""

    sha: str
    changed: bool
    files: int | None = None


@dataclass(frozen=True)
class Push:
    """A push to be made: where to, whose, with which message; `progress` gets git's words."""

    remote: Remote
    author: str
    message: str
    progress: Progress


class Snapshot:
    """The files of a folder or of a commit, and what is done with them.

    `sent` is the commit whose push has begun, None before; `trailers` are lines that the deploy's
    commit is to have, once the files are read.
    """

    def __init__(
        self,
        bare: Bare,
        source: Path | Commit | Deployed,
        beside: ThreadPoolExecutor,
        big: int,
        tell: Callable[[str], None],
        made: Made | None = None,
    ) -> None:
        self._bare = bare
        self._git = bare.git
        self._past = Past(bare)
        self._source = source
        self._beside = beside
        self._big = big
        self._asked: Conversation | None = None
        self._worktree: Worktree | None = None
        self._made = made
        self._put_in: dict[str, bytes] = {}
        self._as_read = ""
        self.sent: str | None = None
        self.trailers: tuple[str, ...] = ()
        self._origin = None if isinstance(source, Deployed) else Origin(source, tell)
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

    def listing(self) -> Sent:
        """The names of what is deployed, and a way to its content."""
        found = self.files()
        self._write()
        if isinstance(self._source, Path):
            names = listing.of_tree(self._git, found.tree, self._bare.folder)
            sent = of_read(names, self._source.resolve(), found.size)
            for name, content in self._put_in.items():
                sent.put(name, content)
            return sent
        folder = self._source.folder if isinstance(self._source, Commit) else None
        return of_tree(self._git, found.tree, folder)

    def origin(self) -> str:
        """The commit that the files come from, with `-dirty` and branch; empty without one."""
        if self._origin is None:
            return ""
        self.files()
        return self._origin.describe(self._as_read)

    def ask(self, remote: Remote) -> None:
        """Begin to ask what the remote has, while the files are being read."""
        if self._bare.there:
            seconds = min(ANSWER_SECONDS, remote.caller.seconds)
            self._asked = Conversation(self._git, remote, seconds)

    def ask_anew(self) -> None:
        """Forget what was asked: the answer is out of date."""
        self._hang_up()

    def settle(self) -> None:
        """Bring the index up to date, for which no push has to wait."""
        with contextlib.suppress(DeTasksError):
            if self._worktree:
                self._worktree.settle()
                self._bare.tidy(self.files().size)

    def end(self) -> None:
        """End every git command that still runs, and what waits for one."""
        self._git.end()
        self._hang_up()
        if self._origin:
            self._origin.end()

    def put_again(self, last: LastDeploy, push: Push) -> Pushed | None:
        """Push on top of our own last deploy, with no other question than what is there.

        None when something else is there, when nothing has changed, or when the push is not
        possible for a reason that the platform may tell better.
        """
        try:
            tree = self.files().tree
            if last.tree in ("", tree):
                return None
            if self._head(push.remote) != last.sha:
                return None
            sha = self._push(tree, last.sha, last.sha, push)
            return Pushed(sha, changed=True, files=self.files().changed)
        except (Damaged, Failed, Moved, NotPermitted):
            return None

    def put(self, push: Push, again: bool = False, expected: str | None = None) -> Pushed:
        """Push on top of what is there, with `again` even where nothing has changed.

        Raises `Moved` when somebody else deploys at the same moment, or something else than
        `expected` is there; `NotPermitted` when the push is refused for its user; `DeTasksError`
        with git's words otherwise.
        """
        try:
            return self._put(push, again, expected)
        except (Damaged, Failed):
            # Git reads a damaged repository for a long time before it stumbles.
            self._rebuild()
            return self._put(push, again, expected)

    def compare(self, remote: Remote, *options: str, there: bool = False) -> str:
        """What `git diff` says between what is deployed and these files; empty when the same.

        `there` says that something is deployed. Raises `NotThePlatform` when it is not found.
        """
        tree = self.files().tree
        self._write()
        head = self._head(remote, there)
        before = head if head and self._past.need(head, remote) else None
        if before:
            self._past.complete(remote, tree, before)
        before = before or self._nothing()
        if isinstance(self._source, Deployed):
            self._past.complete(self._source.remote, before, tree)
        return self._git("diff", *options, before, tree)

    def _nothing(self) -> str:
        """The tree of no files."""
        return self._git("mktree", stdin="").strip()

    def export(self, folder: Path) -> None:
        """Write the files to a folder, which is made; the snapshot's own index stays as it is."""
        tree = self.files().tree
        self._write()
        folder.mkdir(parents=True)
        places = {
            "GIT_WORK_TREE": str(folder),
            "GIT_INDEX_FILE": str(self._bare.folder / "index.export"),
        }
        self._git("read-tree", "--reset", "-u", tree, variables=places)

    def arrived(self, remote: Remote) -> bool | None:
        """Whether the remote has what was sent; None when it does not answer at once."""
        try:
            with Conversation(self._git, remote, MOMENT) as asked:
                return asked.head() == self.sent
        except (DeTasksError, KeyboardInterrupt):
            return None

    def _put(self, push: Push, again: bool, expected: str | None) -> Pushed:
        tree, remote = self.files().tree, push.remote
        head = self._head(remote)
        self._write()
        fetched = bool(head and not self._bare.tree_of(head))
        if expected and head != expected:
            raise Moved("Somebody else deployed at the same moment. Run the deploy again")
        # The parent must be here: without it everything would be sent again.
        parent = head if head and self._past.need(head, remote) else None
        if parent and not again and self._bare.tree_of(parent) == tree:
            self._bare.remember(LastDeploy(parent, remote.url, push.author, tree))
            return Pushed(parent, changed=False, files=0)
        if isinstance(self._source, Deployed):
            # Another app's files may be on the server, but not in the repository of this one.
            self._past.complete(self._source.remote, parent or self._nothing(), tree)
        elif parent and fetched:
            self._past.bases(remote, parent, tree)
        sha = self._push(tree, head, parent, push)
        changed = self._past.differing(parent, tree) if parent else None
        return Pushed(sha, changed=True, files=changed)

    def _push(self, tree: str, head: str | None, parent: str | None, push: Push) -> str:
        sha = None
        if parent and self._worktree:
            sha = self._worktree.commit(tree, parent, push.author, push.message)
        if sha is None:
            sha = self._commit(tree, parent, push)
        # Nothing is like anything else yet: looking for it takes most of a first push.
        config = {} if parent else {"pack.window": "0"}
        try:
            reported = self._send(sha, head, push, config)
        except LengthRequired:
            reported = False
        if not reported:
            # RFC 9110, section 15.5.12: such a server wants to know the length, which git
            # tells for what fits into its buffer.
            config["http.postBuffer"] = str(self._pack_limit())
            if not self._send(sha, head, push, config):
                raise Temporary("The push was not confirmed by the server. Run the deploy again")
        self._bare.remember(LastDeploy(sha, push.remote.url, push.author, tree))
        return sha

    def _commit(self, tree: str, parent: str | None, push: Push) -> str:
        identity = {
            f"GIT_{role}_{part}": value
            for role in ("AUTHOR", "COMMITTER")
            for part, value in (("NAME", push.author), ("EMAIL", f"{push.author}@de-tasks.invalid"))
        }
        parents = ["-p", parent] if parent else []
        made = ("commit-tree", tree, *parents, "-m", push.message)
        return self._git(*made, variables=identity).strip()

    def _head(self, remote: Remote, there: bool = False) -> str | None:
        """The commit that is deployed; the connection is kept for the push."""

        def attempt(this: Attempt, spending: Spending) -> str | None:
            asked = self._asked
            if asked is None or asked.remote.url != remote.url:
                self._hang_up()
                asked = self._asked = Conversation(self._git, remote, this.seconds)
            try:
                head = asked.head()
                if there and head is None:
                    # Git takes a page for the list of a folder of files, which names nothing.
                    raise not_git()
                return head
            except DeTasksError:
                self._hang_up()
                raise

        return remote.caller.act(attempt)

    def _send(self, sha: str, head: str | None, push: Push, config: dict[str, str]) -> bool:
        """Push on top of `head`; whether the server reported that its branch is at `sha` now.

        Git's own status does not tell: after a refused upload it may say "Everything
        up-to-date" and end with 0.
        """
        if config:
            self._hang_up()

        def attempt(this: Attempt, spending: Spending) -> bool:
            asked, self._asked = self._asked, None
            with asked or Conversation(self._git, push.remote, this.seconds, config) as asked:
                there = asked.head()
                # An attempt whose answer was lost may have arrived.
                if there != sha and there != head:
                    raise Moved("Somebody else deployed at the same moment. Run the deploy again")
                self.sent = sha
                return there == sha or asked.push(sha, push.progress)

        return push.remote.caller.act(attempt, points=WRITE)

    def _hang_up(self) -> None:
        asked, self._asked = self._asked, None
        if asked:
            asked.close()

    def _take(self) -> Files:
        with writing(self._bare.folder):
            return self._read()

    def _read(self) -> Files:
        self._bare.prepare()
        source = self._source
        if isinstance(source, Path):
            self._worktree = Worktree(self._bare, source, self._big)
            found = self._worktree.read()
        elif isinstance(source, Commit):
            self._bare.lend(source.objects)
            found = files.of_tree(self._git, source.tree, self._big)
        else:
            self._past.need(source.sha, source.remote)
            tree = self._git("rev-parse", f"{source.sha}^{{tree}}").strip()
            listed = self._git("ls-tree", "-r", "--name-only", "-z", tree)
            found = Files(tree, listed.count("\0"), 0)
        self._as_read = found.tree
        if self._made and not isinstance(source, Deployed):
            found = self._with(self._made, found)
        last, worktree = self._bare.last(), self._worktree
        if last is None:
            return replace(found, changed=None)
        if worktree is None or last.tree != worktree.base:
            self._write()
            found = replace(found, changed=self._past.differing(last.tree, found.tree))
        return found

    def _with(self, made: Made, found: Files) -> Files:
        """The files with what is made from them, which stands at the top."""
        self._write()
        added, self.trailers = made(of_tree(self._git, found.tree))
        self._put_in = dict(added)
        entries = self._git("ls-tree", "-z", found.tree).split("\0")[:-1]
        kept = [entry for entry in entries if entry.partition("\t")[2] not in added]
        size, count = found.size, found.count + len(kept) + len(added) - len(entries)
        for name, content in added.items():
            blob = self._git("hash-object", "-w", "--stdin", stdin=content.decode()).strip()
            kept.append(f"100644 blob {blob}\t{name}")
            size += len(content)
        listed = "".join(f"{entry}\0" for entry in kept)
        tree = self._git("mktree", "-z", stdin=listed).strip()
        return replace(found, tree=tree, count=count, size=size)

    def _write(self) -> None:
        """Let git commands see what was read."""
        if self._worktree:
            self._worktree.write()

    def _rebuild(self) -> None:
        self._hang_up()
        self._bare.remove()
        self._taken = self._beside.submit(self._take)

    def _pack_limit(self) -> int:
        """More bytes than any pack from here can have."""
        found = dict(
            line.split(": ") for line in self._git("count-objects", "-v").strip().split("\n")
        )
        kibibytes = int(found["size"]) + int(found["size-pack"])
        return 2 * kibibytes * 1024 + 16 * 1024**2


def origin_trailers(origin: str) -> str:
    """Trailers of a deploy's commit that say where it came from."""
    lines = [f"De-Source: {origin}"] if origin else []
    return "\n".join([*lines, f"De-From: {platform.node() or 'unknown'}"])
