"""invoke's configuration files read as UTF-8, as they are written, on every system.

invoke reads them in the encoding of the system: on Windows an umlaut becomes two other letters,
and a byte order mark a part of the first key. The parsers themselves tell UTF-8 from UTF-16.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import invoke
from invoke.util import yaml


def read_as_utf8() -> None:
    """Let invoke read its files so from now on."""
    if not hasattr(invoke.Config, "_de_utf8"):
        invoke.Config._de_utf8 = True  # type: ignore[attr-defined]
        invoke.Config._load_yaml = _load(yaml.safe_load)  # type: ignore[method-assign]
        invoke.Config._load_yml = _load(yaml.safe_load)  # type: ignore[method-assign]
        invoke.Config._load_json = _load(json.loads)  # type: ignore[method-assign]


def read_again(config: invoke.Config) -> None:
    """Read the files that invoke has read before anybody could ask it to read them as UTF-8."""
    read_as_utf8()
    for level, load in (("system", config.load_system), ("user", config.load_user)):
        if getattr(config, f"_{level}_found"):
            config._set(f"_{level}_found", None)  # type: ignore[no-untyped-call]
            load(merge=False)


def _load(parse: Callable[[bytes], Any]) -> Any:
    def load(self: invoke.Config, path: Any) -> Any:
        return parse(Path(path).read_bytes())

    return load
