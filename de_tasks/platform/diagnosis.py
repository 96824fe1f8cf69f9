"""Is everything in order? One finding for each thing that deploying needs."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from de_tasks.config.host import Host
from de_tasks.config.settings import Settings
from de_tasks.errors import DeTasksError, UsageError
from de_tasks.net.http import Transport
from de_tasks.net.retry import Wait
from de_tasks.platform.connect import Connection
from de_tasks.platform.graphql import mutations, operations
from de_tasks.platform.graphql.client import Client
from de_tasks.platform.models import Changes, Mount, People
from de_tasks.platform.route import choose
from de_tasks.repo.environment import developers
from de_tasks.repo.git import Git
from de_tasks.terminal.commands import typed

SOMEBODY = People(("user",), ("group",))
EVERYTHING = Changes(
    title="",
    description="",
    tags=(),
    view_access="restricted",
    visible_on_portal=False,
    portal_rank=0,
    maintainer_email="",
    persistent_filesystem=False,
    python_version="",
    thumbnail=b"",
    add_viewers=SOMEBODY,
    remove_viewers=SOMEBODY,
    add_co_owners=SOMEBODY,
    remove_co_owners=SOMEBODY,
    set_variables={"KEY": ""},
    remove_variables=("KEY",),
    scale={"web": 1},
    add_mounts=(Mount("/folder", "folder"),),
)
"""One of every change, for the document that makes them."""


@dataclass(frozen=True)
class Diagnosis:
    """What was looked at, whether it is in order, and what was seen."""

    what: str
    good: bool
    seen: str


def machine(cache: Path) -> Iterator[Diagnosis]:
    """Findings about this machine."""
    yield Diagnosis("python", True, platform.python_version())
    try:
        yield Diagnosis("git", True, Git(None, developers)("version").strip())
    except UsageError as error:
        yield Diagnosis("git", False, str(error))
    try:
        cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = cache / "doctor"
        probe.touch()
        probe.unlink()
        yield Diagnosis("cache", True, f"{cache}, {shutil.disk_usage(cache).free // 10**6} MB free")
    except OSError as error:
        yield Diagnosis("cache", False, f"{cache} cannot be written: {error.strerror}.")


def way(values: Settings, host: Host) -> Diagnosis:
    """Whether the host is reached by its API or through `de`, and why."""
    chosen = choose(values, host, Transport(values.ca_path))
    through = {"api": "the platform API", "de": f"the vendor's {values.executable}"}
    words = f"{host.name} is reached through {through[chosen.through]}, because {chosen.why}."
    return Diagnosis("connection", True, words)


def deploys(connection: Connection, app: str) -> Diagnosis:
    """How deploys go to a host that is reached through `de`, and why."""
    what = "deploys"
    if connection.git is None:
        return Diagnosis(what, True, "by `de deploy`: set by de.git_transport")
    found = connection.git.look(app)
    asked = connection.git.url(app)
    if found.login:
        return Diagnosis(what, True, f"by git to {asked}: {found.why}")
    if connection.settings.git_transport == "direct":
        words = f"de.git_transport is direct, and {asked} takes no deploy of yours: {found.why}"
        return Diagnosis(what, False, words)
    return Diagnosis(what, True, f"by `de deploy`, not by git to {asked}: {found.why}")


def api_of_5(values: Settings, tell: Callable[[Wait], None], file: str = "") -> Diagnosis:
    """What of the API of version 5 is as the one public program of it has it; its names and types
    are saved in a file that is given. Nothing depends on it, so only that can go wrong."""
    from de_tasks.auth.oidc import Oidc
    from de_tasks.auth.session import Session
    from de_tasks.platform.connect import policy, target
    from de_tasks.platform.de import api_schema

    to = target(values)
    address = to.settings.api or to.host.api_of_5
    oidc = Oidc(to.host, to.transport, policy(to.settings, to.host, tell))
    try:
        session = Session.kept(oidc, to.store)
        if session is None:
            words = f"{address} was not asked: there is no login of our own"
            return Diagnosis("api of 5", not file, f"{words}. Type: {typed('login')}")
        schema = api_schema.ask(address, session.header(), to.transport)
    except DeTasksError as error:
        return Diagnosis("api of 5", not file, f"{address} was asked for its schema: {error}")
    there, lacking = schema.shapes()
    words = f"{address} has {len(there)} of {len(there) + len(lacking)} known shapes"
    words += f", and not {', '.join(lacking)}" if lacking else ""
    if file:
        schema.save(Path(file))
        words += f". Its names and types are in {file}"
    return Diagnosis("api of 5", True, f"{words}. Nothing uses it yet.")


def documents() -> dict[str, str]:
    """Every GraphQL document that we send, by name."""
    found = {
        name: text
        for name, text in vars(operations).items()
        if name.isupper() and isinstance(text, str) and text.startswith(("query", "mutation"))
    }
    return {**found, "UPDATE": mutations.document("app", mutations.steps(EVERYTHING))[0]}


def server(client: Client) -> Iterator[Diagnosis]:
    """Findings about the platform API: what our documents ask for and the server lacks."""
    try:
        import graphql
    except ImportError:
        yield Diagnosis(
            "api",
            True,
            "not compared with what is sent: pip install graphql-core, and ask again",
        )
        return
    try:
        answer = client.execute(graphql.get_introspection_query(), actions=0)
    except DeTasksError as error:
        yield Diagnosis("api", False, f"The server does not say what its API offers: {error}")
        return
    try:
        schema = graphql.build_client_schema(answer.data)  # type: ignore[arg-type]
    except (TypeError, graphql.GraphQLError) as error:
        yield Diagnosis(
            "api", False, f"The server's description of its API cannot be read: {error}"
        )
        return
    lacking = 0
    for name, text in documents().items():
        for problem in graphql.validate(schema, graphql.parse(text)):
            lacking += 1
            yield Diagnosis(
                "api",
                False,
                f"The server does not understand our request {name}: {problem.message}",
            )
    if not lacking:
        count = len(documents())
        yield Diagnosis("api", True, f"The server understands all {count} requests that we send.")
