"""Requests for builds that are held open until there is news."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from de_tasks.server import control
from tests.support.apps import held_back
from tests.support.people import Person
from tests.support.published import caller
from tests.support.waiting import BOUND, until

NEWEST = """query ($name: String!, $after: String, $wait: Int) {
build(appname: $name, after: $after, wait: $wait) { id log { next lines { text } } } }"""


def test_who_follows_the_newest_build_hears_at_once_of_a_newer_one(
    dev: Person, sandbox: control.Running, page: Path, hold: Path
) -> None:
    own = caller(sandbox, dev.name)

    def newest(**more: object) -> dict[str, str]:
        """The number of the newest build, and where its log ends."""
        build = own.ask(NEWEST, name=page.name, **more)["build"]
        return {"id": build["id"], "after": build["log"]["next"], "text": str(build["log"])}

    def push() -> None:
        assert dev.run(f"deploy {page} -y --no-check --no-wait").code == 0

    def spent() -> int:
        return int(control.administer(sandbox, "points", {})[dev.name]["spent"])

    (page / "Procfile").write_text(held_back(hold))
    push()
    until(lambda: f"test -e {hold}" in newest()["text"], "the first build starts the app")
    # What the log of the first build has is more than the second one's will have.
    first, before = newest(), spent()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(newest, after=first["after"], wait=30)
        until(lambda: spent() > before, "the request is held")
        (page / "index.html").write_text("hello two")
        push()
        # Half of what it may be held.
        assert asked.result(BOUND / 2)["id"] != first["id"]
    queued, before = newest(), spent()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(newest, after=queued["after"], wait=30)
        until(lambda: spent() > before, "the request is held")
        # The third one's log begins with as many lines as the second one's.
        (page / "index.html").write_text("hello three")
        push()
        assert asked.result(BOUND / 2)["id"] != queued["id"]
