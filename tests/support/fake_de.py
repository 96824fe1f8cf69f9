#!/usr/bin/env python3
"""A stand-in for the vendor's `de`, written from its documentation, with a sandbox behind it.

It shares no code with the package: options, sentences and the way of deploying (copy, init, add,
commit, push -f) are those that the vendor documents. What the documentation leaves open, such as
the form of lists, is left odd on purpose.

It is started some hundred times, so it imports little.
"""

from __future__ import annotations

import _socket
import argparse
import binascii
import json
import os
import sys
from pathlib import Path

TYPE_CHECKING = False  # typing's, without importing typing
if TYPE_CHECKING:
    from typing import Any

NEVER = "This app has not been deployed and has no previous builds."
LISTS = {
    "add-viewer": ("addCollaborators", "users"),
    "add-group-viewer": ("addCollaborators", "teams"),
    "remove-viewer": ("removeCollaborators", "users"),
    "remove-group-viewer": ("removeCollaborators", "teams"),
    "add-co-owner": ("addCoOwners", "users"),
    "add-group-co-owner": ("addCoOwners", "teams"),
    "remove-co-owner": ("removeCoOwners", "users"),
    "remove-group-co-owner": ("removeCoOwners", "teams"),
}
METADATA = {
    "title": "title",
    "description": "description",
    "view-access": "permissionLevel",
    "portal-rank": "sortRank",
}


class Server:
    """The platform API of the sandbox, as `de` might use it."""

    def __init__(self, host: str, username: str, password: str) -> None:
        self.url = host if "://" in host else f"https://{host}"
        self.host = host
        self.username = username
        pair = binascii.b2a_base64(f"{username}:{password}".encode(), newline=False)
        self._header = "Basic " + pair.decode()

    def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        body = json.dumps({"query": document, "variables": variables}).encode()
        return self._send(body, "application/json")

    def upload(self, document: str, file: Path, **variables: Any) -> dict[str, Any]:
        operations = json.dumps({"query": document, "variables": {**variables, "file": None}})
        parts = [("operations", operations), ("map", '{"0": ["variables.file"]}')]
        mark = "fake-de"
        lines = [
            f'--{mark}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'
            for n, v in parts
        ]
        head = f'--{mark}\r\nContent-Disposition: form-data; name="0"; filename="f"\r\n\r\n'
        body = "".join([*lines, head]).encode() + file.read_bytes() + f"\r\n--{mark}--\r\n".encode()
        return self._send(body, f"multipart/form-data; boundary={mark}")

    def _send(self, body: bytes, kind: str) -> dict[str, Any]:
        found = json.loads(self._post("/Manager/graphql", body, kind))
        if found.get("errors"):
            if found["errors"][0]["extensions"]["code"] == "TOO_MANY_REQUESTS":
                print(json.dumps({"error": {"errors": found["errors"]}}, indent=2))
                sys.exit(1)
            fail(found["errors"][0]["message"])
        data: dict[str, Any] = found["data"]
        for result in data.values():
            if isinstance(result, dict) and result.get("error"):
                fail(result["error"])
        return data

    def _post(self, path: str, body: bytes, kind: str) -> bytes:
        """The body of the answer, whatever its status, over HTTP alone; http.client takes as long
        to import as all the rest."""
        name, _, port = self.url.removeprefix("http://").partition(":")
        lines = (
            f"POST {path} HTTP/1.0",
            f"Host: {name}:{port}",
            f"Authorization: {self._header}",
            f"Content-Type: {kind}",
            f"Content-Length: {len(body)}",
        )
        connection = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
        connection.settimeout(60)
        connection.connect((name, int(port)))
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        answer = b""
        while piece := connection.recv(1 << 16):
            answer += piece
        return answer.partition(b"\r\n\r\n")[2]

    def push(self, folder: Path, name: str) -> None:
        import subprocess

        remote = self.ask("query ($n: String!) { app(name: $n) { gitUrl } }", n=name)["app"]
        if "FAKE_DE_GIT" in os.environ:  # A place where what is sent is counted.
            remote = {"gitUrl": f"{os.environ['FAKE_DE_GIT']}/{name}"}
        environment = {
            **{n: v for n, v in os.environ.items() if not n.startswith("DASH_ENTERPRISE")},
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "http.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: {self._header}",
        }
        who = ("-c", "user.name=de", "-c", "user.email=de@example.invalid")
        for words in (
            ("init", "-q", "-b", "master"),
            ("add", "."),
            (*who, "commit", "-q", "-m", ARGS.message or "Deploy"),
            ("push", "-q", "-f", remote["gitUrl"], "HEAD:refs/heads/master"),
        ):
            subprocess.run(("git", *words), cwd=folder, env=environment, check=True, timeout=120)


