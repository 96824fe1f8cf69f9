"""Completion in the shell, as the documentation says to switch it on."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
PAGE = (Path(__file__).parent.parent / "docs" / "completion.md").read_text("utf-8")
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
        env={"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(folder)},
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
    assert offered == ["create", "delete", "exists", "list"]


@pytest.mark.parametrize("program", ["de-tasks", "inv"])
@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_take_the_script(program: str, shell: str, tmp_path: Path) -> None:
    line = switching_on(program, shell)
    done = subprocess.run(
        [str(BIN / program), "--print-completion-script", shell],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "--complete" in done.stdout and program.replace("inv", "invoke") in done.stdout
    if shutil.which(shell):
        check = ["-n"] if shell == "zsh" else ["--no-execute"]
        (tmp_path / "script").write_text(done.stdout)
        subprocess.run([shell, *check, str(tmp_path / "script")], check=True, timeout=60)
    assert shell in line
