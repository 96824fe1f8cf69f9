"""The deploys of an app, as the commits of its remote tell them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from de_tasks.config.system import temporary_folder
from de_tasks.repo.connection import Conversation
from de_tasks.repo.git import Git
from de_tasks.repo.history import FETCH
from de_tasks.repo.remote import Remote

if TYPE_CHECKING:
    from de_tasks.net.budget import Spending
    from de_tasks.net.retry import Attempt


@dataclass(frozen=True)
class DeployedCommit:
    """A commit that was deployed; `time` is UTC as the API writes it."""

    sha: str
    author: str
    time: str
    message: str


def commits(remote: Remote, count: int | None = None) -> Iterator[DeployedCommit]:
    """The commits of the branch, the newest first, without their files; at most `count`.

    Nothing for a repository without the branch. Raises an error of the tree where the remote does
    not answer.
    """
    with temporary_folder("de-tasks-") as folder:
        git = Git(folder)
        git("init", "--bare", "--quiet", "--template=")

        def ask(this: Attempt, spending: Spending) -> str | None:
            with Conversation(git, remote, this.seconds) as asked:
                return asked.head()

        head = remote.caller.act(ask)
        if head is None:
            return
        depth = [f"--depth={count}"] if count else []
        git.reach(remote, *FETCH, *depth, "--filter=tree:0", remote.url, head)
        form = "--format=%H%x00%an%x00%ct%x00%B"
        fields = git("log", "-z", "--first-parent", form, head).split("\0")
    for sha, author, seconds, message in zip(*[iter(fields)] * 4, strict=False):
        time = datetime.fromtimestamp(int(seconds), timezone.utc)
        when = time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        yield DeployedCommit(sha, author, when, message.rstrip("\n"))
