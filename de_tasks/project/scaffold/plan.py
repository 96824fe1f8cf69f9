"""A project made ready: whole apps from templates, or what an app that is there still lacks.

Nothing that is there is overwritten: a file is created, or gets lines at its end. Where neither
can be, words say what to do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from de_tasks.errors import UsageError
from de_tasks.project.scaffold import adopt, installed
from de_tasks.project.scaffold.files import File, fit
from de_tasks.repo.sent import ignored

CI = {
    "github": (".github/workflows/dash-enterprise.yml", "ci/github.yml.jinja"),
    "gitlab": (".gitlab-ci.yml", "ci/gitlab.yml.jinja"),
    "shell": ("ci/deploy.sh", "ci/deploy.sh.jinja"),
}
FLEET = {
    "github": (".github/workflows/fleet.yml", "ci/fleet-github.yml"),
    "gitlab": (".gitlab/fleet.yml", "ci/fleet-gitlab.yml"),
}
PROJECT = {
    "tasks": ("tasks.py", "project/tasks.py"),
    "settings": ("invoke.yaml", "project/invoke.yaml.jinja"),
    "makefile": ("Makefile", "project/Makefile"),
    "gitignore": (".gitignore", "project/gitignore"),
    "pre-commit": (".pre-commit-config.yaml", "project/pre-commit-config.yaml"),
}
PARTS = (*PROJECT, "ci")
AT_THE_TOP = ("pre-commit", "ci")
"""Parts that git and CI systems look for at the top of a repository alone."""


@dataclass(frozen=True)
class Choices:
    """What a project is to get. `top` is the top of the repository around it, if there is one."""

    app: str
    template: str = ""
    ci: str = ""
    host: str = ""
    branch: str = "main"
    without: tuple[str, ...] = ()
    top: Path | None = None
    lock: str = ""
    """The lock file that the app is to be deployed from."""
    fleet: bool = False
    """Whether this is the top of a repository with apps in other folders: `de.apps`."""

    def wants(self, part: str, folder: Path) -> bool:
        """Whether a part is wanted, and of use in this folder."""
        return part not in self.without and not (part in AT_THE_TOP and self.below_top(folder))

    def below_top(self, folder: Path) -> bool:
        """Whether the folder lies somewhere in a repository and not at its top."""
        return self.top is not None and self.top.resolve() != folder.resolve()


@dataclass(frozen=True)
class ScaffoldPlan:
    """Files to write, words about the rest, and kinds of databases that the app wants."""

    files: tuple[File, ...]
    words: tuple[str, ...] = ()
    services: tuple[str, ...] = ()


def templates() -> Path:
    """The folder of templates: in the package, or beside it in an editable install."""
    here = Path(__file__).resolve().parents[2]
    for folder in (here / "templates", here.parent / "templates"):
        if folder.is_dir():
            return folder
    raise UsageError("The package was installed without its templates.")


def app_templates() -> list[str]:
    """Names of the templates that are apps: those with a Procfile."""
    return sorted(path.parent.name for path in templates().glob("*/Procfile"))


def no_app(folder: Path) -> UsageError:
    """The error for a folder without an app, where no template was chosen."""
    known = ", ".join(app_templates())
    if why := adopt.why_none(folder):
        return UsageError(
            f"There is no app in {folder.resolve()} that a server can start: {why}. "
            f"Or begin with one of --template {known}"
        )
    return UsageError(
        f"There is no app in {folder.resolve()}: begin with one of --template {known}"
    )


def plan(folder: Path, choices: Choices) -> ScaffoldPlan:
    """What to write to a folder, which need not be there yet.

    Raises `UsageError` for a template, CI system or part that is not known, for a template where
    an app is already, and without one where there is none.
    """
    _check(folder, choices)
    if choices.fleet:
        return _fleet(folder, choices)
    files: list[File] = []
    words: list[str] = []
    if celery := _own_tasks(folder):
        words.append(
            "tasks.py is the app's own, and `inv` would import it: what is written here calls "
            f"de-tasks in its place{celery}"
        )
    if choices.template:
        files += _template_files(choices.template)
        services = adopt.adopt(templates() / choices.template).services
    else:
        adopted = adopt.adopt(folder, choices.lock)
        words += adopted.words
        services = adopted.services
        if adopted.procfile:
            files.append(File("Procfile", _lines(adopted.procfile), why=adopted.reason))
        if adopted.requirements:
            why = ", ".join(adopted.requirements)
            files.append(File("requirements.txt", _lines(adopted.requirements), True, why))
    for part, (path, source) in PROJECT.items():
        if choices.wants(part, folder) and all(file.path != path for file in files):
            if path == "tasks.py" and _own_tasks(folder) is not None:
                continue
            text = _render(source, choices, folder)
            files.append(File(path, text, path in ("Makefile", ".gitignore")))
    if choices.ci and choices.wants("ci", folder):
        path, source = CI[choices.ci]
        text = _render(source, choices, folder)
        files.append(File(path, text, why="its head says what it needs"))
        words.append(_ci_installs())
    if choices.below_top(folder):
        words.append(
            "This is not the top of its repository: a CI workflow and hooks belong there. "
            "How to deploy many apps of one repository: docs/fleets.md"
        )
    _send_all_the_same(folder, files, words)
    fitted = [made for file in files if (made := fit(folder, file, words))]
    return ScaffoldPlan(tuple(fitted), tuple(words), services)


def _ci_installs() -> str:
    here = installed.source()
    example = here or f"for example {installed.UNKNOWN}"
    return (
        f"The workflow installs de-tasks from its variable {installed.VARIABLE}, since no package "
        f"index has it. Set it in the CI: {example}"
    )


def _send_all_the_same(folder: Path, files: list[File], words: list[str]) -> None:
    """Let .gitignore leave out no file without which nothing can be deployed."""
    needed = [file.path for file in files if file.path in ("Procfile", "requirements.txt")]
    if not needed or not (folder / ".gitignore").is_file():
        return
    lines = [f"!/{name}" for name in ignored(folder, needed)]
    for at, file in enumerate(files):
        if lines and file.path == ".gitignore":
            files[at] = replace(file, text=f"{file.text.rstrip()}\n{_lines(lines)}")
            return
    if lines:
        words.append(f"A .gitignore leaves out what is written here: add {', '.join(lines)} to it")


def _check(folder: Path, choices: Choices) -> None:
    for what, name, known in (
        ("template", choices.template, app_templates()),
        ("CI template", choices.ci, list(CI)),
        *(("part", part, list(PARTS)) for part in choices.without),
    ):
        if name and name not in known:
            raise UsageError(f"There is no {what} {name!r}. There is: {', '.join(known)}.")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is not a folder: nothing was written.")
    if choices.fleet:
        return
    here = adopt.is_app(folder)
    if choices.template and here:
        raise UsageError(
            f"There is an app in {folder.resolve()} already: nothing was written. "
            "Leave out --template, or name another folder with --path"
        )
    if not choices.template and not here:
        raise no_app(folder)


def _template_files(template: str) -> list[File]:
    root = templates() / template
    found = sorted(path for path in root.rglob("*") if path.is_file())
    names = [path for path in found if "__pycache__" not in path.parts]
    return [File(p.relative_to(root).as_posix(), p.read_text("utf-8")) for p in names]


def _fleet(folder: Path, choices: Choices) -> ScaffoldPlan:
    """What the top of a repository gets whose apps are in other folders."""
    files, words = [], []
    for part in ("tasks", "gitignore"):
        path, source = PROJECT[part]
        if choices.wants(part, folder) and not (part == "tasks" and _own_tasks(folder)):
            files.append(File(path, _render(source, choices, folder), part == "gitignore"))
    if choices.ci in FLEET and choices.wants("ci", folder):
        path, source = FLEET[choices.ci]
        why = "it deploys the apps of de.apps that have changed"
        files.append(File(path, (templates() / source).read_text("utf-8"), why=why))
        words.append(_ci_installs())
    elif not choices.ci:
        words.append(f"A CI workflow for all apps: --ci {' or --ci '.join(FLEET)}")
    words.append(
        "The apps are in the folders that de.apps names: no app files are written here. "
        "What one of them lacks: --path FOLDER"
    )
    fitted = [made for file in files if (made := fit(folder, file, words))]
    return ScaffoldPlan(tuple(fitted), tuple(words))


def program(folder: Path) -> str:
    """The program that runs our tasks in a folder: `inv` takes the nearest tasks.py upwards."""
    here = folder.resolve()
    texts = (text for place in (here, *here.parents) if (text := _tasks(place)) is not None)
    return "inv" if "de_tasks" in next(texts, "") else "de-tasks"


def _tasks(folder: Path) -> str | None:
    """What a folder's tasks.py says, None where there is none."""
    package = folder / "tasks" / "__init__.py"
    try:
        path = package if package.is_file() else folder / "tasks.py"
        return path.read_text("utf-8", "replace")
    except OSError:
        return None


