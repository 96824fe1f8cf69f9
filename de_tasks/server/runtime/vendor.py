"""The vendor's own packages, which a sandbox finds only where their index was named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from de_tasks.appspec import VENDOR_PACKAGES, VENDOR_STUB

REMEDY = (
    "add it with the line '--extra-index-url https://<your Dash Enterprise>/packages' at the top "
    "of requirements.txt"
)


def missing(said: str) -> str:
    """Why an install failed, where uv names one of the vendor's packages; else empty."""
    for name in re.findall(r"[a-z][a-z-]*[a-z]", said.lower().replace("_", "-")):
        if name in VENDOR_PACKAGES:
            return f"{name} comes from your Dash Enterprise's own index: {REMEDY}"
    return ""


def stubs(environment: Path) -> Iterator[str]:
    """A sentence for each of the vendor's packages of which only the empty stub is installed."""
    for folder in environment.glob(f"lib/python*/site-packages/*-{VENDOR_STUB}.dist-info"):
        name = folder.name.removesuffix(f"-{VENDOR_STUB}.dist-info").lower().replace("_", "-")
        if name in VENDOR_PACKAGES:
            yield (
                f"{name} {VENDOR_STUB} is an empty stub; the package comes from your Dash "
                f"Enterprise's own index: {REMEDY}"
            )
