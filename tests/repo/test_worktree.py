"""What of a folder is deployed: the files as they are, and nothing else."""

from __future__ import annotations

import os
import shutil
import threading
import time
from pathlib import Path

import pytest

from de_tasks.errors import UsageError
from tests.support.desk import Desk
from tests.support.gitserver import git
from tests.support.waiting import until

BYTES = b"\xff\xfe.txt"
"""A name that is no UTF-8."""


def test_files_go_up_as_they_are(desk: Desk) -> None:
    desk.write("a.py", "print()\r\n")
    desk.write("deep/er/b.txt")
    (desk.folder / "run.sh").write_text("#!/bin/sh\n")
    (desk.folder / "run.sh").chmod(0o755)
    (desk.folder / "link").symlink_to("deep/er/b.txt")
    (desk.folder / "dangling").symlink_to("/nowhere")
    desk.deploy()
    listing = git(desk.server.repository, "ls-tree", "-r", "master")
    modes = {line.split("\t")[1]: line[:6] for line in listing.splitlines()}
    assert modes.pop("run.sh") == "100755"
    assert modes.pop("link") == modes.pop("dangling") == "120000"
    assert modes == {"a.py": "100644", "deep/er/b.txt": "100644"}
    assert desk.server.content("dangling") == "/nowhere"


@pytest.mark.parametrize(
    "name",
    [
        *("two words", "line\nbreak", "tab\t", "Grün.py", '"quoted"', "-n", "*.py", "\\", ":(x)"),
        # What Windows cannot have, or takes for another name.
        *("CON", "COM1.txt", "dot.", "blank ", "PLAIN.py", f"{'d' * 200}/{'f' * 200}"),
    ],
)
def test_odd_name(desk: Desk, name: str) -> None:
    desk.write(name)
    desk.write("plain.py")
    desk.deploy()
    assert sorted(desk.server.names()) == sorted([name, "plain.py"])


def test_name_that_is_no_utf_8(desk: Desk) -> None:
    (desk.folder / os.fsdecode(BYTES)).write_text("x" * 2000)
    files = desk.files()
    assert files.largest == ((os.fsdecode(BYTES), 2000),)
    desk.deploy()
    listing = git(desk.server.repository, "-c", "core.quotePath=true", "ls-tree", "-r", "master")
    assert r'"\377\376.txt"' in listing


@pytest.mark.parametrize("attributes", ["* text eol=lf\n", "* text=auto\n", "*.py filter=lfs\n"])
def test_attributes_of_the_folder_change_no_byte(desk: Desk, attributes: str) -> None:
    desk.write(".gitattributes", attributes + "*.py ident working-tree-encoding=UTF-16\n")
    (desk.folder / "a.py").write_bytes(b"one\r\ntwo $Id$\n\xff\n")
    desk.deploy()
    sent = git(desk.server.repository, "rev-parse", "master:a.py")
    assert sent == git(desk.folder, "hash-object", "--no-filters", "a.py")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_gitignore_is_respected(desk: Desk, mark: str, end: str) -> None:
    desk.write(".gitignore", mark + end.join(["*.log", "!keep.log", "build/", ""]))
    for name in ("a.log", "keep.log", "build/x", "sub/.gitignore", "sub/y.tmp", "sub/z.py"):
        desk.write(name, "*.tmp\n")
    desk.deploy()
    assert desk.server.names() == [".gitignore", "keep.log", "sub/.gitignore", "sub/z.py"]


def test_line_added_to_gitignore_later_leaves_the_file_out(desk: Desk) -> None:
    desk.write("data/large.csv")
    desk.write("app.py")
    desk.deploy()
    desk.write(".gitignore", "data/\n")
    desk.deploy()
    assert desk.server.names() == [".gitignore", "app.py"]
    (desk.folder / ".gitignore").unlink()
    desk.deploy()
    assert desk.server.names() == ["app.py", "data/large.csv"]


