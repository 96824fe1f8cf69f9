"""What a CI's job hears of a deploy: outputs for what follows, sections of its log that fold, and
on GitHub a table in its summary.

docs.github.com, "Workflow commands for GitHub Actions", environment files; docs.gitlab.com,
"Job logs", custom collapsible sections, and "CI/CD artifacts reports types", `dotenv`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from de_tasks.config import environment
from de_tasks.errors import DeployFailed
from de_tasks.terminal import console
from de_tasks.terminal.text import one_line

if TYPE_CHECKING:
    from de_tasks.deployment.fleets.parallel import Result
    from de_tasks.deployment.plan import Outcome

SECTION = "de_tasks_log"
"""Of GitLab, a section's name: letters, digits, and `_`. They come one after the other."""
DOTENV = ".de-tasks/deploy.env"
"""In a job's checkout, where its report of the type `dotenv` is; the folder's own `.gitignore`
keeps it out of the deploys that follow."""
HEADINGS = ("App", "Result", "Commit", "Time", "Address or reason")


def folds() -> bool:
    """Whether the job's log can have sections that fold."""
    return environment.on_github() or environment.on_gitlab()


def open_section(title: str) -> None:
    """Begin a section of the job's log, which is folded; there is one at a time."""
    if environment.on_github():
        console.annotation(f"::group::{title}", out=False)
    else:
        _section(f"section_start:{time.time():.0f}:{SECTION}[collapsed=true]", title)


def close_section() -> None:
    """End it."""
    if environment.on_github():
        console.annotation("::endgroup::", out=False)
    else:
        _section(f"section_end:{time.time():.0f}:{SECTION}", "")


def _section(marker: str, title: str) -> None:
    console.marker(f"\x1b[0K{marker}\r\x1b[0K{title}")


def report(done: Outcome) -> None:
    """Hand over how a deploy ended, for the steps that follow: `url`, `sha` and `changed`. A dry
    run has nothing to hand over."""
    if not (done.sha or done.changed):
        return
    changed = "true" if done.changed else "false"
    _hand_over(done.url, done.sha or "", changed)
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
        _hand_over(done[0].url, done[0].sha, changed)
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


def _hand_over(url: str, sha: str, changed: str) -> None:
    lines = [f"url={url}", f"sha={sha}", f"changed={changed}"]
    _append("output", lines)
    checkout = environment.gitlab_checkout()
    if not checkout:
        return
    path = Path(checkout, DOTENV)
    try:
        path.parent.mkdir(exist_ok=True)
        (path.parent / ".gitignore").write_text("*\n", encoding="utf-8")
    except OSError as error:
        console.note(f"{path} cannot be written: {error.strerror}.")
    else:
        _write(str(path), "w", lines)


def _append(kind: str, lines: Iterable[str]) -> None:
    path = environment.github_file(kind)
    if path:
        _write(path, "a", lines)


def _write(path: str, mode: str, lines: Iterable[str]) -> None:
    try:
        with Path(path).open(mode, encoding="utf-8") as file:
            # A value of two lines would be an output of its own.
            file.writelines(f"{one_line(line)}\n" for line in lines)
    except OSError as error:
        console.note(f"{path} cannot be written: {error.strerror}.")
