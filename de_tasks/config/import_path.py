"""Where our code takes modules from while `inv` has the project's folder first in its module path.

The people who write apps have a `secrets.py` or a `queue.py` beside their tasks.py. invoke puts
that folder first, and we, and what we stand on, import much as late as it is needed. What
this module imports, and `__future__` is a module too, would still come from there: invoke has
imported all of it before.
"""

import os
import sys
import threading
from contextlib import contextmanager
from importlib.machinery import PathFinder

TYPE_CHECKING = False  # typing's, without importing typing
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

LIBRARY = os.path.dirname(os.__file__)
"""The folder of the standard library."""
OURS = os.path.abspath(__file__)
INSTALLED = ("site-packages", "dist-packages")


class _Modules:
    """The modules of names that the project's folder has too: ours while our code runs, the
    project's before and after."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._path: list[str] = []
        self._names: set[str] = set()
        self._before: dict[str, ModuleType] = {}
        self._ours: dict[str, ModuleType] = {}

    def enter(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside > 1:
                return
            self._path = list(sys.path)
            here = _projects(self._path)
            sys.path[:] = _installed_first(self._path, here)
            self._names = _names_in(here)
            self._before = _loaded(self._names)
            theirs = {n: n.partition(".")[0] for n, m in self._before.items() if _is_in(m, here)}
            shadows = set(filter(_is_elsewhere, set(theirs.values())))
            for name, top in theirs.items():
                if top in shadows:
                    del sys.modules[name]
            sys.modules.update(self._ours)

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside:
                return
            added = [entry for entry in sys.path if entry not in self._path]
            sys.path[:] = [*self._path, *added]
            now = _loaded(self._names)
            self._ours = {n: m for n, m in now.items() if m is not self._before.get(n)}
            for name in self._ours:
                del sys.modules[name]
            sys.modules.update(self._before)


_modules = _Modules()


@contextmanager
def installed_first() -> "Iterator[None]":
    """Take modules from where things are installed, and not from the project's folder: also a
    module that is missing, and that a library could do without, is not looked for there.

    What the project has imported under the name of one of ours, and what it imports later, is
    its own again after this.
    """
    _modules.enter()
    try:
        yield
    finally:
        _modules.leave()


def _projects(path: "list[str]") -> "list[str]":
    """The entries of a module path that are the project's: the first, which is invoke's, the
    current folder, and one above it that has the tasks."""
    found = [entry for entry in path if entry in path[:1] or _is_current(_absolute(entry))]
    return [entry for entry in dict.fromkeys(found) if not _is_installed(entry)]


def _is_current(folder: str) -> bool:
    here = _absolute("")
    below = here.startswith(os.path.join(folder, ""))
    tasks = (os.path.join(folder, "tasks.py"), os.path.join(folder, "tasks", "__init__.py"))
    return here == folder or (below and any(map(os.path.exists, tasks)))


def _absolute(entry: str) -> str:
    try:
        return os.path.abspath(entry)
    except FileNotFoundError:  # The current folder is gone: nothing lies in it.
        return os.devnull


def _installed_first(path: "list[str]", here: "list[str]") -> "list[str]":
    """A module path without the project's folders; one that we are installed in is the last."""
    found = sorted((entry for entry in path if entry not in here), key=_is_installed, reverse=True)
    return found + [e for e in here if OURS.startswith(os.path.join(_absolute(e), ""))]


def _is_installed(entry: str) -> bool:
    archive = f"python{sys.version_info[0]}{sys.version_info[1]}.zip"
    below = entry == LIBRARY or entry.startswith(os.path.join(LIBRARY, ""))
    return below or os.path.basename(entry) in (*INSTALLED, "lib-dynload", archive)


def _names_in(folders: "Iterable[str]") -> set[str]:
    """What the folders have modules and packages of."""
    found: set[str] = set()
    for folder in folders:
        try:
            listed = os.listdir(folder or ".")
        except OSError:
            continue
        for file in listed:
            name, dot, kind = file.partition(".")
            package = os.path.join(folder, name, "__init__.py")
            if kind.endswith(("py", "so", "pyd")) or (not dot and os.path.exists(package)):
                found.add(name)
    return found - {"tasks", __name__.partition(".")[0]}


def _loaded(names: set[str]) -> "dict[str, ModuleType]":
    below = tuple(f"{name}." for name in names if name in sys.modules)
    found = {n: m for n, m in list(sys.modules.items()) if n.startswith(below)} if below else {}
    return found | {name: sys.modules[name] for name in names if name in sys.modules}


def _is_in(module: "ModuleType", folders: "Iterable[str]") -> bool:
    file = getattr(module, "__file__", None) or ""
    below = any(file.startswith(os.path.join(_absolute(f), "")) for f in folders)
    return below and not any(part in INSTALLED for part in file.split(os.sep))


def _is_elsewhere(name: str) -> bool:
    """Whether there is an installed module of a name: all others are the project's alone."""
    installed = [entry for entry in sys.path if _is_installed(entry)]
    return name in sys.stdlib_module_names or PathFinder.find_spec(name, installed) is not None
