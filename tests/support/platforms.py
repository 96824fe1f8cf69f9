"""The platform as a user of a sandbox sees it, without a command line."""

from __future__ import annotations

from pathlib import Path

from de_tasks.auth.caller import Account
from de_tasks.auth.oidc import Oidc
from de_tasks.auth.session import Session
from de_tasks.config.host import Host
from de_tasks.net.budget import Budget
from de_tasks.net.http import Transport
from de_tasks.net.retry import Policy
from de_tasks.platform.graphql.client import Client
from de_tasks.platform.graphql.operations import GraphQLPlatform
from de_tasks.server.control import Running
from tests.support.backstage import backstage


def account_of(running: Running, user: str, policy: Policy | None = None) -> Account:
    """The account of a user, newly logged in; its budget lies in the sandbox's data directory."""
    policy = policy or Policy()
    oidc = Oidc(Host.parse(running.url), Transport(), policy)
    session = Session(oidc, backstage(running).login(user))
    return Account(session, policy, Budget(Path(running.data), running.url, user))


def platform_of(running: Running, user: str, policy: Policy | None = None) -> GraphQLPlatform:
    """The platform as the user sees it."""
    account = account_of(running, user, policy)
    return GraphQLPlatform(Client(Host.parse(running.url), account, Transport()))
