"""The same commands through the vendor's `de`: through a stand-in, and through our own program."""

from __future__ import annotations

import json
import re
import secrets
import socket
import stat
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

import pytest

from de_tasks.config.host import Host
from de_tasks.config.settings import Settings
from de_tasks.deployment.events import Event
from de_tasks.deployment.plan import Plan
from de_tasks.deployment.through_de import VendorDeploy
from de_tasks.errors import (
    Declined,
    DeployFailed,
    DeTasksError,
    Interrupted,
    NotAvailable,
    NotFound,
    Temporary,
    UsageError,
)
from de_tasks.net.http import Transport
from de_tasks.net.retry import Policy
from de_tasks.platform import route
from de_tasks.platform.de import output as sentences
from de_tasks.platform.de.command import De
from de_tasks.platform.de.platform import VendorPlatform, fresh
from de_tasks.platform.models import Build, LogLine, LogPage
from de_tasks.platform.protocol import Platform
from de_tasks.repo.cache import DeployRepository
from de_tasks.server import control
from de_tasks.terminal.commands import typed
from tests.scenarios import real_server
from tests.support.backstage import PASSWORD
from tests.support.faultproxy import FaultProxy
from tests.support.people import People, Person
from tests.support.repositories import Repository
from tests.support.vendor import FAKE, through
from tests.support.waiting import BOUND

OURS = Path(sys.executable).with_name("de-tasks")
NEVER = "This app has not been deployed and has no previous builds.\n"
RATE_LIMIT = """{ "error": { "errors": [ { "message": "Rate limit exceeded",
"stacktrace": { "remainingPoints": 0, "msBeforeNext": 9669, "consumedPoints": 59,
"isFirstInDuration": false }, "extensions": { "code": "TOO_MANY_REQUESTS" } } ] } }
You'll need to wait 60 seconds before you can continue."""


