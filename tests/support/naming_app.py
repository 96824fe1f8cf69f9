"""A Dash app that names its visitor, by the published dash-enterprise-auth."""

from __future__ import annotations

from pathlib import Path

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


def write(folder: Path) -> None:
    """Put the app into a folder."""
    (folder / "app.py").write_text(APP)
    (folder / "Procfile").write_text("web: gunicorn app:server --threads 4\n")
    (folder / "requirements.txt").write_text("dash-enterprise-auth\ngunicorn\n")
