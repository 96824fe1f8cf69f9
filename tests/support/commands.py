"""Every command that talks to a server, for the full matrix of faults."""

from __future__ import annotations

from pathlib import Path

from tests.support.backstage import PASSWORD
from tests.support.operations import OPERATIONS, Operation
from tests.support.repositories import Repository
from tests.support.stage import SERVER, Stage

FLEET = ("fleet-a", "fleet-b")


def _app(stage: Stage) -> str:
    name = f"made-{stage.word()}"
    stage.platform.create_app(name)
    return name


def _app_with_database(stage: Stage) -> str:
    name = _app(stage)
    stage.platform.attach_service(name, "redis")
    return name


def _gone(stage: Stage, name: str) -> int:
    return int(stage.platform.app(name) is None)


def _databases(stage: Stage, name: str) -> int:
    return sum(service.apps == (name,) for service in stage.platform.services())


def _database_gone(stage: Stage, name: str) -> int:
    return int(all(service.name != f"{name}-redis" for service in stage.platform.services()))


def _mono(stage: Stage) -> Path:
    """A repository with two apps and a remote."""
    folder = stage.person.home / "mono"
    if not folder.exists():
        for name in FLEET:
            (folder / name).mkdir(parents=True)
            (folder / name / "serve.py").write_text(SERVER)
            (folder / name / "Procfile").write_text("web: python serve.py\n")
        (folder / "invoke.yaml").write_text(f"de:\n  apps: [{', '.join(FLEET)}]\n")
        Repository.make(folder).git("push", "-q", "origin", "main")
    return folder


def _edit_fleet(stage: Stage) -> str:
    message = f"change {stage.word()}"
    for name in FLEET:
        (_mono(stage) / name / "note.txt").write_text(f"{name}: {message}")
    return message


def _fleet_pushed(stage: Stage, message: str) -> int:
    """Apps that it was pushed to, more than there are when it was pushed twice to one."""
    counts = [stage.subjects(name).count(message) for name in FLEET]
    return sum(counts) if max(counts) < 2 else 99


def _rolled_back(stage: Stage) -> int:
    return sum(subject.startswith("Roll back") for subject in stage.subjects())


def _two_releases(stage: Stage) -> str:
    """Makes sure that there is a release to go back to; returns how often somebody did."""
    if len(stage.subjects()) < 2:
        done = stage.person.run(
            ["deploy", "-n", stage.app, "-m", stage.edit()], folder=stage.folder
        )
        assert done.code == 0, done.err
    return str(_rolled_back(stage))


def _ending(stage: Stage) -> Path:
    """The folder of an app that ends by itself on this machine."""
    folder = stage.person.home / "ending"
    folder.mkdir(exist_ok=True)
    (folder / "Procfile").write_text("web: true\n")
    return folder


def _building(stage: Stage) -> str:
    """An app whose build lasts."""
    folder, name = stage.person.home / "building", f"made-{stage.word()}"
    folder.mkdir(exist_ok=True)
    (folder / "Procfile").write_text("web: sleep 1000\n")
    done = stage.person.run(f"deploy -y --no-check --no-wait -n {name}", folder=folder)
    assert done.code == 0, done.err
    return name


def _cancelled(stage: Stage, name: str) -> int:
    app = stage.platform.app(name)
    return int(app is not None and app.build is not None and app.build.status == "cancelled")


def _preview(stage: Stage) -> str:
    branch = f"branch-{stage.word()}"
    line = f"preview deploy -y -n {stage.app} --no-wait --branch {branch}"
    done = stage.person.run(line, folder=stage.folder)
    assert done.code == 0, done.err
    return branch


def _previewed(stage: Stage, branch: str) -> int:
    return sum(f":{branch}" in tag for app in stage.platform.apps() for tag in app.tags)


def _no_preview(stage: Stage, branch: str) -> int:
    return int(not _previewed(stage, branch))


def _another_login(stage: Stage) -> str:
    """A login in a key file of its own, which ends without that of the stage."""
    path = str(stage.person.home / f"login-{stage.word()}.json")
    line = ["--keyfile", path, "login", "--username", stage.person.name, "--password-stdin"]
    done = stage.person.run(line, stdin=PASSWORD + "\n")
    assert done.code == 0, done.err
    return path


