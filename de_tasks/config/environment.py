"""Our environment: what it tells of where we are, and what of it others get. Imports next to
nothing."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager

TYPE_CHECKING = False  # typing's, without importing typing
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

SECRETS = frozenset(
    f"{prefix}_{name}"
    for prefix in ("DASH_ENTERPRISE", "INVOKE_DE")
    for name in ("PASSWORD", "API_KEY")
)
"""Variables that only we read, and git hooks that run us."""


@contextmanager
def hidden(more: Iterable[str] = ()) -> Iterator[None]:
    """Our own environment without secrets and `more`, for a library that starts programs by
    itself."""
    kept = {name: os.environ.pop(name) for name in (*SECRETS, *more) if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)


def without_secrets(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a program that we start gets of our own environment."""
    environment = os.environ if environment is None else environment
    return {name: value for name, value in environment.items() if name not in SECRETS}


def inherited() -> dict[str, str]:
    """The environment of a program that runs git itself, without secrets.

    A hook's `GIT_*` variables are left out: they would lead its git into the developer's index.
    """
    return {n: value for n, value in without_secrets().items() if not n.startswith("GIT_")}


def proxy_variable(scheme: str) -> str:
    """The variable that names the proxy for addresses of a scheme, empty where none is set."""
    names = (n for name in (f"{scheme}_proxy", "all_proxy") for n in (name, name.upper()))
    return next((name for name in names if os.environ.get(name)), "")


def in_ci(environment: Mapping[str, str] | None = None) -> bool:
    """Whether this is a job of a CI, where nobody is there to be asked."""
    return bool((os.environ if environment is None else environment).get("CI"))


def branch_of_job() -> str:
    """The branch that a CI's job is for, empty where the CI names none, as for a tag."""
    if os.environ.get("GITHUB_REF_TYPE") == "tag":
        return ""
    return os.environ.get("GITHUB_REF_NAME") or os.environ.get("CI_COMMIT_BRANCH", "")


def on_github() -> bool:
    """Whether this is a job of GitHub Actions, which reads workflow commands from what we print."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def on_gitlab() -> bool:
    """Whether this is a job of GitLab CI."""
    return os.environ.get("GITLAB_CI") == "true"


def gitlab_checkout() -> str:
    """The top of the checkout in a job of GitLab CI, empty elsewhere."""
    return os.environ.get("CI_PROJECT_DIR", "") if on_gitlab() else ""


def colours() -> str:
    """What the environment says of colours: `forced`, `none`, or nothing."""
    if os.environ.get("NO_COLOR"):
        return "none"
    if os.environ.get("FORCE_COLOR", "0") not in ("", "0", "false"):
        return "forced"
    return "none" if is_dumb() else ""


def is_dumb() -> bool:
    """Whether the terminal shows text, and nothing else."""
    return os.environ.get("TERM", "") in ("dumb", "unknown")


def wants_json() -> bool:
    """Whether every command that has `--json` is to print JSON."""
    return os.environ.get("DE_JSON", "").strip().lower() not in ("", "0", "false", "no", "off")


def github_file(name: str) -> str:
    """The file in which a job of GitHub Actions, or of what works like it, takes its `output` or
    `step_summary`; empty elsewhere."""
    return os.environ.get(f"GITHUB_{name.upper()}", "")


def workspace() -> str:
    """The top of the checkout in a job of GitHub Actions, empty elsewhere."""
    return os.environ.get("GITHUB_WORKSPACE", "")


def has_browser(environment: Mapping[str, str] | None = None) -> bool:
    """Whether a browser would open in a window; a browser in the terminal is of no help."""
    environment = os.environ if environment is None else environment
    signs = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    return sys.platform in ("darwin", "win32") or any(environment.get(name) for name in signs)
