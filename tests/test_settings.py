"""A setting reaches a task however the task is reached, and `doctor` says from where."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.conftest import INV, Cli

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = str(Path(sys.executable).with_name("de-tasks"))
WAYS = {
    "full collection": ("from de_tasks import ns\n", "doctor", INV),
    "one task": (
        "import de_tasks\nfrom invoke import Collection\nns = Collection(de_tasks.doctor)\n",
        "doctor",
        INV,
    ),
    "renamed collection": (
        "import de_tasks\nfrom invoke import Collection\n"
        "ns = Collection()\nns.add_collection(de_tasks.ns, name='de')\n",
        "de.doctor",
        INV,
    ),
    "program": ("", "doctor", PROGRAM),
    "hook": ("", "doctor", sys.executable),
}
HOOK = """
import sys
from de_tasks import doctor
from de_tasks.githooks.edge import context
doctor(context(""), json=sys.argv[-1] == "--json")
"""


def seen(cli: Cli, way: str, *before: str, folder: Path | None = None) -> dict[str, list[str]]:
    text, task, program = WAYS[way]
    (cli.home / "tasks.py").write_text(text)
    words = ("-c", HOOK, "--json") if way == "hook" else (*before, task, "--json")
    done = cli.run(*words, program=program, folder=folder)
    found = json.loads(done.stdout)["settings"]
    return {name: [item["value"], item["from"]] for name, item in found.items()}


@pytest.mark.parametrize("way", WAYS)
def test_settings_reach_a_task(way: str, cli: Cli) -> None:
    (cli.home / "invoke.yaml").write_text("de:\n  app: from-file\n  timeout: 5\n  branch: main\n")
    cli.extra |= {"INVOKE_DE_TIMEOUT": "7", "INVOKE_DE_BRANCH": "trunk"}
    found = seen(cli, way)
    assert found["app"] == ["from-file", "de.app"]
    assert found["timeout"] == [7, "INVOKE_DE_TIMEOUT"]
    assert found["branch"] == ["trunk", "INVOKE_DE_BRANCH"]
    assert found["host"] == [cli.host, "DASH_ENTERPRISE_HOST"]
    assert found["path"] == [".", "the default"]


@pytest.mark.parametrize("way", WAYS)
def test_variable_goes_before_a_list_in_the_file(way: str, stranger: Cli) -> None:
    (stranger.home / "invoke.yaml").write_text("de:\n  check:\n    ignore: [no-web]\n")
    stranger.extra["INVOKE_DE_CHECK_IGNORE"] = "env-file,large-file"
    if way in ("program", "hook"):
        found = seen(stranger, way)["check_ignore"]
        assert found == [["env-file", "large-file"], "INVOKE_DE_CHECK_IGNORE"]
        return
    (stranger.home / "tasks.py").write_text(WAYS[way][0])
    refused = stranger.run(WAYS[way][1], "--json")
    words = "Can't adapt an environment string into a"
    assert words in refused.stderr and words in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("way", ["program", "hook"])
def test_nearest_file_is_found(way: str, cli: Cli) -> None:
    (cli.home / "invoke.yaml").write_text("de:\n  app: from-above\n")
    below = cli.home / "a" / "b"
    below.mkdir(parents=True)
    assert seen(cli, way, folder=below)["app"] == ["from-above", "de.app"]


def test_core_options_rank_as_flags(cli: Cli) -> None:
    found = seen(cli, "program", "--host", "example.plotly.host", "--ca-path=/ca.pem")
    assert found["host"] == ["example.plotly.host", "the command line"]
    assert found["ca_path"] == ["/ca.pem", "the command line"]


def test_configured_collection(cli: Cli) -> None:
    (cli.home / "tasks.py").write_text(
        "from de_tasks import ns\nns.configure({'de': {'app': 'from-code'}})\n"
    )
    done = cli.run("doctor", "--json")
    assert json.loads(done.stdout)["settings"]["app"] == {"value": "from-code", "from": "de.app"}


def test_password_is_masked(cli: Cli) -> None:
    cli.extra["DASH_ENTERPRISE_PASSWORD"] = "canary-7391"
    done = cli.run("doctor")
    assert "canary-7391" not in done.stdout + done.stderr
    assert "****" in done.stdout


@pytest.mark.parametrize(
    ("line", "words"),
    [("timeout: soon", "de.timeout should be a whole number"), ("hots: x", "no setting de.hots")],
)
def test_bad_setting_is_named(line: str, words: str, cli: Cli) -> None:
    (cli.home / "invoke.yaml").write_text(f"de:\n  {line}\n")
    done = cli.run("whoami")
    assert done.returncode == 2 and words in done.stderr


def test_doctor_finds_what_is_wrong(stranger: Cli) -> None:
    done = stranger.run("doctor")
    assert done.returncode == 1
    assert "BAD  login: You are not logged in" in done.stdout


def test_doctor_finds_all_in_order(cli: Cli) -> None:
    done = cli.run("doctor")
    assert done.returncode == 0 and "offers all that our" in done.stdout


def test_setting_may_stand_in_a_section(cli: Cli) -> None:
    (cli.home / "invoke.yaml").write_text("de:\n  sandbox:\n    port: 9999\n")
    assert seen(cli, "full collection")["sandbox_port"] == [9999, "de.sandbox.port"]