def test_gitignore_of_a_repository_around_is_not_applied(desk: Desk) -> None:
    git(desk.folder.parent, "init", "--quiet")
    (desk.folder.parent / ".gitignore").write_text("*.csv\n")
    (desk.folder.parent / ".git/info/exclude").write_text("*.py\n")
    desk.write("data.csv")
    desk.write("app.py")
    desk.deploy()
    assert desk.server.names() == ["app.py", "data.csv"]


def test_removed_renamed_and_replaced_files(desk: Desk) -> None:
    for name in ("gone.py", "old.py", "file", "folder/x.py"):
        desk.write(name)
    desk.deploy()
    (desk.folder / "gone.py").unlink()
    (desk.folder / "old.py").rename(desk.folder / "new.py")
    (desk.folder / "file").unlink()
    desk.write("file/inside.py")
    (desk.folder / "folder/x.py").unlink()
    (desk.folder / "folder").rmdir()
    desk.write("folder")
    pushed = desk.deploy()
    assert desk.server.names() == ["file/inside.py", "folder", "new.py"]
    assert pushed.files == 7


def test_edits_of_one_second_and_one_size_are_seen(desk: Desk) -> None:
    path = desk.write("a.py", "VERSION = 0\n")
    desk.deploy()
    for number in range(1, 6):
        path.write_text(f"VERSION = {number}\n")
        desk.deploy()
        assert desk.server.content("a.py") == f"VERSION = {number}"


