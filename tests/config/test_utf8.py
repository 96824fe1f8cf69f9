"""Configuration files are UTF-8, whatever the system's own encoding is."""

from __future__ import annotations

import pytest

from tests.support.people import Person

OTHER_ENCODING = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
"""With these Python takes ASCII for the system's encoding, as it takes cp1252 on Windows."""


@pytest.fixture
def abroad(nobody: Person) -> Person:
    """Somebody whose system has another encoding."""
    nobody.environment |= OTHER_ENCODING
    return nobody


@pytest.mark.parametrize("program", ["inv", "de-tasks"])
def test_file_is_read_on_a_system_with_another_encoding(abroad: Person, program: str) -> None:
    (abroad.home / "invoke.yaml").write_text("de: {app: zähler}\n", "utf-8")
    done = abroad.spawn("doctor", program=program)
    assert "z\\xe4hler" in ascii(done.out), done.err


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", ["invoke.yaml", ".invoke.yaml", "invoke.yml", "invoke.json"])
def test_byte_order_mark_is_no_part_of_the_first_key(
    nobody: Person, encoding: str, name: str
) -> None:
    (nobody.home / name).write_text('{"de": {"app": "meters"}}\r\n', encoding)
    for done in (nobody.inv("doctor"), nobody.run("doctor")):
        assert "meters" in done.out, done.err
