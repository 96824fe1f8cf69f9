"""Deploying a commit without a working copy, from every kind of clone."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from de_tasks.errors import UsageError
from de_tasks.repo.snapshot import Pushed
from de_tasks.repo.source import Deployed, find_commit
from tests.support.desk import Desk
from tests.support.gitserver import git


@pytest.fixture
def monorepo(desk: Desk) -> Path:
    """A repository with three commits, each of which changes `apps/one`."""
    top = desk.folder
    git(top, "init", "--quiet", "-b", "main")
    desk.write("README")
    desk.write("apps/one/app.py", "first\n")
    desk.write("apps/one/data/x.csv")
    commit(top, "first")
    git(top, "tag", "v1")
    desk.write("apps/one/app.py", "second\n")
    commit(top, "second")
    desk.write("apps/one/app.py", "third\n")
    commit(top, "third")
    return top


def commit(folder: Path, message: str) -> str:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", message)
    return git(folder, "rev-parse", "HEAD")


@pytest.mark.parametrize("ref", ["v1", "HEAD~2", "main~2", "{sha}", "{short}", "HEAD^^"])
def test_ref(desk: Desk, monorepo: Path, ref: str) -> None:
    sha = git(monorepo, "rev-parse", "v1")
    source = find_commit(monorepo, ref.format(sha=sha, short=sha[:10]))
    desk.write("apps/one/app.py", "not committed\n")
    pushed = desk.deploy(source)
    assert source.sha == sha and desk.server.head() == pushed.sha
    assert desk.server.names() == ["README", "apps/one/app.py", "apps/one/data/x.csv"]
    assert desk.server.content("apps/one/app.py") == "first"


def test_subfolder_of_a_monorepo(desk: Desk, monorepo: Path) -> None:
    desk.deploy(find_commit(monorepo / "apps" / "one", "HEAD~1"))
    assert desk.server.names() == ["app.py", "data/x.csv"]
    assert desk.server.content("app.py") == "second"
    desk.deploy(find_commit(monorepo / "apps" / "one", "HEAD"))
    assert desk.server.content("app.py") == "third"
    assert git(desk.server.repository, "rev-list", "--count", "master") == "2"


def test_folder_that_only_the_commit_has(desk: Desk, monorepo: Path) -> None:
    shutil.rmtree(monorepo / "apps")
    desk.deploy(find_commit(monorepo / "apps" / "one", "v1"))
    assert desk.server.content("app.py") == "first"


def clone(top: Path, *options: str) -> Path:
    """A clone beside the repository, through the protocol and not by links."""
    target = top.parent / "clone"
    git(top.parent, "clone", "--quiet", *options, top.as_uri(), str(target))
    return target


def worktree(top: Path) -> Path:
    target = top.parent / "tree"
    git(top, "worktree", "add", "--quiet", "-b", "other", str(target), "v1")
    return target


CLONES: dict[str, Callable[[Path], Path]] = {
    "shallow": lambda top: clone(top, "--depth=1"),
    "single branch": lambda top: clone(top, "--single-branch", "--no-tags"),
    "bare": lambda top: clone(top, "--bare"),
    "without a working copy": lambda top: clone(top, "--no-checkout"),
    "sparse": lambda top: clone(top, "--sparse"),
    "shared": lambda top: clone(top, "--reference", str(top)),
    "worktree": worktree,
    "packed": lambda top: (git(top, "gc", "--quiet"), top)[1],
}


@pytest.mark.parametrize("kind", CLONES)
def test_kind_of_clone(desk: Desk, monorepo: Path, kind: str) -> None:
    place = CLONES[kind](monorepo)
    source = find_commit(
        place / ("" if kind == "bare" else "apps/one"), "main" if kind == "worktree" else "HEAD"
    )
    pushed = desk.deploy(source)
    assert desk.server.head() == pushed.sha
    app = "apps/one/app.py" if kind == "bare" else "app.py"
    assert desk.server.content(app) == "third"


@pytest.mark.parametrize("kept", ["blob:none", "tree:0"])
def test_partial_clone_says_what_to_do(desk: Desk, monorepo: Path, kept: str) -> None:
    git(monorepo, "config", "uploadpack.allowFilter", "true")
    place = clone(monorepo, f"--filter={kept}", "--no-checkout")
    with pytest.raises(UsageError, match=r"partial one\. .*git fetch --refetch --no-filter"):
        desk.deploy(find_commit(place, "HEAD"))
    # What is checked out is there, and enough.
    git(place, "checkout", "--quiet", "main")
    desk.deploy(find_commit(place, "HEAD"))
    assert desk.server.content("apps/one/app.py") == "third"


@pytest.mark.parametrize("ref", ["nowhere", "v1:README", "deadbeef", "0" * 40, "", "--help"])
def test_no_such_commit(monorepo: Path, ref: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(monorepo / "apps")
    with pytest.raises(UsageError, match=f"There is no commit .* repository of {monorepo}\\. "):
        find_commit(Path(".."), ref)


def test_no_repository(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"{tmp_path}.* is not in a git repository"):
        find_commit(tmp_path, "HEAD")


@pytest.mark.parametrize(
    ("path", "words"), [("apps/two", "is not in commit"), ("README", "is not a folder in commit")]
)
def test_no_such_folder(monorepo: Path, path: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        find_commit(monorepo / path, "HEAD")


def test_submodule_of_a_commit_is_named(desk: Desk, monorepo: Path, tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    git(library, "init", "--quiet")
    (library / "lib.py").write_text("")
    commit(library, "one")
    add = ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library), "lib")
    git(monorepo, *add)
    commit(monorepo, "with a submodule")
    with pytest.raises(UsageError, match=r"lib is a submodule.*without --ref"):
        desk.deploy(find_commit(monorepo, "HEAD"))


def test_lender_that_goes_away(desk: Desk, monorepo: Path) -> None:
    (monorepo / "large.bin").write_bytes(bytes(range(256)) * 4000)
    commit(monorepo, "with a large file")
    lender = clone(monorepo)
    desk.deploy(find_commit(lender, "HEAD"))
    shutil.rmtree(lender)
    desk.server.received = 0
    desk.write("README", "changed\n")
    pushed = desk.deploy()
    assert pushed.files == 1 and desk.server.received < 1500
    assert git(desk.server.repository, "rev-list", "--count", "master") == "2"


def test_lender_that_loses_the_commit(desk: Desk, monorepo: Path) -> None:
    desk.write("only.py")
    source = find_commit(monorepo, commit(monorepo, "soon gone"))
    desk.deploy(source)
    git(monorepo, "reset", "--quiet", "--hard", "v1")
    git(
        monorepo,
        "-c",
        "gc.reflogExpire=now",
        "-c",
        "core.logAllRefUpdates=false",
        "reflog",
        "expire",
        "--all",
        "--expire=now",
    )
    git(monorepo, "gc", "--quiet", "--prune=now")
    desk.write("README", "changed\n")
    assert desk.deploy().sha == desk.server.head()
    assert desk.server.content("README") == "changed"


def test_ref_then_folder_then_ref(desk: Desk, monorepo: Path) -> None:
    desk.deploy(find_commit(monorepo, "v1"))
    assert desk.deploy().files == 1
    assert desk.deploy(find_commit(monorepo, "HEAD")).changed is False
    assert desk.deploy(find_commit(monorepo, "HEAD~1")).files == 1


def test_putting_an_earlier_deploy_back(desk: Desk, tmp_path: Path) -> None:
    for number in range(20):
        desk.write(f"{number}.py", f"{number}\n" * 500)
    first = desk.deploy()
    desk.write("1.py", "changed\n")
    (desk.folder / "2.py").unlink()
    desk.deploy()
    for cache in (desk.cache, tmp_path / "another machine"):
        desk.cache = cache
        back = put_back(desk, first.sha)
        assert back.changed and desk.server.content("1.py").startswith("1\n1")
        tree = git(desk.server.repository, "rev-parse", "master^{tree}")
        assert tree == git(desk.server.repository, "rev-parse", f"{first.sha}^{{tree}}")
    assert git(desk.server.repository, "rev-list", "--count", "master") == "4"


def put_back(desk: Desk, sha: str) -> Pushed:
    with desk.repository.snapshot(Deployed(sha, desk.remote), desk.told.append) as snapshot:
        return snapshot.put(desk.push("Roll back"), again=True)


def test_origin(desk: Desk, monorepo: Path) -> None:
    sha = git(monorepo, "rev-parse", "HEAD")[:10]

    def origin() -> str:
        return desk.using(lambda snapshot: snapshot.origin())

    assert origin() == f"{sha} (main)"
    (monorepo / ".git/info/exclude").write_text("notes.txt\n")
    desk.write("notes.txt")
    assert origin() == f"{sha}-dirty (main)", "deployed, and not in the commit"
    (monorepo / "notes.txt").unlink()
    desk.folder = monorepo / "apps" / "one"
    desk.write("../two/other.py")
    assert origin() == f"{sha} (main)"
    git(monorepo, "checkout", "--quiet", "--detach")
    assert origin() == sha
    desk.folder = monorepo / "apps" / "two"
    assert origin() == f"{sha}-dirty", "a folder that the commit does not have"


def test_repository_of_sha256(desk: Desk) -> None:
    git(desk.folder, "init", "--quiet", "--object-format=sha256")
    desk.write("app.py")
    commit(desk.folder, "first")
    with pytest.raises(UsageError, match="SHA-256"):
        find_commit(desk.folder, "HEAD")
    assert desk.using(lambda snapshot: snapshot.origin()) == ""
    assert any("SHA-256" in line for line in desk.told)
