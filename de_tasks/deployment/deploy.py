"""A deploy from beginning to end: snapshot, push, follow the build, ask the app."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress

from de_tasks.deployment.answers import Answer
from de_tasks.deployment.events import Event, counted, planned
from de_tasks.deployment.plan import Outcome, Plan, foreign
from de_tasks.deployment.watch import WAITS, WAITS_AFTER_CREATE, see_through
from de_tasks.errors import Declined, DeTasksError, Interrupted
from de_tasks.net.http import Transport
from de_tasks.platform.models import UNSUCCESSFUL, App
from de_tasks.platform.protocol import DeployPlatform
from de_tasks.repo.cache import DeployRepository
from de_tasks.repo.errors import Moved
from de_tasks.repo.remote import Remote
from de_tasks.repo.snapshot import Push, Pushed, Snapshot
from de_tasks.terminal.commands import typed

PERCENT = re.compile(r"^(Writing objects:\s+\d+%.*)$")
POINTS = "waiting for points"
ROUNDS = 3
"""How often an app that somebody else deploys at the same moment is looked at anew."""


class Deploy:
    """One deploy, which tells each step. `run` raises `DeployFailed` when the app does not come
    up, and `Interrupted`, which says how far it came.

    Where the server has our own last deploy, there is nothing to ask: the push goes first.
    In every other case the app is looked at before. `waited` gives the seconds that were waited
    for points until now.
    """

    def __init__(
        self,
        plan: Plan,
        repository: DeployRepository,
        platform: DeployPlatform,
        tell: Callable[[Event], None],
        waited: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._plan = plan
        self._repository = repository
        self._platform = platform
        self._tell = tell
        self._app: App | None = None
        self._remote: Remote | None = None
        self._created = self._prepared = False
        self._made = ""
        self._begun = self._since = time.monotonic()
        self._parts: dict[str, float] = {}
        self._waited, self._booked = waited, waited()
        # What an interrupt leaves behind, and what to type then.
        self._state = "Nothing was sent. Run the same command again to deploy"

    def run(self) -> Outcome:
        """Deploy, telling each step."""
        try:
            return self._run()
        except KeyboardInterrupt:
            raise Interrupted(f"Interrupted. {self._state}") from None

    def _run(self) -> Outcome:
        plan = self._plan
        self._step(f"Deploying {plan.title} to {plan.host} as {plan.user}", app=plan.name)
        self._tell(Event("progress", "Reading the files"))
        with self._repository.snapshot(plan.source, self._step) as snapshot:
            pushed = self._snap_and_push(snapshot)
        if pushed is None:
            self._tell(Event("done", "Nothing was sent: this was a dry run."))
            return Outcome(plan.name, None)
        app = self._app
        if not pushed.changed and app and app.build and app.build.status == "built":
            facts: dict[str, object] = {"url": app.url, "changed": False, "sha": pushed.sha}
            words = f"Nothing has changed: {app.url} is up to date."
            self._tell(Event("done", words, facts))
            return Outcome(plan.name, pushed.sha, app.url)
        seconds = round(self._parts["push"], 2)
        self._step(f"Sent {pushed.sha[:7]}", sha=pushed.sha, seconds=seconds)
        if plan.wait:
            return self._wait(pushed)
        watch = typed(f"logs --type build --follow --name {plan.name}")
        words = f"{plan.name} is being built{_what(pushed)}. Watch it: {watch}"
        return self._done(words, pushed, app.url if app else "")

    def _snap_and_push(self, snapshot: Snapshot) -> Pushed | None:
        """The push; None for a dry run."""
        plan, last = self._plan, self._repository.last()
        ours = last and last.user == plan.user and not (plan.always_ask or plan.dry_run)
        if last and ours:
            # The address of then may be none of the host's now; the platform tells another.
            with suppress(DeTasksError):
                self._remote = plan.remote(last.url)
                snapshot.ask(self._remote)
        files, origin = snapshot.files(), snapshot.origin()
        self._tell(planned(files, origin))
        self._part("snapshot")
        if plan.check and (last is None or last.tree != files.tree):
            plan.check.run(snapshot.listing(), plan.name, self._tell)
            self._part("check")
        if plan.dry_run:
            if self._platform.app(plan.name) is None:
                self._step(f"{plan.name} does not exist on {plan.host}: it would be created.")
            return None
        message = plan.message_from(origin, snapshot.trailers)
        try:
            pushed = None
            if last and self._remote and plan.prepare is None:
                push = Push(self._remote, plan.user, message, self._progress)
                pushed = snapshot.put_again(last, push)
            pushed = pushed or self._push_when_agreed(snapshot, message)
            self._state = self._building(pushed.sha)
        except KeyboardInterrupt:
            self._state = self._found_after(snapshot)
            raise
        self._part("push")
        return pushed

    def _push_when_agreed(self, snapshot: Snapshot, message: str) -> Pushed:
        plan, app, seen, left = self._plan, None, None, ROUNDS
        while True:
            left -= 1
            app = self._platform.app(plan.name)
            # The same build as a moment ago explains nothing: then what is there counts.
            expected = app.build.sha if app and app.build and app.build != seen else None
            seen = app.build if app else None
            self._app = app = self._agreed(app)
            self._prepare()
            if self._created:
                # The answer would be that there is no such app.
                snapshot.ask_anew()
            again = plan.again or bool(app.build and app.build.status in UNSUCCESSFUL)
            self._remote = plan.remote(app.git_url)
            push = Push(self._remote, plan.user, message, self._progress)
            try:
                return snapshot.put(push, again=again, expected=expected)
            except Moved:
                if not left:
                    raise

    def _agreed(self, app: App | None) -> App:
        """The app to deploy to, when whoever asks for the deploy agrees with what it will do."""
        plan, question = self._plan, ""
        if app is None:
            question = f"{plan.name} does not exist on {plan.host}. Create it?"
        elif app.build and foreign(app.build, plan.user):
            who = app.build.author or "somebody"
            at = app.build.queued
            seen = f"{plan.name} was deployed by {who}{f' at {at} UTC' if at else ''}."
            if not plan.overwrite:
                raise DeTasksError(f"{seen} With --no-overwrite it stays as it is.")
            question = f"{seen} Overwrite?"
        elif plan.always_ask:
            question = f"Overwrite {plan.name} on {plan.host}?"
        if question and not self._confirmed(question):
            raise Declined("Nothing was deployed.")
        if app:
            return app
        self._made = f"App {plan.name} may have been created. "
        made = self._platform.create_app(plan.name)
        self._created, self._made = True, f"App {plan.name} was created. "
        self._step(f"App {plan.name} was initialized on [{plan.host}].", created=True)
        return made

    def _prepare(self) -> None:
        """What is to be done before the push, once."""
        if self._plan.prepare and not self._prepared:
            self._prepared = True
            self._plan.prepare()
            self._part("settings")

    def _confirmed(self, question: str) -> bool:
        """The answer; the time that somebody thinks is none of the deploy's."""
        asked = time.monotonic()
        answer = self._plan.confirm(question)
        thought = time.monotonic() - asked
        self._begun += thought
        self._since += thought
        return answer

    def _wait(self, pushed: Pushed) -> Outcome:
        plan, remote = self._plan, self._remote
        assert remote  # There was a push.
        app, answer = see_through(
            platform=self._platform,
            name=plan.name,
            sha=pushed.sha,
            transport=Transport(remote.ca_path, remote.trusted),
            tell=self._tell,
            deadline=self._begun + plan.timeout,
            app=self._app,
            waits=WAITS_AFTER_CREATE if self._created else WAITS,
            built=lambda: self._part("build"),
        )
        self._part("start")
        total = time.monotonic() - self._begun
        spent = ", ".join(f"{name} {seconds:.1f}" for name, seconds in self._parts.items())
        # A sign-in alone shows nothing of the app behind it.
        live = answer is not Answer.UNKNOWN
        verb = "is live" if live else "was built"
        words = f"{plan.name} {verb} after {total:.1f} s ({spent}){_what(pushed)}: {app.url}"
        return self._done(words, pushed, app.url, live)

    def _done(self, words: str, pushed: Pushed, url: str, live: bool = False) -> Outcome:
        total = time.monotonic() - self._begun
        parts = {name: round(seconds, 2) for name, seconds in self._parts.items()}
        facts: dict[str, object] = {
            "url": url or None,
            "changed": pushed.changed,
            "live": live,
            "files": pushed.files,
            "sha": pushed.sha,
            "seconds": round(total, 2),
            "parts": parts,
        }
        self._tell(Event("done", words, facts))
        return Outcome(
            name=self._plan.name,
            sha=pushed.sha,
            url=url,
            changed=True,
            files=pushed.files,
            seconds=total,
            parts=self._parts,
        )

    def _found_after(self, snapshot: Snapshot) -> str:
        """What the server has after an interrupt: asked, as far as it answers at once."""
        name = self._plan.name
        if snapshot.sent is None or self._remote is None:
            return f"{self._made}Nothing was sent. Run the same command again to deploy"
        arrived = snapshot.arrived(self._remote)
        if arrived:
            return self._building(snapshot.sent)
        status = typed(f"status --name {name}")
        known = "had not taken" if arrived is False else "may have taken"
        return (
            f"The server {known} this deploy ({snapshot.sent[:7]}) a moment ago, and the last good "
            f"build serves. What it has now: {status}"
        )

    def _building(self, sha: str) -> str:
        name = self._plan.name
        watch = typed(f"logs --type build --follow --name {name}")
        cancel = f". Cancel it: {typed(f'cancel --name {name}')}" if self._platform.cancels else ""
        return (
            f"The server has this deploy ({sha[:7]}) and goes on building it; the last good "
            f"build serves until then. Watch it: {watch}{cancel}"
        )

    def _step(self, text: str, **facts: object) -> None:
        self._tell(Event("step", text, facts))

    def _progress(self, line: str) -> None:
        match = PERCENT.match(line)
        if match:
            self._tell(Event("progress", match[1]))

    def _part(self, name: str) -> None:
        """A part has ended; what was waited for points in it is a part of its own."""
        now, waited = time.monotonic(), self._waited()
        points = waited - self._booked
        self._parts[name] = max(0.0, now - self._since - points)
        if points:
            self._parts[POINTS] = self._parts.get(POINTS, 0.0) + points
        self._since, self._booked = now, waited


def _what(pushed: Pushed) -> str:
    if pushed.files is None:
        return ""
    return f", {counted(pushed.files)} changed"
