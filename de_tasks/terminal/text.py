"""Foreign text made readable: what an app, a server or a repository says, for a person's terminal.

A terminal obeys escape sequences: one writes to the clipboard, another renames the window, and a
carriage return overwrites what stood there. GitHub's runner obeys lines. All are shown with
escapes in their place; a text that is readable already stays as it is.
"""

from __future__ import annotations

import re

from de_tasks.config.environment import on_github

OBEYED = re.compile(
    # C0 without tab and line feed, DEL, C1; soft hyphen, marks and overrides of direction, joiners
    # and separators without a width, tags; bytes that are no text.
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]"
)
COLOUR = r"(?:0?[013479]|2[2-479]|[34][0-79]|(?:9|10)[0-7]|[34]8;(?:5;\d{1,3}|2(?:;\d{1,3}){3}))"
COLOURS = re.compile(rf"(\x1b\[(?:{COLOUR}(?:;{COLOUR})*)?m)")
"""ECMA-48's SGR with colours, weight, slant and underline: nothing that hides or blinks."""
RESET = "\x1b[0m"
COMMAND = re.compile(r"^(\s*)::", re.M)
OLD_COMMAND = "##["


def readable(text: str, colours: bool = False, commands: bool = False) -> str:
    """A text in which nothing is obeyed; lines stay lines. With `colours`, those of a log pass,
    to the end of each line; with `commands`, those that are meant for GitHub's runner."""
    # A carriage return at the end of a line is how other systems end one.
    text = re.sub(r"\r+$", "", text, flags=re.M)
    if "\x1b" in text:
        text = "\n".join(_coloured(line, colours) for line in text.split("\n"))
    else:
        text = _escaped(text)
    return _uncommanded(text) if on_github() and not commands else text


def one_line(text: str) -> str:
    """The same for what must stay in its line: the cell of a table, a line of progress."""
    return readable(text).replace("\n", "\\n").replace("\t", " ")


def in_json(text: str) -> str:
    """JSON in ASCII of which nothing is obeyed, and whose values are as before."""
    text = text.replace("\x7f", "\\u007f")
    return text.replace(OLD_COMMAND, "##\\u005b") if on_github() else text


def _coloured(line: str, colours: bool) -> str:
    parts = COLOURS.split(line)
    shown = [_escaped(part) for part in parts[::2]]
    if not colours or len(parts) == 1:
        return "".join(shown)
    passed = [*parts[1::2], RESET]
    return "".join(text + colour for text, colour in zip(shown, passed, strict=True))


def _escaped(text: str) -> str:
    return OBEYED.sub(lambda found: _escape(found[0]), text)


def _escape(character: str) -> str:
    return ascii(character)[1:-1].replace("\\udc", "\\x")


def _uncommanded(text: str) -> str:
    """Without workflow commands: the runner takes `::` at the start of a line, and `##[` anywhere
    in it (docs.github.com, "Workflow commands for GitHub Actions"; actions/runner,
    ActionCommand.cs)."""
    return COMMAND.sub(r"\1\\::", text).replace(OLD_COMMAND, "##\\[")
