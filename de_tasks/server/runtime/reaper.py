"""Runs one command of an app, and ends whatever it started, in whatever session that is.

Run as a process of its own: `python -ISs reaper.py LOCK FILES WORD...`. On Linux it is the
subreaper of all that the command starts (prctl(2), PR_SET_CHILD_SUBREAPER): a daemon that leaves
its session and its parent becomes a child of this process, so that none is lost and none stays.
Elsewhere the process group of the command is all that it knows.

Its input is the sandbox's: a line is a number of seconds, in which everything is to end; the end
of the input is the sandbox's own end, however it went. It ends as the command ended: with its
status, or by its signal.

`LOCK` is a file descriptor that it holds until all has ended, or -1; `FILES` is how many files the
command may open.
"""

from __future__ import annotations

import ctypes
import os
import resource
import select
import signal
import sys
import time

GRACE = 5.0
"""Seconds to end in once the sandbox is gone."""
LEFT_BEHIND = 1.0
"""Seconds for what the command leaves behind when it ends by itself."""
STUBBORN = 5.0
"""Seconds until what does not even end when it is killed is left to the kernel."""
BLOCKED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SET_CHILD_SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER of linux/prctl.h."""


def descendants(ancestor: int) -> list[int]:
    """The processes that a process started, and those that these started; empty where there is
    no /proc."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc") if os.path.exists("/proc/self/stat") else ():
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    # proc(5): the fourth field, counted behind the name, which may have spaces.
                    parent = int(file.read().rpartition(b")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(name))
    found: list[int] = []
    waiting = [ancestor]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


class Reaper:
    """The command and what came of it."""

    def __init__(self, command: list[str], lock: int, files: int) -> None:
        self._woken, waker = os.pipe()
        os.set_blocking(waker, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        self._events = select.poll()
        for descriptor in (0, self._woken):
            self._events.register(descriptor, select.POLLIN)
        self.status: int | None = None
        self.deadline = float("inf")
        self._adopts = adopt()
        self._childless = self._alone = False
        if lock >= 0:
            os.set_inheritable(lock, False)
        self._main = os.fork()
        if self._main == 0:
            become(command, files)

    def run(self) -> int:
        """Wait for the end of everything; returns the command's status as waitpid gives it."""
        asked = False
        killed = float("inf")
        while not self._alone and time.monotonic() < killed + STUBBORN:
            if self.status is not None and self.deadline == float("inf"):
                self.deadline = time.monotonic() + LEFT_BEHIND
            now = time.monotonic()
            if self.deadline <= now:
                killed = min(killed, now)
                self._signal(signal.SIGKILL)
            elif self.deadline < float("inf") and not asked:
                asked = True
                self._signal(signal.SIGTERM)
            # Whoever is told to end may start another process meanwhile: look again and again.
            soon = self._childless or killed < float("inf")
            self._listen(0.02 if soon else self.deadline - now)
            self._collect()
        return self.status if self.status is not None else signal.SIGKILL

    def _listen(self, seconds: float) -> None:
        wait = None if seconds == float("inf") else max(0, int(1000 * seconds) + 1)
        for descriptor, _ in self._events.poll(wait):
            said = os.read(descriptor, 4096)
            if descriptor == 0:
                if not said:
                    self._events.unregister(0)
                seconds = float(said.split()[-1]) if said.strip() else GRACE
                self.deadline = min(self.deadline, time.monotonic() + seconds)

    def _collect(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                # Where orphans are not adopted, some of the group may be left.
                self._childless = True
                self._alone = self._adopts or not self._tell_group(0)
                return
            if pid == 0:
                return
            if pid == self._main:
                self.status = status

    def _signal(self, number: int) -> None:
        for pid in descendants(os.getpid()) if self._adopts else ():
            try:
                if os.getpgid(pid) != self._main:
                    os.kill(pid, number)
            except (ProcessLookupError, PermissionError):
                continue
        # All of a group at once, so that nobody is missed who is just being forked. It comes
        # last: the command may be about to leave ours for it.
        self._tell_group(number)

    def _tell_group(self, number: int) -> bool:
        """Signal the command's own process group; False when it has no member."""
        try:
            os.killpg(self._main, number)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


def adopt() -> bool:
    """Become the parent of all orphans below; False where the system knows no such thing."""
    if sys.platform != "linux" or not os.path.exists("/proc/self/stat"):
        return False
    return bool(ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


def become(command: list[str], files: int) -> None:
    """Go on as the command, without input, in a session of its own."""
    try:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
        # Whatever it was asked to do since it was forked, it does now.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, BLOCKED)
        os.execvp(command[0], command)
    except OSError as error:
        os.write(2, f"{command[0]} cannot be started: {error.strerror}\n".encode())
    finally:
        os._exit(127)


def main(lock: str, files: str, *command: str) -> None:
    """Run the command, and end as it ended."""
    signal.pthread_sigmask(signal.SIG_BLOCK, BLOCKED)
    status = Reaper(list(command), int(lock), int(files)).run()
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if -code not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-code, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [-code])
        os.kill(os.getpid(), -code)
    os._exit(abs(code))


if __name__ == "__main__":
    main(*sys.argv[1:])
