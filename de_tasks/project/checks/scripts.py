"""The files that a process runs: is each sent, and can the server run it?"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from de_tasks.config.system import quoted
from de_tasks.project.checks import shell
from de_tasks.project.checks.findings import Finding
from de_tasks.project.checks.procfile import Process, why_left_out

ENVIRONMENTS = ("venv", ".venv", "env", ".env", "virtualenv", "ENV")


def by_path(process: Process, program: str) -> Iterator[Finding]:
    """Look at a program that is named by its path."""
    top = posixpath.normpath(program).split("/")[0]
    inside = shell.joined(process.command.folder, program)
    if inside and not process.sent.has(inside) and "/bin/" in f"/{program}" and (
        top in ENVIRONMENTS or "venv" in top
    ):  # fmt: skip
        what = f"The process {process.kind} runs {program}, of an environment that is not sent."
        remedy = f"Name the program alone: {posixpath.basename(program)}"
        yield process.finding("no-script", what, remedy)
    else:
        yield from check(process, program, 0, reads="itself")


def check(
    process: Process, name: str, word: int, reads: str = "", by_python: bool = False
) -> Iterator[Finding]:
    """Look at a file that is run: by a program in Python, by the shell, or by `itself`.

    Python itself also runs a folder, and only one that says how.
    """
    sent, path = process.sent, shell.joined(process.command.folder, name)
    if path is None or not shell.known(name) or "://" in name or "*" in name:
        return
    if not sent.has(path):
        if reads == "" and sent.has_folder(path):
            main = posixpath.normpath(f"{path}/__main__.py")
            if sent.has(main):
                process.started.append((main, (path,)))
            elif by_python:
                what = f"The process {process.kind} runs the folder {name}, without __main__.py."
                remedy = "Name the file in it that starts the app"
                yield process.finding("no-script", what, remedy, word)
            return
        what = f"The process {process.kind} runs {name}, which is not in the folder."
        remedy = "Correct the name, or add the file"
        alike = _other_case(process, path)
        if sent.left_out(path):
            what, remedy = why_left_out(sent, path)
        elif unslashed := next((e for e in sent.entries if e.replace("/", "") == path), ""):
            # The shell drops a backslash before a letter.
            remedy = f"A backslash is no slash on the server: write {unslashed}"
        elif reads == "shell" and path.endswith("bin/activate"):
            remedy = "Leave it out: the server has an environment of its own, and uses it"
        elif alike:
            remedy = f"The server tells upper and lower case apart: write {alike}"
        yield process.finding("no-script", what, remedy, word)
        return
    data = sent.read(path)
    if reads and not data.startswith((b"\x7fELF", b"MZ")):
        head = data if reads == "shell" else data[: data.find(b"\n") + 1]
        if b"\r\n" in (data if _is_shell(data) else head):
            what = f"{name} has CRLF line ends, which the shell does not read."
            remedy = f"Save it with LF, and keep it so: '{path} text eol=lf' in .gitattributes"
            yield process.finding("crlf-script", what, remedy, word)
    if reads == "itself" and not sent.executable(path):
        what = f"The process {process.kind} runs {name}, which is not executable."
        file = quoted(path)
        remedy = f"chmod +x {file}; in git: git update-index --chmod=+x {file}"
        yield process.finding("not-executable", what, remedy, word)
    if path.endswith(".py"):
        here = process.command.folder or "."
        roots = (posixpath.dirname(path) or ".", *process.command.paths)
        roots = (*roots, here) if reads == "" and not path.startswith(here) else roots
        process.started.append((path, roots))


def _is_shell(data: bytes) -> bool:
    head = data.partition(b"\n")[0]
    return not head.startswith(b"#!") or bool(re.search(rb"sh\s*$", head))


def _other_case(process: Process, path: str) -> str:
    lower = path.lower()
    return next((name for name in process.sent.entries if name.lower() == lower), "")