def _forgotten(stage: Stage, path: str) -> int:
    file = Path(path)
    return int(not file.exists() or "refresh_token" not in file.read_text())


CHANGE = "services create --type redis --app-name|{}"
COMMANDS = (
    *OPERATIONS,
    Operation("whoami", "whoami", "current"),
    Operation("status", "status -n {app}", "app\\(name"),
    Operation("apps status", "apps status -n {app}", "app\\(name"),
    Operation("apps exists", "apps exists -n {app}", "app\\(name"),
    Operation("open", "open -n {app}", "app\\(name"),
    Operation("logs", "logs -n {app}", "runtimeLogs"),
    Operation("logs of the build", "logs -n {app} --type build", "build\\(appname"),
    Operation("history", "history -n {app}", "builds\\(appname"),
    Operation("diff", "diff -n {app} --stat", "GET \\S+git-receive-pack", kind="push"),
    Operation(
        "deploy, building",
        "deploy -y -n {app}|-m|{}",
        "build\\(appname",
        Stage.edit,
        Stage.pushed,
        whole=1,
    ),
    Operation(
        "rollback",
        "rollback -y -n {app}",
        "POST \\S+git-receive-pack",
        _two_releases,
        lambda stage, before: _rolled_back(stage) - int(before),
        whole=1,
        kind="upload",
    ),
    Operation("restart", "restart -n {app}", "restartApp"),
    Operation("cancel", "cancel -n|{}", "cancelBuild", _building, _cancelled, whole=1),
    Operation("delete", "delete -y -n|{}", "deleteApp", _app, _gone, whole=1),
    Operation("variables list", "variables list -n {app}", "environmentVariables"),
    Operation("services list", "services list", "services"),
    Operation("services exists", "services exists --type redis -n {app}", "linkedServices"),
    Operation("services create", CHANGE, "addService", _app, _databases, whole=1),
    Operation("services create, linking", CHANGE, "linkService", _app, _databases, whole=1),
    Operation(
        "services delete",
        "services delete -y --type redis --app-name|{}",
        "deleteService",
        _app_with_database,
        _database_gone,
        whole=1,
    ),
    Operation("apps logs", "apps logs -n {app}", "runtimeLogs"),
    Operation("doctor", "doctor", "current", code=1),
    Operation("doctor, describing", "doctor", "__schema", code=1),
    Operation(
        "logout",
        "--keyfile|{}|logout",
        "POST \\S+/revoke",
        _another_login,
        _forgotten,
        whole=1,
    ),
    Operation("run --with-env", "run --with-env -n {app}", "app\\(name", where=_ending),
    Operation(
        "preview deploy",
        "preview deploy -y -n {app} --no-wait --branch|{}",
        "addApp",
        lambda stage: f"branch-{stage.word()}",
        _previewed,
        whole=1,
    ),
    Operation(
        "preview deploy, marking",
        "preview deploy -y -n {app} --no-wait --branch|{}",
        "updateApp",
        lambda stage: f"branch-{stage.word()}",
        _previewed,
        whole=1,
    ),
    Operation("preview list", "preview list -n {app}", "apps\\(page"),
    Operation(
        "preview delete",
        "preview delete -y -n {app} --branch|{}",
        "deleteApp",
        _preview,
        _no_preview,
        whole=1,
    ),
    Operation(
        "preview prune",
        "preview prune -y -n {app}",
        "deleteApp",
        _preview,
        _no_preview,
        whole=1,
        where=_mono,
    ),
    Operation("fleet status", "fleet status", "apps\\(page", where=_mono),
    Operation(
        "fleet deploy, reading",
        "fleet deploy -y --all|-m|{}",
        "apps\\(page",
        _edit_fleet,
        _fleet_pushed,
        whole=2,
        where=_mono,
        parts=True,
    ),
    Operation(
        "fleet deploy, sending",
        "fleet deploy -y --all|-m|{}",
        "POST \\S+git-receive-pack",
        _edit_fleet,
        _fleet_pushed,
        whole=2,
        where=_mono,
        parts=True,
        kind="upload",
    ),
)
