"""What the retry policy and the shared budget add to an ordinary call: `python bench/calls.py`.

The call itself does nothing, so that what is measured is theirs alone.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from de_tasks.auth.caller import Account
from de_tasks.auth.credentials import ApiKey
from de_tasks.net.budget import Budget, Spending
from de_tasks.net.limit_reports import ReportedWindow
from de_tasks.net.retry import Attempt, Policy

CALLS = 2000


def median(call: Callable[[], object]) -> float:
    """Milliseconds of a call."""
    seconds = []
    for _ in range(CALLS):
        begin = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds) * 1000


def main() -> None:
    """Print the rows."""

    def answer(this: Attempt, spending: Spending) -> None:
        spending.told = ReportedWindow(1_000_000, 999_999, 60, 60)

    with tempfile.TemporaryDirectory() as folder:
        key, policy = ApiKey("host", "dev", "key"), Policy()
        account = Account(key, policy, Budget(Path(folder), "host", "dev"))
        layer = median(lambda: policy.call(lambda this: None))
        both = median(lambda: account.act(answer, points=1))
    print(f"| retry policy | a call without it | {layer:.3f} ms | 1 ms |")
    print(f"| retry policy and shared budget | a call without them | {both:.3f} ms | 1 ms |")


if __name__ == "__main__":
    main()
