"""A browser of few words: cookies, redirects and forms, without scripts."""

from __future__ import annotations

import html
import re

import requests

from de_tasks.server import control
from tests.support.addresses import client
from tests.support.backstage import backstage
from tests.support.waiting import BOUND

FIELD = re.compile(r'type="hidden" name="(\w+)" value="([^"]*)"')


class Browser:
    """Someone's browser on a sandbox, at the address of the present test."""

    def __init__(self, running: control.Running, session: requests.Session | None = None) -> None:
        self.running = running
        self.session = session or client()
        self.apps = f"http://localhost:{running.port}"

    def get(self, url: str, **options: object) -> requests.Response:
        """Open a page; a path is one of the platform."""
        address = url if "://" in url else self.running.url + url
        return self.session.get(address, timeout=BOUND, **options)  # type: ignore[arg-type]

    def submit(
        self, page: requests.Response, action: str = "", **fields: str | bytes
    ) -> requests.Response:
        """Fill in the form of a page and send it off; its hidden fields go along. Bytes are a file
        that was chosen, called as its field is."""
        hidden = {name: html.unescape(value) for name, value in FIELD.findall(page.text)}
        address = action or page.url.partition("?")[0]
        texts = {name: value for name, value in fields.items() if isinstance(value, str)}
        files = {name: value for name, value in fields.items() if isinstance(value, bytes)}
        data = {**hidden, **texts}
        return self.session.post(address, data=data, files=files or None, timeout=BOUND)

    def be(self, user: str) -> Browser:
        """Be signed in to the platform as a user, without a password."""
        prefix = "__Host-" if self.running.ca_path else ""
        name = f"{prefix}de-session-{self.running.port}"
        value = backstage(self.running).session(user)
        self.session.cookies.set(name, value, domain="127.0.0.1", path="/")
        return self

    def sign_in(self, user: str, page: requests.Response | None = None) -> requests.Response:
        """Sign in at the platform, or on the form that a page has led to."""
        form = page or self.get("/auth/realms/dash/sign-in")
        return self.submit(form, username=user, password=backstage(self.running).password(user))
