"""What requirements say, read as pip reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from de_tasks.appspec import Requirements, options, package


def read(folder: Path, text: str) -> Requirements:
    (folder / "requirements.txt").write_text(text)
    found = Requirements.read(folder)
    assert found
    return found


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("-r other.txt", [("--requirement", "other.txt")]),
        ("-r'my own.txt'", [("--requirement", "my own.txt")]),
        ('--constraint="my own.txt"', [("--constraint", "my own.txt")]),
        ('-f "./my wheels"', [("--find-links", "./my wheels")]),
        (
            "-i https://a/ --trusted-host a",
            [("--index-url", "https://a/"), ("--trusted-host", "a")],
        ),
        ("--no-index", [("--no-index", "")]),
        ("-r 'no end", [("--requirement", "'no end")]),
        ("dash --hash=sha256:0", []),
    ],
)
def test_options_of_a_line(line: str, found: list[tuple[str, str]]) -> None:
    assert options(line) == found


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("Dash_Design.Kit", "dash-design-kit"),
        *((f"setuptools{end}", "setuptools") for end in ("<81", "[core] == 1", " ; a", "@ file:x")),
        ("setuptools --hash=sha256:0", "setuptools"),
        *((line, "") for line in ("./setuptools", "-e .", "lib/setuptools", "git+https://a/b")),
    ],
)
def test_package_of_a_line(line: str, name: str) -> None:
    assert package(line) == name


def test_included_file_may_have_quotes_and_spaces(tmp_path: Path) -> None:
    (tmp_path / "my own.txt").write_text("dash\n")
    assert "dash" in read(tmp_path, "-r 'my own.txt'\n").lines


@pytest.mark.parametrize("line", ["-r https://a.example/x.txt", '-c "http://a/x"', "-r ${X}/x.txt"])
def test_what_the_installer_alone_can_read_is_left_to_it(line: str, tmp_path: Path) -> None:
    assert read(tmp_path, line).lines == (line,)


@pytest.mark.parametrize(
    ("text", "install"),
    [
        ("", False),
        ("# nothing\n-c pins.txt\n-r none.txt\n--no-index\n-i https://a.example/\n", False),
        *((line, True) for line in ("dash", "-e .", "./lib", "-r https://a/x.txt", "-r pins.txt")),
    ],
)
def test_whether_anything_is_installed(text: str, install: bool, tmp_path: Path) -> None:
    (tmp_path / "pins.txt").write_text("dash==3\n")
    (tmp_path / "none.txt").write_text("")
    assert read(tmp_path, text).install == install


@pytest.mark.parametrize(
    ("line", "local"),
    [
        *((line, True) for line in ("-e .", "-f wheels", "--find-links=./wheels", "./lib", ".")),
        *((line, False) for line in ("-f https://a.example/", "-e git+https://a/b", "dash")),
    ],
)
def test_whether_the_folder_is_part_of_what_is_installed(
    line: str, local: bool, tmp_path: Path
) -> None:
    assert read(tmp_path, line).local == local
