"""The picture of an app that has no thumbnail: one or two letters on a colour of its own."""

from __future__ import annotations

import colorsys
import hashlib


def colour(name: str) -> str:
    """A dark colour of the app's own, on which white letters can be read."""
    hue = hashlib.sha256(name.encode()).digest()[0] / 256
    red, green, blue = (round(255 * part) for part in colorsys.hls_to_rgb(hue, 0.32, 0.5))
    return f"#{red:02x}{green:02x}{blue:02x}"


def initials(title: str, name: str) -> str:
    """One or two letters of the title, or the first of the name."""
    words = [word for word in title.replace("-", " ").split() if word[:1].isalnum()]
    return "".join(word[0] for word in words[:2]).upper() or name[0].upper()
