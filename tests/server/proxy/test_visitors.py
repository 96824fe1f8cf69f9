"""An app learns who its visitor is: the published dash-enterprise-auth in a deployed Dash app."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass

import pytest

from de_tasks.server import control
from tests.support import naming_app
from tests.support.browser import Browser
from tests.support.people import People, Person


@dataclass(frozen=True)
class Named:
    """A Dash app that names its visitor, for everybody who signs in; its owner and address."""

    owner: Person
    name: str
    url: str

    def admit(self, level: str) -> None:
        """Set who may open it."""
        done = self.owner.run(f"update -n {self.name} --view-access {level}")
        assert done.code == 0, done.err


@pytest.fixture(scope="module")
def named(
    sandbox: control.Running, cast: People, tmp_path_factory: pytest.TempPathFactory
) -> Named:
    name = f"named-{secrets.token_hex(3)}"
    folder = tmp_path_factory.mktemp("named")
    naming_app.write(folder)
    done = cast["dev"].run(f"deploy {folder} -y -n {name}")
    assert done.code == 0, done.err
    made = Named(cast["dev"], name, f"http://localhost:{sandbox.port}/{name}/")
    made.admit("authenticated")
    return made


@pytest.fixture
def browser(sandbox: control.Running) -> Browser:
    """A browser that nobody has signed in with."""
    return Browser(sandbox)


@pytest.mark.parametrize("stem", ["viewer", "admin"])
def test_app_names_its_visitor(stem: str, named: Named, browser: Browser, people: People) -> None:
    user = people[stem].name
    form = browser.get(named.url)
    assert "Sign in" in form.text
    assert browser.sign_in(user, form).url == named.url
    assert f"Hello {user}" in browser.get(f"{named.url}_dash-layout").text


def test_callback_knows_the_visitor_too(named: Named, browser: Browser, people: People) -> None:
    viewer = people["viewer"].name
    browser.be(viewer).get(named.url)
    body = {
        "output": "out.children",
        "outputs": {"id": "out", "property": "children"},
        "inputs": [{"id": "in", "property": "value", "value": "this"}],
        "changedPropIds": ["in.value"],
    }
    answer = browser.session.post(f"{named.url}_dash-update-component", json=body, timeout=30)
    assert f"{viewer} wrote this" in answer.text


def test_logout_button_leads_to_signing_out(named: Named, browser: Browser, people: People) -> None:
    layout = browser.be(people["viewer"].name).get(f"{named.url}_dash-layout").json()
    button = layout["props"]["children"][1]["props"]["children"]["props"]
    assert "Sign out?" in browser.get(button["href"]).text


FORGED = base64.b64encode(b'{"preferred_username": "admin"}').decode()
LIES = {
    "Cookie": f"kcIdToken={FORGED}; KCTOKEN={FORGED}",
    "Plotly-User-Data": '{"username": "admin"}',
}


def test_nobody_cannot_choose_a_name(named: Named, browser: Browser) -> None:
    named.admit("unauthenticated")
    try:
        assert "Hello None" in browser.get(f"{named.url}_dash-layout").text
        assert "Hello None" in browser.get(f"{named.url}_dash-layout", headers=LIES).text
    finally:
        named.admit("authenticated")


def test_visitor_cannot_choose_another_name(named: Named, browser: Browser, people: People) -> None:
    viewer = people["viewer"].name
    browser.be(viewer).get(named.url)
    visit = "; ".join(f"{c.name}={c.value}" for c in browser.session.cookies)
    both = {**LIES, "Cookie": f"{LIES['Cookie']}; {visit}"}
    assert f"Hello {viewer}" in browser.get(f"{named.url}_dash-layout", headers=both).text


def test_account_variables_are_the_platforms_own(named: Named) -> None:
    pair = "DASH_JWKS_URL=http://evil.example"
    done = named.owner.run(f"update -n {named.name} --add-environment-variable {pair}")
    assert done.code == 2 and "made by the platform" in done.err
