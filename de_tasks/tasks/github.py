"""What a job of GitHub Actions hears of a deploy: outputs of its step, and a table in its summary
(docs.github.com, "Workflow commands for GitHub Actions", environment files)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from de_tasks.config.environment import github_file
from de_tasks.errors import DeployFailed
from de_tasks.terminal import console
from de_tasks.terminal.text import one_line

if TYPE_CHECKING:
    from de_tasks.deployment.fleets.parallel import Result
    from de_tasks.deployment.plan import Outcome

HEADINGS = ("App", "Result", "Commit", "Time", "Address or reason")


def report(done: Outcome) -> None:
    """Hand over how a deploy ended, for the steps that follow: `url`, `sha` and `changed`. A dry
    run has nothing to hand over."""
    if not (done.sha or done.changed):
        return
    changed = "true" if done.changed else "false"
    _append("output", [f"url={done.url}", f"sha={done.sha or ''}", f"changed={changed}"])
    result = "deployed" if done.changed else "unchanged"
    _table([(done.name, result, (done.sha or "")[:7], _time(done.seconds), done.url)])


@contextmanager
def failures(app: str) -> Iterator[None]:
    """Let the summary say why the deploy of an app has failed."""
    try:
        yield
    except DeployFailed as error:
        _table([(app, "failed", "", "", _cause(str(error)))])
        raise


def report_fleet(done: Sequence[Result]) -> None:
    """Hand over how a fleet's deploys ended; the outputs are those of a single app."""
    if len(done) == 1 and not done[0].code:
        changed = "false" if done[0].status == "unchanged" else "true"
        _append("output", [f"url={done[0].url}", f"sha={done[0].sha}", f"changed={changed}"])
    _table(
        (one.job.name, one.status, "", _time(one.seconds), one.url or _cause(one.text))
        for one in done
    )


def _table(rows: Iterable[Sequence[str]]) -> None:
    lines = [_row(row) for row in rows]
    if lines:
        _append("step_summary", ["", _row(HEADINGS), "|" + "---|" * len(HEADINGS), *lines, ""])


def _cause(text: str) -> str:
    """A failed deploy names its cause in the last line."""
    return (text.splitlines() or [""])[-1]


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds else ""


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(_plain(cell) for cell in cells)} |"


def _plain(text: str) -> str:
    """What Markdown and HTML leave as it is."""
    return "".join(f"\\{c}" if c in "\\|<>*_`[]&#" else c for c in one_line(text))


def _append(kind: str, lines: Iterable[str]) -> None:
    path = github_file(kind)
    if not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            # A value of two lines would be an output of its own.
            file.writelines(f"{one_line(line)}\n" for line in lines)
    except OSError as error:
        console.note(f"{path} cannot be written: {error.strerror}.")
