"""An app learns who its visitor is: the published dash-enterprise-auth in a deployed Dash app."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from de_tasks.server import control
from tests.browser import Browser
from tests.conftest import Cli

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
    sandbox: control.Running, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Cli, str]]:
    """dev's Dash app that names its visitor, for everybody who signs in; and its address."""
    folder = tmp_path_factory.mktemp("named")
    (folder / "app.py").write_text(APP)
    (folder / "Procfile").write_text("web: gunicorn app:server --threads 4\n")
    (folder / "requirements.txt").write_text("dash-enterprise-auth\ngunicorn\n")
    cli = Cli(folder, sandbox.url)
    cli.log_in(sandbox)
    done = cli.run("deploy", "-y", "--name", "named", "--path", str(folder))
    assert done.returncode == 0, done.stderr
    set_access(cli, "authenticated")
    yield cli, f"http://localhost:{sandbox.port}/named/"
    cli.run("delete", "-y", "--name", "named")


def set_access(cli: Cli, level: str) -> None:
    done = cli.run("update", "--name", "named", "--view-access", level)
    assert done.returncode == 0, done.stderr


def test_app_names_each_visitor(named: tuple[Cli, str], sandbox: control.Running) -> None:
    for user in ("viewer", "admin"):
        browser = Browser(sandbox)
        form = browser.get(named[1])
        assert "Sign in" in form.text
        assert browser.sign_in(user, form).url == named[1]
        assert f"Hello {user}" in browser.get(f"{named[1]}_dash-layout").text


def test_callback_knows_the_visitor_too(named: tuple[Cli, str], sandbox: control.Running) -> None:
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
    named: tuple[Cli, str], sandbox: control.Running
) -> None:
    browser = Browser(sandbox)
    browser.sign_in("viewer")
    layout = browser.get(f"{named[1]}_dash-layout").json()
    button = layout["props"]["children"][1]["props"]["children"]["props"]
    assert "Sign out?" in browser.get(button["href"]).text


def test_visitor_cannot_choose_a_name(named: tuple[Cli, str], sandbox: control.Running) -> None:
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


def test_account_variables_are_the_platforms_own(named: tuple[Cli, str]) -> None:
    pair = "DASH_JWKS_URL=http://evil.example"
    done = named[0].run("update", "--name", "named", "--add-environment-variable", pair)
    assert done.returncode != 0 and "made by the platform" in done.stderr
