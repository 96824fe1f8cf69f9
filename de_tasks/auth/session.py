"""A login in use: gives the access token, and a new one when it has run out."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from de_tasks.auth.login import Login
from de_tasks.auth.oidc import Oidc
from de_tasks.auth.store import Store
from de_tasks.errors import NotLoggedIn

EARLY = 30.0
"""Seconds before its end at which a token is renewed already."""


@dataclass
class Session:
    """The login that a command acts with; without a store it lives in memory only."""

    oidc: Oidc
    login: Login
    store: Store | None = field(default=None)
    _renewing: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @classmethod
    def kept(cls, oidc: Oidc, store: Store | None) -> Session | None:
        """The login that is kept for a host, None where there is none."""
        login = store.get(oidc.host.name) if store else None
        return cls(oidc, login, store) if login else None

    @property
    def username(self) -> str:
        """Whose login it is."""
        return self.login.username

    def header(self) -> str:
        """The Authorization header."""
        if self.login.expires - EARLY < time.time():
            self.renew()
        return f"Bearer {self.login.access_token}"

    def renew(self) -> None:
        """Refresh, once for all threads, and for all processes that share the store.

        Raises `NotLoggedIn` when the login has ended.
        """
        before = self.login
        with self._renewing:
            if self.login is before:
                self._refresh()

    def _refresh(self) -> None:
        if self.store is None:
            self.login = self.oidc.refresh(self.login)
            return
        with self.store.lock():
            kept = self.store.get(self.login.host)
            if kept is None:
                raise NotLoggedIn(f"You have been logged out of {self.login.host}. Log in again")
            if kept.access_token == self.login.access_token:
                kept = self.oidc.refresh(kept)
                self.store.put(kept, make_last=False)
            self.login = kept
