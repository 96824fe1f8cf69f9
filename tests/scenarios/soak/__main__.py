"""`make soak`: kill the sandbox 200 times, print what was found, exit 1 if anything was."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from tests.scenarios.soak.fire import Fire


def main() -> int:
    """Run the rounds."""
    parser = argparse.ArgumentParser(prog="python -m tests.scenarios.soak", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    random.seed(given.seed)
    begin, wrong = time.monotonic(), 0
    print(f"seed {given.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        fire = Fire(Path(folder), lambda text: print(text, flush=True))
        # Closed in any case: an interrupt must not leave a sandbox behind.
        with closing(fire.rounds(given.kills)) as rounds:
            for found in rounds:
                wrong += 1
                print(f"WRONG  {found}", flush=True)
    minutes = (time.monotonic() - begin) / 60
    print(f"{fire.kills} kills in {minutes:.0f} minutes, {wrong} times something was wrong.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
