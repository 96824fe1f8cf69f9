"""When will we be done? A forecast that takes its time, computed by a worker in the background.

The page answers at once whatever the worker does: callbacks with `background=True` go through
Redis to the process `worker` of the Procfile, which tells how far it is. Replace `simulate`
with your own long work and keep the rest.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable

import plotly.graph_objects as go
from celery import Celery
from dash import ALL, CeleryManager, Dash, Input, Output, State, callback, ctx, dcc, html

TITLE = "When will we be done?"
# Days that each piece of work takes: at best, most likely, at worst.
WORK = {
    "Collect the meter data": (2, 4, 9),
    "Clean it": (1, 3, 8),
    "Model the sites": (4, 7, 15),
    "Build the dashboard": (3, 5, 9),
    "Try it with three sites": (5, 8, 20),
}
STEPS = 20

if "REDIS_URL" not in os.environ and "DASH_APP_NAME" in os.environ:
    raise RuntimeError("There is no REDIS_URL. Attach a database: inv services.create --type redis")
REDIS_URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")

celery_app = Celery(__name__, broker=REDIS_URL, backend=REDIS_URL)
celery_app.conf.broker_connection_retry_on_startup = True
app = Dash(
    __name__,
    title=TITLE,
    background_callback_manager=CeleryManager(celery_app, expire=3600),
)
# For screen readers and translators; Dash names no language by itself.
app.index_string = app.index_string.replace("<html>", '<html lang="en">')
server = app.server  # what the Procfile names


def simulate(runs: int, tell: Callable[[int], None]) -> list[int]:
    """Days until everything is done, once for each run; `tell` hears of each of the steps."""
    days = []
    for step in range(STEPS):
        for _ in range(runs // STEPS):
            days.append(round(sum(random.triangular(a, c, b) for a, b, c in WORK.values())))
        time.sleep(0.1)  # the time that work of your own would take
        tell(step + 1)
    return days


def day_of(days: list[int], share: float) -> int:
    """The day by which that share of the runs was done."""
    return sorted(days)[int(share * (len(days) - 1))]


def draw(days: list[int]) -> go.Figure:
    """How often each day came out, those after the safe one paler."""
    often, safe = Counter(days), day_of(days, 0.9)
    x = list(range(min(days), max(days) + 1))
    colours = ["#2563eb" if day <= safe else "#93c5fd" for day in x]
    bars = go.Bar(x=x, y=[100 * often[day] / len(days) for day in x], marker_color=colours)
    figure = go.Figure(bars)
    figure.update_traces(hovertemplate="done on day %{x}: %{y:.1f} %<extra></extra>")
    # No text colour: style.css gives it, so that dark mode reaches the chart.
    figure.update_layout(
        template="none",
        bargap=0.15,
        dragmode=False,
        font_family="inherit",
        margin={"l": 44, "r": 4, "t": 8, "b": 44},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        xaxis={"fixedrange": True, "showgrid": False, "title": "working days"},
        yaxis={"fixedrange": True, "gridcolor": "rgba(148,163,184,.25)", "ticksuffix": " %"},
    )
    return figure


def card(name: str, value: str) -> html.Div:
    return html.Div([html.Span(name), html.Strong(value)], className="card")


def work_row(name: str, days: tuple[int, int, int]) -> html.Tr:
    return html.Tr([html.Th(name, scope="row"), *(html.Td(str(number)) for number in days)])


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


RUNS = {"1000": "1,000", "10000": "10,000", "100000": "100,000"}
app.layout = html.Main(
    [
        html.Header(
            [
                html.H1(TITLE),
                html.P("The worker plays the project through many times; the page stays free."),
            ]
        ),
        html.Div(
            [
                choice("runs", "Runs", RUNS, "10000"),
                html.Button("Forecast", id="start", className="main"),
                html.Button("Cancel", id="cancel", disabled=True),
            ],
            className="controls",
        ),
        html.Progress(id="progress", value="0", max=str(STEPS)),
        html.Div("Press Forecast to begin.", id="result", className="empty"),
        html.Table(
            [
                html.Thead(
                    html.Tr(
                        [
                            html.Th(head, scope="col")
                            for head in ("Work, in days", "at best", "likely", "at worst")
                        ]
                    )
                ),
                html.Tbody([work_row(*item) for item in WORK.items()]),
            ]
        ),
    ]
)


@callback(
    Output("result", "children"),
    Output("result", "className"),
    Input("start", "n_clicks"),
    State("runs", "data"),
    background=True,
    running=[
        (Output("start", "disabled"), True, False),
        (Output("cancel", "disabled"), False, True),
    ],
    cancel=[Input("cancel", "n_clicks")],
    progress=[Output("progress", "value")],
    progress_default=["0"],
    prevent_initial_call=True,
)
def forecast(
    set_progress: Callable[[tuple[str]], None], clicks: int | None, runs: str
) -> tuple[list[html.Div], str]:
    """Run the simulation in the worker, and show what came out."""
    days = simulate(int(runs), lambda step: set_progress((str(step),)))
    cards = html.Div(
        [
            card("An even chance", f"day {day_of(days, 0.5)}"),
            card("Nine times in ten", f"day {day_of(days, 0.9)}"),
            card("Runs", f"{len(days):,}"),
        ],
        className="summary",
    )
    graph = dcc.Graph(
        figure=draw(days),
        config={"displayModeBar": False},
        responsive=True,
        style={"height": "100%"},
    )
    return [cards, html.Div(graph, className="chart")], ""


if __name__ == "__main__":
    app.run(debug=True)
