"""The folder that an app's modules are imported from, and the one that it is started in."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from de_tasks.project.scaffold.imports import reached_from
from de_tasks.project.scaffold.python_source import Source
from de_tasks.project.scaffold.requirements import SURE


def where(
    source: Source, sources: Mapping[str, Source], root: tuple[str, ...] | None = None
) -> tuple[tuple[str, ...], str]:
    """The folder that modules are imported from, and the module there. It is the folder where most
    of what the files import is found; where that does not tell, it is seen from the folders. A
    `root` that another process has is this one's too, so that its modules have the same names."""
    folders = source.path.parent.parts
    parts = [*folders, *([] if source.path.stem == "__init__" else [source.path.stem])]
    reached = reached_from(source, sources)
    wanted = {name for other in reached for name in other.absolute}
    wanted = {n for n in wanted if n.partition(".")[0] not in {*SURE, *sys.stdlib_module_names}}
    there = {
        (*other.path.parts[:at], other.path.parts[at].removesuffix(".py"))
        for other in sources.values()
        for at in range(len(other.path.parts))
    }
    # What a relative import begins in is a package, and so lies below that folder.
    packages = {package for other in reached for package in other.counted_from if package}
    deepest = min((len(p) - 1 for p in packages if p == folders[: len(p)]), default=len(parts))
    usual = _usual_depth(source, sources)

    def fitness(depth: int) -> tuple[int, bool, int]:
        found = sum((*folders[:depth], *name.split(".")) in there for name in wanted)
        return found, depth == usual, -depth

    if root is not None and root == folders[: len(root)]:
        usual, wanted = len(root), set()
    named = [at for at in range(len(parts)) if all(part.isidentifier() for part in parts[at:])]
    depth = max([at for at in named if at <= deepest] or [usual], key=fitness)
    return folders[:depth], ".".join(parts[depth:])


def reads_in(root: tuple[str, ...], source: Source, reached: Sequence[Source]) -> bool:
    """Whether an app is started in that folder: names of files are read in the folder that the
    process is in, and where they do not tell, a file beside no package is started in its own."""
    here, top = (sum(other.files[at] for other in reached) for at in (root, ()))
    return here > top or (here == top and root == source.path.parent.parts)


def _usual_depth(source: Source, sources: Mapping[str, Source]) -> int:
    """How many folders deep modules are imported from: a file in a folder that is no package is
    started in that folder, and a package in `src` is imported from there. A relative import needs
    a package, which need have no `__init__.py` (PEP 420)."""
    folders = source.path.parent.parts
    if folders and ".".join(folders) not in sources and not source.counted_from:
        return len(folders)
    top, *inner = source.path.parts
    absolute = any(
        (top,) in s.counted_from or any(m.split(".")[0] == top for m in s.absolute)
        for s in sources.values()
    )
    # Packages below a folder that is none: the layout with `src`.
    return 1 if len(inner) > 1 and top not in sources and not absolute else 0
