"""A Dash Enterprise by its name, and the addresses that follow from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from de_tasks.config.settings import Settings
from de_tasks.errors import DeTasksError, UsageError

LOOPBACK = {"127.0.0.1", "::1", "localhost"}
HERE = "localhost"
"""Stands for each of them."""
PLATFORM_HOST = "127.0.0.1"
"""Where a sandbox is; its apps are at the other name of this machine."""
PORTS = {"https": 443, "http": 80}


def on_this_machine(address: str) -> bool:
    """Whether an address, such as `http://127.0.0.1:8888/x`, is one of loopback."""
    import ipaddress

    try:
        name = (urlsplit(address).hostname or "").rstrip(".")
        return f".{name}".endswith(".localhost") or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


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
            raise UsageError("Give the host without user name and password.")
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
        if "://" not in text and parts.hostname in LOOPBACK:
            port = f":{parts.port}" if parts.port else ""
            raise UsageError(
                f"{text} is this machine. For its sandbox write http://{PLATFORM_HOST}{port}"
            )
        if "://" not in text:
            issuer = f"https://auth-{text}/auth/realms/dash"
        else:
            issuer = f"{url}/auth/realms/dash"
        return cls(text, issuer, f"{url}/Manager/graphql", f"{url}/GIT", url)

    def trusted(self, address: str) -> str:
        """An address that a server of the host's names, if it is as safe as the host's own: over
        TLS, or on the host itself where that is reached without, or is this machine.

        Raises `DeTasksError` for anything else: a person would be sent, or a request go, there.
        """
        scheme, hostname, _ = _place(address)
        own = {_place(url)[:2] for url in self._addresses}
        # Between two programs of one machine nobody listens.
        own |= {("http", name) for _, name in own if name == HERE}
        if scheme == "https" or (scheme, hostname) in own:
            return address
        raise DeTasksError(f"{self.name} names an address that is not safe: {address!r}.")

    def own(self, address: str) -> str:
        """A trusted address, if it lies on the host or below its name.

        Raises `DeTasksError` for anything else: the page there would pass for one of the host's.
        """
        _, hostname, _ = _place(self.trusted(address))
        names = {_place(url)[1] for url in self._addresses}
        if any(f".{hostname}".endswith(f".{name}") for name in names):
            return address
        raise DeTasksError(f"{self.name} names an address on another host: {address!r}.")

    def entrusted(self, address: str) -> str:
        """An address that a login may be sent to: one at the host's own servers, as it was typed
        or set.

        Raises `DeTasksError` for anything else: whoever answers there could act as the user.
        """
        if _place(address) in map(_place, self._addresses):
            return address
        raise DeTasksError(
            f"{self.name} names a git repository on another server, {address!r}, which your login "
            "is not for. If it is the right one, set de.git (INVOKE_DE_GIT) to the address of its "
            "repositories"
        )

    @property
    def api_of_5(self) -> str:
        """Where version 5 has its API: beside the host, unless that is a URL."""
        return self.api if "://" in self.name else f"https://api-{self.name}/graphql"

    @property
    def _addresses(self) -> tuple[str, ...]:
        return (self.issuer, self.api, self.git, self.web)


def _place(address: str) -> tuple[str, str, int]:
    """Scheme, host and port; all empty for what programs may read in different ways."""
    try:
        parts = urlsplit(address)
        port = parts.port or PORTS[parts.scheme]
    except (KeyError, ValueError):
        return "", "", 0
    plain = address.isascii() and address.isprintable() and not set(address) & set(" \\")
    if not plain or "@" in parts.netloc or not parts.hostname:
        return "", "", 0
    return parts.scheme, HERE if parts.hostname in LOOPBACK else parts.hostname, port
