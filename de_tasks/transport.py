"""HTTP: one place that makes requests sessions, and that turns network faults into errors."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from de_tasks import certificates
from de_tasks.errors import Temporary, UsageError

if TYPE_CHECKING:
    import requests

CONNECT_SECONDS = 10
READ_SECONDS = 60


class Unavailable(Temporary):
    """The server was not reached, or said that it cannot answer now: safe to try again."""


class Transport:
    """A connection to one server, made at its first request: a push needs none, and importing
    requests takes as long as the push."""

    def __init__(self, ca_path: str = "") -> None:
        self.ca_path = ca_path

    @cached_property
    def _session(self) -> requests.Session:
        session = certificates.session(self.ca_path)
        session.headers["User-Agent"] = "de-tasks"
        return session

    def request(self, method: str, url: str, **options: Any) -> requests.Response:
        """Send a request; redirects are not followed: they would carry credentials elsewhere.

        Raises only errors of the project's own.
        """
        import requests

        options.setdefault("timeout", (CONNECT_SECONDS, READ_SECONDS))
        # Without this requests would send what ~/.netrc has for the host in place of the token.
        options.setdefault("auth", _keep_headers)
        server = url.split("/", 3)[2]
        try:
            answer = self._session.request(method, url, allow_redirects=False, **options)
        except requests.exceptions.SSLError as error:
            raise certificates.refused(server, str(error)) from None
        except (requests.ConnectionError, requests.Timeout):
            raise Unavailable(
                f"{server} does not answer. Is the host right, and is the server running?"
            ) from None
        except (requests.RequestException, OSError) as error:
            raise UsageError(f"{server} cannot be asked: {type(error).__name__}.") from None
        if answer.status_code in (502, 503, 504):
            raise Unavailable(f"{server} answers {answer.status_code}: it is not ready now.")
        return answer


def _keep_headers(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
