"""The way to the server: only what changed, on top of what is there, and confirmed."""

from __future__ import annotations

import gc
import os
import threading
from pathlib import Path

import pytest

from de_tasks.errors import DeTasksError, NotLoggedIn, Temporary
from de_tasks.net.http import NotThePlatform, RateLimited
from de_tasks.net.retry import Policy
from de_tasks.repo.errors import Moved
from de_tasks.repo.remote import Remote
from tests.support.canned import serving
from tests.support.desk import Caller, Desk
from tests.support.gitserver import git
from tests.support.waiting import BOUND, until


def test_redeploy_sends_what_changed(desk: Desk) -> None:
    for number in range(50):
        (desk.folder / f"{number}.bin").write_bytes(os.urandom(5000))
    first = desk.deploy()
    assert desk.server.received > 250_000 and first.files is None
    desk.server.received = 0
    desk.write("1.bin", "changed\n")
    second = desk.redeploy()
    assert second and second.files == 1 and desk.server.received < 2500
    assert git(desk.server.repository, "rev-list", "--count", "master") == "2"


def test_nothing_changed_sends_nothing(desk: Desk) -> None:
    desk.write("a.py")
    first = desk.deploy()
    desk.server.received = 0
    desk.server.requests.clear()
    assert desk.redeploy() is None
    again = desk.deploy()
    assert (again.sha, again.changed, again.files) == (first.sha, False, 0)
    assert desk.server.received == 0
    assert not [line for line in desk.server.requests if "POST" in line]


def test_redeploy_asks_once_and_pushes_once(desk: Desk) -> None:
    desk.write("a.py", "1")
    desk.deploy()
    desk.server.requests.clear()
    desk.write("a.py", "2")
    assert desk.redeploy()
    methods = [line.split()[0].strip('"') for line in desk.server.requests]
    assert methods == ["GET", "POST"]


def test_fresh_machine_sends_what_changed(desk: Desk, tmp_path: Path) -> None:
    for number in range(50):
        (desk.folder / f"{number}.bin").write_bytes(os.urandom(5000))
    desk.deploy()
    desk.cache = tmp_path / "another machine"
    desk.server.received = 0
    desk.write("1.bin", "changed\n")
    pushed = desk.deploy()
    assert pushed.files == 1 and desk.server.received < 4000
    assert git(desk.server.repository, "rev-list", "--count", "master") == "2"
    desk.server.received = 0
    desk.write("2.bin", "changed\n")
    assert desk.redeploy() and desk.server.received < 2500


def test_fresh_machine_where_the_server_gives_all_or_nothing(desk: Desk, tmp_path: Path) -> None:
    git(desk.server.repository, "config", "uploadpack.allowFilter", "false")
    desk.write("a.py", "1")
    desk.deploy()
    desk.cache = tmp_path / "another machine"
    desk.write("a.py", "2")
    assert desk.deploy().files == 1
    git(desk.server.repository, "config", "http.uploadpack", "false")
    desk.cache = tmp_path / "a third machine"
    desk.write("a.py", "3")
    assert desk.deploy().changed and desk.server.content("a.py") == "3"


def test_deploy_of_others_is_built_upon(desk: Desk) -> None:
    desk.write("a.py", "1")
    desk.deploy()
    theirs = desk.server.push(**{"other.py": "theirs"})
    desk.write("a.py", "2")
    assert desk.redeploy() is None, "what is there is not our last deploy"
    pushed = desk.deploy()
    assert git(desk.server.repository, "rev-parse", "master~1") == theirs
    assert desk.server.names() == ["a.py"] and pushed.files == 2


def test_stale_lease(desk: Desk) -> None:
    desk.write("a.py")
    desk.deploy()
    with desk.repository.snapshot(desk.folder, desk.told.append) as snapshot:
        snapshot.ask(desk.remote)
        assert snapshot._head(desk.remote) == desk.server.head()
        theirs = desk.server.push(**{"other.py": "theirs"})
        desk.write("a.py", "2")
        with pytest.raises(Moved):
            snapshot.put(desk.push(), again=True)
    assert desk.server.head() == theirs


def test_something_else_than_what_was_agreed_on(desk: Desk) -> None:
    desk.write("a.py")
    seen = desk.deploy().sha
    theirs = desk.server.push(**{"other.py": "theirs"})
    desk.write("a.py", "2")
    with pytest.raises(Moved):
        desk.using(lambda snapshot: snapshot.put(desk.push(), expected=seen))
    assert desk.server.head() == theirs


@pytest.mark.slow
def test_server_that_wants_lengths(desk: Desk) -> None:
    desk.server.lengths = True
    (desk.folder / "large.bin").write_bytes(os.urandom(2 * 1024**2))
    pushed = desk.deploy()
    assert desk.server.head() == pushed.sha
    (desk.folder / "large.bin").write_bytes(os.urandom(2 * 1024**2))
    assert desk.redeploy() and desk.server.names() == ["large.bin"]


def test_progress_is_told(desk: Desk) -> None:
    desk.write("a.py")
    desk.deploy()
    assert any(line.startswith("Writing objects: 100%") for line in desk.progress)


