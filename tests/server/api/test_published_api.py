"""Programs written for the published Dash Enterprise 4 API run against the sandbox as they are."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from typing import Any

import graphql
import pytest

from de_tasks.server import control
from tests.support.apps import WSGI
from tests.support.people import Person, log_in
from tests.support.published import Caller, caller, everything
from tests.support.version_4 import published

PNG = b"\x89PNG\r\n\x1a\n0000"
DATE = "%Y-%m-%dT%H:%M:%S.%f"
TAKEN = "An app with this name already exists in this Dash Server. Please choose a different name."
ILLEGAL = (
    "Invalid app name. Names should be between 3 to 30 characters long, start with a letter, "
    "and only contain lower case letters, numbers, and -"
)
SCHEMA = published()
assert SCHEMA.query_type and SCHEMA.mutation_type


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[control.Running]:
    """A sandbox whose admin has allowed one folder to be mounted."""
    shared = tmp_path_factory.mktemp("shared")
    (shared / "data.csv").write_text("a,b\n")
    options = {"port": 0, "rate_limit_points": 100_000}
    running = control.start(tmp_path_factory.mktemp("data"), options, [shared])
    (running.data / "shared").symlink_to(shared)
    yield running
    control.stop(running)


@pytest.fixture(scope="module")
def dev(platform: control.Running) -> Caller:
    """A program of a user with a seat."""
    return caller(platform, "dev")


@pytest.fixture(scope="module")
def admin(platform: control.Running) -> Caller:
    """A program of an admin."""
    return caller(platform, "admin")


@pytest.fixture(scope="module")
def deployed(platform: control.Running, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of an app with web and worker that runs."""
    folder = tmp_path_factory.mktemp("old-app")
    (folder / "wsgi.py").write_text(WSGI)
    (folder / "Procfile").write_text("web: gunicorn wsgi:application\nworker: sleep 4711\n")
    (folder / "requirements.txt").write_text("gunicorn\n")
    person: Person = log_in(platform, "dev", tmp_path_factory.mktemp("home"))
    done = person.run(f"deploy {folder} -n old-app -y")
    assert done.code == 0, done.err
    person.run("services create --app-name old-app -t redis")
    person.run("apps update -n old-app --add-environment-variable OWN=x --add-viewer viewer")
    return "old-app"


@pytest.mark.parametrize("field", SCHEMA.query_type.fields)
def test_every_query_answers_in_full_depth(field: str, admin: Caller, deployed: str) -> None:
    assert SCHEMA.query_type
    kind = SCHEMA.query_type.fields[field].type
    answer = admin.ask(f"query {{ {field} {everything(kind)} }}")
    assert answer[field] is not None
    assert_dates(answer)


def assert_dates(answer: Any) -> None:
    """Published programs read times in exactly one format."""
    if isinstance(answer, list):
        for item in answer:
            assert_dates(item)
    elif isinstance(answer, dict):
        for name, value in answer.items():
            if name in ("created", "updated", "visited") and value is not None:
                datetime.strptime(value, DATE)
            assert_dates(value)


