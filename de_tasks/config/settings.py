"""Settings: where each value comes from, highest first.

1. a command-line flag
2. the reference's variables: DASH_ENTERPRISE_HOST, _USERNAME, _PASSWORD,
   _API_KEY, _CA_PATH
3. INVOKE_DE_* for single values
4. invoke's configuration under the key `de` (invoke.yaml, ~/.invoke.yaml, ns.configure)
5. the host of the last login (for the host only; see `auth.store`)
6. the default
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from de_tasks.appspec import VERSIONS
from de_tasks.config.numbers import whole_number
from de_tasks.errors import UsageError

REFERENCE_VARIABLES = {
    "host": "DASH_ENTERPRISE_HOST",
    "username": "DASH_ENTERPRISE_USERNAME",
    "password": "DASH_ENTERPRISE_PASSWORD",
    "api_key": "DASH_ENTERPRISE_API_KEY",
    "ca_path": "DASH_ENTERPRISE_CA_PATH",
}
CONFIRM = ("others", "always")
LOCK = re.compile(r"uv\.lock|pylock(\.[^./]+)?\.toml")
"""The lock files from which requirements.txt can be made."""
GIT_TRANSPORTS = ("auto", "direct", "de")
RULES: dict[str, tuple[Callable[[object], bool], str]] = {
    "confirm": (lambda value: value in CONFIRM, " or ".join(CONFIRM)),
    "requirements": (
        lambda value: LOCK.fullmatch(str(value)) is not None,
        "uv.lock or pylock.toml in the app's folder",
    ),
    "git_transport": (lambda value: value in GIT_TRANSPORTS, "auto, direct or de"),
    "version": (lambda value: value in (0, *VERSIONS), "4 or 5"),
}
"""What a setting may be, and in words."""
TRUE, FALSE = {"1", "true", "yes", "on"}, {"", "0", "false", "no", "off"}

DEFAULT = "the default"
"""Where a setting is from that nobody has set."""


@dataclass(frozen=True)
class Settings:
    """Everything that can be set. Durations are seconds; an empty text means not set.

    A field such as `sandbox_port` may also stand in a section: `de.sandbox.port`. A
    field that is a tuple takes a list, or a text with commas; a mapping stands in a file only.
    """

    host: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    api_key: str = field(default="", repr=False)
    ca_path: str = ""
    keyfile: str = ""
    no_keyfile: bool = False
    insecure_http: bool = False
    issuer: str = ""
    api: str = ""
    git: str = ""
    platform: str = "auto"
    git_transport: str = "auto"
    version: int = 0
    executable: str = "de"
    app: str = ""
    path: str = "."
    requirements: str = ""
    branch: str = "master"
    branches: Mapping[str, object] = field(default_factory=dict)
    hooks_yes: bool = False
    check_ignore: tuple[object, ...] = ()
    check_limit: int = 50
    cache: str = ""
    confirm: str = "others"
    timeout: int = 900
    retry_deadline: int = 180
    retry_attempts: int = 8
    apps: tuple[object, ...] = ()
    shared: tuple[object, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    preview_variables: tuple[str, ...] = ()
    preview_mounts: tuple[str, ...] = ()
    preview_access: str = "copy"
    sandbox_data: str = ""
    sandbox_port: int = 8888


@dataclass(frozen=True)
class SettingOrigin:
    """A value as it was found, and where: a flag, a variable, a section, or the default."""

    value: object
    where: str


def load(
    configuration: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
    **flags: object,
) -> Settings:
    """Settle every value. `configuration` is invoke's `de` section, `flags` what was typed.

    Raises `UsageError` naming a value that has the wrong form and where it came from.
    """
    found = origins(configuration, environment, **flags)
    values = {name: origin.value for name, origin in found.items()}
    settings = replace(Settings(), **values)  # type: ignore[arg-type]
    if not settings.ca_path:
        return settings
    # git reads it too, in a folder of its own.
    return replace(settings, ca_path=str(Path(settings.ca_path).expanduser().absolute()))


def origins(
    configuration: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
    **flags: object,
) -> dict[str, SettingOrigin]:
    """Every setting by name, with where its value comes from; `load` without the last step."""
    environment = os.environ if environment is None else environment
    defaults = Settings()
    known = {f.name for f in fields(defaults)}
    section = _flat(configuration or {}, known)
    for name, (where, _) in section.items():
        if name not in known:
            raise UsageError(f"There is no setting {where}. Settings: {', '.join(sorted(known))}")
    found = {}
    for setting in fields(defaults):
        name = setting.name
        default = getattr(defaults, name)
        sources = (
            # A switch that was not typed is False.
            ("the command line", flags.get(name) or None),
            *((v, environment.get(v)) for v in [REFERENCE_VARIABLES.get(name, "")] if v),
            (f"INVOKE_DE_{name.upper()}", environment.get(f"INVOKE_DE_{name.upper()}")),
            section.get(name, ("", None)),
        )
        found[name] = SettingOrigin(default, DEFAULT)
        for where, value in sources:
            if value is not None and value != "":
                found[name] = SettingOrigin(
                    _valid(name, _typed(default, value, where), where), where
                )
                break
    return found


def is_set(name: str) -> bool:
    """Whether the environment has a value for a setting."""
    variables = (REFERENCE_VARIABLES.get(name, ""), f"INVOKE_DE_{name.upper()}")
    return any(os.environ.get(variable) for variable in variables if variable)


def _flat(configuration: Mapping[str, object], known: set[str]) -> dict[str, tuple[str, object]]:
    """Settings by field name, with how each is written; sections are taken apart."""
    found: dict[str, tuple[str, object]] = {}
    for name, value in configuration.items():
        if name not in known and isinstance(value, Mapping):
            for key, inner in _texts(value, f"de.{name}").items():
                found[f"{name}_{key}"] = (f"de.{name}.{key}", inner)
        else:
            found[name] = (f"de.{name}", value)
    return found


def _texts(section: Mapping[object, object], where: str) -> dict[str, object]:
    """A section whose keys are texts: to YAML 1.1 `on` and `1.10` are none unless in quotes."""
    for key in section:
        if not isinstance(key, str):
            raise UsageError(f"{where}: YAML reads a key as {key!r}. Write it in quotes")
    return {str(key): value for key, value in section.items()}


def _typed(default: object, value: object, origin: str) -> object:
    if isinstance(default, Mapping):
        if isinstance(value, Mapping):
            return _texts(value, origin)
        raise UsageError(f"{origin} should be a mapping of names to values, not {value!r}.")
    if isinstance(default, tuple):
        items = value.split(",") if isinstance(value, str) else value
        if isinstance(items, list):
            return tuple(item.strip() if isinstance(item, str) else item for item in items)
        raise UsageError(f"{origin} should be a list, not {value!r}.")
    text = str(value).strip()
    if isinstance(default, bool):
        if text.lower() in TRUE | FALSE:
            return text.lower() in TRUE
        raise UsageError(f"{origin} should be true or false, not {text!r}.")
    if isinstance(default, int):
        return whole_number(text, origin)
    return str(value)


def _valid(name: str, value: object, origin: str) -> object:
    if name in RULES and not RULES[name][0](value):
        rule = f"de.{name} is {RULES[name][1]}, not {value!r}."
        raise UsageError(rule if origin == f"de.{name}" else f"{origin}: {rule}")
    return value


def typed(values: Mapping[str, object], where: str) -> dict[str, object]:
    """Settings that stand in a part of the configuration of their own, in their types.

    Raises `UsageError` naming a value that has the wrong form.
    """
    default = Settings()
    return {
        name: _valid(name, _typed(getattr(default, name), value, f"{where}: {name}"), where)
        for name, value in values.items()
    }


def cache_folder(settings: Settings) -> Path:
    """Where what can be made again is kept."""
    if settings.cache:
        return Path(settings.cache).expanduser()
    return default_folder("cache")


def sandbox_folder(values: Settings) -> Path:
    """The data directory of this machine's sandbox."""
    if values.sandbox_data:
        return Path(values.sandbox_data).expanduser().resolve()
    return default_folder("data") / "sandbox"


def default_folder(kind: str) -> Path:
    """The user's folder for `cache` or `data`, as the operating system has it."""
    import platformdirs

    finder = {"cache": platformdirs.user_cache_path, "data": platformdirs.user_data_path}
    return finder[kind]("de-tasks")
