"""The site of the documentation: it is built without a warning, and leads to each page."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import tomllib

from tests.support.places import ROOT
from tests.support.report import needs

if importlib.util.find_spec("zensical") is None:
    pytest.skip(needs("zensical is not installed", "pip install 'de-tasks[docs]'"), True)


def named(entry: object) -> Iterator[str]:
    """The pages of a part of the navigation."""
    if isinstance(entry, str):
        yield entry
    elif isinstance(entry, dict):
        entry = list(entry.values())
    for one in entry if isinstance(entry, list) else []:
        yield from named(one)


@pytest.mark.slow
def test_only_dead_link_is_the_one_made_here(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy(ROOT / "zensical.toml", tmp_path)
    with (tmp_path / "docs" / "access.md").open("a") as page:
        page.write("\n[nowhere](check.md#nowhere)\n")
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode != 0 and re.search(r"^1 issue found$", said, re.MULTILINE), said
    pages = {html(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    built = {path.relative_to(tmp_path / "site") for path in (tmp_path / "site").rglob("*.html")}
    assert pages == built - {Path("404.html")}


def html(page: Path) -> Path:
    """Where a page is in the site."""
    return page.with_name("index.html") if page.name == "README.md" else page.with_suffix(".html")


def test_each_page_is_once_in_the_navigation() -> None:
    nav = tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))["project"]["nav"]
    pages = [path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")]
    assert sorted(named(nav)) == sorted(pages)
