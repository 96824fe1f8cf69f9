"""Meter readings: a form, a table in PostgreSQL behind it, and a page that shows both.

Everything that speaks SQL is in the upper half of this file. The connection comes from
`DATABASE_URL`, which the platform sets once a database is attached to the app.
"""

from __future__ import annotations

import os
from datetime import datetime, timezone

import plotly.graph_objects as go
from dash import ALL, Dash, Input, Output, State, callback, ctx, dcc, html
from psycopg_pool import ConnectionPool

TITLE = "Meter readings"
COLOURS = {
    "Harbour office": "#3b82f6",
    "Old Foundry": "#14b8a6",
    "North depot": "#f59e0b",
    "Science park": "#a78bfa",
}
TABLE = """
CREATE TABLE IF NOT EXISTS readings (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site text NOT NULL,
    kwh numeric(12, 1) NOT NULL CHECK (kwh >= 0),
    taken timestamptz NOT NULL DEFAULT now()
)
"""
Reading = tuple[str, float, datetime]

if "DATABASE_URL" not in os.environ:
    raise RuntimeError(
        "There is no DATABASE_URL. Attach a database: inv services.create --type postgres"
    )
pool = ConnectionPool(os.environ["DATABASE_URL"], min_size=1, max_size=4, open=True)
with pool.connection() as connection:
    # Two processes that start at once must not both create it.
    connection.execute("SELECT pg_advisory_xact_lock(1)")
    connection.execute(TABLE)


def add(site: str, kwh: float) -> None:
    """Keep a reading. Values go beside the statement, never into its text."""
    with pool.connection() as connection:
        connection.execute("INSERT INTO readings (site, kwh) VALUES (%s, %s)", (site, kwh))


def latest(count: int) -> list[Reading]:
    """The newest readings first."""
    with pool.connection() as connection:
        rows = connection.execute(
            "SELECT site, kwh, taken FROM readings ORDER BY id DESC LIMIT %s", (count,)
        )
        return [(site, float(kwh), taken.astimezone(timezone.utc)) for site, kwh, taken in rows]


def draw(readings: list[Reading]) -> go.Figure:
    """A line for each site."""
    figure = go.Figure()
    for site, colour in COLOURS.items():
        points = [(taken, kwh) for name, kwh, taken in reversed(readings) if name == site]
        if points:
            x, y = zip(*points)
            figure.add_scatter(x=x, y=y, name=site, mode="lines+markers", line_color=colour)
    # No text colour: style.css gives it, so that dark mode reaches the chart.
    figure.update_layout(
        template="none",
        dragmode=False,
        font_family="inherit",
        hovermode="x unified",
        hoverlabel={"bgcolor": "#1e293b", "font_color": "#f8fafc", "bordercolor": "#1e293b"},
        legend={"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0},
        margin={"l": 60, "r": 4, "t": 8, "b": 72},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        showlegend=True,
        xaxis={"fixedrange": True, "showgrid": False},
        yaxis={"fixedrange": True, "gridcolor": "rgba(148,163,184,.25)", "ticksuffix": " kWh"},
    )
    return figure


def show(readings: list[Reading]) -> list[html.Div | html.Table]:
    """A chart and a table; words where there is nothing yet."""
    if not readings:
        return [html.Div("No reading yet. Add the first one above.", className="empty")]
    graph = dcc.Graph(
        figure=draw(readings),
        config={"displayModeBar": False},
        responsive=True,
        style={"height": "100%"},
    )
    rows = [
        html.Tr(
            [
                html.Th(site, scope="row"),
                html.Td(f"{kwh:,.1f}"),
                html.Td(f"{taken:%d %b %Y, %H:%M} UTC"),
            ]
        )
        for site, kwh, taken in readings[:10]
    ]
    heads = html.Tr([html.Th(head, scope="col") for head in ("Site", "kWh", "Taken")])
    table = html.Table([html.Thead(heads), html.Tbody(rows)])
    return [html.Div(graph, className="chart"), table]


def choice(name: str, legend: str, options: dict[str, str], first: str) -> html.Fieldset:
    """Buttons of which one is pressed; the Store `name` has its key.

    dcc.Dropdown and dcc.RadioItems do the same in less code, but not for everybody who uses a
    screen reader.
    """

    @callback(
        Output(name, "data"),
        Output({"choice": name, "key": ALL}, "aria-pressed"),
        Input({"choice": name, "key": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    def choose(clicks: list[int | None]) -> tuple[str, list[str]]:
        chosen = ctx.triggered_id["key"]
        return chosen, [pressed(key == chosen) for key in options]

    def pressed(is_it: bool) -> str:
        return "true" if is_it else "false"

    buttons = [
        html.Button(
            label, id={"choice": name, "key": key}, **{"aria-pressed": pressed(key == first)}
        )
        for key, label in options.items()
    ]
    store = dcc.Store(name, data=first)
    return html.Fieldset([html.Legend(legend), *buttons, store], className="choice")


app = Dash(__name__, title=TITLE)
# For screen readers and translators; Dash names no language by itself.
app.index_string = app.index_string.replace("<html>", '<html lang="en">')
server = app.server  # what the Procfile names


SITE = choice("site", "Site", {site: site for site in COLOURS}, next(iter(COLOURS)))


def layout() -> html.Main:
    """The page; a function, so that every visitor sees the readings of now."""
    return html.Main(
        [
            html.Header([html.H1(TITLE), html.P("What was read off, by whoever was there")]),
            html.Div(
                [
                    SITE,
                    dcc.Input(
                        id="kwh", type="number", min=0, step=0.1, placeholder="kWh", debounce=True
                    ),
                    html.Button("Add", id="add", className="main"),
                ],
                className="controls",
            ),
            html.Div(show(latest(200)), id="readings"),
        ]
    )


app.layout = layout


@callback(
    Output("readings", "children"),
    Output("kwh", "value"),
    Input("add", "n_clicks"),
    State("site", "data"),
    State("kwh", "value"),
    prevent_initial_call=True,
)
def keep(
    clicks: int | None, site: str, kwh: float | None
) -> tuple[list[html.Div | html.Table], None]:
    """Keep what was typed, if it is a number, and show the readings of now."""
    if kwh is not None and site in COLOURS:
        add(site, kwh)
    return show(latest(200)), None


if __name__ == "__main__":
    app.run(debug=True)
