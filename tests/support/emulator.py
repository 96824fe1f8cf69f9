"""What a terminal shows of all that was written to it, lines that were overwritten left out."""

from __future__ import annotations

import html
import io
import re
from itertools import groupby

import pyte
from rich.console import Console
from rich.style import Style
from rich.text import Text

HIGHEST = 500
"""More lines than anything here writes, so that none scrolls away."""


def screen(raw: str, columns: int) -> pyte.Screen:
    """The screen of a terminal behind the text."""
    made = pyte.Screen(columns, HIGHEST)
    pyte.Stream(made).feed(raw)
    return made


def lines(raw: str, columns: int) -> list[str]:
    """Its lines down to the last that has something."""
    shown = [line.rstrip() for line in screen(raw, columns).display]
    while shown and not shown[-1]:
        shown.pop()
    return shown


def picture(raw: str, columns: int, title: str) -> str:
    """What the terminal shows as an SVG, as wide as its longest line; it asks nobody for a font."""
    shown, text, words = screen(raw, columns), Text(), lines(raw, columns)
    width = max(map(len, words))
    for row in range(len(words)):
        cells = [shown.buffer[row][column] for column in range(width)]
        for (name, bold), run in groupby(cells, lambda cell: (cell.fg, cell.bold)):
            text.append("".join(cell.data for cell in run), Style(color=colour(name), bold=bold))
        text.append("\n")
    console = Console(record=True, width=width, file=io.StringIO(), color_system="truecolor")
    console.print(text, end="", no_wrap=True, crop=True)
    svg = console.export_svg(title=title, unique_id="terminal")
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


def colour(name: str) -> str:
    """A colour of pyte's in rich's words."""
    if re.fullmatch("[0-9a-f]{6}", name):
        return f"#{name}"
    return {"brown": "yellow"}.get(name, name.replace("bright", "bright_"))


def in_picture(svg: str) -> str:
    """The words of such a picture, line by line."""
    words = re.findall(r"<text class=\"terminal-r\d+\"[^>]*>([^<]*)</text>", svg)
    text = html.unescape("".join(words)).replace("\xa0", " ")
    return "\n".join(line.rstrip() for line in text.splitlines())
