"""Start, find, stop and reset a sandbox from another process."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from de_tasks.errors import DeTasksError, UsageError
from de_tasks.server.alive import runs

RUNNING, ENDING = "running.json", "ending.json"
"""What a sandbox writes: how it runs, or ran last; and which apps its end waits for."""
START_TIMEOUT = 60.0
STOP_TIMEOUT = 60.0
LONGEST_ANSWER = 4 * 1024**2
"""Bytes of an answer that are read: another program may have the port by now."""
MOST_NAMED = 5
QUIET = 2.0
"""Seconds that an end takes without a word where all apps end when they are asked to."""
END_TIMEOUT = 20.0
"""For a sandbox that did not start in time: after that it is killed."""


class AlreadyRunning(DeTasksError):
    """Another sandbox has the data directory."""


@dataclass(frozen=True)
class Running:
    """A sandbox that answers."""

    pid: int
    url: str
    port: int
    instance: str
    data: Path
    ca_path: str = ""
    """The certificate that its own authority signs with, empty without TLS."""
    version: int = 5
    """4 or 5: which files its builds read."""


def find(data: Path) -> Running | None:
    """The sandbox that runs on a data directory, None when none answers."""
    running = _recorded(data)
    if running is None or not runs(running.pid):
        # Whoever has its port now may answer, slowly and without end.
        return None
    try:
        with _open(running, f"{running.url}/health", timeout=5) as answer:
            right = json.loads(answer.read(LONGEST_ANSWER)).get("sandbox") == running.instance
    except (OSError, ValueError, AttributeError, urllib.error.URLError):
        return None
    return running if right else None


def last_run(data: Path) -> Running | None:
    """How the sandbox of a data directory ran last; None while it runs, or is being started."""
    running = _recorded(data)
    return None if running is None or runs(running.pid) or holder(data) else running


def _recorded(data: Path) -> Running | None:
    try:
        return Running(**json.loads((data / RUNNING).read_text("utf-8")), data=data)
    except (OSError, ValueError, TypeError):
        return None


def await_other(data: Path) -> Running:
    """The sandbox that another process is starting on a data directory, once it answers.

    Raises `AlreadyRunning` when it does not in time.
    """
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        if running := find(data):
            return running
        time.sleep(0.1)
    raise AlreadyRunning(
        f"The sandbox on {data} does not answer; {data / 'server.log'} may say why. "
        "Stop it, or name another directory with --data"
    )


def start(
    data: Path,
    options: Mapping[str, int | str],
    allow_mount: Sequence[Path] = (),
    environment: Mapping[str, str] | None = None,
) -> Running:
    """Start a sandbox detached, and return once it answers.

    `options` and `allow_mount` are fields of `ServerSettings`; `environment` is the server's, by
    default ours. Raises `AlreadyRunning` where another has the data directory, `DeTasksError`
    with the server's own sentence when it cannot start.
    """
    if data.exists() and not data.is_dir():
        raise UsageError(f"{data} is not a directory: name another one with --data")
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        log = (data / "server.log").open("ab")
    except OSError as error:
        raise DeTasksError(f"The sandbox cannot use {data}: {error.strerror}") from error
    ours, theirs = os.pipe()
    # An interrupt between the start and the `try` would leave a server that nobody knows of.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with log:
            child = launch(command(data, options, allow_mount, theirs), log, theirs, environment)
    except BaseException:
        _unblock()
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    try:
        _unblock()
        with os.fdopen(ours) as pipe:
            answer = _read_line(pipe.fileno(), START_TIMEOUT)
        record = json.loads(answer) if answer else {}
    except BaseException:
        _end(child)
        raise
    if "error" in record:
        child.wait(STOP_TIMEOUT)
        kind: type[DeTasksError] = DeTasksError
        if record["taken"]:
            kind = AlreadyRunning
        elif record["code"] == UsageError.exit_code:
            kind = UsageError
        raise kind(record["error"])
    if not record:
        late = child.poll() is None
        _end(child)
        when = f" within {START_TIMEOUT:.0f} s" if late else ""
        raise DeTasksError(f"The sandbox did not start{when}; {data / 'server.log'} says why.")
    return Running(**record, data=data)


def launch(
    line: Sequence[str], log: IO[bytes], ready_fd: int, environment: Mapping[str, str] | None
) -> subprocess.Popen[bytes]:
    """Start the program, in a session of its own."""
    return subprocess.Popen(
        line,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=[ready_fd],
        env=environment,
        start_new_session=True,
        preexec_fn=_unblock,
    )


def command(
    data: Path,
    options: Mapping[str, int | str],
    allow_mount: Sequence[Path] = (),
    ready_fd: int | None = None,
) -> list[str]:
    """The command line that runs a sandbox in the foreground."""
    flags = [_flag(name.replace("_", "-"), value) for name, value in options.items()]
    flags += [f"--allow-mount={folder}" for folder in allow_mount]
    if ready_fd is not None:
        flags.append(f"--ready-fd={ready_fd}")
    # Without -P modules would come from the current folder, and run in the server.
    return [sys.executable, "-P", "-m", "de_tasks.server", f"--data={data}", *flags]


def administer(running: Running, path: str, body: Mapping[str, object]) -> dict[str, Any]:
    """Ask the sandbox something as an admin, with the key of this run in its data directory.

    Raises `DeTasksError` with its sentence.
    """
    try:
        key = (running.data / "admin.key").read_text("ascii")
    except OSError as error:
        raise DeTasksError(
            f"{running.data / 'admin.key'} cannot be read: {error.strerror}. "
            "Restart the sandbox: sandbox.stop, then sandbox.start"
        ) from None
    request = urllib.request.Request(
        f"{running.url}/sandbox/{path}",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {key}"},
    )
    try:
        with _open(running, request, timeout=30) as answer:
            found: dict[str, Any] = json.loads(answer.read(LONGEST_ANSWER))
            return found
    except urllib.error.HTTPError as error:
        with error:
            raise DeTasksError(_sentence(error)) from None
    except (OSError, ValueError) as error:
        raise DeTasksError(f"The sandbox did not answer: {error}") from None


def stop(running: Running) -> None:
    """Ask a sandbox to end, and return when it has, with all its apps."""
    end(running.data, running.pid)


def end(data: Path, pid: int, tell: Callable[[str], None] = lambda text: None) -> None:
    """The same for one that may not answer, the process `pid`; `tell` hears what it waits for."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    begun, told = time.monotonic(), ""
    while (passed := time.monotonic() - begun) < STOP_TIMEOUT:
        if not _alive(pid):
            return
        said = _ending(data) if passed > QUIET else ""
        if said and said != told:
            tell(said)
            told = said
        time.sleep(0.05)
    raise DeTasksError(
        f"The sandbox (process {pid}) has not ended within {STOP_TIMEOUT:.0f} s; "
        f"{data / 'server.log'} may say why. To end it all the same: kill -9 {pid}"
    )


