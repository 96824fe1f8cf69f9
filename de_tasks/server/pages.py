"""The few HTML pages, from the templates in `html/`, with the headers that protect them."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse

if TYPE_CHECKING:
    from jinja2 import Environment

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline';"
    " form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Pages:
    """Renders pages."""

    @cached_property
    def _templates(self) -> Environment:
        from jinja2 import Environment, FileSystemLoader

        folder = Path(__file__).with_name("html")
        return Environment(loader=FileSystemLoader(folder), autoescape=True)

    def answer(self, template: str, status: int = 200, **values: str) -> HTMLResponse:
        """A page."""
        text = self._templates.get_template(template).render(**values)
        return HTMLResponse(text, status, headers=HEADERS)

    def message(self, status: int, title: str, text: str) -> HTMLResponse:
        """A page that says one thing."""
        return self.answer("message.html", status, title=title, text=text)
