"""An interrupt at any instant: it says what is on the server, and the next deploy works."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.people import Person
from tests.support.processes import processes_of

SENT_NOTHING = r"Nothing was sent\. Run the same command again to deploy"
HAS_IT = (
    r"The server has this deploy \([0-9a-f]{7}\) and goes on building it; the last good release "
    r"serves until then\. Watch it: inv logs --type build --follow --name \S+"
)
PERHAPS = (
    r"The server (had not taken|may have taken) this deploy \([0-9a-f]{7}\) a moment ago, and the "
    r"last good release serves\. What it has now: inv status --name \S+"
)
MOMENTS = {
    "at the beginning": ("step", "Deploying", SENT_NOTHING),
    "with the plan": ("plan", "", f"{SENT_NOTHING}|{PERHAPS}|{HAS_IT}"),
    "while pushing": ("progress", "Writing objects", f"{PERHAPS}|{HAS_IT}"),
    "after the push": ("step", "Pushed as", HAS_IT),
    "while building": ("log", "Starting web", HAS_IT),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_interrupted(moment: str, dev: Person, quick: Path) -> None:
    kind, text, expected = MOMENTS[moment]
    # What a terminal sends, and what a CI sends that cancels a job.
    number = signal.SIGTERM if moment == "while pushing" else signal.SIGINT
    name = ("--name", f"stop-{list(MOMENTS).index(moment)}")
    kept = {"INVOKE_DE_KEYFILE": strdev.keyfile}
    person = Person(dev.home, dev.host, kept)
    assert person.run(["deploy", "-y", "--no-wait", *name], folder=quick).code == 0
    (quick / "large.bin").write_bytes(os.urandom(12 * 1024**2))
    (quick / "Procfile").write_text("web: sleep 2; exec python -m http.server $PORT\n")
    child = dev.begin("deploy", "--json", *name, folder=quick)
    stop_at(child, kind, text, number)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130, (out, err)
    assert re.fullmatch(rf"Interrupted\. ({expected})\n", err), err
    assert not [line for line in processes_of(dev.home / ".cache") if "git" in line]
    again = person.run(["deploy", "--no-wait", *name], folder=quick)
    assert again.code == 0, again.err


def stop_at(child: subprocess.Popen[str], kind: str, text: str, number: int) -> None:
    assert child.stdout
    for line in child.stdout:
        event = json.loads(line)
        if event["event"] == kind and text in event["text"]:
            return child.send_signal(number)
    raise AssertionError(f"the deploy ended before {text}")
