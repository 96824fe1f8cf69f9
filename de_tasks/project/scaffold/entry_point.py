"""How an app is started: found in its files, and written down for its Procfile."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from de_tasks.project.scaffold.python_source import Source

SERVABLE = ("server", "flask", "fastapi", "django", "wsgi", "dash")
"""What can be served, the most telling first: Dash itself by gunicorn since 3.0.5."""
FIRST = ("app", "index", "wsgi", "main", "server", "run", "streamlit_app")
"""Names of modules that people give the file to start with."""
SERVICES = {"REDIS_URL": "redis", "DATABASE_URL": "postgres"}
STREAMLIT = "streamlit run {} --server.port $PORT"


@dataclass(frozen=True)
class EntryPoint:
    """What the Procfile should say: process type to command, and why.

    `needs` are the packages that the commands themselves need; `reached` are the files that
    belong to the app as it starts, `services` the kinds of databases that it reads addresses of.
    """

    commands: Mapping[str, str]
    reason: str
    needs: tuple[str, ...]
    reached: tuple[Source, ...]
    services: tuple[str, ...]
    bare_dash: bool = False


@dataclass(frozen=True)
class _Candidate:
    source: Source
    name: str
    kind: str
    called: bool = False

    @property
    def rank(self) -> tuple[int, int, int, int, str]:
        first = self.source.module.rpartition(".")[2]
        return (
            not self.source.layout,
            len(self.source.path.parts),
            FIRST.index(first) if first in FIRST else len(FIRST),
            SERVABLE.index(self.kind),
            self.source.module,
        )


def find_entry(sources: Mapping[str, Source]) -> EntryPoint | None:
    """The entry point of an app, None when there is nothing that looks like one."""
    candidates = [
        _Candidate(source, name, kind)
        for source in sources.values()
        for name, kind in _names(source, sources)
        if kind in SERVABLE
    ]
    # Where nothing is made at module level, gunicorn and uvicorn call what makes it.
    candidates = candidates or [
        _Candidate(source, name, kind, called=True)
        for source in sources.values()
        for name, kind in source.made.items()
        if kind in SERVABLE and name in source.alone
    ]
    if candidates:
        return _served(min(candidates, key=lambda c: c.rank), sources)
    scripts = [
        s for s in sources.values() if "streamlit" in s.modules and "pages" not in s.path.parts
    ]
    if not scripts:
        return None
    script = min(scripts, key=lambda s: _Candidate(s, "", SERVABLE[-1]).rank)
    reached = _reached(script, sources)
    return EntryPoint(
        commands={"web": STREAMLIT.format(script.path)},
        reason=f"{script.path} is a Streamlit app",
        needs=("streamlit",),
        reached=reached,
        services=_services(reached),
    )


def _served(chosen: _Candidate, sources: Mapping[str, Source]) -> EntryPoint:
    source = chosen.source
    reached = _reached(source, sources)
    words = {
        "dash": "the Dash app",
        "django": "the Django app",
        "flask": "the Flask app",
        "fastapi": "the ASGI app",
    }
    what = words.get(chosen.kind, "the WSGI app")
    options, module = _where(source, sources)
    if chosen.kind == "fastapi":
        options = options.replace("--chdir", "--app-dir").replace("--pythonpath", "--app-dir")
        options = f" --factory{options}" if chosen.called else options
        target = f"{module}:{chosen.name}{options}"
        commands = {"web": f"uvicorn {target} --host 0.0.0.0 --port $PORT"}
        needs = ["uvicorn"]
    else:
        target = f"'{module}:{chosen.name}()'" if chosen.called else f"{module}:{chosen.name}"
        commands = {"web": f"gunicorn{options} {target} --workers 2 --threads 4"}
        needs = ["gunicorn"]
    for other in reached:
        for name, kind in other.defined.items():
            if kind == "celery" and "worker" not in commands:
                options, module = _where(other, sources)
                options = re.sub("--chdir|--pythonpath", "--workdir", options)
                command = f"celery{options} --app={module}:{name} worker --concurrency=2"
                commands["worker"] = command
                needs.append("celery")
    return EntryPoint(
        commands=commands,
        reason=f"{source.path} has {what} `{chosen.name}{'()' if chosen.called else ''}`",
        needs=tuple(needs),
        reached=reached,
        services=_services(reached),
        bare_dash=chosen.kind == "dash",
    )


def _names(source: Source, sources: Mapping[str, Source]) -> list[tuple[str, str]]:
    """Names of a file with what they are; what it imports from another file is its own too."""
    found = dict(source.defined)
    for name, full in source.imported.items():
        module, _, original = full.rpartition(".")
        other = _module_of(module, source, sources)
        if other and source.layout:
            found.setdefault(name, other.defined.get(original, ""))
    for name, full in source.calls.items():
        module, _, function = full.rpartition(".")
        maker = _module_of(module, source, sources)
        if not found.get(name) and maker:
            found[name] = maker.made.get(function, "")
    return list(found.items())


def _module_of(module: str, source: Source, sources: Mapping[str, Source]) -> Source | None:
    """The file that a module is, seen from another one of the app: itself where none is named."""
    beside = ".".join([*source.path.parent.parts, module])
    return (sources.get(module) or sources.get(beside)) if module else source


def _where(source: Source, sources: Mapping[str, Source]) -> tuple[str, str]:
    """An option and a module: a file in a folder that is no package is started in that folder,
    and a package in `src` is imported from there, also one without `__init__.py`."""
    here, (top, *inner) = ".".join(source.path.parent.parts), source.path.parts
    # A relative import needs a package, which need have no __init__.py (PEP 420).
    packaged = source.counted_from or any(
        f"{top}.{module}" in sources and f"{here}.{module}" not in sources
        for module in source.absolute
    )
    if here and here not in sources and not packaged:
        return f" --chdir {source.path.parent}", source.path.stem
    named = any(
        top in s.counted_from or any(m.split(".")[0] == top for m in s.absolute)
        for s in sources.values()
    )
    if len(inner) > 1 and top not in sources and not named:
        # Packages below a folder that is none: the layout with `src`.
        return f" --pythonpath {top}", source.module.partition(".")[2]
    return "", source.module


def _reached(start: Source, sources: Mapping[str, Source]) -> tuple[Source, ...]:
    """The file, and all of the folder's that it imports, directly or not."""
    found: dict[str, Source] = {}
    waiting = [start]
    while waiting:
        source = waiting.pop()
        if source.module in found:
            continue
        found[source.module] = source
        package = ".".join(source.path.parent.parts)
        for module in source.modules:
            for name in (module, f"{package}.{module}"):
                if name in sources:
                    waiting.append(sources[name])
        if source.layout or source is start:
            # Dash reads the files of `pages` by itself; Streamlit does too.
            waiting += [s for s in sources.values() if "pages" in s.path.parts]
    return tuple(found.values())


def _services(reached: tuple[Source, ...]) -> tuple[str, ...]:
    texts = {text for source in reached for text in source.texts}
    return tuple(kind for variable, kind in SERVICES.items() if variable in texts)
