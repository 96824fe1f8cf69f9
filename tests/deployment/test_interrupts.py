"""An interrupt at any instant: it says what is on the server, and the next deploy works."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from de_tasks.server import control
from tests.support.apps import held_back
from tests.support.people import LONGEST, PROGRAMS, TASKS, Person
from tests.support.processes import processes_of
from tests.support.stage import commits
from tests.support.terminals import Terminal

SENT_NOTHING = r"Nothing was sent\. Run the same command again to deploy"
HAS_IT = (
    r"The server has this deploy \([0-9a-f]{7}\) and goes on building it; the last good build "
    r"serves until then\. Watch it: inv logs --type build --follow --name \S+\. "
    r"Cancel it: inv cancel --name \S+"
)
PERHAPS = (
    r"The server (had not taken|may have taken) this deploy \([0-9a-f]{7}\) a moment ago, and the "
    r"last good build serves\. What it has now: inv status --name \S+"
)
ANYTHING = f"{SENT_NOTHING}|{PERHAPS}|{HAS_IT}"
MOMENTS = {
    "at the beginning": ("step", "Deploying", ANYTHING),
    "with the plan": ("plan", "", ANYTHING),
    "while pushing": ("progress", "Writing objects", f"{PERHAPS}|{HAS_IT}"),
    "after the push": ("step", "Sent", HAS_IT),
    "while building": ("log", "Starting web", HAS_IT),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_interrupted(
    moment: str, sandbox: control.Running, dev: Person, quick: Path, hold: Path
) -> None:
    kind, text, expected = MOMENTS[moment]
    # What a terminal sends, and what a CI sends that cancels a job.
    number = signal.SIGTERM if moment == "while pushing" else signal.SIGINT
    assert dev.inv("deploy", "-y", "--no-wait", folder=quick).code == 0
    (quick / "large.bin").write_bytes(os.urandom(4 * 1024**2))
    # Its build does not end before the interrupt, however long this machine takes.
    (quick / "Procfile").write_text(held_back(hold))
    child = dev.begin("deploy", "--json", folder=quick)
    stop_at(child, kind, text, number)
    out, err = child.communicate(timeout=LONGEST)
    assert child.returncode == 130, (out, err)
    assert re.fullmatch(rf"Interrupted\. ({expected})\n", err), err
    assert_true(err, commits(sandbox, quick.name, "%h"))
    assert not [line for line in processes_of(dev.home / ".cache") if "git" in line]
    again = dev.inv("deploy", "--no-wait", folder=quick)
    assert again.code == 0, again.err


def assert_true(told: str, deployed: list[str]) -> None:
    """What was told of the server agrees with the commits that it has."""
    if "Nothing was sent" in told:
        assert len(deployed) == 1
    if "The server has this deploy" in told:
        assert f"({deployed[0][:7]})" in told


def stop_at(child: subprocess.Popen[str], kind: str, text: str, number: int) -> None:
    assert child.stdout
    for line in child.stdout:
        event = json.loads(line)
        if event["event"] == kind and text in event["text"]:
            return child.send_signal(number)
    raise AssertionError(f"the deploy ended before {text}")


def test_interrupt_at_the_question_says_that_nothing_was_created(dev: Person, quick: Path) -> None:
    line = [str(PROGRAMS / "inv"), "deploy", "--path", str(quick)]
    (dev.home / "tasks.py").write_text(TASKS)
    with Terminal(line, dev.home, dev.variables()) as terminal:
        terminal.shows("[y/N]")
        terminal.interrupt()
        assert terminal.end() == 130
        text = terminal.text
    assert "Interrupted. Nothing was sent." in text and "created" not in text, text
    assert dev.run(f"apps exists --name {quick.name} --exit-code").code == 1
