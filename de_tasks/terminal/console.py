"""What people see: results go to stdout, everything else to stderr. Only tasks,
hooks and the program print. Whatever it says, and whoever said it, comes out readable."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from itertools import chain, islice
from typing import TYPE_CHECKING

from de_tasks.config.environment import on_github
from de_tasks.errors import DeTasksError, OutputClosed, UsageError
from de_tasks.terminal import live, style, wrapping
from de_tasks.terminal.style import Part
from de_tasks.terminal.text import in_json, one_line, readable

if TYPE_CHECKING:
    from typing import TextIO

PROGRESS_SECONDS = 5.0
"""Without a terminal, seconds of silence before a line of progress."""
LAST_COLUMN = 20
"""Columns that the last cell of a row must have, or else there is no table."""
ASKED_AGAIN = 2
"""Times, after an answer that cannot be used."""
ROWS_MEASURED = 100
"""A table's columns are as wide as its first rows need: the others need not be there yet."""


_silent: list[str] = []
"""What is not printed just now: `results`, or `all`."""


@contextmanager
def quiet(what: str) -> Iterator[None]:
    """Print no `results` for a while but JSON, or nothing at `all`: nobody can be asked then."""
    _silent.append(what)
    try:
        yield
    finally:
        _silent.remove(what)


def silent() -> bool:
    """Whether no results are printed just now."""
    return bool(_silent)


def result(text: str, log: bool = False) -> None:
    """Print what was asked for. The colours of an app's `log` pass on a terminal."""
    if _silent:
        return
    _print(readable(text, colours=log and sys.stdout.isatty()))


def patch(text: str) -> None:
    """Print what a program can apply: as it is, unless a terminal or GitHub's runner reads it."""
    if _silent:
        return
    shown = readable(text) if sys.stdout.isatty() or on_github() else text
    if isinstance(sys.stdout, TextIOWrapper) and not sys.stdout.isatty():
        # Windows' line ends would be read as changes.
        sys.stdout.reconfigure(newline="\n")
    _print("\n".join(map(_as_git, shown.split("\n"))) if style.coloured(sys.stdout) else shown)


def _as_git(text: str) -> str:
    """A line of a patch in the colours that git gives it."""
    if text.startswith(("diff ", "index ", "--- ", "+++ ", "new file", "deleted file")):
        return style.painted(((text, "name"),))
    look = {"+": "done", "-": "failed", "@": "detail"}.get(text[:1], "")
    return style.painted(((text, look),)) if look else text


def annotation(command: str, out: bool = True) -> None:
    """Print a workflow command of our own for GitHub's runner, which reads both streams."""
    if _silent:
        return
    if out:
        _print(readable(command, commands=True))
    else:
        print(readable(command, commands=True), file=sys.stderr, flush=True)


def marker(text: str) -> None:
    """Print a line of our own that GitLab's log obeys, as it is."""
    if not _silent:
        print(text, file=sys.stderr, flush=True)


def _print(text: str) -> None:
    if "all" in _silent:
        return
    live.clear()
    try:
        try:
            print(text, flush=True)
        except UnicodeEncodeError:
            # Bytes of a file that are not of this encoding, as they are.
            sys.stdout.buffer.write(f"{text}\n".encode("utf-8", "surrogateescape"))
            sys.stdout.buffer.flush()
    except BrokenPipeError:
        # Python flushes once more at its end, and would complain then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise OutputClosed("") from None
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise DeTasksError(f"The output cannot be written: {error.strerror}.") from None


def result_json(value: object) -> None:
    """Print what was asked for as one line of JSON."""
    _print(in_json(json.dumps(value)))


def result_json_list(values: Iterable[object]) -> None:
    """Print one JSON list, an entry a line, as the entries come."""
    opening = "["
    for value in values:
        _print(f"{opening}{in_json(json.dumps(value))}")
        opening = ","
    _print("]" if opening == "," else "[]")


def line(*parts: Part, out: bool = False) -> None:
    """Print a line of styled parts, in colours where there are any; a result goes to `out`."""
    if "all" in _silent or (out and _silent):
        return
    stream = sys.stdout if out else sys.stderr
    _put(_fitted(parts) if stream.isatty() else parts, stream)


