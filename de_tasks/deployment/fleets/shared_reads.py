"""Reads that many deploys need, done once for all of them: a page of apps tells of 50 builds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence

from de_tasks.net.budget import Window
from de_tasks.net.limit_reports import WRITE
from de_tasks.platform.models import FINISHED, App, Build, LogPage
from de_tasks.platform.protocol import Platform

PAGE = 50
"""Apps that one point reads, as far as is known."""
SHORTEST, LONGEST = 1.0, 15.0
"""Seconds between two looks at the builds."""
STEP = 0.5
"""Seconds after which a look that waits sees whether it still has to."""
SHARE = 0.1
"""Part of the points that looks may take while there are not enough for all writes."""
DEFAULT_WINDOW = 60.0


class SharedReads:
    """One host's platform for several deploys at once, each in a thread of its own.

    `known` tells what is left of the points; `sleep` may raise to end the wait.
    """

    def __init__(
        self,
        platform: Platform,
        names: Sequence[str],
        known: Callable[[], Window],
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._platform = platform
        self.cancels = platform.cancels
        self._known = known
        self._sleep = sleep
        self._clock = clock
        # Held while one thread looks for all: the others wait here, and then know.
        self._looking = threading.Lock()
        self._looked = self._moved = clock()
        self._unsent = set(names)
        self._watched: set[str] = set()
        self._listed = 0
        self._apps: dict[str, App] = {}
        self._list(set(names))
        # Until another number is seen, the newest build is that of an earlier deploy.
        self._before = {n: app.build.id for n, app in self._apps.items() if app.build}

    def app(self, name: str) -> App | None:
        """An app, as the last look saw it; looked at anew where it is waited for."""
        found = self._apps.get(name)
        if found and name in self._watched and not found.running:
            self._look()
        return self._apps.get(name)

    def create_app(self, name: str) -> App:
        """Create an app."""
        app = self._apps[name] = self._platform.create_app(name)
        return app

    def build(self, name: str, after: str = "0", wait: int = 0, count: int = 200) -> Build | None:
        """The newest build, without its log; held up to `wait` s until it has ended."""
        if name not in self._watched:
            self._watched.add(name)
            self._moved = self._clock()
            self._unsent.discard(name)
        deadline = self._clock() + wait
        while True:
            self._look()
            app = self._apps.get(name)
            build = app.build if app else None
            new = build is not None and build.id != self._before.get(name)
            if app is None or (new and build and build.status in FINISHED):
                self._moved = self._clock()
                break
            if self._clock() >= deadline:
                break
        return build

    def builds(self, name: str) -> Iterator[Build]:
        """The builds of an app, the newest first."""
        return self._platform.builds(name)

    def runtime_log(
        self, name: str, process: str, count: int, after: str | None = None, wait: int = 0
    ) -> LogPage | None:
        """Lines of a process."""
        return self._platform.runtime_log(name, process, count, after, wait)

    def settle(self, name: str) -> None:
        """This app is done, however it ended."""
        self._unsent.discard(name)
        self._watched.discard(name)

    def _look(self) -> None:
        """See to it that what is known is newer than this call."""
        asked = self._clock()
        with self._looking:
            if self._looked > asked:
                return
            # In steps: when the last write has been sent, nobody must wait for points any more.
            while (left := self._looked + self._interval() - self._clock()) > 0:
                self._sleep(min(left, STEP))
            begun = self._clock()
            watched = set(self._watched)
            if len(watched) * PAGE < self._listed:
                for name in watched:
                    self._note(name, self._platform.app(name))
            else:
                self._list(watched)
            self._looked = begun

    def _list(self, wanted: set[str]) -> None:
        """Read pages of apps until the wanted ones were seen."""
        missing, listed = set(wanted), 0
        for app in self._platform.apps():
            listed += 1
            if app.name in wanted or app.name in self._unsent:
                self._note(app.name, app)
            missing.discard(app.name)
            if not missing:
                break
        for name in missing:
            self._note(name, None)
        self._listed = max(self._listed, listed)

    def _note(self, name: str, app: App | None) -> None:
        if app is None:
            self._apps.pop(name, None)
        else:
            self._apps[name] = app

    def _interval(self) -> float:
        """Seconds between looks: short when something has just happened, long when points are
        needed for writes."""
        known, least = self._known(), SHORTEST
        if known.limit and len(self._unsent) * WRITE > known.left - known.held:
            a_second = known.limit / (known.window or DEFAULT_WINDOW)
            least = (-(-self._listed // PAGE) or 1) / (SHARE * a_second)
        return min(LONGEST, max(least, (self._clock() - self._moved) / 4))
