"""A deploy through `de`: a clean copy of the files, `de deploy`, then the truth about the build.

`de deploy` returns when the files are there; how the build ended only `apps status` tells.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from de_tasks.config.system import temporary_folder
from de_tasks.deployment.events import Event, planned
from de_tasks.deployment.plan import Outcome, Plan
from de_tasks.deployment.watch import judge
from de_tasks.errors import Declined, DeTasksError, Interrupted, Temporary
from de_tasks.platform.de import output
from de_tasks.platform.de.command import De
from de_tasks.platform.models import FINISHED
from de_tasks.platform.protocol import Platform
from de_tasks.repo.cache import DeployRepository
from de_tasks.terminal.commands import typed

WAITS = (2, 3, 5, 8, 13)
LONGEST_WAIT = 15
"""Seconds between two looks at the build. Each costs two reads, so a deploy costs at most 12
points in any minute."""
LINES = 1000
"""Lines of the log that each look asks for."""


class VendorDeploy:
    """One deploy through `de`, telling each step. Raises `DeployFailed` when the build fails.

    `de` pushes a repository that it has just made, so every deploy is built, as `again` asks.
    """

    def __init__(
        self,
        plan: Plan,
        repository: DeployRepository,
        platform: Platform,
        de: De,
        tell: Callable[[Event], None],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._plan = plan
        self._repository = repository
        self._platform = platform
        self._de = de
        self._tell = tell
        self._sleep = sleep
        self._begun = time.monotonic()
        self._state = "Nothing was sent."

    def run(self) -> Outcome:
        """Deploy. Which commit it became `de` does not tell."""
        try:
            return self._run()
        except KeyboardInterrupt:
            raise Interrupted(f"Interrupted. {self._state}") from None

    def _run(self) -> Outcome:
        plan = self._plan
        words = f"Deploying {plan.title} to {plan.host} as {plan.user}, through `de`"
        self._step(words, app=plan.name)
        with temporary_folder("de-tasks-") as folder:
            # `de` takes the app's name from the folder where it is not told; both say the same.
            target = folder / plan.name
            with self._repository.snapshot(plan.source, self._step) as snapshot:
                origin = snapshot.origin()
                self._tell(planned(snapshot.files(), origin))
                if plan.dry_run:
                    self._tell(Event("done", "Nothing was sent: this was a dry run."))
                    return Outcome(plan.name, None)
                last = self._repository.last()
                if plan.check and (last is None or last.tree != snapshot.files().tree):
                    plan.check.run(snapshot.listing(), plan.name, self._tell)
                snapshot.export(target)
                trailers = snapshot.trailers
            self._agree()
            status = typed(f"status --name {plan.name}")
            self._state = f"The deploy may have begun: {status} tells."
            self._send(target, plan.message_through_de(origin, trailers))
        watch = typed(f"logs --type build --name {plan.name}")
        self._state = f"The build goes on, and the last good build serves. Watch it: {watch}"
        if not plan.wait:
            self._tell(Event("done", f"{plan.name} is being built. Watch it: {watch}"))
            return Outcome(plan.name, None, changed=True)
        for line in self._follow(self._begun + plan.timeout):
            self._tell(Event("log", line))
        seconds = time.monotonic() - self._begun
        url = f"{self._de.host.web}/{plan.name}/"
        facts: dict[str, object] = {
            "url": url,
            "changed": True,
            "live": False,
            "seconds": round(seconds, 2),
        }
        self._tell(Event("done", f"{plan.name} was built after {seconds:.1f} s: {url}", facts))
        return Outcome(plan.name, None, url, changed=True, seconds=seconds)

    def _send(self, folder: Path, message: str) -> None:
        name = self._plan.name
        words = ("deploy", str(folder), "--name", name, "--message", message, "-y")
        try:
            out = self._de(*words, seconds=self._plan.timeout)
        except DeTasksError:
            # What the build says is the better reason, where it is this deploy's build.
            build = None
            with suppress(DeTasksError):
                build = self._platform.build(name, after="seen", count=LINES)
            if build and build.status == "failed" and build.log.lines:
                for line in build.log.lines:
                    self._tell(Event("log", line.text))
                judge(build, name, [line.text for line in build.log.lines])
            raise
        for text in out.splitlines():
            if output.is_progress(text):
                self._step(text.strip())
            else:
                self._tell(Event("log", text))

    def _agree(self) -> None:
        """Ask what there is to ask. Who deployed last `de` does not tell, so it always asks."""
        plan = self._plan
        there = self._platform.app(plan.name) is not None
        if not there:
            question = f"{plan.name} does not exist on {plan.host}. Create it?"
        elif not plan.overwrite:
            raise DeTasksError(
                f"{plan.name} is there already, and `de` does not say who deployed it. "
                "With --no-overwrite it stays as it is."
            )
        else:
            question = f"Overwrite {plan.name} on {plan.host}?"
        if not plan.confirm(question):
            raise Declined("Nothing was deployed.")
        if plan.prepare:
            if not there:
                self._platform.create_app(plan.name)
            plan.prepare()
        if there:
            # What the log says now is old when the build is followed.
            self._platform.build(plan.name, count=LINES)

    def _follow(self, deadline: float) -> Iterator[str]:
        """The build's log as it comes, to its end.

        A status of before the deploy is not taken for the new build's: it counts once the build
        was seen at work, or its log has changed.
        """
        name, waits, begun = self._plan.name, iter(WAITS), False
        lines: list[str] = []
        while time.monotonic() < deadline:
            self._sleep(next(waits, LONGEST_WAIT))
            build = self._platform.build(name, after="seen", count=LINES)
            if build is None:
                continue
            lines += (line.text for line in build.log.lines)
            yield from (line.text for line in build.log.lines)
            begun = begun or bool(build.log.lines) or build.status not in FINISHED
            if begun and build.status in FINISHED:
                return judge(build, name, lines)
        if not begun:
            raise Temporary(
                f"No new build of {name} was seen in time. Old versions of `de` do not show that "
                "their git push has failed: update `de`, and look at the app: "
                f"{typed(f'status --name {name}')}"
            )
        raise Temporary(
            f"The build of {name} has not finished in time, according to `de`. "
            f"Look again: {typed(f'status --name {name}')}"
        )

    def _step(self, text: str, **facts: object) -> None:
        self._tell(Event("step", text, facts))
