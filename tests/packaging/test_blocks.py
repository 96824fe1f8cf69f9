"""What the pages show can be typed, and read by the program that it is for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import invoke
import pytest
import tomllib
from invoke.parser import Parser
from invoke.util import yaml

import de_tasks
from de_tasks.cli.program import PASSED, read_by
from de_tasks.config.settings import REFERENCE_VARIABLES, Settings, load
from de_tasks.deployment.fleets import apps
from de_tasks.deployment.settings import form
from tests.support import pages
from tests.support.places import ROOT

PROGRAMS = ("inv", "de-tasks", "make")
ELSEWHERE = ("reference", "platform.deploy")
"""Of this repository's own tasks.py, and of the guide's."""
TARGETS = re.findall(
    r"^([a-z]+):",
    # Ours, and the one that `init` writes.
    "".join((ROOT / name).read_text("utf-8") for name in ("Makefile", "docs/templates.md")),
    re.MULTILINE,
)
COMMANDS = de_tasks.ns.to_contexts()
SETTINGS = set(Settings.__dataclass_fields__)
VARIABLES = {*REFERENCE_VARIABLES.values(), *(f"INVOKE_DE_{name.upper()}" for name in SETTINGS)}


def typed() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each command of ours that a page shows, once, with one of its pages."""
    shown = [block for block in pages.blocks() if block.language in ("", "sh", "console")]
    found: dict[tuple[str, ...], str] = {}
    for block in [*shown, *pages.in_text()]:
        for words in pages.commands(block.text):
            if words[:1] and words[0] in PROGRAMS and "[OPTIONS]" not in words:
                found[tuple(words)] = block.page
    return ((page, words) for words, page in found.items())


def refused(words: Sequence[str]) -> str:
    """Why a command cannot be typed like this; empty if it can."""
    program, *rest = words
    try:
        if program == "make":
            unknown = [word for word in rest if "=" not in word and word not in TARGETS]
            return f"no target {unknown}" if unknown else ""
        if program == "de-tasks":
            read_by(program).read(rest, PASSED)
        elif rest[:1] and rest[0] not in ELSEWHERE:
            core = invoke.Program(namespace=de_tasks.ns).initial_context
            # The parser copies each command that it is given.
            named = [one for one in COMMANDS if {str(one.name), *one.aliases} & set(rest)]
            Parser(initial=core, contexts=named).parse_argv(rest)
    except Exception as error:
        return str(error) or repr(error)
    return ""


def test_commands_of_the_pages_can_be_typed() -> None:
    shown = list(typed())
    wrong = [(page, " ".join(words), why) for page, words in shown if (why := refused(words))]
    assert len(shown) > 100 and wrong == []


@pytest.mark.parametrize(
    "words", ["inv deploi", "inv status --nmae x", "de-tasks apps lst", "make x"]
)
def test_command_that_nobody_could_type_is_noticed(words: str) -> None:
    assert refused(words.split())


def configuration(text: str) -> None:
    """YAML as invoke reads it; a section `de` as we do, but for whether what it names is there."""
    section: Any = yaml.safe_load(text).get("de")  # type: ignore[no-untyped-call]
    if section is None:
        return
    settings = load(section, {})
    if settings.apps:
        listed = [{**app, "shared": ()} if isinstance(app, dict) else app for app in settings.apps]
        apps.parse(listed, (), ROOT, folders=False)
    form.parse(settings.settings, "de.settings", ROOT)


def documents(text: str) -> None:
    """One document, or one a line."""
    for part in [text] if text.lstrip().startswith("{\n") else text.splitlines():
        json.loads(part)


READERS: dict[str, Callable[[str], object]] = {
    "yaml": configuration,
    "json": documents,
    "toml": tomllib.loads,
    "python": lambda text: compile(text, "page", "exec"),
    "make": str,
    "sh": str,
    "console": str,
    "": str,
}
"""What reads a block, by its language; commands are read above."""


def test_blocks_of_the_pages_are_read() -> None:
    wrong = []
    for block in pages.blocks():
        try:
            READERS[block.language](block.text)
        except Exception as error:
            wrong.append((block.page, block.text, error))
    assert wrong == []


def test_settings_and_variables_of_the_pages_are_known() -> None:
    unknown = set()
    for path in pages.PAGES:
        text = path.read_text("utf-8")
        unknown |= (
            set(re.findall(r"\b(?:INVOKE_DE|DASH_ENTERPRISE)_[A-Z_]*[A-Z]\b", text)) - VARIABLES
        )
        for name in re.findall(r"`de\.([a-z_.]+)[:`]", text):
            flat = name.replace(".", "_")
            if not any(known == flat or known.startswith(f"{flat}_") for known in SETTINGS):
                unknown.add(f"de.{name}")
    assert unknown == set()