@pytest.fixture(autouse=True)
def small_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Builds of tests take no time, so there is no need to wait long between two looks."""
    monkeypatch.setattr("de_tasks.deployment.through_de.WAITS", ())
    monkeypatch.setattr("de_tasks.deployment.through_de.LONGEST_WAIT", 0.5)


@pytest.fixture(params=["stand-in", "de-tasks"])
def vendor(request: pytest.FixtureRequest, dev: Person, tmp_path: Path) -> Person:
    """`inv` over the stand-in, and over our own program in the role of `de`."""
    if request.param == "stand-in":
        return through(dev, FAKE)
    # Our own settings would lead the program in the role of `de` to itself.
    script = tmp_path / "de"
    script.write_text(f'#!/bin/sh\nINVOKE_DE_PLATFORM=api exec {OURS} "$@"\n')
    script.chmod(0o755)
    return through(dev, script)


@pytest.fixture
def name() -> str:
    """A name that no app has yet."""
    return f"vendor-{secrets.token_hex(4)}"


def script(folder: Path, text: str) -> Path:
    """An executable that prints what is documented or not."""
    path = folder / "de"
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_life_of_an_app(vendor: Person, quick: Path, name: str) -> None:
    whoami = vendor.inv("whoami")
    assert whoami.out == f"Logged in as [{vendor.name}] to [{vendor.host}].\n"
    exists = vendor.inv("apps.exists", "--name", name)
    assert exists.out == f"App [{name}] does not exist on [{vendor.host}].\n"
    created = vendor.inv("apps.create", "--name", name)
    assert created.out == f"App {name} was initialized on [{vendor.host}].\n", created.err
    assert vendor.inv("apps.status", "--name", name).out == NEVER
    deployed = vendor.inv(
        "deploy", "-y", "--name", name, "--message", 'it\'s "new" ü', folder=quick
    )
    assert deployed.code == 0, deployed.err
    assert "Released" in deployed.err and f"{name} was built" in deployed.out
    assert vendor.inv("apps.status", "--name", name).out == "built\n"
    logs = vendor.inv("logs", "--type", "build", "--name", name)
    assert 'it\'s "new" ü' in logs.out
    assert vendor.inv("logs", "--name", name, "--count", "5").code == 0
    restarted = vendor.inv("restart", "--name", name)
    assert restarted.out == f"Restarting web for app {name}\n"
    deleted = vendor.inv("delete", "--name", name, "-y")
    assert deleted.out == f"App {name} was deleted from [{vendor.host}].\n", deleted.err
    assert not list((vendor.home / "tmp").iterdir())


def test_update_takes_every_option(vendor: Person, people: People, name: str) -> None:
    vendor.inv("apps.create", "--name", name)
    (vendor.home / "face.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    options = (
        *("update", "--name", name, "--title", "A 'title' with \"quotes\", ü"),
        *("--description", "$(id) `id`", "--tag", "one", "--view-access", "authenticated"),
        *("--visible-on-portal", "--portal-rank", "3", "--maintainer-email", "a@example.com"),
        *("--add-environment-variable", "KEY=a=b 'c' ü", "--add-viewer", people["viewer"].name),
        "--persistent-filesystem",
    )
    done = vendor.inv(*options, "--thumbnail", str(vendor.home / "face.png"))
    assert done.code == 0, done.err
    assert done.out.startswith(f"App {name} was updated: title, description")
    again = people["dev"].inv(*options)
    assert again.out == f"Nothing to change: {name} already has these settings.\n"


def test_variables_are_neither_listed_nor_set(dev: Person, name: str) -> None:
    one = through(dev, FAKE)
    one.inv("apps.create", "--name", name)
    listed = one.inv("variables.list", "--name", name)
    words = "Not available through `de`: the variables and settings of an app.\n"
    assert (listed.code, listed.err) == (1, words)
    done = one.inv("variables.set", "KEY", "--name", name, stdin="s3cret\n")
    assert done.code == 1 and "without its value in a command line" in done.err
    assert f"inv apps.update --name {name} --add-environment-variable KEY" in done.err
    dev.inv("variables.set", "KEY", "--name", name, stdin="s3cret\n")
    assert one.inv("variables.unset", "KEY", "--name", name).code == 0
    assert "KEY" not in dev.inv("variables.list", "--name", name).out


def test_services(vendor: Person, dev: Person, name: str) -> None:
    vendor.inv("apps.create", "--name", name)
    words = ("--app-name", name, "--type", "redis")
    assert vendor.inv("services.create", *words).code == 0
    assert vendor.inv("services.exists", "--name", name, "--type", "redis").out == "True\n"
    assert vendor.inv("services.exists", "--name", name, "--type", "postgres").out == "False\n"
    assert name in dev.inv("services.list", "--type", "redis").out
    deleted = vendor.inv("delete", "--name", name, "--with-services", "-y")
    assert deleted.out.endswith("Its services were deleted with their data: redis\n")
    assert name not in dev.inv("services.list", "--type", "redis").out


def test_deploy_that_must_not_overwrite_leaves_the_app_as_it_is(
    dev: Person, quick: Path, name: str
) -> None:
    one = through(dev, FAKE)
    assert one.inv("apps.create", "--name", name).code == 0
    done = one.inv("deploy", "-y", "--name", name, "--no-overwrite", folder=quick)
    assert done.code == 1 and "With --no-overwrite it stays as it is." in done.err
    assert one.inv("apps.status", "--name", name).out == NEVER


def test_dry_run_sends_nothing(dev: Person, quick: Path, name: str) -> None:
    one = through(dev, FAKE)
    done = one.inv("deploy", "-y", "--name", name, "--dry-run", folder=quick)
    assert done.code == 0 and "Nothing was sent" in done.out
    assert one.inv("apps.exists", "--name", name).out.startswith(f"App [{name}] does not exist")


def seen_builds(*found: tuple[str, str] | None) -> list[str]:
    """The log of a deploy that is followed while `de` tells these, each a status and a line."""
    builds = iter([build_of(*told) if told else None for told in found])
    platform = SimpleNamespace(build=lambda name, **_: next(builds))
    plan = Plan("app", Path(), "dev", "host", "", Mock(), Mock())
    deploy = VendorDeploy(plan, Mock(), cast(Platform, platform), Mock(), Mock(), lambda _: None)
    return list(deploy._follow(time.monotonic() + BOUND))


def build_of(status: str, line: str) -> Build:
    lines = (LogLine("", "build", line),) if line else ()
    return Build("", status, "", "", "", "", log=LogPage(lines))


def test_status_of_the_build_before_does_not_count() -> None:
    assert seen_builds(("failed", ""), ("building", ""), ("built", "done")) == ["done"]
    assert seen_builds(("failed", ""), ("built", "short")) == ["short"]
    assert seen_builds(None, ("built", "first")) == ["first"]
    with pytest.raises(DeployFailed):
        seen_builds(("built", ""), ("failed", "broken"))


def test_cancelled_build_ends_the_deploy() -> None:
    with pytest.raises(DeployFailed, match=r"The build was cancelled\."):
        seen_builds(("building", ""), ("cancelled", ""))


def test_steps_that_de_announces_are_told_as_steps() -> None:
    told: list[tuple[str, str]] = []
    de = Mock(return_value="Building your app: app\n remote: Building wheels\n")
    plan = Plan("app", Path(), "dev", "host", "", Mock(), Mock())
    tell = Mock(side_effect=lambda event: told.append((event.kind, event.text)))
    VendorDeploy(plan, Mock(), Mock(), de, tell)._send(Path(), "")
    assert told == [("step", "Building your app: app"), ("log", " remote: Building wheels")]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("built", "git push has failed: update `de`"),
        ("building", r"build of app has not finished in time, according to `de`\. Look again: "),
    ],
)
def test_build_that_does_not_end_in_time_is_judged_by_what_was_seen(
    status: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 10_000, int(BOUND) // 2))
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    with pytest.raises(Temporary, match=words):
        seen_builds(*[(status, "")] * 5)


def deploy_through(
    tmp_path: Path, de: Mock, builds: Sequence[object] = (None,), there: bool = True, **more: Any
) -> tuple[VendorDeploy, list[Event], Mock]:
    """A deploy of a file through a `de`; what it will tell, and the platform, which tells of these
    builds one after the other or raises them."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "Procfile").write_text("web: true\n")
    told: list[Event] = []
    de.host = Host.parse("a.example")
    platform = Mock()
    platform.app.return_value = Mock() if there else None
    platform.build.side_effect = builds
    values = {"remote": Mock(), "confirm": lambda question: True, **more}
    plan = Plan("shop", tmp_path / "shop", "dev", "a.example", "", **values)
    repository = DeployRepository(tmp_path / "cache", "a.example", "shop")
    return VendorDeploy(plan, repository, platform, de, told.append), told, platform


