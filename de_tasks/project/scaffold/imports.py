"""Which file of an app a name leads to, and what an app loads by that."""

from __future__ import annotations

from collections.abc import Mapping

from de_tasks.project.scaffold.python_source import Source


def module_of(module: str, source: Source, sources: Mapping[str, Source]) -> Source | None:
    """The file that a module is, seen from another one of the app: itself where none is named."""
    if not module:
        return source
    # From the top, from the file's own folder as a script has it, or from one between them.
    folders = source.path.parent.parts
    names = (".".join([*folders[:end], module]) for end in (0, *range(len(folders), 0, -1)))
    return next((sources[name] for name in names if name in sources), None)


def reached_from(start: Source, sources: Mapping[str, Source]) -> tuple[Source, ...]:
    """The file, and all of the folder's that it imports, directly or not."""
    found: dict[str, Source] = {}
    waiting = [start]
    while waiting:
        source = waiting.pop()
        if source.module in found:
            continue
        found[source.module] = source
        for module in filter(None, source.modules):
            if other := module_of(module, source, sources):
                waiting.append(other)
        if source.layout or source is start:
            # Dash reads the files of `pages` by itself; Streamlit does too.
            waiting += [s for s in sources.values() if "pages" in s.path.parts]
    return tuple(found.values())