def _own_tasks(folder: Path) -> str | None:
    """Where tasks.py is the app's own, and not invoke's: what is known of it; else None."""
    text = _tasks(folder)
    if text is None or "de_tasks" in text or not QUEUES.search(text):
        return None
    return " (it has Celery's tasks)" if "celery" in text.lower() else ""


QUEUES = re.compile(r"celery|\b(shared_task|huey|dramatiq|rq)\b", re.IGNORECASE)
"""What runs tasks of its own, which its own documentation puts into tasks.py."""


def _render(source: str, choices: Choices, folder: Path) -> str:
    text = _filled(source, choices)
    if _own_tasks(folder) is None:
        return text
    return INV.sub(lambda found: f"de-tasks {found[1].replace('.', ' ')}", text)


INV = re.compile(r"(?<!`)\binv (?=[a-z])([a-z.]+)")
"""A command of `inv`, outside of a text that quotes it."""


def _filled(source: str, choices: Choices) -> str:
    text = (templates() / source).read_text("utf-8")
    if not source.endswith(".jinja"):
        return text
    import jinja2

    environment = jinja2.Environment(
        # GitHub's expressions are written with the usual braces.
        variable_start_string="[[",
        variable_end_string="]]",
        block_start_string="[%",
        block_end_string="%]",
        trim_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    names = {"app": choices.app, "host": choices.host, "branch": choices.branch}
    names["lock"] = choices.lock
    return environment.from_string(text).render(names)


def _lines(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