def test_failed_build_is_a_better_reason_than_what_de_says(tmp_path: Path) -> None:
    de = Mock(side_effect=DeTasksError("`de deploy` ended with status 1"))
    builds = (None, build_of("failed", "no such package"))
    deploy, told, _ = deploy_through(tmp_path, de, builds)
    with pytest.raises(DeployFailed, match="no such package"):
        deploy.run()
    assert told[-1] == Event("log", "no such package")


@pytest.mark.parametrize(
    "build",
    [build_of("failed", ""), build_of("building", "x"), None, NotFound("no such app")],
    ids=["of before", "at work", "none", "no app"],
)
def test_failure_of_de_is_told_where_no_build_explains_it(tmp_path: Path, build: object) -> None:
    de = Mock(side_effect=DeTasksError("`de deploy` ended with status 1 and printed: Unauthorized"))
    deploy, _, _ = deploy_through(tmp_path, de, [build], there=False)
    with pytest.raises(DeTasksError, match="Unauthorized"):
        deploy.run()


def test_deploy_that_is_not_waited_for_says_how_to_watch_it(tmp_path: Path) -> None:
    deploy, told, _ = deploy_through(tmp_path, Mock(return_value=""), wait=False)
    outcome = deploy.run()
    assert (outcome.changed, outcome.sha, outcome.url) == (True, None, "")
    words = f"shop is being built. Watch it: {typed('logs --type build --name shop')}"
    assert told[-1] == Event("done", words)


