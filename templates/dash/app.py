"""Energy use of a few sites: a small dashboard to start your own app from.

The figures are computed, not loaded, so the app runs anywhere and shows the same page on
every start. Replace `energy` with your own source and keep the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin

import plotly.graph_objects as go
from dash import ALL, Dash, Input, Output, callback, ctx, dcc, html

TITLE = "Energy across our sites"
YEAR = 2025
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
EVERY = "all"


@dataclass(frozen=True)
class Site:
    name: str
    colour: str
    base: float
    """MWh a month whatever the weather."""
    heating: float
    cooling: float
    """MWh on top of the base in the coldest and in the warmest month."""
    growth: float
    """Change of use from one year to the next; -0.08 is eight percent less."""


@dataclass(frozen=True)
class Measure:
    name: str
    unit: str
    summer: float
    winter: float
    """Units per MWh in midsummer and in midwinter; tariffs and the grid's mix follow the season."""


SITES = {
    "harbour": Site("Harbour office", "#3b82f6", 62, 48, 30, -0.09),
    "foundry": Site("Old Foundry", "#14b8a6", 118, 26, 8, 0.04),
    "depot": Site("North depot", "#f59e0b", 41, 57, 4, -0.13),
    "lab": Site("Science park", "#a78bfa", 74, 14, 46, -0.03),
}
MEASURES = {
    "energy": Measure("Energy", "MWh", 1, 1),
    "cost": Measure("Cost", "k€", 0.12, 0.19),
    "carbon": Measure("Carbon", "t CO₂", 0.16, 0.34),
}


def coldness(month: int) -> float:
    """1 in January, -1 in July; `month` counts from 0."""
    return cos(2 * pi * month / 12)


def energy(site: Site, year: int, month: int) -> float:
    """MWh that a site used in one month."""
    weather = site.heating * max(0.0, coldness(month)) + site.cooling * max(0.0, -coldness(month))
    # A fixed wobble in place of chance: real meters are never smooth, yet reloads must agree.
    wobble = 1 + 0.05 * sin(5 * month + 3 * year + site.base)
    return (site.base + weather) * wobble * (1 + site.growth) ** (year - YEAR)


def monthly(site: Site, measure: Measure, year: int) -> list[float]:
    """One year of a measure at one site."""
    middle, swing = (measure.winter + measure.summer) / 2, (measure.winter - measure.summer) / 2
    return [energy(site, year, m) * (middle + swing * coldness(m)) for m in range(12)]


def total(sites: list[Site], measure: Measure, year: int) -> list[float]:
    """One year of a measure, month by month, over several sites."""
    return [sum(values) for values in zip(*(monthly(site, measure, year) for site in sites))]


def change(now: float, before: float) -> html.Span:
    """A percentage, coloured by whether it is good news: less is better for every measure."""
    ratio = now / before - 1
    return html.Span(f"{ratio:+.1%}".replace("-", "−"), className="up" if ratio > 0 else "down")


def draw(sites: list[Site], measure: Measure, before: list[float]) -> go.Figure:
    """Stacked bars for this year, a dotted line for the year before."""
    hover = f"%{{y:,.0f}} {measure.unit}"
    bars = [
        go.Bar(x=MONTHS, y=monthly(site, measure, YEAR), name=site.name, marker_color=site.colour)
        for site in sites
    ]
    line = go.Scatter(x=MONTHS, y=before, name=f"Total {YEAR - 1}", mode="lines+markers")
    line.update(line={"color": "#94a3b8", "dash": "dot", "width": 2})
    figure = go.Figure([*bars, line])
    figure.update_traces(hovertemplate=hover)
    # No background and no text colour: style.css gives both, so that dark mode reaches the chart.
    figure.update_layout(
        template="none",
        barmode="stack",
        bargap=0.35,
        dragmode=False,
        font_family="inherit",
        hovermode="x unified",
        hoverlabel={"bgcolor": "#1e293b", "font_color": "#f8fafc", "bordercolor": "#1e293b"},
        # At the box's lower edge, where rows that wrap on a phone have room.
        legend={"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0},
        legend_traceorder="normal",
        margin={"l": 44, "r": 4, "t": 8, "b": 84},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        xaxis={"fixedrange": True, "showgrid": False, "tickangle": 0},
        yaxis={"fixedrange": True, "gridcolor": "rgba(148,163,184,.25)", "zeroline": False},
    )
    return figure


def table_rows(now: list[float], before: list[float]) -> list[html.Thead | html.Tbody | html.Tfoot]:
    """The same figures to read off, with the year's sum below."""

    def row(name: str, a: float, b: float) -> html.Tr:
        cells = [html.Td(f"{b:,.0f}"), html.Td(f"{a:,.0f}"), html.Td(change(a, b))]
        return html.Tr([html.Th(name, scope="row"), *cells])

    heads = ("Month", str(YEAR - 1), str(YEAR), "Change")
    return [
        html.Thead(html.Tr([html.Th(head, scope="col") for head in heads])),
        html.Tbody([row(*values) for values in zip(MONTHS, now, before)]),
        html.Tfoot(row("Year", sum(now), sum(before))),
    ]


def cards(measure: Measure, now: list[float], before: list[float]) -> list[html.Div]:
    """The three numbers that a reader in a hurry takes away."""
    peak = max(range(12), key=now.__getitem__)
    facts = (
        (f"{measure.name} in {YEAR}", f"{sum(now):,.0f} {measure.unit}"),
        (f"Against {YEAR - 1}", change(sum(now), sum(before))),
        ("Busiest month", f"{MONTHS[peak]}, {now[peak]:,.0f} {measure.unit}"),
    )
    return [
        html.Div([html.Span(name), html.Strong(value)], className="card") for name, value in facts
    ]


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

SITE_OPTIONS = {EVERY: "All sites"} | {key: site.name for key, site in SITES.items()}
MEASURE_OPTIONS = {key: measure.name for key, measure in MEASURES.items()}

app.layout = html.Main(
    [
        html.Header([html.H1(TITLE), html.P(f"Four sites, month by month, {YEAR - 1} and {YEAR}")]),
        html.Div(
            [
                choice("site", "Site", SITE_OPTIONS, EVERY),
                choice("measure", "Measure", MEASURE_OPTIONS, "energy"),
            ],
            className="controls",
        ),
        html.Div(id="summary"),
        html.Div(
            # The graph takes the size of the box around it, which style.css gives.
            dcc.Graph(
                id="chart",
                config={"displayModeBar": False},
                responsive=True,
                style={"height": "100%"},
            ),
            className="chart",
        ),
        html.Table(id="table"),
    ]
)


@callback(
    Output("summary", "children"),
    Output("chart", "figure"),
    Output("table", "children"),
    Input("site", "data"),
    Input("measure", "data"),
)
def show(
    site: str, measure: str
) -> tuple[list[html.Div], go.Figure, list[html.Thead | html.Tbody | html.Tfoot]]:
    """Everything on the page that depends on the two controls, so that it changes together."""
    chosen = list(SITES.values()) if site == EVERY else [SITES[site]]
    unit = MEASURES[measure]
    now, before = total(chosen, unit, YEAR), total(chosen, unit, YEAR - 1)
    return cards(unit, now, before), draw(chosen, unit, before), table_rows(now, before)


if __name__ == "__main__":
    app.run(debug=True)