OPS = "ok error"
MUTATIONS = [
    ("addApp", 'name: "first"', None),
    ("addApp", 'name: "first"', TAKEN),
    ("addApp", 'name: "No"', ILLEGAL),
    ("updateApp", 'appname: "first", metadata: {title: "T", contact: {name: "N"}}', None),
    ("updateApp", 'appname: "none", metadata: {}', "App does not exist."),
    ("addCollaborators", 'appname: "first", users: "viewer"', None),
    ("addCollaborators", 'appname: "first", users: ["dev", "viewer"], teams: []', None),
    ("removeCollaborators", 'appname: "first", users: ["viewer"], teams: ["none"]', None),
    ("addEnvironmentVariable", 'appname: "first", name: "A", value: "1"', None),
    ("removeEnvironmentVariable", 'appname: "first", name: "A"', None),
    ("addEnvironmentVariable", 'name: "G", value: "1", globalVar: true', None),
    ("removeEnvironmentVariable", 'name: "G", globalVar: true', None),
    ("addService", 'name: "cache", serviceType: redis', None),
    (
        "addService",
        'name: "cache", serviceType: REDIS',
        "A service with the given name already exists. Please choose a different name.",
    ),
    ("linkService", 'appname: "first", serviceName: "cache", serviceType: REDIS', None),
    ("unlinkService", 'appname: "first", serviceName: "cache", serviceType: redis', None),
    ("deleteService", 'name: "cache", serviceType: REDIS', None),
    ("scaleProcesses", 'appname: "first", processes: []', None),
    ("setResources", 'appname: "first", resources: []', "cannot limit them"),
    ("mountDirectory", 'appname: "first", hostDir: "/etc", targetDir: "x"', "To add /etc to the"),
    ("unmountDirectory", 'appname: "first", hostDir: "/etc", targetDir: "x"', "is not mounted"),
    ("purgeCache", 'appname: "first"', None),
    ("updatePortal", 'portalname: "DEFAULT", requireLogin: false', None),
    ("resetApiKey", 'password: "wrong"', "The password is wrong"),
    ("changePassword", 'currentPassword: "wrong", newPassword: "12345678"', None),
    ("updateSshKeys", 'keys: "ssh-rsa AAAA one\\nssh-rsa AAAA two"', None),
    ("deleteUser", 'username: "dev"', "dev owns"),
    ("moveAppsAndServices", 'sourceUsername: "none", targetUsername: "dev"', "no user 'none'"),
    ("createWorkspace", 'appname: "first", template: "x"', "The sandbox has no workspaces"),
    ("restartWorkspace", 'appname: "first"', "The sandbox has no workspaces"),
    ("deleteWorkspace", 'appname: "first"', "The sandbox has no workspaces"),
    ("deleteApp", 'name: "first"', None),
    ("deleteApp", 'name: "first"', "App does not exist."),
]
UPLOADS = {"uploadAppThumbnail", "uploadPortalLogo"}


def test_table_has_every_mutation() -> None:
    assert SCHEMA.mutation_type
    assert {name for name, _, _ in MUTATIONS} | UPLOADS == set(SCHEMA.mutation_type.fields)


def test_every_mutation(admin: Caller, deployed: str) -> None:
    assert SCHEMA.mutation_type
    for field, arguments, error in MUTATIONS:
        selection = everything(SCHEMA.mutation_type.fields[field].type).strip("{} ")
        closing = "}" * (selection.count("{") - selection.count("}"))
        answer = admin.do(field, arguments, f"{selection} {closing}")
        seen = answer.get("error")
        assert (seen is None) if error is None else (seen and error in seen), (
            field,
            arguments,
            answer,
        )
        if "ok" in answer and field != "changePassword":
            assert answer["ok"] is (error is None), (field, answer)


def test_one_text_is_taken_for_a_list(dev: Caller) -> None:
    dev.do("addApp", 'name: "coerced"')
    document = """mutation ($appname: String, $users: [String],) {
        addCollaborators(appname: $appname, users: $users,) { app { collaborators { users } } } }"""
    answer = dev.ask(document, appname="coerced", users="viewer")
    assert answer["addCollaborators"]["app"]["collaborators"]["users"] == ["viewer"]


@pytest.mark.parametrize("spelling", ["redis", "REDIS", "postgres", "POSTGRES"])
def test_both_spellings_of_a_service_type(spelling: str, dev: Caller) -> None:
    name = f"kind-{spelling.lower()}-{'up' if spelling.isupper() else 'low'}"
    fields = "service { name serviceType created } error"
    if spelling.isupper():
        added = dev.do("addService", f'name: "{name}", serviceType: {spelling}', fields)
    else:
        document = f"""mutation ($serviceType: ServiceType={spelling}, $serviceName: String) {{
            addService (name: $serviceName, serviceType: $serviceType) {{ {fields} }} }}"""
        added = dev.ask(document, serviceType=spelling, serviceName=name)["addService"]
    assert added["service"]["serviceType"] == spelling.lower()
    listed = dev.ask("{ services { name serviceType } }")["services"]
    assert {"name": name, "serviceType": spelling.lower()} in listed
    document = """mutation ($name: String, $serviceType: ServiceType) {
        deleteService(name: $name, serviceType: $serviceType) { error ok } }"""
    assert dev.ask(document, name=name, serviceType=spelling)["deleteService"]["ok"]


