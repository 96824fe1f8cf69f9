"""A web app without Dash: Flask, a page, and the same figures as JSON.

Anything that speaks WSGI is deployed like this: the Procfile names the module and the callable.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, jsonify, render_template

SITES = {
    "Harbour office": 912,
    "Old Foundry": 1486,
    "North depot": 731,
    "Science park": 1064,
}
"""MWh of the last year; replace them with your own source."""


class Prefixed:
    """Tells the app below which address it is served, so that `url_for` writes the right ones.

    The platform's proxy takes the prefix off each request, and says it in a variable.
    """

    def __init__(self, application: Callable[..., Iterable[bytes]], prefix: str) -> None:
        self._application = application
        self._prefix = prefix.rstrip("/")

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        environ["SCRIPT_NAME"] = self._prefix
        return self._application(environ, start)


application = Flask(__name__)
application.wsgi_app = Prefixed(  # type: ignore[method-assign]
    application.wsgi_app, os.environ.get("DASH_REQUESTS_PATHNAME_PREFIX", "/")
)


@application.get("/")
def page() -> str:
    """The page."""
    most = max(SITES.values())
    bars = [(name, mwh, round(100 * mwh / most)) for name, mwh in SITES.items()]
    return render_template("page.html", bars=bars, total=sum(SITES.values()))


@application.get("/api/sites")
def sites() -> Any:
    """The figures for programs."""
    return jsonify([{"name": name, "mwh": mwh} for name, mwh in SITES.items()])


if __name__ == "__main__":
    application.run(debug=True)
