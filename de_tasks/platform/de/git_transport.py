"""Whether deploys to a host that is reached through `de` go by git, and as whom."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from de_tasks.auth.caller import Account
from de_tasks.auth.credentials import Credentials, Pair, TokenAsPassword
from de_tasks.config.host import Host
from de_tasks.config.settings import Settings, cache_folder
from de_tasks.errors import DeTasksError, UsageError
from de_tasks.net.budget import Budget
from de_tasks.net.http import Transport
from de_tasks.net.retry import Policy
from de_tasks.platform.de.git_login import Finding, Guess, find
from de_tasks.platform.de.git_memory import GitMemory
from de_tasks.repo.remote import Remote

if TYPE_CHECKING:
    from de_tasks.auth.session import Session
    from de_tasks.auth.store import Store

PAIR = "user name and password"
BEARER = "the access token"
TOKEN = "the access token as a password"


@dataclass
class GitTransport:
    """The git of a host, asked once for each app."""

    values: Settings
    host: Host
    transport: Transport
    store: Store | None
    policy: Policy
    _found: dict[str, Finding] = field(default_factory=dict, init=False)

    @property
    def memory(self) -> GitMemory:
        """What is known of it from earlier."""
        return GitMemory(cache_folder(self.values), self.host.git)

    def url(self, app: str) -> str:
        """The address of an app's repository."""
        return f"{self.host.git}/{app}"

    def look(self, app: str) -> Finding:
        """By which login the app's repository takes pushes, if by any; raises nothing."""
        return self._look(self.url(app))

    def remote(self, url: str, branch: str) -> Remote:
        """The way to a branch. Raises `UsageError` where there is no git that takes our login."""
        found = self._look(self.host.entrusted(url))
        login = found.login
        if login is None:
            # An app that was made a moment ago may have been asked for before.
            self._found.pop(url, None)
            raise UsageError(
                f"{url} was asked for as git asks, and cannot be deployed to: {found.why}.\n"
                "Set DASH_ENTERPRISE_USERNAME and DASH_ENTERPRISE_PASSWORD or log in again, set "
                "de.git if its repositories are elsewhere, or set de.git_transport to de"
            )
        credentials = login.guess.credentials
        budget = Budget(cache_folder(self.values), self.host.name, credentials.username)
        account = Account(credentials, self.policy, budget)
        ca_path, trusted = self.transport.ca_path, self.host.trusted
        return Remote(url, branch, account, ca_path, trusted, login.protocol)

    def forget(self, app: str) -> None:
        """Ask again for an app that was made since."""
        self._found.pop(self.url(app), None)

    def _look(self, url: str) -> Finding:
        if url not in self._found:
            try:
                guesses = (self._pair, self._bearer, self._token)
                self._found[url] = find(url, guesses, self.transport, self.memory)
            except DeTasksError as error:
                self._found[url] = Finding(None, str(error).partition("\n")[0].rstrip("."))
        return self._found[url]

    def _pair(self) -> Guess | None:
        user, password = self.values.username, self.values.password
        if not (user and password):
            return None
        refused = partial(self.memory.refuse, PAIR, user)
        return Guess(PAIR, Pair(self.host.name, user, password, refused))

    def _bearer(self) -> Guess | None:
        return self._guess(BEARER, self._session)

    def _token(self) -> Guess | None:
        session = self._session
        return self._guess(TOKEN, TokenAsPassword(session) if session else None)

    @staticmethod
    def _guess(kind: str, credentials: Credentials | None) -> Guess | None:
        return Guess(kind, credentials) if credentials else None

    @property
    def _session(self) -> Session | None:
        """The login of our own, where there is one."""
        from de_tasks.auth.oidc import Oidc
        from de_tasks.auth.session import Session

        return Session.kept(Oidc(self.host, self.transport, self.policy), self.store)
