"""How the parts of a sandbox are put together, a function for each package."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from de_tasks.server.api.endpoint import GraphQLEndpoint, make_schema
from de_tasks.server.api.resolvers.apps import AppResolvers
from de_tasks.server.api.resolvers.base import bind
from de_tasks.server.api.resolvers.builds import BuildResolvers
from de_tasks.server.api.resolvers.services import ServiceResolvers
from de_tasks.server.api.resolvers.shapes import Shapes
from de_tasks.server.api.resolvers.users import UserResolvers
from de_tasks.server.apps import Apps
from de_tasks.server.builds.queue import Builds
from de_tasks.server.builds.recovery import Recovery
from de_tasks.server.builds.repositories import Repositories
from de_tasks.server.builds.rollback import Rollback
from de_tasks.server.database import Database
from de_tasks.server.git.hooks import Pushes, write_hooks
from de_tasks.server.git.smart_http import GitApp
from de_tasks.server.http.pages import Pages
from de_tasks.server.proxy.admission import Proxy
from de_tasks.server.proxy.forward import Forwarder
from de_tasks.server.proxy.visitors import Visitors
from de_tasks.server.runtime.app_settings import AppSettings
from de_tasks.server.runtime.environments import Environments
from de_tasks.server.runtime.processes import Leash
from de_tasks.server.runtime.releases import Releases
from de_tasks.server.runtime.variables import Variables
from de_tasks.server.services.databases import Databases
from de_tasks.server.services.services import Services
from de_tasks.server.settings import ServerSettings
from de_tasks.server.signin.code_flow import CodeFlow
from de_tasks.server.signin.devices import Devices
from de_tasks.server.signin.endpoints import OidcEndpoints
from de_tasks.server.signin.form import SignIn
from de_tasks.server.users.access import Access
from de_tasks.server.users.accounts import Accounts
from de_tasks.server.users.administration import Administration
from de_tasks.server.users.authorization_header import Identity
from de_tasks.server.users.cookies import Cookies
from de_tasks.server.users.rate_limit import RateLimit
from de_tasks.server.users.sessions import Sessions
from de_tasks.server.users.throttle import Throttle, TooManyAttempts
from de_tasks.server.users.tokens import Tokens, signing_key
from de_tasks.server.web.account_page import AccountPage
from de_tasks.server.web.admin_api import AdminApi
from de_tasks.server.web.app_list import AppList
from de_tasks.server.web.app_manager import AppManager
from de_tasks.server.web.build_page import BuildPage
from de_tasks.server.web.delete_page import DeletePage
from de_tasks.server.web.new_app_page import NewAppPage
from de_tasks.server.web.portal import Portal
from de_tasks.server.web.site import Site
from de_tasks.server.web.users_page import UsersPage

PASSWORDS = "passwords.json"


@dataclass(frozen=True)
class UserParts:
    """Who is who, and who may do what."""

    throttle: Throttle
    accounts: Accounts
    tokens: Tokens
    identity: Identity
    administration: Administration
    access: Access
    cookies: Cookies
    sessions: Sessions
    limit: RateLimit


def wire_users(settings: ServerSettings, database: Database) -> UserParts:
    """The package `users`; a new sandbox gets its first ones."""
    throttle = Throttle(settings.sign_in_failures, settings.sign_in_seconds)
    accounts = Accounts(database, settings.data / "api-keys.secret", throttle)
    accounts.create_first_users(settings.data / PASSWORDS)
    tokens = Tokens(database, accounts, settings, signing_key(settings.data))
    cookies = Cookies(settings)
    return UserParts(
        throttle=throttle,
        accounts=accounts,
        tokens=tokens,
        identity=Identity(accounts, tokens),
        administration=Administration(database, accounts, throttle),
        access=Access(database, accounts),
        cookies=cookies,
        sessions=Sessions(database, accounts, cookies),
        limit=RateLimit(settings.rate_limit_points, settings.rate_limit_seconds),
    )


@dataclass(frozen=True)
class RuntimeParts:
    """What runs of each app, and its databases."""

    leash: Leash
    environments: Environments
    variables: Variables
    databases: Databases
    services: Services
    app_settings: AppSettings
    releases: Releases


def wire_runtime(
    settings: ServerSettings,
    database: Database,
    users: UserParts,
    client: aiohttp.ClientSession,
    lock: int | None,
    changed: Callable[[int], Awaitable[bool]],
) -> RuntimeParts:
    """The packages `runtime` and `services`; `changed` hears of an app that has other services."""
    leash = Leash(lock)
    environments = Environments(settings.data / "environments", lock, settings.install_timeout)
    variables = Variables(database)
    databases = Databases(settings.data / "databases", leash)
    services = Services(database, users.access, databases, changed)
    app_settings = AppSettings(database, variables, services.urls, settings.allow_mount)
    return RuntimeParts(
        leash=leash,
        environments=environments,
        variables=variables,
        databases=databases,
        services=services,
        app_settings=app_settings,
        releases=Releases(settings, environments, app_settings, leash, client),
    )


@dataclass(frozen=True)
class BuildParts:
    """From push to release."""

    repositories: Repositories
    builds: Builds
    recovery: Recovery
    apps: Apps
    pushes: Pushes


def wire_builds(
    settings: ServerSettings, database: Database, users: UserParts, runtime: RuntimeParts
) -> BuildParts:
    """The package `builds`, the apps, and the hooks of git that tell of pushes."""
    releases, environments = runtime.releases, runtime.environments
    hooks = write_hooks(settings.data / "hooks")
    repositories = Repositories(settings.data / "git", hooks, settings.push_limit, runtime.leash)
    builds = Builds(
        settings=settings,
        database=database,
        repositories=repositories,
        environments=environments,
        releases=releases,
        app_settings=runtime.app_settings,
    )
    apps = Apps(
        settings=settings,
        database=database,
        access=users.access,
        repositories=repositories,
        releases=releases,
        builds=builds,
    )

    def may_deploy(username: str, name: str) -> bool:
        user, row = users.accounts.get(username), apps.find(name)
        return bool(user and row and apps.may_manage(user, row))

    return BuildParts(
        repositories=repositories,
        builds=builds,
        recovery=Recovery(
            settings=settings,
            database=database,
            repositories=repositories,
            environments=environments,
            releases=releases,
            builds=builds,
        ),
        apps=apps,
        pushes=Pushes(settings.data / "sockets", database, builds, releases, may_deploy),
    )


def wire_api(
    settings: ServerSettings,
    database: Database,
    users: UserParts,
    runtime: RuntimeParts,
    building: BuildParts,
) -> GraphQLEndpoint:
    """The package `api`."""
    shapes = Shapes(
        settings=settings,
        access=users.access,
        builds=building.builds,
        releases=runtime.releases,
        environments=runtime.environments,
        app_settings=runtime.app_settings,
        variables=runtime.variables,
        services=runtime.services,
    )
    apps = building.apps
    resolvers = (
        AppResolvers(
            database=database,
            apps=apps,
            access=users.access,
            releases=runtime.releases,
            app_settings=runtime.app_settings,
            variables=runtime.variables,
            shapes=shapes,
        ),
        BuildResolvers(
            database=database,
            apps=apps,
            builds=building.builds,
            rollback=Rollback(building.repositories, building.builds),
            releases=runtime.releases,
            shapes=shapes,
        ),
        ServiceResolvers(apps, runtime.services, shapes),
        UserResolvers(settings, database, users.accounts, apps, shapes),
    )
    return GraphQLEndpoint(make_schema(*bind(*resolvers)), users.identity, users.limit)


def wire_git(
    settings: ServerSettings, users: UserParts, runtime: RuntimeParts, building: BuildParts
) -> GitApp:
    """The package `git`."""
    return GitApp(
        settings=settings,
        repositories=building.repositories,
        apps=building.apps,
        identity=users.identity,
        pushes=building.pushes,
        leash=runtime.leash,
        limit=users.limit,
    )


def wire_signin(
    settings: ServerSettings,
    database: Database,
    users: UserParts,
    pages: Pages,
    code_flow: CodeFlow,
) -> list[BaseRoute]:
    """The package `signin`: the routes of the realm."""
    accounts, sessions = users.accounts, users.sessions
    host = settings.url.partition("://")[2]
    devices = Devices(database, sessions, pages, users.throttle, host)
    realm = (
        OidcEndpoints(settings, accounts, users.tokens, users.identity, devices),
        SignIn(accounts, users.tokens, sessions, pages),
        devices,
        code_flow,
    )
    return [route for part in realm for route in part.routes()]


def wire_web(
    settings: ServerSettings,
    instance: str,
    key: str,
    users: UserParts,
    apps: Apps,
    graphql: GraphQLEndpoint,
    pages: Pages,
    realm: list[BaseRoute],
) -> Starlette:
    """The package `web`, and all else that is routed by its path; `key` is that of its admin."""
    accounts, sessions, limit = users.accounts, users.sessions, users.limit
    administration = users.administration
    admin_api = AdminApi(accounts, administration, users.identity, limit, key)
    site = Site(
        settings=settings,
        instance=instance,
        apps=apps,
        identity=users.identity,
        sessions=sessions,
        pages=pages,
    )
    router = Starlette(
        routes=[
            Route("/Manager/graphql", graphql.answer, methods=["POST"]),
            Mount("/auth/realms/dash", routes=realm),
            Mount("/sandbox", routes=admin_api.routes()),
            *Portal(settings, apps, sessions, pages).routes(),
            *BuildPage(sessions, pages, graphql).routes(),
            *DeletePage(sessions, pages, graphql).routes(),
            *AppList(sessions, pages, graphql).routes(),
            *NewAppPage(sessions, pages, graphql).routes(),
            *AppManager(sessions, pages, graphql).routes(),
            *AccountPage(sessions, pages, graphql, accounts, limit).routes(),
            *UsersPage(sessions, pages, accounts, administration).routes(),
            *site.routes(),
        ],
        exception_handlers={TooManyAttempts: _too_many},
    )
    router.state.patience = settings.patience
    return router


def wire_proxy(
    settings: ServerSettings,
    database: Database,
    users: UserParts,
    runtime: RuntimeParts,
    apps: Apps,
    pages: Pages,
    code_flow: CodeFlow,
    client: aiohttp.ClientSession,
) -> Proxy:
    """The package `proxy`."""
    return Proxy(
        settings=settings,
        apps=apps,
        access=users.access,
        releases=runtime.releases,
        visitors=Visitors(
            settings=settings,
            database=database,
            sessions=users.sessions,
            authorization=code_flow,
            tokens=users.tokens,
            cookies=users.cookies,
            pages=pages,
        ),
        forwarder=Forwarder(settings, client, pages),
        pages=pages,
    )


async def _too_many(request: Request, error: Exception) -> Response:
    assert isinstance(error, TooManyAttempts)
    refusal = {"message": str(error), "extensions": {"code": "TOO_MANY_REQUESTS"}}
    return JSONResponse({"errors": [refusal]}, 429, headers=error.headers)