def _put(parts: tuple[Part, ...], stream: TextIO) -> None:
    text = style.painted(parts) if style.coloured(stream) else readable(style.plain(parts))
    if stream is sys.stdout:
        _print(text)
    else:
        live.clear()
        print(text, file=sys.stderr, flush=True)


def done(text: str, *parts: Part) -> None:
    """Print that something was done: a result, which has a mark before it at a terminal."""
    if style.for_people():
        line(style.sign_of("done"), " ", text, *parts, out=True)
    else:
        result(text + style.plain(parts))


def following(*commands: str) -> None:
    """At a terminal, say what may be typed next."""
    if style.for_people():
        line((f"  Next: {f' {style.dot()} '.join(commands)}", "detail"))


def _fitted(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Parts of a line with breaks between words, where the terminal is narrower."""
    places = wrapping.breaks(style.plain(parts), wrapping.width())
    if not places:
        return parts
    found: list[Part] = []
    at = 0
    for part in parts:
        text = part if isinstance(part, str) else part[0]
        text, at = "".join(places.get(at + n, c) for n, c in enumerate(text)), at + len(text)
        found.append(text if isinstance(part, str) else (text, part[1]))
    return tuple(found)


def log_line(before: tuple[Part, ...], text: str, look: str = "") -> None:
    """Print a line of an app's log after what is said of it: in a style, or else in its own
    colours. It is left to the terminal to break, which lets all of it be copied."""
    if _silent:
        return
    coloured = style.coloured(sys.stdout)
    parts = (*before, (text, look)) if look else before
    said = style.painted(parts) if coloured else readable(style.plain(parts))
    _print(said if look else said + readable(text, colours=coloured))


def note(text: str, log: bool = False) -> None:
    """Tell how it goes. The colours of an app's `log` pass on a terminal."""
    global _told_at
    if "all" in _silent:
        return
    live.clear()
    shown = readable(text, colours=log and sys.stderr.isatty())
    if sys.stderr.isatty() and not log:
        shown = wrapping.wrapped(shown, wrapping.width())
    print(shown, file=sys.stderr, flush=True)
    _told_at = time.monotonic()


_told_at = 0.0


def progress(text: str) -> None:
    """Tell how far it is: on a terminal one line that changes, elsewhere a line now and then."""
    if style.moving():
        block([(text,)])
    elif time.monotonic() - _told_at >= PROGRESS_SECONDS:
        note(text)


def block(lines: Sequence[tuple[Part, ...]]) -> None:
    """On a terminal, show lines that the next ones take the place of."""
    if "all" not in _silent:
        live.show(lines[: shutil.get_terminal_size().lines - 1])


def work(shown: live.Work) -> None:
    """On a terminal, show what goes on."""
    if "all" not in _silent:
        live.show(shown)


def table(headings: Sequence[str], rows: Iterable[Sequence[Part]], none: str = "") -> None:
    """Print rows in aligned columns, as they come. A cell may have a style. Where there are no
    rows a person reads the sentence `none`, a program the headings.

    In a terminal that is too narrow the last column is broken between its words, or else each row
    is a block of lines.
    """
    if _silent:
        return
    remaining = (list(map(_cell, row)) for row in rows)
    first = list(islice(remaining, ROWS_MEASURED))
    if none and not first and style.for_people():
        line(none, out=True)
        return
    heads = [(heading, "detail") for heading in headings]
    widths = [max(len(text) for text, _ in column) for column in zip(heads, *first, strict=True)]
    columns = wrapping.width() if sys.stdout.isatty() else 0
    last = columns - sum(widths[:-1]) - 2 * (len(widths) - 1)
    if not columns or last >= widths[-1]:
        _print_rows(chain([heads], first, remaining), widths, 0)
    elif first and last >= max(LAST_COLUMN, *(_longest_word(row[-1][0]) for row in first)):
        _print_rows(chain([heads], first, remaining), widths, last)
    else:
        for row in chain(first, remaining):
            _print_block(heads, row)


def _print_rows(rows: Iterable[Sequence[tuple[str, str]]], widths: list[int], last: int) -> None:
    """`last` are the columns that the last cell has, 0 for any number."""
    below = sum(widths[:-1]) + 2 * (len(widths) - 1)
    for row in rows:
        parts: list[Part] = []
        for at, ((text, look), width) in enumerate(zip(row, widths, strict=True)):
            gap = " " * (width - len(text) + 2)
            if last and at == len(row) - 1:
                text = wrapping.wrapped(text, last).replace("\n", "\n" + " " * below)
            parts += [(text, look) if look and text else text, gap]
        while parts and not style.plain((parts[-1],)).strip():
            parts.pop()
        _put(tuple(parts), sys.stdout)


def _print_block(heads: Sequence[tuple[str, str]], row: Sequence[tuple[str, str]]) -> None:
    """A row of a table that does not fit: the first cell that has a heading, the others below."""
    at = next((n for n, (heading, _) in enumerate(heads) if heading), 0)
    title: list[Part] = []
    for text, look in row[: at + 1]:
        title += [(text, look) if look and text else text, " "] if text else []
    line(*title[:-1], out=True)
    width = max(len(heading) for heading, _ in heads)
    for (heading, _), (text, look) in zip(heads[at + 1 :], row[at + 1 :], strict=True):
        if text:
            named: Part = (f"  {heading.lower():{width}}  ", "detail")
            line(named, (text, look) if look else text, out=True)


def _longest_word(text: str) -> int:
    return max(map(len, text.split()), default=0)


def _cell(part: Part) -> tuple[str, str]:
    text, look = (part, "") if isinstance(part, str) else part
    return one_line(text), look


def interactive() -> bool:
    """Whether there is somebody to answer a question."""
    return "all" not in _silent and at_terminal()


def at_terminal() -> bool:
    """Whether a person could read a question, and type an answer."""
    return sys.stdin.isatty() and sys.stderr.isatty() and not os.environ.get("CI")


def confirm(question: str, yes: bool) -> bool:
    """Ask for a yes. Without a terminal a missing yes is a `UsageError` that names `-y`."""
    if yes:
        return True
    require_answer(question)
    return _answer(f"{question} [y/N]").strip().lower() in ("y", "yes")


def _answer(question: str) -> str:
    """The line that is typed, empty at the end of the input; nothing moves while it is awaited."""
    live.clear()
    print(f"{_asked(question)} ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline()


def _asked(question: str) -> str:
    """A question as the terminal shows it, with room for the first letter of an answer."""
    shown = readable(question)
    return wrapping.wrapped(shown, wrapping.width() - 2) if sys.stderr.isatty() else shown


def require_answer(question: str) -> None:
    """Raise `UsageError` that names `-y` when nobody is there to answer a question."""
    if not interactive():
        raise UsageError(f"There is no terminal to ask: {question} To say yes, give -y")


def choose(
    question: str,
    default: str,
    choices: Sequence[str] = (),
    check: Callable[[str], object] = lambda answer: None,
) -> str:
    """Ask on a terminal; an empty answer is the default. Without a terminal the default it is.

    What is none of the choices, or what `check` raises `UsageError` for, is asked for again: the
    third time that is raised.
    """
    if not interactive():
        return default
    words = f"{question} ({', '.join(choices)})" if choices else question
    left = ASKED_AGAIN
    while True:
        line = _answer(f"{words} [{default}]:")
        answer = line.strip() or default
        try:
            if choices and answer not in choices:
                raise UsageError(f"{answer!r} is not one of: {', '.join(choices)}.")
            check(answer)
        except UsageError as refusal:
            if not line or not left:
                raise
            left -= 1
            note(str(refusal))
        else:
            return answer


def type_to_confirm(question: str, expected: str) -> bool:
    """Ask to type a word. Without a terminal that is a `UsageError` that names `-y`."""
    require_answer(question)
    return _answer(question).strip() == expected


def secret(question: str) -> str:
    """Ask for a value, unseen; without a terminal, one line of standard input."""
    if interactive():
        return getpass.getpass(_asked(question), stream=sys.stderr)
    text = sys.stdin.readline()
    if not text:
        raise UsageError(f"{question.rstrip(': ')} is read from standard input, which is empty.")
    return text.rstrip("\r\n")


def line_of_stdin(option: str) -> str:
    """A line of standard input, for an option. Raises `UsageError` when there is none."""
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise UsageError(f"{option} reads a line of standard input, which is empty.")
    return line


def password(question: str) -> str:
    """Ask for a password, unseen. Raises `UsageError` when nobody is there to type it."""
    if not interactive():
        raise UsageError(
            "There is no terminal to ask for the password: set DASH_ENTERPRISE_PASSWORD, or use "
            "--password-stdin"
        )
    return getpass.getpass(_asked(question), stream=sys.stderr)
