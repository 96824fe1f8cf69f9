"""Whom requests act for: credentials that renew themselves, and points that are shared."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from de_tasks.auth.credentials import Credentials
from de_tasks.errors import NotLoggedIn
from de_tasks.net.budget import Budget, Spending
from de_tasks.net.limit_reports import ReportedWindow
from de_tasks.net.retry import Attempt, Policy, Wait

T = TypeVar("T")


@dataclass
class Account:
    """A user at a host. `ask` asks the server for the user's budget, which costs no points."""

    credentials: Credentials
    policy: Policy
    budget: Budget
    ask: Callable[[], ReportedWindow | None] = field(default=lambda: None)
    _here: threading.local = field(default_factory=threading.local, init=False)

    def __post_init__(self) -> None:
        self.policy = replace(self.policy, tell=self._counted(self.policy.tell))

    @property
    def waited(self) -> float:
        """Seconds for which this thread has waited for points."""
        seconds: float = getattr(self._here, "waited", 0.0)
        return seconds

    @property
    def seconds(self) -> float:
        """How long a first attempt may take."""
        return self.policy.seconds(0.0)

    def header(self) -> str:
        """The value of the Authorization header."""
        return self.credentials.header()

    def renewing(self, function: Callable[[], T]) -> T:
        """Call, and once more with renewed credentials when those that were used have ended."""
        used = self.credentials.header()
        try:
            return function()
        except NotLoggedIn:
            # Another thread may have renewed them meanwhile.
            if used == self.credentials.header():
                self.credentials.renew()
            return function()

    def _counted(self, tell: Callable[[Wait], None]) -> Callable[[Wait], None]:
        def told(wait: Wait) -> None:
            if wait.for_points:
                self._here.waited = self.waited + wait.seconds
            tell(wait)

        return told

    def act(
        self,
        function: Callable[[Attempt, Spending], T],
        points: int = 0,
        repeat: bool = True,
        find: Callable[[], T | None] | None = None,
        held: float = 0.0,
    ) -> T:
        """Call under the policy, within the budget, and once more with renewed credentials.

        `repeat` and `find` are those of `Policy.call`; `held` seconds come on top of its deadline.
        """

        def attempt(this: Attempt) -> T:
            def spend() -> T:
                # Renewing comes outside: what refuses it has nothing to say of the points.
                with self.budget.spending(points, self.ask) as spending:
                    return function(this, spending)

            return self.renewing(spend)

        policy = replace(self.policy, deadline=self.policy.deadline + held) if held else self.policy
        return policy.call(attempt, repeat, find)
