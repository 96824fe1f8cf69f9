"""TLS: what is believed, what is said when it is not, and the sandbox's own authority."""

from __future__ import annotations

import http.server
import json
import secrets
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import requests

from de_tasks.errors import DeTasksError, UsageError
from de_tasks.net import certificates
from de_tasks.net.http import Transport
from de_tasks.repo.git import Git
from de_tasks.repo.remote import Remote
from de_tasks.server import control
from de_tasks.server.tls import SERVER_DAYS, Certificates, provide
from tests.support import naming_app
from tests.support.backstage import PASSWORD, backstage
from tests.support.browser import Browser
from tests.support.people import Person, log_in
from tests.support.waiting import BOUND


class Hello(http.server.BaseHTTPRequestHandler):
    """Answers every GET."""

    def do_GET(self) -> None:
        """Say hello."""
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@contextmanager
def served(found: Certificates, host: str = "127.0.0.1") -> Iterator[int]:
    server = http.server.ThreadingHTTPServer((host, 0), Hello)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(found.chain, found.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def made(tmp_path: Path) -> Certificates:
    return provide(tmp_path / "tls")


@pytest.fixture
def port(made: Certificates) -> Iterator[int]:
    with served(made) as number:
        yield number


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_file_that_signed_is_believed(name: str, made: Certificates, port: int) -> None:
    answer = Transport(str(made.authority)).request("GET", f"https://{name}:{port}/")
    assert answer.text == "hello"


def test_certificate_of_nobody_we_know(
    made: Certificates, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What other programs believe, or do not ask for, is not what we do.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(made.authority))
    with pytest.raises(DeTasksError, match=f"127.0.0.1:{port}, with SHA-256 ") as refused:
        Transport().request("GET", f"https://127.0.0.1:{port}/", verify=False)
    assert "unable to get local issuer certificate" in str(refused.value)
    assert "DASH_ENTERPRISE_CA_PATH or --ca-path" in str(refused.value)
    der = ssl.PEM_cert_to_DER_cert(made.chain.read_text())
    assert certificates.fingerprint(der) in str(refused.value)


def test_system_store_is_believed(
    made: Certificates, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(made.authority))
    assert Transport().request("GET", f"https://127.0.0.1:{port}/").text == "hello"


def test_named_file_counts_alone(tmp_path: Path, made: Certificates, port: int) -> None:
    other = provide(tmp_path / "other")
    with pytest.raises(DeTasksError, match="is not trusted"):
        Transport(str(other.authority)).request("GET", f"https://127.0.0.1:{port}/")


def test_expired_certificate(tmp_path: Path) -> None:
    past = datetime.now(timezone.utc) - timedelta(days=SERVER_DAYS + 1)
    old = provide(tmp_path / "old", past)
    with served(old) as port, pytest.raises(DeTasksError, match=r"expired.+can renew it"):
        Transport(str(old.authority)).request("GET", f"https://127.0.0.1:{port}/")


def test_certificate_of_another_name(made: Certificates) -> None:
    words = "belongs to another name"
    with served(made, "127.0.0.2") as port, pytest.raises(DeTasksError, match=words):
        Transport(str(made.authority)).request("GET", f"https://127.0.0.2:{port}/")


@pytest.mark.parametrize(
    ("text", "words"), [("", "no certificate"), (None, "cannot be read"), ("folder", "is a folder")]
)
def test_certificate_file_that_is_none(text: str | None, words: str, tmp_path: Path) -> None:
    file = tmp_path if text == "folder" else tmp_path / "ca.pem"
    if text == "":
        file.write_text("")
    with pytest.raises(UsageError, match=words):
        Transport(str(file)).request("GET", "https://127.0.0.1/")


def test_certificates_are_kept_and_renewed(tmp_path: Path, made: Certificates) -> None:
    before = made.chain.read_bytes(), made.authority.read_bytes()
    provide(tmp_path / "tls")
    assert (made.chain.read_bytes(), made.authority.read_bytes()) == before
    later = datetime.now(timezone.utc) + timedelta(days=SERVER_DAYS - 1)
    provide(tmp_path / "tls", later)
    assert made.chain.read_bytes() != before[0] and made.authority.read_bytes() == before[1]
    modes = {file.stat().st_mode & 0o777 for file in (tmp_path / "tls").iterdir()}
    assert modes == {0o600}


def test_login_remembers_its_authority(nobody: Person, quick: Path, tmp_path: Path) -> None:
    nobody.host = ""
    data = ("--data", str(tmp_path / "data"))
    started = nobody.inv("sandbox.start", "--tls", "--port", "0", *data)
    try:
        assert started.out.startswith("https://127.0.0.1:"), started.err
        assert "[dev]" in nobody.inv("whoami").out
        done = nobody.inv("deploy", "-y", folder=quick)
        assert done.code == 0, done.err
        assert json.loads(nobody.inv("apps.status", "--json", folder=quick).out)["build"] == "built"
    finally:
        nobody.inv("sandbox.stop", *data)


ASKS_BACK = """
import http.server, os, urllib.request
class Ask(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        keys = urllib.request.urlopen(os.environ["DASH_JWKS_URL"]).read()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(keys)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Ask).serve_forever()
"""


@pytest.fixture
def member(tls: control.Running, tmp_path: Path) -> Person:
    """A new user who believes the authority."""
    return log_in(tls, backstage(tls).add("dev"), tmp_path / "member")


@pytest.fixture
def session(tls: control.Running) -> Iterator[requests.Session]:
    """A browser that believes the authority."""
    with requests.Session() as opened:
        opened.verify, opened.trust_env = tls.ca_path, False
        yield opened


def test_app_can_ask_its_sandbox_for_the_keys_of_tokens(
    member: Person, session: requests.Session, quick: Path
) -> None:
    (quick / "serve.py").write_text(ASKS_BACK)
    (quick / "Procfile").write_text("web: python serve.py\n")
    done = member.inv("deploy", "-y", folder=quick)
    assert done.code == 0, done.err
    app = json.loads(member.inv("apps.status", "--json", folder=quick).out)["url"]
    assert app.startswith("https://localhost:")
    assert "keys" in session.get(app, timeout=BOUND).json()


def test_visitor_is_known_over_tls_by_cookies_that_are_secure(
    member: Person, session: requests.Session, tls: control.Running, tmp_path: Path
) -> None:
    name, viewer = f"named-{secrets.token_hex(3)}", backstage(tls).add("viewer")
    (tmp_path / "app").mkdir()
    naming_app.write(tmp_path / "app")
    for line in (f"deploy {tmp_path}/app -n {name} -y", f"update -n {name} {FOR_ALL}"):
        done = member.run(line)
        assert done.code == 0, done.err
    address, browser = f"https://localhost:{tls.port}/{name}/", Browser(tls, session)
    form = browser.get(address)
    page = browser.sign_in(viewer, form)
    assert f"Hello {viewer}" in browser.get(f"{address}_dash-layout").text
    assert_secure([*form.history, form, *page.history, page])


FOR_ALL = "--view-access authenticated"


def assert_secure(answers: list[requests.Response]) -> None:
    """The cookies that they set are of every kind, for this host alone and over TLS alone."""
    cookies = [c for a in answers for c in a.raw.headers.getlist("Set-Cookie")]
    kinds = {cookie.split("-de-")[1].split("-")[0] for cookie in cookies}
    assert kinds == {"browser", "session", "visit"}
    for cookie in cookies:
        assert cookie.startswith("__Host-de-") and "Secure" in cookie and "Path=/;" in cookie + ";"
        assert "HttpOnly" in cookie and "domain" not in cookie.lower()


def test_login_api_and_git_alike(tls: control.Running, nobody: Person, quick: Path) -> None:
    nobody.host = tls.url
    line = ("login", "--username", backstage(tls).add("dev"), "--password-stdin")
    refused = nobody.inv(*line, stdin=PASSWORD)
    assert refused.code == 1 and "is not trusted" in refused.err
    assert "DASH_ENTERPRISE_CA_PATH or --ca-path" in refused.err
    nobody.environment["DASH_ENTERPRISE_CA_PATH"] = "ca.pem"
    for folder in (nobody.home, quick):
        (folder / "ca.pem").write_text(Path(tls.ca_path).read_text())
    assert nobody.inv(*line, stdin=PASSWORD).code == 0
    assert nobody.inv("deploy", "-y", folder=quick).code == 0
    other = provide(nobody.home / "other").authority
    nobody.environment["DASH_ENTERPRISE_CA_PATH"] = str(other)
    assert "is not trusted" in nobody.inv("whoami").err


class Nobody:
    """Asks once, as nobody."""

    seconds = 5.0

    def header(self) -> str:
        """No credentials."""
        return "Basic eDp4"

    def act(self, function: Any, points: int = 0) -> Any:
        """No other attempt."""
        raise AssertionError("Nothing is to be repeated here.")


def test_git_says_which_certificate_too(made: Certificates, port: int, tmp_path: Path) -> None:
    other = provide(tmp_path / "other").authority
    url = f"https://127.0.0.1:{port}/GIT/app"
    remote = Remote(url, "master", Nobody(), str(other))
    with pytest.raises(DeTasksError, match=f"127.0.0.1:{port}, with SHA-256 .+ is not trusted"):
        Git(None)("ls-remote", url, remote=remote)


def test_certificate_that_cannot_be_looked_at_again_is_refused_without_its_fingerprint() -> None:
    said = str(certificates.refused("127.0.0.1:9", "certificate has expired"))
    assert said == (
        "The certificate of 127.0.0.1:9 is not trusted: certificate has expired. "
        "Its administrator can renew it. Is the clock of this machine right?"
    )
