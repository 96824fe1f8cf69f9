"""Git's index says whether a file is as git wrote it, whatever a program does to hide a change."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from de_tasks.server.builds.git_index import SECOND, read_index, seen
from tests.support.gitserver import git


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file in an index that was written a second after it."""
    git(tmp_path, "init", "--quiet")
    path = tmp_path / "z-café.txt"
    path.write_text("kept")
    git(tmp_path, "add", path.name)
    age(path)
    return path


def age(file: Path) -> None:
    """Let the index be a second younger than the file."""
    later = file.stat().st_ctime_ns + SECOND
    os.utime(file.parent / ".git" / "index", ns=(later, later))


def content(file: Path) -> None:
    file.write_text("KEPT")


def file_of_that_name(file: Path) -> None:
    other = file.with_name("other")
    other.write_text("kept")
    other.replace(file)


def link_to_it(file: Path) -> None:
    os.link(file, file.with_name("other"))


def mode(file: Path) -> None:
    file.chmod(0o600)


@pytest.mark.parametrize("change", [content, file_of_that_name, link_to_it, mode])
def test_change_is_seen_though_the_time_was_set_back(
    file: Path, change: Callable[[Path], None]
) -> None:
    before = file.stat()
    known = read_index(file.parent / ".git" / "index")[file.name]
    assert known.seen == seen(before)
    while file.stat().st_ctime_ns == before.st_ctime_ns:
        change(file)
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert known.seen != seen(file.stat())


def test_paths_of_any_length_are_passed_over(file: Path) -> None:
    blob = git(file.parent, "rev-parse", f":{file.name}")
    paths = ["x/" * 2100 + "f", *("n" * length for length in range(1, 10))]
    words = [word for path in paths for word in ("--cacheinfo", f"100644,{blob},{path}")]
    git(file.parent, "update-index", "--add", *words)
    assert set(git(file.parent, "ls-files").split()) > {*paths}
    age(file)
    found = read_index(file.parent / ".git" / "index")
    assert set(found) == {file.name} and found[file.name].what[1] == blob


@pytest.mark.parametrize(
    "damaged", [b"", b"DIRC", b"DIRC\0\0\0\4\0\0\0\0", b"DIRC\0\0\0\2" + 4 * b"\1"]
)
def test_damaged_index_is_no_index(tmp_path: Path, damaged: bytes) -> None:
    (tmp_path / "index").write_bytes(damaged)
    with pytest.raises(ValueError, match=r"index|damaged"):
        read_index(tmp_path / "index")
