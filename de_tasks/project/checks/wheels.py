"""Pins and Pythons that do not go together, as far as that is known without asking an index.

Of packages that are compiled, and that hardly any server can compile: from which version on there
are wheels for which Python (Linux, x86-64). What is not in here is never spoken of.
"""

from __future__ import annotations

from collections.abc import Callable

from packaging.version import Version

PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
FIRST_WITH_WHEELS = {
    "numpy": "1.19.3 1.21.2 1.23.2 1.26.0 2.1.0 2.3.2",
    "pandas": "1.1.3 1.3.3 1.5.0 2.1.1 2.2.3 2.3.3",
    "scipy": "1.5.4 1.7.2 1.9.2 1.11.2 1.14.1 1.16.1",
    "scikit-learn": "0.24.0 1.0.2 1.1.3 1.3.1 1.5.2 1.7.2",
    "matplotlib": "3.3.3 3.5.0 3.6.0 3.7.3 3.9.2 3.10.5",
    "pyarrow": "3.0.0 6.0.0 10.0.1 14.0.0 18.0.0 22.0.0",
    "lxml": "4.5.2 4.6.3 4.9.1 4.9.3 5.3.0 6.0.1",
    "psycopg2-binary": "2.8.6 2.9.1 2.9.5 2.9.9 2.9.10 2.9.11",
    "pillow": "8.0.0 8.3.2 9.2.0 10.0.0 10.4.0 11.3.0",
    "statsmodels": "0.12.1 0.13.1 0.13.3 0.14.0 0.14.3 0.14.5",
    "h5py": "3.0.0 3.6.0 3.8.0 3.10.0 3.12.1 3.15.0",
    "pyyaml": "5.4 6.0 6.0 6.0.1 6.0.2 6.0.3",
    "greenlet": "0.4.17 1.1.0 1.1.3 3.0.0 3.1.0 3.2.4",
    "grpcio": "1.33.1 1.41.0 1.49.1 1.59.0 1.66.2 1.75.1",
}
"""For each of `PYTHONS`, the first version that has a wheel for it."""
OLDER = "3.8"
"""The newest that a version can have wheels for which has none for the first of `PYTHONS`."""
OLDEST_DEFAULT = "3.10"
"""What an app gets that asks for no Python; servers that are newer have a later one."""


def newest_python(package: str, ends_before: Callable[[Version], bool]) -> str:
    """The newest Python that a requirement has wheels for, empty where that is not known, or
    where it has them for all that are known. `ends_before` says whether it lets in neither a
    version nor a later one."""
    firsts = FIRST_WITH_WHEELS.get(package, "").split()
    have = [
        python
        for python, first in zip(PYTHONS, firsts, strict=False)
        if not ends_before(Version(first))
    ]
    if not firsts or len(have) == len(PYTHONS):
        return ""
    return have[-1] if have else OLDER


def later(python: str, than: str) -> bool:
    """Whether one Python is later than another, by their minor versions."""
    return minor(python) > minor(than)


def minor(python: str) -> tuple[int, ...]:
    """`3.11.7` as (3, 11)."""
    return tuple(int(part) for part in python.split(".")[:2])


def first_with(package: str, python: str) -> str:
    """The first version that has a wheel for a Python; for an unknown one, for the latest known."""
    wanted = ".".join(map(str, minor(python)))
    at = PYTHONS.index(wanted) if wanted in PYTHONS else len(PYTHONS) - 1
    return FIRST_WITH_WHEELS[package].split()[at]