def fail(text: str) -> None:
    print(f"Error: {text}", file=sys.stderr)
    sys.exit(1)


def connect() -> Server:
    file = Path(ARGS.keyfile or Path.home() / ".dash_enterprise" / "credentials.json")
    if ARGS.no_keyfile:
        pair = [os.environ[f"DASH_ENTERPRISE_{part}"] for part in ("USERNAME", "PASSWORD")]
    else:
        if not file.exists() or not file.read_text().strip():
            fail("You are not logged in.")
        pair = json.loads(file.read_text())["pair"]
    return Server(ARGS.host or os.environ["DASH_ENTERPRISE_HOST"], *pair)


def apps() -> None:
    server, name = connect(), getattr(ARGS, "name", "")
    if ARGS.subcommand == "create":
        server.ask("mutation ($n: String) { addApp(name: $n) { error } }", n=name)
        print(f"App {name} was initialized on [{server.host}].")
        return
    if ARGS.subcommand == "list":
        for app in server.ask("query { apps { apps { name } } }")["apps"]["apps"]:
            print(f"* {app['name']} *")
        return
    fields = "name owner { username } processes { type } metadata { tags } latestBuild { status }"
    app = server.ask(f"query ($n: String!) {{ app(name: $n) {{ {fields} }} }}", n=name)["app"]
    if app is None:
        print(f"App [{name}] does not exist on [{server.host}].")
        sys.exit(0 if ARGS.subcommand == "exists" else 1)
    COMMANDS[ARGS.subcommand](server, app)


def exists(server: Server, app: dict[str, Any]) -> None:
    print(f"App [{app['name']}] exists on [{server.host}].")


def info(server: Server, app: dict[str, Any]) -> None:
    print(f"= {app['name']} =\n  Owner .... {app['owner']['username']}")


def users(server: Server, app: dict[str, Any]) -> None:
    query = """query ($n: String!) { app(name: $n) { coOwners { users teams }
    collaborators { users teams } } }"""
    found = server.ask(query, n=app["name"])["app"]
    print(f"Owner => {app['owner']['username']}")
    for title, people in found.items():
        print(f"{title} => {people}")


def status(server: Server, app: dict[str, Any]) -> None:
    print(app["latestBuild"]["status"] if app["latestBuild"] else NEVER)


def logs(server: Server, app: dict[str, Any]) -> None:
    name, count = app["name"], ARGS.count
    if ARGS.type == "build":
        query = """query ($n: String!, $c: Int) { build(appname: $n) { log(count: $c) {
        lines { text } } } }"""
        build = server.ask(query, n=name, c=count)["build"]
        page = build["log"] if build else {"lines": []}
    else:
        query = """query ($n: String!, $p: String, $c: Int) {
        runtimeLogs(appname: $n, processName: $p, count: $c) { lines { text } } }"""
        page = server.ask(query, n=name, p=ARGS.process_name, c=count)["runtimeLogs"]
    for line in page["lines"]:
        print(line["text"])


def restart(server: Server, app: dict[str, Any]) -> None:
    query = "mutation ($n: String!) { restartApp(appname: $n) { restarted error } }"
    for process in server.ask(query, n=app["name"])["restartApp"]["restarted"]:
        print(f"Restarting {process} for app {app['name']}")


def delete(server: Server, app: dict[str, Any]) -> None:
    server.ask("mutation ($n: String) { deleteApp(name: $n) { error } }", n=app["name"])


