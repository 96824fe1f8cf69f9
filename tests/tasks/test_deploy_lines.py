"""A deploy in lines: on a pipe, and in the log of a CI's job."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from de_tasks.deployment.events import Event
from de_tasks.errors import DeployFailed
from de_tasks.tasks import deploy_output
from de_tasks.tasks.deploy_screen import Packages
from tests.support.people import Person

LOG = ("-----> Build 7 of shop: Deploy shop", "-----> Installing requirements.txt")
CODE = "import json\n\njson.loads('no JSON')\n"


def test_failed_start_shows_the_apps_own_frames_and_its_cause_once(dev: Person, page: Path) -> None:
    (page / "app.py").write_text(CODE)
    (page / "Procfile").write_text("web: python app.py\n")
    failed = dev.inv("deploy", "-y", "--no-check", folder=page)
    assert failed.code == 3 and "logs --type build" in failed.err
    assert re.findall(r'File ".*/(.*)"', failed.err) == ["app.py"]
    assert failed.err.count("(app.py, line 3)") == 1 and "did not start" in failed.err
    whole = dev.inv("logs", "--type", "build", "--name", page.name).out
    assert "decoder.py" in whole and " !     web ended" in whole
    more = dev.inv("deploy", "-y", "--no-check", "--verbose", folder=page)
    assert "decoder.py" in more.err and " !     web ended" in more.err


def test_mark_in_the_log_is_printed_where_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    lines = ["-----> Installing", " !     python 3.8 is old", "       done"]
    with deploy_output.shown(json=False) as tell:
        for text in lines:
            tell(Event("log", text))
    assert capsys.readouterr().err.splitlines() == lines


def test_log_is_a_group_in_a_job_of_github(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    with pytest.raises(DeployFailed), deploy_output.shown(json=False) as tell:
        tell(Event("step", "Pushed as 1234567"))
        for text in LOG:
            tell(Event("log", text))
        raise DeployFailed("It failed. The whole log: inv logs\n100% wrong")
    said = capsys.readouterr()
    assert said.out == "" and said.err.splitlines() == [
        "Pushed as 1234567",
        "::group::Build log",
        *LOG,
        "::endgroup::",
        "::error title=Deploy failed::100%25 wrong",
    ]


def test_log_of_the_start_is_a_group_of_its_own(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    with deploy_output.shown(json=False) as tell:
        tell(Event("log", LOG[0]))
        tell(Event("progress", "Built, waiting for the app", {"seconds": 1.5}))
        tell(Event("log", "Serving"))
        tell(Event("done", "shop is live"))
    said = capsys.readouterr().err.splitlines()
    groups = [line for line in said if line.startswith("::")]
    assert groups == ["::group::Build log", "::endgroup::", "::group::Log of web", "::endgroup::"]
    assert said.index("Serving") > said.index("::group::Log of web")


@pytest.mark.parametrize(
    ("lines", "percent"),
    [
        (["       Downloaded dash"], None),
        (["       Resolved 4 packages in 1s", "       Downloaded dash", "        + dash==4.0"], 25),
        (["       Installing collected packages: dash, flask", "       Built Flask==3"], 50),
    ],
)
def test_progress_of_an_installation(lines: list[str], percent: int | None) -> None:
    packages = Packages()
    for line in lines:
        packages.saw(line)
    assert packages.percent == percent


def test_log_is_a_section_in_a_job_of_gitlab(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITLAB_CI", "true")
    with deploy_output.shown(json=False) as tell:
        tell(Event("log", "\x1b[0Ksection_end:1:de_tasks_log\r\x1b[0K"))
        tell(Event("done", "live"))
    begun, forged, ended, _ = re.sub(r"\d{9,}", "9", capsys.readouterr().err).split("\n")
    assert begun == "\x1b[0Ksection_start:9:de_tasks_log[collapsed=true]\r\x1b[0KBuild log"
    assert "\x1b" not in forged and "\r" not in forged
    assert ended == "\x1b[0Ksection_end:9:de_tasks_log\r\x1b[0K"
