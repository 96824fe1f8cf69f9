"""Amounts of memory as people write them: `512Mi`, `2Gi`."""

from __future__ import annotations

import re

from de_tasks.errors import UsageError

UNITS = {"M": 1024**2, "G": 1024**3}
LEAST = 16 * UNITS["M"]
"""Below that a database refuses almost everything."""
MOST = 1024 * UNITS["G"]


def amount(text: str) -> int:
    """Bytes of an amount in MiB or GiB. Raises `UsageError` for anything else."""
    found = re.fullmatch(r"(\d{1,6})([MG])(?:i|iB|B)?", text.strip(), re.ASCII | re.IGNORECASE)
    number = int(found[1]) * UNITS[found[2].upper()] if found else 0
    if not LEAST <= number <= MOST:
        raise UsageError(
            f"{text!r} is not a memory limit: write a whole number of MiB or GiB, such as 512Mi "
            "or 2Gi, at least 16Mi."
        )
    return number


def words(number: int) -> str:
    """The amount in the largest unit that it is a multiple of."""
    unit = "G" if number % UNITS["G"] == 0 else "M"
    return f"{number // UNITS[unit]}{unit}i"