@pytest.fixture(scope="module")
def many(dev: Caller) -> set[str]:
    """The names of more apps than a page holds."""
    names = [f"many-{number}" for number in range(101)]
    fields = " ".join(f'a{i}: addApp(name: "{name}") {{ error }}' for i, name in enumerate(names))
    dev.ask(f"mutation {{ {fields} }}")
    return set(names)


PAGE = "query ($page: Int!, $allApps: Boolean) { apps(page: $page, allApps: $allApps) {"
PAGE += " apps { name owner { username } } nextPage } }"


def test_pages_until_there_is_no_next_one(dev: Caller, many: set[str]) -> None:
    seen, page = [], 1
    while page:
        answer = dev.ask(PAGE, page=page, allApps=False)["apps"]
        seen += [app["name"] for app in answer["apps"]]
        assert answer["nextPage"] in (page + 1, None)
        page = answer["nextPage"]
    assert many <= set(seen) and len(seen) == len(set(seen))


def test_pages_from_0_until_one_is_empty(dev: Caller, many: set[str]) -> None:
    seen, page = [], 0
    while True:
        apps = dev.ask(PAGE, page=page)["apps"]["apps"]
        if not apps:
            break
        seen += [app["name"] for app in apps]
        page += 1
    assert many <= set(seen) and page >= 3


def test_all_apps_are_for_admins(dev: Caller, admin: Caller, many: set[str]) -> None:
    assert len(admin.ask(PAGE, page=2, allApps=True)["apps"]["apps"]) == 50
    body = {"query": PAGE, "variables": {"page": 1, "allApps": True}}
    error = dev.post(json=body).json()["errors"][0]
    assert error["extensions"]["code"] == "FORBIDDEN"


def test_app_by_name_is_a_page_of_one(dev: Caller, deployed: str) -> None:
    document = """query ($name: String) { current { username isAdmin } apps(name: $name,) {
        apps { name status { running } linkedServices { name serviceType }
        environmentVariables { name value readonly } mounts { targetDir hostDir } } } }"""
    answer = dev.ask(document, name=deployed)
    assert answer["current"] == {"username": "dev", "isAdmin": False}
    (app,) = answer["apps"]["apps"]
    assert app["status"]["running"] is True
    assert app["linkedServices"] == [{"name": "old-app-redis", "serviceType": "redis"}]
    variables = {v["name"]: v for v in app["environmentVariables"]}
    assert variables["OWN"] == {"name": "OWN", "value": "x", "readonly": False}
    assert variables["REDIS_URL"]["value"].startswith("redis://")
    assert dev.ask(document, name="not-there")["apps"]["apps"] == []


@pytest.mark.parametrize(
    ("field", "target", "answer"),
    [
        ("uploadAppThumbnail", 'appname: "pictured"', "app { thumbnailUrl }"),
        ("uploadPortalLogo", 'portalname: "DEFAULT"', "portal { logoUrl }"),
    ],
)
@pytest.mark.parametrize("place", ["0", "picture.png"])
def test_upload_as_the_multipart_specification_has_it(
    field: str, target: str, answer: str, place: str, admin: Caller
) -> None:
    admin.do("addApp", 'name: "pictured"')
    document = (
        f"mutation ($file: Upload!) {{ "
        f"{field}({'logo' if 'Logo' in field else 'thumbnail'}: $file, {target}) "
        f"{{ {answer} error }} }}"
    )
    operations = json.dumps({"query": document, "variables": {"file": None}})
    content = {
        "data": {"operations": operations, "map": json.dumps({place: ["variables.file"]})},
        "files": {place: ("picture.png", PNG, "image/png")},
    }
    result = admin.post(**content).json()["data"][field]
    assert result["error"] is None
    (shown,) = [value for value in result.values() if value]
    assert next(iter(shown.values())).startswith(admin.url)


