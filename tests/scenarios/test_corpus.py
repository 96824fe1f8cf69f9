"""What check says of the apps of the corpus, and what comes of those that are deployed."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from de_tasks.project import checks
from de_tasks.repo import sent
from tests.support.corpus import Example, examples
from tests.support.people import People, Person
from tests.support.repositories import Repository

ALL = examples()
DEPLOYED = [example for example in ALL if example.live is not None]


@pytest.mark.parametrize("example", ALL, ids=lambda example: example.name)
def test_check_says(example: Example, tmp_path: Path) -> None:
    folder = example.write(tmp_path / "board")
    files = None
    if example.untracked:
        repository = Repository.make(folder)
        repository.git("rm", "-q", "--cached", "--ignore-unmatch", example.untracked)
        repository.git("add", "-f", *(n for n in example.files if n != example.untracked))
        files = sent.of_index(folder)
    found = checks.run(folder, example.app, 50, (), (), files, int(example.version))
    said = [f"{f.level} {f.code} {f.file}{f':{f.line}' if f.line else ''}".strip() for f in found]
    assert sorted(said) == sorted(expected.finding for expected in example.findings), found
    words = "\n".join(f"{f.what} {f.remedy}" for f in found)
    assert [e.part for e in example.findings if e.part not in words] == [], words


@pytest.fixture(scope="module")
def author(cast: People) -> Person:
    """Somebody who deploys all of them."""
    return cast["author"]


@pytest.mark.parametrize("example", DEPLOYED, ids=lambda example: example.name)
def test_deploy_ends(example: Example, author: Person, tmp_path: Path) -> None:
    folder = example.write(tmp_path / f"{example.name[:20]}-{secrets.token_hex(2)}")
    if example.python:
        author.run(f"apps create --name {folder.name}")
        author.run(f"apps update --name {folder.name} --python-version {example.python}")
    done = author.run("deploy -y --no-check", folder=folder)
    assert (done.code == 0) == example.live, done.err
    if not example.live:
        assert example.last in done.err.splitlines()[-1], done.err
    author.run(f"apps delete --name {folder.name} -y")