HOOK = '#!/bin/sh\necho "This app takes no deploys on Fridays." >&2\nexit 1\n'


def test_refusal_is_told_in_the_servers_words(desk: Desk) -> None:
    hook = desk.server.repository / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(HOOK)
    hook.chmod(0o755)
    desk.write("a.py")
    with pytest.raises(DeTasksError, match="no deploys on Fridays"):
        desk.deploy()
    hook.unlink()
    assert desk.deploy().changed


def test_refusal_for_a_limit_can_be_tried_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = desk.server.repository / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(HOOK.replace("This app takes no deploys on Fridays.", "Rate limit: wait 7 s"))
    hook.chmod(0o755)
    desk.write("a.py")
    # Nobody waits for it here.
    monkeypatch.setattr("tests.support.desk.Policy", lambda sleep: Policy(0, sleep=sleep))
    with pytest.raises(RateLimited) as raised:
        desk.deploy()
    assert raised.value.seconds == 7


def test_whether_a_push_arrived_is_asked_of_the_server(desk: Desk, port: int) -> None:
    desk.write("a.py")
    gone = Remote(f"http://127.0.0.1:{port}/app.git", "master", desk.remote.caller)
    with desk.repository.snapshot(desk.folder, desk.told.append) as snapshot:
        snapshot.put(desk.push())
        assert snapshot.arrived(desk.remote) is True
        assert snapshot.arrived(gone) is None
        desk.server.push(**{"a.py": "theirs"})
        assert snapshot.arrived(desk.remote) is False


def test_wrong_credentials(desk: Desk) -> None:
    desk.write("a.py")
    desk.server.header = "Bearer another"
    remote = type(desk.remote)(desk.server.url, "master", Caller("Bearer wrong"))
    push = type(desk.push())(remote, "dev", "Deploy", desk.progress.append)
    with pytest.raises(NotLoggedIn):
        desk.using(lambda snapshot: snapshot.put(push))


def test_server_that_is_not_there(desk: Desk, port: int) -> None:
    desk.write("a.py")
    desk.server.url = f"http://127.0.0.1:{port}/app.git"
    with pytest.raises(Temporary):
        desk.deploy()


def test_interrupted_push_leaves_no_git_behind(desk: Desk) -> None:
    desk.write("a.py")
    desk.server.hold = threading.Event()

    def interrupt() -> None:
        assert desk.server.arrived.wait(BOUND)
        os.kill(os.getpid(), 2)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        desk.deploy()
    assert not children()
    desk.server.hold.set()
    desk.server.hold = None
    until(desk.server.head, "what had arrived is taken")
    assert desk.deploy().sha == desk.server.head()


def children() -> list[str]:
    """Command lines of git processes that this one has started, and that still run."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(entry.read_text().rpartition(")")[2].split()[1])
            line = entry.with_name("cmdline").read_bytes()
        except OSError:
            continue
        if parent == os.getpid() and b"git" in line and b"http-backend" not in line:
            found.append(line.decode())
    return found


def test_page_in_the_place_of_the_server_is_not_taken_for_an_empty_one(desk: Desk) -> None:
    desk.write("a.py")
    listing = {"refs?service=git-receive-pack": (200, "<!doctype html><p>Please sign in.")}
    with serving((), **listing) as page:
        remote = Remote(f"{page.url}/app", "master", desk.remote.caller)
        with pytest.raises(NotThePlatform, match="Is it the right host"):
            desk.using(lambda snapshot: snapshot.compare(remote, there=True))
    asked = [name for name, _ in page.asked if name in listing]
    assert len(asked) == 3, "a gateway may do so for a moment"


def test_compare(desk: Desk) -> None:
    desk.write("a.py", "one\n")
    desk.write("b.py", "two\n")
    names = ("--name-status", "--no-renames")
    assert desk.using(lambda s: s.compare(desk.remote, *names)) == "A\ta.py\nA\tb.py\n"
    desk.deploy()
    assert desk.using(lambda s: s.compare(desk.remote, *names)) == ""
    desk.write("a.py", "changed\n")
    (desk.folder / "b.py").unlink()
    assert desk.using(lambda s: s.compare(desk.remote, *names)) == "M\ta.py\nD\tb.py\n"


def test_compare_with_what_others_deployed(desk: Desk, tmp_path: Path) -> None:
    desk.write("a.py", "one\n")
    desk.deploy()
    desk.server.push(**{"a.py": "theirs\n", "other.py": "x\n"})
    desk.cache = tmp_path / "another machine"
    text = desk.using(lambda snapshot: snapshot.compare(desk.remote, "--patch"))
    assert "-theirs" in text and "+one" in text and "other.py" in text


def test_a_process_that_deploys_again_and_again_keeps_no_pipes(desk: Desk) -> None:
    desk.write("a.py")
    desk.deploy()
    before = open_pipes()
    for _ in range(3):
        desk.redeploy()
        desk.files()
    assert open_pipes() == before


def open_pipes() -> int:
    """How many this process has open, but for what waits to be collected."""
    gc.collect()
    links = (Path("/proc/self/fd") / name for name in os.listdir("/proc/self/fd"))
    return sum(link.is_fifo() for link in links)