def _ending(data: Path) -> str:
    """Which apps the end of a sandbox waits for, and for how long at most; or empty."""
    try:
        found = json.loads((data / ENDING).read_text("utf-8"))
        names, grace = list(map(str, found["apps"])), int(found["grace"])
    except (OSError, ValueError, TypeError, KeyError):
        return ""
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    named = ", ".join(names[:MOST_NAMED]) + more
    return f"Waiting for {named} to end, {grace} s at most" if names else ""


def reset(data: Path) -> bool:
    """Delete a data directory; False when there is none.

    Raises `DeTasksError` while its sandbox runs, whether it answers or not, `UsageError` for a
    folder that is not the data directory of a sandbox.
    """
    if not data.exists():
        return False
    if not (data / "lock").exists() and any(data.iterdir()):
        raise UsageError(f"{data} is not the data directory of a sandbox; nothing was deleted.")
    with (data / "lock").open("a+") as lock:
        # Held to the end, so that no sandbox starts on what is being deleted.
        deadline = time.monotonic() + END_TIMEOUT
        while not take(lock):
            # What a killed one has left behind ends soon.
            if holder(data) or time.monotonic() > deadline:
                raise DeTasksError("The sandbox is running: stop it first with sandbox.stop")
            time.sleep(0.05)
        shutil.rmtree(data)
    return True


def holder(data: Path) -> int | None:
    """The process whose sandbox has the data directory, also while it does not answer; None when
    there is none."""
    try:
        with (data / "lock").open("r+") as lock:
            pid = 0 if take(lock) else int(lock.read())
    except (OSError, ValueError):
        return None
    return pid if pid and _alive(pid) else None


def take(lock: IO[str]) -> bool:
    """Lock the data directory whose file `lock` this is, until the file is closed; False when a
    sandbox has it, or what a killed one has left behind."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _flag(name: str, value: int | str) -> str:
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no-{name}"
    return f"--{name}={value}"


def _open(running: Running, request: urllib.request.Request | str, timeout: float) -> Any:
    # A proxy that the environment names leads away from this machine.
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if running.ca_path:
        context = ssl.create_default_context(cafile=running.ca_path)
        handlers.append(urllib.request.HTTPSHandler(context=context))
    return urllib.request.build_opener(*handlers).open(request, timeout=timeout)


def _sentence(error: urllib.error.HTTPError) -> str:
    """What the server says is wrong: ours says it in `error`, the API in `errors`."""
    try:
        said = json.loads(error.read(LONGEST_ANSWER))
        while not isinstance(said, str):
            said = said.get("error") or said["errors"][0]["message"]
    except (
        *(OSError, ValueError, RecursionError),
        *(LookupError, TypeError, AttributeError),
    ):
        said = ""
    return said or f"The sandbox answered with status {error.code}."


def _unblock() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _end(child: subprocess.Popen[bytes]) -> None:
    """End a sandbox that did not start. Killed, it still leaves no process: see `leash`."""
    child.terminate()
    try:
        child.wait(END_TIMEOUT)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _alive(pid: int) -> bool:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass
    return runs(pid)


def _read_line(descriptor: int, timeout: float) -> bytes:
    import select

    deadline, data = time.monotonic() + timeout, b""
    # Not select(), which takes no descriptor from 1024 on.
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    while not data.endswith(b"\n"):
        readable = waiting.poll(1000 * max(0.0, deadline - time.monotonic()))
        piece = os.read(descriptor, 4096) if readable else b""
        if not piece:
            break
        data += piece
    return data
