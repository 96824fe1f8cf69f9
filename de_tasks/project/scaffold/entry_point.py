"""How an app is started: found in its files, and written down for its Procfile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from shlex import quote

from de_tasks.project.scaffold.imports import module_of, reached_from
from de_tasks.project.scaffold.python_source import Source
from de_tasks.project.scaffold.start_folder import reads_in, where

SERVABLE = ("server", "flask", "fastapi", "django", "wsgi", "dash")
"""What can be served, the most telling first: Dash itself by gunicorn since 3.0.5."""
FIRST = ("app", "index", "wsgi", "main", "server", "run", "streamlit_app")
"""Names of modules that people give the file to start with."""
FURTHEST = 4
"""Files through which a name is followed that each of them imports from the next."""
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
    others: tuple[str, ...] = ()
    """Files that look as much like the app as the one that is started."""


@dataclass(frozen=True)
class _Candidate:
    source: Source
    name: str
    kind: str
    called: bool = False

    @property
    def rank(self) -> tuple[int, int, int, int, int, int, str]:
        first = self.source.module.rpartition(".")[2]
        return (
            self.source.test,
            not self.source.layout,
            not first.isidentifier(),
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
        if kind in SERVABLE and source.importable
    ]
    # Where nothing is made at module level, gunicorn and uvicorn call what makes it.
    candidates = candidates or [
        _Candidate(source, name, kind, called=True)
        for source in sources.values()
        for name, kind in source.made.items()
        if kind in SERVABLE and name in source.alone and source.importable
    ]
    if candidates:
        chosen = min(candidates, key=lambda c: c.rank)
        return replace(_served(chosen, sources), others=_alike(chosen, candidates, sources))
    scripts = [
        s for s in sources.values() if "streamlit" in s.modules and "pages" not in s.path.parts
    ]
    if not scripts:
        return None
    script = min(scripts, key=lambda s: _Candidate(s, "", SERVABLE[-1]).rank)
    reached = reached_from(script, sources)
    return EntryPoint(
        commands={"web": STREAMLIT.format(quote(str(script.path)))},
        reason=f"{script.path} is a Streamlit app",
        needs=("streamlit",),
        reached=reached,
        services=_services(reached),
    )


def _alike(
    chosen: _Candidate, candidates: Sequence[_Candidate], sources: Mapping[str, Source]
) -> tuple[str, ...]:
    """The files of candidates that nothing but their names puts behind the chosen one, and that
    have nothing to do with it."""
    reached = reached_from(chosen.source, sources)
    same = {c.source.module: c.source for c in candidates if c.rank[:4] == chosen.rank[:4]}
    return tuple(
        str(source.path)
        for source in same.values()
        if source not in reached and chosen.source not in reached_from(source, sources)
    )


def _served(chosen: _Candidate, sources: Mapping[str, Source]) -> EntryPoint:
    source = chosen.source
    reached = reached_from(source, sources)
    words = {
        "dash": "the Dash app",
        "django": "the Django app",
        "flask": "the Flask app",
        "fastapi": "the ASGI app",
    }
    what = words.get(chosen.kind, "the WSGI app")
    root, module = where(source, sources)
    if chosen.kind == "fastapi":
        factory = " --factory" if chosen.called else ""
        target = quote(f"{module}:{chosen.name}") + factory + _option("--app-dir", root)
        commands = {"web": f"uvicorn {target} --host 0.0.0.0 --port $PORT"}
        needs = ["uvicorn"]
    else:
        target = quote(f"{module}:{chosen.name}{'()' if chosen.called else ''}")
        name = "--chdir" if reads_in(root, source, reached) else "--pythonpath"
        option = _option(name, root)
        commands = {"web": f"gunicorn{option} {target} --workers 2 --threads 4"}
        needs = ["gunicorn"]
    for other in reached:
        for name, kind in other.defined.items():
            if kind == "celery" and "worker" not in commands:
                place, module = where(other, sources, root)
                target = quote(f"{module}:{name}")
                command = f"celery{_option('--workdir', place)} --app={target} worker"
                commands["worker"] = f"{command} --concurrency=2"
                needs.append("celery")
    return EntryPoint(
        commands=commands,
        reason=f"{source.path} has {what} `{chosen.name}{'()' if chosen.called else ''}`",
        needs=tuple(needs),
        reached=reached,
        services=_services(reached),
        bare_dash=chosen.kind == "dash",
    )


def why_none(sources: Mapping[str, Source]) -> str:
    """Why no server could find the app that these files make; empty where they make none."""
    for source in sorted(sources.values(), key=lambda s: (s.test, len(s.path.parts), s.path)):
        for name, kind in source.inside.items():
            if kind not in SERVABLE:
                continue
            what = f"{source.path} makes its {'Dash app' if kind == 'dash' else 'app'} in {name}"
            top = "make it at the top level of the file"
            if name in source.made:
                return f"{what}(), which needs arguments: give them defaults, or {top}"
            return f"{what}, where no server finds it: {top}, or return it from a function"
    return ""


def _names(source: Source, sources: Mapping[str, Source]) -> list[tuple[str, str]]:
    """Names of a file with what they are; what it imports from another file is its own too."""
    found = dict(source.defined)
    for name, full in source.imported.items():
        module, _, original = full.rpartition(".")
        origin = module_of(module, source, sources) if module else None
        if origin and source.layout:
            found.setdefault(name, _defined(origin, original, sources))
    for name, full in source.calls.items():
        module, _, function = full.rpartition(".")
        maker = module_of(module, source, sources)
        if not found.get(name) and maker:
            found[name] = _made(maker, function, sources)
    return list(found.items())


def _defined(source: Source, name: str, sources: Mapping[str, Source], deep: int = 0) -> str:
    """What a name of a file is, also one that a package only hands on from its own files."""
    kind = source.defined.get(name, "")
    onward = _onward(source, name, sources) if not kind and deep < FURTHEST else None
    return _defined(*onward, sources, deep + 1) if onward else kind


def _made(source: Source, function: str, sources: Mapping[str, Source], deep: int = 0) -> str:
    """The same of what a function makes."""
    kind = source.made.get(function, "")
    onward = _onward(source, function, sources) if not kind and deep < FURTHEST else None
    return _made(*onward, sources, deep + 1) if onward else kind


def _onward(source: Source, name: str, sources: Mapping[str, Source]) -> tuple[Source, str] | None:
    """The file that a name is imported from, and what it is called there."""
    module, _, original = source.imported.get(name, "").rpartition(".")
    origin = module_of(module, source, sources) if module else None
    return (origin, original) if origin and origin is not source else None


def _option(name: str, folder: tuple[str, ...]) -> str:
    return f" {name} {quote('/'.join(folder))}" if folder else ""


def _services(reached: tuple[Source, ...]) -> tuple[str, ...]:
    texts = {text for source in reached for text in source.texts}
    return tuple(kind for variable, kind in SERVICES.items() if variable in texts)