def test_edit_that_keeps_time_and_size_is_seen(desk: Desk) -> None:
    path = desk.write("a.py", "VERSION = 0\n")
    before = path.stat()
    # As `cp -p` leaves it; of the two times that git keeps, only that of the change tells.
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns - 10**10))
    desk.deploy()
    kept = path.stat()
    # git may keep whole seconds only.
    until(lambda: int(time.time()) > int(kept.st_ctime), "another second begins")
    path.write_text("VERSION = 1\n")
    os.utime(path, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    desk.deploy()
    assert desk.server.content("a.py") == "VERSION = 1"


def test_chmod_alone_is_a_change(desk: Desk) -> None:
    path = desk.write("run.sh")
    desk.deploy()
    path.chmod(0o755)
    assert desk.deploy().files == 1
    assert git(desk.server.repository, "ls-tree", "master").startswith("100755")


@pytest.mark.parametrize("commits", [True, False], ids=["with commits", "without a commit"])
def test_repositories_inside_are_deployed_as_files(desk: Desk, commits: bool) -> None:
    desk.write("app.py")
    for path in ("lib/one", "lib/two words"):
        desk.write(f"{path}/code.py")
        desk.write(f"{path}/.gitignore", "*.tmp\n")
        desk.write(f"{path}/scratch.tmp")
        desk.write(f"{path}/inner/deep.py")
        for place in (f"{path}/inner", path):
            git(desk.folder / place, "init", "--quiet")
            if commits:
                git(desk.folder / place, "add", "--all")
                git(desk.folder / place, "commit", "--quiet", "-m", "one")
    wanted = [
        f"{p}/{f}" for p in ("lib/one", "lib/two words") for f in ("code.py", "inner/deep.py")
    ]
    for _ in range(2):
        desk.deploy()
        assert sorted(n for n in desk.server.names() if n.endswith(".py")) == ["app.py", *wanted]
        assert not [n for n in desk.server.names() if n.endswith(".tmp") or ".git/" in n]
        wanted.append("lib/two words/inner/new.py")
        desk.write("lib/two words/inner/new.py")
        wanted.sort()


def test_ignored_repositories_inside_stay_out(desk: Desk) -> None:
    desk.write("app.py")
    desk.write(".gitignore", "node_modules/\n")
    desk.write("node_modules/x/x.js")
    git(desk.folder / "node_modules/x", "init", "--quiet")
    desk.write("empty/x.py")
    git(desk.folder / "empty", "init", "--quiet")
    desk.deploy()
    assert desk.server.names() == [".gitignore", "app.py", "empty/x.py"]


def test_submodule_is_deployed_with_its_files(desk: Desk, tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    git(library, "init", "--quiet")
    (library / "lib.py").write_text("")
    git(library, "add", "--all")
    git(library, "commit", "--quiet", "-m", "one")
    git(desk.folder, "init", "--quiet")
    git(
        desk.folder,
        *("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library), "lib"),
    )
    desk.deploy()
    assert desk.server.names() == [".gitmodules", "lib/lib.py"]


def test_repository_whose_git_file_leads_nowhere(desk: Desk) -> None:
    desk.write("lib/.git", "gitdir: /nowhere\n")
    desk.write("lib/code.py")
    desk.deploy()
    assert desk.server.names() == ["lib/code.py"]


STUMBLING = """#!/bin/sh
case "$*" in *"add --all"*)
    if ! [ -e "$HOME/stumbled" ]; then
        touch "$HOME/stumbled"
        echo 'error: open("a.py"): No such file or directory' >&2
        echo "error: unable to index file 'a.py'" >&2
        exit 128
    fi
esac
exec %s "$@"
"""


def test_file_that_vanishes_while_it_is_read(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write("a.py")
    script = tmp_path / "bin" / "git"
    script.parent.mkdir()
    script.write_text(STUMBLING % shutil.which("git"))
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path))
    desk.deploy()
    assert (tmp_path / "stumbled").exists() and desk.server.names() == ["a.py"]


@pytest.mark.slow
def test_folder_that_does_not_keep_still(desk: Desk) -> None:
    desk.write("app.py")
    over = threading.Event()

    def churn() -> None:
        number = 0
        while not over.is_set():
            number += 1
            desk.write(f"tmp{number % 20}", "x" * (number % 100)).unlink()

    churning = threading.Thread(target=churn)
    churning.start()
    try:
        for number in range(4):
            desk.write("app.py", f"{number}")
            desk.deploy()
    finally:
        over.set()
        churning.join()
    assert desk.server.content("app.py") == "3"


def test_folder_without_files(desk: Desk) -> None:
    (desk.folder / "only" / "folders").mkdir(parents=True)
    with pytest.raises(UsageError, match="no files to deploy"):
        desk.deploy()


def test_everything_ignored_is_nothing_to_deploy(desk: Desk) -> None:
    desk.write("app.py")
    desk.deploy()
    desk.write(".gitignore", "*\n")
    with pytest.raises(UsageError, match="no files to deploy"):
        desk.deploy()


def test_login_and_own_cache_are_never_deployed(desk: Desk) -> None:
    desk.write("app.py")
    desk.write(".dash_enterprise/credentials.json")
    desk.cache = desk.folder / "my [cache]"
    desk.deploy()
    desk.deploy()
    assert desk.server.names() == ["app.py"]


def test_figures(desk: Desk) -> None:
    for number in range(8):
        desk.write(f"f{number}\n.txt", "x" * 100 * number)
    files = desk.files()
    assert (files.count, files.size, files.changed) == (8, 2800, None)
    assert files.largest == tuple((f"f{n}\n.txt", 100 * n) for n in (7, 6, 5, 4, 3))
    desk.deploy()
    desk.write("f1\n.txt", "y")
    (desk.folder / "f0\n.txt").unlink()
    files = desk.files()
    assert (files.count, files.size, files.changed) == (7, 2701, 2)


@pytest.mark.slow
def test_large_file_goes_into_a_pack(desk: Desk) -> None:
    desk.write("app.py")
    desk.deploy()
    with (desk.folder / "large.bin").open("wb") as stream:
        stream.write(os.urandom(20 * 1024**2))
    desk.deploy()
    kilobytes = git(desk.bare, "count-objects").split(",")[1].split()[0]
    assert int(kilobytes) < 1000
    assert desk.server.names() == ["app.py", "large.bin"]