def test_no_means_that_de_is_not_asked_to_deploy(tmp_path: Path) -> None:
    asked: list[str] = []
    de = Mock()

    def no(question: str) -> bool:
        asked.append(question)
        return False

    deploy, _, _ = deploy_through(tmp_path, de, confirm=no)
    with pytest.raises(Declined, match=r"^Nothing was deployed\.$"):
        deploy.run()
    assert asked == ["Overwrite shop on a.example?"] and not de.called


@pytest.mark.parametrize("there", [True, False])
def test_app_is_made_before_it_is_prepared(tmp_path: Path, there: bool) -> None:
    steps = Mock()
    deploy, _, platform = deploy_through(
        tmp_path, steps.de, there=there, wait=False, prepare=steps.prepare
    )
    steps.de.return_value = ""
    steps.attach_mock(platform.create_app, "create")
    deploy.run()
    made = [call[0] for call in steps.mock_calls]
    assert made == [*(["create"] if not there else []), "prepare", "de"]


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("question", r"^Interrupted\. Nothing was sent\.$"),
        ("send", r"^Interrupted\. The deploy may have begun: .+status --name shop tells\.$"),
        ("build", r"^Interrupted\. The build goes on, and the last good build serves\. Watch it: "),
    ],
)
def test_interrupt_says_how_far_the_deploy_came(tmp_path: Path, at: str, words: str) -> None:
    end = Mock(side_effect=KeyboardInterrupt)
    de = end if at == "send" else Mock(return_value="")
    more = {"confirm": end} if at == "question" else {}
    deploy, _, _ = deploy_through(tmp_path, de, **more)
    deploy._sleep = end
    with pytest.raises(Interrupted, match=words):
        deploy.run()


def test_broken_build_fails_the_deploy(vendor: Person, quick: Path, name: str) -> None:
    (quick / "Procfile").write_text("web: exit 3\n")
    done = vendor.inv("deploy", "-y", "--name", name, folder=quick)
    assert done.code == 3
    assert f"{name} was built, but did not start." in done.err
    assert done.err.splitlines()[-1].startswith("web ended with status 3 after ")


@pytest.mark.parametrize(
    "line",
    [
        "apps.list",
        "services.list",
        "history --name {name}",
        "cancel --name {name}",
        "diff --name {name}",
        "rollback --name {name} -y",
        "services.create --app-name {name} --type redis --service-name own",
    ],
    ids=lambda line: str(line).split()[0],
)
def test_what_de_cannot_tell_is_said(line: str, dev: Person, name: str) -> None:
    one = through(dev, FAKE)
    assert one.inv("apps.create", "--name", name).code == 0
    done = one.inv(*line.format(name=name).split())
    assert done.code == 1, done.out
    assert done.err.startswith("Not available through `de`: ")


def test_login_is_left_to_de(dev: Person) -> None:
    one = through(dev, FAKE)
    del one.environment["INVOKE_DE_NO_KEYFILE"]
    assert one.inv("login").code == 2  # A user name and password are not for a login.
    parts = ("DASH_ENTERPRISE_USERNAME", "DASH_ENTERPRISE_PASSWORD")
    given = {name: one.environment.pop(name) for name in parts}
    text = f"import os, sys\nos.environ |= {given!r}\nwords = [{str(FAKE)!r}, *sys.argv[1:]]\n"
    told = script(one.home, f"{text}os.execv(words[0], words)\n")
    one.environment["INVOKE_DE_EXECUTABLE"] = str(told)
    # What `de` prints when it logs in goes to the terminal, past us.
    words = f"Logged in as [{one.name}] to [{one.host}]!"
    assert one.spawn("login").out == f"{words}\n"
    assert json.loads(one.spawn("login", "--json").out) == {"text": words}
    assert one.inv("whoami").out == f"Logged in as [{one.name}] to [{one.host}].\n"
    assert one.inv("logout").out == f"Logged out of [{one.host}].\n"
    assert one.inv("whoami").code == 1


