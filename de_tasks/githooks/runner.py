"""Where a hook meets git: its options, `DE_SKIP`, a clean environment, and how it ends."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator

from de_tasks.githooks import pushes
from de_tasks.repo import environment

TYPE_CHECKING = False  # typing's, without importing typing
if TYPE_CHECKING:
    import invoke

    from de_tasks.config.settings import Settings
    from de_tasks.errors import DeTasksError
    from de_tasks.platform.connect import Connection

OFF = ("", "0", "false", "no", "off")


def parser(name: str, about: str) -> argparse.ArgumentParser:
    """The options of every hook."""

    # Of a given width: to ask the terminal, argparse imports shutil, at every push.
    def narrow(prog: str) -> argparse.HelpFormatter:
        return argparse.HelpFormatter(prog, width=79)

    made = argparse.ArgumentParser(prog=name, description=about, formatter_class=narrow)
    made.add_argument("--path", default="", help="folder of the app (default: de.path, or .)")
    made.add_argument("--warn-only", action="store_true", help="when it fails, only say so")
    return made


def pre_push_parser(name: str, about: str) -> argparse.ArgumentParser:
    """The options of every hook that runs before a push; git names the remote."""
    made = parser(name, about)
    made.add_argument(
        "--no-check", action="store_true", help="deploy also what the check finds unable to run"
    )
    made.add_argument("remote", nargs="?", default="", help=argparse.SUPPRESS)
    made.add_argument("address", nargs="?", default="", help=argparse.SUPPRESS)
    return made


def pushed(options: argparse.Namespace) -> Iterator[pushes.PushedBranch]:
    """The branches that are being pushed."""
    return pushes.read(options.remote, options.address, sys.stdin, os.environ)


def run(options: argparse.Namespace, name: str, what: str, body: Callable[[], None]) -> int:
    """Do a hook's work; returns the exit status. `what` is what is stopped: a push, a commit;
    empty where git does not stop for the hook."""
    if os.environ.get("DE_SKIP", "").lower() not in OFF:
        tell(f"{name}: skipped, since DE_SKIP is set.")
        return 0
    environment.scrub(os.environ)
    try:
        body()
    except KeyboardInterrupt:
        tell(f"{name}: interrupted.")
        return 130
    except Exception as error:
        # At the edge, and not by its class: most runs never need to import the errors.
        from de_tasks.errors import DeTasksError

        if not isinstance(error, DeTasksError):
            raise
        tell(_refusal(error, name, what, options.warn_only))
        return 0 if options.warn_only and error.exit_code != 130 else error.exit_code
    return 0


def tell(text: str) -> None:
    """Print to stderr: `git push --porcelain` has its own readers of stdout."""
    from de_tasks.terminal.text import readable

    print(readable(text), file=sys.stderr, flush=True)


def configuration(path: str) -> invoke.Config:
    """invoke's configuration that is nearest to the app's folder: hooks see no tasks.py."""
    import invoke

    from de_tasks.config.faults import USERS, located
    from de_tasks.config.project import governing

    with located(USERS):
        found = invoke.Config()
    return governing(found, _place(path))


def settings(path: str) -> Settings:
    """The settings of the app's folder. From here on messages name the program that works there."""
    from de_tasks.config import context
    from de_tasks.config.project import section
    from de_tasks.terminal.commands import speak_as

    speak_as("inv" if _has_tasks(os.path.abspath(_place(path))) else "de-tasks")
    return context.settings({"de": section(configuration(path))}, path=path)


def _place(path: str) -> str:
    """The folder that a hook begins from: its option, or the setting in a variable, or here."""
    return path or os.environ.get("INVOKE_DE_PATH") or "."


def _has_tasks(folder: str) -> bool:
    """Whether `inv` finds tasks from a folder: in it or in one above, as invoke looks for them."""
    below = ""
    while folder != below:
        for name in ("tasks.py", "tasks/__init__.py"):
            if os.path.isfile(os.path.join(folder, name)):
                return True
        below, folder = folder, os.path.dirname(folder)
    return False


def connect(values: Settings) -> Connection:
    """The platform behind the present credentials; waits are told to the person who pushes."""
    from de_tasks.platform import connect as platforms
    from de_tasks.terminal import console

    return platforms.connect(values, lambda wait: console.note(wait.text))


def _refusal(error: DeTasksError, name: str, what: str, warn_only: bool) -> str:
    from de_tasks.config.system import with_variable
    from de_tasks.errors import Interrupted, NotLoggedIn

    if not what or isinstance(error, Interrupted):
        return f"{name}: {error}"
    skip = with_variable("DE_SKIP", "1", f"git {what}")
    if warn_only:
        return f"{name}: {error}\nThe {what} goes on, since the hook only warns."
    if isinstance(error, NotLoggedIn):
        words = " ".join(str(error).split("\n"))
        return f"{name}: {words} (or {what} without it: {skip})"
    return (
        f"{name}: {error}\n"
        f"The {what} was stopped. To {what} all the same: {skip}, or git {what} --no-verify. "
        "With --warn-only the hook never stops one."
    )
