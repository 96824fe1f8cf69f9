"""The documentation says what the tasks say."""

from __future__ import annotations

from docs import generate


def test_pages_of_commands_are_those_of_the_tasks() -> None:
    written = {file.name: file.read_text("utf-8") for file in generate.FOLDER.iterdir()}
    stale = [name for name, text in generate.pages().items() if written.get(name) != text]
    if generate.FIELDS.read_text("utf-8") != generate.json_page():
        stale.append(generate.FIELDS.name)
    assert (stale, set(written) - set(generate.pages())) == ([], set()), "run: inv reference"
