"""Folders that were written on Windows: line ends, byte order marks, encodings, backslashes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from de_tasks.config.system import quoted
from de_tasks.project import checks
from de_tasks.project.checks.findings import Finding

APP = {
    "Procfile": "web: gunicorn app:server --workers 4\nworker: python jobs/work.py\n",
    "requirements.txt": "-r requirements/base.txt\ngunicorn\n",
    "requirements/base.txt": "# what it needs\ndash>=3\n",
    "runtime.txt": "python-3.11.7\n",
    "pyproject.toml": '[project]\nname = "meters"\nversion = "1"\n',
    "app.py": 'from dash import Dash\napp = Dash(title="Zähler")\nserver = app.server\n',
    "jobs/work.py": "print('works')\n",
    "invoke.yaml": "de:\n  app: meters\n",
}
Written = Callable[[str], bytes]


def crlf(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


def marked(text: str) -> bytes:
    return text.encode("utf-8-sig")


def powershell(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode("utf-16")


def cp1252(text: str) -> bytes:
    return f"# Zähler\n{text}".encode("cp1252")


def found(folder: Path, files: dict[str, bytes], version: int = 5) -> list[Finding]:
    for name, data in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    return checks.run(folder, "meters", 50, version=version)


def plain(folder: Path, version: int = 5) -> list[str]:
    return [x.code for x in found(folder, {n: t.encode() for n, t in APP.items()}, version)]


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("name", APP)
@pytest.mark.parametrize("written", [crlf, marked])
def test_file_of_windows_reads_as_any_other(
    tmp_path: Path, written: Written, name: str, version: int
) -> None:
    before = plain(tmp_path, version)
    after = found(tmp_path, {name: written(APP[name])}, version)
    assert [x.code for x in after] == before, after


@pytest.mark.parametrize("name", ["Procfile", "requirements.txt", "requirements/base.txt"])
def test_file_of_powershell_reads_as_any_other(tmp_path: Path, name: str) -> None:
    before = plain(tmp_path)
    after = [x.code for x in found(tmp_path, {name: powershell(APP[name])})]
    assert [code for code in after if code != "requirements-encoding"] == before


@pytest.mark.parametrize("name", ["Procfile", "requirements.txt", "requirements/base.txt"])
def test_other_encoding_is_an_error_that_names_file_and_remedy(tmp_path: Path, name: str) -> None:
    plain(tmp_path)
    (bad,) = [x for x in found(tmp_path, {name: cp1252(APP[name])}) if x.level == "error"]
    assert name.rpartition("/")[2] in f"{bad.file} {bad.what}" and "UTF-8" in bad.remedy


@pytest.mark.parametrize("name", ["Aptfile", "project.toml"])
def test_byte_order_mark_that_the_platform_would_read_is_an_error(
    tmp_path: Path, name: str
) -> None:
    plain(tmp_path)
    text = {"Aptfile": "curl\n", "project.toml": "[scripts]\n"}[name]
    assert [x for x in found(tmp_path, {name: text.encode()}) if x.file == name] == []
    (bad,) = [x for x in found(tmp_path, {name: marked(text)}) if x.file == name]
    assert "byte order mark" in bad.what and "without" in bad.remedy


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("-r requirements\\base.txt", "Write it with slashes: requirements/base.txt"),
        ("-c requirements\\base.txt", "Write it with slashes: requirements/base.txt"),
        (".\\wheels\\x-1-py3-none-any.whl", "Write it with slashes: ./wheels/x-1-py3-none-any.whl"),
        ("-e .\\jobs", "Write it with slashes: ./jobs"),
    ],
)
def test_backslashes_are_no_slashes_on_the_server(tmp_path: Path, line: str, remedy: str) -> None:
    plain(tmp_path)
    files = {"requirements.txt": f"{line}\ndash\ngunicorn\n", "wheels/x-1-py3-none-any.whl": ""}
    bad = found(tmp_path, {name: text.encode() for name, text in files.items()})
    assert remedy in [x.remedy for x in bad], bad


@pytest.mark.parametrize(
    "line",
    ["C:\\wheels\\x.whl", "file:///C:/wheels/x.whl", "..\\shared", "\\\\server\\share\\x.whl"],
)
def test_place_on_a_machine_of_windows_is_none_of_the_server(tmp_path: Path, line: str) -> None:
    plain(tmp_path)
    bad = found(tmp_path, {"requirements.txt": f"{line}\ndash\ngunicorn\n".encode()})
    assert "local-requirement" in [x.code for x in bad], bad


def test_process_that_is_named_with_backslashes(tmp_path: Path) -> None:
    plain(tmp_path)
    bad = found(tmp_path, {"Procfile": b"web: python jobs\\work.py\n"})
    assert bad[0].remedy.endswith("write jobs/work.py"), bad


@pytest.mark.parametrize(
    ("files", "name", "typed"),
    [
        ({"my app/Procfile": "web: true\n"}, "my app", "--path {0}, or de.path"),
        (
            {"Procfile": "web: './start it.sh'\n", "start it.sh": ""},
            "start it.sh",
            "chmod +x {0}; in git: git update-index --chmod=+x {0}",
        ),
    ],
)
def test_name_with_blanks_is_typed_as_one_word(
    tmp_path: Path, files: dict[str, str], name: str, typed: str
) -> None:
    bad = found(tmp_path, {path: text.encode() for path, text in files.items()})
    assert [x for x in bad if typed.format(quoted(name)) in x.remedy], bad
