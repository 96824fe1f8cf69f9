"""TLS: what is believed, what is said when it is not, and the sandbox's own authority."""

from __future__ import annotations

import http.server
import json
import ssl
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import requests

from de_tasks import certificates
from de_tasks.errors import DeTasksError, UsageError
from de_tasks.repo.git import Git, Remote
from de_tasks.server import authority, control
from de_tasks.server.authority import Certificates
from de_tasks.transport import Transport
from tests.support.browser import Browser
from tests.support.people import Person, passwords
from tests.test_visitor_names import APP


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
    return authority.provide(tmp_path / "tls")


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
    other = authority.provide(tmp_path / "other")
    with pytest.raises(DeTasksError, match="is not trusted"):
        Transport(str(other.authority)).request("GET", f"https://127.0.0.1:{port}/")


def test_expired_certificate(tmp_path: Path) -> None:
    past = datetime.now(timezone.utc) - timedelta(days=authority.SERVER_DAYS + 1)
    old = authority.provide(tmp_path / "old", past)
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
        Transport(str(file)).request("GET", "https://127.0.0.1:1/")


def test_certificates_are_kept_and_renewed(tmp_path: Path, made: Certificates) -> None:
    before = made.chain.read_bytes(), made.authority.read_bytes()
    authority.provide(tmp_path / "tls")
    assert (made.chain.read_bytes(), made.authority.read_bytes()) == before
    later = datetime.now(timezone.utc) + timedelta(days=authority.SERVER_DAYS - 1)
    authority.provide(tmp_path / "tls", later)
    assert made.chain.read_bytes() != before[0] and made.authority.read_bytes() == before[1]
    modes = {file.stat().st_mode & 0o777 for file in (tmp_path / "tls").iterdir()}
    assert modes == {0o600}


@pytest.mark.usefixtures("in_process")
def test_login_remembers_its_authority(tls: control.Running, nobody: Person, wsgi: Path) -> None:
    nobody.host = ""
    started = nobody.inv("sandbox.start", "--data", str(tls.data))
    assert started.out.startswith("https://127.0.0.1:"), started.err
    assert "[dev]" in nobody.inv("whoami").out
    (wsgi / "wsgi.py").write_text(ASKS_BACK)
    done = nobody.inv("deploy", "-y", folder=wsgi)
    assert done.code == 0, done.err
    app = json.loads(nobody.inv("apps.status", "--json", folder=wsgi).out)["url"]
    assert app.startswith("https://localhost:")
    trusting = ssl.create_default_context(cafile=tls.ca_path)
    with urllib.request.urlopen(app, context=trusting, timeout=30) as answer:
        assert "keys" in json.load(answer), "an app can ask its sandbox for the keys of tokens"


ASKS_BACK = """
import os, urllib.request
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    return [urllib.request.urlopen(os.environ["DASH_JWKS_URL"]).read()]
"""


@pytest.fixture(scope="module")
def named(tls: control.Running, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of an app that names its visitor by dash-enterprise-auth."""
    folder = tmp_path_factory.mktemp("over-tls")
    (folder / "app.py").write_text(APP)
    (folder / "Procfile").write_text("web: gunicorn app:server\n")
    (folder / "requirements.txt").write_text("dash-enterprise-auth\ngunicorn\n")
    person = Person(folder, tls.url, {"DASH_ENTERPRISE_CA_PATH": tls.ca_path})
    word = passwords(tls)["dev"]
    assert person.run("login --username dev --password-stdin", stdin=word).code == 0
    done = person.run(f"deploy {folder} -n over-tls -y")
    assert done.code == 0, done.err
    assert person.run("update -n over-tls --view-access authenticated").code == 0
    return f"https://localhost:{tls.port}/over-tls/"


def test_visitor_is_known_over_tls_by_cookies_that_are_secure(
    named: str, tls: control.Running
) -> None:
    with requests.Session() as session:
        session.verify, session.trust_env = tls.ca_path, False
        browser = Browser(tls, session)
        form = browser.get(named)
        page = browser.sign_in("viewer", form)
        assert "Hello viewer" in browser.get(f"{named}_dash-layout").text
        answers = [*form.history, form, *page.history, page]
    cookies = [c for a in answers for c in a.raw.headers.getlist("Set-Cookie")]
    kinds = {cookie.split("-de-")[1].split("-")[0] for cookie in cookies}
    assert kinds == {"browser", "session", "visit"}
    for cookie in cookies:
        assert cookie.startswith("__Host-de-") and "Secure" in cookie and "Path=/;" in cookie + ";"
        assert "HttpOnly" in cookie and "domain" not in cookie.lower()


@pytest.mark.usefixtures("in_process")
def test_login_api_and_git_alike(tls: control.Running, nobody: Person, quick: Path) -> None:
    nobody.host = tls.url
    word = passwords(tls)["dev"]
    line = ("login", "--username", "dev", "--password-stdin")
    refused = nobody.inv(*line, stdin=word)
    assert refused.code == 1 and "is not trusted" in refused.err
    assert "DASH_ENTERPRISE_CA_PATH or --ca-path" in refused.err
    nobody.environment["DASH_ENTERPRISE_CA_PATH"] = "ca.pem"
    for folder in (nobody.home, quick):
        (folder / "ca.pem").write_text(Path(tls.ca_path).read_text())
    assert nobody.inv(*line, stdin=word).code == 0
    assert nobody.inv("deploy", "-y", folder=quick).code == 0
    other = authority.provide(nobody.home / "other").authority
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
    other = authority.provide(tmp_path / "other").authority
    url = f"https://127.0.0.1:{port}/GIT/app"
    remote = Remote(url, "master", Nobody(), str(other))
    with pytest.raises(DeTasksError, match=f"127.0.0.1:{port}, with SHA-256 .+ is not trusted"):
        Git(None)("ls-remote", url, remote=remote)
