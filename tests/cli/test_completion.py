"""Completion in the shell, as the documentation says to switch it on."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support import report
from tests.support.people import PROGRAMS
from tests.support.places import ROOT
from tests.support.terminals import Terminal

pytestmark = pytest.mark.slow
PAGE = (ROOT / "docs" / "completion.md").read_text("utf-8")
ASK = """
{switch_on}
COMP_WORDS=({line}) COMP_CWORD=$(({count}))
read -r _ _ function rest < <(complete -p {program} | sed 's/.*-F/x -F/')
"$function" {program} '{last}' ''
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def switching_on(program: str, shell: str) -> str:
    """The line of the documentation."""
    (line,) = [
        found
        for found in PAGE.splitlines()
        if f"{program} --print-completion-script {shell}" in found
    ]
    return line.strip()


def completed(program: str, line: str, last: str, folder: Path) -> list[str]:
    """What a real bash offers for the last word of a line."""
    (folder / "tasks.py").write_text("from de_tasks import ns\n")
    words = [program, *line.split(), *([last] if last else [])]
    script = ASK.format(
        switch_on=switching_on(program, "bash"),
        line=" ".join(f"'{word}'" for word in words),
        count=len(words) - bool(last),
        program=program,
        last=last,
    )
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-c", script],
        cwd=folder,
        env={"PATH": f"{PROGRAMS}:/usr/bin:/bin", "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("program", "line", "last", "offered"),
    [
        ("de-tasks", "", "app", ["apps"]),
        ("de-tasks", "apps", "re", ["restart"]),
        ("de-tasks", "--host x services", "e", ["exists"]),
        ("de-tasks", "apps logs", "--p", ["--process-name"]),
        ("de-tasks", "", "--no", ["--no-keyfile"]),
        ("de-tasks", "apps create -n", "", []),
        ("inv", "", "apps.re", ["apps.restart"]),
        ("inv", "apps.logs", "--p", ["--process-name"]),
    ],
)
def test_bash(program: str, line: str, last: str, offered: list[str], tmp_path: Path) -> None:
    assert completed(program, line, last, tmp_path) == offered


def test_bash_offers_the_commands_of_a_group(tmp_path: Path) -> None:
    offered = completed("de-tasks", "services", "", tmp_path)
    assert offered == ["create", "delete", "exists", "list", "update"]


LINES = [
    ("de-tasks apps re", "restart"),
    ("de-tasks apps logs --p", "--process-name"),
    ("inv apps.re", "apps.restart"),
]


def needs(shell: str) -> None:
    """Skip where a shell is missing."""
    if not shutil.which(shell):
        pytest.skip(report.needs(f"{shell} is not installed", f"apt-get install {shell}"))


def variables(folder: Path) -> dict[str, str]:
    """What a shell that was just installed knows."""
    return {
        "PATH": f"{PROGRAMS}:/usr/bin:/bin",
        "HOME": str(folder),
        "TERM": "dumb",
        "LANG": "C.UTF-8",
    }


def test_fish(tmp_path: Path) -> None:
    needs("fish")
    (tmp_path / "tasks.py").write_text("from de_tasks import ns\n")
    make = next(line.strip() for line in PAGE.splitlines() if "mkdir -p" in line)
    script = [make, *(switching_on(program, "fish") for program in ("de-tasks", "inv"))]
    subprocess.run(
        ["fish", "-c", "\n".join(script)], env=variables(tmp_path), cwd=tmp_path, check=True
    )
    # At its next start, as the page says.
    ask = "; ".join(f"complete -C '{line}'" for line, _ in LINES)
    done = subprocess.run(
        ["fish", "-c", ask],
        env=variables(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.split() == [word for _, word in LINES] and done.stderr == ""


def test_zsh(tmp_path: Path) -> None:
    needs("zsh")
    (tmp_path / "tasks.py").write_text("from de_tasks import ns\n")
    lines = [switching_on(program, "zsh") for program in ("de-tasks", "inv")]
    (tmp_path / ".zshrc").write_text("\n".join(["autoload -U compinit; compinit -u", *lines]))
    prompt = {"PS1": "ready> ", "PROMPT_EOL_MARK": ""}
    with Terminal(["zsh", "-i"], tmp_path, variables(tmp_path) | prompt) as terminal:
        terminal.shows("ready> ")
        for line, word in LINES:
            terminal.type(f"{line}\t")
            terminal.shows(f"{line[: line.rindex(' ')]} {word}")
            # Ctrl-U takes the line away; a new prompt shows that it has.
            terminal.type("\x15\n")
            terminal.shows("ready> ")
