"""What people call the program that a User-Agent header names."""

from __future__ import annotations

PROGRAMS = (
    # Each names those below it too, to be served what these are served.
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def browser_name(header: str) -> str:
    """ "Chrome on Linux"; of a program that is no browser what it calls itself."""
    program = next((name for mark, name in PROGRAMS if mark in header), "")
    system = next((name for mark, name in SYSTEMS if mark in header), "")
    if not program:
        return header.partition("/")[0].strip()[:40] or "unknown"
    return f"{program} on {system}" if system else program
