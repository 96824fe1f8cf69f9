"""invoke's own options under our tasks: `--dry` (-R), `--command-timeout` (-T), `--echo` (-e)."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import invoke

from de_tasks.errors import Interrupted, Temporary
from de_tasks.terminal import console

READS = ""
"""Of a task that changes nothing."""
ITS_DRY_RUN = "--dry-run"
"""Of a task that has `dry_run`: it is what `--dry` stands for."""


class Facts(dict[str, Any]):
    """The arguments of a call by name, and besides, found when they are asked for: `app`, `host`,
    `folder`. `typed` are the names of those that differ from the default."""

    def __init__(
        self, body: Callable[..., Any], arguments: Sequence[Any], keywords: Mapping[str, Any]
    ) -> None:
        code = body.__code__
        parameters = code.co_varnames[1 : code.co_argcount]
        defaults = body.__defaults__ or ()
        standard = dict(zip(parameters[len(parameters) - len(defaults) :], defaults, strict=True))
        given = {**dict(zip(parameters, arguments, strict=False)), **keywords}
        super().__init__({**standard, **given})
        # invoke gives a list where nothing was typed for one.
        self.typed = [n for n in given if given[n] != standard.get(n) and given[n] != []]

    def fill(self, text: str, find: Mapping[str, Callable[[], object]]) -> str:
        """The text with its names replaced."""
        return text.format_map(_Found(self, find))


Changes = str | Callable[[invoke.Context, Facts], str]
"""What a task changes, as said after "Would": text with names of `Facts` in braces, or a function
that makes it. It is all that a dry run does, so it must change nothing itself."""


class _Found(dict[str, object]):
    def __init__(self, facts: Facts, find: Mapping[str, Callable[[], object]]) -> None:
        super().__init__(facts)
        self._find = find

    def __missing__(self, name: str) -> object:
        return self._find[name]()


def is_dry(context: invoke.Context) -> bool:
    """Whether nothing is to be done."""
    return bool(context.config.run.dry)


def tell_dry(words: str, json: bool = False) -> None:
    """Say what would have been done."""
    text = f"Would {words}. Nothing was done: this was a dry run (--dry)."
    if json:
        console.result_json({"dry_run": True, "text": text})
    else:
        console.result(text)


@contextmanager
def bounded(seconds: float | None) -> Iterator[None]:
    """End what takes longer, as Ctrl-C would, with `Temporary`; in the main thread alone, which
    takes SIGTERM for Ctrl-C."""
    main = threading.main_thread()
    if not seconds or threading.current_thread() is not main:
        yield
        return
    lock, ended, over = threading.Lock(), threading.Event(), threading.Event()

    def end() -> None:
        with lock:
            if not ended.is_set():
                over.set()
                _interrupt(main)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        try:
            yield
        finally:
            timer.cancel()
            with lock:
                ended.set()
    except (KeyboardInterrupt, invoke.Exit) as error:
        code = error.code if isinstance(error, invoke.Exit) else Interrupted.exit_code
        if not over.is_set() or code != Interrupted.exit_code:
            raise
        state = str(error).removeprefix("Interrupted.").strip()
        words = f"Not finished within {seconds:g} s, the limit set by -T (timeouts.command)."
        raise Temporary(f"{words} {state}".strip()) from None


def _interrupt(main: threading.Thread) -> None:
    if hasattr(signal, "pthread_kill") and main.ident:
        # It ends a wait of that thread, too.
        signal.pthread_kill(main.ident, signal.SIGTERM)
    else:
        import _thread

        _thread.interrupt_main(signal.SIGTERM)


@contextmanager
def echoed(wanted: bool) -> Iterator[None]:
    """Tell each git command that is run."""
    if not wanted:
        yield
        return
    from de_tasks.repo.git import Git

    with Git.told_to(console.note):
        yield
