"""Paths with the rules of Windows and of POSIX systems, on any of them."""

from __future__ import annotations

import ntpath
import posixpath
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from de_tasks.appspec import APP_NAME, LONGEST_NAME, SHORTEST_NAME, legal_app_name, with_slashes
from de_tasks.config.paths import from_here, inside, within

NAMES = st.sampled_from(
    ["CON", "nul", "COM1.txt", "app.", "app ", "My App", "größe", "a" * 260, "x", "apps", "Apps"]
)
PARTS = st.lists(NAMES, min_size=1, max_size=4)
TOPS = st.sampled_from(["C:\\", "c:\\Users\\me", "D:\\", "\\\\server\\share\\", "C:\\My Apps"])


@given(TOPS, PARTS)
def test_name_in_a_folder_of_windows_has_slashes(top: str, parts: list[str]) -> None:
    folder = PureWindowsPath(top)
    assert inside(folder.joinpath(*parts), folder) == "/".join(parts)
    assert inside(PureWindowsPath(top.upper(), *parts), folder) == "/".join(parts)


@given(TOPS, TOPS, PARTS)
def test_no_name_has_a_backslash(top: str, other: str, parts: list[str]) -> None:
    assert "\\" not in inside(PureWindowsPath(top, *parts), PureWindowsPath(other))
    assert "\\" not in with_slashes(ntpath.join(*parts))


@given(TOPS, TOPS, PARTS)
def test_way_leads_to_the_file_whichever_drive_it_is_on(
    here: str, top: str, parts: list[str]
) -> None:
    file = ntpath.normpath(ntpath.join(top, *parts))
    way = ntpath.normpath(ntpath.join(here, from_here(file, here, ntpath)))
    assert ntpath.normcase(way).rstrip(". ") == ntpath.normcase(file).rstrip(". ")


@pytest.mark.parametrize(
    ("folder", "other", "rules", "inner"),
    [
        ("C:\\work\\shop", "c:/Work", ntpath, True),
        ("C:\\work", "C:\\work\\", ntpath, True),
        ("C:\\workshop", "C:\\work", ntpath, False),
        ("D:\\work\\shop", "C:\\work", ntpath, False),
        ("\\\\server\\share\\shop", "\\\\SERVER\\share", ntpath, True),
        ("/work/shop", "/work", posixpath, True),
        ("/Work/shop", "/work", posixpath, False),
        ("/workshop", "/work", posixpath, False),
    ],
)
def test_folder_within_another(folder: str, other: str, rules: ModuleType, inner: bool) -> None:
    assert within(folder, other, rules) is inner


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (PureWindowsPath("C:\\Users\\me\\Sales Report"), "sales-report"),
        (PureWindowsPath("C:/Users/me/CON"), "con"),
        (PureWindowsPath("D:\\nul"), "nul"),
        (PureWindowsPath("D:\\COM1.txt"), "com1-txt"),
        (PureWindowsPath("D:\\shop. "), "shop"),
        (PureWindowsPath("\\\\server\\share\\Größe"), "gr-e"),
        (PureWindowsPath("C:\\"), ""),
        (PureWindowsPath("C:\\ab"), "ab-app"),
        (PurePosixPath("/work/a\\b"), "a-b"),
    ],
)
def test_app_is_named_after_its_folder(path: PurePath, name: str) -> None:
    assert legal_app_name(path.name) == name


@given(st.one_of(NAMES, st.text(max_size=300)))
def test_every_name_of_a_folder_has_a_legal_one_or_none(text: str) -> None:
    name = legal_app_name(PureWindowsPath("C:\\", text).name)
    assert not name or APP_NAME.fullmatch(name)
    assert not name or SHORTEST_NAME <= len(name) <= LONGEST_NAME
    assert legal_app_name(name) == name