def test_portal_metadata_is_a_text_of_json(admin: Caller, dev: Caller) -> None:
    words = json.dumps({"name": "Ours", "description": 'with "quotes"'})
    document = """mutation ($metadata: JSONString, $name: String) {
        updatePortal(portalname: $name, metadata: $metadata) { portal {
        name metadata apps { apps { name } nextPage } } error } }"""
    changed = admin.ask(document, metadata=words, name="DEFAULT")["updatePortal"]
    assert json.loads(changed["portal"]["metadata"]) == json.loads(words)
    seen = dev.ask('{ portals(name: "DEFAULT") { portals { name metadata } nextPage } }')
    assert seen["portals"]["portals"][0]["metadata"] == words
    assert "for admins" in dev.ask(document, metadata="{}", name="DEFAULT")["updatePortal"]["error"]


PORTAL = """query ($page: Int) { portals { portals { apps(page: $page) { nextPage apps {
    name metadata { title } owner { username } environmentVariables { name } logs { app }
    linkedServices { name } collaborators { users } latestBuild { id } } } } } }"""


def portal(caller: Caller, page: int = 1) -> dict[str, Any]:
    """A page of the apps that the Portal shows to a program's user."""
    (found,) = caller.ask(PORTAL, page=page)["portals"]["portals"]
    apps: dict[str, Any] = found["apps"]
    return apps


def test_portal_lists_what_its_visitor_may_see(
    platform: control.Running, dev: Caller, deployed: str
) -> None:
    viewer = caller(platform, "viewer")
    shown = 'metadata: {showInPortal: true, permissionLevel: restricted, title: "Old"}'
    dev.do("updateApp", f'appname: "{deployed}", {shown}')
    (seen,) = portal(viewer)["apps"]
    assert (seen["name"], seen["metadata"]["title"]) == (deployed, "Old")
    for field in ("environmentVariables", "logs", "linkedServices", "collaborators", "latestBuild"):
        assert seen[field] is None, "what is for those who manage the app"
    (own,) = portal(dev)["apps"]
    assert own["environmentVariables"] and own["latestBuild"]
    dev.do("removeCollaborators", f'appname: "{deployed}", users: ["viewer"]')
    assert portal(viewer)["apps"] == []


