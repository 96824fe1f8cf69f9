"""What a deploy would send: of a folder, of the index, of a commit."""

from __future__ import annotations

from pathlib import Path

import pytest

from de_tasks.githooks import check as hook
from de_tasks.project import checks
from de_tasks.repo import listing
from de_tasks.repo.git import Git
from de_tasks.repo.sent import of_folder, of_index, of_read, of_tree
from de_tasks.repo.source import find_commit
from tests.support.checked import FLASK, PLAIN, write
from tests.support.people import PROGRAMS, Person
from tests.support.repositories import Repository


@pytest.fixture
def made(tmp_path: Path) -> Repository:
    """A repository with an app that runs."""
    folder = tmp_path / "good-app"
    write(folder, PLAIN)
    return Repository.make(folder)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Procfile", "no-procfile"),
        ("requirements.txt", "no-requirements"),
        ("app.py", "no-module"),
    ],
)
def test_what_is_ignored_or_untracked_is_not_there(
    name: str, code: str, made: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.git("rm", "-q", "--cached", name)
    monkeypatch.chdir(made.folder)
    assert hook.main([]) == 1
    index = of_index(made.folder)
    (found,) = checks.run(made.folder, "good-app", 50, sent=index)
    assert found.code == code and f"git add -f {name}" in found.remedy
    write(made.folder, {".gitignore": f"/{name}\n"})
    (found,) = checks.run(made.folder, "good-app", 50)
    assert found.code == code and f"!{name}" in found.remedy


def test_ignored_but_committed_file_is_sent_with_a_commit(dev: Person, made: Repository) -> None:
    write(made.folder, {".env": "A=1\n", ".gitignore": ".env\n"})
    made.git("add", "-f", ".env")
    made.commit("All")
    assert dev.inv("check", folder=made.folder).code == 0
    done = dev.inv("check", "--ref", "HEAD", folder=made.folder)
    assert done.code == 1 and "[env-file]" in done.out


def test_module_that_is_not_in_the_commit(dev: Person, made: Repository) -> None:
    write(made.folder, {"app.py": f"import helpers\n{FLASK}"})
    made.commit("Without what it imports")
    write(made.folder, {"helpers.py": ""})
    assert dev.inv("check", folder=made.folder).code == 0
    for line in ("check --ref HEAD", "deploy -y --ref HEAD"):
        done = dev.inv(*line.split(), folder=made.folder)
        told = f"{done.out}{done.err}"
        assert done.code == 1 and "app.py imports helpers. helpers.py is not tracked" in told
        assert "[import-left-out]" in told and "git add -f helpers.py" in told


def test_index_and_tree_have_what_the_folder_has(made: Repository) -> None:
    write(made.folder, {"run.sh": "true\n", "deep/größe": b"\xff\0"})
    (made.folder / "run.sh").chmod(0o755)
    (made.folder / "link").symlink_to("deep")
    made.git("add", "--all")
    made.commit("More")
    commit, index = find_commit(made.folder, "HEAD"), of_index(made.folder)
    assert index
    git = Git(commit.objects.parent)
    read = of_read(listing.of_tree(git, commit.tree, made.folder.parent), made.folder, 0)
    for sent in (of_folder(made.folder), index, of_tree(git, commit.tree), read):
        assert list(sent.entries) == sorted(["link", "run.sh", "deep/größe", *PLAIN])
        assert sent.read("link/größe") == b"\xff\0" and sent.has_folder("link")
        assert sent.executable("run.sh") and not sent.executable("app.py")
        assert sent.size("run.sh") == 5 and sent.whole("deep/größe") == b"\xff\0"
        assert sent.whole("gone") == sent.read("gone") == b""


def test_links_are_followed_as_far_as_they_stay_inside(made: Repository) -> None:
    links = {"one": "two", "two": "app.py", "round": "about", "about": "round", "out": "/etc/hosts"}
    for name, target in links.items():
        (made.folder / name).symlink_to(target)
    sent = of_folder(made.folder)
    assert [name for name in links if sent.has(name)] == ["one", "two"]
    assert sent.read("one") == (made.folder / "app.py").read_bytes()
    assert sent.read("round") == sent.read("out") == b""


def test_file_that_goes_meanwhile_is_empty(made: Repository) -> None:
    commit = find_commit(made.folder, "HEAD")
    git = Git(commit.objects.parent)
    sent = of_read(listing.of_tree(git, commit.tree, made.folder.parent), made.folder, 0)
    (made.folder / "app.py").unlink()
    assert sent.has("app.py") and sent.size("app.py") == 0
    assert sent.read("app.py") == sent.whole("app.py") == b""


def test_annotation_names_the_file_from_the_top(dev: Person, made: Repository) -> None:
    write(made.folder / "apps" / "sales", {**PLAIN, "Procfile": "web: gunicorn nope:server\n"})
    dev.environment["GITHUB_ACTIONS"] = "true"
    done = dev.inv("check", folder=made.folder / "apps" / "sales")
    assert "::error file=apps/sales/Procfile,line=1," in done.out


def test_hook_annotates_on_github(
    made: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made.git("rm", "-q", "--cached", "app.py")
    monkeypatch.chdir(made.folder)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert hook.main([]) == 1
    printed = capsys.readouterr()
    assert "::error file=Procfile,line=1,title=de-tasks%3A no-module::" in printed.out + printed.err


@pytest.mark.slow
def test_hook_reads_the_index_of_the_very_commit(made: Repository) -> None:
    hook_file = made.folder / ".git" / "hooks" / "pre-commit"
    hook_file.parent.mkdir(exist_ok=True)
    hook_file.write_text(f"#!/bin/sh\nexec {PROGRAMS / 'de-check'}\n")
    hook_file.chmod(0o755)
    write(made.folder, {"Procfile": "web: gunicorn nope:server\n"})
    # What is committed is as it was; `-a` makes an index of its own with what is not.
    assert made.run("commit", "-q", "--allow-empty", "-m", "Same").returncode == 0
    done = made.run("commit", "-q", "-a", "-m", "Break")
    assert done.returncode == 1 and "[no-module]" in done.stdout + done.stderr
