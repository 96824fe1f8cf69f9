"""What people type: each distinct kind of operation, and what comes of it on the server."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from de_tasks.platform import logs
from tests.support.backstage import PASSWORD
from tests.support.people import Done
from tests.support.stage import Stage
from tests.support.waiting import BOUND

LONG = 20
"""Seconds; a new line ends the wait for it. With `DEADLINE` less than the minute of a limit."""


@dataclass(frozen=True)
class Operation:
    """A kind of command. `line` is typed, for the stage's `{app}` and `{user}`, once `prepare` has
    made ready and returned the words that take the place of `{}`, in the folder that `where`
    gives; the fault meets requests that match `target`.

    `effects` counts what has come of it: `whole` when it was done once, and less only when it did
    nothing, or with `parts` for some of several apps. `kind` is the operation whose requests it
    makes, where that is another one; `code` how it ends when it fails, where that is its own.
    """

    name: str
    line: str
    target: str
    prepare: Callable[[Stage], str] = lambda stage: ""
    effects: Callable[[Stage, str], int] = lambda stage, word: 0
    whole: int = 0
    stdin: Callable[[Stage], str] = lambda stage: ""
    kind: str = ""
    where: Callable[[Stage], Path] = lambda stage: stage.folder
    code: int | None = None
    parts: bool = False

    def run(self, stage: Stage, word: str) -> Done:
        """Type the line."""
        line = self.line.replace("{app}", stage.app).replace("{user}", stage.person.name)
        first, *rest = (part.replace("{}", word) for part in line.split("|"))
        words = [*first.split(), *rest]

        def short(least: float, most: float) -> float:
            # What is left to chance would let a test fail by chance, and last longer.
            stage.at_wait()
            return least + (most - least) / 10

        with mock.patch("de_tasks.net.retry.random.uniform", short):
            return stage.person.run(words, stdin=self.stdin(stage), folder=self.where(stage))


def _new_name(stage: Stage) -> str:
    return f"made-{stage.word()}"


def _exists(stage: Stage, name: str) -> int:
    return int(stage.platform.app(name) is not None)


def _titled(stage: Stage, title: str) -> int:
    details = stage.platform.details(stage.app)
    return int(details is not None and details.title == title)


def _expired(stage: Stage) -> str:
    stage.expire()
    return ""


OPERATIONS = (
    Operation("read", "apps list", "apps\\(page"),
    Operation(
        "set",
        "apps update -n {app}|--title|{}",
        "updateApp",
        lambda stage: f"Title {stage.word()}",
        _titled,
        whole=1,
    ),
    Operation("create", "apps create|-n|{}", "addApp", _new_name, _exists, whole=1),
    Operation(
        "log in",
        "login --username {user} --password-stdin",
        "grant_type=password",
        stdin=lambda stage: PASSWORD + "\n",
    ),
    Operation("renew", "whoami", "grant_type=refresh_token", _expired),
    Operation(
        "push",
        "deploy -y -n {app} --no-wait|-m|{}",
        "GET \\S+git-receive-pack",
        Stage.edit,
        Stage.pushed,
        whole=1,
    ),
    Operation(
        "upload",
        "deploy -y -n {app} --no-wait|-m|{}",
        "POST \\S+git-receive-pack",
        Stage.edit,
        Stage.pushed,
        whole=1,
    ),
)


def follow(stage: Stage, word: str, wait: int = LONG) -> Done:
    """Follow the app's log until it was asked for once more; `word` is in the new line, for which
    the server is given `wait` seconds."""
    pauses = iter(range(2))

    def pause(seconds: float) -> None:
        if next(pauses):
            raise KeyboardInterrupt
        logs.MOST_HELD = wait
        with urllib.request.urlopen(f"{stage.address}{word}", timeout=BOUND):
            return

    clock = SimpleNamespace(monotonic=time.monotonic, sleep=pause)
    # The first request that is held finds nothing: the line comes after it.
    with mock.patch.multiple(logs, MOST_HELD=1, time=clock):
        return Operation("follow", "logs --follow -n {app}", "").run(stage, word)