def test_pages_of_the_portal_are_full(platform: control.Running, admin: Caller) -> None:
    file = platform.data / "sandbox.sqlite3"
    rows = [(f"page-{number:03}", number % 2, number // 119 * 7) for number in range(120)]
    with closing(sqlite3.connect(file, timeout=30)) as database:
        line = "INSERT INTO apps (name, owner, created, updated, show_in_portal, sort_rank)"
        with database:
            database.executemany(f"{line} VALUES (?, 'dev', '', '', ?, ?)", rows)
        first, second = portal(admin), portal(admin, 2)
        with database:
            database.execute("DELETE FROM apps WHERE name LIKE 'page-%'")
    assert (len(first["apps"]), first["nextPage"], second["nextPage"]) == (50, 2, None)
    assert first["apps"][0]["name"] == "page-119", "those with a rank come first"
    names = {app["name"] for page in (first, second) for app in page["apps"]}
    assert names >= {name for name, shown, _ in rows if shown}


def test_scaling_really_scales(dev: Caller, deployed: str, platform: control.Running) -> None:
    read = '{ apps(name: "old-app") { apps { processes { type number status } } } }'

    def numbers() -> dict[str, int]:
        (app,) = dev.ask(read)["apps"]["apps"]
        return {process["type"]: process["number"] for process in app["processes"]}

    assert numbers() == {"web": 1, "worker": 1}
    document = """mutation ($processes: [ProcessInput]) {
        scaleProcesses(appname: "old-app", processes: $processes) { ok refresh error } }"""
    wish = [{"type": "web", "number": 2}, {"type": "worker", "number": 3}]
    assert dev.ask(document, processes=wish)["scaleProcesses"]["refresh"] is True
    dev.ask('mutation { restartApp(appname: "old-app") { restarted error } }')
    assert numbers() == {"web": 2, "worker": 3}
    dev.ask(document, processes={"type": "worker", "number": 0})
    dev.ask('mutation { restartApp(appname: "old-app") { restarted error } }')
    assert numbers() == {"web": 2, "worker": 0}
    for wrong in ({"type": "nobody", "number": 1}, {"type": "web", "number": 11}):
        assert dev.ask(document, processes=wrong)["scaleProcesses"]["error"]
    dev.ask(document, processes=[{"type": kind, "number": 1} for kind in ("web", "worker")])


def test_folder_on_the_list_is_mounted(
    dev: Caller, deployed: str, platform: control.Running
) -> None:
    shared = (platform.data / "shared").resolve()
    mount = f'appname: "old-app", hostDir: "{shared}", targetDir: "/app/shared"'
    done = dev.do("mountDirectory", mount, "ok error")
    assert done == {"ok": True, "error": None}
    dev.ask('mutation { restartApp(appname: "old-app") { error } }')
    (seen,) = platform.data.glob("apps/*/releases/*/shared")
    assert (seen / "data.csv").read_text() == "a,b\n"
    read = '{ apps(name: "old-app") { apps { mounts { hostDir targetDir status } } } }'
    expected = [{"hostDir": str(shared), "targetDir": "shared", "status": "mounted"}]
    assert dev.ask(read)["apps"]["apps"][0]["mounts"] == expected
    for elsewhere in ("/", f"{shared}/../..", str(platform.data)):
        arguments = f'appname: "old-app", hostDir: "{elsewhere}", targetDir: "x"'
        error = dev.do("mountDirectory", arguments)["error"]
        assert error.startswith("Only directories specified in the Allowed Directories")
    assert dev.do("unmountDirectory", mount, "ok")["ok"]


def test_old_key_is_worthless_after_a_reset(platform: control.Running) -> None:
    wish = {"username": "keys", "role": "licensed_user"}
    password = control.administer(platform, "users", wish)["password"]
    old = caller(platform, "keys")
    reset = old.do("resetApiKey", f'password: "{password}"', "newKey error")
    assert old.post(json={"query": "{ current { username } }"}).status_code == 401
    new = Caller(platform.url, "keys", reset["newKey"])
    assert new.ask("{ current { username } }") == {"current": {"username": "keys"}}
    changed = new.do(
        "changePassword",
        f'currentPassword: "{password}", newPassword: "another-one"',
        "ok currentPasswordError newPasswordError",
    )
    assert changed == {"ok": True, "currentPasswordError": None, "newPasswordError": None}


def test_everything_of_a_user_is_moved(platform: control.Running, admin: Caller) -> None:
    control.administer(platform, "users", {"username": "leaver", "role": "licensed_user"})
    leaver = caller(platform, "leaver")
    leaver.do("addApp", 'name: "of-leaver"')
    leaver.do("addService", 'name: "of-leaver-redis", serviceType: redis')
    assert "leaver owns 1 apps" in admin.do("deleteUser", 'username: "leaver"')["error"]
    move = 'sourceUsername: "leaver", targetUsername: "admin"'
    assert admin.do("moveAppsAndServices", move, "ok error") == {"ok": True, "error": None}
    (task,) = admin.ask("{ adminTasks { tasks { sourceUsername targetUsername } } }")["adminTasks"][
        "tasks"
    ]
    assert task == {"sourceUsername": "leaver", "targetUsername": "admin"}
    (app,) = admin.ask('{ apps(name: "of-leaver") { apps { owner { username } } } }')["apps"][
        "apps"
    ]
    assert app["owner"]["username"] == "admin"
    assert admin.do("deleteUser", 'username: "leaver"', "ok")["ok"]
    assert admin.do("deleteService", 'name: "of-leaver-redis", serviceType: redis', "ok")["ok"]


def test_review_app_is_made_and_deleted_as_a_published_script_does(
    dev: Caller, admin: Caller, deployed: str
) -> None:
    read = """query ($name: String) { apps(name: $name, allApps:true,) { apps {
        metadata { permissionLevel } collaborators { users teams }
        linkedServices { name serviceType } environmentVariables { name value } } } }"""
    (main,) = admin.ask(read, name=deployed)["apps"]["apps"]
    review = f"{deployed[:15]}-review-of-a-long-branch-name"[:30].strip("-")
    assert dev.do("addApp", f'name: "{review}"')["error"] is None
    for service in main["linkedServices"]:
        name, kind = f"{review}-{service['serviceType']}"[:30], service["serviceType"]
        assert admin.do("addService", f'name: "{name}", serviceType: {kind}')["error"] is None
        link = f'appname: "{review}", serviceName: "{name}", serviceType: {kind}'
        assert admin.do("linkService", link)["error"] is None
    own = ("DOKKU", "DASH", "DATABASE_URL", "GIT_REV", "REDIS_URL", "SCRIPT_NAME", "NO_VHOST")
    for variable in main["environmentVariables"]:
        if not variable["name"].startswith(own):
            document = """mutation ($n: String, $v: String, $a: String) {
                addEnvironmentVariable (name: $n, value: $v, appname: $a) { error } }"""
            done = admin.ask(document, n=variable["name"], v=variable["value"], a=review)
            assert done["addEnvironmentVariable"]["error"] is None
    document = """mutation ($appname: String, $permissionLevel: PermissionLevels) { updateApp(
        appname: $appname, metadata: { permissionLevel: $permissionLevel }) { error } }"""
    level = main["metadata"]["permissionLevel"]
    assert admin.ask(document, appname=review, permissionLevel=level)["updateApp"]["error"] is None
    for viewer in ["dev", *main["collaborators"]["users"]]:
        add = f'appname: "{review}", users: "{viewer}"'
        assert admin.do("addCollaborators", add)["error"] is None
    (made,) = admin.ask(read, name=review)["apps"]["apps"]
    # Others in this file take the viewer away from the app.
    assert set(made["collaborators"]["users"]) == {"dev", *main["collaborators"]["users"]}
    assert {"name": "OWN", "value": "x"} in made["environmentVariables"]
    assert admin.do("deleteApp", f'name: "{review}"', "ok error")["ok"]
    for service in made["linkedServices"]:
        delete = f'name: "{service["name"]}", serviceType: {service["serviceType"]}'
        assert admin.do("deleteService", delete, "error ok")["ok"]


def test_introspection_tells_the_published_schema(dev: Caller) -> None:
    answer: Any = dev.ask(graphql.get_introspection_query())
    told = graphql.build_client_schema(answer)
    broken = [change.description for change in graphql.find_breaking_changes(SCHEMA, told)]
    assert broken in ([], ["DIRECTIVE_DEFINITION was removed from @deprecated."])
    # Clients of an earlier day refuse to read a location that they do not know.
    seen = {place for found in answer["__schema"]["directives"] for place in found["locations"]}
    assert "DIRECTIVE_DEFINITION" not in seen and "FIELD" in seen


@pytest.mark.parametrize("key", ["", "wrong"])
def test_wrong_key(key: str, platform: control.Running) -> None:
    answer = Caller(platform.url, "dev", key).post(json={"query": "{ current { username } }"})
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    "content",
    [
        {"data": "not json"},
        {"json": ["a", "list"]},
        {"json": {"query": "{ nothing }"}},
        {"json": {"query": "query ($a: Int!) { apps(page: $a) { nextPage } }"}},
        {"json": {"query": "{ apps(page: 99999999999) { nextPage } }"}},
        {"files": {"0": ("x", b"x")}, "data": {"operations": "{}", "map": "{}"}},
        {"files": {"0": ("x", b"x")}, "data": {"operations": "[]", "map": "no"}},
    ],
)
def test_what_is_no_request_is_said_to_be_none(content: dict[str, Any], dev: Caller) -> None:
    answer = dev.post(**content)
    assert answer.status_code in (200, 400)
    code = answer.json()["errors"][0]["extensions"]["code"]
    assert code in ("BAD_REQUEST", "BAD_USER_INPUT")
