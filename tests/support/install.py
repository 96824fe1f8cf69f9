"""`python -m tests.support.install`: put this checkout and what its tests need into the environment
that runs this, which has uv and nothing else.

uv takes a fifth of pip's time. Where it cannot do it, pip does, which is set up on more machines.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from de_tasks.server.runtime.pip_settings import uv_environment

WHAT = ("--quiet", "--editable", ".[sandbox,dev]")


def main() -> int:
    """Install; returns the exit code of the one that tried last."""
    uv = str(Path(sys.executable).with_name("uv"))
    environment = {**os.environ, **uv_environment(os.environ)}
    first = [uv, "pip", "install", "--python", sys.executable, *WHAT]
    if subprocess.run(first, env=environment, check=False).returncode == 0:
        return 0
    second = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", *WHAT]
    return subprocess.run(second, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
