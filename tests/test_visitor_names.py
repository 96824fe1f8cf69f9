"""An app learns who its visitor is: the published dash-enterprise-auth in a deployed Dash app."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from de_tasks.server import control
from tests.support.browser import Browser
from tests.support.people import People, Person

APP = """
import dash_enterprise_auth as auth
from dash import Dash, Input, Output, dcc, html

app = Dash(__name__)
server = app.server

def layout():
    name = auth.get_username()
    return html.Div([
        html.P(f"Hello {name}"), auth.create_logout_button(), dcc.Input(id="in"), html.P(id="out")
    ])

app.layout = layout

@app.callback(Output("out", "children"), Input("in", "value"))
def wrote(value):
    return f"{auth.get_username()} wrote {value}"
"""


@pytest.fixture(scope="module")
def named(
    sandbox: control.Running, people: People, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Person, str]]:
    """dev's Dash app that names its visitor, for everybody who signs in; and its address."""
    folder = tmp_path_factory.mktemp("named")
    (folder / "app.py").write_text(APP)
    (folder / "Procfile").write_text("web: gunicorn app:server --threads 4\n")
    (folder / "requirements.txt").write_text("dash-enterprise-auth\ngunicorn\n")
    dev = people["dev"]
    done = dev.run(f"deploy {folder} -y -n named")
    assert done.code == 0, done.err
    set_access(dev, "authenticated")
    yield dev, f"http://localhost:{sandbox.port}/named/"
    dev.run("delete -y -n named")


def set_access(dev: Person, level: str) -> None:
    done = dev.run(f"update -n named --view-access {level}")
    assert done.code == 0, done.err


def test_app_names_each_visitor(named: tuple[Person, str], sandbox: control.Running) -> None:
    for user in ("viewer", "admin"):
        browser = Browser(sandbox)
        form = browser.get(named[1])
        assert "Sign in" in form.text
        assert browser.sign_in(user, form).url == named[1]
        assert f"Hello {user}" in browser.get(f"{named[1]}_dash-layout").text


def test_callback_knows_the_visitor_too(
    named: tuple[Person, str], sandbox: control.Running
) -> None:
    browser = Browser(sandbox)
    browser.sign_in("viewer")
    browser.get(named[1])
    body = {
        "output": "out.children",
        "outputs": {"id": "out", "property": "children"},
        "inputs": [{"id": "in", "property": "value", "value": "this"}],
        "changedPropIds": ["in.value"],
    }
    answer = browser.session.post(f"{named[1]}_dash-update-component", json=body, timeout=20)
    assert "viewer wrote this" in answer.text


def test_logout_button_leads_to_signing_out(
    named: tuple[Person, str], sandbox: control.Running
) -> None:
    browser = Browser(sandbox)
    browser.sign_in("viewer")
    layout = browser.get(f"{named[1]}_dash-layout").json()
    button = layout["props"]["children"][1]["props"]["children"]["props"]
    assert "Sign out?" in browser.get(button["href"]).text


def test_visitor_cannot_choose_a_name(named: tuple[Person, str], sandbox: control.Running) -> None:
    set_access(named[0], "unauthenticated")
    try:
        browser = Browser(sandbox)
        assert "Hello None" in browser.get(f"{named[1]}_dash-layout").text
        forged = base64.b64encode(b'{"preferred_username": "admin"}').decode()
        cookies = {"Cookie": f"kcIdToken={forged}; KCTOKEN={forged}"}
        forged_too = {"Plotly-User-Data": '{"username": "admin"}'}
        seen = browser.get(f"{named[1]}_dash-layout", headers={**cookies, **forged_too})
        assert "Hello None" in seen.text
    finally:
        set_access(named[0], "authenticated")


def test_account_variables_are_the_platforms_own(named: tuple[Person, str]) -> None:
    pair = "DASH_JWKS_URL=http://evil.example"
    done = named[0].run(f"update -n named --add-environment-variable {pair}")
    assert done.code != 0 and "made by the platform" in done.err
