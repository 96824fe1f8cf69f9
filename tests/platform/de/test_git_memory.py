"""Which logins a git has taken and refused, in a file that may be anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from de_tasks.config.host import Host
from de_tasks.config.settings import Settings
from de_tasks.net.http import Transport
from de_tasks.net.retry import Policy
from de_tasks.platform.de.git_memory import GitMemory, Known
from de_tasks.platform.de.git_transport import GitTransport

ADDRESS = "https://git-a.example"
KIND = "the access token"


def test_one_address_is_forgotten_and_no_other(tmp_path: Path) -> None:
    here, other = GitMemory(tmp_path, ADDRESS), GitMemory(tmp_path, "https://git-b.example")
    here.refuse(KIND, "dev")
    other.accept(KIND, "dev", 0)
    assert GitMemory(tmp_path, ADDRESS).known(KIND, "dev") == Known(False)
    here.forget()
    assert here.known(KIND, "dev") is GitMemory(tmp_path, ADDRESS).known(KIND, "dev") is None
    assert GitMemory(tmp_path, "https://git-b.example").known(KIND, "dev") == Known(True, 0)


@pytest.mark.parametrize("text", ["not json", "[]", '{"format": "other"}'])
def test_file_that_cannot_be_read_is_begun_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / "git-logins.json").write_text(text)
    memory = GitMemory(tmp_path, ADDRESS)
    assert memory.known(KIND, "dev") is None
    memory.accept(KIND, "dev", 2)
    assert GitMemory(tmp_path, ADDRESS).known(KIND, "dev") == Known(True)


def test_what_cannot_be_kept_is_known_until_the_end(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    memory = GitMemory(tmp_path / "file", ADDRESS)
    memory.refuse(KIND, "dev")
    assert memory.known(KIND, "dev") == Known(False)
    memory.forget()
    assert memory.known(KIND, "dev") is None


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "there is no login for it: neither user name and password nor tokens"),
        ("x", "127.0.0.1:9 does not answer. Is the host right, and is the server running?"),
    ],
)
def test_git_that_cannot_be_asked_takes_no_deploys(tmp_path: Path, password: str, why: str) -> None:
    values = Settings(
        username="dev", password=password, cache=str(tmp_path), git="http://127.0.0.1:9/GIT"
    )
    host = Host.of("a.example", values)
    found = GitTransport(values, host, Transport(), None, Policy(attempts=1)).look("shop")
    assert (found.login, found.why) == (None, why)