def update(server: Server, app: dict[str, Any]) -> None:
    name, given = app["name"], vars(ARGS)
    metadata: dict[str, Any] = {
        field: given[option.replace("-", "_")]
        for option, field in METADATA.items()
        if given[option.replace("-", "_")] is not None
    }
    tags = [tag for tag in (app["metadata"]["tags"] or "").split(",") if tag]
    if ARGS.tag or ARGS.remove_tag:
        tags = [tag for tag in tags if tag not in ARGS.remove_tag] + ARGS.tag
        metadata["tags"] = ",".join(tags)
    if ARGS.visible_on_portal is not None:
        metadata["showInPortal"] = ARGS.visible_on_portal
    if ARGS.maintainer_email is not None:
        metadata["contact"] = {"email": ARGS.maintainer_email}
    if metadata:
        query = """mutation ($n: String, $m: AppMetaDataInput) {
        updateApp(appname: $n, metadata: $m) { error } }"""
        server.ask(query, n=name, m=metadata)
    for option, (mutation, kind) in LISTS.items():
        for person in filter(None, given[option.replace("-", "_")]):
            query = f"""mutation ($n: String!, $p: [String]) {{
            {mutation}(appname: $n, {kind}: $p) {{ error }} }}"""
            server.ask(query, n=name, p=[person])
    for pair in ARGS.add_environment_variable:
        key, _, value = pair.partition("=")
        query = """mutation ($n: String, $k: String, $v: String) {
        addEnvironmentVariable(appname: $n, name: $k, value: $v) { error } }"""
        server.ask(query, n=name, k=key, v=value)
    for key in ARGS.remove_environment_variable:
        query = """mutation ($n: String, $k: String) {
        removeEnvironmentVariable(appname: $n, name: $k) { error } }"""
        server.ask(query, n=name, k=key)
    if given.get("python_version"):
        query = """mutation ($n: String!, $v: String) {
        setPython(appname: $n, version: $v) { error } }"""
        server.ask(query, n=name, v=ARGS.python_version)
    if ARGS.persistent_filesystem is not None:
        query = """mutation ($n: String!, $e: Boolean!) {
        setPersistentFilesystem(appname: $n, enabled: $e) { error } }"""
        server.ask(query, n=name, e=ARGS.persistent_filesystem)
    if ARGS.thumbnail:
        query = """mutation ($n: String, $file: Upload!) {
        uploadAppThumbnail(appname: $n, thumbnail: $file) { error } }"""
        server.upload(query, Path(ARGS.thumbnail), n=name)


def services() -> None:
    server, kind = connect(), ARGS.type
    name = ARGS.name or ARGS.app_name
    if ARGS.subcommand == "list":
        for service in server.ask("query { services { name serviceType } }")["services"]:
            print(f"* {service['name']} *")
        return
    query = "query ($n: String!) { app(name: $n) { linkedServices { name serviceType } } }"
    app = server.ask(query, n=name)["app"]
    if app is None:
        print(f"App [{name}] does not exist on [{server.host}].")
        sys.exit(1)
    found = [s["name"] for s in app["linkedServices"] if s["serviceType"] == kind]
    if ARGS.subcommand == "exists":
        print(bool(found))
    elif ARGS.subcommand == "update":
        query = """mutation ($s: String!, $k: ServiceType!, $m: String) {
        updateService(name: $s, serviceType: $k, memory: $m) { error } }"""
        server.ask(query, s=found[0] if found else f"{name}-{kind}", k=kind, m=ARGS.memory)
        print(f"{kind} of {name} <= {ARGS.memory}")
    elif ARGS.subcommand == "create":
        both = {"s": f"{name}-{kind}", "k": kind}
        query = """mutation ($s: String, $k: ServiceType) {
        addService(name: $s, serviceType: $k) { error } }"""
        server.ask(query, **both)
        query = """mutation ($n: String, $s: String, $k: ServiceType) {
        linkService(appname: $n, serviceName: $s, serviceType: $k) { error } }"""
        server.ask(query, n=name, **both)
    else:
        query = """mutation ($s: String, $k: ServiceType) {
        deleteService(name: $s, serviceType: $k) { error } }"""
        server.ask(query, s=found[0] if found else f"{name}-{kind}", k=kind)


def deploy() -> None:
    import shutil
    import tempfile

    server = connect()
    name = ARGS.name or Path(ARGS.path).resolve().name
    query = "query ($n: String!) { app(name: $n) { name } }"
    if not ARGS.y and input("Are you sure? ") != "y":
        sys.exit(1)
    if server.ask(query, n=name)["app"] is None:
        server.ask("mutation ($n: String) { addApp(name: $n) { error } }", n=name)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(ARGS.path, copy, ignore=shutil.ignore_patterns(".git"), symlinks=True)
        server.push(copy, name)
    print(f"Deployed to {server.url}/{name}/")


