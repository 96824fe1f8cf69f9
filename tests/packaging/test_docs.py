"""The documentation says what the tasks say."""

from __future__ import annotations

import re

import tomllib

from de_tasks.cli.program import read_by
from de_tasks.tasks.fleet_output import BUILD_FOR_PROGRAMS, HEADS
from docs import generate
from tests.support.places import ROOT


def test_pages_of_commands_are_those_of_the_tasks() -> None:
    written = {file.name: file.read_text("utf-8") for file in generate.FOLDER.iterdir()}
    stale = [name for name, text in generate.pages().items() if written.get(name) != text]
    rest = generate.others()
    stale += [file.name for file, text in rest.items() if file.read_text("utf-8") != text]
    assert (stale, set(written) - set(generate.pages())) == ([], set()), "run: inv reference"


def test_fleets_are_shown_with_the_headings_that_are_printed() -> None:
    text = (ROOT / "docs" / "fleets.md").read_text("utf-8")
    (shown,) = [line for line in text.splitlines() if line.startswith("NAME ")]
    assert tuple(re.split(r"\s{2,}", shown)) == HEADS
    assert f"second column is {BUILD_FOR_PROGRAMS}" in text


def test_page_about_migrating_has_every_command_of_the_vendors() -> None:
    page = (ROOT / "docs" / "migrating.md").read_text("utf-8")
    text = (ROOT / "tests" / "scenarios" / "reference.toml").read_text("utf-8")
    lines = [line["de"] for part in tomllib.loads(text)["chapter"] for line in part["lines"]]
    read = [read_by("de-tasks").read(line.split()) for line in lines]
    typed = {word for words in read if isinstance(words, list) for word in words}
    names = typed & set(generate.CONTEXTS)
    assert len(names) > 15
    assert [name for name in names if f"`de {name.replace('.', ' ')}" not in page] == []
