"""The package: names, documents against the contract, and small pure functions."""

from __future__ import annotations

import importlib
import os
import pkgutil
import subprocess
import sys
import zipfile
from importlib.resources import files
from pathlib import Path

import graphql
import pytest
import tomllib
from invoke import Collection
from invoke.tasks import Task
from uv import find_uv_bin

import de_tasks
from de_tasks.appspec import Procfile, Requirements, read_runtime
from de_tasks.config.host import Host
from de_tasks.config.settings import Settings, load
from de_tasks.errors import UsageError
from de_tasks.platform import diagnosis
from de_tasks.server.runtime import pip_settings
from tests.support.canaries import HOOKS, ROWS
from tests.support.places import ROOT


def test_no_module_hides_an_exported_name() -> None:
    for module in pkgutil.walk_packages(de_tasks.__path__, "de_tasks."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in de_tasks.__all__:
        assert isinstance(getattr(de_tasks, name), (Task, Collection)), name


def test_every_task_has_a_line_of_help() -> None:
    for name in de_tasks.ns.task_names:
        assert (de_tasks.ns[name].__doc__ or "").strip(), name


def test_documents_fit_the_contract() -> None:
    schema = graphql.build_schema(
        files("de_tasks.server.api").joinpath("platform.graphql").read_text()
    )
    documents = diagnosis.documents().values()
    assert len(documents) >= 13
    for document in documents:
        assert graphql.validate(schema, graphql.parse(document)) == []


@pytest.mark.parametrize(
    "text", ["", "ftp://x", "http://x.example", "a/b", "http://u:p@x", "x:y", "http://0.0.0.0"]
)
def test_bad_hosts(text: str) -> None:
    with pytest.raises(UsageError):
        Host.parse(text)


def test_plain_http_that_the_user_takes_for_safe() -> None:
    assert Host.parse("http://x.example", insecure_http=True).web == "http://x.example"


def test_host_of_a_cluster() -> None:
    host = Host.parse("example.plotly.host")
    assert host.issuer == "https://auth-example.plotly.host/auth/realms/dash"
    assert host.api == "https://example.plotly.host/Manager/graphql"


def test_precedence_of_settings() -> None:
    environment = {"INVOKE_DE_HOST": "three", "DASH_ENTERPRISE_HOST": "two"}
    assert load({"host": "four"}, {}).host == "four"
    assert load({"host": "four"}, {"INVOKE_DE_HOST": "three"}).host == "three"
    assert load({"host": "four"}, environment).host == "two"
    assert load({"host": "four"}, environment, host="one").host == "one"
    # A switch that was not typed says nothing; 0 and false in a file do.
    assert load({"no_keyfile": True}, {}, no_keyfile=False).no_keyfile
    assert load({"check": {"limit": 0}}, {}).check_limit == 0
    assert not load({"no_keyfile": False}, {}).no_keyfile


def test_switch_is_true_or_false() -> None:
    assert (
        load({"no_keyfile": "Yes"}, {}).no_keyfile
        and not load({"no_keyfile": "off"}, {}).no_keyfile
    )
    with pytest.raises(UsageError, match=r"de\.no_keyfile should be true or false, not 'perhaps'"):
        load({"no_keyfile": "perhaps"}, {})


def test_certificate_file_is_found_from_any_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/jessica")
    assert load({"ca_path": "~/ca.pem"}, {}).ca_path == "/home/jessica/ca.pem"
    assert load({"ca_path": "ca.pem"}, {}).ca_path == str(Path.cwd() / "ca.pem")


def test_unknown_setting_is_named() -> None:
    with pytest.raises(UsageError, match="hots"):
        load({"hots": "x"}, {})


@pytest.mark.parametrize("text", ["web gunicorn", "web:", "we b: x", "web: a\nweb: b"])
def test_bad_procfiles(text: str) -> None:
    with pytest.raises(UsageError):
        Procfile.parse(text)


def test_requirements_follow_includes(tmp_path: Path) -> None:
    (tmp_path / "base.txt").write_text("dash  # the framework\n")
    (tmp_path / "requirements.txt").write_text("-r base.txt\n\ngunicorn\n", encoding="utf-16")
    found = Requirements.read(tmp_path)
    assert found and found.lines == ("-r base.txt", "dash", "gunicorn") and not found.local


def test_requirements_stay_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("-r ../secret.txt\n")
    with pytest.raises(UsageError, match="leaves the app folder"):
        Requirements.read(tmp_path)


def test_runtime(tmp_path: Path) -> None:
    assert read_runtime(tmp_path) is None
    (tmp_path / "runtime.txt").write_text("python-3.11.7\n")
    assert read_runtime(tmp_path) == "3.11.7"


def test_uv_sees_what_pip_sees(tmp_path: Path) -> None:
    file = tmp_path / "pip.conf"
    file.write_text("[global]\nindex-url: https://me:secret@mirror.example/\ncert: /ca.pem\n")
    environment = {"HOME": str(tmp_path), "PIP_CONFIG_FILE": str(file), "PIP_FIND_LINKS": "/a /b"}
    found = pip_settings.uv_environment(environment)
    assert found["UV_DEFAULT_INDEX"] == "https://me:secret@mirror.example/"
    assert (found["SSL_CERT_FILE"], found["UV_FIND_LINKS"]) == ("/ca.pem", "/a,/b")
    assert "secret" in pip_settings.secrets_in(found)


def test_every_command_has_canaries() -> None:
    assert set(ROWS) == set(de_tasks.ns.task_names), "tests/support/canaries.py"
    scripts = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"])
    assert set(HOOKS) == scripts - {"de-tasks"}
    assert all(row.good and row.bad for row in (*ROWS.values(), *HOOKS.values()))


def test_page_of_the_settings_names_each() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    for setting in Settings.__dataclass_fields__:
        assert f"`{setting}`" in page, setting


@pytest.mark.slow
def test_wheel_ships_templates_and_contract(tmp_path: Path) -> None:
    build = [find_uv_bin(), "build", "--quiet", "--wheel", "--out-dir", str(tmp_path)]
    environment = {**os.environ, **pip_settings.uv_environment(os.environ)}
    subprocess.run(build, cwd=ROOT, env=environment, check=True, timeout=180)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "templates"]
    done = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True)
    expected = [*done.stdout.split(), "server/api/platform.graphql"]
    assert len(expected) > 30 and {f"de_tasks/{name}" for name in expected} <= names
    assert not [name for name in names if "__pycache__" in name]
    assert {"de_tasks/py.typed", "de_tasks/server/http/html/layout.html"} <= names


def test_importing_the_package_alone_loads_no_task() -> None:
    words = "import sys, de_tasks; print([n for n in sys.modules if 'invoke' in n])"
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"


def test_list_of_tasks_loads_nothing_that_is_slow() -> None:
    # The last compiles a dozen patterns.
    slow = "rich requests keyring git tenacity jinja2 graphql de_tasks.appspec".split()
    words = f"import sys, de_tasks; de_tasks.ns; print([n for n in {slow} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"