def test_login_that_fails_ends_with_the_status_of_de(dev: Person, port: int) -> None:
    one = through(dev, script(dev.home, "import sys\nsys.exit(3)"))
    for name in ("INVOKE_DE_NO_KEYFILE", "DASH_ENTERPRISE_USERNAME", "DASH_ENTERPRISE_PASSWORD"):
        del one.environment[name]
    done = one.inv("login")
    assert (done.code, done.err) == (1, "`de login` ended with status 3.\n")
    one.host = f"http://127.0.0.1:{port}"
    one.environment |= {"INVOKE_DE_GIT_TRANSPORT": "auto", "INVOKE_DE_RETRY_DEADLINE": "0"}
    done = one.inv("login", terminal=True)
    assert done.code == 1 and done.err.endswith("\n`de login` ended with status 3.\n")
    assert done.err.startswith("Without a login of our own, deploys go by `de`: ")


def test_password_is_not_in_the_command_line(dev: Person, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    text = f"import sys\nopen({str(seen)!r}, 'w').write(repr(sys.argv))\nsys.exit(3)"
    told = script(tmp_path, text)
    one = through(dev, told)
    assert one.inv("whoami").code == 1
    assert "--no-keyfile" in seen.read_text()
    assert PASSWORD not in seen.read_text()


def test_unknown_output_is_shown_whole(dev: Person) -> None:
    told = script(dev.home, "print('Zap!\\nAnd more of it.')")
    done = through(dev, told).inv("whoami")
    assert done.code == 1
    assert "`de whoami`" in done.err and "Zap!\nAnd more of it." in done.err


def vendor_of(executable: Path) -> VendorPlatform:
    """The platform by an executable, without a host behind it."""
    return VendorPlatform(de_of(executable))


def de_of(executable: Path) -> De:
    settings, variables = Settings(executable=str(executable)), {"PATH": sys.exec_prefix}
    return De.of(settings, Host.parse("a.example"), variables, Policy(attempts=1))


@pytest.mark.parametrize(
    ("ask", "line"),
    [
        (lambda platform: platform.create_app("shop"), "apps create"),
        (lambda platform: platform.restart("shop"), "apps restart"),
        (lambda platform: platform.attached("shop"), "services exists"),
    ],
    ids=["create", "restart", "services"],
)
def test_success_in_other_words_is_not_believed(
    ask: Callable[[VendorPlatform], object], line: str, tmp_path: Path
) -> None:
    platform = vendor_of(script(tmp_path, "print('Surely done.')"))
    words = f"`de {line}` ended with status 0 and printed:\nSurely done."
    with pytest.raises(DeTasksError, match=f"^{re.escape(words)}$"):
        ask(platform)


@pytest.mark.parametrize(
    ("ask", "what"),
    [
        (lambda platform: platform.thumbnail(Mock()), "the thumbnail of an app."),
        (lambda platform: platform.access(), "who may see which app; of one app `apps users`"),
        (lambda platform: platform.account("eve"), "the groups of a user."),
    ],
    ids=["thumbnail", "access", "account"],
)
def test_what_de_cannot_tell_is_not_asked(
    ask: Callable[[VendorPlatform], object], what: str
) -> None:
    with pytest.raises(NotAvailable, match=f"^Not available through `de`: {re.escape(what)}"):
        ask(vendor_of(Path("/nowhere/de")))


def test_command_that_does_not_end_is_ended(tmp_path: Path) -> None:
    de = de_of(script(tmp_path, "import signal\nsignal.pause()"))
    with pytest.raises(Temporary, match=r"^`de apps exists` did not end within 0 s\.$"):
        de("apps", "exists", "--name", "shop", seconds=0.2)


def test_login_by_an_executable_that_is_missing_says_where_to_get_it() -> None:
    with pytest.raises(UsageError, match=r"^/nowhere/de cannot be run \(No such file"):
        de_of(Path("/nowhere/de")).attached("login")


@pytest.mark.parametrize(
    ("output", "remedy"),
    [
        ("AttributeError: 'NoneType' object has no attribute 'get'", "update it"),
        ("from gql import x\nImportError: cannot import name 'x' from 'gql'", "gql==3.5.3"),
        ("ModuleNotFoundError: No module named 'gql.transport.x'", "gql==3.5.3"),
        ("TransportServerError: 401 Unauthorized", "log in again"),
    ],
)
def test_known_failure_names_its_remedy(output: str, remedy: str, dev: Person) -> None:
    told = script(dev.home, f"import sys\nsys.exit({output!r})")
    done = through(dev, told).inv("whoami")
    assert done.code == 1 and output in done.err and remedy in done.err


def test_unknown_failure_has_no_remedy() -> None:
    assert not sentences.remedy("gql\nConnectionError: no route to host")


def test_password_in_its_output_is_masked(dev: Person) -> None:
    told = script(dev.home, "import os\nprint(os.environ['DASH_ENTERPRISE_PASSWORD'])\n")
    done = through(dev, told).inv("whoami")
    assert done.code == 1 and PASSWORD not in done.err


def test_rate_limit_is_waited_out(dev: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("de_tasks.net.retry.SHORT_WAIT", 0.01)
    mark = dev.home / "asked"
    short = RATE_LIMIT.replace("9669", "50")
    told = script(
        dev.home,
        f"import os, sys\nif not os.path.exists({str(mark)!r}):\n"
        f"    open({str(mark)!r}, 'w')\n    print('''{short}''')\n    sys.exit(1)\n"
        f"print('Logged in as [{dev.name}] to [{dev.host}].')\n",
    )
    done = through(dev, told).inv("whoami")
    assert done.code == 0 and "Rate limit reached" in done.err


def test_untrusted_certificate_names_the_option(dev: Person) -> None:
    words = "certificate verify failed: unable to get local issuer certificate"
    told = script(dev.home, f"import sys\nsys.exit('{words}')")
    done = through(dev, told).inv("whoami")
    assert done.code == 1 and "--ca-path" in done.err


def test_missing_executable_says_where_to_get_it(dev: Person) -> None:
    done = through(dev, Path("/nowhere/de")).inv("whoami")
    assert done.code == 2
    assert f"--extra-index-url {dev.host}/packages" in done.err


def test_hooks_variables_do_not_reach_it(dev: Person) -> None:
    told = script(dev.home, "import os\nprint(sorted(os.environ))\n")
    one = through(dev, told)
    one.environment["GIT_INDEX_FILE"] = "/somewhere"
    assert "GIT_INDEX_FILE" not in one.inv("whoami").err


@pytest.fixture
def version_5(sandbox: control.Running) -> tuple[Settings, Host]:
    """A host by its name, whose sign-in service answers."""
    values = Settings(issuer=f"{sandbox.url}/auth/realms/dash", executable="/nowhere/de")
    return values, Host.of("example.plotly.host", values)


def test_version_5_needs_de(version_5: tuple[Settings, Host]) -> None:
    values, host = version_5
    with pytest.raises(UsageError, match=r"Dash Enterprise 5.*\n.*https://example.plotly.host"):
        route.choose(values, host, Transport())


def test_version_5_goes_through_de(version_5: tuple[Settings, Host]) -> None:
    values, host = version_5
    found = route.choose(replace(values, executable=sys.executable), host, Transport())
    assert found.through == "de" and "Dash Enterprise 5" in found.why


@pytest.mark.parametrize(
    "other", [Settings(api_key="k"), Settings(platform="api")], ids=["API key", "setting"]
)
def test_setting_takes_precedence_over_version_5(
    other: Settings, version_5: tuple[Settings, Host]
) -> None:
    values, host = version_5
    given = replace(other, issuer=values.issuer, executable=sys.executable)
    assert route.choose(given, host, Transport()).through == "api"


def test_url_goes_by_the_api(version_5: tuple[Settings, Host]) -> None:
    values, _ = version_5
    host = Host.of("http://127.0.0.1:8888", values)
    assert route.choose(values, host, Transport()).through == "api"


def test_host_without_a_sign_in_service_goes_by_the_api() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # Held, and nobody listens.
        values = Settings(issuer=f"http://127.0.0.1:{deaf.getsockname()[1]}/auth")
        host = Host.of("example.plotly.host", values)
        assert route.choose(values, host, Transport()).through == "api"


@pytest.mark.parametrize("body", ["null", "7", '"token_endpoint"', "[]", "<html>", "{}"])
def test_answer_that_is_no_sign_in_services_goes_by_the_api(body: str) -> None:
    with FaultProxy("http://127.0.0.1:9").running() as proxy:
        proxy.arm(lambda exchange: exchange.answer("200 OK", body), "openid-configuration")
        values = Settings(issuer=f"{proxy.url}/auth")
        found = route.choose(values, Host.of("example.plotly.host", values), Transport())
    assert found == route.Way("api", "it is not a Dash Enterprise 5") and proxy.struck == 1


def test_version_4_is_not_asked_for_its_sign_in_service() -> None:
    values = Settings(version=4, issuer="http://127.0.0.1:9/auth")
    found = route.choose(values, Host.of("example.plotly.host", values), Transport())
    assert found == route.Way("api", "de.version is 4")


def test_bad_way_is_named() -> None:
    with pytest.raises(UsageError, match="auto, api, de, not 'soap'"):
        route.choose(Settings(platform="soap"), Host.parse("a.example"), Transport())


def test_doctor_says_which_way(dev: Person) -> None:
    done = through(dev, FAKE).inv("doctor", "--json")
    found = {f["what"]: f["seen"] for f in json.loads(done.out)["findings"]}
    words = f"{dev.host} is reached through the vendor's {FAKE}, because de.platform says so."
    assert found["connection"] == words


@pytest.mark.parametrize(
    ("output", "seconds"),
    [
        (RATE_LIMIT, 9.669),
        ("Error:\n" + RATE_LIMIT, 9.669),
        ('{"errors": [{"extensions": {"code": "TOO_MANY_REQUESTS"}}]}', 60.0),
        ("TOO_MANY_REQUESTS {", 60.0),
        ("Rate limit exceeded, they say", None),
    ],
)
def test_rate_limit_in_every_form(output: str, seconds: float | None) -> None:
    assert sentences.rate_limit(output) == seconds


@pytest.mark.parametrize(
    ("output", "status"),
    [
        ("building\n", "building"),
        (NEVER, ""),
        ("A notice.\nbuilt\n", "built"),
        ("Built", None),
        ("cancelled\n", "cancelled"),
    ],
)
def test_status_is_the_documented_word(output: str, status: str | None) -> None:
    assert sentences.status(output) == status


def test_other_apps_sentence_is_not_taken() -> None:
    assert not sentences.is_missing("App [other] does not exist on [h].", "mine")


@pytest.mark.parametrize(
    ("before", "now", "new"),
    [
        ([], ["a"], ["a"]),
        (["a"], ["a", "b"], ["b"]),
        (["a", "b"], ["b", "c"], ["c"]),
        (["a"], ["x", "y"], ["x", "y"]),
        (["a"], ["a"], []),
    ],
)
def test_lines_that_were_seen_are_taken_off(
    before: list[str], now: list[str], new: list[str]
) -> None:
    assert fresh(before, now) == new


@pytest.mark.parametrize("transport", ["de", "auto"])
def test_scenario_for_a_real_server(dev: Person, quick: Path, transport: str) -> None:
    one = through(dev, FAKE)
    one.environment |= {"INVOKE_DE_GIT_TRANSPORT": transport, "INVOKE_DE_APP": quick.name}
    steps: list[str] = []

    def inv(*words: str) -> str:
        done = one.inv(*words, folder=quick)
        assert done.code == 0, (words, done.err)
        steps.append(words[0])
        return done.out

    real_server.scenario(one.host, quick.name, quick, inv)
    assert ("rollback" in steps) == (transport == "auto") and steps[-2:] == [
        "apps.delete",
        "apps.exists",
    ]


def test_report_of_a_real_server_names_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASH_ENTERPRISE_PASSWORD", "canary-8")
    text = "Logged in as [jessica] to [a.example]. jessica's shop-1 is at https://a.example/shop-1/"
    seen = real_server.anonymous(f"{text} canary-8", "a.example", "shop-1")
    assert seen == "Logged in as [USER] to [HOST]. USER's NAME is at https://HOST/NAME/ ****"


def test_scenario_without_a_server_is_skipped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DE_HOST", raising=False)
    assert real_server.main() == 0
    assert "Skipped: set DE_HOST and DE_APP" in capsys.readouterr().out


@pytest.fixture
def listed(dev: Person, quick: Path, name: str) -> Person:
    """`inv` over the stand-in, for an app that invoke.yaml names."""
    entry = f"de:\n  branches: {{main: {name}}}\n  apps: [{{name: {name}, path: .}}]\n"
    (quick / "invoke.yaml").write_text(entry)
    return through(dev, FAKE)


def test_fleet_deploys_through_it(listed: Person, quick: Path, name: str) -> None:
    done = listed.run("fleet deploy --all -y", folder=quick)
    assert done.code == 0, done.err
    assert listed.inv("apps.status", "--name", name).out == "built\n"


def test_hook_deploys_through_it(listed: Person, quick: Path, name: str) -> None:
    variables = {**listed.variables(), "INVOKE_DE_HOOKS_YES": "1"}
    repository = Repository.make(quick, variables)
    assert listed.inv("hooks.install", "--path", str(quick)).code == 0
    pushed = repository.run("push", "origin", "main")
    assert pushed.returncode == 0, pushed.stderr
    assert listed.inv("apps.status", "--name", name).out == "built\n"


@pytest.mark.parametrize("command", ["info", "users"])
def test_output_of_1_10_is_shown_as_it_is(dev: Person, name: str, command: str) -> None:
    assert dev.run(f"apps create -n {name}").code == 0
    vendor = through(dev, FAKE)
    seen = vendor.run(f"apps {command} -n {name}")
    assert seen.code == 0 and dev.name in seen.out, seen
    assert json.loads(vendor.run(f"apps {command} -n {name} --json").out) == {
        "text": seen.out.rstrip()
    }
    assert vendor.run(f"apps {command} -n not-{name}").code == 5


@pytest.mark.parametrize(
    "line",
    [
        "apps info -n",
        "apps users -n",
        "services update --type redis --memory 64Mi --app-name",
        "apps transfer -y --username x -n",
        "apps update --python-version 3.11 -n",
    ],
)
def test_what_1_10_added_needs_it(dev: Person, name: str, line: str) -> None:
    vendor = through(dev, FAKE)
    vendor.environment["FAKE_DE_VERSION"] = "1.9.0"
    done = vendor.run(f"{line} {name}")
    assert (done.code, done.out) == (2, "")
    assert "needs de 1.10 or newer; yours is 1.9.0" in done.err


def test_transfer_through_de_is_shown_as_it_is(people: People, name: str) -> None:
    admin, other = people["admin"], people.add("other").name
    assert admin.run(f"apps create -n {name}").code == 0
    done = through(admin, FAKE).run(f"apps transfer -n {name} --username {other} -y --json")
    assert json.loads(done.out) == {"text": f"{name} ~> {other}"}, done.err
    assert people["other"].run(f"apps exists -n {name} --exit-code").code == 0


def test_logs_through_de_say_what_they_lack(dev: Person, quick: Path, name: str) -> None:
    assert dev.run(f"deploy -y --name {name}", folder=quick).code == 0
    done = through(dev, FAKE).run(f"logs --name {name} --all --timestamps")
    assert done.code == 0 and "log of web alone" in done.err, done


def test_memory_limit_through_de_is_set_and_never_lifted(dev: Person, name: str) -> None:
    assert dev.run(f"apps create -n {name}").code == 0
    assert dev.run(f"services create --app-name {name} --type redis").code == 0
    update = f"services update --app-name {name} --type redis --memory"
    vendor = through(dev, FAKE)
    done = vendor.run(f"{update} 64Mi --json")
    assert json.loads(done.out) == {"text": f"redis of {name} <= 64Mi"}, done.err
    assert "64Mi" in dev.run("services list --json").out
    lifted = vendor.run(f"{update} none")
    assert lifted.code == 1 and "lifting the memory limit" in lifted.err
