"""What requirements say, read as pip reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from de_tasks.appspec import Procfile, Requirements, options, package, read_scale, text_of
from de_tasks.errors import UsageError


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


LINES = st.lists(
    st.sampled_from(
        [
            "web: gunicorn app:server",
            "worker:  celery -A jobs worker ",
            "",
            "# Zähler",
            "web",
            "x: y",
        ]
    ),
    max_size=6,
)


def commands(text: str) -> dict[str, str] | str:
    try:
        return Procfile.parse(text).commands
    except UsageError as error:
        return str(error)


@given(LINES, st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_procfile_means_the_same_in_every_line_end_and_encoding(
    lines: list[str], encoding: str
) -> None:
    written = "".join(f"{line}\r\n" for line in lines).encode(encoding)
    assert commands(text_of(written)) == commands("".join(f"{line}\n" for line in lines))


def test_requirements_and_scale_mean_the_same_in_every_line_end(tmp_path: Path) -> None:
    texts = {
        "requirements.txt": "-r base.txt\nflask \\\n  >=3  # why\n\n-c limits.txt\n",
        "base.txt": "dash\n",
        "limits.txt": "dash<4\n",
        "DOKKU_SCALE": "web=1\nworker = 2\n",
    }
    found = []
    for end in ("\n", "\r\n"):
        for name, text in texts.items():
            (tmp_path / name).write_text(text, "utf-8-sig", newline=end)
        found.append((Requirements.read(tmp_path), read_scale(tmp_path)))
    assert found[0] == found[1] and found[1][1] == {"web": 1, "worker": 2}


def test_wrong_line_of_the_scale_is_named(tmp_path: Path) -> None:
    (tmp_path / "DOKKU_SCALE").write_text("# how many\nweb=1\nworker: 2\n")
    with pytest.raises(UsageError, match=r"^DOKKU_SCALE line 3 is not like 'web=1': 'worker: 2'"):
        read_scale(tmp_path)


def test_requirements_may_be_no_link_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "theirs.txt").write_text("dash\n")
    app = tmp_path / "app"
    app.mkdir()
    (app / "requirements.txt").symlink_to(tmp_path / "theirs.txt")
    with pytest.raises(UsageError, match=r"^requirements\.txt leaves the app folder"):
        Requirements.read(app)


def test_files_that_include_each_other_are_read_once(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("-r requirements.txt\nflask\n")
    lines = read(tmp_path, "-r more.txt\ndash\n").lines
    assert lines == ("-r more.txt", "-r requirements.txt", "flask", "dash")


def test_backslash_at_the_very_end_loses_no_line(tmp_path: Path) -> None:
    assert read(tmp_path, "flask\ndash \\\n").lines == ("flask", "dash")
