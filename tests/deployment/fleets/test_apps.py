"""A fleet: its list, what changed of it, and the matrices for CI systems."""

from __future__ import annotations

import json
from pathlib import Path

import invoke
import pytest

from de_tasks.config.project import own_section
from de_tasks.deployment.fleets import ci_matrix
from de_tasks.deployment.fleets.apps import FleetApp, parse, select
from de_tasks.deployment.fleets.connections import Connections
from de_tasks.errors import UsageError
from de_tasks.repo.changes import changed_since
from tests.support.gitserver import git
from tests.support.people import Person


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with three apps, a library of two of them, and a commit."""
    folder = tmp_path / "mono"
    for name in ("apps/sales", "apps/energy", "apps/map", "libs", "docs"):
        (folder / name).mkdir(parents=True)
        (folder / name / "file.txt").write_text("one\n")
    (folder / "invoke.yaml").write_text(
        "de:\n  apps:\n    - {path: apps/sales, shared: [libs/]}\n"
        "    - {name: energy, path: apps/energy, shared: libs}\n    - apps/map\n"
    )
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "one")
    return folder


def fleet(root: Path) -> tuple[FleetApp, ...]:
    libs = {"shared": ["libs"]}
    entries = [{"path": f"apps/{n}", **libs} for n in ("sales", "energy")]
    return parse([*entries, "apps/map"], (), root)


def changed(root: Path, ref: str = "HEAD") -> list[str]:
    found = select(fleet(root), changed=changed_since(root, ref))
    return [chosen.app.name for chosen in found.chosen]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (7, "entry 1 should be a folder"),
        ({"host": "x"}, "entry 1 has neither a name nor a path"),
        ({"path": "apps/none"}, r"entry 1 \(none\): there is no folder"),
        ({"path": "apps/map", "hots": "x"}, r"entry 1 \(map\): there is no 'hots' here"),
        ({"path": "apps/map", "timeout": "soon"}, r"\(map\): timeout should be a whole number"),
        ({"path": "apps/map", "name": "Map"}, r"entry 1 \(Map\): 'Map' is not a legal app name"),
        ({"path": "apps/map", "settings": ["title"]}, r"\(map\): settings should be names with"),
        ({"path": "apps/map", "shared": {"a": 1}}, r"\(map\), shared should be a list of files"),
        ({"path": "apps/map", "shared": [7]}, r"\(map\), shared should be .+, not \[7\]"),
        ({"path": "apps/map", "shared": ["lib"]}, r"\(map\), shared: there is no file or folder"),
    ],
)
def test_bad_entry_is_named(entry: object, words: str, root: Path) -> None:
    with pytest.raises(UsageError, match=words):
        parse([entry], (), root)


def test_path_with_backslashes_is_named_with_slashes(root: Path, nobody: Person) -> None:
    with pytest.raises(UsageError, match="Write it with slashes: apps/sales"):
        parse(["apps\\sales"], [], root)
    done = nobody.run(["deploy", "apps\\sales", "--dry-run"], folder=root)
    assert done.code == 2 and "Write it with slashes: apps/sales" in done.err


def test_app_is_listed_once_for_each_host(root: Path) -> None:
    entries = [{"path": "apps/map"}, {"path": "apps/map", "host": "staging.example"}]
    assert [app.host for app in parse(entries, (), root)] == ["", "staging.example"]
    with pytest.raises(UsageError, match="entry 2: map is listed before"):
        parse(["apps/map", {"name": "map", "path": "apps/sales"}], (), root)


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("apps/map/file.txt", ["map"]),
        ("apps/sales/new.txt", ["sales"]),
        ("apps/sales-notes.txt", []),
        ("libs/file.txt", ["sales", "energy"]),
        ("docs/file.txt", []),
    ],
)
def test_apps_whose_files_changed(file: str, expected: list[str], root: Path) -> None:
    (root / file).write_text("two\n")
    assert changed(root) == expected
    git(root, "add", ".")
    git(root, "commit", "-qm", "two")
    assert changed(root) == []
    assert changed(root, "HEAD~") == expected


def test_deleted_and_moved_files_change_both_apps(root: Path) -> None:
    git(root, "mv", "apps/map/file.txt", "apps/sales/moved.txt")
    assert changed(root) == ["sales", "map"]


def test_changes_of_others_are_not_taken_for_ours(root: Path) -> None:
    git(root, "switch", "-qc", "feature")
    (root / "apps/map/file.txt").write_text("two\n")
    git(root, "commit", "-qam", "feature")
    git(root, "switch", "-q", "main")
    (root / "apps/sales/file.txt").write_text("two\n")
    git(root, "commit", "-qam", "others")
    git(root, "switch", "-q", "feature")
    assert changed(root, "main") == ["map"]
    assert changed_since(root, "main").parted


def test_new_branch_has_no_commit_before(root: Path) -> None:
    assert changed(root, "0" * 40) == ["sales", "energy", "map"]


def test_part_of_every_app(root: Path) -> None:
    (root / "docs/file.txt").write_text("two\n")
    apps = parse(["apps/map", "apps/sales"], ["docs"], root)
    found = select(apps, ["map"], changed_since(root, "HEAD"))
    assert [chosen.app.name for chosen in found.chosen] == ["map"]


@pytest.mark.parametrize("words", [("--changed-since", "none"), ("--only", "none")])
def test_unknown_name(words: tuple[str, ...], root: Path, nobody: Person) -> None:
    done = nobody.inv("fleet.matrix", *words, folder=root)
    assert done.code == 2 and "There is no" in done.err and "'none'" in done.err


def test_matrix_for_github(root: Path, nobody: Person) -> None:
    (root / "libs/file.txt").write_text("two\n")
    done = nobody.inv("fleet.matrix", "--changed-since", "HEAD", folder=root)
    assert json.loads(done.out) == {
        "include": [{"app": "sales", "shard": "1/2"}, {"app": "energy", "shard": "2/2"}]
    }
    assert done.out.count("\n") == 1 and "energy: libs/file.txt" in done.err


def test_new_branch_of_a_ci_system_is_all_new(root: Path, nobody: Person) -> None:
    done = nobody.inv("fleet.matrix", "--json", "--changed-since", "0" * 40, folder=root)
    assert [app["name"] for app in json.loads(done.out)] == ["sales", "energy", "map"]
    assert done.err == "There is no earlier commit to compare with: all apps are new.\n"


def test_what_others_did_since_is_not_taken_for_ours(root: Path, nobody: Person) -> None:
    for branch, file in (("theirs", "apps/map/file.txt"), ("ours", "apps/energy/file.txt")):
        git(root, "checkout", "-qb", branch, "main")
        (root / file).write_text("two\n")
        git(root, "commit", "-qam", branch)
    done = nobody.inv("fleet.matrix", "--json", "--changed-since", "theirs", folder=root)
    assert [app["name"] for app in json.loads(done.out)] == ["energy"]
    base = git(root, "rev-parse", "main")[:7]
    words = f"theirs is not an ancestor of HEAD: compared with {base}, where the two histories "
    assert f"{words}diverged.\n1 of 3 apps changed since theirs\n" in done.err


def test_matrix_for_gitlab_always_has_a_job(root: Path, nobody: Person) -> None:
    words = ("fleet.matrix", "--format", "gitlab", "--changed-since", "HEAD")
    assert "script: [echo" in nobody.inv(*words, folder=root).out
    (root / "apps/map/file.txt").write_text("two\n")
    assert 'matrix: [{"APP": "map", "SHARD": "1/1"}]' in nobody.inv(*words, folder=root).out


def test_jobs_get_several_apps_when_there_are_more_than_jobs() -> None:
    names = [f"a{number}" for number in range(500)]
    found = json.loads(ci_matrix.matrix(names, "github"))["include"]
    assert len(found) == 250 and found[0] == {"app": "a0,a1", "shard": "1/10"}


@pytest.mark.parametrize(("at_once", "expected"), [(2, "1/2 2/2 1/2"), (10, "1/3 2/3 3/3")])
def test_jobs_know_which_of_those_at_once_they_are(at_once: int, expected: str) -> None:
    found = json.loads(ci_matrix.matrix(["a", "b", "c"], "github", at_once))["include"]
    assert " ".join(job["shard"] for job in found) == expected


def test_matrix_as_json_says_why(root: Path, nobody: Person) -> None:
    (root / "apps/map/file.txt").write_text("two\n")
    words = ("fleet.matrix", "--json", "--changed-since", "HEAD")
    (found,) = json.loads(nobody.inv(*words, folder=root).out)
    assert found["name"] == "map" and found["files"] == ["apps/map/file.txt"]


def test_file_in_an_apps_folder_counts_as_for_a_deploy_there(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = "de: {app: the-map, branch: stable, host: x.example, check: {ignore: [no-procfile]}}\n"
    (root / "apps" / "map" / "invoke.yaml").write_text(own)
    (root / "apps" / "energy" / "invoke.yaml").write_text("de: {app: other, branch: stable}\n")
    energy = {"name": "energy", "path": "apps/energy", "branch": "main"}
    monkeypatch.setenv("DASH_ENTERPRISE_HOST", "y.example")

    def file_of(folder: Path) -> dict[str, object]:
        return own_section(invoke.Config(), str(folder))

    found = parse(["apps/map", energy], (), root, file_of)
    assert [(app.name, app.host, app.own["branch"]) for app in found] == [
        ("the-map", "", "stable"),
        ("energy", "", "main"),
    ]
    values = Connections({"de": {"check": {"limit": 7}}}, print).settings(found[0])
    assert (values.check_ignore, values.check_limit) == (("no-procfile",), 7)
