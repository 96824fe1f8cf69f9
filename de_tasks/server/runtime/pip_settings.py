"""Carry pip's settings over to uv, which reads none of them.

A sandbox behind a company's package mirror works where `pip install` works. Read: pip's
configuration files (https://pip.pypa.io/en/stable/topics/configuration/), then `PIP_*`
variables, which win. Written: uv's variables (https://docs.astral.sh/uv/reference/environment/).
"""

from __future__ import annotations

import configparser
import math
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

OPTIONS = (
    "index-url",
    "extra-index-url",
    "find-links",
    "no-index",
    "cert",
    "client-cert",
    "trusted-host",
    "proxy",
    "timeout",
)
TRUE = {"1", "true", "yes", "on"}


def pip_options(environment: Mapping[str, str]) -> dict[str, str]:
    """pip's settings by option name, the last one that speaks winning."""
    return {**_from_files(environment), **_from_variables(environment)}


def _from_files(environment: Mapping[str, str]) -> dict[str, str]:
    options: dict[str, str] = {}
    for path in _config_files(environment):
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue
        for section in ("global", "install"):
            if parser.has_section(section):
                given = {key.replace("_", "-"): value for key, value in parser.items(section)}
                options |= {key: given[key] for key in OPTIONS if key in given}
    return options


def _from_variables(environment: Mapping[str, str]) -> dict[str, str]:
    named = {option: "PIP_" + option.upper().replace("-", "_") for option in OPTIONS}
    return {o: environment[name] for o, name in named.items() if environment.get(name)}


def uv_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that make uv see what pip would see; `UV_*` variables already set win."""
    # pip takes the best version of any index, uv by itself the first index that has one.
    result = {"UV_INDEX_STRATEGY": "unsafe-best-match"} | _translated(pip_options(environment))
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSL_CLIENT_CERT"):
        if name not in result and environment.get(name):
            result[name] = environment[name]
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        for spelling in (name, name.lower()):
            if environment.get(spelling):
                result[spelling] = environment[spelling]
    result |= {key: value for key, value in environment.items() if key.startswith("UV_")}
    return result


def of_app(variables: Mapping[str, str]) -> dict[str, str]:
    """What the `PIP_*` variables of an app change, as they would where pip installs."""
    return _translated(_from_variables(variables))


def _translated(pip: Mapping[str, str]) -> dict[str, str]:
    result: dict[str, str] = {}
    if "index-url" in pip:
        result["UV_DEFAULT_INDEX"] = pip["index-url"].strip()
    if "extra-index-url" in pip:
        result["UV_INDEX"] = " ".join(pip["extra-index-url"].split())
    if "find-links" in pip:
        result["UV_FIND_LINKS"] = ",".join(pip["find-links"].split())
    if pip.get("no-index", "").lower() in TRUE:
        result["UV_NO_INDEX"] = "1"
    if "cert" in pip:
        result["SSL_CERT_FILE"] = pip["cert"]
    if "client-cert" in pip:
        result["SSL_CLIENT_CERT"] = pip["client-cert"]
    if "trusted-host" in pip:
        result["UV_INSECURE_HOST"] = " ".join(pip["trusted-host"].split())
    if "proxy" in pip:
        result["ALL_PROXY"] = pip["proxy"]
    if "timeout" in pip:
        result["UV_HTTP_TIMEOUT"] = _whole(pip["timeout"])
    return result


def _whole(seconds: str) -> str:
    # pip takes fractions, and uv ends at one. What is no number, uv itself refuses.
    with suppress(ValueError, OverflowError):
        return str(math.ceil(float(seconds)))
    return seconds


def secrets_in(environment: Mapping[str, str]) -> set[str]:
    """User names and passwords that stand in addresses of the environment, for redaction."""
    found: set[str] = set()
    for value in environment.values():
        for word in value.replace(",", " ").split():
            if "@" in word and "://" in word:
                parts = urlsplit(word)
                found |= {part for part in (parts.password, parts.netloc.split("@")[0]) if part}
    return found


def _config_files(environment: Mapping[str, str]) -> list[Path]:
    explicit = environment.get("PIP_CONFIG_FILE")
    if explicit == os.devnull:
        return []
    home = Path(environment.get("HOME", "~")).expanduser()
    xdg = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    files = [
        *(Path(d) / "pip" / "pip.conf" for d in _xdg_dirs(environment)),
        Path("/etc/pip.conf"),
        home / ".pip" / "pip.conf",
        xdg / "pip" / "pip.conf",
        Path(sys.prefix) / "pip.conf",
    ]
    return [*files, Path(explicit)] if explicit else files


def _xdg_dirs(environment: Mapping[str, str]) -> list[str]:
    return [d for d in environment.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":") if d]