def login() -> None:
    file = Path(ARGS.keyfile or Path.home() / ".dash_enterprise" / "credentials.json")
    pair = [os.environ[f"DASH_ENTERPRISE_{part}"] for part in ("USERNAME", "PASSWORD")]
    server = Server(ARGS.host, *pair)
    server.ask("query { current { username } }")
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"pair": pair}))
    print(f"Logged in as [{pair[0]}] to [{ARGS.host}]!")


def logout() -> None:
    Path(ARGS.keyfile or Path.home() / ".dash_enterprise" / "credentials.json").write_text("")


def whoami() -> None:
    server = connect()
    name = server.ask("query { current { username } }")["current"]["username"]
    print(f"Logged in as [{name}] to [{server.host}].")


COMMANDS = {
    "exists": exists,
    "status": status,
    "logs": logs,
    "restart": restart,
    "delete": delete,
    "update": update,
}


def transfer(server: Server, app: dict[str, Any]) -> None:
    query = """mutation ($n: String!, $u: String!) {
    transferApp(appname: $n, username: $u) { error } }"""
    server.ask(query, n=app["name"], u=ARGS.username)
    print(f"{app['name']} ~> {ARGS.username}")


NEW = {"info": info, "users": users, "transfer": transfer}
"""What version 1.10 has besides."""
VERSION = os.environ.get("FAKE_DE_VERSION", "1.10.0")
IS_NEW = tuple(map(int, VERSION.split("."))) >= (1, 10)
if IS_NEW:
    COMMANDS |= NEW


def parser() -> argparse.ArgumentParser:
    main = argparse.ArgumentParser(prog="de", allow_abbrev=False)
    for option in ("host", "keyfile", "ca-path"):
        main.add_argument(f"--{option}")
    main.add_argument("--no-keyfile", action="store_true")
    main.add_argument("--version", action="version", version=f"de_client, version {VERSION}")
    commands = main.add_subparsers(dest="command", required=True)
    for function in (login, logout, whoami):
        commands.add_parser(function.__name__).set_defaults(run=function)
    one = commands.add_parser("deploy", allow_abbrev=False)
    one.add_argument("path", nargs="?", default=".")
    one.add_argument("--name", "-n")
    one.add_argument("--message", "-m")
    one.add_argument("-y", action="store_true")
    one.set_defaults(run=deploy)
    group = commands.add_parser("apps").add_subparsers(dest="subcommand", required=True)
    for name in ("create", "list", *COMMANDS):
        one = group.add_parser(name, allow_abbrev=False)
        one.set_defaults(run=apps)
        if name != "list":
            one.add_argument("--name", "-n", required=True)
        if name == "transfer":
            one.add_argument("--username", required=True)
        if name == "logs":
            one.add_argument("--type", "-t", choices=["build", "runtime"], required=True)
            one.add_argument("--count", type=int, default=200)
            one.add_argument("--process-name", default="web")
        if name == "update":
            for option in (
                *METADATA,
                "maintainer-email",
                "thumbnail",
                *["python-version"] * IS_NEW,
            ):
                one.add_argument(f"--{option}", type=int if option == "portal-rank" else str)
            for option in (
                *("visible-on-portal", "not-visible-on-portal"),
                *("persistent-filesystem", "no-persistent-filesystem"),
            ):
                place = option.removeprefix("no-").removeprefix("not-").replace("-", "_")
                kind = "store_false" if option.startswith("no") else "store_true"
                one.add_argument(f"--{option}", action=kind, dest=place, default=None)
            repeated = ("add-environment-variable", "remove-environment-variable", "tag")
            for option in (*LISTS, *repeated, "remove-tag"):
                one.add_argument(f"--{option}", action="append", default=[])
    group = commands.add_parser("services").add_subparsers(dest="subcommand", required=True)
    for name in ("list", "exists", "create", "delete", *(("update",) if IS_NEW else ())):
        one = group.add_parser(name, allow_abbrev=False)
        one.set_defaults(run=services)
        one.add_argument("--type", "-t", choices=["redis", "postgres", "all"], required=True)
        one.add_argument("--name", "-n")
        one.add_argument("--app-name")
        if name == "update":
            one.add_argument("--memory", required=True)
    return main


if __name__ == "__main__":
    ARGS = parser().parse_args()
    ARGS.run()
