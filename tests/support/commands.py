"""Every command that talks to a server, for the full matrix of faults."""

from __future__ import annotations

from tests.support.stage import OPERATIONS, Operation, Stage


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


CHANGE = "services create --type redis --app-name|{}"
COMMANDS = (
    *OPERATIONS,
    Operation("whoami", "whoami", "current"),
    Operation("status", "status -n settled", "app\\(name"),
    Operation("apps status", "apps status -n settled", "app\\(name"),
    Operation("apps exists", "apps exists -n settled", "app\\(name"),
    Operation("open", "open -n settled", "app\\(name"),
    Operation("logs", "logs -n settled", "runtimeLogs"),
    Operation("logs of the build", "logs -n settled --type build", "build\\(appname"),
    Operation("history", "history -n settled", "builds\\(appname"),
    Operation("diff", "diff -n settled --stat", "GET \\S+git-receive-pack", kind="push"),
    Operation(
        "deploy, building",
        "deploy -y -n settled|-m|{}",
        "build\\(appname",
        Stage.edit,
        Stage.pushed,
        whole=1,
    ),
    Operation("rollback", "rollback -y -n settled", "POST \\S+git-receive-pack", kind="upload"),
    Operation("restart", "restart -n settled", "restartApp"),
    Operation("delete", "delete -y -n|{}", "deleteApp", _app, _gone, whole=1),
    Operation("services list", "services list", "services"),
    Operation("services exists", "services exists --type redis -n settled", "linkedServices"),
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
)
