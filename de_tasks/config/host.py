"""A Dash Enterprise by its name, and the addresses that follow from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from de_tasks.config.settings import Settings
from de_tasks.errors import UsageError

LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True)
class Host:
    """A Dash Enterprise: `name` as people write it, and the addresses that follow from it."""

    name: str
    issuer: str
    api: str
    git: str
    web: str

    @classmethod
    def of(cls, text: str, values: Settings) -> Host:
        """The same as `parse`, with the addresses that the settings give in place of ours."""
        host = cls.parse(text, values.insecure_http)
        given = {"issuer": values.issuer, "api": values.api, "git": values.git}
        return replace(host, **{name: url.rstrip("/") for name, url in given.items() if url})

    @classmethod
    def parse(cls, text: str, insecure_http: bool = False) -> Host:
        """Read `example.plotly.host`, or a URL such as `http://127.0.0.1:8888`.

        Raises `UsageError` for anything else, and for plain HTTP to another machine.
        """
        text = text.strip().rstrip("/")
        url = text if "://" in text else f"https://{text}"
        try:
            parts = urlsplit(url)
            _ = parts.port
        except ValueError:
            parts = urlsplit("")
        if parts.username or parts.password:
            raise UsageError("A host is given without user name and password.")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path:
            raise UsageError(
                f"{text!r} is not a host. Give a name like example.plotly.host, "
                "or a URL like http://127.0.0.1:8888"
            )
        if parts.scheme == "http" and parts.hostname not in LOOPBACK and not insecure_http:
            raise UsageError(
                f"{text} would send your password over plain HTTP. Use https://, "
                "or set de.insecure_http if you know the way is safe"
            )
        if "://" not in text:
            issuer = f"https://auth-{text}/auth/realms/dash"
        else:
            issuer = f"{url}/auth/realms/dash"
        return cls(text, issuer, f"{url}/Manager/graphql", f"{url}/GIT", url)
