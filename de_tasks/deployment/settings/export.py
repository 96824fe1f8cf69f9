"""What an app has, written in the form of `settings:`; never a value of a variable."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from de_tasks.appspec import image_type
from de_tasks.deployment.previews.mark import without_marks
from de_tasks.deployment.settings.form import REQUIRED, VALUES, VERSION
from de_tasks.platform.models import Details, People

PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}
"""What YAML takes for something else than a text."""


def settings_of(details: Details, thumbnail: str = "") -> dict[str, object]:
    """The section; what the platform does not tell is left out. `thumbnail` is the path of the
    picture's file, empty for none."""
    found: dict[str, object] = {"version": VERSION}
    for name in VALUES:
        value = getattr(details, name)
        if value is not None:
            found[name] = value
    if thumbnail:
        found["thumbnail"] = thumbnail
    found["tags"] = list(without_marks(details.tags))
    found["viewers"] = _people(details.viewers)
    if details.co_owners is not None:
        found["co_owners"] = _people(details.co_owners)
    found["services"] = sorted({service.kind for service in details.services})
    if details.scale:
        found["scale"] = dict(sorted(details.scale.items()))
    found["variables"] = dict.fromkeys(sorted(details.variables), REQUIRED)
    return found


def thumbnail_file(name: str, picture: bytes) -> str:
    """What the file of an app's picture is called."""
    return f"{name}-thumbnail.{image_type(picture) or 'png'}"


def as_yaml(document: Mapping[str, object]) -> str:
    """A document of mappings, lists, texts, numbers and booleans in YAML 1.1."""
    return "\n".join(_lines(document, ""))


def _people(people: People) -> dict[str, object]:
    return {"users": list(people.users), "groups": list(people.groups)}


def _lines(given: Mapping[str, object], indent: str) -> Iterator[str]:
    for key, value in given.items():
        name = _text(str(key))
        if isinstance(value, Mapping) and value:
            yield f"{indent}{name}:"
            yield from _lines(value, f"{indent}  ")
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            yield f"{indent}{name}:"
            for entry in value:
                first, *rest = _lines(entry, f"{indent}    ")
                yield f"{indent}  - {first.strip()}"
                yield from rest
        else:
            yield f"{indent}{name}: {_value(value)}"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, list):
        return f"[{', '.join(_text(str(entry)) for entry in value)}]"
    return str(value) if isinstance(value, int) else _text(str(value))


def _text(text: str) -> str:
    if PLAIN.fullmatch(text) and text.lower() not in WORDS:
        return text
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(letter: str) -> str:
    if letter in '"\\':
        return f"\\{letter}"
    if letter.isprintable() and (letter < "\ud800" or "\ue000" <= letter < "\ufeff"):
        return letter
    number = ord(letter)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
