"""Packages of one module, made on the spot: no test asks an index."""

from __future__ import annotations

import zipfile
from pathlib import Path


def wheel(folder: Path, name: str, version: str) -> Path:
    """A wheel of a package whose module of the same name has its version."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}-{version}-py3-none-any.whl"
    about = f"{name}-{version}.dist-info"
    tag = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"{name}.py", f"version = {version!r}\n")
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        archive.writestr(f"{about}/METADATA", metadata)
        archive.writestr(f"{about}/WHEEL", tag)
        archive.writestr(f"{about}/RECORD", "")
    return file


def index(folder: Path, **versions: str) -> str:
    """The address of an index (PEP 503) that has one version of each of the named packages."""
    for name, version in versions.items():
        file = wheel(folder / name, name, version)
        (file.parent / "index.html").write_text(f"<a href='{file.name}'>{file.name}</a>")
    return folder.as_uri()
